"""What the service answers, as JSON."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, Field

from traitlens.records import Trait
from traitlens.retrieval import Answer, Hit
from traitlens.retrieval.understanding import Term


class TraitOut(BaseModel):
    """A trait of a token; `matched` where the query's words name it."""

    type: str
    value: str
    matched: bool = False


class RarityOut(BaseModel):
    """A token's rank within its collection, 1 the rarest."""

    rank: int
    tokens: int


class TokenOut(BaseModel):
    """A token, with where its pictures are."""

    token_uid: str
    collection: str
    token_id: str
    caption: str
    traits: list[TraitOut]
    rarity: RarityOut | None
    copies: int = Field(description="tokens of the index with the same picture, this one counted")
    thumbnail: str
    picture: str


class HitOut(TokenOut):
    """A token as an answer."""

    rank: int
    score: float
    missing: list[str] = Field(description="terms of the query that name none of its traits")


class TermOut(BaseModel):
    """Words of the query, and what they were taken to mean."""

    said: str
    meant: str
    wanted: bool
    tokens: int = Field(description="about how many tokens of the index have it")
    means: list[str] = Field(description="some of the traits that will do, as filters")


class TimingsOut(BaseModel):
    """What the parts of a search took, in milliseconds."""

    encode_ms: float
    search_ms: float
    fetch_ms: float


class AnswerOut(BaseModel):
    """The hits of a page, best first."""

    query: str
    where: str | None
    mode: str
    terms: list[TermOut]
    unknown: list[str] = Field(description="words that nothing in the index is called")
    matching: int = Field(description="tokens that satisfy the filter")
    fits: bool = Field(description="false: no token has enough of what the words ask for")
    note: str | None
    timings: TimingsOut
    hits: list[HitOut]


class FacetsOut(BaseModel):
    """How many of the tokens that satisfy the filter have each value: {type: {value: tokens}}."""

    matching: int
    facets: dict[str, dict[str, int]]


class HealthOut(BaseModel):
    """What is served."""

    status: str
    tokens: int
    encoder: str
    engine: str


class ErrorOut(BaseModel):
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
            encode_ms=answer.timings.encode_ms,
            search_ms=answer.timings.search_ms,
            fetch_ms=answer.timings.fetch_ms,
        ),
        hits=[_hit_out(hit) for hit in answer.hits],
    )


def token_out(hit: Hit) -> TokenOut:
    """Return a token as JSON has it."""
    return TokenOut(**_fields(hit))


def _hit_out(hit: Hit) -> HitOut:
    return HitOut(**_fields(hit), rank=hit.rank, score=hit.score, missing=list(hit.missing))


def _fields(hit: Hit) -> dict[str, Any]:
    """Return the fields of a token's model."""
    name = quote(hit.token_uid, safe="")
    rare = hit.rarity
    return {
        "token_uid": hit.token_uid,
        "collection": hit.collection,
        "token_id": hit.token_id,
        "caption": hit.caption,
        "traits": [_trait_out(trait, matched=trait in hit.matched) for trait in hit.traits],
        "rarity": None if rare is None else RarityOut(rank=rare.rank, tokens=rare.tokens),
        "copies": hit.copies,
        "thumbnail": f"/thumbnails/{name}",
        "picture": f"/pictures/{name}",
    }


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
