"""What a picture shows without any training: small pixels and shares of colours, on white."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BINS = 8  # of each colour channel


def on_white(picture: Image.Image) -> Image.Image:
    """Return the picture as RGB, on white where it is clear."""
    rgba = picture.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    white.alpha_composite(rgba)
    return white.convert("RGB")


def small_pixels(picture: Image.Image, *, side: int) -> NDArray[np.uint8]:
    """Return an RGB picture's pixels at `side` x `side` px, row by row: (side * side * 3,)."""
    small = picture.resize((side, side), Image.Resampling.BOX)
    return np.asarray(small, np.uint8).ravel()


def colour_roots(picture: Image.Image) -> NDArray[np.float64]:
    """Return the square roots of the shares of BINS**3 colours in an RGB picture.

    The root keeps a few pixels of a rare colour from drowning in the background.
    """
    bins = np.asarray(picture, np.intp).reshape(-1, 3) * BINS // 256
    counts = np.bincount(bins @ np.array([BINS * BINS, BINS, 1]), minlength=BINS**3)
    roots: NDArray[np.float64] = np.sqrt(counts / counts.sum())
    return roots
