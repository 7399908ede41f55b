"""Where the right item stands among all others: counts that a tie cannot flatter.

Everything derives from two counts a query: how many wrong items score above its best right one,
and how many score exactly level with it. Ties are then broken at random, in expectation, so a
constant embedder scores k/N and two equal captions one half each.

A tie is equality of inputs, not of rounded products. BLAS may give one pair of vectors different
last bits in different rows, columns and blocks; so equal vectors are grouped before the product,
which is in float64, and share one score. Give equal captions and pictures one vector each.
"""

# Axes: Q queries, N gallery items, D dimensions, C collections

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

BLOCK = 1024  # queries at a time
MAX_SCORES = 2**24  # scores at a time: 128 MB, whatever the size of the gallery


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


def count_matches(
    queries_QD: Floats,
    gallery_ND: Floats,
    *,
    query_keys: Ints,
    gallery_keys: Ints,
    block: int = BLOCK,
) -> Counts:
    """Return the counts by dot product; an item is right for a query when their keys are equal.

    Never holds more than `block` x N scores nor, beyond one row, `MAX_SCORES` of them. Keys have
    the shapes (Q,) and (N,).
    """
    assert queries_QD.shape == (len(query_keys), gallery_ND.shape[1])
    above = np.zeros(len(query_keys), dtype=np.int64)
    level = np.zeros_like(above)
    unique_gallery, column_of_N = group_equal(gallery_ND)
    block = min(block, max(1, MAX_SCORES // max(1, len(gallery_ND))))
    for queries, scores in _score_blocks(queries_QD, unique_gallery, block=block):
        right = query_keys[queries, None] == gallery_keys[None, :]
        counts = count(scores[:, column_of_N], right)
        above[queries], level[queries] = counts.above, counts.level
    return Counts(above, level)


def group_equal(vectors: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Return the distinct rows, in order of first sight, and the number of each row's one.

    Rows are equal when all their bits are.
    """
    number: dict[bytes, int] = {}
    group = np.empty(len(vectors), dtype=np.intp)
    first: list[int] = []
    for row, vector in enumerate(np.ascontiguousarray(vectors)):
        digest = hashlib.sha256(vector.data).digest()  # a million rows themselves would not fit
        group[row] = number.setdefault(digest, len(number))
        if group[row] == len(first):
            first.append(row)
    return vectors[first], group


def _score_blocks(
    queries_QD: Floats, gallery_ND: Floats, *, block: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """Yield the numbers of some queries and their rows of scores, each distinct query once."""
    unique_queries, row_of_Q = group_equal(queries_QD)
    order = np.argsort(row_of_Q, kind="stable")
    gallery_DN = gallery_ND.astype(np.float64).T
    for start in range(0, len(unique_queries), block):
        stop = start + block
        scores = unique_queries[start:stop].astype(np.float64) @ gallery_DN
        low, high = np.searchsorted(row_of_Q, [start, stop], sorter=order)
        for first in range(low, high, block):
            queries = order[first : min(first + block, high)]
            yield queries, scores[row_of_Q[queries] - start]
