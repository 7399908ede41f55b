"""From a collection's pixels to the pixels of each trait value, by the method of layers.

Axes: N tokens, P pixels, K values, H height, W width, C channels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.separation import recovering
from traitlens.separation.dyeing import Dyes
from traitlens.separation.grid import centred, is_smooth, native_grid, nearest, noise, reduced
from traitlens.separation.layers import LayersConfig, layers
from traitlens.separation.pixels import Pixels, Region, weights
from traitlens.separation.reading import Reading
from traitlens.separation.values import Values
from traitlens.separation.variants import Variants

_TO_JUDGE_BY = 16  # pictures
_SMALL_PX = 100  # pixel art at its own size is smaller


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """What a method says of each value, in their order; and of what is beneath all."""

    regions: list[Region]
    variants: list[dict[int, Region]]  # by the number of the value that a token must also have
    visible_K: NDArray[np.float64]
    confidence_K: NDArray[np.float64]
    layer_K: NDArray[np.intp]
    base_HWC: NDArray[np.uint8]
    reading: Reading


@dataclass(frozen=True, slots=True, eq=False)
class _Variant:
    """A value's region in the tokens that also have the value `context`, -1 for any."""

    context: int
    tokens: int
    region: Region


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """The working size, and what the art is."""

    size: tuple[int, int]
    on_grid: bool
    noise: int  # by which a channel of equal parts may differ


def find_layers(
    pixels_NP: Pixels, values: Values, size: tuple[int, int], config: LayersConfig, *, seed: int
) -> Found:
    """Return the components of pictures of `size`, whose pixels have 8 bits a channel."""
    rgba_NHWC = recovering.channels(pixels_NP).reshape(-1, *size, 4)
    scale = _scale(rgba_NHWC, size, config)
    grid_P = nearest(*size, scale.size).ravel()
    shrink = centred if scale.on_grid else reduced
    small_NHWC = np.stack([shrink(rgba_HWC, scale.size) for rgba_HWC in rgba_NHWC])
    tolerance = min(scale.noise, config.tolerance)
    found = layers(
        small_NHWC,
        values,
        dataclasses.replace(config, tolerance=tolerance),
        exact=scale.noise == 0,
        on_grid=scale.on_grid,
        rng=np.random.default_rng(seed),
    )
    split = found.variants or Variants.none(values)
    regions = recovering.regions(pixels_NP, found, split.values, grid_P)
    variants = [_in_contexts(each) for each in _by_value(split, regions)]
    if found.recoloured is not None:
        dyes = Dyes(
            pixels_NP=pixels_NP,
            grid_P=grid_P,
            seen_NG=found.seen_NP,
            values=values,
            recoloured=found.recoloured,
        )
        variants = [dyes.in_every_colour(value, region) for value, region in enumerate(regions)]
    tokens_V = np.array([len(rows) for rows in split.values.rows], float)
    first_K = np.searchsorted(split.whole_V, np.arange(len(values)))
    return Found(
        regions=[_union(each) for each in _by_value(split, regions)],
        variants=variants,
        visible_K=_mean(recovering.visible(found, split.values), split, tokens_V),
        confidence_K=_mean(recovering.confidence(found, split.values), split, tokens_V),
        layer_K=np.unique(found.layer_K[first_K], return_inverse=True)[1].ravel(),
        base_HWC=recovering.base(pixels_NP, found, grid_P).reshape(*size, 4),
        reading=Reading(
            way="flats" if found.flat else "grid" if scale.on_grid else "layers",
            height=scale.size[0],
            width=scale.size[1],
            tolerance=tolerance,
        ),
    )


def _by_value(split: Variants, regions: Sequence[Region]) -> list[list[_Variant]]:
    """Return the variants of each value, those of most tokens first."""
    result: list[list[_Variant]] = [[] for _ in range(int(split.whole_V[-1]) + 1)]
    tokens = [len(rows) for rows in split.values.rows]
    for at in np.argsort(-np.array(tokens), kind="stable"):
        result[split.whole_V[at]].append(
            _Variant(int(split.context_V[at]), tokens[at], regions[at])
        )
    return result


def _union(variants: Sequence[_Variant]) -> Region:
    """Return the pixels of all variants; one that several draw is that of the first."""
    if len(variants) == 1:
        return variants[0].region
    share = [v.tokens / sum(v.tokens for v in variants) for v in variants]
    where = np.concatenate([v.region.where_M for v in variants])
    where_M, first_M, of = np.unique(where, return_index=True, return_inverse=True)
    weight = np.concatenate(
        [v.region.weights_M * part for v, part in zip(variants, share, strict=True)]
    )
    return Region(
        where_M,
        np.concatenate([v.region.colours_M for v in variants])[first_M],
        weights(np.bincount(of.ravel(), weight, len(where_M)) / 255),
        np.concatenate([v.region.rgba_M4 for v in variants])[first_M],
    )


def _in_contexts(variants: Sequence[_Variant]) -> dict[int, Region]:
    """Return the region in each context, none where there is one only."""
    return {v.context: v.region for v in variants if v.context >= 0} if len(variants) > 1 else {}


def _mean(
    of_variants: NDArray[np.float64], split: Variants, tokens_V: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean of each value's variants, a token's as much as another's: (K,)."""
    total = np.bincount(split.whole_V, of_variants * tokens_V)
    return np.asarray(total / np.bincount(split.whole_V, tokens_V))


def _scale(rgba_NHWC: NDArray[np.uint8], size: tuple[int, int], config: LayersConfig) -> _Scale:
    pictures = [Image.fromarray(rgba_HWC) for rgba_HWC in rgba_NHWC[:_TO_JUDGE_BY]]
    grid = native_grid(pictures)
    if grid is not None:
        return _Scale(size=grid, on_grid=True, noise=noise(rgba_NHWC[:_TO_JUDGE_BY], grid))
    if max(size) < _SMALL_PX and not is_smooth(pictures):
        return _Scale(size=size, on_grid=True, noise=0)
    part = min(1.0, config.working_px / max(size))
    height, width = (max(1, round(side * part)) for side in size)
    return _Scale(size=(height, width), on_grid=False, noise=config.tolerance)
