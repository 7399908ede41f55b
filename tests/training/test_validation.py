"""Validation scores a model as an evaluation does, on tokens that it does not learn from."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.helpers import ColourEncoder, drawn_dataset, drawn_token, write_dataset
from tests.training.small_clip import small_clip, small_towers
from traitlens.evaluation import evaluate
from traitlens.models import load_encoder
from traitlens.models.pixels import PixelConfig
from traitlens.records import Token
from traitlens.store import Dataset
from traitlens.training import TrainConfig, ValidationConfig
from traitlens.training.validation import Best, Validator, hold_out

PIXELS = PixelConfig(height=24, width=24, resample=0)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return drawn_dataset(tmp_path_factory.mktemp("held") / "data", {"robots": 250, "owls": 150})


def held(data: Dataset, *, seed: int = 0, **values: Any) -> Validator:
    validator = hold_out(data, PIXELS, config=ValidationConfig(**values), seed=seed)
    assert validator is not None
    return validator


def test_the_score_is_that_of_an_evaluation_of_the_validation_split(
    data: Dataset, tmp_path: Path
) -> None:
    folder = small_clip(tmp_path)
    towers = small_towers(folder, config=TrainConfig(precision="fp32"))
    score = held(data).score(towers)
    encoder = load_encoder(folder, backend="torch")
    wanted = evaluate(encoder, data, split="validation", baselines=False).row(scope="macro")
    assert score == pytest.approx(wanted.recall[1], abs=1e-9)
    assert towers.model.training, "training goes on with dropout"


class ColourTowers:
    """The towers of an encoder that reads colours: what a trained model would be."""

    model = torch.nn.Identity()

    def images(self, frames_PHWC: Any) -> torch.Tensor:
        from PIL import Image

        pictures = [Image.fromarray(frame_HWC) for frame_HWC in np.asarray(frames_PHWC)]
        return torch.from_numpy(ColourEncoder().encode_images(pictures))

    def texts(self, texts: list[str]) -> torch.Tensor:
        return torch.from_numpy(ColourEncoder().encode_texts(texts))


class BlindTowers(ColourTowers):
    """Towers to which all pictures are one."""

    def images(self, frames_PHWC: Any) -> torch.Tensor:
        return torch.ones(len(frames_PHWC), ColourEncoder().dimension)


def test_who_sees_nothing_scores_chance_and_who_sees_colours_much_more(data: Dataset) -> None:
    sizes = [
        sum(t.split == "validation" for t in data.tokens(collections=[n]))
        for n in ("robots", "owls")
    ]
    validator = held(data)
    chance = np.mean([1 / size for size in sizes])
    assert validator.tokens == sum(sizes)
    assert validator.score(BlindTowers()) == pytest.approx(chance)  # type: ignore[arg-type]
    assert validator.score(ColourTowers()) > 10 * chance  # type: ignore[arg-type]


def test_twins_share_the_first_place(tmp_path: Path) -> None:
    """Of 40 tokens 20 have a double with its caption and its pixels: a half each."""

    def token(number: int) -> Token:
        drawn = drawn_token("robots", number % 20)
        return dataclasses.replace(drawn, split="validation", token_id=str(number))

    data = write_dataset(tmp_path / "data", {"robots": [token(number) for number in range(40)]})
    captions = {token.caption for token in data.tokens()}
    (one,) = held(data).held
    assert len(one.captions) == len(captions)
    assert len(one.frames_PHWC) == len({t.pixels_sha256 for t in data.tokens()})
    assert held(data).score(ColourTowers()) <= 0.5 + 1e-9  # type: ignore[arg-type]


def test_a_gallery_is_a_seeded_draw_of_at_most_so_many(data: Dataset) -> None:
    def captions(seed: int) -> list[list[str]]:
        return [one.captions for one in held(data, seed=seed, max_gallery=15).held]

    assert [len(one.caption_N) for one in held(data, max_gallery=15).held] == [15, 15]
    assert captions(0) == captions(0)
    assert captions(0) != captions(1)


def test_collections_are_drawn_where_there_are_many(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(8)]
    tokens = {
        name: [dataclasses.replace(drawn_token(name, n), split="validation") for n in range(10)]
        for name in names
    }
    data = write_dataset(tmp_path / "data", tokens)
    assert len(held(data, max_collections=5).held) == 5


def test_too_few_tokens_are_not_validated_on(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 100, "owls": 100, "lone": 9})
    assert data.count(split="validation") < 30
    assert hold_out(data, PIXELS, config=ValidationConfig(), seed=0) is None


def test_best_takes_the_later_of_equal_scores_and_counts_how_long_none_was_better() -> None:
    best = Best()
    seen = []
    for step, score in ((10, 0.0), (20, 0.5), (30, 0.5), (40, 0.4), (50, 0.6)):
        best = best.after(step, score)
        seen.append((best.step, best.score, best.stale))
    assert seen == [(10, 0.0, 0), (20, 0.5, 0), (30, 0.5, 1), (30, 0.5, 2), (50, 0.6, 0)]
