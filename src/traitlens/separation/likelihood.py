"""Whose value makes what a token shows least surprising: the owners of a drawing's flats.

For each token and each of its values: how much more common is the shade that the token shows at a
pixel among the tokens with the value than among all. The logarithms are averaged over each flat,
which so has one owner: its votes speak with one voice, also where each alone is weak.

Rare values explain much by chance, and most of all where another type draws. So of the values that
explain a flat enough, those of a type count more whose values explain that place in most tokens.
Seen IoU of 300 tokens without and with that, every third scored: avastars .49 .53, critters .77
.78, miniavs .885 .889, clay .402 .398 (`python -m benchmarks.separation`). If it counts for all
values instead, whole faces fall to the hair: dylan .84 .73.

Axes: N tokens, P pixels, S tokens that have a value, V values of a token, T types.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from traitlens.separation.flats import averaged
from traitlens.separation.recolouring import Recolouring
from traitlens.separation.shades import NONE, Shades
from traitlens.separation.values import Values

_COMPARED = 40  # tokens with a value that each is compared with
_COMPARED_OF_ALL = 96
_PRIOR = 1.0  # tokens as common as among all, added to those with the value
_LEAST_GAIN = 0.15  # in nats a pixel, for a value to own a flat
_TYPE_COUNTS = 0.5  # what values of a type gain on average there, for each nat of the value's own


def owners(
    shades_NP: Shades,
    flats_NP: NDArray[np.int32],
    recoloured: Recolouring,
    values: Values,
    *,
    rng: np.random.Generator,
) -> NDArray[np.int16]:
    """Return the value that owns each pixel of each token: (N, P), -1 for none.

    Values of recolouring types own nothing but what is of their colour. A colour with a host falls
    to the host's value, where no other value owns it; the ground, and a colour that has no host,
    such as the skin of a face that all tokens share, take all that shows them. If such a colour,
    too, took only what is left, much of the face would fall to the hair that frames it: seen IoU of
    300 tokens of dylan .84 .94, toon-head .76 .86, voxel-art .67 .65, voxel-bot .67 .61.
    """
    gains = _gains(shades_NP, values, rng)
    colour_NP = recoloured.colours()
    heirs = _heirs(recoloured, values)
    by_type_TP = _by_type(gains, values)
    own_NP = np.full(shades_NP.shape, -1, np.int16)
    for row, (numbers, gains_VP) in enumerate(zip(values.of_token, gains, strict=True)):
        shapes_V = ~np.isin(values.type_of[numbers], recoloured.types)
        own_NP[row] = _best(
            numbers[shapes_V],
            averaged(gains_VP[shapes_V], flats_NP[row]),
            averaged(by_type_TP[values.type_of[numbers[shapes_V]]], flats_NP[row]),
        )
        for position, heir_N in enumerate(heirs):
            if heir_N[row] >= 0:
                left_P = colour_NP[row] == position
                if position != recoloured.ground and position in recoloured.hosts:
                    left_P &= own_NP[row] < 0
                own_NP[row, left_P] = heir_N[row]
    return own_NP


def _best(
    numbers_V: NDArray[np.intp], gains_VP: NDArray[np.float64], by_type_VP: NDArray[np.float64]
) -> NDArray[np.int16]:
    """Return which of a token's values explains each pixel best, -1 for none: (P,)."""
    if not len(numbers_V):
        return np.full(gains_VP.shape[1], -1, np.int16)
    claims_VP = np.where(gains_VP >= _LEAST_GAIN, gains_VP + _TYPE_COUNTS * by_type_VP, -np.inf)
    best_P = numbers_V[claims_VP.argmax(axis=0)]
    return np.where(claims_VP.max(axis=0) > -np.inf, best_P, -1).astype(np.int16)


def _by_type(gains: list[NDArray[np.float32]], values: Values) -> NDArray[np.float32]:
    """Return the mean gain of the values of each type over the tokens that have one: (T, P)."""
    sums_TP = np.zeros((len(values.types), gains[0].shape[1]), np.float32)
    times_T = np.zeros(len(values.types), np.float32)
    for numbers, gains_VP in zip(values.of_token, gains, strict=True):
        np.add.at(sums_TP, values.type_of[numbers], gains_VP)
        np.add.at(times_T, values.type_of[numbers], 1)
    return np.asarray(sums_TP / np.maximum(times_T, 1)[:, None])


def _heirs(recoloured: Recolouring, values: Values) -> list[NDArray[np.intp]]:
    """Return for each recolouring type the value of each token that its colour falls to."""
    return [
        values.value_of(recoloured.hosts.get(position, number))
        for position, number in enumerate(recoloured.types)
    ]


def _gains(
    shades_NP: Shades, values: Values, rng: np.random.Generator
) -> list[NDArray[np.float32]]:
    """Return the logarithms of how much more common the shown shades are: (V, P) for each token.

    The token itself does not count, so a value of a single token explains nothing.
    """
    tokens, pixels = shades_NP.shape
    usual_NP = np.full((tokens, pixels), 0.5, np.float32)
    drawn = rng.choice(tokens, min(tokens, _COMPARED_OF_ALL), replace=False)
    for row in drawn:
        usual_NP += shades_NP == shades_NP[row]
    usual_NP /= len(drawn) + 1
    gains = [np.zeros((len(numbers), pixels), np.float32) for numbers in values.of_token]
    for value, rows in enumerate(values.rows):
        compared = rows
        if len(rows) > _COMPARED:
            compared = np.sort(rng.choice(rows, _COMPARED, replace=False))
        shown_SP, usual_SP = shades_NP[rows], usual_NP[rows]
        same_SP = np.zeros(shown_SP.shape, np.float32)
        for row in compared:
            same_SP += shown_SP == shades_NP[row]
        itself_S1 = np.isin(rows, compared)[:, None]
        often_SP = (same_SP - itself_S1 + _PRIOR * usual_SP) / (len(compared) - itself_S1 + _PRIOR)
        gain_SP = np.where(shown_SP == NONE, 0, np.log(np.maximum(often_SP, 1e-6) / usual_SP))
        for row, gain_P in zip(rows, gain_SP, strict=True):
            gains[row][np.searchsorted(values.of_token[row], value)] = gain_P
    return gains
