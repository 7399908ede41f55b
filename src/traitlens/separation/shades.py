"""Colours at one place that count as equal, numbered place by place.

Axes: N tokens, P pixels, C the four channels RGBA.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Shades = NDArray[np.uint8]

NONE = 255  # equal to nothing
CLEAR = 254  # fully transparent: equal, but never drawn
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
    rgba_PNC = np.ascontiguousarray(rgba_NPC.transpose(1, 0, 2)).astype(np.int16)
    open_PN = rgba_PNC[..., 3] > 0
    if known_NP is not None:
        open_PN &= known_NP.T == 0
    result_PN = np.where(rgba_PNC[..., 3] > 0, np.uint8(NONE), np.uint8(CLEAR))
    active = np.arange(len(rgba_PNC))
    for number in range(_MOST):
        active = active[open_PN[active].any(axis=1)]
        if not len(active):
            break
        open_AN, rgba_ANC = open_PN[active], rgba_PNC[active]
        first_AC = rgba_ANC[np.arange(len(active)), open_AN.argmax(axis=1)]
        same_AN = (np.abs(rgba_ANC - first_AC[:, None]) <= tolerance).all(axis=2) & open_AN
        open_PN[active] = open_AN & ~same_AN
        result_PN[active] = np.where(same_AN, np.uint8(number), result_PN[active])
    result_NP = np.ascontiguousarray(result_PN.T)
    if known_NP is not None:
        result_NP = np.where(known_NP > 0, np.uint8(CLEAR) - known_NP, result_NP)
    return result_NP


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
