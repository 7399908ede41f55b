"""The paper's recipe, and how it over-collects."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from tests.separation.layers import BODY, HAT, layered_tokens, mask, separated
from traitlens.separation import PaperConfig, SeparationConfig
from traitlens.separation.paper import share

# Axes: four tokens of five pixels; only the first pixel is equal in all, the last is transparent.
PIXELS_NP = np.array([[7, 1, 1, 4, 0], [7, 1, 2, 5, 0], [7, 2, 1, 6, 0], [7, 2, 2, 7, 0]])
PIXELS_NP = (PIXELS_NP + (np.array([1, 1, 1, 1, 0]) << 24)).astype(np.uint32)
ALL = np.arange(4)


def recipe(rounds: int, images: int, rows: NDArray[np.intp] = ALL, seed: int = 0) -> list[int]:
    config = PaperConfig(rounds=rounds, images_per_round=images)
    (region,) = share(PIXELS_NP, [rows], config, rng=np.random.default_rng(seed))
    return [int(pixel) for pixel in region.where_M]


def test_one_round_finds_what_all_drawn_tokens_share() -> None:
    assert recipe(1, 4) == [0]
    assert recipe(1, 2, rows=np.array([0, 1])) == [0, 1]


def test_rounds_are_laid_over_one_another_and_collect_chance() -> None:
    """Pairs share the second or the third pixel by chance; in the end both are collected."""
    found = [set(recipe(rounds, 2)) for rounds in (1, 2, 4, 32)]
    assert all(few <= many for few, many in itertools.pairwise(found))
    assert found[-1] == {0, 1, 2}


def test_a_single_token_shares_nothing() -> None:
    assert recipe(8, 4, rows=np.array([2])) == []


def test_weights_are_the_share_of_rounds() -> None:
    config = PaperConfig(rounds=50, images_per_round=2)
    (region,) = share(PIXELS_NP, [ALL], config, rng=np.random.default_rng(0))
    assert region.weights_M[0] == 255
    assert 40 < region.weights_M[1] < 130  # two of six pairs: a third


def test_a_pixel_keeps_the_colour_of_the_round_that_found_it_first() -> None:
    """The second pixel has one colour in the first two tokens and another in the last two."""
    for seed in range(10):
        colours = []
        for rounds in range(1, 20):
            config = PaperConfig(rounds=rounds, images_per_round=2)
            (region,) = share(PIXELS_NP, [ALL], config, rng=np.random.default_rng(seed))
            colours += region.colours_M[region.where_M == 1].tolist()
        assert colours == colours[:1] * len(colours)


def test_it_over_collects_where_contrast_is_exact() -> None:
    paper = SeparationConfig(method="paper", paper=PaperConfig(rounds=64, images_per_round=2))
    found = separated(layered_tokens(), paper).masks["Hat", "Cap"]
    assert (found & mask(HAT)).sum() == mask(HAT).sum()
    assert (found & ~mask(HAT)).sum() > 0
    assert (found & mask(BODY)).sum() > 0


def test_the_seed_decides() -> None:
    results = {str(recipe(1, 2, seed=seed)) for seed in range(20)}
    assert results == {"[0]", "[0, 1]", "[0, 2]"}
    assert recipe(3, 2, seed=5) == recipe(3, 2, seed=5)
