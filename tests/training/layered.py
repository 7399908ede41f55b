"""A collection of four drawn layers, 4 x 4 px, and the material of its tokens.

sky    covers all, lowest
body   the lower half, on the sky
hat    the two middle columns of the upper half and of the row below, on the body
glow   the right column, half transparent, on all
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from traitlens.training.layering import Ground, Layer
from traitlens.training.layers import Layers
from traitlens.training.material import Material
from traitlens.training.tags import NO_COMPONENT, Tag

SIDE = 4
PIXELS = SIDE * SIDE
MEAN = (7, 8, 9)  # the colour of the collection's mean picture, everywhere

Colour = tuple[int, int, int]

SHAPES: dict[str, tuple[int, list[int]]] = {  # level and pixels
    "sky": (0, list(range(16))),
    "body": (1, list(range(8, 16))),
    "hat": (2, [1, 2, 5, 6, 9, 10]),
    "glow": (3, [3, 7, 11, 15]),
}
PAINTS: list[tuple[str, str, Colour, int]] = [  # shape, value, colour, opacity
    ("sky", "dawn", (200, 100, 50), 255),
    ("sky", "night", (10, 20, 60), 255),
    ("body", "red", (220, 30, 30), 255),
    ("body", "green", (30, 160, 40), 255),
    ("hat", "cap", (90, 60, 30), 255),
    ("hat", "crown", (240, 200, 40), 255),
    ("glow", "white", (255, 255, 255), 128),
]
TAGS = {
    value: Tag(f"{value} {shape}", row, shape.title(), shape)
    for row, (shape, value, _, _) in enumerate(PAINTS)
}
RANK = Tag("rank 7", NO_COMPONENT, "Rank", "rank", is_measure=True)


def layers() -> Layers:
    """Return the layers of all values, in the order of `PAINTS`."""
    made = Layers(PIXELS)
    for shape, _, colour, opacity in PAINTS:
        level, where = SHAPES[shape]
        paint = [round(channel * opacity / 255) for channel in colour]
        made.add(layer(where, [*paint, opacity], level))
    return made


def layer(where: Sequence[int], paint: Sequence[int], level: int) -> Layer:
    """Return a layer of one paint: colour times opacity, and opacity."""
    return Layer(np.array(where), np.full((len(where), 4), paint, np.uint8), level)


def drawn(*values: str) -> NDArray[np.uint8]:
    """Return the picture of a token with these values, painted one pixel after another."""
    picture = [MEAN] * PIXELS
    chosen = [paint for paint in PAINTS if paint[1] in values]
    for shape, _, colour, opacity in chosen:
        for pixel in SHAPES[shape][1]:
            red, green, blue = (
                round((c * opacity + below * (255 - opacity)) / 255)
                for c, below in zip(colour, picture[pixel], strict=True)
            )
            picture[pixel] = (red, green, blue)
    return np.array(picture, np.uint8).reshape(SIDE, SIDE, 3)


def material(*tokens: Sequence[Tag], known: bool = False) -> Material:
    """Return tokens of one collection; what lies beneath the sky is `known`, or only likely."""
    value_of = {tag.words: value for value, tag in TAGS.items()}
    pictures = [drawn(*(value_of[t.words] for t in tags if t.words in value_of)) for tags in tokens]
    mean_HWC = np.full((SIDE, SIDE, 3), MEAN, np.uint8)
    return Material(
        collections=("lil-apes",),
        collection_N=np.zeros(len(tokens), np.int64),
        frames_NHWC=np.stack(pictures),
        tags=tuple(tuple(tags) for tags in tokens),
        layers=layers(),
        means_GHWC=mean_HWC[None],
        grounds=(Ground(mean_HWC.reshape(-1, 3), np.full(PIXELS, known)),),
        areas={},
        trust=dict.fromkeys(range(len(PAINTS)), 1.0),
        written=[None] * len(tokens),
    )


def plain_material(
    *tokens: Sequence[Tag], collections: Sequence[int] | None = None, names: int = 1
) -> Material:
    """Return tokens without pictures or components, of one collection or of several."""
    return Material(
        collections=tuple(f"c{number}" for number in range(names)),
        collection_N=np.array(collections if collections is not None else [0] * len(tokens)),
        frames_NHWC=np.zeros((len(tokens), 1, 1, 3), np.uint8),
        tags=tuple(tuple(tags) for tags in tokens),
        layers=Layers(1),
        means_GHWC=np.zeros((names, 1, 1, 3), np.uint8),
        grounds=(Ground(np.zeros((1, 3), np.uint8), np.zeros(1, np.bool_)),) * names,
        areas={},
        trust={},
        written=[None] * len(tokens),
    )
