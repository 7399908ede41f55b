"""Texts become ids as the saved tokenizer says, older ways of saying it included."""

from pathlib import Path

import numpy as np
import pytest

from tests.models.checkpoints import sentence_encoder
from traitlens import files
from traitlens.models.words import Words

TEXTS = ["red hat", "robots with blue eyes"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return sentence_encoder(tmp_path / "bert")


def describe(folder: Path, **options: object) -> None:
    file = folder / "tokenizer_config.json"
    files.write_json(file, {**files.read_json(file), **options})


def test_padding_is_masked_and_on_the_right(folder: Path) -> None:
    ids, mask = Words(folder, max_length=12).ids(TEXTS)
    assert ids.shape == (2, 6)
    assert mask.tolist() == [[1, 1, 1, 1, 0, 0], [1] * 6]
    assert ids[0, 4:].tolist() == [0, 0]


def test_padding_is_on_the_left_where_the_tokenizer_says_so(folder: Path) -> None:
    right, _ = Words(folder, max_length=12).ids(TEXTS)
    describe(folder, padding_side="left")
    left, mask = Words(folder, max_length=12).ids(TEXTS)
    assert mask[0].tolist() == [0, 0, 1, 1, 1, 1]
    np.testing.assert_array_equal(left[0, 2:], right[0, :4])


@pytest.mark.parametrize("token", ["[PAD]", {"content": "[PAD]", "lstrip": False}])
def test_older_folders_name_the_padding_in_a_file_of_its_own(folder: Path, token: object) -> None:
    expected, _ = Words(folder, max_length=12).ids(TEXTS)
    config = files.read_json(folder / "tokenizer_config.json")
    del config["pad_token"]
    files.write_json(folder / "tokenizer_config.json", config)
    files.write_json(folder / "special_tokens_map.json", {"pad_token": token})
    ids, _ = Words(folder, max_length=12).ids(TEXTS)
    np.testing.assert_array_equal(ids, expected)
