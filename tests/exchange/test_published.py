"""The authors' own NFT1000 zips, which have no record of ours, become a data set."""

import json
import zipfile
from pathlib import Path

import pytest

from tests.exchange.odd import PICTURES
from traitlens.errors import DatasetError
from traitlens.exchange import import_data

DOCUMENT = {"name": "Ape", "attributes": [{"trait_type": "Hat", "value": "Cap"}]}


def write_published(path: Path, *, name: str = "Cool Apes") -> Path:
    """Write a zip as the authors do, of the tokens 0 to 3; 2 has no caption, 3 is no picture."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata_dashboard.json", json.dumps({"project_name": name}))
        for number in range(4):
            stem = f"{name}_{number}"
            if number != 2:
                archive.writestr(f"captions/{stem}.txt", f"An ape, number {number}.\n")
            archive.writestr(f"images/{stem}.png", b"?" if number == 3 else PICTURES[number])
            archive.writestr(f"metadata/{stem}.json", json.dumps(DOCUMENT))
            archive.writestr(f"prompts/{stem}.txt", "ape, cap")
    return path


def test_their_captions_are_taken_as_they_stand(tmp_path: Path) -> None:
    back = import_data(write_published(tmp_path / "a.zip"), tmp_path / "back")
    tokens = list(back.tokens(rejected=True))
    assert [token.token_id for token in tokens] == ["0", "1", "2", "3"]
    assert [token.caption for token in tokens[:2]] == ["An ape, number 0.", "An ape, number 1."]
    assert tokens[2].caption.startswith("cool apes")
    assert [token.status for token in tokens] == ["kept", "kept", "kept", "rejected"]
    assert tokens[0].traits[0].value == "Cap"
    assert back.collections == ("Cool Apes",)


def test_theirs_and_ours_lie_side_by_side(tmp_path: Path) -> None:
    for name in ("Cool Apes", "Hot Owls"):
        write_published(tmp_path / f"{name}.zip", name=name)
    back = import_data(tmp_path, tmp_path / "back")
    assert back.collections == ("Cool Apes", "Hot Owls")
    assert back.count() == 6


def test_two_collections_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_published(tmp_path / f"{name}.zip")
    with pytest.raises(DatasetError, match="two collections are called 'Cool Apes'"):
        import_data(tmp_path, tmp_path / "back")
