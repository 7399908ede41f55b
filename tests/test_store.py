"""The data set on disk is opened whole, or refused in one sentence."""

import json
from pathlib import Path

import pytest

from tests.helpers import drawn_dataset
from traitlens.errors import DatasetError
from traitlens.store import Dataset


def test_a_manifest_survives_the_disk(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 12, "owls": 8})
    assert Dataset.open(tmp_path / "data").manifest == data.manifest
    assert Dataset.open(tmp_path / "data").collections == ("robots", "owls")


def test_tokens_are_read_by_collection_and_split(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 20, "owls": 10})
    owls = list(data.tokens(collections=["owls"], split="test", images=False))
    assert owls
    assert {(t.collection, t.split, t.image) for t in owls} == {("owls", "test", None)}


def test_a_wrong_folder_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such folder; `traitlens build` makes one"):
        Dataset.open(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match=r"it has no dataset\.json"):
        Dataset.open(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"schema_version": 2}'])
def test_a_damaged_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(DatasetError, match="is no manifest"):
        Dataset.open(tmp_path)


def test_a_data_set_of_another_version_is_refused(tmp_path: Path) -> None:
    drawn_dataset(tmp_path / "data", {"robots": 2})
    file = tmp_path / "data/dataset.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema_version": 99}))
    with pytest.raises(DatasetError, match="has schema version 99"):
        Dataset.open(tmp_path / "data")


def test_a_mistyped_collection_gets_the_nearest_name(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 2})
    with pytest.raises(DatasetError, match="did you mean 'robots'"):
        next(data.tokens(collections=["robot"]))
