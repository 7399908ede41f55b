"""What every encoder can do, whatever runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Vectors = NDArray[np.float32]


class Encoder(Protocol):
    """Puts words and pictures into one space, where what belongs together is close.

    Vectors are float32 rows of length 1, of shape (n, dimension), so a dot product is a cosine in
    [-1, 1]. Two encoders with one `fingerprint` give the same vectors, up to rounding.
    """

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return one vector a text."""
        ...

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Return one vector a picture; pictures are RGB or RGBA, of any size."""
        ...


def unit_rows(vectors: NDArray[np.floating]) -> Vectors:
    """Return the rows scaled to length 1, as float32; a row of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
