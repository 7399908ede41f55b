"""Pictures and texts on which an exported model is held against its original."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from traitlens.errors import DatasetError
from traitlens.models.pixels import on_background
from traitlens.records import Split, Token
from traitlens.standardization import Rejection, decode
from traitlens.store import Dataset

_COLOURS = ("red", "green", "blue", "yellow", "orange", "purple", "black", "white", "brown", "pink")
_SHAPES = ("ellipse", "rectangle")
_LEAST_GALLERY = 16  # tokens: among fewer, the nearest picture says little


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Pictures, the texts that belong to them, and the gallery that each pair lies in.

    Pictures are RGB: what shines through transparent pixels is a matter of whoever opens a model.
    """

    pictures: list[Image.Image]
    texts: list[str]
    galleries: list[str]
    source: str


def sample_of(data: Dataset, *, size: int, seed: int = 0) -> Sample:
    """Return about `size` tokens of a data set, as many from each collection, drawn by `seed`.

    They are of the test split, or of all splits where it is empty. Of many collections some are
    drawn, so that each gallery has `_LEAST_GALLERY` tokens.
    """
    split: Split | None = "test" if data.count(split="test") else None
    rng = np.random.default_rng(seed)
    names = sorted(rng.permutation(data.collections)[: max(1, size // _LEAST_GALLERY)].tolist())
    share = max(2, size // max(1, len(names)))
    chosen: list[Token] = []
    for name in names:
        tokens = list(data.tokens(collections=[name], split=split, images=False, metadata=False))
        rows = rng.permutation(len(tokens))[:share]
        chosen += [tokens[row] for row in sorted(rows)]
    if not chosen:
        raise DatasetError(f"{data.path} has no tokens to compare an export on")
    places = [token.location for token in chosen if token.location is not None]
    return Sample(
        pictures=[_picture(png) for png in data.images(places)],
        texts=[token.caption or "" for token in chosen],
        galleries=[token.collection for token in chosen],
        source=f"{len(chosen)} tokens of {len(names)} collection{'s' if len(names) > 1 else ''}",
    )


def drawn_sample(*, size: int, seed: int = 0) -> Sample:
    """Return pictures of a coloured shape on a coloured ground, which their texts name."""
    rng = np.random.default_rng(seed)
    pictures, texts = [], []
    for _ in range(size):
        ground, colour = rng.choice(_COLOURS, 2, replace=False)
        shape = str(rng.choice(_SHAPES))
        left, top, width, height = (int(n) for n in rng.integers((0, 0, 20, 20), 60, 4))
        picture = Image.new("RGB", (128, 128), str(ground))
        box = (left, top, left + width, top + height)
        getattr(ImageDraw.Draw(picture), shape)(box, fill=str(colour))
        pictures.append(picture)
        texts.append(f"{colour} {shape} on {ground} background")
    source = f"{size} drawn pictures, for want of a data set"
    return Sample(pictures=pictures, texts=texts, galleries=["drawn"] * size, source=source)


def _picture(png: bytes | None) -> Image.Image:
    decoded = decode(png or b"")
    if isinstance(decoded, Rejection):
        raise DatasetError(f"a picture of the sample cannot be read: {decoded.reason}")
    return on_background(decoded)
