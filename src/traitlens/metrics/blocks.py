"""What a device does with a block of scores: the product, and what of it lies near a bar.

`metrics.ranking` says which blocks there are and what their answers mean. A device only has to
multiply within the error that a product of its precision has in any order of summation, to compare,
and to give the exact scores of single pairs with `exact_dots`'s order of additions.
"""

# Axes: R rows and C columns of a block, P askers, M pairs, D dimensions, X either R or C

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from traitlens.metrics.counts import Floats

Numbers = NDArray[np.int64]
Rows = Any  # (R, D) on the device, as its `hold` gave it; a slice of it is one too
Scores = Any  # (R, C) on the device, as its `product` gave it

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

    def part(self, chosen: slice) -> Bars:
        """Return the bars of some of the askers."""
        return replace(
            self,
            line_P=None if self.line_P is None else self.line_P[chosen],
            low_P=self.low_P[chosen],
            high_P=self.high_P[chosen],
        )

    def of_rows(self, rows: slice) -> tuple[int, Bars]:
        """Return the first asker of those in some rows of the block, and their bars as if all."""
        if self.axis == 1:
            times_X = None if self.times_X is None else self.times_X[rows]
            return 0, replace(self, times_X=times_X)
        if self.line_P is None:
            return rows.start, self.part(rows)
        first, last = self.line_P.searchsorted([rows.start, rows.stop]).tolist()
        return first, replace(
            self.part(slice(first, last)), line_P=self.line_P[first:last] - rows.start
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


def pair_chunks(pairs: int, dimension: int, *, values: int = PAIR_VALUES) -> Iterator[slice]:
    """Yield the slices in which to add up pairs of vectors, each of at most `values` values."""
    step = max(1, values // max(1, dimension))
    for start in range(0, pairs, step):
        yield slice(start, start + step)
