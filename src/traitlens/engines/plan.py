"""How a question is asked of a Qdrant engine: candidates found in several ways, then one formula.

The best tokens of a sum need not be the best of any of its parts. So candidates are first the
tokens that look best, those whose words fit best, and those whose wishes weigh most, and each is
scored by all parts. What is not among them can only have so much: no better looks and words than
the best of these lists, and no more wishes than the last of its list. Where that would be enough to
be an answer, the tokens that look best are found, too, among those that have a set of wishes, for
each set whose weight would do (Fagin, Lotem and Naor, Optimal Aggregation Algorithms for
Middleware, 2003: the threshold).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from traitlens.engines.protocol import HALF_BM25, Question, Wish
from traitlens.engines.where import TOKEN_ID, Equals, Or

By = Literal["looks", "words", "wishes", "id"]
Found = Sequence[tuple[str, float]]  # (point id, score), the best first

# Candidates of each way. A step is passed as one, so that a page's answers do not hang on how many
# were asked for before it.
_FEWEST, _STEP = 128, 4
# Answers asked for beyond the last, so that equal scores are ordered by id and not by the engine.
_TIES = 16
_MOST_SETS = 32  # of wishes, the heaviest ones: a question of twelve wishes has 4,096
_ROUNDING = 1e-3  # of a score: vectors are fp16


def window(count: int) -> int:
    """Return how many candidates each way brings for the first `count` answers."""
    return _step(count + _TIES, first=_FEWEST)


def rank_to_beat(count: int) -> int:
    """Return the rank whose score a token must reach to be looked for further; at least `count`."""
    return _step(count, first=_FEWEST // _STEP)


def _step(count: int, *, first: int) -> int:
    size = first
    while size < count:
        size *= _STEP
    return size


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The most that a token can have that is in none of the lists; `wishes` in sum."""

    looks: float
    words: float
    wishes: float

    @classmethod
    def of(cls, question: Question, found: dict[By, Found], *, size: int) -> Bounds:
        """Return the bounds that the best `size` by looks, words and wishes leave."""
        looks = _first(found.get("looks", ()))
        words = _first(found.get("words", ()))
        unlisted = sum(w.weight for w in question.wishes if not comparisons(w))
        return cls(
            looks=question.looks * looks,
            words=question.words * words / (words + HALF_BM25),
            wishes=unlisted + _last(found.get("wishes", ()), size=size),
        )


def sets_of_wishes(question: Question, bounds: Bounds, *, least: float) -> list[tuple[Wish, ...]]:
    """Return the sets of wishes that a token may have which is in no list and scores `least`.

    They are at most `_MOST_SETS`, the heaviest.
    """
    least -= bounds.looks + bounds.words + _ROUNDING
    chosen = (
        some
        for count in range(1, len(question.wishes) + 1)
        for some in combinations(question.wishes, count)
    )
    weighed = [(sum(w.weight for w in some), some) for some in chosen]
    fitting = [pair for pair in weighed if least <= pair[0] <= bounds.wishes + _ROUNDING]
    fitting.sort(key=lambda pair: -pair[0])
    return [some for _, some in fitting[:_MOST_SETS]]


def comparisons(wish: Wish) -> tuple[Equals, ...]:
    """Return the keywords that a wish is any of; nothing where it is of more than keywords."""
    parts = wish.where.parts if isinstance(wish.where, Or) else (wish.where,)
    equals = tuple(p for p in parts if isinstance(p, Equals) and p.name != TOKEN_ID)
    return equals if len(equals) == len(parts) else ()


def best_order(question: Question) -> By:
    """Return what candidates with the same wishes are ordered by."""
    if question.vector is not None:
        return "looks"
    return "words" if question.text else "id"


def _first(found: Found) -> float:
    return found[0][1] if found else 0.0


def _last(found: Found, *, size: int) -> float:
    """Return the score of the last of `size`; 0 where there are no more than were found."""
    return found[-1][1] if len(found) == size else 0.0
