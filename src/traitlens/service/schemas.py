"""What the service answers, as JSON.

Answers are dictionaries, which are made in a third of the time that models take; pydantic describes
them all the same, and checks them as they leave.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from pydantic import Field
from typing_extensions import TypedDict  # of typing, pydantic takes that of Python 3.12

from traitlens.records import Trait
from traitlens.retrieval import Answer, Hit
from traitlens.retrieval.understanding import Term


class TraitOut(TypedDict):
    """A trait of a token; `matched` where the query's words name it."""

    type: str
    value: str
    matched: bool


class RarityOut(TypedDict):
    """A token's rank within its collection, 1 the rarest."""

    rank: int
    tokens: int


class TokenOut(TypedDict):
    """A token, with where its pictures are."""

    token_uid: str
    collection: str
    token_id: str
    caption: str
    traits: list[TraitOut]
    rarity: RarityOut | None
    copies: Annotated[
        int, Field(description="tokens of the index with the same picture, this one counted")
    ]
    thumbnail: str
    picture: str


class HitOut(TokenOut):
    """A token as an answer."""

    rank: int
    score: float
    missing: Annotated[
        list[str], Field(description="terms of the query that name none of its traits")
    ]


class TermOut(TypedDict):
    """Words of the query, and what they were taken to mean."""

    said: str
    meant: str
    wanted: bool
    tokens: Annotated[int, Field(description="about how many tokens of the index have it")]
    means: Annotated[list[str], Field(description="some of the traits that will do, as filters")]


class TimingsOut(TypedDict):
    """What the parts of a search took, in milliseconds."""

    understand_ms: float
    encode_ms: float
    search_ms: float
    fetch_ms: float


class AnswerOut(TypedDict):
    """The hits of a page, best first."""

    query: str
    where: str | None
    mode: str
    terms: list[TermOut]
    unknown: Annotated[list[str], Field(description="words that nothing in the index is called")]
    matching: Annotated[int, Field(description="tokens that satisfy the filter")]
    fits: Annotated[bool, Field(description="false: no token has enough of what the words ask for")]
    note: str | None
    timings: TimingsOut
    hits: list[HitOut]


class FacetsOut(TypedDict):
    """How many of the tokens that satisfy the filter have each value: {type: {value: tokens}}."""

    matching: int
    facets: dict[str, dict[str, int]]


class HealthOut(TypedDict):
    """What is served."""

    status: str
    tokens: int
    encoder: str
    engine: str


class ErrorOut(TypedDict):
    """Why a request was refused, in one sentence."""

    detail: str


_SHOWN_MEANINGS = 12


def answer_out(answer: Answer) -> AnswerOut:
    """Return an answer as JSON has it."""
    query = answer.query
    return AnswerOut(
        query=query.title,
        where=None if query.where is None else str(query.where),
        mode=query.mode,
        terms=[_term_out(term) for term in query.understood.terms],
        unknown=list(query.understood.unknown),
        matching=answer.matching,
        fits=answer.fits,
        note=answer.note,
        timings=TimingsOut(
            understand_ms=answer.timings.understand_ms,
            encode_ms=answer.timings.encode_ms,
            search_ms=answer.timings.search_ms,
            fetch_ms=answer.timings.fetch_ms,
        ),
        hits=[_hit_out(hit) for hit in answer.hits],
    )


def token_out(hit: Hit) -> TokenOut:
    """Return a token as JSON has it."""
    name = quote(hit.token_uid, safe="")
    rare = hit.rarity
    return TokenOut(
        token_uid=hit.token_uid,
        collection=hit.collection,
        token_id=hit.token_id,
        caption=hit.caption,
        traits=[_trait_out(trait, matched=trait in hit.matched) for trait in hit.traits],
        rarity=None if rare is None else RarityOut(rank=rare.rank, tokens=rare.tokens),
        copies=hit.copies,
        thumbnail=f"/thumbnails/{name}",
        picture=f"/pictures/{name}",
    )


def _hit_out(hit: Hit) -> HitOut:
    missing = list(hit.missing)
    return HitOut(**token_out(hit), rank=hit.rank, score=hit.score, missing=missing)


def _trait_out(trait: Trait, *, matched: bool) -> TraitOut:
    return TraitOut(type=trait.trait_type, value=trait.value, matched=matched)


def _term_out(term: Term) -> TermOut:
    shown = term.found.comparisons[:_SHOWN_MEANINGS]
    return TermOut(
        said=term.said,
        meant=term.meant,
        wanted=term.wanted,
        tokens=term.found.tokens,
        means=[str(comparison) for comparison in shown],
    )
