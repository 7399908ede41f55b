"""What an engine keeps about a token, and what every engine can do."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from traitlens.engines.where import COLLECTION, FIELDS, TOKEN_ID, Where
from traitlens.errors import IndexingError
from traitlens.records import Location, Token, Trait

Vector = NDArray[np.float32]

# Scores that differ by less are ties: fp32 sums depend on the order of the additions.
SCORE_DIGITS = 6

_LENGTH_TOLERANCE = 1e-3  # fp16 keeps a unit vector's length to about 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A token as the index knows it; the picture stays in the data set, at `location`."""

    token_uid: str
    collection: str
    token_id: str
    traits: tuple[Trait, ...]
    caption: str
    location: Location


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Point(Entry):
    """An entry and its vector, float32 of shape (dimension,) and of length 1."""

    vector: Vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Something that an answer should have, as a filter; what has it gains `weight`."""

    where: Where
    weight: float

    def __post_init__(self) -> None:
        assert self.weight > 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """What answers are ranked by: how they look, what is said of them, and what they have.

    The score is `looks` x the cosine with `vector` + `words` x s / (s + `HALF_BM25`) + the weight
    of each wish that holds, where s is the BM25 of `text` and the entry's caption (`words`, the
    module). A question with nothing but a vector, and `looks` 1, scores by cosine alone. Without a
    vector, what has neither a word nor a wish is no answer.
    """

    vector: Vector | None = None
    looks: float = 1.0
    text: str = ""
    words: float = 0.0
    wishes: tuple[Wish, ...] = ()

    def __post_init__(self) -> None:
        assert self.vector is not None or self.text or self.wishes

    @property
    def is_plain(self) -> bool:
        """Whether the score is the cosine."""
        return self.vector is not None and self.looks == 1 and not (self.text or self.wishes)


HALF_BM25 = 8.0  # the BM25 that is worth half of `Question.words`


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored(Entry):
    """An entry and its score, see `Question`."""

    score: float


class VectorEngine(Protocol):
    """Keeps points on disk and finds the nearest ones.

    One process may write, or many may read. Filters are taken as spelled (see `where.resolve`).
    """

    def upsert(self, points: Sequence[Point]) -> None:
        """Add points, or replace those of the same `token_uid`; on return they are on disk.

        A wrong dimension, NaN, infinity or a length other than 1 raises IndexingError, and then
        none of the points has gone in.
        """
        ...

    def delete(self, token_uids: Iterable[str]) -> int:
        """Remove points for good and return how many there were.

        On return no file has anything of them. After a kill in between, the same call again does
        the rest, though it may count fewer points.
        """
        ...

    def optimize(self) -> None:
        """Make searches fast; called once, after the last `upsert`."""
        ...

    def has_doubles(self) -> bool:
        """Return whether a kill has left tokens twice, by which words weigh otherwise."""
        ...

    def search(
        self, question: Question, *, k: int, where: Where | None = None, skip: int = 0
    ) -> list[Scored]:
        """Return the `k` entries of the highest score, best first, ties by `point_id`.

        `skip` leaves out the first ones, for another page of the same answers.
        """
        ...

    def get(self, token_uid: str) -> Point | None:
        """Return one point."""
        ...

    def points(self, token_uids: Sequence[str]) -> list[Point]:
        """Return the points of some tokens, in any order; those that are not there are left out."""
        ...

    def find(self, where: Where, *, limit: int) -> list[Entry]:
        """Return up to `limit` entries that satisfy the filter, by `token_uid`."""
        ...

    def count(self, where: Where | None = None) -> int:
        """Return the number of tokens that satisfy the filter."""
        ...

    def vocabulary(self, where: Where | None = None) -> dict[str, dict[str, int]]:
        """Return {name: {value: tokens}} for `collection` and every trait type.

        Counted are the tokens that satisfy the filter.
        """
        ...

    def token_uids(self) -> set[str]:
        """Return the tokens that are on disk."""
        ...

    def close(self) -> None:
        """Let go of files and locks; the engine cannot be used after."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def entry_of(token: Token) -> Entry:
    """Return what an index knows of a token that was read from a data set."""
    assert token.location is not None, "a token that was read has a location"
    return Entry(
        token_uid=token.token_uid,
        collection=token.collection,
        token_id=token.token_id,
        traits=token.traits,
        caption=token.caption,
        location=token.location,
    )


def point_id(token_uid: str) -> str:
    """Return the name of a token's point: a UUID, which every engine takes."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, token_uid))


def by_rank(scores: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return (point id, score) pairs, the best first, ties by id."""
    return sorted(scores, key=lambda pair: (-round(pair[1], SCORE_DIGITS), pair[0]))


def check_vector(vector: Vector, *, dimension: int, of: str) -> Vector:
    """Return the vector as float32, or raise IndexingError naming `of` and what is wrong."""
    vector = np.asarray(vector, dtype=np.float32)
    if vector.shape != (dimension,):
        raise IndexingError(f"{of} has shape {vector.shape}; the index takes ({dimension},)")
    if not np.isfinite(vector).all():
        raise IndexingError(f"{of} has NaN or infinite numbers")
    length = float(np.linalg.norm(vector))
    if abs(length - 1) > _LENGTH_TOLERANCE:
        raise IndexingError(f"{of} has length {length:.4g}; the index takes unit vectors")
    return vector


def fields_of(entry: Entry) -> dict[str, set[str]]:
    """Return what filters see of an entry: {name: values}."""
    values: dict[str, set[str]] = {}
    for trait in filterable(entry.traits):
        values.setdefault(trait.trait_type, set()).add(trait.value)
    return {**values, COLLECTION: {entry.collection}, TOKEN_ID: {entry.token_id}}


def filterable(traits: Iterable[Trait]) -> list[Trait]:
    """Return the traits whose type is not shadowed by a token's own field."""
    return [trait for trait in traits if trait.trait_type.casefold() not in FIELDS]


def entry_to_json(entry: Entry) -> dict[str, Any]:
    """Return an entry as JSON-ready values; a point without its vector."""
    return {
        "token_uid": entry.token_uid,
        "collection": entry.collection,
        "token_id": entry.token_id,
        "traits": [[t.trait_type, t.value, t.display_type] for t in entry.traits],
        "caption": entry.caption,
        "location": [entry.location.shard, entry.location.row],
    }


def fields_from_json(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the entry that `entry_to_json` wrote, to make any kind of entry from."""
    shard, row = value["location"]
    return {
        **value,
        "traits": tuple(Trait(*trait) for trait in value["traits"]),
        "location": Location(shard=shard, row=row),
    }


def fields_of_entry(entry: Entry) -> dict[str, Any]:
    """Return the fields that every entry has, to make another kind of entry from."""
    return {field.name: getattr(entry, field.name) for field in fields(Entry)}
