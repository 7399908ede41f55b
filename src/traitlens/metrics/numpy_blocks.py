"""Blocks of scores on the CPU: products by BLAS, comparisons by threads in cached strips."""

# Axes: R rows and C columns of a strip, P askers, M pairs, K candidates, D dimensions

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from traitlens.metrics.blocks import Bars, Found, Numbers, exact_dots, pair_chunks
from traitlens.metrics.counts import Floats

Result = TypeVar("Result")

STRIP = 2**19  # scores compared at a time: they stay in cache, and Python's own time is little
MOST_ROWS = 255  # of a strip: a byte holds the counts of its columns
SPARSE = 32  # one score in so many can be looked at singly for the time of a look at all


# How many bits each byte has. `np.bitwise_count` needs NumPy 2.
BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1, dtype=np.uint8)

_Seen = tuple[Numbers, Numbers, Numbers]  # above_P, and asker_M and item_M of the pairs in between


@dataclass(frozen=True, slots=True, kw_only=True)
class NumpyBlocks:
    """The CPU as a device of `metrics.rank`."""

    rows: int = 4096
    columns: int = 2048  # so a block of scores is 32 MB
    keep_bytes: int = 0  # there is nowhere faster to keep it
    threads: int = os.cpu_count() or 1

    def hold(self, vectors_RD: Floats) -> Floats:
        """Return the vectors in float32 or float64."""
        return vectors_RD.astype(np.promote_types(vectors_RD.dtype, np.float32), copy=False)

    def product(self, rows: Floats, columns: Floats, *, double: bool) -> Floats:
        """Return the dot products in float64 when `double`, else in float32."""
        kind = np.float64 if double else np.float32
        scores: Floats = np.matmul(
            rows.astype(kind, copy=False), columns.astype(kind, copy=False).T
        )
        return scores

    def best(self, scores: Floats) -> tuple[Floats, Floats]:
        """Return the best score of each row and of each column."""
        return scores.max(axis=1), scores.max(axis=0)

    def compare(
        self, scores: Floats, bars: Sequence[Bars], *, most_near: int | None = None
    ) -> list[Found] | None:
        """Return what each of `bars` finds; None when the pairs are more than `most_near`."""
        askers = [len(one.low_P) for one in bars]
        limit = scores.size * sum(askers) if most_near is None else most_near
        height = min(MOST_ROWS, max(1, STRIP // max(1, scores.shape[1])))
        sums = [_Sum(count) for count in askers]
        near = 0

        def look(start: int) -> list[_Part]:
            rows = slice(start, min(start + height, len(scores)))
            return _until_crowded(_look(scores[rows], rows, bars), most_near=limit)

        with closing(_in_threads(look, range(0, len(scores), height), self.threads)) as strips:
            for parts in strips:
                for part in parts:
                    sums[part.number].add(part)
                    near += len(part.asker_M)
                if near > limit:
                    return None
        return [total.found() for total in sums]

    def dots(self, rows: Floats, columns: Floats, row_M: Numbers, column_M: Numbers) -> Floats:
        """Return the exact scores of pairs of a row and a column."""
        scores_M = np.empty(len(row_M))
        for chunk in pair_chunks(len(row_M), rows.shape[1]):
            scores_M[chunk] = exact_dots(rows[row_M[chunk]], columns[column_M[chunk]])
        return scores_M


@dataclass(frozen=True, slots=True)
class _Part:
    """What some askers of bars `number`, `first` and those after it, found in a strip."""

    number: int
    first: int
    above_P: Numbers
    asker_M: Numbers
    item_M: Numbers


class _Sum:
    """What the askers of one `Bars` found in the strips so far."""

    def __init__(self, askers: int) -> None:
        none = np.empty(0, np.int64)
        self._above_P = np.zeros(askers, np.int64)
        self._askers, self._items = [none], [none]

    def add(self, part: _Part) -> None:
        self._above_P[part.first : part.first + len(part.above_P)] += part.above_P
        self._askers.append(part.asker_M)
        self._items.append(part.item_M)

    def found(self) -> Found:
        return Found(self._above_P, np.concatenate(self._askers), np.concatenate(self._items))


def _in_threads(
    function: Callable[[int], Result], items: Sequence[int], threads: int
) -> Generator[Result, None, None]:
    """Yield `function(item)` of each item, in order; once closed, no more are begun."""
    if min(threads, len(items)) <= 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        try:
            yield from pool.map(function, items)
        finally:
            pool.shutdown(cancel_futures=True)


def _until_crowded(parts: Iterator[_Part], *, most_near: int) -> list[_Part]:
    """Return the parts, but none after those that have more than `most_near` pairs."""
    taken, near = [], 0
    for part in parts:
        taken.append(part)
        near += len(part.asker_M)
        if near > most_near:
            break
    return taken


@dataclass(frozen=True, slots=True)
class _Mine:
    """The bars of a strip's askers, the first of whom is `first` of bars `number`."""

    number: int
    first: int
    bars: Bars


def _look(strip_RC: Floats, rows: slice, bars: Sequence[Bars]) -> Iterator[_Part]:
    """Yield what is found in some rows of a block, and by whom."""
    mine = [_Mine(number, *one.of_rows(rows)) for number, one in enumerate(bars)]
    for axis in (0, 1):
        one_each = [one for one in mine if one.bars.axis == axis and one.bars.line_P is None]
        for one, seen in _together(strip_RC, one_each, axis=axis):
            yield _part(one, seen, rows)
    for one in mine:
        for some, line_P in _spread(one, strip_RC.shape[one.bars.axis]):
            yield _part(some, _dense(strip_RC.take(line_P, axis=one.bars.axis), some.bars), rows)


def _part(mine: _Mine, seen: _Seen, rows: slice) -> _Part:
    """Return what was seen in a strip in the numbers of the block."""
    above_P, asker_M, item_M = seen
    item = 0 if mine.bars.axis == 0 else rows.start
    return _Part(mine.number, mine.first, above_P, asker_M + mine.first, item_M + item)


def _spread(mine: _Mine, size: int) -> Iterator[tuple[_Mine, Numbers]]:
    """Yield askers that share lines, at most `size` at a time of any number, and their lines."""
    if mine.bars.line_P is None:
        return
    for start in range(0, len(mine.bars.low_P), max(1, size)):
        some = slice(start, start + size)
        yield _Mine(mine.number, mine.first + start, mine.bars.part(some)), mine.bars.line_P[some]


def _together(
    strip_RC: Floats, mine: Sequence[_Mine], *, axis: int
) -> Iterator[tuple[_Mine, _Seen]]:
    """Yield what bars of one asker a line find: singly among the few scores over the lowest bar.

    Where these are not few, each looks at all.
    """
    if not mine:
        return
    low_P = np.minimum.reduce([one.bars.low_P for one in mine])
    over_RC = strip_RC >= _along(low_P, axis)
    if np.count_nonzero(over_RC) * SPARSE > over_RC.size:
        yield from ((one, _dense(strip_RC, one.bars)) for one in mine)
        return
    place_K = np.flatnonzero(over_RC)
    score_K = strip_RC.reshape(-1)[place_K]
    lines = np.divmod(place_K, strip_RC.shape[1])
    yield from ((one, _sparse(score_K, lines, one.bars)) for one in mine)


def _sparse(score_K: Floats, lines: tuple[Numbers, Numbers], bars: Bars) -> _Seen:
    """Return of each asker how much of the candidates is above, and the pairs in between."""
    asker_K, item_K = lines[bars.axis], lines[1 - bars.axis]
    above_K = score_K > bars.high_P[asker_K]
    near_K = (score_K >= bars.low_P[asker_K]) & ~above_K
    times = None if bars.times_X is None else bars.times_X[item_K[above_K]]
    above_P = np.bincount(asker_K[above_K], times, minlength=len(bars.low_P))
    return above_P.astype(np.int64), asker_K[near_K], item_K[near_K]


def _dense(lines_RC: Floats, bars: Bars) -> _Seen:
    """Return the same of all scores, the askers being one a line."""
    above_RC = lines_RC > _along(bars.high_P, bars.axis)
    near_RC = lines_RC >= _along(bars.low_P, bars.axis)
    near_RC ^= above_RC  # what is above is not below
    pairs = np.divmod(np.flatnonzero(near_RC), max(1, lines_RC.shape[1]))
    return _counts(above_RC, bars), pairs[bars.axis], pairs[1 - bars.axis]


def _along(values: Floats, axis: int) -> Floats:
    """Return values of lines so that they meet a block's scores."""
    return values[:, None] if axis == 0 else values[None, :]


def _counts(marks_RC: NDArray[np.bool_], bars: Bars) -> Numbers:
    """Return how many marks each asker has, an item counting as often as it is there."""
    if bars.times_X is not None:  # in float64, exact below 2^53: BLAS has no integers
        marks = marks_RC if bars.axis == 0 else marks_RC.T
        return (marks.astype(np.float64) @ bars.times_X.astype(np.float64)).astype(np.int64)
    counts: Numbers
    if bars.axis == 0:  # a fourth of the time that `count_nonzero(axis=1)` takes
        counts = BITS[np.packbits(marks_RC, axis=1)].sum(axis=1, dtype=np.int64)
    else:
        counts = marks_RC.view(np.uint8).sum(axis=0, dtype=np.uint8).astype(np.int64)
    return counts
