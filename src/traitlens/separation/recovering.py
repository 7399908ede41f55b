"""From what one sees in each token to components: their pixels at full size, and what is beneath.

A pixel of a component has the mean colour of tokens that show it there. Where flats were divided
the component may come in several colours; then the pixels are those of one token, the one that
shows most of it, and of further ones only where that hides something.

Axes: N tokens, P pixels of the pictures, G pixels of the working grid, K values, S tokens that have
a value, M pixels of a region, C channels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from traitlens.separation.layers import Layered
from traitlens.separation.pixels import Pixels, Region, weights
from traitlens.separation.values import Values

_SAMPLES = 8  # tokens that a mean colour is of
_MOST_TOKENS = 512  # that are searched for pixels of a value
_BASE_SHARE = 0.5  # of tokens that show nothing else at a pixel of the base
_BASE_TOKENS = 64


def regions(
    pixels_NP: Pixels, found: Layered, values: Values, grid_P: NDArray[np.intp]
) -> list[Region]:
    """Return the region of each value; it may be empty. `grid_P` has each pixel's working pixel."""
    return [_region(pixels_NP, found, values, value, grid_P) for value in range(len(values))]


def _region(
    pixels_NP: Pixels, found: Layered, values: Values, value: int, grid_P: NDArray[np.intp]
) -> Region:
    where_M = np.flatnonzero((found.weights_KP[value] > 0)[grid_P]).astype(np.int32)
    grid_M = grid_P[where_M]
    sums_MC, times_M = np.zeros((len(where_M), 4)), np.zeros(len(where_M), np.intp)
    samples = 1 if found.flat else _SAMPLES
    for row in best_first(found.seen_NP, values.rows[value], value)[:_MOST_TOKENS]:
        if (times_M >= samples).all():
            break
        shows_M = (found.seen_NP[row, grid_M] == value) & (times_M < samples)
        sums_MC[shows_M] += channels(pixels_NP[row, where_M[shows_M]])
        times_M += shows_M
    known_M = times_M > 0
    where_M, grid_M = where_M[known_M], grid_M[known_M]
    rgba_M4 = np.rint(sums_MC[known_M] / times_M[known_M, None]).astype(np.uint8)
    colours_M = np.ascontiguousarray(rgba_M4).view("<u4").ravel().astype(np.uint32)
    return Region(where_M, colours_M, weights(found.weights_KP[value, grid_M]), rgba_M4)


def channels(pixels: Pixels) -> NDArray[np.uint8]:
    """Return pixels of 8 bits a channel as RGBA: uint8, with an axis more."""
    packed = np.ascontiguousarray(pixels, "<u4")
    return packed.view(np.uint8).reshape(*pixels.shape, 4)


def best_first(
    seen_NG: NDArray[np.int16], rows_S: NDArray[np.intp], value: int
) -> NDArray[np.intp]:
    """Return the rows of a value's tokens, those that show most of it first."""
    shown_S = (seen_NG[rows_S] == value).sum(axis=1)
    return rows_S[np.argsort(-shown_S, kind="stable")]


def visible(found: Layered, values: Values) -> NDArray[np.float64]:
    """Return the mean share of a picture's area in which a value's tokens show it: (K,)."""
    return np.array(
        [(found.seen_NP[rows] == value).mean() for value, rows in enumerate(values.rows)]
    )


def confidence(found: Layered, values: Values) -> NDArray[np.float64]:
    """Return how sure the masks are, in [0, 1]: (K,).

    It is the share of its mask's pixels that show the value, among those that show no other, times
    n / (n + 1) for n tokens: a single token proves little.
    """
    sure_K = np.zeros(len(values))
    for value, rows in enumerate(values.rows):
        seen_SM = found.seen_NP[rows][:, found.weights_KP[value] > 0]
        own, open_ = int((seen_SM == value).sum()), int((seen_SM < 0).sum())
        sure_K[value] = own / max(1, own + open_) * len(rows) / (len(rows) + 1)
    return sure_K


def base(pixels_NP: Pixels, found: Layered, grid_P: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Return the mean colour of what belongs to no value in most tokens: (P, C), else clear."""
    pixels = len(grid_P)
    sums_PC, times_P = np.zeros((pixels, 4)), np.zeros(pixels)
    rows = np.arange(0, len(pixels_NP), max(1, len(pixels_NP) // _BASE_TOKENS))
    for row in rows:
        none_P = found.seen_NP[row, grid_P] < 0
        sums_PC[none_P] += channels(pixels_NP[row, none_P])
        times_P += none_P
    base_PC = np.rint(sums_PC / np.maximum(times_P, 1)[:, None]).astype(np.uint8)
    base_PC[times_P < _BASE_SHARE * len(rows)] = 0
    return base_PC
