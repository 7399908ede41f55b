"""Connected areas of nearly one colour: a part of a drawing rarely ends within one.

JPEG litters a picture with specks of their own. Where neighbours often differ, but little, colours
are smoothed before; seen IoU of 300 JPEG-90 tokens, every fourth scored, without and with that:
critters .58 .64, dylan .72 .77, sprouts .67 .70. A greater step does not help (9: .59 .71 .66).
That share of neighbours is .00 to .09 in most drawings, and .19 to .90 after JPEG-90.

Axes: H height, W width, C channels, V candidates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

_NOISY = 0.15  # share of the neighbours of one flat that differ, from which a picture is noisy
_SMOOTHED_PX = 3  # side of the square that a smoothed colour is the median of
_STEP = 5  # largest difference of a channel between neighbours of one flat


def flats(rgba_HWC: NDArray[np.uint8], *, step: int = _STEP) -> NDArray[np.intp]:
    """Return the number of the flat that each pixel lies in: (H * W,), from 0 without gaps.

    Neighbours, also through a chain, are of one flat when no channel differs by more than `step`.
    Pictures with noise are smoothed before.
    """
    height, width = rgba_HWC.shape[:2]
    x_HWC = (_smoothed(rgba_HWC) if _is_noisy(rgba_HWC, step) else rgba_HWC).astype(np.int16)
    at_HW = np.arange(height * width).reshape(height, width)
    right_HW = (np.abs(x_HWC[:, 1:] - x_HWC[:, :-1]) <= step).all(axis=2)
    down_HW = (np.abs(x_HWC[1:] - x_HWC[:-1]) <= step).all(axis=2)
    one = np.concatenate([at_HW[:, :-1][right_HW], at_HW[:-1][down_HW]])
    other = np.concatenate([at_HW[:, 1:][right_HW], at_HW[1:][down_HW]])
    return connected(height * width, one, other)


def _is_noisy(rgba_HWC: NDArray[np.uint8], step: int) -> bool:
    """Return whether many neighbours of one flat differ."""
    x_HWC = rgba_HWC.astype(np.int16)
    apart_HW = np.abs(x_HWC[:, 1:] - x_HWC[:, :-1]).max(axis=2)
    return bool((apart_HW > 0).sum() - (apart_HW > step).sum() > _NOISY * (apart_HW <= step).sum())


def _smoothed(rgba_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    picture = Image.fromarray(np.ascontiguousarray(rgba_HWC))
    channels = [
        channel.filter(ImageFilter.MedianFilter(_SMOOTHED_PX)) for channel in picture.split()
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=2)


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
