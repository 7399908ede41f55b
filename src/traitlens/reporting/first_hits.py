"""The scores of some captions with all pictures of their collection, a block at a time."""

# Axes: Q queries of a block, n tokens of a collection, G distinct pictures, D dimensions

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from traitlens.embedding import Embedded
from traitlens.metrics import group_equal

_CELLS = 2**22  # scores at a time: 32 MB, and some copies

Rows = NDArray[np.intp]
Scores = NDArray[np.float64]


def drawn_rows(size: int, most: int, *, key: str) -> list[int]:
    """Return at most `most` of the numbers below `size`, in order; nothing but `key` decides."""
    return sorted(random.Random(key).sample(range(size), min(size, most)))


def score_blocks(
    embedded: Embedded, collection: str, rows: Sequence[int]
) -> Iterator[tuple[Rows, Scores]]:
    """Yield some of `rows`, counted within the collection, and their scores of shape (Q, n).

    Row i asks with its caption. Equal pictures score exactly equal.
    """
    images_nD, texts_nD = embedded.of(collection)
    distinct, group_n = group_equal(images_nD)
    distinct_DG = distinct.astype(np.float64).T
    size = max(1, _CELLS // len(images_nD))
    for start in range(0, len(rows), size):
        asked = np.array(rows[start : start + size], np.intp)
        yield asked, (texts_nD[asked].astype(np.float64) @ distinct_DG)[:, group_n]
