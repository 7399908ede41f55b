"""WebDataset shards, opened by the libraries that read them, and hostile ones, opened by us."""

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.exchange.odd import tokens_of, write_odd
from tests.helpers import drawn_dataset, drawn_token, rejected_token
from traitlens.exchange import ExportConfig, export, import_data
from traitlens.exchange import tar as tars
from traitlens.records import CollectionInfo
from traitlens.store import Dataset


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep `datasets` off the net, and its cache out of the home folder."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def mixed(path: Path) -> Dataset:
    """Write a data set whose later tokens have what the first have not: frames and names."""
    tokens = [drawn_token("mixed", number) for number in range(30)]
    for number, token in enumerate(tokens):
        if number > 9 and token.image is not None:
            frames = (token.image,) * (number % 3)
            tokens[number] = replace(token, name=f"Ape {number}", more_images=frames)
    info = CollectionInfo(name="Mixed.Apes ✕")
    tokens.append(rejected_token("mixed", 30))
    return write_odd(path, [(info, tokens)])


def test_the_library_reads_pictures_captions_and_json(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    data = mixed(tmp_path / "data")
    export(data, tmp_path / "x", to="webdataset")
    urls = [str(path) for path in (tmp_path / "x" / "train").iterdir()]
    samples = list(webdataset.WebDataset(urls, shardshuffle=False))
    tokens = list(data.tokens(split="train"))
    assert [sample["png"] for sample in samples] == [token.image for token in tokens]
    assert [sample["txt"].decode() for sample in samples] == [token.caption for token in tokens]
    assert [json.loads(sample["json"])["token_id"] for sample in samples] == [
        token.token_id for token in tokens
    ]
    assert samples[0]["__key__"] == "Mixed-Apes-000000000"


@pytest.mark.usefixtures("offline")
def test_datasets_opens_the_folder_with_its_splits(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    data = mixed(tmp_path / "data")
    export(data, tmp_path / "x", to="webdataset")
    opened = datasets.load_dataset(str(tmp_path / "x"))
    assert {split: len(opened[split]) for split in opened} == data.manifest.collections[0].splits
    assert opened["train"][0]["png"].size == (24, 24)
    assert opened["train"][0]["json"]["token_id"] == "0"


def test_the_tars_are_the_same_for_anybody_at_any_time(tmp_path: Path) -> None:
    export(mixed(tmp_path / "data"), tmp_path / "x", to="webdataset")
    with tarfile.open(next((tmp_path / "x" / "train").iterdir())) as archive:
        members = archive.getmembers()
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in members} == {
        (0, 0, 0, "", "", 0o644)
    }


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (ExportConfig(max_shard_tokens=10), [10, 10, 4]),
        (ExportConfig(max_shard_bytes=1), [1] * 24),
        (ExportConfig(), [24]),
    ],
)
@pytest.mark.parametrize("to", ["webdataset", "huggingface"])
def test_a_full_shard_is_followed_by_another(
    tmp_path: Path, to: str, config: ExportConfig, expected: list[int]
) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 30})
    made = export(data, tmp_path / "x", to=to, config=config)
    names = made.collections[0].files["train"]
    assert len(names) == len(expected)
    if to == "webdataset":
        sizes = [sum(m.name.endswith(".png") for m in _members(tmp_path / "x" / n)) for n in names]
        assert sizes == expected
    assert tokens_of(import_data(tmp_path / "x", tmp_path / "back")) == tokens_of(data)


def _members(path: Path) -> list[tarfile.TarInfo]:
    with tarfile.open(path) as archive:
        return archive.getmembers()


def test_names_that_are_one_in_ascii_stay_apart(tmp_path: Path) -> None:
    found = [
        (CollectionInfo(name=name), [replace(drawn_token("x", 1), split="train")])
        for name in ("Ape ✕", "Ape •", "ape -")
    ]
    data = write_odd(tmp_path / "data", found)
    export(data, tmp_path / "x", to="webdataset")
    shards = sorted(path.name for path in (tmp_path / "x" / "train").iterdir())
    assert shards == ["Ape-00000.tar", "Ape~2-00000.tar", "ape~3-00000.tar"]
    assert tokens_of(import_data(tmp_path / "x", tmp_path / "back")) == tokens_of(data)


def rewritten(path: Path, changes: dict[str, bytes]) -> None:
    """Write a tar anew with some of its members changed, by the end of their names."""
    with tarfile.open(path) as archive:
        contents = [(m.name, archive.extractfile(m).read()) for m in archive]  # type: ignore[union-attr]
    with path.open("wb") as sink:
        for name, content in contents:
            ending = next((ending for ending in changes if name.endswith(ending)), None)
            tars.add(sink, name, content if ending is None else changes[ending])
        tars.close(sink)


def document(**values: Any) -> bytes:
    ours = json.dumps({"status": "kept"})
    plain = {"token_uid": "u", "collection": "robots", "token_id": "1", "width": 24, "height": 24}
    return json.dumps({**plain, "traits": [], "traitlens": ours, **values}).encode()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"0.json": b"{"}, "broken record"),
        ({"0.json": b"[]"}, "broken record"),
        ({"0.json": document(traitlens="[]")}, "broken record"),
        ({"0.json": document(traitlens='{"frames": 3}')}, "broken record"),
        ({"0.json": document(collection="owls")}, "broken record"),
        ({"0.txt": b"\xff"}, "broken record"),
        ({"0.png": b"no picture"}, "picture is not as described"),
        ({"0.json": document(width=10**5, height=10**5)}, "too many pixels"),
    ],
)
def test_a_sample_that_is_broken_costs_its_row_only(
    tmp_path: Path, changes: dict[str, bytes], reason: str
) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 8}, rejected=0)
    export(data, tmp_path / "x", to="webdataset")
    (tmp_path / "x" / "SHA256SUMS").unlink()
    rewritten(tmp_path / "x" / "train" / "robots-00000.tar", changes)
    (entry,) = import_data(tmp_path / "x", tmp_path / "back").manifest.collections
    assert (entry.read, entry.rejected) == (8, {reason: 1})


def archive_of(kind: bytes, *, size: int = 0) -> bytes:
    info = tarfile.TarInfo("robots-000000000.png")
    info.type, info.size = kind, size
    info.linkname = "/etc/passwd"
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


@pytest.mark.parametrize(
    "content",
    [
        archive_of(tarfile.SYMTYPE),
        archive_of(tarfile.LNKTYPE),
        archive_of(tarfile.GNUTYPE_SPARSE, size=2**40),
        archive_of(tarfile.XHDTYPE, size=2**40),
        archive_of(tarfile.GNUTYPE_LONGNAME, size=2**40),
        archive_of(tarfile.DIRTYPE),
        archive_of(tarfile.REGTYPE, size=10**5),
        b"\x1f\x8b" + bytes(2000),
        b"short",
        b"",
    ],
)
def test_a_tar_of_anything_but_plain_files_is_not_read(content: bytes) -> None:
    with pytest.raises(tars.TarError):
        list(tars.members(io.BytesIO(content), max_bytes=10**6))


def test_a_member_that_is_too_large_is_passed_over(tmp_path: Path) -> None:
    sink = io.BytesIO()
    for name, content in {"a": b"x" * 600, "b": b"small"}.items():
        tars.add(sink, name, content)
    tars.close(sink)
    sink.seek(0)
    assert list(tars.members(sink, max_bytes=512)) == [("a", None), ("b", b"small")]


def test_a_token_of_endless_files_is_not_read(tmp_path: Path) -> None:
    from traitlens.exchange.webdataset import _contents

    def endless() -> Iterator[tuple[str, bytes]]:
        while True:
            yield "key.png", b"x"

    with pytest.raises(tars.TarError, match="too many files of one token"):
        _contents(endless(), max_bytes=10**6)
