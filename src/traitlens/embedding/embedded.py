"""A gallery in an encoder's space: one vector for each caption and one for each picture."""

# Axes: N tokens of the gallery, n of one collection, D dimensions

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from traitlens.embedding.encoding import (
    Stored,
    check_encoder,
    encode_texts,
    fill_pictures,
    fill_texts,
)
from traitlens.embedding.gallery import Gallery
from traitlens.errors import ModelError
from traitlens.models.encoder import Encoder, Vectors
from traitlens.progress import Progress, silent

IN_MEMORY_BYTES = 2**30  # of one array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Embedded:
    """Row i of the vectors belongs to row i of the gallery; equal inputs have equal vectors.

    Vectors are unit rows of shape (N, D), float32 or float16, in memory or mapped from files.
    """

    gallery: Gallery
    model: str
    model_fingerprint: str
    images_ND: Stored
    texts_ND: Stored
    encoder: Encoder | None = None  # None where only vectors are known

    def of(self, collection: str) -> tuple[Vectors, Vectors]:
        """Return the vectors of a collection's pictures and captions, float32, each (n, D)."""
        rows = self.gallery.rows(collection)
        return (
            np.asarray(self.images_ND[rows], np.float32),
            np.asarray(self.texts_ND[rows], np.float32),
        )

    def encode_texts(self, texts: Sequence[str], *, progress: Progress = silent) -> Vectors:
        """Return a vector for each of some new texts; equal texts share one."""
        if self.encoder is None:
            raise ModelError(
                f"{self.model} is known by its vectors alone and cannot read new texts; "
                "name the model itself"
            )
        return encode_texts(self.encoder, texts, progress=progress)


def embed_all(
    encoders: Sequence[Encoder], gallery: Gallery, *, progress: Progress = silent
) -> list[Embedded]:
    """Return the gallery in the space of each encoder, as float32.

    Large arrays lie in temporary files that go with them. Raises ModelError for what is no encoder
    or gives broken vectors.
    """
    for encoder in encoders:
        check_encoder(encoder)
    size = len(gallery)
    images = [_empty(size, encoder.dimension) for encoder in encoders]
    fill_pictures(encoders, gallery, images, progress=progress)
    found = []
    for encoder, images_ND in zip(encoders, images, strict=True):
        texts_ND = _empty(size, encoder.dimension)
        fill_texts(encoder, gallery, texts_ND, progress=progress)
        found.append(
            Embedded(
                gallery=gallery,
                model=encoder.name,
                model_fingerprint=encoder.fingerprint,
                images_ND=images_ND,
                texts_ND=texts_ND,
                encoder=encoder,
            )
        )
    return found


def _empty(size: int, dimension: int) -> Stored:
    if 4 * size * dimension <= IN_MEMORY_BYTES:
        return np.empty((size, dimension), np.float32)
    with tempfile.TemporaryFile() as file:  # mapped, it lasts as long as the array
        return np.memmap(file, np.float32, "w+", shape=(size, dimension))
