"""Tiny models are stock CLIP models with a vocabulary of their own."""

from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import load_file

from traitlens import files
from traitlens.models import load_encoder
from traitlens.models.tiny import PRESETS, make_tiny
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


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_stock_clip_that_encodes(name: str, tmp_path: Path) -> None:
    make_tiny(name, tmp_path, captions=["robots with red hat"], seed=0)
    assert files.read_json(tmp_path / "config.json")["architectures"] == ["CLIPModel"]
    shape = (1, PRESETS[name].dimension)
    encoder = load_encoder(tmp_path)
    assert encoder.encode_texts(["red hat"]).shape == shape
    assert encoder.encode_images([Image.new("RGB", (24, 24))]).shape == shape


def test_the_presets_grow(tmp_path: Path) -> None:
    sizes = []
    for name in ("nano", "tiny", "small"):
        make_tiny(name, tmp_path / name, captions=(), seed=0)
        sizes.append((tmp_path / name / "model.safetensors").stat().st_size)
    assert 2 * sizes[0] < sizes[1] < sizes[2] / 2


def test_tiny_stays_what_it_was(tmp_path: Path) -> None:
    """Runs of earlier versions start from these numbers: a change here changes all results."""
    make_tiny("tiny", tmp_path, captions=["robots with red hat and blue eyes"] * 3, seed=0)
    weights = load_file(tmp_path / "model.safetensors")
    assert len(weights) == 126
    total = sum(float(t.double().abs().sum()) for t in weights.values())
    assert total == pytest.approx(98215.839, rel=1e-6)


def test_one_seed_gives_one_model(folder: Path, tmp_path: Path) -> None:
    make_tiny("tiny", tmp_path / "b", captions=["robots with red hat and blue eyes"] * 3, seed=0)
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        assert (tmp_path / "b" / name).read_bytes() == (folder / name).read_bytes()
