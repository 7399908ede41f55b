"""Filters, formulas and requests in Qdrant's terms, for its embedded form and for its server.

Both have the same terms under other names. What a question becomes is said here once; a `Dialect`
builds each term.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from traitlens.engines.plan import By, best_order
from traitlens.engines.protocol import HALF_BM25, Question, Wish
from traitlens.engines.where import COLLECTION, TOKEN_ID, And, Equals, Not, Or, Where

# A point's vectors: its picture, its caption's words, and what filters compare, a number each.
VECTOR, WORDS, KEYWORDS = "dense", "words", "keywords"
USED: dict[By, str] = {"looks": VECTOR, "words": WORDS, "wishes": KEYWORDS}
# Where the payload has what filters compare: the entry's own fields, and one list for all traits.
KEYS = {COLLECTION: "entry.collection", TOKEN_ID: "entry.token_id"}
TRAITS = "traits"


class Dialect(Protocol):
    """How one of the libraries spells Qdrant's terms; what is returned is theirs alone."""

    def any_value(self, key: str, values: list[str]) -> Any:
        """Return the condition that a field has one of the values."""
        ...

    def is_any_of(self, names: Sequence[str]) -> Any:
        """Return the condition that a point has one of the ids."""
        ...

    def filter(
        self,
        *,
        must: Sequence[Any] = (),
        should: Sequence[Any] = (),
        must_not: Sequence[Any] = (),
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

    def prefetch(self, query: Any, *, by: By, size: int, where: Any, exactly: bool = False) -> Any:
        """Return the step that takes the best `size` by `query`, or, without one, by id."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A question as prefetches and a formula over their scores."""

    prefetches: list[Any]
    formula: Any


def scoring(
    question: Question, names: Sequence[str], *, queries: Mapping[By, Any], dialect: Dialect
) -> Plan:
    """Return the plan that scores the points of these ids, see `Question`."""
    where = dialect.filter(must=[dialect.is_any_of(names)])
    # A point's cosine is the first score, its BM25 the next. Without a vector some have neither.
    by = _scorers(question)
    if question.vector is None:
        by.append("id")
    steps = [
        dialect.prefetch(queries[one], by=one, size=len(names), where=where, exactly=True)
        for one in by
    ]
    return Plan(prefetches=steps, formula=_formula(question, dialect))


def having(
    question: Question,
    sets: Sequence[Sequence[Wish]],
    where: Where | None,
    *,
    size: int,
    queries: Mapping[By, Any],
    dialect: Dialect,
) -> list[Any]:
    """Return for each set of wishes the step to the best among the points that have them all."""
    by = best_order(question)
    given = [] if where is None else [filter_of(where, dialect)]
    parts = {wish: filter_of(wish.where, dialect) for wish in question.wishes}
    return [
        dialect.prefetch(
            queries[by],
            by=by,
            size=size,
            where=dialect.filter(must=[*given, *(parts[wish] for wish in wishes)]),
        )
        for wishes in sets
    ]


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
    for comparison in comparisons:
        if comparison.name in KEYS:
            values.setdefault(KEYS[comparison.name], []).append(comparison.value)
        else:
            values.setdefault(TRAITS, []).append(to_keyword(comparison.name, comparison.value))
    return [dialect.any_value(key, found) for key, found in values.items()]


def to_keyword(name: str, value: str) -> str:
    """Return a trait as one keyword, unlike that of any other: "a=b" + "c", "a" + "b=c"."""
    return f"{name.replace('%', '%25').replace('=', '%3D')}={value}"


def from_keyword(keyword: str) -> tuple[str, str]:
    """Return the type and the value of a keyword."""
    name, _, value = keyword.partition("=")
    return name.replace("%3D", "=").replace("%25", "%"), value
