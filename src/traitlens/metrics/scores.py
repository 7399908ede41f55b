"""Scores of retrieval from the counts of each query, ties broken at random, in expectation."""

# Axes: Q queries

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from traitlens.metrics.counts import Counts, Ints


def hits(counts: Counts, k: int) -> NDArray[np.float64]:
    """Return the expected hit at k of each query, clip((k - above) / (level + 1), 0, 1)."""
    return np.clip((k - counts.above) / (counts.level + 1), 0.0, 1.0)


def reciprocal_ranks(counts: Counts) -> NDArray[np.float64]:
    """Return the expected 1/rank of each query: the mean of 1/r over the ranks it may get."""
    last = counts.above + counts.level + 1
    harmonic = np.cumsum(1.0 / np.arange(1, last.max(initial=0) + 1))
    harmonic = np.concatenate([[0.0], harmonic])
    tied = (harmonic[last] - harmonic[counts.above]) / (counts.level + 1)
    return np.where(counts.level == 0, 1.0 / last, tied)


def chance(k: int, n: int, *, right: int = 1) -> float:
    """Return the hit at k of a random order of `n` items with `right` right ones: k/n for one."""
    return float(1 - np.prod([max(0, n - right - i) / (n - i) for i in range(min(k, n))]))


def lift(recall: float, chance: float) -> float:
    """Return how far a recall is from chance (0) to perfect (1); NaN where chance is perfect."""
    return (recall - chance) / (1 - chance) if chance < 1 else float("nan")


def ceiling(same_caption_Q: Ints, k: int) -> float:
    """Return the best hit at k there can be: mean of min(1, k / tokens of the query's caption).

    `same_caption_Q` counts the gallery's tokens, itself included, that share each query's caption.
    Nothing can tell those apart by text.
    """
    return float(np.minimum(1.0, k / same_caption_Q).mean())
