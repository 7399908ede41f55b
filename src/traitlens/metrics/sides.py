"""The two sides of a ranking: their distinct vectors, and which of them have which keys."""

# Axes: N items of one side, U distinct rows, D dimensions, L labels, M pairs

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.metrics.blocks import Numbers
from traitlens.metrics.counts import Floats, Ints, equal_rows

READ = 4096  # rows in memory at a time where every row is read once

LARGEST = 2.0**500  # norm of a vector that is sound

# Norms for which no float32 product of two rows over- or underflows by more than it rounds.
SINGLE_NORMS = (2.0**-40, 2.0**60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The distinct vectors of one side, in the order: those of one item, of several, the broken.

    A vector with NaN or infinity in it is broken, and so is one so long that its products could
    overflow float64. All broken ones are one distinct row, the last.
    """

    vectors_ND: Floats  # as they were given, maybe on disk
    first_U: NDArray[np.intp]  # an item with each row's vector
    row_N: NDArray[np.intp]
    times_U: Numbers  # items with it
    norm_U: NDArray[np.float64]
    single: int  # rows of one item
    sound: int  # rows that are not broken
    largest_norm: float  # of the sound rows
    fits_single: bool  # whether float32 has the range for their products

    @classmethod
    def of(cls, vectors_ND: Floats) -> Side:
        """Return the side of vectors in float16, float32 or float64."""
        first_U, row_N = equal_rows(vectors_ND)
        norm_U = _norms(vectors_ND, first_U)
        times_U = np.bincount(row_N, minlength=len(first_U))
        kind_U = np.where(norm_U <= LARGEST, np.minimum(times_U, 2), 3)
        order_U = np.argsort(kind_U, kind="stable")
        single, repeated = int((kind_U == 1).sum()), int((kind_U == 2).sum())
        sound = single + repeated
        place_U = np.empty_like(order_U)
        place_U[order_U] = np.minimum(np.arange(len(order_U)), sound)  # the broken share a place
        distinct = order_U[: sound + 1]
        sound_norms = norm_U[distinct[:sound]]
        return cls(
            vectors_ND=vectors_ND,
            first_U=first_U[distinct],
            row_N=place_U[row_N],
            times_U=np.bincount(place_U[row_N], minlength=len(distinct)),
            norm_U=norm_U[distinct],
            single=single,
            sound=sound,
            largest_norm=float(sound_norms.max(initial=0.0)),
            fits_single=_fit_single(sound_norms),
        )

    def __len__(self) -> int:
        return len(self.row_N)

    @property
    def broken(self) -> int:
        """The number of items whose vector is broken."""
        return int(self.times_U[self.sound :].sum())

    def read(self, rows: slice | NDArray[np.intp]) -> Floats:
        """Return some of the distinct vectors, as they are stored."""
        items = self.first_U[rows]
        if len(items) and items[-1] - items[0] == len(items) - 1 and (np.diff(items) == 1).all():
            return self.vectors_ND[items[0] : items[-1] + 1]  # no copy
        return self.vectors_ND[items]

    def blocks(self, size: int, *, start: int = 0) -> Iterator[slice]:
        """Yield the sound rows from `start` on; no block has both single and repeated rows."""
        for low, high in ((0, self.single), (self.single, self.sound)):
            for first in range(max(low, start), high, size):
                yield slice(first, min(first + size, high))

    def times(self, rows: slice) -> Numbers | None:
        """Return how many items each row of a block has; None when it is one."""
        return None if rows.stop <= self.single else self.times_U[rows]

    def digest(self) -> str:
        """Return the SHA-256 of all vectors and their shape."""
        sha = hashlib.sha256(f"{self.vectors_ND.shape} {self.vectors_ND.dtype.str}".encode())
        for start in range(0, len(self.vectors_ND), READ):
            sha.update(np.ascontiguousarray(self.vectors_ND[start : start + READ]).data)
        return sha.hexdigest()


def _norms(vectors_ND: Floats, first_U: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the lengths of some vectors, zero for zero ones alone; NaN or infinity as in them."""
    norm_U = np.empty(len(first_U))
    with np.errstate(invalid="ignore"):
        for start in range(0, len(first_U), READ):
            rows = vectors_ND[first_U[start : start + READ]].astype(np.float64)
            scale = np.abs(rows).max(axis=1)  # so that no square overflows or is lost
            rows /= np.where(scale > 0, scale, 1.0)[:, None]
            norm_U[start : start + READ] = scale * np.sqrt(np.einsum("nd,nd->n", rows, rows))
    return norm_U


def _fit_single(norm_U: NDArray[np.float64]) -> bool:
    """Return whether float32 products of vectors of these lengths only round."""
    norm_U = norm_U[norm_U > 0]
    return bool(((norm_U >= SINGLE_NORMS[0]) & (norm_U <= SINGLE_NORMS[1])).all())


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The distinct pairs of a row and a key on one side, in that order.

    Equal vectors with different keys have one row and several labels: as queries each has its own
    right items, as items each is right for others.
    """

    row_L: Numbers
    key_L: Numbers
    times_L: Numbers  # items with it
    label_N: NDArray[np.intp]
    times_of_key: Numbers  # items with each key
    code_L: Numbers  # row and key as one number, in order

    @classmethod
    def of(cls, side: Side, key_N: Ints, *, keys: int) -> Labels:
        """Return the labels of a side whose items have the keys `key_N`, each below `keys`."""
        code_N = side.row_N.astype(np.int64) * keys + key_N
        code_L, label_N, times_L = np.unique(code_N, return_inverse=True, return_counts=True)
        row_L, key_L = np.divmod(code_L, keys)
        return cls(
            row_L=row_L,
            key_L=key_L,
            times_L=times_L,
            label_N=label_N,
            times_of_key=np.bincount(key_N, minlength=keys),
            code_L=code_L,
        )

    def __len__(self) -> int:
        return len(self.row_L)

    def times(self, row_M: Numbers, key_M: Numbers) -> Numbers:
        """Return how many items have the row and the key of each pair, maybe none."""
        code_M = row_M * len(self.times_of_key) + key_M
        place_M = np.minimum(self.code_L.searchsorted(code_M), len(self.code_L) - 1)
        return np.where(self.code_L[place_M] == code_M, self.times_L[place_M], 0)

    def of_rows(self, rows: slice) -> slice:
        """Return which labels the rows of a block have."""
        low, high = self.row_L.searchsorted([rows.start, rows.stop])
        return slice(int(low), int(high))
