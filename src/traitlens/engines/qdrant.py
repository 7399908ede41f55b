"""What Qdrant's embedded form and its server have in common.

Each point has a dense vector, its caption's words as a sparse one, its entry, and its traits as
keywords.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
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
    plan_of,
    to_keyword,
)
from traitlens.engines.plan import By, window
from traitlens.engines.protocol import (
    Entry,
    Point,
    Question,
    Scored,
    Vector,
    by_rank,
    check_vector,
    entry_to_json,
    fields_from_json,
    filterable,
    point_id,
)
from traitlens.engines.where import COLLECTION, Where
from traitlens.engines.words import Sparse, document_words, query_words

OVERSAMPLING = 4.0  # candidates scored again, per answer
BREADTH = 128  # HNSW's ef: recall@10 .997 on 200,000 near-duplicates
PAGE = 1_000  # points of one request


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A point as both keep it."""

    name: str  # `point_id`
    vector: list[float]
    words: Sparse
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
        size = window(skip + k)
        queries = self._queries(question)
        if question.is_plain:
            found = self._nearest(queries["looks"], where=self._filter(where), size=size)
        else:
            plan = plan_of(question, where, size=size, queries=queries, dialect=self._dialect)
            found = self._run(plan, size=size)
        ranked = by_rank(found)[skip : skip + k]
        kept = {k.name: k for k in self._retrieve([name for name, _ in ranked], vectors=False)}
        return [
            Scored(**fields_from_json(kept[name].payload["entry"]), score=score)
            for name, score in ranked
        ]

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
        keywords = sorted({to_keyword(trait) for trait in filterable(point.traits)})
        return Row(
            name=point_id(point.token_uid),
            vector=vector.tolist(),
            words=document_words(point.caption),
            payload={"entry": entry_to_json(point), TRAITS: keywords},
        )

    def _queries(self, question: Question) -> dict[By, Any]:
        """Return what is asked for each of the ways to look for candidates."""
        looks = words = None
        if question.vector is not None:
            vector = check_vector(question.vector, dimension=self._dimension, of="the query")
            looks = self._looks(vector.tolist())
        if question.text:
            words = self._words(query_words(question.text))
        return {"looks": looks, "words": words, "id": None}

    def _filter(self, where: Where | None) -> Any:
        return None if where is None else filter_of(where, self._dialect)

    # What the libraries do

    @abstractmethod
    def _looks(self, vector: list[float]) -> Any:
        """Return the query for the nearest dense vectors."""

    @abstractmethod
    def _words(self, words: Sparse) -> Any:
        """Return the query for the nearest sparse vectors."""

    @abstractmethod
    def _nearest(self, query: Any, *, where: Any, size: int) -> list[tuple[str, float]]:
        """Return the (id, cosine) of the best points."""

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


def _point(found: Kept) -> Point:
    vector = np.asarray(found.vector, np.float32)
    # fp16 has moved its length a little off 1.
    unit = vector / np.linalg.norm(vector)
    return Point(**fields_from_json(found.payload["entry"]), vector=unit)
