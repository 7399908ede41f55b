"""Colours at one place that count as equal, numbered place by place.

Axes: N tokens, P pixels, C the four channels RGBA.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Shades = NDArray[np.uint8]

NONE = 255  # equal to nothing
CLEAR = 254  # fully transparent: equal, but never drawn
_AT_ONCE = 2**18  # pixels of all tokens that are numbered together: as many as a cache holds
_MOST = 200  # numbers from here on are for `known` shades


def shades(
    rgba_NPC: NDArray[np.uint8], *, tolerance: int, known_NP: Shades | None = None
) -> Shades:
    """Return numbers (N, P) that are equal where two tokens show the same colour at a pixel.

    The same is: no channel differs from that of the first such token by more than `tolerance`.
    Where `known_NP` is not 0 the shade is that number, counted down from `CLEAR`, at every pixel
    alike. What is fully transparent is `CLEAR`; of more than 200 colours at a pixel the last are
    `NONE`.
    """
    tokens, pixels = rgba_NPC.shape[:2]
    result_PN = np.empty((pixels, tokens), np.uint8)
    together = max(1, _AT_ONCE // max(1, tokens))
    for start in range(0, pixels, together):
        block = slice(start, start + together)
        known_PN = None if known_NP is None else known_NP[:, block].T
        result_PN[block] = _numbered(rgba_NPC[:, block].transpose(2, 1, 0), known_PN, tolerance)
    result_NP = np.ascontiguousarray(result_PN.T)
    if known_NP is not None:
        result_NP = np.where(known_NP > 0, np.uint8(CLEAR) - known_NP, result_NP)
    return result_NP


def _numbered(rgba_CPN: NDArray[np.uint8], known_PN: Shades | None, tolerance: int) -> Shades:
    """Return the numbers of the colours of some pixels: (P, N)."""
    left_CPN = np.ascontiguousarray(rgba_CPN)
    result_PN = np.where(left_CPN[3] > 0, np.uint8(NONE), np.uint8(CLEAR))
    open_PN = left_CPN[3] > 0
    if known_PN is not None:
        open_PN &= known_PN == 0
    active = np.arange(len(open_PN))
    for number in range(_MOST):
        still_P = open_PN.any(axis=1)
        if not still_P.all():
            active, open_PN, left_CPN = active[still_P], open_PN[still_P], left_CPN[:, still_P]
        if not len(active):
            break
        first_CP = left_CPN[:, np.arange(len(active)), open_PN.argmax(axis=1)]
        same_PN = open_PN & (apart(left_CPN, first_CP[..., None]) <= tolerance)
        open_PN &= ~same_PN
        result_PN[active] = np.where(same_PN, np.uint8(number), result_PN[active])
    return result_PN


def apart(one_C: NDArray[np.uint8], other_C: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the largest difference of a channel; channels are the first axis.

    Three passes over bytes are several times as fast as one over the last axis of an array.
    """
    most = np.maximum(one_C[0], other_C[0]) - np.minimum(one_C[0], other_C[0])
    for one, other in zip(one_C[1:], other_C[1:], strict=True):
        np.maximum(most, np.maximum(one, other) - np.minimum(one, other), out=most)
    return np.asarray(most)


def counts(shades_NP: Shades) -> NDArray[np.int32]:
    """Return how many tokens show each shade at each pixel: (P, 256); none show `NONE`."""
    pixels = np.arange(shades_NP.shape[1])
    counts_PU = np.zeros((len(pixels), NONE + 1), np.int32)
    for shades_P in shades_NP:
        counts_PU[pixels, shades_P] += 1
    counts_PU[:, NONE] = 0
    return counts_PU


def commonest(shades_SP: Shades, *, number: int) -> Shades:
    """Return the most common shades at each pixel, best first: (number, P), `NONE` if fewer."""
    tokens, pixels = shades_SP.shape
    result = np.full((number, pixels), NONE, np.uint8)
    sorted_PS = np.sort(np.ascontiguousarray(shades_SP.T), axis=1)
    starts_PS = np.ones((pixels, tokens), np.bool_)
    starts_PS[:, 1:] = sorted_PS[:, 1:] != sorted_PS[:, :-1]
    starts = np.flatnonzero(starts_PS)
    lengths = np.diff(np.append(starts, pixels * tokens))
    shade, pixel = sorted_PS.ravel()[starts], starts // tokens
    keep = shade != NONE
    order = np.lexsort((-lengths[keep], pixel[keep]))
    shade, pixel = shade[keep][order], pixel[keep][order]
    place = np.arange(len(pixel)) - np.searchsorted(pixel, pixel)
    for at in range(number):
        chosen = place == at
        result[at, pixel[chosen]] = shade[chosen]
    return result
