"""What a metadata document holds beside its traits."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import draw, png
from traitlens.sources import document_text, open_sources, read_name
from traitlens.sources.documents import inline_media

PICTURE = png(draw({"background": "red"}))
URI = "data:image/png;base64," + base64.b64encode(PICTURE).decode()
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ({"name": " Ape\n #1 "}, "Ape #1"),
        ({"name": 12}, "12"),
        ({"name": None}, None),
        ({"name": True}, None),
        ({"name": {"en": "Ape"}}, None),
        ({"name": "\ud800"}, "?"),
        ({}, None),
        ([], None),
    ],
)
def test_a_name_is_one_line_of_text_or_nothing(metadata: Any, name: str | None) -> None:
    assert read_name(metadata) == name


def test_a_document_is_kept_in_its_order_without_the_media_in_it() -> None:
    document = {"z": 1, "image": "data:image/png;base64," + "A" * 5000, "a": [{"b": "\u00e9"}]}
    text = document_text(document)
    assert text is not None
    kept = json.loads(text)
    assert list(kept) == ["z", "image", "a"]
    assert kept["a"] == [{"b": "\u00e9"}]
    assert kept["image"].startswith("data:image/png;base64,")
    assert kept["image"].endswith("(5022 characters)")
    assert len(text) < 200


def test_a_document_that_is_too_large_or_absent_is_not_kept() -> None:
    assert document_text({"description": "x" * 70_000}) is None
    assert document_text(None) is None


@pytest.mark.parametrize(
    ("metadata", "media"),
    [
        ({"image": URI}, PICTURE),
        ({"image_data": SVG, "image": "https://example.org/1.png"}, SVG.encode()),
        ({"image": "ipfs://Qm/1.png"}, None),
        ({"image": 7}, None),
        ("image", None),
    ],
)
def test_media_that_lie_in_the_document_are_found(metadata: Any, media: bytes | None) -> None:
    assert inline_media(metadata) == media


def test_a_token_without_a_picture_file_shows_the_one_in_its_document(tmp_path: Path) -> None:
    (tmp_path / "apes/metadata").mkdir(parents=True)
    for token_id, image in (("1", URI), ("2", "ipfs://Qm/2.png")):
        document = {"image": image, "attributes": [{"trait_type": "Hat", "value": "Cap"}]}
        (tmp_path / f"apes/metadata/{token_id}.json").write_text(json.dumps(document))
    (collection,) = open_sources([tmp_path / "apes"])
    first, second = (collection.read(found) for found in collection.found)
    assert (first.media, first.problem) == (PICTURE, None)
    assert (second.media, second.problem) == (None, "no picture")
