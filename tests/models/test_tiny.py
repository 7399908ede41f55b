"""Tiny models are stock CLIP models with a vocabulary of their own."""

from pathlib import Path

import pytest

from traitlens import files
from traitlens.models import load_encoder
from traitlens.models.tiny import make_tiny
from traitlens.models.words import Words


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny") / "model"
    make_tiny("tiny", path, captions=["robots with red hat and blue eyes"] * 3, seed=0)
    return path


def test_a_text_ends_where_the_model_pools(folder: Path) -> None:
    end = files.read_json(folder / "config.json")["text_config"]["eos_token_id"]
    assert end != 2, "with 2, transformers pools at the highest id instead of the end"
    ids, mask = Words(folder, max_length=64).ids(["red hat", "a much longer text about hats"])
    for row, used in zip(ids, mask, strict=True):
        assert row[used.sum() - 1] == end


def test_every_word_has_ids_and_case_does_not_matter(folder: Path) -> None:
    ids, mask = Words(folder, max_length=64).ids(["RED hat", "red hat", "ゾンビ 🧟"])
    assert ids[0].tolist() == ids[1].tolist()
    assert mask[2].sum() > 4, "unknown words are spelt in bytes"


def test_a_long_text_is_cut_and_still_ends_with_the_end(folder: Path) -> None:
    ids, _ = Words(folder, max_length=10).ids(["red hat " * 50])
    end = files.read_json(folder / "config.json")["text_config"]["eos_token_id"]
    assert ids.shape == (1, 10)
    assert ids[0, -1] == end


def test_padding_changes_nothing(folder: Path) -> None:
    encoder = load_encoder(folder)
    alone = encoder.encode_texts(["red hat"])[0]
    beside = encoder.encode_texts(["red hat", "robots with red hat and blue eyes and more"])[0]
    assert abs(alone - beside).max() < 1e-5


def test_one_seed_gives_one_model(folder: Path, tmp_path: Path) -> None:
    make_tiny("tiny", tmp_path / "b", captions=["robots with red hat and blue eyes"] * 3, seed=0)
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        assert (tmp_path / "b" / name).read_bytes() == (folder / name).read_bytes()
