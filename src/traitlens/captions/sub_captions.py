"""Some of a token's traits, as a searcher types them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from traitlens.records import Token, Trait

if TYPE_CHECKING:
    import numpy as np


def draw_some(phrases: Sequence[str], *, rng: np.random.Generator) -> list[str]:
    """Return one to all of `phrases`, which are not empty, in any order.

    >>> draw_some(["red hat", "blue eyes"], rng=np.random.default_rng(0))
    ['red hat', 'blue eyes']
    """
    count = rng.integers(1, len(phrases) + 1)
    return [phrases[number] for number in rng.choice(len(phrases), count, replace=False)]


def in_caption_order(token: Token) -> tuple[Trait, ...]:
    """Return a token's traits in the order in which its caption says them.

    Silent traits come last; a token without spans keeps the order of its metadata.
    """
    if len(token.caption_spans) != len(token.traits):
        return token.traits

    def place(number: int) -> tuple[bool, int]:
        start, end = token.caption_spans[number]
        return start == end, start

    return tuple(token.traits[number] for number in sorted(range(len(token.traits)), key=place))
