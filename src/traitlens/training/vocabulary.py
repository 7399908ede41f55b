"""What can be said of the training tokens: their phrases, and how much each tells.

Axes: V phrases, K kinds, C collections, Q phrases that are asked about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.training.tags import Tag

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Known:
    """The phrases of one collection, by ascending number."""

    tokens: int
    numbers: Numbers
    counts: NDArray[np.int64]  # tokens that have the phrase
    areas: NDArray[np.float32]  # share of a picture that shows it, in [0, 1]


class Vocabulary:
    """The phrases of a set of tokens, numbered; and per collection how rare and how large they are.

    A phrase tells -log2 of the share of its collection's tokens that have it, in bits, as in
    `captions.counts`: the idf of the collection. Numbers and dates tell nothing, since nobody sees
    them. A phrase has the kind ("hat") with which it was first met.
    """

    def __init__(
        self,
        names: Sequence[str],
        collection_N: Numbers,
        tags: Sequence[tuple[Tag, ...]],
        areas: Mapping[tuple[int, str], float],
    ) -> None:
        """Count `tags`, those of each token; `areas` has what is known, by collection and words."""
        counts = [Counter[str]() for _ in names]
        first: dict[str, Tag] = {}
        kinds: list[set[str]] = [set() for _ in names]
        for collection, of_token in zip(collection_N.tolist(), tags, strict=True):
            counts[collection].update({tag.words for tag in of_token})
            kinds[collection].update(tag.kind for tag in of_token)
            for tag in of_token:
                first.setdefault(tag.words, tag)
        self._words = list(first)
        self._numbers = {words: number for number, words in enumerate(first)}
        kind_numbers = {kind: n for n, kind in enumerate(sorted(set().union(*kinds)))}
        self._kind_V = np.array([kind_numbers[tag.kind] for tag in first.values()], np.int64)
        # One more at the end, for the number -1: what is no token's tells nothing.
        self._seen_V = np.array([*(not tag.is_measure for tag in first.values()), False], np.bool_)
        self._has_kind_CK = np.zeros((len(names), len(kind_numbers)), np.bool_)
        for has_K, of_collection in zip(self._has_kind_CK, kinds, strict=True):
            has_K[[kind_numbers[kind] for kind in of_collection]] = True
        sizes = np.bincount(collection_N, minlength=len(names)).tolist()
        self._known = [
            self._of_collection(number, size, counted, areas)
            for number, (size, counted) in enumerate(zip(sizes, counts, strict=True))
        ]

    def _of_collection(
        self,
        collection: int,
        tokens: int,
        counted: Mapping[str, int],
        areas: Mapping[tuple[int, str], float],
    ) -> _Known:
        words = sorted(counted, key=self._numbers.__getitem__)
        found = [areas[collection, said] for said in words if (collection, said) in areas]
        # What was not found is small, or cannot be seen; where nothing was sought, all count alike.
        least = min(found, default=1.0)
        return _Known(
            tokens=tokens,
            numbers=np.array([self._numbers[said] for said in words], np.int64),
            counts=np.array([counted[said] for said in words], np.int64),
            areas=np.array([areas.get((collection, said), least) for said in words], np.float32),
        )

    def __len__(self) -> int:
        return len(self._numbers)

    def numbers(self, words: Iterable[str]) -> Numbers:
        """Return the numbers of phrases, -1 for what is no token's, such as a collection's name."""
        return np.array([self._numbers.get(said, -1) for said in words], np.int64)

    def bits(self, collection: int, numbers_Q: Numbers) -> NDArray[np.float32]:
        """Return how much phrases tell of a token of a collection, in bits, at least 0: (Q,).

        A phrase that no token of the collection has counts as one that a single one has.
        """
        known = self._known[collection]
        places_Q, there_Q = _find(known.numbers, numbers_Q)
        counts_Q = np.ones(len(numbers_Q))
        counts_Q[there_Q] = known.counts[places_Q[there_Q]]
        bits_Q = np.log2(max(1, known.tokens) / counts_Q)
        return np.where(self._seen_V[numbers_Q], bits_Q, 0).astype(np.float32)

    def told(self, collection: int) -> dict[str, tuple[int, float]]:
        """Return the number and the bits of each phrase of a collection."""
        numbers_Q = self._known[collection].numbers
        pairs = zip(numbers_Q.tolist(), self.bits(collection, numbers_Q).tolist(), strict=True)
        return {self._words[number]: (number, bits) for number, bits in pairs}

    def areas(self, collection: int, numbers_Q: Numbers) -> NDArray[np.float32]:
        """Return the share of a picture that shows each phrase, in [0, 1]: (Q,).

        It is the mean over the tokens of the collection that have it. A phrase without a mask, or
        that none has, is taken for as small as the smallest; without any mask all are 1.
        """
        known = self._known[collection]
        places_Q, there_Q = _find(known.numbers, numbers_Q)
        areas_Q = np.full(len(numbers_Q), known.areas.min(initial=1.0), np.float32)
        areas_Q[there_Q] = known.areas[places_Q[there_Q]]
        return areas_Q

    def is_known(self, collection: int, numbers_Q: Numbers) -> NDArray[np.bool_]:
        """Return whether a collection says of its tokens if they have each phrase: bool (Q,).

        It does where some of its tokens have the phrase, or another one of its kind.
        """
        _, there_Q = _find(self._known[collection].numbers, numbers_Q)
        return np.asarray(there_Q | self._has_kind_CK[collection, self._kind_V[numbers_Q]])


def _find(sorted_V: Numbers, wanted_Q: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
    """Return where each wanted number stands, and whether it is there at all."""
    places_Q = np.searchsorted(sorted_V, wanted_Q)
    there_Q = places_Q < len(sorted_V)
    there_Q[there_Q] = sorted_V[places_Q[there_Q]] == wanted_Q[there_Q]
    return places_Q, there_Q
