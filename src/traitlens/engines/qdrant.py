"""What Qdrant's embedded form and its server have in common.

Each point has a dense vector, its caption's words as a sparse one, its entry, and its traits as
keywords.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from traitlens.engines.dialect import (
    KEYS,
    TRAITS,
    VECTOR,
    Dialect,
    Plan,
    filter_of,
    from_keyword,
    having,
    scoring,
    to_keyword,
)
from traitlens.engines.plan import (
    Bounds,
    By,
    Found,
    comparisons,
    rank_to_beat,
    sets_of_wishes,
    window,
)
from traitlens.engines.protocol import (
    Entry,
    Point,
    Question,
    Scored,
    Vector,
    Wish,
    by_rank,
    check_vector,
    entry_to_json,
    fields_from_json,
    filterable,
    point_id,
)
from traitlens.engines.where import COLLECTION, Equals, Where
from traitlens.engines.words import Sparse, document_words, number_of, query_words

# Candidates scored again, per answer: recall@10 of words .993 among 40,000 tokens, with 4 .987.
OVERSAMPLING = 8.0
BREADTH = 128  # HNSW's ef: recall@10 .997 on 200,000 near-duplicates
PAGE = 1_000  # points of one request


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A point as both keep it."""

    name: str  # `point_id`
    vector: list[float]
    words: Sparse
    keywords: Sparse
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What comes back of a point, as far as it was asked for."""

    name: str
    payload: dict[str, Any]
    vector: Vector | None = None


def kept(record: Any) -> Kept:
    """Return a record of either library, with its vector if it was asked for."""
    vector = record.vector[VECTOR] if record.vector else None
    return Kept(
        name=str(record.id),
        payload=record.payload,
        vector=None if vector is None else np.asarray(vector, np.float32),
    )


class QdrantEngine(ABC):
    """The half of a `VectorEngine` that is the same for both."""

    _dimension: int
    _dialect: Dialect

    def search(
        self, question: Question, *, k: int, where: Where | None = None, skip: int = 0
    ) -> list[Scored]:
        """Return the best `k`; approximate above some thousand points."""
        assert k > 0
        ranked = by_rank(self._best(question, where, count=skip + k))[skip : skip + k]
        kept = {k.name: k for k in self._retrieve([name for name, _ in ranked], vectors=False)}
        return [
            Scored(**fields_from_json(kept[name].payload["entry"]), score=score)
            for name, score in ranked
        ]

    def _best(self, question: Question, where: Where | None, *, count: int) -> Found:
        """Return the (id, score) of the first `count` answers and of others, in any order."""
        size, queries, allowed = window(count), self._queries(question), self._filter(where)
        found: dict[By, Found] = {
            by: self._nearest(query, by=by, where=allowed, size=size)
            for by, query in queries.items()
            if query is not None
        }
        if question.is_plain:
            return found["looks"]
        scores = self._scores(question, {name for f in found.values() for name, _ in f}, queries)
        rank, bounds = rank_to_beat(count), Bounds.of(question, found, size=size)
        least = sorted(scores.values())[-rank] if len(scores) >= rank else -math.inf
        sets = sets_of_wishes(question, bounds, least=least)
        if sets:
            steps = having(question, sets, where, size=size, queries=queries, dialect=self._dialect)
            more = self._any(steps, size=size * len(steps))
            scores |= self._scores(question, set(more) - scores.keys(), queries)
        return list(scores.items())

    def _scores(
        self, question: Question, names: Set[str], queries: Mapping[By, Any]
    ) -> dict[str, float]:
        if not names:
            return {}
        plan = scoring(question, sorted(names), queries=queries, dialect=self._dialect)
        return dict(self._run(plan, size=len(names)))

    def get(self, token_uid: str) -> Point | None:
        """Return one point."""
        found = self.points([token_uid])
        return found[0] if found else None

    def points(self, token_uids: Sequence[str]) -> list[Point]:
        """Return the points of some tokens, in any order; those that are not there are left out."""
        return [_point(k) for k in self._retrieve(list(map(point_id, token_uids)), vectors=True)]

    def find(self, where: Where, *, limit: int) -> list[Entry]:
        """Return up to `limit` entries that satisfy the filter, by `token_uid`."""
        found = self._scroll(["entry"], where=self._filter(where))
        entries = [Entry(**fields_from_json(kept.payload["entry"])) for kept in found]
        return sorted(entries, key=lambda entry: entry.token_uid)[:limit]

    def count(self, where: Where | None = None) -> int:
        """Return the number of tokens that satisfy the filter."""
        return self._count(self._filter(where))

    def vocabulary(self, where: Where | None = None) -> dict[str, dict[str, int]]:
        """Return {name: {value: tokens}} for `collection` and every trait type."""
        allowed = self._filter(where)
        vocabulary = {COLLECTION: self._facet(KEYS[COLLECTION], where=allowed)}
        for keyword, tokens in self._facet(TRAITS, where=allowed).items():
            name, value = from_keyword(keyword)
            vocabulary.setdefault(name, {})[value] = tokens
        return {name: values for name, values in vocabulary.items() if values}

    def token_uids(self) -> set[str]:
        """Return the tokens that are on disk."""
        found = self._scroll(["entry.token_uid"], where=None)
        return {kept.payload["entry"]["token_uid"] for kept in found}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Let go of files and connections."""

    def _rows(self, points: Sequence[Point]) -> list[Row]:
        return [self._row(point) for point in points]

    def _row(self, point: Point) -> Row:
        of = f"the vector of {point.token_uid}"
        vector = check_vector(point.vector, dimension=self._dimension, of=of)
        named = {Equals(t.trait_type, t.value) for t in filterable(point.traits)}
        keywords = sorted(to_keyword(one.name, one.value) for one in named)
        return Row(
            name=point_id(point.token_uid),
            vector=vector.tolist(),
            words=document_words(point.caption),
            keywords={_number(one): 1.0 for one in (Equals(COLLECTION, point.collection), *named)},
            payload={"entry": entry_to_json(point), TRAITS: keywords},
        )

    def _queries(self, question: Question) -> dict[By, Any]:
        """Return what is asked for each of the ways to look for candidates."""
        looks = words = wishes = None
        if question.vector is not None:
            vector = check_vector(question.vector, dimension=self._dimension, of="the query")
            looks = self._dense(vector.tolist())
        if question.text:
            words = self._sparse(query_words(question.text), by="words")
        if numbers := _keywords(question.wishes):
            wishes = self._sparse(numbers, by="wishes")
        return {"looks": looks, "words": words, "wishes": wishes, "id": None}

    def _filter(self, where: Where | None) -> Any:
        return None if where is None else filter_of(where, self._dialect)

    # What the libraries do

    @abstractmethod
    def _dense(self, vector: list[float]) -> Any:
        """Return the query for the nearest dense vectors."""

    @abstractmethod
    def _sparse(self, numbers: Sparse, *, by: By) -> Any:
        """Return the query for the nearest sparse vectors, those of words or of wishes."""

    @abstractmethod
    def _nearest(self, query: Any, *, by: By, where: Any, size: int) -> list[tuple[str, float]]:
        """Return the (id, score) of the best points by a query, the best first."""

    @abstractmethod
    def _any(self, steps: Sequence[Any], *, size: int) -> list[str]:
        """Return the ids of the points that any of some steps finds, each once."""

    @abstractmethod
    def _run(self, plan: Plan, *, size: int) -> list[tuple[str, float]]:
        """Return the (id, score) of the best points of a plan."""

    @abstractmethod
    def _retrieve(self, names: list[str], *, vectors: bool) -> list[Kept]:
        """Return the points of these ids, in any order; those that are not there are left out."""

    @abstractmethod
    def _scroll(self, keys: list[str], *, where: Any) -> Iterator[Kept]:
        """Yield all points that satisfy a filter, with these parts of the payload."""

    @abstractmethod
    def _count(self, where: Any) -> int:
        """Return how many points satisfy a filter."""

    @abstractmethod
    def _facet(self, key: str, *, where: Any) -> dict[str, int]:
        """Return how many of the points that satisfy a filter have each value of a field."""


def _keywords(wishes: Sequence[Wish]) -> Sparse:
    """Return the sparse vector whose product with a point's keywords is what its wishes weigh.

    Of a point with several values of one wish it is more.
    """
    weights: dict[int, float] = {}
    for wish in wishes:
        for number in {_number(comparison) for comparison in comparisons(wish)}:
            weights[number] = weights.get(number, 0.0) + wish.weight
    return weights


def _number(comparison: Equals) -> int:
    return number_of(to_keyword(comparison.name, comparison.value))


def _point(found: Kept) -> Point:
    vector = np.asarray(found.vector, np.float32)
    # fp16 has moved its length a little off 1.
    unit = vector / np.linalg.norm(vector)
    return Point(**fields_from_json(found.payload["entry"]), vector=unit)
