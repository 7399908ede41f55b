"""Is a picture pixel art, and what is the art's own grid?

Three kinds are told apart from all else, exactly: art at its native size (small, few colours, hard
steps), art enlarged by a whole factor (every edge lies on a multiple of the block), and art
enlarged by nearest neighbour to a size that is no multiple, such as 24 to 512 px (every edge lies
where that enlargement puts one). Art that was smoothed or went through JPEG has no exact grid any
more, and counts as any other picture.
"""

# Axes: H height, W width of the picture, in px

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NATIVE_MAX_PX = 128  # larger pixel art at a block of 1 px is not met
GRID_MAX_PX = 512
# Measured on 39 real collections: pixel art has 3 to 150 colours, a small render has more.
MAX_COLOURS = 192
COLOURS_SHARE = 0.3  # distinct colours a pixel; photos of that size have nearly 1
SOFT_SHARE = 0.75  # of the steps from pixel to pixel, those that are hardly seen
SOFT_STEP = 12  # of 255: what smoothing leaves, and gradients are made of

MIN_BLOCK = 2.5  # px, for a size that is no multiple; below, edges lie anywhere
CHANCE = 1e-6  # how likely random edges may lie on a grid before it is believed
PROBES = 6  # rows and columns looked at first: nearly all pictures are decided there


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelGrid:
    """The art's own size: `columns` x `rows` of logical pixels."""

    columns: int
    rows: int


def pixel_grid(image: Image.Image) -> PixelGrid | None:
    """Return the logical grid of pixel art, or None where the RGB or RGBA picture is none."""
    if min(image.size) < 4 or not _may_have_grid(image):
        return None
    pixels_HW = packed(image)
    down = _edges_down(pixels_HW)
    small = max(image.size) <= NATIVE_MAX_PX
    if len(down) > image.height // 2 and not small:
        return None
    across = _edges_across(pixels_HW[np.concatenate([[0], down])])
    if len(across) + len(down) < 4:
        return None  # flat, or a stripe: any grid would do
    block = math.gcd(*image.size, *across.tolist(), *down.tolist())
    if block > 1:
        return _grid(image.width // block, image.height // block)
    if small and _is_native(pixels_HW):
        return PixelGrid(columns=image.width, rows=image.height)
    return _stretched_grid(image.width, image.height, across, down)


def on_grid(image: Image.Image, grid: PixelGrid) -> Image.Image:
    """Return the art at its own size: one pixel a block, each the pixel at its block's centre."""
    if image.size == (grid.columns, grid.rows):
        return image
    return image.resize((grid.columns, grid.rows), Image.Resampling.NEAREST)


def packed(image: Image.Image) -> NDArray[np.uint32]:
    """Return one number a pixel, equal where colours are; (H, W). Clear pixels are all equal."""
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")
    pixels_HW = np.frombuffer(rgba.tobytes(), "<u4").reshape(image.height, image.width)
    if image.mode == "RGBA":
        return np.where(pixels_HW >> 24, pixels_HW, 0)
    return pixels_HW


def _may_have_grid(image: Image.Image) -> bool:
    """Return False where a few rows show at once that edges lie everywhere, as in photos."""
    if max(image.size) <= NATIVE_MAX_PX:
        return True
    rows = [image.height * (2 * probe + 1) // (2 * PROBES) for probe in range(PROBES)]
    changed_W = np.zeros(image.width - 1, np.bool_)
    for row in rows:
        line_W = packed(image.crop((0, row, image.width, row + 1)))[0]
        changed_W |= line_W[1:] != line_W[:-1]
    return int(changed_W.sum()) <= image.width // 2


def _edges_down(pixels_HW: NDArray[np.uint32]) -> NDArray[np.intp]:
    """Return which rows differ from the one above."""
    rows = [row_W.tobytes() for row_W in pixels_HW]
    pairs = enumerate(itertools.pairwise(rows), 1)
    return np.array([y for y, (above, row) in pairs if above != row], np.intp)


def _edges_across(rows_RW: NDArray[np.uint32]) -> NDArray[np.intp]:
    """Return in which columns any of the rows differs from its left neighbour."""
    return np.flatnonzero((rows_RW[:, 1:] != rows_RW[:, :-1]).any(axis=0)) + 1


def _grid(columns: int, rows: int) -> PixelGrid | None:
    if min(columns, rows) < 4 or max(columns, rows) > GRID_MAX_PX:
        return None
    return PixelGrid(columns=columns, rows=rows)


def _is_native(pixels_HW: NDArray[np.uint32]) -> bool:
    """Return whether a small picture has few colours and hard steps."""
    if len(np.unique(pixels_HW)) > min(MAX_COLOURS, COLOURS_SHARE * pixels_HW.size):
        return False
    channels_HWC = np.ascontiguousarray(pixels_HW).view(np.uint8).reshape(*pixels_HW.shape, 4)
    values_HWC = channels_HWC.astype(np.int16)
    steps = np.concatenate(
        [np.abs(np.diff(values_HWC, axis=axis)).max(axis=-1).ravel() for axis in (0, 1)]
    )
    seen = steps[steps > 0]
    return bool((seen <= SOFT_STEP).mean() <= SOFT_SHARE) if len(seen) else False


def _stretched_grid(
    width: int, height: int, across: NDArray[np.intp], down: NDArray[np.intp]
) -> PixelGrid | None:
    """Return the smallest grid whose enlargement by nearest neighbour has all its edges here."""
    fewest = max(4, len(across) + 1, (len(down) + 1) * width // height)
    for columns in range(fewest, int(min(width / MIN_BLOCK, GRID_MAX_PX)) + 1):
        rows = round(columns * height / width)
        if rows < 4 or not _lies_on(across, width, columns) or not _lies_on(down, height, rows):
            continue
        believed = _chance(across, width, columns) * _chance(down, height, rows) * columns
        return PixelGrid(columns=columns, rows=rows) if believed <= CHANCE else None
    return None


def _lies_on(edges: NDArray[np.intp], length: int, cells: int) -> bool:
    return bool(_allowed(length, cells)[edges].all())


def _chance(edges: NDArray[np.intp], length: int, cells: int) -> float:
    """Return how likely so many random edges would all lie on the grid."""
    return float(_allowed(length, cells).mean()) ** len(edges)


@functools.lru_cache(maxsize=1024)
def _allowed(length: int, cells: int) -> NDArray[np.bool_]:
    """Return where, of `length` px, an enlargement of `cells` px may put an edge.

    Programs take the pixel at the block's centre, or at its start; blocks drawn one by one begin
    at the rounded position.
    """
    ideal = np.arange(1, cells) * (length / cells)
    allowed_W = np.zeros(length, np.bool_)
    for edges in (np.ceil(ideal - 0.5), np.floor(ideal + 0.5), np.ceil(ideal)):
        allowed_W[np.minimum(edges.astype(np.intp), length - 1)] = True
    return allowed_W
