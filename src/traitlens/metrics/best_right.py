"""The exact score of each asker's best right item, on both sides at once.

Few pairs of equal keys are scored one by one. Where a key has many, as a collection has, blocks of
products tell which pairs could be the best, and only those are scored exactly.
"""

# Axes: K keys, L labels of one side, M pairs, R rows, C columns

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from traitlens.metrics.blocks import Bars, Blocks, Numbers, Rows, Scores, exact_dots, pair_chunks
from traitlens.metrics.counts import Floats
from traitlens.metrics.questions import Question, Sides, System, widened
from traitlens.metrics.sides import Labels
from traitlens.metrics.tiles import Answer, Tile, compare_tile
from traitlens.progress import Progress, silent

FEW = 1024  # pairs of a key that are sooner scored than multiplied
PAIRS = 2**16  # pairs listed at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class BestRight:
    """The search for the best right items in one key system."""

    sides: Sides
    system: System
    questions: Sequence[Question]  # of this system, from one side or from both
    blocks: Blocks

    def find(self, *, progress: Progress = silent) -> None:
        """Set the bars of the questions."""
        groups = [_Groups.of(self.system[axis], sound=self.sides[axis].sound) for axis in (0, 1)]
        pairs_K = groups[0].size_K * groups[1].size_K
        for keys in _in_lists(pairs_K):
            self._score_all(_pairs(groups, keys))
        many = np.flatnonzero(pairs_K > FEW)
        for done, key in enumerate(many.tolist()):
            progress("find the right items", done, len(many))
            self._score_near_best([group.of_key(key) for group in groups])

    def _score_all(self, labels: Sequence[Numbers]) -> None:
        """Raise the bars to the scores of some pairs, a label of each side."""
        for chunk in pair_chunks(len(labels[0]), self.sides.dimension):
            pairs = [label_M[chunk] for label_M in labels]
            scores = exact_dots(self._read(0, pairs[0]), self._read(1, pairs[1]))
            for question in self.questions:
                question.raise_bars(pairs[question.axis], scores)

    def _score_near_best(self, labels: Sequence[Numbers]) -> None:
        """Raise the bars to the best scores between the labels of one key."""

        def ask(tile: Tile, scores: Scores, *, double: bool) -> list[Bars]:
            best = self.blocks.best(scores)
            return [
                self._near(
                    question, labels[question.axis][tile[question.axis]], best, double=double
                )
                for question in self.questions
            ]

        for tile in self._tiles(labels):
            single = self.sides.fit_single
            for answer in compare_tile(tile, ask, blocks=self.blocks, single=single):
                self._raise(answer, labels)

    def _raise(self, answer: Answer, labels: Sequence[Numbers]) -> None:
        question, found = self.questions[answer.number], answer.found
        axis, line_M = question.axis, found.asker_M + answer.first
        scores = answer.tile.exact(line_M, found.item_M, axis=axis, blocks=self.blocks)
        question.raise_bars(labels[axis][answer.tile[axis]][line_M], scores)

    def _near(
        self, question: Question, askers: Numbers, best: Sequence[Floats], *, double: bool
    ) -> Bars:
        """Return bars that the best scores of a block, or better ones before, are above."""
        axis = question.axis
        slack = self.sides.slack(axis, question.asking.row_L[askers], double=double)
        floor = np.maximum(best[axis].astype(np.float64), question.bar_P[askers])
        low, _ = widened(floor, 2 * slack, double=double)  # the best's error and the other's
        return Bars(
            axis=axis, line_P=None, low_P=low, high_P=np.full_like(low, np.inf), times_X=None
        )

    def _tiles(self, labels: Sequence[Numbers]) -> Iterator[Tile]:
        sizes = (self.blocks.rows, self.blocks.columns)
        for rows in _slices(len(labels[0]), sizes[0]):
            held_rows = self._hold(0, labels[0][rows])
            for columns in _slices(len(labels[1]), sizes[1]):
                yield Tile(
                    rows=rows,
                    columns=columns,
                    held_rows=held_rows,
                    held_columns=self._hold(1, labels[1][columns]),
                )

    def _hold(self, axis: int, label_L: Numbers) -> Rows:
        return self.blocks.hold(self._read(axis, label_L))

    def _read(self, axis: int, label_L: Numbers) -> Floats:
        return self.sides[axis].read(self.system[axis].row_L[label_L])


@dataclass(frozen=True, slots=True)
class _Groups:
    """The labels of sound vectors on one side, by key."""

    label_L: Numbers  # in the order of their keys
    start_K: Numbers
    size_K: Numbers

    @classmethod
    def of(cls, labels: Labels, *, sound: int) -> _Groups:
        sound_L = np.flatnonzero(labels.row_L < sound)
        size_K = np.bincount(labels.key_L[sound_L], minlength=len(labels.times_of_key))
        by_key = np.argsort(labels.key_L[sound_L], kind="stable")
        return cls(sound_L[by_key], np.cumsum(size_K) - size_K, size_K)

    def of_key(self, key: int) -> Numbers:
        start = self.start_K[key]
        return self.label_L[start : start + self.size_K[key]]


def _in_lists(pairs_K: Numbers) -> Iterator[Numbers]:
    """Yield the keys of few pairs, so many at a time as have some `PAIRS` together."""
    few = np.flatnonzero((pairs_K > 0) & (pairs_K <= FEW))
    list_of = np.cumsum(pairs_K[few]) // PAIRS
    yield from np.split(few, np.flatnonzero(np.diff(list_of)) + 1)


def _pairs(groups: Sequence[_Groups], keys: Numbers) -> tuple[Numbers, Numbers]:
    """Return the labels of all pairs of the keys: those of the first side and of the second."""
    first, second = groups
    pairs = first.size_K[keys] * second.size_K[keys]
    key_M = np.repeat(keys, pairs)
    place_M = np.arange(len(key_M)) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    of_first, of_second = np.divmod(place_M, second.size_K[key_M])
    return (
        first.label_L[first.start_K[key_M] + of_first],
        second.label_L[second.start_K[key_M] + of_second],
    )


def _slices(total: int, size: int) -> Iterator[slice]:
    for start in range(0, total, size):
        yield slice(start, min(start + size, total))
