"""What a collection's art looks like in small: a set of shapes that other collections may share.

Collections made from the same layers share outlines: an eye, a beak, a cap, in other colours, at
another place, mirrored, enlarged. So each picture is brought to its native pixel grid, or reduced
to 64 px where it has none, and each window of 8 x 8 px of it is described by where neighbouring
pixels differ, and by nothing else: no colours, no position. What is left out is what says little:

- windows with few differences (a straight edge, a corner) and with differences nearly everywhere;
- windows that a picture has more than once (stripes, checks, dithering);
- windows that only few pictures of the collection have: chance, and textures drawn at random.

The rest is hashed. Axes: H height, W width, S shapes.
"""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.split.equals import mix

WINDOW_PX = 8  # on a native pixel grid
REDUCED_WINDOW_PX = 10
MAX_SHAPES = 8192  # of a collection: 32 KB

_REDUCED_PX = 64  # the longer side of a picture without a pixel grid
_TOLERANCE = 24  # of 255: what differs less looks equal, so that resampling leaves little trace
_NATIVE_TOLERANCE = 4  # on a native grid, where palettes have neighbouring shades
_CLEAR = 999  # the colour of clear pixels: far from every other
_FEWEST, _MOST = 0.25, 0.80  # of the neighbours in a window that differ
_LINES = 16
_ONE_PICTURE_IN = 64  # has a shape that counts, and two at least
_FACTORS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)  # odd, so that no bit is lost

_Codes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FamilySketch:
    """The shapes of a collection: hashes of 32 bits, ascending, from so many pictures of it."""

    pictures: int
    shapes_S: NDArray[np.uint32]

    def to_json(self) -> dict[str, Any]:
        """Return the sketch as plain values."""
        packed = self.shapes_S.astype("<u4").tobytes()
        return {"pictures": self.pictures, "shapes": base64.b64encode(packed).decode()}

    @staticmethod
    def from_json(value: dict[str, Any]) -> FamilySketch:
        """Return the sketch of these values."""
        packed = base64.b64decode(value["shapes"])
        shapes = np.frombuffer(packed, "<u4").astype(np.uint32)
        return FamilySketch(pictures=value["pictures"], shapes_S=shapes)


def sketch(pictures: Iterable[bytes]) -> FamilySketch:
    """Return the sketch of a collection from some of its pictures, as PNG; 128 of them are plenty.

    Their order does not matter. One picture is in memory at a time.
    """
    total = 0
    seen: Counter[int] = Counter()
    for picture in pictures:
        total += 1
        seen.update(shapes_of(picture).tolist())
    enough = max(min(2, total), total // _ONE_PICTURE_IN)
    # The least hashes of each collection: what two of them share, both have kept.
    shapes = sorted(shape for shape, count in seen.items() if count >= enough)[:MAX_SHAPES]
    return FamilySketch(pictures=total, shapes_S=np.array(shapes, np.uint32))


def shapes_of(picture: bytes) -> NDArray[np.uint32]:
    """Return the distinct shapes of a picture, ascending; PNG bytes go in."""
    with Image.open(io.BytesIO(picture)) as image:
        pixels_HWC, window_px = _small(image.convert("RGBA"))
    if min(pixels_HWC.shape[:2]) < window_px:
        return np.empty(0, np.uint32)
    hashes, share = _windows(pixels_HWC, window_px)
    mirrored = _windows(pixels_HWC[:, ::-1], window_px)[0][:, ::-1]
    telling = (share >= _FEWEST) & (share <= _MOST)
    _, first, count = np.unique(hashes[telling], return_index=True, return_counts=True)
    once = first[count == 1]
    either = np.minimum(hashes[telling][once], mirrored[telling][once])
    return np.unique((either >> np.uint64(32)).astype(np.uint32))


def _small(image: Image.Image) -> tuple[NDArray[np.int16], int]:
    """Return (H, W, 3) colours on the picture's own grid or reduced, and the side of a window."""
    grid = native_size(_colours(image))
    if grid != image.size:
        image = image.resize(grid, Image.Resampling.NEAREST)
    window_px = WINDOW_PX
    if max(grid) > _REDUCED_PX:
        scale, window_px = _REDUCED_PX / max(grid), REDUCED_WINDOW_PX
        width, height = (max(1, round(side * scale)) for side in grid)
        image = image.resize((width, height), Image.Resampling.BOX)
    return _colours(image), window_px


def _colours(image: Image.Image) -> NDArray[np.int16]:
    """Return (H, W, 3) colours; a clear pixel has one that is far from every other."""
    pixels_HWC = np.asarray(image, np.int16)
    return np.where(pixels_HWC[..., 3:] < 128, np.int16(_CLEAR), pixels_HWC[..., :3])


def native_size(pixels_HWC: NDArray[np.int16]) -> tuple[int, int]:
    """Return the width and height of the smallest picture that this one may be an enlargement of.

    Nearest neighbour, by a whole factor or not, of two at least; a picture that is none has its own
    size.
    """
    height, width = pixels_HWC.shape[:2]
    # A few lines tell most pictures that are no enlargement from those that may be one.
    some = max(1, height // _LINES), max(1, width // _LINES)
    if _fitting_size(pixels_HWC, every_row=some[0], every_column=some[1]) is None:
        return width, height
    return _fitting_size(pixels_HWC, every_row=1, every_column=1) or (width, height)


def _fitting_size(
    pixels_HWC: NDArray[np.int16], *, every_row: int, every_column: int
) -> tuple[int, int] | None:
    """Return the least width and height that fit what changes in some rows and columns."""
    across = _unequal(pixels_HWC[::every_row, 1:], pixels_HWC[::every_row, :-1])
    down = _unequal(pixels_HWC[1:, ::every_column], pixels_HWC[:-1, ::every_column])
    columns, rows = _fitting(_any(across, axis=0)), _fitting(_any(down, axis=1))
    height, width = pixels_HWC.shape[:2]
    return _smallest(columns, rows, ratio=height / width)


def _smallest(
    columns: NDArray[np.bool_], rows: NDArray[np.bool_], *, ratio: float
) -> tuple[int, int] | None:
    """Return the least width and height that fit, in the picture's proportions; None if none do."""
    for width in np.flatnonzero(columns).tolist():
        height = round(ratio * (width + 1))
        if 1 <= height <= len(rows) and rows[height - 1]:
            return width + 1, height
    return None


def _fitting(changes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return for each number of cells, from 1 to half the pixels, whether changes fit its edges.

    `changes[i]` says whether something changes between pixels i and i + 1.
    """
    edges = _edges(len(changes) + 1)
    return ~_any(~edges[:, changes], axis=1)


@lru_cache(maxsize=16)
def _edges(pixels: int) -> NDArray[np.bool_]:
    """Return (cells, pixels - 1): where the edges are of so many cells enlarged to `pixels`.

    Where the middle of a pixel falls on an edge, rounding decides, so either place will do.
    """
    cells = np.arange(1, pixels // 2 + 1)[:, None]
    middles = (2 * np.arange(pixels) + 1) * cells
    above, below = middles // (2 * pixels), (middles - 1) // (2 * pixels)
    edges: NDArray[np.bool_] = (np.diff(above, axis=1) > 0) | (np.diff(below, axis=1) > 0)
    return edges


def _any(flags: NDArray[np.bool_], *, axis: int) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.any(flags, axis=axis)
    return found


def _unequal(
    a: NDArray[np.int16], b: NDArray[np.int16], *, tolerance: int = _TOLERANCE
) -> NDArray[np.bool_]:
    far = np.abs(a - b) > tolerance
    unequal: NDArray[np.bool_] = far[..., 0] | far[..., 1] | far[..., 2]
    return unequal


def _windows(pixels_HWC: NDArray[np.int16], window_px: int) -> tuple[_Codes, NDArray[np.float64]]:
    """Return the hash of each window and the share of neighbours in it that differ, in [0, 1].

    Each square of 2 x 2 px counts with four bits: whether its upper left pixel differs from the one
    to the right, the one below and the one across, and whether the other two differ.
    """
    here, right = pixels_HWC[:-1, :-1], pixels_HWC[:-1, 1:]
    below, across = pixels_HWC[1:, :-1], pixels_HWC[1:, 1:]
    pairs = ((here, right), (here, below), (here, across), (right, below))
    tolerance = _NATIVE_TOLERANCE if window_px == WINDOW_PX else _TOLERANCE
    bits = [_unequal(a, b, tolerance=tolerance) for a, b in pairs]
    code = sum(bit.astype(np.uint64) << np.uint64(at) for at, bit in enumerate(bits))
    side = window_px - 1  # in squares
    hashes = mix(_sums(mix(np.asarray(code, np.uint64)), side, factors=_FACTORS))
    differing = _sums(bits[0].astype(np.uint64) + bits[1], side, factors=(1, 1))
    return hashes, differing / (2 * side**2)


def _sums(values_HW: _Codes, side: int, *, factors: tuple[int, int]) -> _Codes:
    """Return the sum over each window, its value (y, x) weighted with the factors' powers."""
    height, width = (length - side + 1 for length in values_HW.shape)
    down, across = ([np.uint64(pow(f, i, 2**64)) for i in range(side)] for f in factors)
    columns = sum(values_HW[y : y + height] * down[y] for y in range(side))
    total = sum(np.asarray(columns)[:, x : x + width] * across[x] for x in range(side))
    return np.asarray(total, np.uint64)
