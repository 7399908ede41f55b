"""Which part of a picture speaks for some words: how the cosine falls when a part is painted over.

This is occlusion (Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014,
section 4.2), which needs no look into the encoder. What is painted over gets the colour of the
picture's border, so that what is left still looks like art of its kind. docs/results.md compares
fills, masks and scores by the true masks of traits.

Axes: G cells a side, K windows, D dimensions, H height, W width, C colour channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.engines.protocol import Vector
from traitlens.models.encoder import Encoder, Vectors
from traitlens.models.pixels import on_background
from traitlens.retrieval.small_pictures import MAX_SIDE_PX

Pixels = NDArray[np.uint8]  # (H, W, C)
Grid = NDArray[np.float64]  # (G, G), rows top to bottom, stretched over the picture

GRID = 16  # cells a side
_WINDOW = 3  # cells of a window's side
_LEAST_SIDE_PX = 64  # smaller art is enlarged, so that no cell is a part of a pixel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Looks:
    """The vector of a picture, (D,), and those of it with one window painted over, (K, D)."""

    whole_D: Vector
    hidden_KD: Vectors

    def falls(self, text_D: Vector) -> Grid:
        """Return how far the cosine with some words falls without each cell: (G, G).

        It is the mean over the windows that cover a cell, and below 0 where the picture comes
        nearer to the words without it.
        """
        fall_K = (self.whole_D - self.hidden_KD) @ text_D
        sum_GG, covering_GG = np.zeros((GRID, GRID)), np.zeros((GRID, GRID))
        for (rows, columns), fall in zip(windows(), fall_K, strict=True):
            sum_GG[rows, columns] += fall
            covering_GG[rows, columns] += 1
        return sum_GG / covering_GG


def look(image: Image.Image, encoder: Encoder) -> Looks:
    """Return how an encoder sees a picture as it is, and without each part of it."""
    whole_HWC = opaque(image)
    border = (whole_HWC[0], whole_HWC[-1], whole_HWC[:, 0], whole_HWC[:, -1])
    colour_C = np.median(np.concatenate(border), axis=0).astype(np.uint8)
    fill_HWC = np.broadcast_to(colour_C, whole_HWC.shape)
    hidden = map(Image.fromarray, painted_over(whole_HWC, fill_HWC))
    vectors = encoder.encode_images([Image.fromarray(whole_HWC), *hidden])
    return Looks(whole_D=vectors[0], hidden_KD=vectors[1:])


def opaque(image: Image.Image) -> Pixels:
    """Return the pixels of a picture, RGB on the encoder's background, of a size to be looked at.

    Small art is enlarged, and large art reduced, as there are some 250 copies of it.
    """
    rgb = on_background(image)
    rgb.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.LANCZOS)
    factor = -(-_LEAST_SIDE_PX // max(rgb.size))
    return np.asarray(rgb).repeat(factor, axis=0).repeat(factor, axis=1)


def painted_over(whole_HWC: Pixels, fill_HWC: Pixels) -> Iterator[Pixels]:
    """Yield a picture with the pixels of `fill_HWC` in each of the windows."""
    y = np.linspace(0, whole_HWC.shape[0], GRID + 1).round().astype(int)
    x = np.linspace(0, whole_HWC.shape[1], GRID + 1).round().astype(int)
    for rows, columns in windows():
        place = slice(y[rows.start], y[rows.stop]), slice(x[columns.start], x[columns.stop])
        hidden_HWC = whole_HWC.copy()
        hidden_HWC[place] = fill_HWC[place]
        yield hidden_HWC


def windows() -> Iterator[tuple[slice, slice]]:
    """Yield the rows and columns of each window, in cells; those at the edges are smaller."""
    starts = range(-1, GRID - _WINDOW + 2)
    spans = [slice(max(0, start), min(GRID, start + _WINDOW)) for start in starts]
    for rows in spans:
        for columns in spans:
            yield rows, columns


def heat_of(falls_GG: Grid) -> Grid | None:
    """Return what speaks for the words, in [0, 1], the hottest cell 1.

    None where the greatest rise is as great as the greatest fall: that is noise.
    """
    highest = float(falls_GG.max())
    if highest <= 1e-6 or highest <= -float(falls_GG.min()):
        return None
    return np.maximum(falls_GG, 0) / highest
