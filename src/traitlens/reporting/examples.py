"""Queries to look at: some that were answered best and worst, with what was found."""

# Axes: n tokens of a collection

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from traitlens import metrics
from traitlens.embedding import Embedded, Gallery
from traitlens.evaluation import Evaluation, FreeTextEvaluation, RankedQuery
from traitlens.records import Token
from traitlens.reporting.first_hits import drawn_rows, score_blocks

# Free text may fit other tokens as well, so those are not wrong but "another".
Mark = Literal["right", "same caption", "wrong", "another"]
Standing = Literal["worst", "middle", "best"]

HITS = 5  # first ones of a query
QUERIES = 1000  # of a collection, among which the best and the worst are looked for

_COLLECTIONS = 6  # two of the worst, two in the middle, two of the best
_BEST, _WORST = 2, 2  # queries of each
_FREE_TEXT = 6  # of the best, and of the worst
_FREE_TEXT_EACH = 2  # of one collection


@dataclass(frozen=True, slots=True)
class Hit:
    """A row of the gallery that was found, and whether it was meant."""

    row: int
    token_id: str
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A query, the expected rank from 1 of the meant token among `n`, and the first hits."""

    collection: str
    row: int
    token_id: str
    query: str
    rank: float
    n: int
    hits: tuple[Hit, ...]
    unseen: tuple[str, ...] = ()  # words that no train caption has


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionExamples:
    """Queries of a collection, and where the collection stands among the others."""

    collection: str
    standing: Standing
    top1: float
    best: tuple[Example, ...]
    worst: tuple[Example, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeTextExamples:
    """Queries as people type them, the best ranked and the worst ranked."""

    best: tuple[Example, ...]
    worst: tuple[Example, ...]


def collection_examples(
    embedded: Embedded, evaluation: Evaluation, *, seed: int = 0
) -> tuple[CollectionExamples, ...]:
    """Return captions that found their tokens best and worst, in a handful of collections.

    The collections are the worst, those in the middle and the best by top-1, text to image; the
    queries are the best and worst ranked of up to `QUERIES` drawn ones, those of one rank by how
    clearly they were right or wrong.
    """
    top1 = {name: row.recall[1] for name, row in evaluation.collection_rows().items()}
    return tuple(
        _examples(embedded, name, standing, top1=top1[name], key=f"{seed}:{name}")
        for name, standing in chosen_collections(top1).items()
    )


def free_text_examples(embedded: Embedded, found: FreeTextEvaluation) -> FreeTextExamples:
    """Return the queries with the best and the worst ranks, as shares of their galleries.

    No collection gives more than `_FREE_TEXT_EACH` of either.
    """
    ranked = sorted(found.ranked, key=lambda one: (one.rank / one.n, one.rank))
    best = _some(ranked)
    shown = set(map(id, best))
    worst = _some([one for one in reversed(ranked) if id(one) not in shown])
    named = {one.collection for one in (*best, *worst)}
    ids = {name: _row_of_id(embedded.gallery, name) for name in named}
    return FreeTextExamples(
        best=tuple(_of_free_text(one, ids[one.collection]) for one in best),
        worst=tuple(_of_free_text(one, ids[one.collection]) for one in worst),
    )


def chosen_collections(top1: dict[str, float]) -> dict[str, Standing]:
    """Return a handful of collections in rising order of their scores."""
    names = sorted(top1, key=lambda name: (top1[name], name))
    if len(names) <= _COLLECTIONS:
        places = list(range(len(names)))
    else:
        middle = len(names) // 2
        places = [0, 1, middle - 1, middle, len(names) - 2, len(names) - 1]
    third = -(-len(places) // 3)
    return {
        names[place]: "worst" if at < third else "best" if at >= len(places) - third else "middle"
        for at, place in enumerate(places)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered:
    """A row of a collection whose caption asked: all rows are counted within the collection."""

    row: int
    rank: float
    lead: float  # of the meant token's score over that of the best other one
    first: tuple[int, ...]

    @property
    def order(self) -> tuple[float, float, int]:
        """Best first: by rank, and by how clearly that was so."""
        return self.rank, -self.lead, self.row


def _examples(
    embedded: Embedded, name: str, standing: Standing, *, top1: float, key: str
) -> CollectionExamples:
    gallery = embedded.gallery
    tokens = gallery.tokens(name)
    asked = drawn_rows(len(tokens), QUERIES, key=key)
    ordered = sorted(_answers(embedded, name, asked), key=lambda each: each.order)
    best, others = ordered[:_BEST], ordered[_BEST:]
    worst = others[-_WORST:][::-1]
    return CollectionExamples(
        collection=name,
        standing=standing,
        top1=top1,
        best=tuple(_example(each, gallery, tokens) for each in best),
        worst=tuple(_example(each, gallery, tokens) for each in worst),
    )


def _answers(embedded: Embedded, name: str, asked: Sequence[int]) -> Iterator[_Answered]:
    for rows, scores_Qn in score_blocks(embedded, name, asked):
        right_Qn = rows[:, None] == np.arange(scores_Qn.shape[1])
        ranks_Q = metrics.count(scores_Qn, right_Qn).ranks
        leads_Q = scores_Qn[right_Qn] - np.where(right_Qn, -np.inf, scores_Qn).max(axis=1)
        first = np.argsort(-scores_Qn, axis=1, kind="stable")[:, :HITS]
        for at, row in enumerate(rows.tolist()):
            yield _Answered(
                row=row,
                rank=float(ranks_Q[at]),
                lead=float(leads_Q[at]),
                first=tuple(first[at].tolist()),
            )


def _example(found: _Answered, gallery: Gallery, tokens: Sequence[Token]) -> Example:
    meant = tokens[found.row]
    start = gallery.rows(meant.collection).start
    return Example(
        collection=meant.collection,
        row=start + found.row,
        token_id=meant.token_id,
        query=meant.caption,
        rank=found.rank,
        n=len(tokens),
        hits=tuple(
            Hit(start + hit, tokens[hit].token_id, _mark(tokens[hit], meant)) for hit in found.first
        ),
    )


def _mark(hit: Token, meant: Token) -> Mark:
    if hit.token_uid == meant.token_uid:
        return "right"
    return "same caption" if hit.caption == meant.caption else "wrong"


def _some(ranked: Iterable[RankedQuery]) -> list[RankedQuery]:
    """Return the first few, of many collections."""
    chosen: list[RankedQuery] = []
    given: Counter[str] = Counter()
    for one in ranked:
        if given[one.collection] < _FREE_TEXT_EACH and len(chosen) < _FREE_TEXT:
            given[one.collection] += 1
            chosen.append(one)
    return chosen


def _row_of_id(gallery: Gallery, collection: str) -> dict[str, int]:
    tokens = gallery.tokens(collection)
    return {t.token_id: row for row, t in enumerate(tokens, gallery.rows(collection).start)}


def _of_free_text(found: RankedQuery, row_of_id: dict[str, int]) -> Example:
    return Example(
        collection=found.collection,
        row=row_of_id[found.token_id],
        token_id=found.token_id,
        query=found.query,
        rank=found.rank,
        n=found.n,
        hits=tuple(
            Hit(row_of_id[name], name, "right" if name == found.token_id else "another")
            for name in found.first[:HITS]
        ),
        unseen=found.unseen,
    )
