"""What the tokens of a collection say, and which of it no picture can show, by its form alone."""

# Axes: N tokens, V distinct values, P pairs of a token and a value that it has

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.captions import phrase
from traitlens.diagnosis.probes import Bools
from traitlens.digest import Digest, key_of
from traitlens.filtering.meaning import NAMES, NUMBERS, ONE_VALUE, PLACEHOLDERS, SERIAL, meaning
from traitlens.records import Token, Trait

OWN_TOKENS = 8  # so many tokens of a type, each with a value of its own, are no accident

_MEASURES = frozenset({"number", "boost_number", "boost_percentage", "date"})
_OWN = "a value of its own for each token"
_MEASURED = "numbers or dates"
CONSTANT = "the same for all tokens"
_REASONS = {
    ONE_VALUE: CONSTANT,
    NAMES: "the token's name",
    NUMBERS: "numbers the tokens",
    SERIAL: "a number of its own for most tokens",
    PLACEHOLDERS: "placeholders",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mentions:
    """Which of N tokens says which of V values; what a caption has no words for is left out.

    Token `rows_P[p]` has the value `values_P[p]`; no pair is there twice.
    """

    tokens: int
    values: tuple[Trait, ...]
    rows_P: NDArray[np.int64]
    values_P: NDArray[np.int64]

    @classmethod
    def of(cls, tokens: Sequence[Token]) -> Mentions:
        """Return the mentions of the tokens of one collection."""
        numbers: dict[tuple[str, str], int] = {}
        values: list[Trait] = []
        pairs: list[tuple[int, int]] = []
        for row, token in enumerate(tokens):
            said = {(t.trait_type, t.value): t for t in token.traits if phrase(t)}
            for name, trait in said.items():
                if name not in numbers:
                    numbers[name] = len(values)
                    values.append(trait)
                pairs.append((row, numbers[name]))
        rows_P, values_P = np.array(pairs, np.int64).reshape(-1, 2).T
        return cls(tokens=len(tokens), values=tuple(values), rows_P=rows_P, values_P=values_P)

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many tokens have each value, (V,)."""
        return np.bincount(self.values_P, minlength=len(self.values))

    def counts_among(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many of some tokens have each value, (V,)."""
        among_P = np.isin(self.rows_P, rows)
        return np.bincount(self.values_P[among_P], minlength=len(self.values))

    @property
    def type_names(self) -> NDArray[np.str_]:
        """The trait type of each value, (V,)."""
        return np.array([trait.trait_type for trait in self.values], np.str_)

    @property
    def types(self) -> dict[str, NDArray[np.int64]]:
        """The numbers of the values of each trait type, in order of first appearance."""
        by_type: dict[str, list[int]] = defaultdict(list)
        for number, trait in enumerate(self.values):
            by_type[trait.trait_type].append(number)
        return {name: np.array(numbers, np.int64) for name, numbers in by_type.items()}

    def has(self, rows: NDArray[np.int64], wanted_V: Bools) -> Bools:
        """Return which of some tokens have which of the wanted values, (rows, wanted)."""
        place_N, place_V = np.full(self.tokens, -1), np.cumsum(wanted_V) - 1
        place_N[rows] = np.arange(len(rows))
        asked_P = (place_N[self.rows_P] >= 0) & wanted_V[self.values_P]
        has = np.zeros((len(rows), int(wanted_V.sum())), np.bool_)
        has[place_N[self.rows_P[asked_P]], place_V[self.values_P[asked_P]]] = True
        return has

    def keys(self, wanted_V: Bools) -> NDArray[np.uint64]:
        """Return (N,) keys, equal where tokens say the same phrases about the wanted values."""
        keys_V = np.array([key_of(phrase(trait)) for trait in self.values], np.uint64)
        keys_N = np.zeros(self.tokens, np.uint64)
        said_P = wanted_V[self.values_P]
        pairs = np.stack([self.rows_P.astype(np.uint64), keys_V[self.values_P]])[:, said_P]
        rows, keys = np.unique(pairs, axis=1)  # two values of one phrase are said once
        np.add.at(keys_N, rows.astype(np.int64), keys)
        return keys_N


def abstract_types(tokens: Sequence[Token], mentions: Mentions) -> dict[str, str]:
    """Return the trait types whose form alone says that no picture can show them, and why.

    A type that says the same of all tokens may well show; its reason is `CONSTANT`.
    """
    found = meaning(Digest.of(tokens), np.ones(len(tokens), np.bool_)).empty_types
    reasons = {name: _REASONS[why] for name, why in found.items() if name in mentions.types}
    counts_V = mentions.counts
    for name, numbers in mentions.types.items():
        counts = counts_V[numbers]
        measures = [mentions.values[number].display_type in _MEASURES for number in numbers]
        if counts[measures].sum() > counts.sum() / 2:
            reasons.setdefault(name, _MEASURED)
        if len(counts) >= OWN_TOKENS and counts.max() == 1:
            reasons.setdefault(name, _OWN)
    return reasons
