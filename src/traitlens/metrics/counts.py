"""Where the right item stands among all others: counts that a tie cannot flatter.

Everything derives from two counts a query: how many wrong items score above its best right one,
and how many score exactly level with it. Ties are then broken at random, in expectation, so a
constant embedder scores k/N and two equal captions one half each.

A tie is equality of inputs, not of rounded products. BLAS may give one pair of vectors different
last bits in different rows, columns and blocks; `ranking` therefore never lets a product decide
what its rounding could. Give equal captions and pictures one vector each.
"""

# Axes: Q queries, N gallery items

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Counts:
    """Of each query, the wrong items `above` and exactly `level` with its best right one: (Q,)."""

    above: NDArray[np.int64]
    level: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.above)

    @property
    def ranks(self) -> NDArray[np.float64]:
        """The expected ranks, from 1: a tie with one other is rank 1.5."""
        return 1.0 + self.above + self.level / 2


def count(scores_QN: Floats, right_QN: NDArray[np.bool_]) -> Counts:
    """Return the counts of queries whose right items `right_QN` marks; NaN scores last.

    With several right items the best one counts and the others are as if they were not there.
    """
    assert right_QN.any(axis=1).all(), "a query without a right item has no rank"
    scores_QN = np.where(np.isnan(scores_QN), -np.inf, scores_QN)
    best_Q1 = np.where(right_QN, scores_QN, -np.inf).max(axis=1, keepdims=True)
    level_QN = (scores_QN == best_Q1) & ~right_QN
    # No right item is above the best right one.
    return Counts((scores_QN > best_Q1).sum(axis=1), level_QN.sum(axis=1))


def group_equal(vectors: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Return the distinct rows, in order of first sight, and the number of each row's one.

    Rows are equal when all their bits are.
    """
    first, group = equal_rows(vectors)
    return vectors[first], group


def equal_rows(vectors: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where each distinct row is first seen, in order, and the number of each row's one."""
    number: dict[bytes, int] = {}
    group = np.empty(len(vectors), dtype=np.intp)
    first: list[int] = []
    for row, vector in enumerate(np.ascontiguousarray(vectors)):
        digest = hashlib.sha256(vector.data).digest()  # a million rows themselves would not fit
        group[row] = number.setdefault(digest, len(number))
        if group[row] == len(first):
            first.append(row)
    return np.array(first, dtype=np.intp), group
