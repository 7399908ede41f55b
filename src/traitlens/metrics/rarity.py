"""How rare a token is within its collection, by the OpenRarity method.

A token's information content is the sum over the collection's trait types of -log2 of the share of
tokens with the same value; that a type is absent is a value, too. Ranks are by the number of values
that no other token has, then by information content. See OpenRarity's methodology,
https://openrarity.gitbook.io/developers/fundamentals/methodology. A type with several values a
token (a punk's accessories) is not part of that method: here each of them is a value of its own.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

Traits = frozenset[tuple[str, str]]  # (type, value)


def rarity_ranks(tokens: Sequence[Traits]) -> list[int]:
    """Return the rank of each token of a collection, 1 the rarest; equal ones share the best."""
    scores = _scores(tokens)
    first: dict[tuple[int, float], int] = {}
    for rank, score in enumerate(sorted(scores, reverse=True), start=1):
        first.setdefault(score, rank)
    return [first[score] for score in scores]


def _scores(tokens: Sequence[Traits]) -> list[tuple[int, float]]:
    """Return (unique values, information content in bits) of each token."""
    values = Counter(trait for traits in tokens for trait in traits)
    having = Counter(name for traits in tokens for name in {name for name, _ in traits})
    total = len(tokens)
    absent = {name: _bits(total - count, total) for name, count in having.items() if count < total}
    all_absent = math.fsum(absent.values())
    return [
        (
            sum(values[trait] == 1 for trait in traits),
            # Rounded, since equal sums of other numbers must be equal.
            round(
                _present(traits, values, total) + all_absent - _present_absent(traits, absent), 9
            ),
        )
        for traits in tokens
    ]


def _present(traits: Traits, values: Counter[tuple[str, str]], total: int) -> float:
    return math.fsum(_bits(values[trait], total) for trait in traits)


def _present_absent(traits: Iterable[tuple[str, str]], absent: dict[str, float]) -> float:
    """Return the bits of the absences that a token does not have."""
    return math.fsum(absent.get(name, 0.0) for name in {name for name, _ in traits})


def _bits(count: int, total: int) -> float:
    return -math.log2(count / total)
