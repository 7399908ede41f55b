"""What answers a search: the best tokens, equal ones once, and what there is to say of them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from traitlens.engines import Point, Question, Scored, VectorEngine, Where, matches
from traitlens.engines.protocol import fields_of, fields_of_entry
from traitlens.retrieval.answers import Answer, Hit, Query, Timings
from traitlens.retrieval.asking import Asked, Encoded
from traitlens.retrieval.notes import notes_on
from traitlens.retrieval.token_table import Rarity, TokenTable

# What the best token must have of what is asked for, in [0, 1], or nothing fits: chosen by
# `benchmarks/searching`, whose figures are in docs/results.md.
LEAST_MET = 0.15


class Answerer:
    """Finds what answers a search among the `size` tokens of one index.

    `is_described`: nearly all tokens have traits, so their words tell what fits and what does not.
    """

    def __init__(
        self, engine: VectorEngine, table: TokenTable, *, size: int, is_described: bool
    ) -> None:
        self._engine = engine
        self._table = table
        self._size = size
        self._is_described = is_described

    def answer(self, asked: Asked, encoded: Encoded, *, notes: Sequence[str] = ()) -> Answer:
        """Return the answer to a search; `notes` are said after its own."""
        query, allowed = asked.query, asked.query.allowed
        started = time.perf_counter()
        question = asked.question(encoded, size=self._size)
        found = [] if question is None else self._best(question, query, allowed)
        fits = self._fits(question, query, allowed, found)
        matching = self._matching(allowed, asked.liked)
        searched = time.perf_counter()
        hits = self.hits(found if fits else [], query)
        said = [*notes_on(query, matching=matching, fits=fits, hits=len(hits)), *notes]
        return Answer(
            query=query,
            hits=hits,
            matching=matching,
            fits=fits,
            note="; ".join(said) or None,
            timings=Timings(
                understand_ms=asked.understand_ms,
                encode_ms=0.0,
                search_ms=1e3 * (searched - started),
                fetch_ms=1e3 * (time.perf_counter() - searched),
            ),
        )

    def hits(self, found: list[Scored], query: Query) -> tuple[Hit, ...]:
        """Return what was found with its pictures, its rarity, and what it has of the query."""
        names = [hit.token_uid for hit in found]
        images = self._table.pictures(names)
        pixels, rarity = self._table.pixels(names), self._table.rarity(names)
        copies = self._table.copies(set(pixels.values()))
        return tuple(
            _hit(
                hit,
                query,
                rank=query.skip + place,
                image=image,
                rarity=rarity.get(hit.token_uid),
                copies=copies.get(pixels.get(hit.token_uid, ""), 1),
            )
            for place, (hit, image) in enumerate(zip(found, images, strict=True), start=1)
        )

    def _fits(
        self, question: Question | None, query: Query, where: Where | None, found: list[Scored]
    ) -> bool:
        """Return whether the best token has enough of what the words ask for; see `LEAST_MET`.

        Looks alone cannot tell (docs/results.md), so a picture always fits, and so does anything
        where tokens have no traits to go by.
        """
        understood = query.understood
        is_said = bool(understood.wanted or understood.unknown)
        if query.image or query.like or not (is_said and self._is_described):
            return True
        if question is None:
            return False
        best = self._engine.search(question, k=1, where=where) if query.skip else found[:1]
        return not best or understood.met(best[0], size=self._size) >= LEAST_MET

    def _best(self, question: Question, query: Query, where: Where | None) -> list[Scored]:
        """Return the hits of a page."""
        if query.like is None and not query.fold:
            return self._engine.search(question, k=query.k, skip=query.skip, where=where)
        wanted = query.skip + query.k
        count = wanted + 1
        while True:
            found = self._engine.search(question, k=count, where=where)
            left = self._distinct(found, query)
            if len(left) >= wanted or len(found) < count:
                return left[query.skip : wanted]
            count *= 2

    def _distinct(self, found: list[Scored], query: Query) -> list[Scored]:
        """Return the hits without the token that they should be like, and with `fold` once each."""
        liked = None if query.like is None else query.like.token_uid
        others = [hit for hit in found if hit.token_uid != liked]
        if not query.fold:
            return others
        pixels = self._table.pixels([hit.token_uid for hit in others])
        first: dict[str, Scored] = {}
        for hit in others:
            first.setdefault(pixels.get(hit.token_uid, hit.token_uid), hit)
        return list(first.values())

    def _matching(self, where: Where | None, liked: Point | None) -> int:
        count = self._size if where is None else self._engine.count(where)
        if liked is not None and (where is None or matches(where, fields_of(liked))):
            return count - 1  # it is no answer itself
        return count


def _hit(
    scored: Scored,
    query: Query,
    *,
    rank: int,
    image: bytes | None,
    rarity: Rarity | None,
    copies: int,
) -> Hit:
    terms = query.understood.wanted
    fields = fields_of(scored)
    return Hit(
        **fields_of_entry(scored),
        rank=rank,
        score=scored.score,
        matched=tuple(t for t in scored.traits if any(term.means(t) for term in terms)),
        missing=tuple(term.meant for term in terms if not matches(term.where, fields)),
        image=image,
        rarity=rarity,
        copies=copies,
    )
