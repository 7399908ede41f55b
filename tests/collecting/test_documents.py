"""Metadata documents as they occur are read, or rejected with the right reason."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from traitlens.collecting.documents import (
    MAX_BYTES,
    MAX_DEPTH,
    Document,
    media_addresses,
    read_document,
)
from traitlens.collecting.places import place_of
from traitlens.sources import read_traits

SHARED = Path(os.environ.get("TRAITLENS_SHARED", Path(__file__).parents[3] / "shared"))
CORPUS = SHARED / "metadata-corpus" / "docs"
AT = "https://example.org/meta/1"

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def outcome(data: bytes) -> list[str]:
    """Return what becomes of a document, as the table of the corpus says it."""
    document = read_document(data)
    if isinstance(document, str):
        return [document, "", ""]
    traits = read_traits(document.value)
    count = str(0 if isinstance(traits, str) else len(traits))
    addresses = media_addresses(document.value)
    if not addresses:
        return ["names no media", "", count]
    return [addresses[0].key, place_of(addresses[0].uri, base=AT).name, count]


def table() -> dict[str, list[str]]:
    lines = (Path(__file__).parent / "corpus.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return {name: said for name, *said in rows}


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no {CORPUS}")
def test_each_document_of_the_corpus_is_read_or_rejected_as_the_table_says() -> None:
    found = {path.stem: outcome(path.read_bytes()) for path in CORPUS.iterdir()}
    assert found == table()


def test_the_table_has_140_documents() -> None:
    assert len(table()) == 140


HAT = {"trait_type": "Hat", "value": "Cap"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"name": 7, "image": "ipfs://x/1.png", "attributes": [HAT]}, ["image", "nowhere", "1"]),
        ({"image": "1.png", "attributes": [[HAT, HAT]]}, ["image", "example.org", "2"]),
        ({"image": "ipfs://NewUriToReplace/1.png"}, ["image", "nowhere", "0"]),
        ({"image_url": f"ar://{'a' * 43}", "traits": [HAT]}, ["image_url", "arweave", "1"]),
        ({"image_data": SVG.decode(), "image": None}, ["image_data", "on chain", "0"]),
        ({"imageURL": "data:image/bmp;base64,Qk0="}, ["imageURL", "on chain", "0"]),
        ({"image": "https://a.example/1", "animation_url": ""}, ["image", "a.example", "0"]),
        ({"attributes": [{"key": "dataset", "value": "29"}]}, ["names no media", "", "1"]),
        ({"image": "https://a.example", "features": {"City": "A"}}, ["image", "a.example", "1"]),
        ({"one_day_volume": 0.0}, ["names no media", "", "0"]),
        ({"name": "Punks", "image_url": "https://a.example/1", "banner_image_url": None},
         ["describes a collection", "", ""]),
        ({"image": "https://a.example/1", "banner_image_url": "b", "attributes": [HAT]},
         ["image", "a.example", "1"]),
        ([{"image": "https://a.example/1"}], ["no JSON object", "", ""]),
        (None, ["no JSON object", "", ""]),
    ],
)  # fmt: skip
def test_documents_like_those_of_the_corpus(value: Any, said: list[str]) -> None:
    assert outcome(encoded(value)) == said


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty document"),
        (bytes(617), "empty document"),
        (b" \n", "empty document"),
        (b"<!DOCTYPE html><html></html>", "a page, no document"),
        (b"<Error><Code>AccessDenied</Code></Error>", "a page, no document"),
        (PNG, "a picture, no document"),
        (SVG, "a picture, no document"),
        (b"\0\0\0\x18ftypmp42" + bytes(12), "a picture, no document"),
        ('{"name": "Café"}'.encode("latin-1"), "no UTF-8"),
        ('{"name": "Cafe"}'.encode("utf-16"), "no UTF-8"),
        (b'{"name": "x",}', "broken JSON"),
        (b'{"a": [1, 2,]}', "broken JSON"),
        (b"{'name': 'x'}", "broken JSON"),
        (b'{"a": 1} // a comment', "broken JSON"),
        (b'{"a": NaN}', "broken JSON"),
        (b'{"a": -Infinity}', "broken JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "broken JSON"),
        (b'{"a": "cut o', "broken JSON"),
        (b"Not found", "broken JSON"),
        (b'{"a":' * 100_000, "JSON too deep"),
        (b'"' + b" " * MAX_BYTES + b'"', "document too large"),
        (b'"just words"', "no JSON object"),
        (b"42", "no JSON object"),
    ],
)
def test_what_is_no_document_has_a_reason(data: bytes, reason: str) -> None:
    assert read_document(data) == reason


def nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth - 1):
        value = [value]
    return {"deep": value}


def test_json_may_be_as_deep_as_the_limit_and_no_deeper() -> None:
    assert isinstance(read_document(encoded(nested(MAX_DEPTH - 1))), Document)
    assert read_document(encoded(nested(MAX_DEPTH))) == "JSON too deep"


def test_the_bytes_are_kept_as_they_are_with_a_byte_order_mark() -> None:
    data = b'\xef\xbb\xbf {"z": 1,\n "a": 2} \n'
    read = read_document(data)
    assert isinstance(read, Document)
    assert read.value == {"z": 1, "a": 2}
    assert read.data == data
    assert json.loads(read.data) == read.value, "a build reads it as it is"


INNER = b'{"name": "One", "image": "ipfs://x"}'
AS_DATA = "data:application/json;base64," + base64.b64encode(INNER).decode()


@pytest.mark.parametrize(
    "wrapped",
    [
        encoded(INNER.decode()),
        encoded(json.dumps(INNER.decode())),
        encoded(AS_DATA),
        encoded("data:application/json," + INNER.decode()),
    ],
)
def test_a_document_in_a_json_string_is_unwrapped(wrapped: bytes) -> None:
    read = read_document(wrapped)
    assert isinstance(read, Document)
    assert read.data == INNER


def test_wrappings_end_somewhere() -> None:
    value = INNER.decode()
    for _ in range(6):
        value = json.dumps(value)
    assert read_document(value.encode()) == "no JSON object"


@pytest.mark.parametrize("inner", ["[1]", '"x"', "data:application/json;base64,!", '{"a": "\ud800'])
def test_what_is_wrapped_and_no_document_has_a_reason(inner: str) -> None:
    assert isinstance(read_document(encoded(inner)), str)


def uris(value: dict[str, Any]) -> list[str]:
    return [address.uri for address in media_addresses(value)]


def test_still_pictures_come_before_what_moves() -> None:
    value = {"animation_url": "d", "image_data": "c", "image_url": "b", "image": "a"}
    assert uris(value) == ["a", "b", "c", "d"]


def test_an_address_under_two_keys_is_one() -> None:
    assert uris({"image": "a", "image_url": "b", "animation_url": "a"}) == ["a", "b"]


@pytest.mark.parametrize("nothing", [None, "", "  ", "None", "null", 7, True, ["a"], {"url": "a"}])
def test_what_is_no_address_is_passed_over(nothing: Any) -> None:
    assert uris({"image": nothing, "animation_url": " b "}) == ["b"]
