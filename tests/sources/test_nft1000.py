"""The NFT1000 layout as a source: names, documents, and what `open_sources` makes of a zip."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import draw, png
from traitlens.sources import nft1000, open_sources

PICTURE = png(draw({"background": "red"}))
DOCUMENT = {"name": "Ape #1", "attributes": [{"trait_type": "Hat", "value": "Cap"}]}

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)
texts = st.text(st.characters(exclude_categories=["Cs"]))


def write_published(path: Path, *, top: str = "", name: str = "Cool Apes") -> Path:
    """Write a zip as the authors do, of the tokens 0, 1 and 10."""
    dashboard = {"project_name": name, "contract_address": "0xAB", "description": "apes"}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{top}metadata_dashboard.json", json.dumps(dashboard))
        for number in (0, 1, 10):
            stem = f"{name}_{number}"
            archive.writestr(f"{top}captions/{stem}.txt", f"An ape with a cap, {number}.\n")
            archive.writestr(f"{top}images/{stem}.png", PICTURE)
            archive.writestr(f"{top}metadata/{stem}.json", json.dumps(DOCUMENT))
            archive.writestr(f"{top}prompts/{stem}.txt", "ape, cap")
    return path


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["metadata_dashboard.json", "metadata/a_1.json"], True),
        (["images/a_1.png", "captions/a_1.txt"], True),
        (["images/1.png", "metadata/1.json", "collection.json"], False),
        (["captions/a_1.txt"], False),
        ([], False),
    ],
)
def test_a_dashboard_or_captions_beside_images_make_the_layout(
    names: list[str], expected: bool
) -> None:
    assert nft1000.is_layout(names) is expected


@pytest.mark.parametrize(
    ("stems", "expected"),
    [
        (["Cool Apes_0", "Cool Apes_1"], "Cool Apes_"),
        (["E_Shell_10", "E_Shell_11"], "E_Shell_"),
        (["apes_7"], "apes_"),
        (["10", "11"], ""),
        (["apes_1", "owls_1"], ""),
        ([], ""),
    ],
)
def test_the_name_before_the_ids_is_found(stems: list[str], expected: str) -> None:
    assert nft1000.prefix(stems) == expected


@given(json_values.map(lambda value: json.dumps(value, ensure_ascii=False)) | texts | st.none())
def test_any_document_comes_back_letter_by_letter_with_what_is_ours(metadata: str | None) -> None:
    ours = {"token_id": "7", "traits": []}
    written = nft1000.join_document(metadata, ours, instead={"name": "7"})
    json.loads(written, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert nft1000.original(json.loads(written)) == (metadata, ours)


def test_an_ordinary_document_is_the_file_itself_with_our_key_added() -> None:
    metadata = nft1000.compact(DOCUMENT)
    written = json.loads(nft1000.join_document(metadata, {"token_id": "1"}, instead={}))
    assert written == {**DOCUMENT, "traitlens": {"token_id": "1"}}


def test_a_token_without_a_document_still_says_its_traits_to_others() -> None:
    written = json.loads(nft1000.join_document(None, {}, instead=DOCUMENT))
    assert written["attributes"] == DOCUMENT["attributes"]
    assert nft1000.split_document(written)[0] is None


@pytest.mark.parametrize("value", [DOCUMENT, [1], "text", None, {"traitlens": 3}])
def test_a_document_of_others_is_left_as_it_is(value: Any) -> None:
    assert nft1000.split_document(value) == (value, None)
    assert nft1000.document(value) == value


def test_the_authors_texts_are_kept_in_the_document() -> None:
    with_texts = nft1000.document(DOCUMENT, caption=b"\xef\xbb\xbfAn ape.\n", prompt=b"ape \xff")
    assert with_texts == {**DOCUMENT, "nft1000": {"caption": "An ape.", "prompt": "ape \ufffd"}}


@pytest.mark.parametrize("top", ["", "Cool Apes/"])
def test_a_published_zip_is_a_source_with_the_ids_of_the_contract(tmp_path: Path, top: str) -> None:
    (collection,) = open_sources([write_published(tmp_path / "x.zip", top=top)])
    raw = [collection.read(found) for found in collection.found]
    assert [token.token_id for token in raw] == ["0", "1", "10"]
    assert all(token.media == PICTURE and token.problem is None for token in raw)
    assert raw[2].metadata["nft1000"] == {
        "caption": "An ape with a cap, 10.",
        "prompt": "ape, cap",
    }
    info = collection.info
    assert (info.name, info.contract, info.description) == ("Cool Apes", "0xAB", "apes")


def test_an_unpacked_one_is_the_same_source(tmp_path: Path) -> None:
    with zipfile.ZipFile(write_published(tmp_path / "x.zip")) as archive:
        archive.extractall(tmp_path / "x")
    zipped, folder = open_sources([tmp_path / "x.zip"]), open_sources([tmp_path / "x"])
    ids = [[found.token_id for found in collection.found] for (collection,) in (zipped, folder)]
    assert ids == [["0", "1", "10"], ["0", "1", "10"]]
