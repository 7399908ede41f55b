"""Two hashes of a picture: one that equal pixels share, one that look-alikes nearly share."""

from __future__ import annotations

import functools
import hashlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 32  # px: what the hash looks at
LOW = 8  # frequencies a direction
GREY = 128  # what alpha is shown on: neither black nor white art vanishes on it
UNSEEN = 16.0  # of a coefficient: a wave of one grey level
FLAT = 1  # the hash of a picture without any structure; 0 would mean that there is no hash


def pixels_sha256(image: Image.Image) -> str:
    """Return the SHA-256, in hex, of a picture's size and RGBA pixels."""
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")
    digest = hashlib.sha256(f"{image.size}".encode())
    digest.update(rgba.tobytes())
    return digest.hexdigest()


def perceptual_hash(image: Image.Image) -> str:
    """Return 64 bits, as 16 hex digits, that survive rescaling and JPEG; never all zero.

    Which of the 64 lowest frequencies, the mean left out, of the 32 x 32 px luma's cosine
    transform are above their median (Zauner 2010, "pHash", section 3.2.1), by more than the eye
    sees: the many frequencies that flat and symmetric art lacks would else be the compressor's
    noise. Clear pixels count as mid-grey. Colours of equal luma are equal to it.
    """
    lowest = (_cosines() @ _luma_32(image) @ _cosines().T)[_order()]
    bits = lowest > np.median(lowest) + UNSEEN
    value = int.from_bytes(np.packbits(bits).tobytes(), "big")
    return f"{value or FLAT:016x}"


def hamming(a: str, b: str) -> int:
    """Return in how many of 64 bits two perceptual hashes differ."""
    return (int(a, 16) ^ int(b, 16)).bit_count()


def _luma_32(image: Image.Image) -> NDArray[np.float64]:
    small = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    if small.mode == "RGBA":
        grey = Image.new("RGBA", small.size, (GREY, GREY, GREY, 255))
        small = Image.alpha_composite(grey, small)
    return np.array(small.convert("L"), dtype=np.float64)


@functools.cache
def _cosines() -> NDArray[np.float64]:
    """Return the first rows of the orthonormal DCT-II matrix of 32 points."""
    frequency_F, x_W = np.arange(LOW + 1)[:, None], np.arange(SIDE)[None]
    angles_FW = np.pi * (2 * x_W + 1) * frequency_F / (2 * SIDE)
    cosines_FW: NDArray[np.float64] = np.cos(angles_FW) * np.sqrt(2 / SIDE)
    cosines_FW[0] /= np.sqrt(2)
    return cosines_FW


@functools.cache
def _order() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of the 64 lowest frequencies, the mean left out, low ones first."""
    pairs = sorted(
        ((row, column) for row in range(LOW + 1) for column in range(LOW + 1)),
        key=lambda pair: (max(pair), sum(pair), pair),
    )[1 : 8 * 8 + 1]
    rows, columns = zip(*pairs, strict=True)
    return np.array(rows), np.array(columns)
