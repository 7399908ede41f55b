"""How close an exported model is to its original."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from traitlens.models.encoder import Encoder, Vectors
from traitlens.models.export.sampling import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Closeness:
    """The least cosine, over a sample, between a vector and its original's; each in [-1, 1]."""

    images: float
    texts: float

    @property
    def least(self) -> float:
        return min(self.images, self.texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """A sample in an encoder's space: unit rows, in the sample's order."""

    images: Vectors
    texts: Vectors


def encode(encoder: Encoder, sample: Sample) -> Encoded:
    """Return the vectors of a sample's pictures and texts."""
    return Encoded(
        images=encoder.encode_images(sample.pictures), texts=encoder.encode_texts(sample.texts)
    )


def closeness(original: Encoded, other: Encoded) -> Closeness:
    """Return how close two encoders are on one sample; a vector that is not finite counts -1."""
    return Closeness(
        images=_least_cosine(original.images, other.images),
        texts=_least_cosine(original.texts, other.texts),
    )


def top1(encoded: Encoded, sample: Sample) -> float:
    """Return the share of texts whose picture is the nearest of its gallery, in [0, 1].

    Pictures with an equal text are as right; a tie with a wrong picture is a miss.
    """
    galleries, texts = np.array(sample.galleries), np.array(sample.texts)
    hits = 0
    for gallery in dict.fromkeys(sample.galleries):
        rows = np.flatnonzero(galleries == gallery)
        scores = encoded.texts[rows].astype(np.float64) @ encoded.images[rows].T
        right = texts[rows][:, None] == texts[rows]
        best_wrong = np.where(right, -np.inf, scores).max(axis=1)
        hits += int((np.where(right, scores, -np.inf).max(axis=1) > best_wrong).sum())
    return hits / len(texts)


def _least_cosine(one: Vectors, other: Vectors) -> float:
    if one.shape != other.shape or not np.isfinite(other).all():
        return -1.0
    return float(np.einsum("nd,nd->n", one.astype(np.float64), other).min())
