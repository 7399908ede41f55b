"""What a search returns: the question as it was understood, and the hits.

Answers and hits show as pictures where a notebook asks them to (`notebook`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from traitlens.engines import And, Entry, Not, Where
from traitlens.records import Location, Trait
from traitlens.retrieval.token_table import Rarity
from traitlens.retrieval.understanding import Understood

Mode = Literal["hybrid", "dense", "traits"]
MODES: tuple[Mode, ...] = ("hybrid", "dense", "traits")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question as it was understood: spelled as the index spells, empty words gone."""

    words: str | None
    image: bool  # whether a picture was given
    like: Entry | None  # the token that the answers should be like
    where: Where | None
    mode: Mode = "hybrid"
    understood: Understood = field(default_factory=Understood)  # unless the mode is "dense"
    k: int
    skip: int = 0
    fold: bool = False  # equal pictures are one answer

    def __str__(self) -> str:
        return self.title if self.where is None else f"{self.title} where {self.where}"

    @property
    def allowed(self) -> Where | None:
        """The filter, and that what is not wanted is not there."""
        parts = [Not(term.where) for term in self.understood.unwanted]
        every = ([self.where] if self.where else []) + parts
        return None if not every else every[0] if len(every) == 1 else And(tuple(every))

    @property
    def title(self) -> str:
        """What is looked for, without the filter."""
        picture = "this picture" if self.image else ""
        if self.like is not None:
            picture = f"{self.like.collection} #{self.like.token_id}"
        if self.words and picture:
            return f"{self.words} + {picture}"
        return self.words or f"like {picture}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One answer; `image` is a picture of at most 256 px, PNG or WebP.

    `score` is a cosine in dense mode. Otherwise what the hit has counts, too (`engines.Question`).
    `copies` tokens of the index have this picture, this one counted.
    """

    rank: int
    score: float
    token_uid: str
    collection: str
    token_id: str
    traits: tuple[Trait, ...]
    matched: tuple[Trait, ...]  # the traits that the query's words name
    missing: tuple[str, ...] = ()  # the query's terms that name none of its traits
    caption: str
    location: Location
    image: bytes | None
    rarity: Rarity | None = None
    copies: int = 1

    def _repr_html_(self) -> str:
        from traitlens.retrieval.notebook import hit_html

        return hit_html(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """What the parts of a search took; `understand_ms` is for words, filter and liked token."""

    understand_ms: float
    encode_ms: float
    search_ms: float
    fetch_ms: float

    @property
    def total_ms(self) -> float:
        """All of them."""
        return self.understand_ms + self.encode_ms + self.search_ms + self.fetch_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The hits, best first; `matching` tokens satisfy the filter; `note` says what is missing.

    Where nothing has enough of what the words ask for, the answer has no hits and not `fits`.
    """

    query: Query
    hits: tuple[Hit, ...]
    matching: int
    note: str | None
    timings: Timings
    fits: bool = True

    def with_encode_ms(self, encode_ms: float) -> Answer:
        """Return the answer of one who was encoded elsewhere, in that time."""
        return replace(self, timings=replace(self.timings, encode_ms=encode_ms))

    def _repr_html_(self) -> str:
        from traitlens.retrieval.notebook import answer_html

        return answer_html(self)
