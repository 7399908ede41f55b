"""From a collection's pixels to the pixels of each trait value, by the method of layers.

Axes: N tokens, P pixels, K values, H height, W width, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.separation import recovering
from traitlens.separation.grid import native_grid, nearest, reduced
from traitlens.separation.layers import LayersConfig, layers
from traitlens.separation.pixels import Pixels, Region, colour_bits_for
from traitlens.separation.reading import Reading
from traitlens.separation.values import Values

_TO_JUDGE_BY = 16  # pictures
_SMALL_PX = 100  # pixel art at its own size is smaller


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """What a method says of each value, in their order; and of what is beneath all."""

    regions: list[Region]
    visible_K: NDArray[np.float64]
    confidence_K: NDArray[np.float64]
    layer_K: NDArray[np.intp]
    base_HWC: NDArray[np.uint8]
    reading: Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """The working size, and what the art is."""

    size: tuple[int, int]
    on_grid: bool
    exact: bool


def find_layers(
    pixels_NP: Pixels, values: Values, size: tuple[int, int], config: LayersConfig, *, seed: int
) -> Found:
    """Return the components of pictures of `size`, whose pixels have 8 bits a channel."""
    rgba_NHWC = recovering.channels(pixels_NP).reshape(-1, *size, 4)
    scale = _scale(rgba_NHWC, size, config)
    grid_P = nearest(*size, scale.size).ravel()
    small_NHWC = np.stack([reduced(rgba_HWC, scale.size) for rgba_HWC in rgba_NHWC])
    found = layers(
        small_NHWC,
        values,
        config,
        exact=scale.exact,
        on_grid=scale.on_grid,
        rng=np.random.default_rng(seed),
    )
    return Found(
        regions=recovering.regions(pixels_NP, found, values, grid_P),
        visible_K=recovering.visible(found, values),
        confidence_K=recovering.confidence(found, values),
        layer_K=np.unique(found.layer_K, return_inverse=True)[1].ravel(),
        base_HWC=recovering.base(pixels_NP, found, grid_P).reshape(*size, 4),
        reading=Reading(
            way="flats" if found.flat else "layers",
            height=scale.size[0],
            width=scale.size[1],
            tolerance=0 if scale.exact else config.tolerance,
        ),
    )


def _scale(rgba_NHWC: NDArray[np.uint8], size: tuple[int, int], config: LayersConfig) -> _Scale:
    pictures = [Image.fromarray(rgba_HWC) for rgba_HWC in rgba_NHWC[:_TO_JUDGE_BY]]
    grid = native_grid(pictures)
    if grid is not None:
        return _Scale(size=grid, on_grid=True, exact=False)
    if max(size) < _SMALL_PX and colour_bits_for(pictures) == 8:
        return _Scale(size=size, on_grid=True, exact=True)
    part = min(1.0, config.working_px / max(size))
    height, width = (max(1, round(side * part)) for side in size)
    return _Scale(size=(height, width), on_grid=False, exact=False)
