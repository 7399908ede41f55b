"""Traits that recolour what other traits draw: a skin tone, a colour of hair, of the ground.

Equal parts do not look equal where such a trait is at work, so nothing is found by comparison. But
its values are easily told: each has a colour that its tokens show somewhere, and few others do. So
the colours are learnt, wherever they lie, and replaced by a mark, the same for all values of the
type; then equal parts look equal again. Mixtures of the colour with black or white get marks of
their own: shadows and lights.

A colour has a host, the type whose values decide where the colour is seen; what is of the colour
and of no other part belongs to it. The ground is the colour that fills most of the frame; only
against the ground is a host's outline judged, as else whatever covers the colour would be taken
for its host.

Axes: N tokens, P pixels, S tokens that have a value, V values of a type, B bins of colours, C
channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.separation.values import Values

_BITS = 5  # a channel, of a bin
_SHARE, _LEAD = 0.7, 0.4  # of tokens that show a value's colour, and more than among the others
_LEAST_AREA = 0.004  # of a picture, for a colour to be seen
_COVERAGE = 0.7  # of a type's tokens, those whose value has a colour
_LEAST_VALUES = 3
_LEAST_SPREAD = 0.1  # how unsure it is where the colour lies; a plain part is always in one place
_LEAST_LIKENESS = 0.7  # of where the values' colours lie, so that they recolour one thing
_GROUND_SHARE = 0.4  # of the frame
_LEAST_VARIANCE = 0.02  # a pixel
_HOST_SHARE = 0.1  # of the variance that a host explains
_MARKS = 8  # a type: the colour itself, then three steps to black, and three to white
_MIXED = 6  # largest difference of a channel to a mixture
_MOST_TYPES = 6
_SAMPLE = 512  # tokens that colours are learnt from

Colours = Mapping[int, NDArray[np.float64]]  # by value


@dataclass(frozen=True, slots=True, eq=False)
class Recolouring:
    """The marks of recolouring types, 0 for none, and whose parts the colours are."""

    types: tuple[int, ...]  # numbers in `Values.types`
    marks_NP: NDArray[np.uint8]
    ground: int | None  # position in `types`
    hosts: Mapping[int, int]  # type by position in `types`
    explained: float  # what the best host explains of where its colour is seen, in [0, 1]

    def colours(self) -> NDArray[np.int16]:
        """Return the position in `types` of the colour that each pixel is of, -1 for none."""
        return np.where(self.marks_NP > 0, (self.marks_NP.astype(np.int16) - 1) // _MARKS, -1)


def recolouring(
    rgba_NPC: NDArray[np.uint8], values: Values, frame_P: NDArray[np.bool_], *, tolerance: int
) -> Recolouring:
    """Return what recolours the pictures; `frame_P` is the part of the frame that shows ground."""
    learnt = _palettes(rgba_NPC, values, tolerance)
    kept = {t: c for t, c in learnt.items() if _recolours(rgba_NPC, values, t, c, tolerance)}
    types = tuple(sorted(kept, key=lambda t: -len(kept[t]))[:_MOST_TYPES])
    marks_NP = _marks(rgba_NPC, values, [kept[t] for t in types], tolerance)
    colour_NP = Recolouring(types, marks_NP, None, {}, 0.0).colours()
    ground = _ground(colour_NP, frame_P, len(types))
    shares = _hosts(colour_NP, frame_P, values, types, ground)
    hosts = {position: host for position, (host, _) in shares.items()}
    explained = max((s for position, (_, s) in shares.items() if position != ground), default=0.0)
    return Recolouring(types, marks_NP, ground, hosts, explained)


def _palettes(
    rgba_NPC: NDArray[np.uint8], values: Values, tolerance: int
) -> dict[int, dict[int, NDArray[np.float64]]]:
    """Return the colour of each value that has one, by type and value."""
    every = max(1, -(-len(rgba_NPC) // _SAMPLE))
    sample_N = np.zeros(len(rgba_NPC), np.bool_)
    sample_N[::every] = True
    area_NB = np.stack([_areas(rgba_PC) for rgba_PC in rgba_NPC[sample_N]])
    shows_NB = area_NB >= _LEAST_AREA
    shows_B, place_N = shows_NB.sum(axis=0), np.cumsum(sample_N) - 1
    result: dict[int, dict[int, NDArray[np.float64]]] = {}
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
            colour = _centre(rgba_NPC[sampled], best, tolerance)
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


def _centre(rgba_SPC: NDArray[np.uint8], best: int, tolerance: int) -> NDArray[np.float64]:
    """Return the median colour of a bin, and then of what is near that."""
    side = 1 << _BITS
    low_C = np.array([best // side // side, best // side % side, best % side]) << (8 - _BITS)
    rgb = rgba_SPC[rgba_SPC[..., 3] > 127][:, :3].astype(np.int16)
    inside = ((rgb >= low_C) & (rgb < low_C + (2 << (8 - _BITS)))).all(axis=1)
    centre_C = np.median(rgb[inside], axis=0)
    near = (np.abs(rgb - centre_C) <= tolerance).all(axis=1)
    return np.asarray(np.median(rgb[near], axis=0), np.float64)


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
    rgba: NDArray[np.uint8], colour: NDArray[np.float64], tolerance: int
) -> NDArray[np.bool_]:
    near = (np.abs(rgba[..., :3].astype(np.float32) - colour) <= tolerance).all(axis=-1)
    return np.asarray(near & (rgba[..., 3] > 127))


def _marks(
    rgba_NPC: NDArray[np.uint8], values: Values, palettes: list[Colours], tolerance: int
) -> NDArray[np.uint8]:
    """Return the mark of each pixel: the colour of one of its token's values, or a mixture."""
    marks_NP = np.zeros(rgba_NPC.shape[:2], np.uint8)
    best_NP = np.full(marks_NP.shape, tolerance + 1, np.float32)
    told = [
        (position, colour, row)
        for position, colours in enumerate(palettes)
        for value, colour in colours.items()
        for row in values.rows[value]
    ]
    for position, colour, row in told:
        off_P = np.abs(rgba_NPC[row, :, :3].astype(np.float32) - colour).max(axis=1)
        nearer_P = (off_P < best_NP[row]) & (rgba_NPC[row, :, 3] > 127)
        best_NP[row, nearer_P] = off_P[nearer_P]
        marks_NP[row, nearer_P] = 1 + position * _MARKS
    for position, colour, row in told:
        steps_P = _mixtures(rgba_NPC[row], colour)
        mixed_P = (marks_NP[row] == 0) & (steps_P > 0)
        marks_NP[row, mixed_P] = 1 + position * _MARKS + steps_P[mixed_P]
    return marks_NP


def _mixtures(rgba_PC: NDArray[np.uint8], colour: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return 1-3 for steps from a colour to black, 4-6 for steps to white, 0 for others: (P,)."""
    steps_P = np.zeros(len(rgba_PC), np.uint8)
    off_PC = rgba_PC[:, :3].astype(np.float32) - colour
    for first, end in ((1, 0.0), (4, 255.0)):
        way = end - colour
        part_P = off_PC @ way / max(1.0, float(way @ way))
        rest_P = np.abs(off_PC - part_P[:, None] * way).max(axis=1)
        on_way_P = (part_P > 0.03) & (part_P < 0.6) & (rest_P <= _MIXED) & (rgba_PC[:, 3] > 127)
        step_P = first + (part_P >= 0.2) + (part_P >= 0.4)
        steps_P = np.where(on_way_P & (steps_P == 0), step_P, steps_P).astype(np.uint8)
    return steps_P


def _ground(colour_NP: NDArray[np.int16], frame_P: NDArray[np.bool_], types: int) -> int | None:
    shares = [(colour_NP[:, frame_P] == position).mean() for position in range(types)]
    best = int(np.argmax(shares)) if shares else 0
    return best if shares and shares[best] >= _GROUND_SHARE else None


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
        explained = {t: _explained(is_NP, judged_NP, values, t) for t in others}
        best = max(explained, key=lambda t: explained[t], default=None)
        if best is not None and explained[best] >= _HOST_SHARE:
            hosts[position] = best, explained[best]
    return hosts


def _explained(
    is_NP: NDArray[np.bool_], judged_NP: NDArray[np.bool_], values: Values, number: int
) -> float:
    """Return the share of the variance of `is_NP` that a type's values explain, without bias."""
    judged_P = judged_NP.sum(axis=0)
    mean_P = (is_NP & judged_NP).sum(axis=0) / np.maximum(judged_P, 1)
    variance = float((judged_P * mean_P * (1 - mean_P)).sum())
    between = 0.0
    for value in values.of_type(number):
        rows = values.rows[value]
        own_P = judged_NP[rows].sum(axis=0)
        own_mean_P = (is_NP[rows] & judged_NP[rows]).sum(axis=0) / np.maximum(own_P, 1)
        chance_P = own_mean_P * (1 - own_mean_P) / np.maximum(own_P - 1, 1)
        gain_P = own_P * ((own_mean_P - mean_P) ** 2 - chance_P)
        between += float(gain_P[own_P >= 2].sum())
    # Where nearly all is of one kind there is nothing to explain.
    return between / variance if variance >= _LEAST_VARIANCE * judged_NP.sum() else 0.0
