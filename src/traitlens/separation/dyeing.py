"""Recoloured parts in each of their colours, also in those that no token shows them in.

A token shows a head of hair in one colour, with its shadows and lights. So what is kept of a
pixel is how it mixes the colour with black or white; mixed anew with another value's colour it is
what a token with that value shows there. A part that several traits recolour is dyed by the one
that colours most of it, and keeps the others' colours from the token that it was taken from.

Axes: N tokens, P pixels of the pictures, G pixels of the working grid, M pixels of a region, Q
pixels of one of its colours, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.separation.pixels import Pixels, Region, pack, unpack
from traitlens.separation.recolouring import Colours, Recolouring, told
from traitlens.separation.recovering import best_first
from traitlens.separation.values import Values

_SAMPLES = 8  # tokens that a pixel's mixture is the mean of
_LEAST_DYED = 0.05  # of a region, for it to be dyed


@dataclass(frozen=True, slots=True, eq=False)
class _Shading:
    """How a region mixes one type's colours: -1 is black, 0 the colour itself, 1 white."""

    colours: Colours
    dyed_M: NDArray[np.bool_]
    shade_M: NDArray[np.float64]

    def of(self, region: Region, colour_C: NDArray[np.uint8]) -> Region:
        """Return the region as it looks in a colour."""
        shade_Q1 = self.shade_M[self.dyed_M, None]
        way_QC = np.where(shade_Q1 < 0, 0.0, 255.0) - colour_C
        rgba_M4 = region.rgba_M4.copy()
        rgba_M4[self.dyed_M, :3] = np.rint(colour_C + np.abs(shade_Q1) * way_QC)
        return Region(region.where_M, pack(rgba_M4, colour_bits=8), region.weights_M, rgba_M4)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dyes:
    """What one sees in each token, and what recolours it; `seen_NG` has values, -1 for none."""

    pixels_NP: Pixels
    grid_P: NDArray[np.intp]  # the working pixel of each pixel
    seen_NG: NDArray[np.int16]
    values: Values
    recoloured: Recolouring

    def in_every_colour(self, value: int, region: Region) -> dict[int, Region]:
        """Return a value's region by the value that recolours it; none where nothing does."""
        hosts = self.recoloured.hosts.items()
        positions = [position for position, host in hosts if host == self.values.type_of[value]]
        shadings = [self._shading(position, value, region) for position in positions]
        best = max(shadings, key=lambda shading: int(shading.dyed_M.sum()), default=None)
        if best is None or best.dyed_M.sum() <= _LEAST_DYED * len(region):
            return {}
        return {number: best.of(region, rgb_C) for number, rgb_C in best.colours.items()}

    def _shading(self, position: int, value: int, region: Region) -> _Shading:
        """Return how a value's region mixes the colours of the recolouring type at a position."""
        colours, grid_M = self.recoloured.palettes[position], self.grid_P[region.where_M]
        colour_N = self.values.value_of(self.recoloured.types[position])
        sums_M, times_M = np.zeros(len(region)), np.zeros(len(region), np.intp)
        others_M = np.zeros(len(region), np.intp)
        for row in best_first(self.seen_NG, self.values.rows[value], value)[:_SAMPLES]:
            if int(colour_N[row]) not in colours:
                continue
            own_M = self.seen_NG[row, grid_M] == value
            position_M, step_M = told(self.recoloured.marks_NP[row, grid_M])
            dyed_M = own_M & (position_M == position)
            pixels_Q = self.pixels_NP[row, region.where_M[dyed_M]]
            rgb_QC = unpack(pixels_Q, colour_bits=8)[:, :3]
            sums_M[dyed_M] += _shades(rgb_QC, colours[int(colour_N[row])], step_M[dyed_M])
            times_M += dyed_M
            others_M += own_M & ~dyed_M
        return _Shading(colours, times_M > others_M, sums_M / np.maximum(times_M, 1))


def _shades(
    rgb_QC: NDArray[np.uint8], colour_C: NDArray[np.uint8], step_Q: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return how far each pixel lies on the way to black, below 0, or to white, above: (Q,)."""
    off_QC = rgb_QC.astype(float) - colour_C
    shade_Q = np.zeros(len(rgb_QC))
    for sign, end, of_Q in ((-1, 0.0, (step_Q > 0) & (step_Q < 4)), (1, 255.0, step_Q >= 4)):
        way_C = end - colour_C.astype(float)
        part_Q = off_QC[of_Q] @ way_C / max(1.0, float(way_C @ way_C))
        shade_Q[of_Q] = sign * np.clip(part_Q, 0, 1)
    return shade_Q
