"""Tokens to vectors, each distinct caption and each distinct picture once.

An encoder may give the same text other last bits in another batch, and equal inputs must score
exactly equal (see `metrics`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from traitlens.errors import DatasetError, ModelError
from traitlens.models.encoder import Encoder, Vectors
from traitlens.progress import Progress, silent
from traitlens.records import Token
from traitlens.standardization import Rejection, decode
from traitlens.store import ROWS_PER_GROUP, Dataset

BATCH = ROWS_PER_GROUP

_LENGTH_TOLERANCE = 0.01  # what half precision may cost a unit vector


def check_encoder(encoder: object) -> None:
    """Raise ModelError unless `encoder` has what an Encoder must have."""
    wanted = ("name", "fingerprint", "dimension", "encode_texts", "encode_images")
    for missing in (name for name in wanted if not hasattr(encoder, name)):
        raise ModelError(
            f"{encoder!r} is no encoder: it has no {missing}; `load_encoder` opens a model folder"
        )


def encode_texts(encoder: Encoder, texts: Sequence[str], *, progress: Progress = silent) -> Vectors:
    """Return one vector a text, of shape (len(texts), dimension); equal texts share one."""
    row = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    distinct = list(row)
    vectors = np.empty((len(distinct), encoder.dimension), dtype=np.float32)
    for start in range(0, len(distinct), BATCH):
        batch = distinct[start : start + BATCH]
        vectors[start : start + BATCH] = _checked(encoder, encoder.encode_texts(batch), len(batch))
        progress("encode texts", start + len(batch), len(distinct))
    return vectors[[row[text] for text in texts]]


def encode_pictures(
    encoders: Sequence[Encoder], data: Dataset, tokens: Sequence[Token], *, progress: Progress
) -> list[Vectors]:
    """Return for each encoder one vector a token, of shape (len(tokens), dimension).

    Tokens of equal pixels share one. Each picture is decoded once for all encoders and then
    forgotten; `tokens` need no image in hand, only their location.
    """
    row: dict[str, int] = {}
    numbers = [row.setdefault(token.pixels_sha256 or token.token_uid, len(row)) for token in tokens]
    first: dict[int, Token] = {}
    for number, token in zip(numbers, tokens, strict=True):
        first.setdefault(number, token)
    vectors = [np.empty((len(row), e.dimension), dtype=np.float32) for e in encoders]
    start = 0
    for pictures in read_pictures(data, list(first.values())):
        for encoder, found in zip(encoders, vectors, strict=True):
            encoded = _checked(encoder, encoder.encode_images(pictures), len(pictures))
            found[start : start + len(pictures)] = encoded
        start += len(pictures)
        progress("encode pictures", start, len(row))
    return [found[numbers] for found in vectors]


def read_pictures(data: Dataset, tokens: Sequence[Token]) -> Iterator[list[Image.Image]]:
    """Yield the decoded pictures of `tokens` in order, a batch at a time."""
    for start in range(0, len(tokens), BATCH):
        batch = tokens[start : start + BATCH]
        pngs = data.images([token.location for token in batch if token.location])
        yield [_picture(token, png) for token, png in zip(batch, pngs, strict=True)]


def _picture(token: Token, png: bytes | None) -> Image.Image:
    decoded = decode(png or b"")
    if isinstance(decoded, Rejection):
        raise DatasetError(f"the picture of {token.token_uid} cannot be read: {decoded.reason}")
    return decoded


def _checked(encoder: Encoder, vectors: Vectors, n: int) -> Vectors:
    """Return the vectors, or raise ModelError where they break the protocol.

    A row of zeros or NaN passes: it scores level or last, which is what it is worth.
    """
    if np.shape(vectors) != (n, encoder.dimension):
        raise ModelError(
            f"{encoder.name} gave vectors of shape {np.shape(vectors)} for {n} inputs; "
            f"expected ({n}, {encoder.dimension})"
        )
    lengths = np.linalg.norm(vectors, axis=1)
    wrong = lengths[(lengths > 0) & (np.abs(lengths - 1) > _LENGTH_TOLERANCE)]
    if len(wrong):
        raise ModelError(f"{encoder.name} gave a vector of length {wrong[0]:.4g}; expected 1")
    return vectors
