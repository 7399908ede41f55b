"""What lies beneath all components of a collection.

Axes: S sampled tokens, P = H x W pixels, H height, W width, C colour channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from traitlens.models.pixels import PixelConfig
from traitlens.training.layering import Ground, Layer, fitted, painted

_FEWEST = 3  # tokens that show the ground at a pixel, for it to be known there
_AGREEING = 0.8  # share of them that must show the same
_ALIKE = 8  # levels of 255 by which colours differ that are the same
_COVERED = 256  # no level: the pixel is a component's


def bare_ground(
    frames_SHWC: NDArray[np.uint8], stacks: Sequence[Sequence[Layer]], likely_HWC: NDArray[np.uint8]
) -> Ground:
    """Return what tokens show where none of their components is, and that all agree on.

    Where there is no such thing the ground is not known, and has the colours of `likely_HWC`.
    `stacks` are the tokens' layers. Of the tokens that show the ground the median counts.
    """
    levels_SPC = frames_SHWC.reshape(len(frames_SHWC), -1, 3).astype(np.int16)
    for levels_PC, stack in zip(levels_SPC, stacks, strict=True):
        for layer in stack:
            levels_PC[layer.where_M] = _COVERED
    open_SP = levels_SPC[..., 0] != _COVERED
    count_P = open_SP.sum(axis=0)
    middle_1PC = np.broadcast_to((count_P // 2)[None, :, None], (1, *levels_SPC.shape[1:]))
    middle_1PC = np.minimum(middle_1PC, len(levels_SPC) - 1)
    median_PC = np.take_along_axis(np.sort(levels_SPC, axis=0), middle_1PC, axis=0)[0]
    alike_SP = open_SP & (np.abs(levels_SPC - median_PC) <= _ALIKE).all(axis=2)
    known_P = (count_P >= _FEWEST) & (alike_SP.sum(axis=0) >= _AGREEING * count_P)
    likely_PC = likely_HWC.reshape(-1, 3)
    return Ground(np.where(known_P[:, None], median_PC, likely_PC).astype(np.uint8), known_P)


def based_ground(base_HWC: NDArray[np.uint8], bare: Ground, pixels: PixelConfig) -> Ground:
    """Return a ground with a collection's base on it: RGBA, transparent where it is not known."""
    height, width, _ = base_HWC.shape
    every = np.arange(height * width)
    where, paint = fitted(base_HWC.reshape(-1, 4), every, size=(height, width), pixels=pixels)
    return Ground(*painted([Layer(where, paint, 0)], bare, np.arange(len(bare.known_P))))
