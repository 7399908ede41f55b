"""Filters, formulas and requests in Qdrant's terms, for its embedded form and for its server.

Both have the same terms under other names. What a question becomes is said here once; a `Dialect`
builds each term.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from traitlens.engines.plan import By, Way, ways
from traitlens.engines.protocol import HALF_BM25, Question
from traitlens.engines.where import COLLECTION, TOKEN_ID, And, Equals, Not, Or, Where
from traitlens.records import Trait

VECTOR, WORDS = "dense", "words"
# Where the payload has what filters compare: the entry's own fields, and one list for all traits.
KEYS = {COLLECTION: "entry.collection", TOKEN_ID: "entry.token_id"}
TRAITS = "traits"


class Dialect(Protocol):
    """How one of the libraries spells Qdrant's terms; what is returned is theirs alone."""

    def any_value(self, key: str, values: list[str]) -> Any:
        """Return the condition that a field has one of the values."""
        ...

    def filter(
        self,
        *,
        must: Sequence[Any] = (),
        should: Sequence[Any] = (),
        must_not: Sequence[Any] = (),
        at_least: tuple[int, Sequence[Any]] | None = None,
    ) -> Any:
        """Return a filter of conditions and filters."""
        ...

    def holds(self, condition: Any) -> Any:
        """Return the expression that is 1 where a filter holds, else 0."""
        ...

    def score(self, place: int) -> Any:
        """Return the expression of a candidate's score in one of the prefetches."""
        ...

    def times(self, number: float, expression: Any) -> Any:
        """Return a product."""
        ...

    def plus(self, expressions: Sequence[Any]) -> Any:
        """Return a sum."""
        ...

    def saturated(self, expression: Any, half: float) -> Any:
        """Return x / (x + half)."""
        ...

    def prefetch(
        self,
        query: Any,
        *,
        size: int,
        where: Any = None,
        among: Sequence[Any] = (),
    ) -> Any:
        """Return the step that takes the best by `query`; scored exactly where it is `among`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A question as prefetches and a formula over their scores."""

    prefetches: list[Any]
    formula: Any


def plan_of(
    question: Question,
    where: Where | None,
    *,
    size: int,
    queries: Mapping[By, Any],
    dialect: Dialect,
) -> Plan:
    """Return the plan whose best are a question's answers; `queries` are for the ways to look."""
    candidates = [
        dialect.prefetch(queries[way.by], size=size, where=_filter_of_way(where, way, dialect))
        for way in ways(question)
    ]
    most = size * len(candidates)
    # Each candidate's cosine is the first score, its BM25 the next, whichever way it was found.
    scored = [
        dialect.prefetch(queries[by], size=most, among=candidates) for by in _scorers(question)
    ]
    # All of them have a cosine; without a vector some may have no score by words.
    others = [] if question.vector is not None else candidates
    return Plan(prefetches=[*scored, *others], formula=_formula(question, dialect))


def _scorers(question: Question) -> list[By]:
    found: list[By] = [] if question.vector is None else ["looks"]
    return [*found, "words"] if question.text else found


def _formula(question: Question, dialect: Dialect) -> Any:
    """Return `Question`'s score."""
    terms = [
        dialect.times(wish.weight, dialect.holds(filter_of(wish.where, dialect)))
        for wish in question.wishes
    ]
    for place, by in enumerate(_scorers(question)):
        score = dialect.score(place)
        if by == "looks":
            terms.append(dialect.times(question.looks, score))
        else:
            terms.append(dialect.times(question.words, dialect.saturated(score, HALF_BM25)))
    return dialect.plus(terms)


def _filter_of_way(where: Where | None, way: Way, dialect: Dialect) -> Any:
    must = [] if where is None else [filter_of(where, dialect)]
    if way.wishes:
        wishes = [filter_of(wish, dialect) for wish in way.wishes]
        return dialect.filter(must=must, at_least=(way.has, wishes))
    return must[0] if must else None


def filter_of(where: Where, dialect: Dialect) -> Any:
    """Return a filter in a dialect."""
    match where:
        case Equals():
            return dialect.filter(must=_any_of([where], dialect))
        case Not(part):
            return dialect.filter(must_not=[filter_of(part, dialect)])
        case And(parts):
            return dialect.filter(must=[filter_of(part, dialect) for part in parts])
        case Or(parts):
            single = [part for part in parts if isinstance(part, Equals)]
            others = [filter_of(part, dialect) for part in parts if not isinstance(part, Equals)]
            return dialect.filter(should=[*_any_of(single, dialect), *others])


def _any_of(comparisons: Sequence[Equals], dialect: Dialect) -> list[Any]:
    """Return a condition a field: a wish may have hundreds of values, and one look-up is quick."""
    values: dict[str, list[str]] = {}
    for name, value in ((c.name, c.value) for c in comparisons):
        if name in KEYS:
            values.setdefault(KEYS[name], []).append(value)
        else:
            values.setdefault(TRAITS, []).append(to_keyword(Trait(name, value)))
    return [dialect.any_value(key, found) for key, found in values.items()]


def to_keyword(trait: Trait) -> str:
    """Return a trait as one keyword, unlike that of any other: "a=b" + "c", "a" + "b=c"."""
    name = trait.trait_type.replace("%", "%25").replace("=", "%3D")
    return f"{name}={trait.value}"


def from_keyword(keyword: str) -> tuple[str, str]:
    """Return the type and the value of a keyword."""
    name, _, value = keyword.partition("=")
    return name.replace("%3D", "=").replace("%25", "%"), value
