"""Connected areas of nearly one colour: a part of a drawing rarely ends within one.

Axes: H height, W width, C channels, V candidates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_STEP = 5  # largest difference of a channel between neighbours of one flat


def flats(rgba_HWC: NDArray[np.uint8], *, step: int = _STEP) -> NDArray[np.intp]:
    """Return the number of the flat that each pixel lies in: (H * W,), from 0 without gaps.

    Neighbours, also through a chain, are of one flat when no channel differs by more than `step`.
    """
    height, width = rgba_HWC.shape[:2]
    x_HWC = rgba_HWC.astype(np.int16)
    at_HW = np.arange(height * width).reshape(height, width)
    right_HW = (np.abs(x_HWC[:, 1:] - x_HWC[:, :-1]) <= step).all(axis=2)
    down_HW = (np.abs(x_HWC[1:] - x_HWC[:-1]) <= step).all(axis=2)
    one = np.concatenate([at_HW[:, :-1][right_HW], at_HW[:-1][down_HW]])
    other = np.concatenate([at_HW[:, 1:][right_HW], at_HW[1:][down_HW]])
    return connected(height * width, one, other)


def connected(nodes: int, one: NDArray[np.intp], other: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the number of the connected part that each node is in; `one` - `other` are edges."""
    root = np.arange(nodes)
    while True:
        low, high = root[one], root[other]
        open_edges = low != high
        if not open_edges.any():
            break
        one, other = one[open_edges], other[open_edges]
        low, high = low[open_edges], high[open_edges]
        np.minimum.at(root, np.maximum(low, high), np.minimum(low, high))
        while (root[root] != root).any():
            root = root[root]
    return np.unique(root, return_inverse=True)[1].ravel()


def averaged(scores_VP: NDArray[np.floating], flats_P: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the mean score of each pixel's flat: (V, P)."""
    size_F = np.bincount(flats_P)
    sums = [np.bincount(flats_P, scores_P) / size_F for scores_P in scores_VP]
    return np.stack(sums)[:, flats_P] if sums else np.zeros((0, len(flats_P)))
