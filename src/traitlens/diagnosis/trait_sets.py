"""Queries as searchers type them: some traits that a token has, in words."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np

from traitlens.captions import CaptionConfig, TraitCounts, sub_caption
from traitlens.diagnosis.overlap import Phrases, Rows, telling_phrase
from traitlens.records import Token

MAX_SHARE = 0.5  # of a collection: what fits more tokens says nothing

_TRIES = 20  # draws for each set that is wanted, as small collections have few

_BOTH = partial(np.intersect1d, assume_unique=True)


@dataclass(frozen=True, slots=True)
class TraitSet:
    """Some traits in words, how many, and the rows of all tokens that have them, in order."""

    words: str
    traits: int
    right: Rows


class TraitSetDraw:
    """Draws queries about the tokens of a collection; nothing but `key` decides.

    `too_common` counts the distinct sets that were drawn and left out, since they fit more than
    `MAX_SHARE` of the tokens.
    """

    def __init__(self, tokens: Sequence[Token], *, config: CaptionConfig, key: str) -> None:
        self.too_common = 0
        self.tokens = tokens
        self._phrases = Phrases.of(tokens)
        self._counts = TraitCounts.of(token.traits for token in tokens)
        self._config = config
        self._key = key

    def draw(self, size: int, *, most: int) -> list[TraitSet]:
        """Return at most so many distinct queries of `size` traits that some token has together.

        A token is drawn, then some of its traits: common ones are asked for more often.
        """
        rng = random.Random(f"{self._key}:{size}")  # other sizes do not move these
        seen: set[frozenset[str]] = set()
        drawn: list[TraitSet] = []
        for _ in range(_TRIES * most):
            row = rng.randrange(len(self.tokens))
            said = self._phrases.of_token[row]
            chosen = frozenset(rng.sample(said, size)) if len(said) >= size else None
            if chosen is None or chosen in seen:
                continue
            seen.add(chosen)
            right = reduce(_BOTH, [self._phrases.tokens_with[p] for p in chosen])
            if len(right) > MAX_SHARE * len(self.tokens):
                self.too_common += 1
                continue
            drawn.append(TraitSet(self._words(self.tokens[row], chosen), size, right))
            if len(drawn) == most:
                break
        return drawn

    def _words(self, token: Token, chosen: frozenset[str]) -> str:
        """Return what a searcher types: the phrases as a caption has them, without the name."""
        keep = [n for n, trait in enumerate(token.traits) if telling_phrase(trait) in chosen]
        said = sub_caption("", token.traits, keep, config=self._config, counts=self._counts)
        return said.text
