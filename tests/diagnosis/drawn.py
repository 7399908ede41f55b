"""Drawn tokens with chosen traits, galleries of them, and models that know their vectors."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.helpers import draw, drawn_token, png, write_dataset
from traitlens.captions import caption
from traitlens.embedding import Embedded, Gallery
from traitlens.models import Vectors, unit_rows
from traitlens.records import Split, Token, Trait


def token_of(
    collection: str, number: int, traits: Sequence[tuple[str, str]], *, split: Split = "test"
) -> Token:
    """Return a token of these traits; its picture has nothing to do with them."""
    own = tuple(Trait(*trait) for trait in traits)
    return dataclasses.replace(
        drawn_token(collection, number),
        traits=own,
        caption=caption(collection, own).text,
        split=split,
    )


def gallery_of(
    path: Path, collections: Mapping[str, Sequence[Token]], *, split: Split | None = None
) -> Gallery:
    """Return the gallery of a data set of these tokens."""
    return Gallery.of(write_dataset(path / "data", collections), split=split)


def known(
    gallery: Gallery,
    images_ND: NDArray[np.floating],
    texts_ND: NDArray[np.floating],
    *,
    name: str = "known",
) -> Embedded:
    """Return a model that is known by its vectors alone."""
    return Embedded(
        gallery=gallery,
        model=name,
        model_fingerprint=name,
        images_ND=unit_rows(images_ND),
        texts_ND=unit_rows(texts_ND),
    )


class Constant:
    """An encoder that says the same of everything."""

    name = "constant"
    fingerprint = "constant"
    dimension = 3

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return np.array([[0.6, 0.8, 0.0]] * len(texts), np.float32)

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        return np.array([[0.0, 0.6, 0.8]] * len(images), np.float32)


def painted(
    collection: str,
    number: int,
    parts: Mapping[str, str],
    *,
    more: Sequence[tuple[str, str]] = (),
    split: Split = "test",
) -> Token:
    """Return a token whose picture shows its parts, {"Hat": "Red"}; `more` traits show nowhere."""
    traits = [*parts.items(), *more]
    token = token_of(collection, number, traits, split=split)
    image = draw({part.lower(): colour.lower() for part, colour in parts.items()})
    pixels = hashlib.sha256(image.tobytes()).hexdigest()
    return dataclasses.replace(token, image=png(image), pixels_sha256=pixels)
