"""Which tokens meet in a batch: they are one another's negatives, so it decides what is learnt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.config import check_range
from traitlens.training.material import Material


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingConfig:
    """How batches are drawn.

    Random batches over many collections hold few tokens that are hard to tell apart; what a
    searcher confuses is nearly always within one collection. So a batch comes from one
    collection, but for a share that mixes all of them and keeps the collections apart.
    """

    mixed: float = 0.1  # share of batches drawn over all collections, in [0, 1]
    balance: float = 0.5  # a collection of n tokens is drawn with weight n ** balance, in [0, 1]

    def __post_init__(self) -> None:
        check_range("sampling.mixed", self.mixed, low=0, high=1)
        check_range("sampling.balance", self.balance, low=0, high=1)


class Sampler:
    """Draws the rows of batches; the same generator gives the same rows."""

    def __init__(self, material: Material, config: SamplingConfig) -> None:
        sizes = np.bincount(material.collection_N, minlength=len(material.collections))
        order = np.argsort(material.collection_N, kind="stable")
        self._members = [m for m in np.split(order, np.cumsum(sizes)[:-1]) if len(m)]
        weights = np.array([len(m) for m in self._members], float) ** config.balance
        self._weights = weights / weights.sum()
        self._mixed = config.mixed

    def draw(self, size: int, *, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the rows of one batch: `size` of them, fewer where a collection has fewer."""
        if rng.random() < self._mixed:
            counts = rng.multinomial(size, self._weights)
        else:
            counts = np.zeros(len(self._members), np.int64)
            counts[rng.choice(len(self._members), p=self._weights)] = size
        return np.concatenate(
            [
                rng.choice(members, min(int(count), len(members)), replace=False)
                for members, count in zip(self._members, counts, strict=True)
                if count
            ]
        )
