"""How a token's picture is read with known components: which of them one sees at each pixel.

Axes: H height, W width, P = H x W pixels, G pixels of the working grid, M pixels of a region, C
channels, V components of a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.config import check_choice
from traitlens.separation.flats import averaged, flats
from traitlens.separation.grid import centred, nearest, reduced
from traitlens.separation.pixels import Mask, Region, pack

WAYS = ("weights", "layers", "grid", "flats")
_OF_A_FLAT = 0.4  # that a mask covers, for the flat to be the component's
_FLATS = 2  # times the working size, at which flats are told at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How one tells what a picture shows.

    "weights": a pixel shows a component when it has its very colour; the greatest weight wins.
    "layers": the same on a grid of `height` x `width`, where no channel may differ by more than
    `tolerance`; the topmost layer wins. "grid": the same in the middle of the grid's cells, as
    enlarged pixel art has them. "flats": a flat of the picture shows the topmost component that
    covers enough of it, whatever its colour.
    """

    way: str = "weights"
    height: int = 0
    width: int = 0
    tolerance: int = 0

    def __post_init__(self) -> None:
        check_choice("components.reading.way", self.way, WAYS)


def by_weights(
    rgba_HWC: NDArray[np.uint8], regions: Sequence[Region], *, colour_bits: int
) -> NDArray[np.intp]:
    """Return the position in `regions` of what each pixel shows: (P,), -1 for nothing."""
    pixels_P = pack(rgba_HWC, colour_bits=colour_bits).ravel()
    weight_P = np.zeros(pixels_P.size, np.uint8)
    shown_P = np.full(pixels_P.size, -1, np.intp)
    for position, region in enumerate(regions):
        wins_M = region.shown(pixels_P) & (region.weights_M > weight_P[region.where_M])
        weight_P[region.where_M[wins_M]] = region.weights_M[wins_M]
        shown_P[region.where_M[wins_M]] = position
    return shown_P


def by_layers(
    rgba_HWC: NDArray[np.uint8], regions: Sequence[Region], reading: Reading
) -> NDArray[np.intp]:
    """Return what each pixel shows, as `by_weights` does; `regions` are sorted from below."""
    size = reading.height, reading.width
    height, width = rgba_HWC.shape[:2]
    grid_P = nearest(height, width, size).ravel()
    shrink = centred if reading.way == "grid" else reduced
    small_GC = shrink(rgba_HWC, size).reshape(-1, 4).astype(np.int16)
    shown_G = np.full(len(small_GC), -1, np.intp)
    for position, region in enumerate(regions):
        if reading.way == "grid":
            own_GC, inside_G = _in_middle(region, grid_P, (height, width), size)
        else:
            own_GC, inside_G = _on_grid(region, grid_P, len(small_GC))
        near_G = (np.abs(small_GC - own_GC) <= reading.tolerance).all(axis=1)
        shown_G[near_G & inside_G & (small_GC[:, 3] > 0)] = position
    return shown_G[grid_P]


def _in_middle(
    region: Region, grid_P: NDArray[np.intp], shape: tuple[int, int], size: tuple[int, int]
) -> tuple[NDArray[np.int16], Mask]:
    """Return the colours of a region in the middle of a grid's cells, and where it is."""
    rgba_PC = np.zeros((len(grid_P), 4), np.uint8)
    rgba_PC[region.where_M] = region.rgba_M4
    inside_G = np.zeros(size[0] * size[1], np.bool_)
    inside_G[grid_P[region.where_M]] = True
    return centred(rgba_PC.reshape(*shape, 4), size).reshape(-1, 4).astype(np.int16), inside_G


def _on_grid(
    region: Region, grid_P: NDArray[np.intp], pixels: int
) -> tuple[NDArray[np.int16], Mask]:
    """Return the mean colours of a region on the working grid, and where it is: (G, C), (G,)."""
    grid_M = grid_P[region.where_M]
    times_G = np.bincount(grid_M, minlength=pixels)
    sums_GC = np.stack(
        [np.bincount(grid_M, channel_M, pixels) for channel_M in region.rgba_M4.T], axis=1
    )
    means_GC = np.rint(sums_GC / np.maximum(times_G, 1)[:, None]).astype(np.int16)
    return means_GC, np.asarray(times_G > 0)


def by_flats(
    rgba_HWC: NDArray[np.uint8], regions: Sequence[Region], reading: Reading
) -> NDArray[np.intp]:
    """Return what each pixel shows, as `by_layers` does.

    Flats are those of the picture at twice the working size at most, as a larger one's smooth edges
    fall into many. Seen IoU of cameo and gaze (128 px) after Lanczos to 512 px at its own size, at
    twice the working size, and at the working size: .42 .63 .67 and .36 .61 .65; of avastars (256
    px): .51 .51 .47 (`python -m benchmarks.separation --limit 300`).
    """
    height, width = rgba_HWC.shape[:2]
    size = min(height, _FLATS * reading.height), min(width, _FLATS * reading.width)
    grid_P = nearest(height, width, size).ravel()
    small_HWC = reduced(rgba_HWC, size)
    flats_G = flats(small_HWC)
    whole_G = np.bincount(grid_P, minlength=len(flats_G))
    shown_G = np.full(len(flats_G), -1, np.intp)
    for position, region in enumerate(regions):
        covered_G = np.bincount(grid_P[region.where_M], minlength=len(flats_G)) / whole_G
        shown_G[averaged(covered_G[None], flats_G)[0] >= _OF_A_FLAT] = position
    shown_G[small_HWC[..., 3].ravel() == 0] = -1
    return shown_G[grid_P]
