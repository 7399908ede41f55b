"""How near the tokens of a collection are to one another, by their traits or by their pictures."""

# Axes: N tokens of a collection, Q queries, D dimensions, P pixel values

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.config import check_choice
from traitlens.diagnosis.overlap import Phrases
from traitlens.diagnosis.questions import Array, Rows
from traitlens.embedding import Embedded, Gallery, check_encoder
from traitlens.embedding.encoding import BATCH
from traitlens.embedding.features import on_white, small_pixels
from traitlens.errors import ConfigError
from traitlens.models.encoder import Encoder, Vectors, unit_rows
from traitlens.records import Token

Ways = Literal["traits", "pictures"]
WAYS: tuple[Ways, ...] = ("traits", "pictures")

Hard = Ways | Encoder

SIDE_PX = 16  # of the fixed look at a picture

# Gives for some tokens of a collection how near each token is to them, of shape (Q, N).
Nearness = Callable[[Rows], Array]

# What differs by less is equal: sums in another order have other last bits, and the order of equal
# tokens must not hang on them.
_DIGITS = 6


def nearness_of(gallery: Gallery, collection: str, tokens: Sequence[Token], hard: Hard) -> Nearness:
    """Return the nearness of the tokens of a collection; higher is nearer.

    By "traits", it is the overlap of the phrases, each weighted by its bits (`Phrases.overlaps`).
    By "pictures", it is the cosine of `small_pictures` after the collection's mean was taken away,
    so what all pictures share counts nothing. By an encoder, it is the cosine of its vectors.
    """
    if hard == "traits":
        return _rounded(Phrases.of(tokens).overlaps)
    if isinstance(hard, str):
        seen_ND = _seen(gallery, collection, small_pictures)
        return _by_cosine(unit_rows(seen_ND - seen_ND.mean(axis=0)))
    return _by_cosine(_seen(gallery, collection, hard.encode_images))


def name_of(hard: Hard) -> str:
    """Return what tokens are near by, as a table says it."""
    return hard if isinstance(hard, str) else hard.name


def check_hard(hard: Hard, found: Sequence[Embedded]) -> None:
    """Raise ConfigError for an unknown way to be near, and for an encoder that is compared itself.

    The nearest pictures of a model are the hardest for that model alone.
    """
    if isinstance(hard, str):
        check_choice("hard", hard, WAYS)
        return
    check_encoder(hard)
    if hard.fingerprint in {each.model_fingerprint for each in found}:
        raise ConfigError(
            f"hard must be {', '.join(WAYS)} or an encoder that is not itself compared; got "
            f"{hard.name!r}"
        )


def small_pictures(images: Sequence[Image.Image]) -> Vectors:
    """Return pictures on white, `SIDE_PX` wide and high, as RGB values in [0, 1]: (n, P).

    It is fixed and was never trained: pictures are near with like colours in the same places. (The
    baseline of raw pixels looks at more of them and is fitted to words: these are not its own.)
    """
    return np.stack([_small(image) for image in images])


def _small(image: Image.Image) -> NDArray[np.float32]:
    return np.asarray(small_pixels(on_white(image), side=SIDE_PX), np.float32) / np.float32(255)


def _seen(
    gallery: Gallery, collection: str, look: Callable[[Sequence[Image.Image]], Vectors]
) -> Vectors:
    """Return what `look` sees in each token's picture, in equal ones once: (N, D)."""
    rows = gallery.rows(collection)
    _, first, number_N = np.unique(gallery.picture_of[rows], return_index=True, return_inverse=True)
    distinct = (first + rows.start).tolist()
    batches = [distinct[start : start + BATCH] for start in range(0, len(distinct), BATCH)]
    seen = np.concatenate([look(gallery.pictures(batch)) for batch in batches])
    return np.asarray(seen[number_N], np.float32)


def _by_cosine(images_ND: Vectors) -> Nearness:
    return _rounded(lambda rows_Q: np.asarray(images_ND[rows_Q] @ images_ND.T, np.float64))


def _rounded(nearness: Nearness) -> Nearness:
    return lambda rows_Q: nearness(rows_Q).round(_DIGITS)
