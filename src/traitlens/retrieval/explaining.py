"""Why a token answers some words: what it has of them, how close it looks, and where.

>>> with Index.open("idx") as index:
...     found = index.explain("nouns/12", "a whale with red glasses")
...     found.terms[1].met_by, found.closer_than, found.heat_GG
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from traitlens.engines import Point, VectorEngine
from traitlens.engines.protocol import Vector
from traitlens.engines.where import COLLECTION
from traitlens.models.encoder import Encoder, Vectors
from traitlens.records import Trait
from traitlens.retrieval.answers import Hit
from traitlens.retrieval.asking import Asked
from traitlens.retrieval.component_masks import Mask, StoredComponents
from traitlens.retrieval.heat import Grid, heat_of, look
from traitlens.retrieval.notes import notes_on
from traitlens.retrieval.token_table import TokenTable
from traitlens.retrieval.understanding import Term, Understood

_SAMPLE = 1_000  # tokens that one is compared with
_LEAST_SAMPLE = 20  # a share of fewer says nothing
_MOST_UNKNOWN = 12  # words that nothing is called; each is encoded
_OF_COLLECTION = 250  # tokens that one is compared with before its heat is shown
_LEAST_NEARER = 0.5  # of these; docs/results.md has what it does
_FLAT = "no part of the picture speaks for these words clearly, as the encoder sees it"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExplainedTerm:
    """Some words of the query, and what the token has of them.

    `met_by` are the token's traits that they mean; its collection is there as a trait, too.
    `heat_GG` is as in `Explanation`, and None for what the token has not.
    """

    meant: str
    wanted: bool = True
    is_known: bool = True  # that something in the index is called so
    met_by: tuple[Trait, ...] = ()
    heat_GG: Grid | None = None

    @property
    def is_met(self) -> bool:
        """Whether the token has what is wanted, or lacks what is not."""
        return bool(self.met_by) == self.wanted

    @property
    def hottest(self) -> tuple[float, float] | None:
        """The middle of the hottest cell, in shares of the picture from its left and its top."""
        if self.heat_GG is None:
            return None
        row, column = divmod(int(self.heat_GG.argmax()), len(self.heat_GG))
        return (column + 0.5) / len(self.heat_GG), (row + 0.5) / len(self.heat_GG)

    @property
    def may_be_seen(self) -> bool:
        """Whether a part of the picture may show it: a trait that is there, or unknown words."""
        if not self.is_known:
            return True
        return self.wanted and any(trait.trait_type != COLLECTION for trait in self.met_by)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explanation:
    """Why a token answers some words, or does not.

    `cosine` is that of the words, without what is not wanted, and the picture. `closer_than` is the
    share of a sample of the index's tokens that is less close, in [0, 1]; None in a small index.
    `heat_GG`, in [0, 1], rows top to bottom, is stretched over the picture; None where no part
    speaks for the words. `masks` are bool (H, W), stretched likewise: where one sees the
    components of the traits that the terms mean, as far as they are known.
    """

    words: str
    hit: Hit
    cosine: float
    closer_than: float | None
    terms: tuple[ExplainedTerm, ...]
    heat_GG: Grid | None
    masks: Mapping[Trait, Mask]
    note: str | None


class Explainer:
    """Explains the tokens of one index."""

    def __init__(
        self,
        engine: VectorEngine,
        table: TokenTable,
        *,
        encoder: Encoder,
        components: StoredComponents,
    ) -> None:
        self._engine = engine
        self._table = table
        self._encoder = encoder
        self._components = components

    def explain(
        self, asked: Asked, token: Point, hit: Hit, *, picture: Image.Image | None
    ) -> Explanation:
        """Return why a token, of which `hit` is the answer, fits what is asked, or does not.

        `picture` is the token's, as large as there is one.
        """
        words = asked.text
        assert words is not None, "what is explained has words"
        terms = _terms(asked.query.understood, hit)
        texts_TD = self._encoder.encode_texts([words, *(term.meant for term in terms)])
        cosine = float(texts_TD[0] @ token.vector)
        whole_GG, *heats = self._heats(texts_TD, token, picture)
        explained = tuple(
            dataclasses.replace(term, heat_GG=heat_GG if term.may_be_seen else None)
            for term, heat_GG in zip(terms, heats, strict=True)
        )
        if explained and all(term.heat_GG is None for term in explained):
            whole_GG = None  # what is unclear in each of its parts is not clear as a whole
        # As those on an answer, without one on the number of hits.
        notes = notes_on(asked.query, matching=asked.query.k, fits=True, hits=0)
        if whole_GG is None and all(term.heat_GG is None for term in explained):
            notes.append(_FLAT)
        return Explanation(
            words=asked.query.words or "",
            hit=dataclasses.replace(hit, score=cosine),
            cosine=cosine,
            closer_than=self._closer_than(cosine, texts_TD[0]),
            terms=explained,
            heat_GG=whole_GG,
            masks={} if picture is None else self._masks(token, picture, terms),
            note="; ".join(notes) or None,
        )

    @cached_property
    def _sample(self) -> Vectors:
        """The vectors of some tokens: (S, D)."""
        points = self._engine.points(self._table.sample(_SAMPLE))
        return np.stack([point.vector for point in points])

    def _closer_than(self, cosine: float, text_D: Vector) -> float | None:
        if len(self._sample) < _LEAST_SAMPLE:
            return None
        return float(np.mean(self._sample @ text_D < cosine))

    def _heats(
        self, texts_TD: Vectors, token: Point, picture: Image.Image | None
    ) -> list[Grid | None]:
        """Return where the picture speaks for each text; None where it does not, or it is noise.

        What is no nearer than half of the collection is not spoken for.
        """
        if picture is None:
            return [None] * len(texts_TD)
        looks = look(picture, self._encoder)
        names = self._table.sample(_OF_COLLECTION, collection=token.collection)
        others_SD = np.stack([token.vector, *(p.vector for p in self._engine.points(names))])
        nearer_T = np.mean(others_SD @ texts_TD.T < token.vector @ texts_TD.T, axis=0)
        return [
            heat_of(looks.falls(text_D)) if nearer >= _LEAST_NEARER else None
            for text_D, nearer in zip(texts_TD, nearer_T, strict=True)
        ]

    def _masks(
        self, token: Point, picture: Image.Image, terms: Sequence[ExplainedTerm]
    ) -> dict[Trait, Mask]:
        meant = {trait for term in terms for trait in term.met_by}
        if not meant:
            return {}
        seen = self._components.seen(token, picture)
        return {trait: mask for trait, mask in seen.items() if trait in meant and mask.any()}


def _terms(understood: Understood, hit: Hit) -> tuple[ExplainedTerm, ...]:
    """Return the terms of a query; the words that nothing in the index is called come last."""
    named = tuple(
        ExplainedTerm(meant=term.meant, wanted=term.wanted, met_by=_met_by(term, hit))
        for term in understood.terms
    )
    strange = understood.unknown[:_MOST_UNKNOWN]
    unknown = (ExplainedTerm(meant=word, is_known=False) for word in strange)
    return (*named, *unknown)


def _met_by(term: Term, hit: Hit) -> tuple[Trait, ...]:
    traits = (*hit.traits, Trait(COLLECTION, hit.collection))
    return tuple(dict.fromkeys(trait for trait in traits if term.means(trait)))
