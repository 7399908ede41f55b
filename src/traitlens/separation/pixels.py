"""Pictures as whole numbers, one a pixel, so that "the same colour" is one comparison.

Axes: H height, W width, M chosen pixels, ascending. A region is sparse: most components are small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint32]
Mask = NDArray[np.bool_]

# Pixel art has at most some 30 colours a picture, anti-aliased drawings 700 and more.
_MAX_COLOURS_OF_PIXEL_ART = 256
_SMOOTH_BITS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Some pixels of a picture, the colour that each shows, and how sure that is.

    Pixels are numbered row by row from 0; weights are in [1, 255]. `colours_M` are packed, with the
    bits a channel of the collection. `rgba_M4` are the component's own pixels, 8 bits a channel;
    their alpha is how much they hide of what lies beneath.
    """

    where_M: NDArray[np.int32]
    colours_M: Pixels
    weights_M: NDArray[np.uint8]
    rgba_M4: NDArray[np.uint8]

    @classmethod
    def of(
        cls,
        where_M: NDArray[np.int32],
        colours_M: Pixels,
        weights_M: NDArray[np.uint8],
        *,
        colour_bits: int = 8,
    ) -> Region:
        """Return the region whose own pixels are the packed colours that it shows."""
        return cls(where_M, colours_M, weights_M, unpack(colours_M, colour_bits=colour_bits))

    def __len__(self) -> int:
        return len(self.where_M)

    def shown(self, pixels_P: Pixels) -> Mask:
        """Return for each pixel of the region whether a picture shows its colour: bool (M,)."""
        return np.asarray(pixels_P[self.where_M] == self.colours_M)


def weights(sureness_M: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return numbers in [0, 1] as the weights of a region."""
    return np.asarray(np.clip(np.rint(sureness_M * 255), 1, 255), np.uint8)


def pack(image: Image.Image | NDArray[np.uint8], *, colour_bits: int) -> Pixels:
    """Return RGBA as uint32 (H, W), alpha on top; what cannot be seen is 0, whatever its colour.

    With fewer than 8 `colour_bits` a channel, near colours become one.
    """
    channels_HWC = channels(image) if isinstance(image, Image.Image) else image
    if colour_bits < 8:
        shift = 8 - colour_bits
        rounded_HWC = (channels_HWC.astype(np.uint16) + (1 << shift >> 1)) >> shift
        channels_HWC = rounded_HWC.astype(np.uint8)
    pixels_HW = np.ascontiguousarray(channels_HWC).view("<u4")[..., 0]
    return np.where(is_drawn(pixels_HW), pixels_HW, np.uint32(0))


def channels(image: Image.Image) -> NDArray[np.uint8]:
    """Return a picture as RGBA: uint8 (H, W, 4)."""
    return np.asarray(image.convert("RGBA"), np.uint8)


def unpack(pixels_M: Pixels, *, colour_bits: int) -> NDArray[np.uint8]:
    """Return packed pixels as RGBA of 8 bits a channel: uint8 (M, 4)."""
    channels_M4 = np.ascontiguousarray(pixels_M, "<u4").view(np.uint8).reshape(-1, 4)
    shifted_M4 = channels_M4.astype(np.uint16) << (8 - colour_bits)
    return np.asarray(np.minimum(shifted_M4, 255), np.uint8)


def is_drawn(pixels: Pixels) -> Mask:
    """Return where a picture is not fully transparent: what is not drawn is no component."""
    return np.asarray(pixels >> np.uint32(24) > 0)


def colour_bits_for(pictures: Sequence[Image.Image]) -> int:
    """Return the bits a channel that suit the pictures: 8 for pixel art, else 4.

    Scaled and anti-aliased pictures show one part in slightly different colours. On mfers, 4 bits
    instead of 8 raise the IoU of what is seen from .73 to .76 (`python -m benchmarks.separation`).
    """
    counts = [np.unique(pack(picture, colour_bits=8)).size for picture in pictures]
    return 8 if not counts or np.median(counts) <= _MAX_COLOURS_OF_PIXEL_ART else _SMOOTH_BITS
