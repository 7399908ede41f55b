"""Folders and zips in the OpenSea shape become collections, or one clear sentence."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers import draw, png
from traitlens.errors import SourceError
from traitlens.sources import open_sources

PICTURE = png(draw({"background": "red"}))
DOCUMENT = json.dumps({"attributes": [{"trait_type": "Hat", "value": "Cap"}]}).encode()


def write_folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tokens(*ids: str) -> dict[str, bytes]:
    pictures = {f"images/{i}.png": PICTURE for i in ids}
    return pictures | {f"metadata/{i}.json": DOCUMENT for i in ids}


@pytest.mark.parametrize("prefix", ["", "apes/"])
def test_a_zip_and_a_folder_give_the_same_tokens_in_natural_order(
    tmp_path: Path, prefix: str
) -> None:
    files = tokens("10", "9", "1")
    zipped = write_zip(tmp_path / "a.zip", {prefix + name: data for name, data in files.items()})
    (from_zip,) = open_sources([zipped])
    (from_folder,) = open_sources([write_folder(tmp_path / "b", files)])
    for collection in (from_zip, from_folder):
        raw = [collection.read(found) for found in collection.found]
        assert [token.token_id for token in raw] == ["1", "9", "10"]
        assert all(token.media == PICTURE and token.problem is None for token in raw)


def test_a_folder_of_collections_is_as_many_collections(tmp_path: Path) -> None:
    write_folder(tmp_path / "apes", tokens("1"))
    write_zip(tmp_path / "owls.zip", tokens("1"))
    assert [c.info.name for c in open_sources([tmp_path])] == ["apes", "owls"]


def test_the_collections_own_words_name_it(tmp_path: Path) -> None:
    info = {"collection": "Ape/Club", "contract": "0xAB", "licence": "CC0"}
    files = tokens("1") | {"collection.json": json.dumps(info).encode()}
    (collection,) = open_sources([write_folder(tmp_path / "x", files)])
    assert collection.info.name == "Ape-Club"
    assert (collection.info.contract, collection.info.licence) == ("0xAB", "CC0")


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"images/2.png": PICTURE}, "no metadata"),
        ({"metadata/2.json": DOCUMENT}, "no picture"),
        ({"images/2.png": PICTURE, "metadata/2.json": b"{"}, "broken JSON"),
        ({"images/2.png": PICTURE, "metadata/2.json": b"[" * 100_000}, "broken JSON"),
        (
            {"images/2.png": PICTURE, "images/2.jpg": PICTURE, "metadata/2.json": DOCUMENT},
            "two tokens of one id",
        ),
    ],
)
def test_an_incomplete_token_says_what_is_wrong_with_it(
    tmp_path: Path, files: dict[str, bytes], problem: str
) -> None:
    (collection,) = open_sources([write_folder(tmp_path / "x", tokens("1") | files)])
    problems = {found.token_id: collection.read(found).problem for found in collection.found}
    assert problems == {"1": None, "2": problem}


def test_a_zip_with_two_members_of_one_name_has_two_tokens_of_one_id(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", tokens("1", "2"))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("images/1.png", PICTURE)
    (collection,) = open_sources([path])
    assert collection.read(collection.found[0]).problem == "two tokens of one id"


def test_a_damaged_member_costs_one_token(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", tokens("1", "2"))
    data = bytearray(path.read_bytes())
    at = data.index(PICTURE)
    data[at + 20] ^= 0xFF
    path.write_bytes(data)
    (collection,) = open_sources([path])
    problems = [collection.read(found).problem for found in collection.found]
    assert sorted(problems, key=str) == [None, "unreadable file"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "is empty"),
        (tokens("1") | {"collection.json": b"{"}, "collection.json of .* is broken JSON"),
    ],
)
def test_a_zip_that_is_no_collection_is_refused_in_one_sentence(
    tmp_path: Path, files: dict[str, bytes], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        open_sources([write_zip(tmp_path / "a.zip", files)])


def test_wrong_paths_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file or folder: nowhere"):
        open_sources(["nowhere"])
    with pytest.raises(SourceError, match="it needs images/ and metadata/"):
        open_sources([tmp_path])
    (tmp_path / "text.txt").write_text("hello")
    with pytest.raises(SourceError, match="neither a folder nor a zip"):
        open_sources([tmp_path / "text.txt"])


def test_two_collections_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_folder(tmp_path / folder / "apes", tokens("1"))
    with pytest.raises(SourceError, match="two collections are called 'apes'"):
        open_sources([tmp_path / "a", tmp_path / "b"])


def test_a_collection_that_changes_while_it_is_read_stops_the_work(tmp_path: Path) -> None:
    (collection,) = open_sources([write_folder(tmp_path / "x", tokens("1"))])
    write_folder(tmp_path / "x", tokens("2"))
    open_sources([write_folder(tmp_path / "y", tokens("1"))])  # another list is kept now
    with pytest.raises(SourceError, match="was changed while it was being read"):
        _ = collection.found


def test_a_changed_file_changes_the_fingerprint(tmp_path: Path) -> None:
    marks = {
        open_sources([write_zip(tmp_path / "a.zip", tokens("1") | extra)])[0].fingerprint
        for extra in ({}, {"metadata/1.json": DOCUMENT + b" "}, {"metadata/2.json": DOCUMENT})
    }
    assert len(marks) == 3


def collected(*records: object) -> dict[str, bytes]:
    lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in records]
    info = {"collection": "apes", "source": "JSON-RPC", "block": 7}
    return {
        "tokens.jsonl": b"\n".join(lines),
        "collection.json": json.dumps(info).encode(),
        **tokens("1", "2"),
        "metadata/10.json": DOCUMENT,
    }


@pytest.mark.parametrize("write", [write_folder, write_zip])
def test_a_collected_folder_says_why_tokens_are_missing_and_where_pictures_were(
    write: Callable[[Path, dict[str, bytes]], Path], tmp_path: Path
) -> None:
    files = collected(
        {"token_id": "1", "status": "collected", "media": {"url": "ipfs://Qm/1.png"}},
        {"token_id": "2", "status": "collected", "media": {"url": "data:"}},
        {"token_id": "3", "status": "rejected", "half": "uri", "reason": "tokenURI failed"},
        {"token_id": "10", "status": "failed", "half": "media", "reason": "timed out"},
    )
    (collection,) = open_sources([write(tmp_path / "apes.zip", files)])
    assert collection.info.source == "JSON-RPC, block 7"
    read = [collection.read(found) for found in collection.found]
    assert collection.count == 4
    assert [(token.token_id, token.problem) for token in read] == [
        ("1", None),
        ("2", None),
        ("3", "no metadata: tokenURI failed"),
        ("10", "no picture: timed out"),
    ]
    assert [token.source_uri.removeprefix("apes.zip/") for token in read] == [
        "ipfs://Qm/1.png", "images/2.png", "tokens.jsonl", "metadata/10.json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "record",
    [
        b"{",
        b"\xff",
        b"[" * 100_000,
        b"x" * 2**21,
        [],
        {"token_id": "../3", "status": "failed", "reason": "x"},
        {"token_id": 3, "status": "failed", "reason": "x"},
        {"token_id": "3", "status": "failed", "reason": "\u001b[2J"},
        {"token_id": "3", "status": "collected", "reason": "x"},
        {"token_id": "1", "status": "collected", "media": {"url": ["x"]}},
    ],
)
def test_a_strangers_record_adds_nothing(record: object, tmp_path: Path) -> None:
    (collection,) = open_sources([write_folder(tmp_path / "apes", collected(record))])
    read = [collection.read(found) for found in collection.found]
    assert [token.token_id for token in read] == ["1", "2", "10"]
    assert [token.problem for token in read] == [None, None, "no picture"]
    assert read[0].source_uri == "apes/images/1.png"
