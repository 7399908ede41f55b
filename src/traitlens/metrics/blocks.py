"""What a device does with a block of scores: the product, and what of it lies near a bar.

`metrics.ranking` says which blocks there are and what their answers mean. A device only has to
multiply within the error that a product of its precision has in any order of summation, to compare,
and to give the exact scores of single pairs with `exact_dots`'s order of additions.
"""

# Axes: R rows and C columns of a block, P askers, M pairs, D dimensions, X either R or C

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from traitlens.metrics.counts import Floats

Numbers = NDArray[np.int64]
Rows = Any  # (R, D) on the device, as its `hold` gave it; a slice of it is one too
Scores = Any  # (R, C) on the device, as its `product` gave it

Result = TypeVar("Result")

STRIP = 2**17  # scores that stay in a core's cache while they are compared
MOST_ROWS = 255  # of a strip: a byte holds the counts of its columns
PAIR_VALUES = 2**18  # values of pairs in memory at a time: 2 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """The scores of a block that askers on one side of it must look at more closely.

    A score above `high_P` is above the asker's bar for certain and one below `low_P` below it.
    """

    axis: int  # 0: the askers are rows; 1: they are columns
    line_P: Numbers | None  # which row or column each asker is, in order; None: one each
    low_P: Floats
    high_P: Floats
    times_X: Numbers | None  # how often each line of the other side counts; None: once

    def askers_of(self, lines: slice) -> slice:
        """Return which askers the lines are."""
        if self.line_P is None:
            return lines
        first, last = self.line_P.searchsorted([lines.start, lines.stop])
        return slice(int(first), int(last))

    def part(self, chosen: slice) -> Bars:
        """Return the bars of some of the askers."""
        return Bars(
            axis=self.axis,
            line_P=None if self.line_P is None else self.line_P[chosen],
            low_P=self.low_P[chosen],
            high_P=self.high_P[chosen],
            times_X=self.times_X,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What the askers of one `Bars` found in a block.

    `above_P` counts what is above for certain. Pair m is asker `asker_M[m]` and line `item_M[m]` of
    the other side, and its score is between the asker's low and high.
    """

    above_P: Numbers
    asker_M: Numbers
    item_M: Numbers


class Blocks(Protocol):
    """A device. `rows` x `columns` is the size of its blocks."""

    @property
    def rows(self) -> int: ...

    @property
    def columns(self) -> int: ...

    @property
    def keep_bytes(self) -> int:
        """How much of a gallery may stay on the device from one block of rows to the next."""
        ...

    def hold(self, vectors_RD: Floats) -> Rows:
        """Return the vectors on the device, exact, in float32 or float64."""
        ...

    def product(self, rows: Rows, columns: Rows, *, double: bool) -> Scores:
        """Return the dot products, in float64 when `double`, else in float32 and not less."""
        ...

    def best(self, scores: Scores) -> tuple[Floats, Floats]:
        """Return the best score of each row and of each column."""
        ...

    def compare(
        self, scores: Scores, bars: Sequence[Bars], *, most_near: int | None = None
    ) -> list[Found] | None:
        """Return what each of `bars` finds; None when the pairs are more than `most_near`."""
        ...

    def dots(self, rows: Rows, columns: Rows, row_M: Numbers, column_M: Numbers) -> Floats:
        """Return the exact scores, see `exact_dots`, of pairs of a row and a column."""
        ...


def exact_dots(left_MD: Floats, right_MD: Floats) -> NDArray[np.float64]:
    """Return the dot products of the pairs, in float64 and always in the same order: (M,).

    The products are added half to half, and the halves' sums again, value by value. So two pairs of
    equal vectors have equal scores, wherever they lie and whatever adds them: an addition of two
    numbers has one result. The order of a BLAS hangs on the machine and on the place in a block.
    """
    sums_MD = left_MD.astype(np.float64) * right_MD
    width = sums_MD.shape[1]
    while width > 1:
        half = width // 2
        sums_MD[:, :half] += sums_MD[:, half : 2 * half]
        if width % 2:
            sums_MD[:, 0] += sums_MD[:, width - 1]
        width = half
    return sums_MD[:, 0].copy()


def pair_chunks(pairs: int, dimension: int) -> Iterator[slice]:
    """Yield the slices in which to add `pairs` pairs of vectors up."""
    step = max(1, PAIR_VALUES // max(1, dimension))
    for start in range(0, pairs, step):
        yield slice(start, start + step)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumpyBlocks:
    """The CPU. Products by BLAS; comparisons by threads, a strip that fits in cache at a time."""

    rows: int = 4096
    columns: int = 4096  # so a block of scores is 64 MB
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
        limit = (
            scores.size * sum(len(one.low_P) for one in bars) if most_near is None else most_near
        )
        height = min(MOST_ROWS, max(1, STRIP // max(1, scores.shape[1])))
        sums = [_Sum(len(one.low_P)) for one in bars]
        near = 0

        def look(start: int) -> list[tuple[_Sum, _Part]]:
            strip = scores[start : start + height]
            return list(_look(strip, start, list(zip(sums, bars, strict=True)), most_near=limit))

        with closing(_in_threads(look, range(0, len(scores), height), self.threads)) as strips:
            for parts in strips:
                for total, part in parts:
                    total.add(part)
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
    """What some askers, `first` and those after it, found in a strip."""

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


def _look(
    strip_RC: Floats, start: int, asked: Sequence[tuple[_Sum, Bars]], *, most_near: int
) -> Iterator[tuple[_Sum, _Part]]:
    """Yield what is found in the rows `start` and on of a block, and for whom.

    It ends early when the pairs are more than `most_near`.
    """
    near = 0
    for total, bars in asked:
        for part in _look_for(strip_RC, start, bars):
            yield total, part
            near += len(part.asker_M)
            if near > most_near:
                return


def _look_for(strip_RC: Floats, start: int, bars: Bars) -> Iterator[_Part]:
    """Yield what the askers of `bars` find in the rows `start` and on of a block."""
    rows = slice(start, start + len(strip_RC))
    if bars.axis == 0:
        askers = bars.askers_of(rows)
        times, moved, item = bars.times_X, start, 0
    else:
        askers = slice(0, len(bars.low_P))
        times, moved, item = (None if bars.times_X is None else bars.times_X[rows]), 0, start
    for some in _few(askers, strip_RC.shape[bars.axis]):
        part = bars.part(some)
        lines_RC = strip_RC
        if part.line_P is not None:
            lines_RC = strip_RC.take(part.line_P - moved, axis=bars.axis)
        above_P, asker_M, item_M = _tally(lines_RC, part, times)
        yield _Part(some.start, above_P, asker_M + some.start, item_M + item)


def _few(askers: slice, size: int) -> Iterator[slice]:
    """Yield slices of at most `size`: a line can have any number of askers."""
    for first in range(askers.start, askers.stop, max(1, size)):
        yield slice(first, min(first + size, askers.stop))


def _tally(
    lines_RC: Floats, bars: Bars, times: Numbers | None
) -> tuple[Numbers, Numbers, Numbers]:
    """Return of each asker, one a line, what is above, and the pairs in between."""
    along = np.s_[:, None] if bars.axis == 0 else np.s_[None, :]
    above_RC = lines_RC > bars.high_P[along]
    near_RC = lines_RC >= bars.low_P[along]
    near_RC ^= above_RC  # what is above is not below
    pairs = np.divmod(np.flatnonzero(near_RC), max(1, lines_RC.shape[1]))
    return _counts(above_RC, bars.axis, times), pairs[bars.axis], pairs[1 - bars.axis]


def _counts(marks_RC: NDArray[np.bool_], axis: int, times: Numbers | None) -> Numbers:
    """Return how many marks each line of an axis has, those across it counting `times`."""
    if times is not None:  # in float64, exact below 2^53, because BLAS has no integers
        marks = marks_RC if axis == 0 else marks_RC.T
        return (marks.astype(np.float64) @ times.astype(np.float64)).astype(np.int64)
    if axis == 0:  # a fourth of the time that `count_nonzero(axis=1)` takes
        bits: Numbers = np.bitwise_count(np.packbits(marks_RC, axis=1)).sum(axis=1, dtype=np.int64)
        return bits
    counts: NDArray[np.uint8] = marks_RC.view(np.uint8).sum(axis=0, dtype=np.uint8)
    return counts.astype(np.int64)
