"""Traits that recolour what other traits draw: a skin tone, a colour of hair, of the ground.

Equal parts do not look equal where such a trait is at work, so nothing is found by comparison. But
its values are easily told: each has a colour that its tokens show somewhere, and few others do. So
the colours are learnt, wherever they lie, and replaced by a mark, the same for all values of the
type; then equal parts look equal again. Mixtures of the colour with black or white get marks of
their own: shadows and lights.

A colour has a host, the type whose values decide where the colour is seen; what is of the colour
and of no other part belongs to it. The ground is the colour that fills most of the frame, whether
or not it recolours anything else; only against the ground is a host's outline judged, as else
whatever covers the colour would be taken for its host. Seen IoU of 300 tokens where a plain ground
counts for nothing, and where it is the ground and little variance is enough for a host (`python -m
benchmarks.separation --limit 300`): miniavs .64 .88, sprouts .74 .82, avastars .44 .48, open-peeps
.53 .55, the others as before.

Axes: N tokens, P pixels, S tokens that have a value, V values of a type, B bins of colours, C
channels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.separation.shades import apart
from traitlens.separation.values import Values

_BITS = 5  # a channel, of a bin
_SHARE, _LEAD = 0.7, 0.4  # of tokens that show a value's colour, and more than among the others
_LEAST_AREA = 0.004  # of a picture, for a colour to be seen
_COVERAGE = 0.7  # of a type's tokens, those whose value has a colour
_LEAST_VALUES = 3
_LEAST_SPREAD = 0.1  # how unsure it is where the colour lies; a plain part is always in one place
_LEAST_LIKENESS = 0.7  # of where the values' colours lie, so that they recolour one thing
_GROUND_SHARE = 0.4  # of the frame
# Of where a colour is seen, for each pixel that shows it: what there must be for a host to be
# sought, and for the ground to have one, as parts that reach the frame are no backdrops.
_LEAST_VARIANCE, _LEAST_VARIANCE_OF_GROUND = 0.004, 0.06
# The share of the variance that a host explains: what merely covers a colour that nearly all
# tokens show in the same place, as hair does a face, explains some of what little there is.
_HOST_SHARE, _HOST_SHARE_OF_LITTLE, _LITTLE_VARIANCE = 0.1, 0.7, 0.03
_MARKS = 8  # a type: the colour itself, then three steps to black, and three to white
_MIXED = 6  # largest difference of a channel to a mixture
_MOST_TYPES = 6
_SAMPLE = 512  # tokens that colours are learnt from
_FOR_A_COLOUR = 32  # tokens of a value, for the median of its colour

Colours = Mapping[int, NDArray[np.uint8]]  # by value


@dataclass(frozen=True, slots=True, eq=False)
class Recolouring:
    """The marks of recolouring types, 0 for none, and whose parts the colours are."""

    types: tuple[int, ...]  # numbers in `Values.types`
    palettes: tuple[Colours, ...]  # of each of them
    marks_NP: NDArray[np.uint8]
    ground: int | None  # position in `types`
    hosts: Mapping[int, int]  # type by position in `types`
    explained: float  # what the best host explains of where its colour is seen, in [0, 1]

    def colours(self) -> NDArray[np.int16]:
        """Return the position in `types` of the colour that each pixel is of, -1 for none."""
        return told(self.marks_NP)[0]


def told(marks: NDArray[np.uint8]) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Return what marks say: the position in `types`, -1 for none, and the step of the mixture.

    The steps are 0 for the colour itself, 1 to 3 towards black, 4 to 6 towards white.
    """
    position, step = np.divmod(marks.astype(np.int16) - 1, _MARKS)
    return position, step


def recolouring(
    rgba_NPC: NDArray[np.uint8], values: Values, frame_P: NDArray[np.bool_], *, tolerance: int
) -> Recolouring:
    """Return what recolours the pictures; `frame_P` is the part of the frame that shows ground."""
    learnt = _palettes(rgba_NPC, values, tolerance)
    ground = _ground(rgba_NPC[:, frame_P], values, learnt, tolerance)
    kept = {
        t: c
        for t, c in learnt.items()
        if t == ground or _recolours(rgba_NPC, values, t, c, tolerance)
    }
    types = tuple(sorted(kept, key=lambda t: (t != ground, -len(kept[t])))[:_MOST_TYPES])
    palettes = tuple(kept[t] for t in types)
    marks_NP = _marks(rgba_NPC, values, palettes, tolerance)
    colour_NP, _ = told(marks_NP)
    ground = None if ground is None else 0
    shares = _hosts(colour_NP, frame_P, values, types, ground)
    hosts = {position: host for position, (host, _) in shares.items()}
    explained = max((s for position, (_, s) in shares.items() if position != ground), default=0.0)
    return Recolouring(types, palettes, marks_NP, ground, hosts, explained)


def _palettes(
    rgba_NPC: NDArray[np.uint8], values: Values, tolerance: int
) -> dict[int, dict[int, NDArray[np.uint8]]]:
    """Return the colour of each value that has one, by type and value."""
    every = max(1, -(-len(rgba_NPC) // _SAMPLE))
    sample_N = np.zeros(len(rgba_NPC), np.bool_)
    sample_N[::every] = True
    area_NB = np.stack([_areas(rgba_PC) for rgba_PC in rgba_NPC[sample_N]])
    shows_NB = area_NB >= _LEAST_AREA
    shows_B, place_N = shows_NB.sum(axis=0), np.cumsum(sample_N) - 1
    result: dict[int, dict[int, NDArray[np.uint8]]] = {}
    for value, rows in enumerate(values.rows):
        sampled = rows[sample_N[rows]]
        others = len(shows_NB) - len(sampled)
        if len(sampled) < 2 or not others:
            continue
        own_NB = shows_NB[place_N[sampled]]
        share_B = own_NB.mean(axis=0)
        lead_B = share_B - (shows_B - own_NB.sum(axis=0)) / others
        area_B = area_NB[place_N[sampled]].mean(axis=0)
        good_B = (share_B >= _SHARE) & (lead_B >= _LEAD)
        best = int(np.where(good_B, lead_B * np.sqrt(area_B), 0).argmax())
        if good_B[best]:
            showing = sampled[own_NB[:, best]][:_FOR_A_COLOUR]
            colour = _centre(rgba_NPC[showing], best, tolerance)
            result.setdefault(int(values.type_of[value]), {})[value] = colour
    return result


def _areas(rgba_PC: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the share of a picture in each bin of 2 x 2 x 2 neighbouring colours: (B,).

    The bins overlap, so that noise about the edge of a bin does not split a colour.
    """
    side = 1 << _BITS
    bins = rgba_PC[rgba_PC[:, 3] > 127, :3].astype(np.int64) >> (8 - _BITS)
    flat = (bins[:, 0] * side + bins[:, 1]) * side + bins[:, 2]
    counts = np.bincount(flat, minlength=side**3).reshape(side, side, side)
    for axis in range(3):
        width = [(0, int(each == axis)) for each in range(3)]
        counts = counts + np.pad(counts, width).take(np.arange(1, side + 1), axis)
    return (counts.ravel() / len(rgba_PC)).astype(np.float32)


def _centre(rgba_SPC: NDArray[np.uint8], best: int, tolerance: int) -> NDArray[np.uint8]:
    """Return the median colour of a bin, and then of what is near that."""
    side, wide = 1 << _BITS, np.uint8((2 << (8 - _BITS)) - 1)
    low_C = np.array([best // side // side, best // side % side, best % side]) << (8 - _BITS)
    rgb_CQ = rgba_SPC.reshape(-1, 4).T[:3, rgba_SPC[..., 3].ravel() > 127]
    inside_Q = np.ones(rgb_CQ.shape[1], np.bool_)
    for channel_Q, low in zip(rgb_CQ, low_C.astype(np.uint8), strict=True):
        inside_Q &= (channel_Q - low) <= wide  # what is lower wraps round to large numbers
    centre_C = _median(rgb_CQ[:, inside_Q])
    near_Q = apart(rgb_CQ, centre_C[:, None]) <= tolerance
    return _median(rgb_CQ[:, near_Q if near_Q.any() else inside_Q])


def _median(rgb_CQ: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(np.rint(np.median(rgb_CQ, axis=1)), np.uint8)


def _recolours(
    rgba_NPC: NDArray[np.uint8], values: Values, number: int, colours: Colours, tolerance: int
) -> bool:
    """Return whether a type's colours lie where other types say, and alike for all its values."""
    tokens = sum(len(values.rows[value]) for value in values.of_type(number))
    support_V = np.array([len(values.rows[value]) for value in colours], float)
    if len(colours) < _LEAST_VALUES or support_V.sum() < _COVERAGE * tokens:
        return False
    maps_VP = np.stack(
        [
            _near(rgba_NPC[values.rows[value]], colour, tolerance).mean(axis=0)
            for value, colour in colours.items()
        ]
    )
    weight_V = support_V / support_V.sum()
    seen_VP = np.where(maps_VP >= 0.05, maps_VP, 0)
    unsure_V = np.minimum(seen_VP, 1 - seen_VP).sum(axis=1)
    spread = weight_V @ (unsure_V / np.maximum(seen_VP.sum(axis=1), 1e-9))
    mean_P = weight_V @ maps_VP
    norms_V = np.linalg.norm(maps_VP, axis=1) * np.linalg.norm(mean_P)
    likeness = weight_V @ ((maps_VP @ mean_P) / np.maximum(norms_V, 1e-9))
    return bool(spread >= _LEAST_SPREAD and likeness >= _LEAST_LIKENESS)


def _near(
    rgba: NDArray[np.uint8], colour_C: NDArray[np.uint8], tolerance: int
) -> NDArray[np.bool_]:
    return np.asarray((_away(rgba, colour_C) <= tolerance) & (rgba[..., 3] > 127))


def _away(rgba: NDArray[np.uint8], colour_C: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the largest difference of a colour channel; channels are the last axis of `rgba`."""
    return apart(np.moveaxis(rgba, -1, 0)[:3], colour_C)


def _marks(
    rgba_NPC: NDArray[np.uint8], values: Values, palettes: tuple[Colours, ...], tolerance: int
) -> NDArray[np.uint8]:
    """Return the mark of each pixel: the colour of one of its token's values, or a mixture."""
    told: list[list[tuple[int, NDArray[np.uint8]]]] = [[] for _ in range(len(rgba_NPC))]
    for position, colours in enumerate(palettes):
        for value, colour_C in colours.items():
            for row in values.rows[value]:
                told[row].append((1 + position * _MARKS, colour_C))
    marks_NP = np.zeros(rgba_NPC.shape[:2], np.uint8)
    for marks_P, rgba_PC, of_token in zip(marks_NP, rgba_NPC, told, strict=True):
        _mark(marks_P, np.ascontiguousarray(rgba_PC.T), of_token, tolerance)
    return marks_NP


def _mark(
    marks_P: NDArray[np.uint8],
    rgba_CP: NDArray[np.uint8],
    told: list[tuple[int, NDArray[np.uint8]]],
    tolerance: int,
) -> None:
    """Put the marks of one token in: of the nearest of its values' colours, then of mixtures."""
    drawn_P = rgba_CP[3] > 127
    best_P = np.full(len(marks_P), tolerance + 1, np.int16)
    for mark, colour_C in told:
        away_P = apart(rgba_CP[:3], colour_C[:, None])
        nearer_P = (away_P < best_P) & drawn_P
        best_P[nearer_P] = away_P[nearer_P]
        marks_P[nearer_P] = mark
    for mark, colour_C in told:
        left = np.flatnonzero((marks_P == 0) & drawn_P)
        steps = _mixtures(rgba_CP[:3, left], colour_C)
        marks_P[left[steps > 0]] = mark + steps[steps > 0]


def _mixtures(rgb_CQ: NDArray[np.uint8], colour_C: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return 1-3 for steps from a colour to black, 4-6 for steps to white, 0 for others: (Q,)."""
    steps_Q = np.zeros(rgb_CQ.shape[1], np.uint8)
    off_CQ = rgb_CQ.astype(np.float32) - colour_C[:, None].astype(np.float32)
    for first, end in ((1, 0.0), (4, 255.0)):
        way_C = end - colour_C.astype(np.float32)
        part_Q = way_C @ off_CQ / max(1.0, float(way_C @ way_C))
        on_way_Q = (part_Q > 0.03) & (part_Q < 0.6)
        for off_Q, way in zip(off_CQ, way_C, strict=True):
            on_way_Q &= np.abs(off_Q - part_Q * way) <= _MIXED
        step_Q = first + (part_Q >= 0.2).astype(np.uint8) + (part_Q >= 0.4)
        steps_Q = np.where(on_way_Q & (steps_Q == 0), step_Q, steps_Q).astype(np.uint8)
    return steps_Q


def _ground(
    frame_NFC: NDArray[np.uint8], values: Values, learnt: Mapping[int, Colours], tolerance: int
) -> int | None:
    """Return the type whose colours fill most of the frame, if one fills enough of it."""
    shares = {
        number: sum(
            float(_near(frame_NFC[values.rows[value]], colour, tolerance).mean(axis=1).sum())
            for value, colour in colours.items()
        )
        / len(frame_NFC)
        for number, colours in learnt.items()
    }
    best = max(shares, key=lambda number: shares[number], default=None)
    return best if best is not None and shares[best] >= _GROUND_SHARE else None


def _hosts(
    colour_NP: NDArray[np.int16],
    frame_P: NDArray[np.bool_],
    values: Values,
    types: tuple[int, ...],
    ground: int | None,
) -> dict[int, tuple[int, float]]:
    """Return the type that best explains where each colour is seen, if any does, and how well."""
    hosts = {}
    others = [number for number in range(len(values.types)) if number not in types]
    for position in range(len(types)):
        if position == ground:
            is_NP = (colour_NP == position)[:, frame_P]
            judged_NP = np.ones_like(is_NP)
        else:
            is_NP = colour_NP == position
            judged_NP = is_NP | (colour_NP == ground) if ground is not None else is_NP | True
        variance = _variance(is_NP, judged_NP)
        explained = {t: _explained(is_NP, judged_NP, values, t) / variance for t in others}
        best = max(explained, key=lambda t: explained[t], default=None)
        least = _least_share(variance / max(is_NP.sum(), 1), is_ground=position == ground)
        if best is not None and explained[best] >= least:
            hosts[position] = best, explained[best]
    return hosts


def _least_share(variance: float, *, is_ground: bool) -> float:
    """Return what a host must explain of so much variance for each pixel of a colour."""
    if variance <= (_LEAST_VARIANCE_OF_GROUND if is_ground else _LEAST_VARIANCE):
        return math.inf  # where nearly all is of one kind there is nothing to explain
    return _HOST_SHARE if variance >= _LITTLE_VARIANCE else _HOST_SHARE_OF_LITTLE


def _variance(is_NP: NDArray[np.bool_], judged_NP: NDArray[np.bool_]) -> float:
    """Return the variance of `is_NP` over tokens, summed over what is judged; above 0."""
    judged_P = judged_NP.sum(axis=0)
    mean_P = (is_NP & judged_NP).sum(axis=0) / np.maximum(judged_P, 1)
    return max(1e-9, float((judged_P * mean_P * (1 - mean_P)).sum()))


def _explained(
    is_NP: NDArray[np.bool_], judged_NP: NDArray[np.bool_], values: Values, number: int
) -> float:
    """Return how much of the variance of `is_NP` a type's values explain, without bias."""
    mean_P = (is_NP & judged_NP).sum(axis=0) / np.maximum(judged_NP.sum(axis=0), 1)
    between = 0.0
    for value in values.of_type(number):
        rows = values.rows[value]
        own_P = judged_NP[rows].sum(axis=0)
        own_mean_P = (is_NP[rows] & judged_NP[rows]).sum(axis=0) / np.maximum(own_P, 1)
        chance_P = own_mean_P * (1 - own_mean_P) / np.maximum(own_P - 1, 1)
        gain_P = own_P * ((own_mean_P - mean_P) ** 2 - chance_P)
        between += float(gain_P[own_P >= 2].sum())
    return between
