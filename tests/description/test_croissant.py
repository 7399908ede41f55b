"""`croissant.json`, as the reference reader of the format sees it."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.description.datasets import dataset, evil_dataset, rejected, token, with_infos
from tests.helpers import drawn_dataset
from traitlens.description import Publication, write
from traitlens.description.croissant import MEANINGS
from traitlens.errors import ConfigError
from traitlens.records import CollectionInfo, Token
from traitlens.shards import columns
from traitlens.store import Dataset

PUBLISHED = Publication(
    title="Robots", url="https://example.org/robots", licence="CC0-1.0", published="2026-11-21"
)


def opened(data: Dataset, publication: Publication | None = None) -> Any:
    """Return what mlcroissant makes of the file; it raises where the file is not valid."""
    reader = pytest.importorskip("mlcroissant")
    write(data, publication=publication)
    return reader.Dataset(str(data.path / "croissant.json"))


def document(data: Dataset, publication: Publication | None = None) -> dict[str, Any]:
    write(data, publication=publication)
    made: dict[str, Any] = json.loads((data.path / "croissant.json").read_text())
    return made


def test_a_published_data_set_is_valid_without_a_warning(tmp_path: Path) -> None:
    found = opened(drawn_dataset(tmp_path, {"robots": 5}), PUBLISHED)
    assert not found.metadata.ctx.issues.errors
    assert not found.metadata.ctx.issues.warnings
    assert found.metadata.license == ["https://creativecommons.org/publicdomain/zero/1.0/"]
    assert found.metadata.url == "https://example.org/robots"


def test_before_it_is_published_only_the_day_is_missing(tmp_path: Path) -> None:
    issues = opened(drawn_dataset(tmp_path, {"robots": 5})).metadata.ctx.issues
    assert not issues.errors
    (warning,) = issues.warnings
    assert "datePublished" in str(warning)


def test_every_row_can_be_read_offline(tmp_path: Path) -> None:
    kept = token(0, "Hat=Cap", "Pin=Star", caption_spans=((0, 3), (4, 8)), more_images=())
    kept = dataclasses.replace(kept, more_images=(kept.image or b"",), frame_count=2)
    data = dataset(tmp_path, robots=[kept, rejected(1, "broken")])
    first, second = opened(data).records("tokens")
    assert first["tokens/token_uid"] == b"local:files/folder:robots/0"
    assert first["tokens/image"].size == (24, 24)
    assert first["tokens/width"] == 24
    assert [trait["tokens/traits/value"] for trait in first["tokens/traits"]] == [b"Cap", b"Star"]
    assert [span["tokens/caption_spans/end"] for span in first["tokens/caption_spans"]] == [3, 8]
    assert first["tokens/more_images"][0].size == (24, 24)
    assert (second["tokens/status"], second["tokens/image"]) == (b"rejected", None)


def test_the_splits_are_named(tmp_path: Path) -> None:
    found = opened(drawn_dataset(tmp_path, {"robots": 20}))
    named = [row["splits/name"] for row in found.records("splits")]
    assert named == ["train", "validation", "test"]
    said = {row["tokens/split"] for row in found.records("tokens") if row["tokens/split"]}
    assert said == {b"train", b"validation", b"test"}


def test_a_hostile_data_set_is_valid(tmp_path: Path) -> None:
    assert not opened(evil_dataset(tmp_path), PUBLISHED).metadata.ctx.issues.errors


def test_every_column_of_the_store_is_a_field_with_a_meaning(tmp_path: Path) -> None:
    names = [field.name for field in dataclasses.fields(Token) if field.name != "location"]
    assert sorted(column.name for column in columns()) == sorted(names)
    found = document(drawn_dataset(tmp_path, {"robots": 2}))
    tokens = next(one for one in found["recordSet"] if one["@id"] == "tokens")
    assert [field["name"] for field in tokens["field"]] == [column.name for column in columns()]
    parts = {f"{column.name}.{part.name}" for column in columns() for part in column.fields}
    assert set(MEANINGS) == {column.name for column in columns()} | parts


def test_checksums_are_those_of_the_files(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path, {"robots": 2, "owls": 2})
    objects = [one for one in document(data)["distribution"] if one["@type"] == "cr:FileObject"]
    assert [one["@id"] for one in objects] == ["SHA256SUMS", "dataset.json", "statistics.json"]
    for one in objects:
        content = (tmp_path / one["contentUrl"]).read_bytes()
        assert one["sha256"] == hashlib.sha256(content).hexdigest()
        assert one["contentSize"] == f"{len(content)} B"
    lines = (tmp_path / "SHA256SUMS").read_text().splitlines()
    assert len(lines) == 2
    for line in lines:
        checksum, name = line.split("  ")
        assert checksum == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()


def test_licences_are_those_that_the_collections_state(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path, {"robots": 2, "owls": 2})
    assert document(data)["license"] == ["No collection states a licence."]
    infos = {
        "robots": CollectionInfo(name="robots", licence="MIT"),
        "owls": CollectionInfo(name="owls", licence="ask the owls"),
    }
    said = document(with_infos(data, infos))["license"]
    assert said == ["https://spdx.org/licenses/MIT", "ask the owls"]


def test_a_citation_is_one_entry_whatever_the_title(tmp_path: Path) -> None:
    publication = Publication(title="100% {Robots}\\input", published="2026-11-21")
    cited = document(drawn_dataset(tmp_path, {"robots": 2}), publication)["citeAs"]
    assert "title = {100 Robots input}, year = {2026}" in cited
    assert cited.count("{") == cited.count("}") == 4


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "javascript:alert(1)"}, "publication.url must begin with https://"),
        ({"url": "https://a b"}, "publication.url must begin with https://"),
        ({"published": "yesterday"}, "must be a day such as 2026-11-21; got 'yesterday'"),
        ({"published": "20261121"}, "must be a day"),
        ({"title": "  "}, "publication.title must not be empty"),
    ],
)
def test_a_wrong_publication_is_refused(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Publication(**wrong)
