"""A token's picture as a stack of layers: who covers whom, what lies beneath, and painting anew.

Pure functions on arrays at the size of a model's frames, the picture flattened row by row. The
colours of a layer are multiplied by its opacity, so that one lies over another by
`colour + (1 - opacity) * below`.

Axes: P = H x W pixels, M pixels of a layer, R pixels that are looked at, 4 = RGB and opacity.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.models.pixels import PixelConfig, frame

Where = NDArray[np.integer]
Colours = NDArray[np.uint8]

_COVERS = 128  # an opacity from which one sees the layer rather than what lies beneath
# A resized edge is spread over some pixels; from this part of one on, the pixel is the layer's.
_BELONGS = 32


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A component: its pixels, numbered from 0 and ascending, its colours, its place in the stack.

    Of two layers of one level it is not known which one covers the other.
    """

    where_M: Where
    paint_M4: Colours  # colours times opacity, and opacity
    level: int  # 0 is the lowest

    @property
    def covering(self) -> Where:
        """The pixels at which it hides what lies beneath."""
        return self.where_M[self.paint_M4[:, 3] >= _COVERS]


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What lies beneath all layers: its colours, and whether they are known or only likely."""

    colours_P3: Colours
    known_P: NDArray[np.bool_]


def fitted(
    rgba_M4: Colours, where_M: Where, *, size: tuple[int, int], pixels: PixelConfig
) -> tuple[Where, Colours]:
    """Return some pixels of a picture of `size` (height, width) as they are in a model's frame.

    They go the way of `models.pixels.frame`: resized, and cropped where the frame is. Returned are
    the pixels that they cover at least in part, ascending, and their `paint_M4`.
    """
    height, width = size
    opacity_M1 = rgba_M4[:, 3:].astype(np.float32) / 255
    colours_P3, cover_P3 = (np.zeros((height * width, 3), np.uint8) for _ in range(2))
    colours_P3[where_M] = np.rint(rgba_M4[:, :3] * opacity_M1)
    cover_P3[where_M, 0] = rgba_M4[:, 3]
    cover_P3[where_M, 1] = 255
    colours_P3, cover_P3 = (
        frame(Image.fromarray(image_P3.reshape(height, width, 3)), pixels).reshape(-1, 3)
        for image_P3 in (colours_P3, cover_P3)
    )
    found_M = np.flatnonzero(cover_P3[:, 1] >= _BELONGS)
    return found_M, np.concatenate([colours_P3[found_M], cover_P3[found_M, :1]], axis=1)


def covered_to(stack: Sequence[Layer], pixels: int) -> NDArray[np.int64]:
    """Return the level of the highest layer that covers each pixel, -1 where none does: (P,)."""
    levels_P = np.full(pixels, -1)
    for layer in sorted(stack, key=_level):
        levels_P[layer.covering] = layer.level
    return levels_P


def tied(stack: Sequence[Layer], levels_P: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return where it is not known which of a stack's layers one sees: bool (P,).

    Two of one level cover the pixel there, and no higher one; `levels_P` is `covered_to` of the
    stack.
    """
    once_P, twice_P = (np.zeros(len(levels_P), np.bool_) for _ in range(2))
    shared = Counter(layer.level for layer in stack)
    for layer in stack:
        if shared[layer.level] > 1:
            where = layer.covering
            where = where[levels_P[where] == layer.level]
            twice_P[where[once_P[where]]] = True
            once_P[where] = True
    return twice_P


def visible(layer: Layer, levels_P: NDArray[np.int64]) -> Where:
    """Return the pixels of a layer that no higher one covers; `levels_P` is of those above it."""
    return layer.where_M[levels_P[layer.where_M] <= layer.level]


def all_visible(
    stack: Sequence[Layer], chosen: Collection[int], *, pixels: int
) -> NDArray[np.bool_]:
    """Return where one sees any of the chosen layers of a stack: bool (P,)."""
    lowest = min(stack[number].level for number in chosen)
    levels_P = covered_to([layer for layer in stack if layer.level > lowest], pixels)
    seen_P = np.zeros(pixels, np.bool_)
    for number in chosen:
        seen_P[visible(stack[number], levels_P)] = True
    return seen_P


def painted(
    stack: Sequence[Layer], below: Ground, where_R: Where
) -> tuple[Colours, NDArray[np.bool_]]:
    """Return what a stack shows at some pixels, (R, 3), and whether that is known, bool (R,).

    It is not where the ground, not known, shines through. Through the lowest layer that covers a
    pixel there, such as the edge of a background whose middle nobody has seen, it does not.
    """
    colours_R3 = below.colours_P3[where_R].astype(np.uint16)
    known_R = below.known_P[where_R]
    place_P = np.full(len(below.known_P), -1, np.int32)
    place_P[where_R] = np.arange(len(where_R))
    for layer in sorted(stack, key=_level):
        place_M = place_P[layer.where_M]
        inside = np.flatnonzero(place_M >= 0)
        places, paint = place_M[inside], layer.paint_M4[inside]
        opacity = paint[:, 3:].astype(np.uint16)
        covers = paint[:, 3] >= _COVERS
        edge = np.flatnonzero(covers & (paint[:, 3] < 255) & ~known_R[places])
        colours_R3[places[edge]] = paint[edge, :3].astype(np.uint16) * 255 // opacity[edge]
        colours_R3[places] = paint[:, :3] + (colours_R3[places] * (255 - opacity) + 127) // 255
        known_R[places] |= covers
    return np.minimum(colours_R3, 255).astype(np.uint8), known_R


def side_by_side(
    stacks: Sequence[Sequence[Layer]], grounds: Sequence[Ground]
) -> tuple[list[Layer], Ground]:
    """Return the stacks of some pictures, and their grounds, as those of one large picture.

    Picture b has its pixels from b x P on, and the lowest layers of all pictures together are the
    lowest of the large one, and so on. So `painted` paints them all at once, which is quicker.
    """
    ranked = [sorted(stack, key=_level) for stack in stacks]
    pixels = len(grounds[0].known_P) if grounds else 0
    merged = []
    for rank in range(max(map(len, ranked), default=0)):
        there = [(b * pixels, stack[rank]) for b, stack in enumerate(ranked) if rank < len(stack)]
        where = np.concatenate([layer.where_M + np.int64(start) for start, layer in there])
        merged.append(Layer(where, np.concatenate([layer.paint_M4 for _, layer in there]), rank))
    colours = [np.zeros((0, 3), np.uint8), *(one.colours_P3 for one in grounds)]
    known = [np.zeros(0, np.bool_), *(one.known_P for one in grounds)]
    return merged, Ground(np.concatenate(colours), np.concatenate(known))


def _level(layer: Layer) -> int:
    return layer.level
