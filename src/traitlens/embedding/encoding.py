"""Texts and pictures to vectors, each distinct one once.

An encoder may give the same text other last bits in another batch, and equal inputs must score
exactly equal (see `metrics`).
"""

# Axes: N rows, B items of a batch, D dimensions

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from traitlens.embedding.gallery import Gallery, Numbers
from traitlens.errors import ModelError
from traitlens.models.encoder import Encoder, Vectors
from traitlens.progress import Progress, silent
from traitlens.shards import ROWS_PER_GROUP

BATCH = ROWS_PER_GROUP

_LENGTH_TOLERANCE = 0.01  # what half precision may cost a unit vector

Stored = NDArray[np.floating[Any]]  # float32 or float16, in memory or mapped from a file

Filled = Callable[[int], None]


def _told_nobody(rows: int) -> None:
    """Take note of nothing."""


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
        vectors[start : start + BATCH] = _checked(encoder, encoder.encode_texts(batch), batch)
        progress("encode texts", start + len(batch), len(distinct))
    return vectors[[row[text] for text in texts]]


def fill_texts(
    encoder: Encoder,
    gallery: Gallery,
    out_ND: Stored,
    *,
    start: int = 0,
    filled: Filled = _told_nobody,
    progress: Progress = silent,
) -> None:
    """Write the vector of each row's caption into `out_ND`, from row `start` on.

    `filled` is told the number of rows that are done. Batches are the same wherever the work
    starts, so a run that was stopped ends with the same vectors.
    """
    first_N = _first_rows(gallery.caption_of)
    for name in gallery.collections:
        rows = gallery.rows(name)
        if rows.stop <= start:
            continue
        captions = [token.caption for token in gallery.tokens(name)]
        for batch in _batches(rows, start=start):
            new = _new_rows(first_N, batch)
            texts = [captions[row - rows.start] for row in new]
            if texts:
                out_ND[new] = _checked(encoder, encoder.encode_texts(texts), texts)
            out_ND[batch] = out_ND[first_N[batch]]
            filled(batch.stop)
            progress("encode texts", batch.stop, len(gallery))


def fill_pictures(
    encoders: Sequence[Encoder],
    gallery: Gallery,
    outs: Sequence[Stored],
    *,
    start: int = 0,
    filled: Filled = _told_nobody,
    progress: Progress = silent,
) -> None:
    """Write the vector of each row's picture into each encoder's array, from row `start` on.

    Each picture is decoded once for all encoders and then forgotten; see `fill_texts`.
    """
    first_N = _first_rows(gallery.picture_of)
    for name in gallery.collections:
        for batch in _batches(gallery.rows(name), start=start):
            new = _new_rows(first_N, batch)
            pictures = gallery.pictures(new)
            for encoder, out_ND in zip(encoders, outs, strict=True):
                if pictures:
                    said = [f"row {row} of the gallery" for row in new]
                    out_ND[new] = _checked(encoder, encoder.encode_images(pictures), said)
                out_ND[batch] = out_ND[first_N[batch]]
            filled(batch.stop)
            progress("encode pictures", batch.stop, len(gallery))


def _batches(rows: slice, *, start: int) -> Iterator[slice]:
    """Yield the batches of a collection's rows that end after row `start`."""
    for first in range(rows.start, rows.stop, BATCH):
        batch = slice(first, min(first + BATCH, rows.stop))
        if batch.stop > start:
            yield batch


def _first_rows(number_N: Numbers) -> Numbers:
    """Return for each row the first row of the same number."""
    _, first, inverse = np.unique(number_N, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64)


def _new_rows(first_N: Numbers, batch: slice) -> list[int]:
    """Return the rows of a batch that are the first of their number."""
    rows = np.arange(batch.start, batch.stop)
    new: list[int] = rows[first_N[batch] == rows].tolist()
    return new


def _checked(encoder: Encoder, vectors: Vectors, inputs: Sequence[str]) -> Vectors:
    """Return the vectors, or raise ModelError where they break the protocol.

    A row of zeros passes: it scores level with everything, which is what it is worth.
    """
    if np.shape(vectors) != (len(inputs), encoder.dimension):
        raise ModelError(
            f"{encoder.name} gave vectors of shape {np.shape(vectors)} for {len(inputs)} inputs; "
            f"expected ({len(inputs)}, {encoder.dimension})"
        )
    check_rows(vectors, inputs, name=encoder.name)
    return vectors


def check_rows(vectors: Stored, inputs: Sequence[str], *, name: str) -> None:
    """Raise ModelError where a vector is neither of unit length nor zero, naming its input."""
    lengths = np.linalg.norm(np.asarray(vectors, np.float32), axis=1)
    broken = ~((lengths == 0) | (np.abs(lengths - 1) <= _LENGTH_TOLERANCE))
    if not broken.any():
        return
    first = int(broken.argmax())
    what = f"of length {lengths[first]:.4g}" if np.isfinite(lengths[first]) else "with NaN"
    raise ModelError(
        f"{name} gave a vector {what} for {inputs[first][:80]!r}, and {broken.sum()} such of "
        f"{len(lengths)}; expected finite numbers and length 1"
    )
