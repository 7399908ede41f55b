"""Pixels of a part that look like what lies below them: given to it where its own lie around them.

The black outline of a hat over the black outline of a head sets no token apart. It is taken to be
the hat's where the hat draws the same colour beside it. IoU of what is seen on the first 1,500
cryptopunks .873 without, .891 with it; on the first 300 nouns .948, .952.

Axes: N tokens, P pixels, S tokens that have a value, H height, W width, C channels.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from traitlens.separation.shades import CLEAR, NONE, Shades, commonest
from traitlens.separation.stacking import Stack
from traitlens.separation.values import Values

_SHOWN = 0.9  # of the tokens that are not covered there, those that show the colour
_LEAST_OPEN = 0.05  # of a value's tokens, not covered, to judge by
_BESIDE = 2  # of the four neighbours, those that the value draws in the colour


def filled(
    stack: Stack,
    shades_NP: Shades,
    rgba_NPC: NDArray[np.uint8],
    values: Values,
    size: tuple[int, int],
    *,
    tolerance: int,
) -> Stack:
    """Return the stack with what its values' own pixels surround; `size` is height and width."""
    top_NP = stack.topmost(values)
    drawn_KP = stack.drawn_KP.copy()
    for drawn_P, layer, rows in zip(drawn_KP, stack.layer_K, values.rows, strict=True):
        open_SP = top_NP[rows] <= layer
        open_shades_SP = np.where(open_SP, shades_NP[rows], np.uint8(NONE))
        shade_P = commonest(open_shades_SP, number=1)[0]
        shows_SP = (open_shades_SP == shade_P) & open_SP
        open_P = open_SP.sum(axis=0)
        sure_P = (shows_SP.sum(axis=0) >= _SHOWN * open_P) & (shade_P < CLEAR)
        sure_P &= open_P >= max(1, _LEAST_OPEN * len(rows))
        colour_PC = rgba_NPC[rows[shows_SP.argmax(axis=0)], np.arange(len(drawn_P))]
        beside_P = _beside(drawn_P != NONE, colour_PC, size, tolerance=tolerance)
        fill_P = sure_P & (drawn_P == NONE) & (beside_P >= _BESIDE)
        drawn_P[fill_P] = shade_P[fill_P]
    return dataclasses.replace(stack, drawn_KP=drawn_KP)


def _beside(
    draws_P: NDArray[np.bool_],
    colour_PC: NDArray[np.uint8],
    size: tuple[int, int],
    *,
    tolerance: int,
) -> NDArray[np.intp]:
    """Return how many of each pixel's four neighbours are drawn, and of its colour: (P,)."""
    draws_HW = draws_P.reshape(size)
    colour_HWC = colour_PC.reshape(*size, -1).astype(np.int16)
    beside_HW = np.zeros(size, np.intp)
    for one, other in (
        ((slice(1, None), slice(None)), (slice(-1), slice(None))),
        ((slice(None), slice(1, None)), (slice(None), slice(-1))),
    ):
        same_HW = (np.abs(colour_HWC[one] - colour_HWC[other]) <= tolerance).all(axis=2)
        beside_HW[one] += same_HW & draws_HW[other]
        beside_HW[other] += same_HW & draws_HW[one]
    return beside_HW.ravel()
