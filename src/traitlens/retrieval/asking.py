"""A search between its understanding and its answer: what is to be encoded, what is then asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from traitlens.engines import Point, Question
from traitlens.engines.protocol import Vector
from traitlens.errors import QueryError
from traitlens.retrieval.answers import MODES, Mode, Query

MAX_K = 10_000
MAX_CHARACTERS = 2_000  # of words; encoders read some 77 tokens

# What a token gains by a thing that is asked for, beside a cosine in [-1, 1], if it has them all;
# and by its caption.
_TRAITS_WEIGHT, _CAPTION_WEIGHT = 1.0, 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoded:
    """The vectors of a search's text and picture, float32 of length 1; None where it has none."""

    text: Vector | None = None
    image: Vector | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """A search as it is understood.

    `image` and `liked` are never both there; `weight` is the share of the words beside one;
    `understand_ms` is what it took to understand it.
    """

    query: Query
    image: Image.Image | None
    liked: Point | None
    weight: float
    understand_ms: float

    @property
    def text(self) -> str | None:
        """The words that the encoder is to read, None for none: without what is not wanted."""
        if self.query.mode == "traits" and not self._has_picture:
            return None
        understood = self.query.understood
        positive = understood.positive if understood.unwanted else None
        return positive or self.query.words

    def question(self, encoded: Encoded, *, size: int) -> Question | None:
        """Return what an engine with `size` tokens is asked; None where no word means anything."""
        share = min(1.0, 2 * self.weight) if self._has_picture else 1.0
        understood = self.query.understood
        wishes = understood.wishes(size=size, weight=share * _TRAITS_WEIGHT)
        text = understood.positive if share and self.query.mode != "dense" else ""
        if self.query.mode == "traits" and not self._has_picture:
            if not (wishes or text):
                return None
            return Question(text=text, words=_CAPTION_WEIGHT, wishes=wishes)
        vector = self._vector(encoded)
        return Question(vector=vector, text=text, words=share * _CAPTION_WEIGHT, wishes=wishes)

    @property
    def _has_picture(self) -> bool:
        return self.image is not None or self.liked is not None

    def _vector(self, encoded: Encoded) -> Vector:
        picture = encoded.image if self.liked is None else self.liked.vector
        if encoded.text is None or picture is None:
            only = picture if encoded.text is None else encoded.text
            assert only is not None, "a search has words or a picture"
            return only
        total = self.weight * encoded.text + (1 - self.weight) * picture
        length = float(np.linalg.norm(total))
        if length < 1e-6:
            raise QueryError("the words and the picture are opposites: together they mean nothing")
        return np.asarray(total / length, np.float32)


def check_words(words: str | None, *, mode: Mode) -> None:
    """Raise QueryError for words that are not read, or a mode that there is none of."""
    if mode not in MODES:
        raise QueryError(f"mode must be one of {', '.join(MODES)}; got {mode!r}")
    if len(words or "") > MAX_CHARACTERS:
        raise QueryError(f"a search has at most {MAX_CHARACTERS} characters of words")


def check_query(query: Query, *, weight: float) -> None:
    """Raise QueryError for a search of nothing, or with numbers out of their ranges."""
    if not (query.words or query.image or query.like):
        raise QueryError("a search needs words, a picture, or a token that answers should be like")
    if query.image and query.like:
        raise QueryError("give a picture or a token that answers should be like, not both")
    if not 1 <= query.k <= MAX_K:
        raise QueryError(f"k must be in [1, {MAX_K}]; got {query.k!r}")
    if not 0 <= query.skip <= MAX_K:
        raise QueryError(f"skip must be in [0, {MAX_K}]; got {query.skip!r}")
    if not 0 <= weight <= 1:
        raise QueryError(f"weight must be in [0, 1]; got {weight!r}")


def rgb(image: Image.Image) -> Image.Image:
    """Return a picture as encoders take it, RGB or RGBA; raise QueryError for an empty one."""
    if 0 in image.size:
        raise QueryError("the picture is empty")
    if image.mode in ("RGB", "RGBA"):
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")
