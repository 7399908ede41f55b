"""The size at which pictures are looked at: their own grid for pixel art, a smaller one for others.

Axes: N tokens, H height, W width, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_LEAST_ENLARGED = 100  # px; smaller pictures are not enlarged pixel art
_GRIDS = range(12, 65)
_LARGEST_ERROR = 6.0  # of 255, mean over a picture: JPEG and ringing
_SHARPNESS = 0.5  # the error at the right grid, as a share of that at its neighbours
_TRIED = 4  # pictures
_ROWS = 64  # of each


def native_grid(pictures: Sequence[Image.Image]) -> tuple[int, int] | None:
    """Return the height and width of the grid that enlarged pixel art was drawn on, if it was.

    At the right grid, and at no neighbour of it, a picture that is reduced and enlarged again is
    nearly what it was, also after JPEG or a smooth enlargement. Only widths are tried; the height
    follows.
    """
    if not pictures or min(pictures[0].size) < _LEAST_ENLARGED:
        return None
    width, height = pictures[0].size
    strips = [_strip(picture) for picture in pictures[:_TRIED]]
    widths = [w for w in _GRIDS if 3 * w <= width]
    errors = np.array([np.mean([_error(strip, w) for strip in strips]) for w in widths])
    for at in range(1, len(errors) - 1):
        around = float(min(errors[at - 1], errors[at + 1]))
        if errors[at] <= min(_LARGEST_ERROR, _SHARPNESS * around):
            return max(1, round(widths[at] * height / width)), widths[at]
    return None


def _strip(picture: Image.Image) -> Image.Image:
    """Return some rows of a picture: enough to tell a grid by."""
    rgba_HWC = np.asarray(picture.convert("RGBA"))
    return Image.fromarray(np.ascontiguousarray(rgba_HWC[:: max(1, len(rgba_HWC) // _ROWS)]))


def _error(strip: Image.Image, width: int) -> float:
    """Return the mean difference to the strip at another width, enlarged again, of 255."""
    method = Image.Resampling
    shown = np.asarray(strip, np.float32)
    errors = []
    for down, up in ((method.BOX, method.NEAREST), (method.NEAREST, method.LANCZOS)):
        small = strip.resize((width, strip.height), down)
        again = np.asarray(small.resize(strip.size, up), np.float32)
        errors.append(float(np.abs(shown - again).mean()))
    return min(errors)


def reduced(rgba_HWC: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a picture at another height and width; the same array where that is its own."""
    if rgba_HWC.shape[:2] == size:
        return rgba_HWC
    height, width = size
    small = Image.fromarray(rgba_HWC).resize((width, height), Image.Resampling.BOX)
    return np.asarray(small)


def nearest(height: int, width: int, size: tuple[int, int]) -> NDArray[np.intp]:
    """Return for each pixel of a picture the one of a grid of `size` that it lies in: (H, W)."""
    rows = np.arange(height) * size[0] // height
    columns = np.arange(width) * size[1] // width
    return rows[:, None] * size[1] + columns[None]
