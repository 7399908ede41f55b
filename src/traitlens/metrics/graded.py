"""Scores of a whole ranking: several right items, or items that are right by degrees.

All are exact expectations under random tie-breaking, in the closed forms of McSherry and Najork
(Computing Information Retrieval Performance Measures Efficiently in the Presence of Tied Scores,
ECIR 2008), also where the cut at k falls into a group of ties. NaN scores rank last, behind -inf,
and tie with one another. A constant embedder scores what a random order does.

Every function takes the scores, of shape (Q, N), or their `Order` where several are asked of the
same. A query with nothing right has no share of it: NaN.
"""

# Axes: Q queries, N items, W places of an order, G groups of ties, U distinct items, D dimensions

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from traitlens.metrics.counts import Floats, group_equal

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Items:
    """A gallery to be scored, in which equal vectors share one score (see `counts`)."""

    distinct_UD: Array
    number_N: NDArray[np.intp]

    @classmethod
    def of(cls, gallery_ND: Floats) -> Items:
        distinct_UD, number_N = group_equal(gallery_ND)
        return cls(distinct_UD.astype(np.float64), number_N)

    def scores(self, queries_QD: Floats) -> Array:
        """Return the dot products with each query, in float64: (Q, N)."""
        scores: Array = (queries_QD.astype(np.float64) @ self.distinct_UD.T)[:, self.number_N]
        return scores


@dataclass(frozen=True, slots=True)
class Order:
    """The items of each query, best first, in groups of ties.

    `items_QW` has the first `depth` places and as many more as it takes for each group among them
    to be whole. `start_G` says where in `items_QW.ravel()` the groups start; none spans two rows.
    """

    items_QW: NDArray[np.intp]
    start_G: NDArray[np.intp]
    depth: int

    @classmethod
    def of(cls, scores_QN: Floats, depth: int | None = None) -> Order:
        """Return the order of the items by score; by default to the last place."""
        costs_QN = -np.asarray(scores_QN, np.float64)  # sorting puts NaN last
        n = costs_QN.shape[1]
        depth = n if depth is None else min(depth, n)
        width = _reach(costs_QN, depth)
        if width < n:
            head_QW = np.argpartition(costs_QN, width - 1, axis=1)[:, :width]
            costs_QW = np.take_along_axis(costs_QN, head_QW, axis=1)
            by_cost_QW = np.argsort(costs_QW, axis=1)
            items_QW = np.take_along_axis(head_QW, by_cost_QW, axis=1)
        else:
            items_QW = np.argsort(costs_QN, axis=1)
        ordered_QW = np.take_along_axis(costs_QN, items_QW, axis=1)
        return cls(items_QW, np.flatnonzero(_opens_group(ordered_QW)), depth)

    @property
    def sizes(self) -> NDArray[np.intp]:
        """The number of items in each group: (G,)."""
        return np.diff(self.start_G, append=self.items_QW.size)

    @property
    def places(self) -> NDArray[np.intp]:
        """The places, from 1, the same for each query: (1, W)."""
        return np.arange(1, self.items_QW.shape[1] + 1)[None, :]

    def sums(self, values_QN: NDArray[Any]) -> Array:
        """Return the sum of the items' values over each group: (G,)."""
        values_QW = np.take_along_axis(values_QN, self.items_QW, axis=1)
        return np.add.reduceat(values_QW.ravel().astype(np.float64), self.start_G)

    def spread(self, values_G: NDArray[Any]) -> NDArray[Any]:
        """Return each group's value at each of its places: (Q, W)."""
        return np.repeat(values_G, self.sizes).reshape(self.items_QW.shape)

    def expected(self, values_QN: NDArray[Any]) -> Array:
        """Return the value to expect at each place, the mean over its group: (Q, W)."""
        return self.spread(self.sums(values_QN) / self.sizes)


Scores = Floats | Order


def precision_at_k(scores: Scores, right_QN: Bools, k: int) -> Array:
    """Return the share of right items among the first k: (Q,). Places beyond N count as wrong."""
    return _found(scores, right_QN, k) / k


def recall_at_k(scores: Scores, right_QN: Bools, k: int) -> Array:
    """Return the share of the right items that are among the first k: (Q,)."""
    return _share(_found(scores, right_QN, k), right_QN.sum(axis=1))


def r_precision(scores: Scores, right_QN: Bools) -> Array:
    """Return the precision at R, the number of the query's right items: (Q,)."""
    right_Q = right_QN.sum(axis=1)
    order = _ordered(scores, right_QN, int(right_Q.max(initial=1)))
    within_QW = order.places <= right_Q[:, None]
    return _share((order.expected(right_QN) * within_QW).sum(axis=1), right_Q)


def average_precision(scores: Scores, right_QN: Bools) -> Array:
    """Return the mean of the precisions at the places of all right items: (Q,)."""
    order = _ordered(scores, right_QN, right_QN.shape[1])
    return _share(_precisions(order, right_QN).sum(axis=1), right_QN.sum(axis=1))


def average_precision_at_r(scores: Scores, right_QN: Bools) -> Array:
    """Return (1/R) sum over i <= R of P(i) rel(i), R being the number of right items: (Q,).

    It is 1 only where the right items are the first R. Musgrave, Belongie and Lim, A Metric
    Learning Reality Check (ECCV 2020), whose mean over queries is mAP@R.
    """
    right_Q = right_QN.sum(axis=1)
    order = _ordered(scores, right_QN, int(right_Q.max(initial=1)))
    within_QW = order.places <= right_Q[:, None]
    return _share((_precisions(order, right_QN) * within_QW).sum(axis=1), right_Q)


def hit_at_k(scores: Scores, right_QN: Bools, k: int) -> Array:
    """Return the chance that any right item is among the first k: (Q,), 0 where nothing is right.

    Of right items that tie each adds a chance, whereas `hits` lets one of them count alone; where
    they do not tie both say the same.
    """
    order = _ordered(scores, right_QN, k)
    first_Q, size_Q, right_Q = _best_group(order, right_QN)
    drawn_Q = np.clip(k - first_Q, 0, size_Q)  # places of the group that are within the first k
    miss_Q = np.ones(len(first_Q))
    for i in range(int(drawn_Q.max(initial=0))):
        wrong_Q = np.maximum(size_Q - right_Q - i, 0)
        miss_Q = np.where(i < drawn_Q, miss_Q * wrong_Q / np.maximum(size_Q - i, 1), miss_Q)
    return 1 - miss_Q


def dcg(scores: Scores, gains_QN: Floats, k: int) -> Array:
    """Return the discounted gain of the first k places, sum of g / log2(1 + place): (Q,)."""
    expected_QW = _ordered(scores, gains_QN, k).expected(gains_QN)[:, :k]
    return _discounted(expected_QW)


def ndcg(scores: Scores, gains_QN: Floats, k: int) -> Array:
    """Return the discounted gain as a share of that of the best order: (Q,), in [0, 1].

    Gains are at least 0; where all are 0 no order is better than another, and the share is NaN.
    """
    return _share(dcg(scores, gains_QN, k), ideal_dcg(gains_QN, k))


def ideal_dcg(gains_QN: Floats, k: int) -> Array:
    """Return the discounted gain of the best order: (Q,)."""
    assert gains_QN.min(initial=0) >= 0, "a gain below 0 has no place in a share"
    k = min(k, gains_QN.shape[1])
    best_QK = np.sort(-np.partition(-gains_QN, k - 1, axis=1)[:, :k], axis=1)[:, ::-1]
    return _discounted(best_QK)


def chance_ndcg(gains_QN: Floats, k: int) -> Array:
    """Return the `ndcg` to expect of a random order: (Q,)."""
    k = min(k, gains_QN.shape[1])
    mean_QK = np.broadcast_to(gains_QN.mean(axis=1, keepdims=True), (len(gains_QN), k))
    return _share(_discounted(mean_QK), ideal_dcg(gains_QN, k))


def chance_average_precision_at_r(n: int, right: int) -> float:
    """Return the `average_precision_at_r` to expect of a random order of `n` items."""
    assert 1 <= right <= n, f"{right} right items of {n}"
    return float(_tied_precisions(np.arange(1, right + 1), size=n, right=right).sum() / right)


def _ordered(scores: Scores, values_QN: NDArray[Any], depth: int) -> Order:
    """Return the order of the items that have these values, `depth` places or all of them."""
    assert depth >= 1, f"a ranking is cut behind its first place or later, not at {depth}"
    if not isinstance(scores, Order):
        return Order.of(scores, depth)
    assert scores.depth >= min(depth, values_QN.shape[1]), "the order is not deep enough"
    return scores


def _reach(costs_QN: Array, depth: int) -> int:
    """Return how many places it takes until no group of the first `depth` is cut, in any row."""
    n: int = costs_QN.shape[1]
    if depth == n or not len(costs_QN):
        return n
    last_Q1 = np.partition(costs_QN, depth - 1, axis=1)[:, depth - 1 : depth]
    reach_Q = (costs_QN <= last_Q1).sum(axis=1)
    return n if np.isnan(last_Q1).any() else int(reach_Q.max())


def _opens_group(ordered_QW: Array) -> Bools:
    """Return where another score begins, and each row."""
    before, here = ordered_QW[:, :-1], ordered_QW[:, 1:]
    opens_QW = np.ones(ordered_QW.shape, np.bool_)
    opens_QW[:, 1:] = (here != before) & ~(np.isnan(here) & np.isnan(before))
    return opens_QW


def _found(scores: Scores, right_QN: Bools, k: int) -> Array:
    """Return how many right items to expect among the first k: (Q,)."""
    found: Array = _ordered(scores, right_QN, k).expected(right_QN)[:, :k].sum(axis=1)
    return found


def _precisions(order: Order, right_QN: Bools) -> Array:
    """Return P(i) rel(i) to expect at each place i: (Q, W)."""
    width = order.items_QW.shape[1]
    right_G = order.sums(right_QN)
    row_G, first_G = order.start_G // width, order.start_G % width
    earlier_Q = np.cumsum(np.bincount(row_G, weights=right_G))
    before_G = np.cumsum(right_G) - right_G - np.concatenate([[0.0], earlier_Q])[row_G]
    first_QW = order.spread(first_G)
    return _tied_precisions(
        order.places - first_QW,
        size=order.spread(order.sizes),
        right=order.spread(right_G),
        first=first_QW,
        before=order.spread(before_G),
    )


def _tied_precisions(
    nth: NDArray[Any],
    *,
    size: NDArray[Any] | int,
    right: NDArray[Any] | int,
    first: NDArray[Any] | int = 0,
    before: NDArray[Any] | int = 0,
) -> Array:
    """Return P(i) rel(i) to expect at the `nth` place, from 1, of a group of ties.

    `right` of the group's `size` items are right; `first` items are before it, `before` of them
    right. Given that the nth is right, the n - 1 before it share the group's other right items.
    """
    others = (nth - 1) * (right - 1) / np.maximum(np.asarray(size) - 1, 1)
    terms: Array = right / size * (before + 1 + others) / (first + nth)
    return terms


def _best_group(
    order: Order, right_QN: Bools
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return where the best right item's group begins, its size, and how many of it are right.

    Each is (Q,); the place is from 0, and 0 are right where the order has no right item.
    """
    right_QW = order.spread(order.sums(right_QN)).astype(np.intp)
    place_Q = (right_QW > 0).argmax(axis=1)  # groups open at their first place
    rows = np.arange(len(right_QW))
    return place_Q, order.spread(order.sizes)[rows, place_Q], right_QW[rows, place_Q]


def _discounted(gains_QK: NDArray[np.floating[Any]]) -> Array:
    places_K = np.arange(1, gains_QK.shape[1] + 1)
    total: Array = (gains_QK / np.log2(1 + places_K)).sum(axis=1)
    return total


def _share(part_Q: Array, whole_Q: NDArray[Any]) -> Array:
    """Return part / whole, NaN where the whole is 0."""
    whole_Q = np.asarray(whole_Q, np.float64)
    share_Q = np.full(len(whole_Q), np.nan)
    np.divide(part_Q, whole_Q, out=share_Q, where=whole_Q > 0)
    return share_Q
