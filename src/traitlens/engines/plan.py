"""How a question is asked of a Qdrant engine: candidates found in several ways, then one formula.

The best tokens of a sum need not be the best of any of its parts. So candidates are the tokens
that look best, those whose words fit best, and for wishes the ones that look best among those that
have each of them, and among those that have all, all but one, and so on. Every candidate is then
scored by all parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from traitlens.engines.protocol import Question
from traitlens.engines.where import Where

By = Literal["looks", "words", "id"]

# Candidates of each way. A step is passed as one, so that a page's answers do not hang on how many
# were asked for before it.
_FEWEST, _STEP = 128, 4
# Answers asked for beyond the last, so that equal scores are ordered by id and not by the engine.
_TIES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to find candidates: the first ones by something, among those that satisfy a filter.

    Of `wishes`, at least `has` hold.
    """

    by: By
    has: int = 0
    wishes: tuple[Where, ...] = ()


def ways(question: Question) -> Iterator[Way]:
    """Yield the ways to find a question's candidates."""
    if question.vector is not None and question.looks:
        yield Way(by="looks")
    if question.text:
        yield Way(by="words")
    wishes = tuple(wish.where for wish in question.wishes)
    by = _best_order(question)
    for wish in wishes:
        yield Way(by=by, has=1, wishes=(wish,))
    for has in range(2, len(wishes) + 1):
        yield Way(by=by, has=has, wishes=wishes)


def window(count: int) -> int:
    """Return how many candidates each way brings for the first `count` answers."""
    size = _FEWEST
    while size < count + _TIES:
        size *= _STEP
    return size


def _best_order(question: Question) -> By:
    if question.vector is not None:
        return "looks"
    return "words" if question.text else "id"
