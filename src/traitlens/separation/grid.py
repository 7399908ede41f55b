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
_NOISIEST = 99  # percent of the cells of pictures are less noisy
_ROUNDING = 2  # of colours
_EDGE = 24  # of a channel, between the two neighbours of a pixel
_MOST_OFF = 8  # of a channel, to a mixture of the neighbours
# Median over 16 pictures of each of 37 collections of pixel art: at most .19; of 17 drawn styles
# at 64 px: at least .25.
_SMOOTHED = 0.22


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


def is_smooth(pictures: Sequence[Image.Image]) -> bool:
    """Return whether edges are anti-aliased, as drawings' are and pixel art's at its own size not.

    On an anti-aliased edge a pixel is a mixture of the two beside it.
    """
    shares = [_mixed(np.asarray(picture.convert("RGB"), np.float32)) for picture in pictures]
    return bool(np.median(shares) >= _SMOOTHED)


def _mixed(rgb_HWC: NDArray[np.float32]) -> float:
    """Return the share of mixtures of both neighbours among the pixels between unlike ones."""
    between, mixtures = np.zeros((2, *rgb_HWC.shape[:2]), np.bool_)
    for axis in (0, 1):
        line = np.moveaxis(rgb_HWC, axis, 0)
        way, off = line[2:] - line[:-2], line[1:-1] - line[:-2]
        part = (off * way).sum(axis=2) / np.maximum((way * way).sum(axis=2), 1)
        unlike = np.abs(way).max(axis=2) >= _EDGE
        near = np.abs(off - part[..., None] * way).max(axis=2) <= _MOST_OFF
        np.moveaxis(between, axis, 0)[1:-1] |= unlike
        np.moveaxis(mixtures, axis, 0)[1:-1] |= unlike & near & (part > 0.1) & (part < 0.9)
    return float(mixtures.sum() / max(1, between.sum()))


def reduced(rgba_HWC: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a picture at another height and width; the same array where that is its own."""
    if rgba_HWC.shape[:2] == size:
        return rgba_HWC
    height, width = size
    small = Image.fromarray(rgba_HWC).resize((width, height), Image.Resampling.HAMMING)
    return np.asarray(small)


def centred(
    rgba_HWC: NDArray[np.uint8], size: tuple[int, int], *, around: int = 0
) -> NDArray[np.uint8]:
    """Return the mean colours in the middle of a grid's cells, where their edges do not reach.

    The middle is an eighth of a cell, one pixel at least, and `around` pixels on each side. On 300
    nouns after JPEG-90 and after Lanczos to 512 px the IoU of what is seen is .96 and .96; with the
    mean of the whole cell, and 24 as tolerance, .93 and .73.
    """
    if rgba_HWC.shape[:2] == size:
        return rgba_HWC
    rows_hc, columns_wc = (
        _middle(side, cells, around) for side, cells in zip(rgba_HWC.shape[:2], size, strict=True)
    )
    middle = rgba_HWC[rows_hc.ravel()][:, columns_wc.ravel()]
    blocks = middle.reshape(*rows_hc.shape, *columns_wc.shape, 4)
    return np.asarray(np.rint(blocks.mean(axis=(1, 3))), np.uint8)


def _middle(side: int, cells: int, around: int) -> NDArray[np.intp]:
    """Return the pixels in the middle of each cell along one side: (cells, pixels)."""
    pixels = max(1, round(side / cells / 8)) + 2 * around
    first = np.rint((np.arange(cells) + 0.5) * side / cells - pixels / 2).astype(np.intp)
    return np.asarray(np.clip(first[:, None] + np.arange(pixels), 0, side - 1), np.intp)


def noise(rgba_NHWC: NDArray[np.uint8], size: tuple[int, int]) -> int:
    """Return by how much a channel of equal cells differs, in [0, 255].

    It is what the middle of cells differs by from a middle that is a pixel wider on each side.
    """
    off = [
        np.abs(centred(p, size).astype(np.int16) - centred(p, size, around=1)).max(axis=2)
        for p in rgba_NHWC
    ]
    return int(np.ceil(np.percentile(off, _NOISIEST))) + _ROUNDING


def nearest(height: int, width: int, size: tuple[int, int]) -> NDArray[np.intp]:
    """Return for each pixel of a picture the one of a grid of `size` that it lies in: (H, W)."""
    rows = np.arange(height) * size[0] // height
    columns = np.arange(width) * size[1] // width
    return rows[:, None] * size[1] + columns[None]
