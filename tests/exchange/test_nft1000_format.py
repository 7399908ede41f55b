"""The NFT1000 zips that we write, opened by others, and hostile ones, opened by us."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.exchange.odd import tokens_of, write_odd
from tests.helpers import drawn_dataset, drawn_token, rejected_token
from traitlens.errors import DatasetError
from traitlens.exchange import export, import_data
from traitlens.records import CollectionInfo
from traitlens.sources import open_sources
from traitlens.store import Dataset

INFO = CollectionInfo(name="Cool Apes", contract="0xAB", description="apes", url="http://a.pe")


def apes(path: Path) -> Dataset:
    """Write a data set of two apes and a rejected one; the second has two more frames."""
    first = replace(drawn_token("Cool Apes", 0), metadata='{"name":"Ape #0","attributes":[]}')
    second = drawn_token("Cool Apes", 1)
    assert second.image is not None
    second = replace(second, more_images=(second.image, second.image), frame_count=3)
    return write_odd(path, [(INFO, [first, second, rejected_token("Cool Apes", 2)])])


def rewritten(
    path: Path, change: Callable[[str, bytes], bytes | None], *, method: int = zipfile.ZIP_STORED
) -> None:
    """Write a zip anew with its files changed, or left out where `change` gives None."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in contents.items():
            changed = change(name, content)
            if changed is not None:
                archive.writestr(name, changed)


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """Return the path of the zip, alone in a folder, as one that was sent around."""
    export(apes(tmp_path / "data"), tmp_path / "x")
    alone = tmp_path / "sent" / "Cool Apes.zip"
    alone.parent.mkdir()
    (tmp_path / "x" / "Cool Apes.zip").rename(alone)
    return alone


def import_reasons(path: Path, out: Path) -> dict[str, int]:
    (entry,) = import_data(path, out).manifest.collections
    assert entry.read == entry.kept + sum(entry.rejected.values()) == 3
    return entry.rejected


def test_the_zip_has_the_published_tree(exported: Path) -> None:
    with zipfile.ZipFile(exported) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "captions/Cool Apes_0.txt",
            "images/Cool Apes_0.png",
            "metadata/Cool Apes_0.json",
            "prompts/Cool Apes_0.txt",
            "captions/Cool Apes_1.txt",
            "images/Cool Apes_1.png",
            "metadata/Cool Apes_1.json",
            "prompts/Cool Apes_1.txt",
            "frames/Cool Apes_1.1.png",
            "frames/Cool Apes_1.2.png",
            "captions/Cool Apes_2.txt",
            "metadata/Cool Apes_2.json",
            "metadata_dashboard.json",
        ]
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert Image.open(io.BytesIO(archive.read("images/Cool Apes_0.png"))).size == (24, 24)
        document = json.loads(archive.read("metadata/Cool Apes_0.json"))
        assert document["name"] == "Ape #0"
        dashboard = json.loads(archive.read("metadata_dashboard.json"))
    assert dashboard["project_name"] == "Cool Apes"
    assert dashboard["contract_address"] == "0xAB"
    assert (dashboard["total_supply"], dashboard["actual_collected_quantity"]) == (3, 2)


def test_the_list_has_the_authors_keys_and_the_sum_of_the_zip(tmp_path: Path) -> None:
    export(apes(tmp_path / "data"), tmp_path / "x")
    listed = json.loads((tmp_path / "x" / "collections.json").read_text())
    digest = hashlib.sha256((tmp_path / "x" / "Cool Apes.zip").read_bytes()).hexdigest()
    assert listed["total"] == 1
    assert listed["collections"]["Cool Apes"] == {
        "project_name": "Cool Apes",
        "contract_address": "0xAB",
        "total_supply": 3,
        "actual_collected_quantity": 2,
        "description": "apes",
        "official_url": "http://a.pe",
        "checksum_sha256": digest,
    }
    assert (tmp_path / "x" / "SHA256SUMS").read_text() == f"{digest}  Cool Apes.zip\n"


def test_a_zip_alone_and_one_that_was_unpacked_are_the_same_data_set(
    tmp_path: Path, exported: Path
) -> None:
    with zipfile.ZipFile(exported) as archive:
        archive.extractall(tmp_path / "unpacked" / "Cool Apes")
    data = Dataset.open(tmp_path / "data")
    for number, path in enumerate([exported, exported.parent, tmp_path / "unpacked"]):
        back = import_data(path, tmp_path / f"back{number}")
        assert tokens_of(back) == tokens_of(data)
        assert back.manifest.collections[0].info == INFO


def test_our_own_zip_is_a_source_like_the_authors(exported: Path) -> None:
    (collection,) = open_sources([exported])
    raw = [collection.read(found) for found in collection.found]
    assert [token.token_id for token in raw] == ["0", "1", "2"]
    assert [token.problem for token in raw] == [None, None, "no picture"]
    assert "traitlens" not in raw[0].metadata
    assert raw[0].metadata["nft1000"]["caption"].startswith("cool apes")
    assert collection.info.description == "apes"


def test_a_changed_zip_is_told_by_its_sum(tmp_path: Path) -> None:
    export(apes(tmp_path / "data"), tmp_path / "x")
    rewritten(tmp_path / "x" / "Cool Apes.zip", lambda name, content: content)
    with pytest.raises(DatasetError, match="SHA-256 is not the listed one"):
        import_data(tmp_path / "x", tmp_path / "back")


def test_a_zip_that_the_list_names_and_is_gone_stops_the_import(tmp_path: Path) -> None:
    export(drawn_dataset(tmp_path / "data", {"owls": 1, "apes": 1}), tmp_path / "x")
    (tmp_path / "x" / "owls.zip").unlink()
    with pytest.raises(DatasetError, match="lists 'owls', and has no zip or folder of it"):
        import_data(tmp_path / "x", tmp_path / "back")


def changed_ours(**values: Any) -> Callable[[str, bytes], bytes]:
    """Return a change of what is ours in the metadata of token 0."""

    def change(name: str, content: bytes) -> bytes:
        if name != "metadata/Cool Apes_0.json":
            return content
        document = json.loads(content)
        document["traitlens"].update(values)
        return json.dumps(document).encode()

    return change


@pytest.mark.parametrize(
    "values",
    [
        {"token_uid": 7},
        {"token_uid": "\ud800"},
        {"traits": 7},
        {"traits": [{"trait_type": "Hat"}]},
        {"traits": [{"trait_type": "Hat", "value": ["Cap"]}]},
        {"width": "24"},
        {"width": 2**40},
        {"frame": -1},
        {"frames": 10**9},
        {"split": "dev"},
        {"status": "perhaps"},
        {"status": "rejected"},
        {"sha256": "not hex"},
        {"perceptual_hash": "F" * 16},
        {"caption_spans": [[0, 10**6]]},
        {"caption_spans": [[0]]},
        {"name": {"first": "ape"}},
    ],
)
def test_a_record_that_is_none_costs_its_row_only(
    tmp_path: Path, exported: Path, values: dict[str, Any]
) -> None:
    rewritten(exported, changed_ours(**values))
    reasons = import_reasons(exported, tmp_path / "back")
    assert reasons == {"broken picture": 1, "broken record": 1}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("images/Cool Apes_0.png", b"<svg/>", "picture is not as described"),
        ("images/Cool Apes_0.png", None, "no picture"),
        ("frames/Cool Apes_1.2.png", None, "picture is not as described"),
        ("metadata/Cool Apes_0.json", b"{", "broken JSON"),
        ("metadata/Cool Apes_0.json", b"[" * 100_000, "broken JSON"),
        ("metadata/Cool Apes_0.json", b'"' + b"x" * 5_000_000 + b'"', "file too large"),
        ("metadata/Cool Apes_0.json", b"{}", "broken record"),
        ("metadata/Cool Apes_0.json", None, "no metadata"),
        ("captions/Cool Apes_0.txt", b"\xff", "broken record"),
    ],
)
def test_a_file_that_is_broken_or_gone_costs_its_row_only(
    tmp_path: Path, exported: Path, name: str, content: bytes | None, reason: str
) -> None:
    rewritten(exported, lambda at, whole: content if at == name else whole)
    assert import_reasons(exported, tmp_path / "back") == {"broken picture": 1, reason: 1}


def test_a_picture_larger_than_it_says_costs_its_row_only(tmp_path: Path, exported: Path) -> None:
    rewritten(exported, changed_ours(width=20_000, height=20_000))
    assert import_reasons(exported, tmp_path / "back")["too many pixels"] == 1


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_member_costs_its_row_only(tmp_path: Path, exported: Path, method: int) -> None:
    rewritten(exported, lambda name, content: content, method=method)
    with zipfile.ZipFile(exported) as archive:
        info = archive.getinfo("images/Cool Apes_0.png")
    raw = bytearray(exported.read_bytes())
    start = info.header_offset + 30 + len(info.filename)
    raw[start : start + info.compress_size] = bytes(
        byte ^ 255 for byte in raw[start : start + info.compress_size]
    )
    exported.write_bytes(bytes(raw))
    reasons = import_reasons(exported, tmp_path / "back")
    assert reasons == {"broken picture": 1, "unreadable file": 1}


def test_a_bomb_is_not_read(tmp_path: Path, exported: Path) -> None:
    with zipfile.ZipFile(exported, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images/bomb.png", bytes(10_000_000))
    with pytest.raises(DatasetError, match=r"claims to hold .* it is not read"):
        import_data(exported, tmp_path / "back")


def test_names_in_a_dashboard_are_no_paths(tmp_path: Path, exported: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps({"traitlens": {"token_uid": "stolen"}}))
    folder = tmp_path / "unpacked" / "Cool Apes"
    with zipfile.ZipFile(exported) as archive:
        archive.extractall(folder)
    dashboard = json.loads((folder / "metadata_dashboard.json").read_text())
    dashboard["traitlens"]["tokens"] = ["0", "1", "/../../../../secret"]
    (folder / "metadata_dashboard.json").write_text(json.dumps(dashboard))
    assert import_reasons(folder, tmp_path / "back") == {"no metadata": 1}


@pytest.mark.parametrize(
    "ours",
    [
        3,
        {},
        {"prefix": "a", "family": None, "info": {"name": 7}, "tokens": []},
        {"prefix": "a", "family": None, "info": {"name": "a", "age": "7"}, "tokens": []},
        {"prefix": "a", "family": None, "info": {"name": "a"}, "tokens": [1]},
    ],
)
def test_a_dashboard_that_is_broken_is_refused_in_one_sentence(
    tmp_path: Path, exported: Path, ours: Any
) -> None:
    def change(name: str, content: bytes) -> bytes:
        return json.dumps({"traitlens": ours}).encode() if "dashboard" in name else content

    rewritten(exported, change)
    with pytest.raises(DatasetError, match="is no record of a collection"):
        import_data(exported, tmp_path / "back")


def test_what_is_called_a_zip_and_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 no more")
    with pytest.raises(DatasetError, match="is no zip that can be read"):
        import_data(tmp_path / "a.zip", tmp_path / "back")


def test_more_files_than_an_old_zip_can_count_are_written_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 12)  # in truth 65,535
    data = drawn_dataset(tmp_path / "data", {"robots": 9})
    export(data, tmp_path / "x")
    assert b"PK\x06\x06" in (tmp_path / "x" / "robots.zip").read_bytes()  # the record of zip64
    assert tokens_of(import_data(tmp_path / "x", tmp_path / "back")) == tokens_of(data)
