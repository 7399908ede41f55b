"""What is asked of a ranking: per key system and direction, each asker's bar and counts so far.

An asker is a label (see `sides.Labels`): queries with equal vectors and equal keys ask once.
"""

# Axes: P askers (labels of the asking side), N items of one side, M pairs, D dimensions

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from traitlens.metrics.blocks import Bars, Blocks, Numbers
from traitlens.metrics.counts import Counts, Floats, Ints
from traitlens.metrics.sides import Labels, Side
from traitlens.metrics.tiles import Answer, Tile

SINGLE, DOUBLE = 2.0**-24, 2.0**-53  # unit roundoffs
LOOSE = 1.0001  # covers the rounding of the bound itself and of the norms
TINY = 2.0**-1000  # what float64 products of very short vectors may lose to underflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys of a system: an item is right for a query when theirs are equal."""

    queries: Ints  # (Q,)
    gallery: Ints  # (N,)


@dataclass(frozen=True, slots=True)
class Sides:
    """Queries and gallery, numbered 0 and 1 as the axes of a block are."""

    queries: Side
    gallery: Side

    def __getitem__(self, axis: int) -> Side:
        return (self.queries, self.gallery)[axis]

    @property
    def dimension(self) -> int:
        return int(self.queries.vectors_ND.shape[1])

    @property
    def fit_single(self) -> bool:
        """Whether float32 products can be had at all."""
        return self.queries.fits_single and self.gallery.fits_single

    def slack(self, axis: int, row_P: Numbers, *, double: bool) -> NDArray[np.float64]:
        """Return how far a product of each row may be from the exact score, with any other row.

        The bound is that of a sum of D products in any order, (D u / (1 - D u)) |a| |b|, with u the
        unit roundoff (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1);
        three more roundings for vectors stored in float64, and float64's bound for `exact_dots`.
        """
        terms = self.dimension + 3
        unit = DOUBLE if double else SINGLE
        share = terms * unit / (1 - terms * unit) + terms * DOUBLE / (1 - terms * DOUBLE)
        slack_P: NDArray[np.float64] = self[axis].norm_U[row_P] * self[1 - axis].largest_norm
        return slack_P * (LOOSE * share) + TINY


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The labels that both sides have in one key system."""

    queries: Labels
    gallery: Labels

    @classmethod
    def of(cls, sides: Sides, keys: Keys) -> System:
        """Return the labels; it is an error when a query has no right item."""
        queries_Q, gallery_N = np.asarray(keys.queries), np.asarray(keys.gallery)
        assert (len(queries_Q), len(gallery_N)) == (len(sides.queries), len(sides.gallery))
        names, number = np.unique(np.concatenate([queries_Q, gallery_N]), return_inverse=True)
        asked_Q, lying_N = number[: len(queries_Q)], number[len(queries_Q) :]
        return cls(
            queries=Labels.of(sides.queries, asked_Q, keys=len(names)),
            gallery=Labels.of(sides.gallery, lying_N, keys=len(names)),
        )

    def __getitem__(self, axis: int) -> Labels:
        return (self.queries, self.gallery)[axis]

    @property
    def has_wrong(self) -> bool:
        """Whether any item is wrong for any query."""
        return len(self.queries.times_of_key) > 1


class Question:
    """One key system asked from one side: the rows of each block, or its columns."""

    def __init__(self, system: System, sides: Sides, *, axis: int) -> None:
        self.axis = axis
        self.asking, self.answering = system[axis], system[1 - axis]
        right_P = self.answering.times_of_key[self.asking.key_L]
        assert right_P.all(), "a query without a right item has no rank"
        self.bar_P = np.full(len(self.asking), -np.inf)  # the best right item's exact score
        self.above_P = np.zeros(len(self.asking), np.int64)
        self.level_P = np.zeros_like(self.above_P)
        self._sides, self._side, self._other = sides, sides[axis], sides[1 - axis]

    def raise_bars(self, asker_M: Numbers, score_M: Floats) -> None:
        """Raise the askers' bars to the exact scores of right items, where they are higher."""
        np.maximum.at(self.bar_P, asker_M, score_M)

    def bars(self, tile: Tile, *, double: bool) -> Bars:
        """Return the bars of those who ask in a tile, wide enough for its products' error."""
        lines, others = tile[self.axis], tile[1 - self.axis]
        askers = self.asking.of_rows(lines)
        row_P = self.asking.row_L[askers]
        slack_P = self._sides.slack(self.axis, row_P, double=double)
        # All scores of a zero vector are zero: see `finish`.
        bar_P = np.where(self._side.norm_U[row_P] > 0, self.bar_P[askers], np.inf)
        low_P, high_P = widened(bar_P, slack_P, double=double)
        one_each = len(row_P) == lines.stop - lines.start
        return Bars(
            axis=self.axis,
            line_P=None if one_each else row_P - lines.start,
            low_P=low_P,
            high_P=high_P,
            times_X=self._other.times(others),
        )

    def count(self, answer: Answer, *, blocks: Blocks) -> None:
        """Add what is above the bars and level with them in a tile, near pairs by exact score."""
        tile, found = answer.tile, answer.found
        first = self.asking.of_rows(tile[self.axis]).start + answer.first
        self.above_P[first : first + len(found.above_P)] += found.above_P
        asker_M, other_M = found.asker_M + first, found.item_M + tile[1 - self.axis].start
        right_M = self.answering.times(other_M, self.asking.key_L[asker_M])
        wrong_M = self._other.times_U[other_M] - right_M
        some = wrong_M > 0  # a right item is not above the best one, and by the rule not level
        asker_M, other_M, wrong_M = asker_M[some], other_M[some], wrong_M[some]
        scores = tile.exact(
            self.asking.row_L[asker_M] - tile[self.axis].start,
            other_M - tile[1 - self.axis].start,
            axis=self.axis,
            blocks=blocks,
        )
        bar_M = self.bar_P[asker_M]
        np.add.at(self.above_P, asker_M, np.where(scores > bar_M, wrong_M, 0))
        np.add.at(self.level_P, asker_M, np.where(scores == bar_M, wrong_M, 0))

    def finish(self) -> Counts:
        """Return the counts of each item of the asking side.

        What was not compared follows from the numbers of items. All scores of a zero vector are
        level, but those of broken ones, which are last. All of a broken one's are last; and where
        all right items are, the sound ones are above and the other broken ones level.
        """
        key_P, row_P = self.asking.key_L, self.asking.row_L
        last_P = self._other.broken - self._broken_right(key_P)
        wrong_P = len(self._other) - self.answering.times_of_key[key_P]
        broken_P, none_sound_P = row_P >= self._side.sound, np.isneginf(self.bar_P)
        zero_P = self._side.norm_U[row_P] == 0
        cases = [broken_P, none_sound_P, zero_P]
        above_P = np.select(cases, [0, wrong_P - last_P, 0], self.above_P)
        level_P = np.select(cases, [wrong_P, last_P, wrong_P - last_P], self.level_P)
        return Counts(above_P[self.asking.label_N], level_P[self.asking.label_N])

    def _broken_right(self, key_P: Numbers) -> Numbers:
        """Return how many broken vectors of the other side are right for each key."""
        return self.answering.times(np.full_like(key_P, self._other.sound), key_P)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that changes while this is asked, not copied."""
        return {"bar": self.bar_P, "above": self.above_P, "level": self.level_P}


def widened(
    bar_P: NDArray[np.float64], slack_P: NDArray[np.float64], *, double: bool
) -> tuple[Floats, Floats]:
    """Return what is for certain below and above the bars, rounded outwards."""
    kind = np.float64 if double else np.float32
    low_P, high_P = (bar_P - slack_P).astype(kind), (bar_P + slack_P).astype(kind)
    return np.nextafter(low_P, kind(-np.inf)), np.nextafter(high_P, kind(np.inf))
