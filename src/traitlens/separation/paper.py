"""Component separation as the paper has it (section 5.1): what tokens with one value share.

Draw some tokens that have the trait value, take the first as template and difference it with the
others: what is equal is a shared region. Repeat, and lay the regions over one another.

The recipe over-collects: what is equal by chance (background, skin) adds up with every round. On
real art its IoU is far below that of `contrast`: see `python -m benchmarks.separation`.

Axes: N tokens, P pixels, S tokens that have a value, M pixels of a region.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.config import check_range
from traitlens.separation.pixels import Pixels, Region, is_drawn, weights


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperConfig:
    """How often and how many tokens are compared; the defaults are the paper's choice."""

    rounds: int = 8
    images_per_round: int = 4

    def __post_init__(self) -> None:
        check_range("separation.paper.rounds", self.rounds, low=1)
        check_range("separation.paper.images_per_round", self.images_per_round, low=2)


def share(
    pixels_NP: Pixels,
    members: Sequence[NDArray[np.intp]],
    config: PaperConfig,
    *,
    rng: np.random.Generator,
) -> list[Region]:
    """Return for each trait value the region that its tokens share; empty for a single token.

    `members` holds the rows of the tokens that have each value. A pixel has the colour of the
    round that found it first, and weighs as much as the share of the rounds that found it.
    """
    return [_superpose(pixels_NP, rows_S, config, rng) for rows_S in members]


def _superpose(
    pixels_NP: Pixels, rows_S: NDArray[np.intp], config: PaperConfig, rng: np.random.Generator
) -> Region:
    colours_P = np.zeros(pixels_NP.shape[1], np.uint32)
    rounds_P = np.zeros(pixels_NP.shape[1], np.int64)
    size = min(config.images_per_round, len(rows_S))
    for _ in range(config.rounds if size > 1 else 0):
        template_P, *others = pixels_NP[rng.choice(rows_S, size, replace=False)]
        shared_P = is_drawn(template_P) & (np.stack(others) == template_P).all(axis=0)
        colours_P = np.where(shared_P & (rounds_P == 0), template_P, colours_P)
        rounds_P += shared_P
    where_M = np.flatnonzero(rounds_P).astype(np.int32)
    return Region.of(where_M, colours_P[where_M], weights(rounds_P[where_M] / config.rounds))
