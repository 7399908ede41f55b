"""Which tokens have which trait values, by number.

Axes: K values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Name = tuple[str, str]  # trait type, value


@dataclass(frozen=True, eq=False)
class Values:
    """The trait values that are looked for, and the rows of the tokens that have each."""

    names: tuple[Name, ...]
    rows: tuple[NDArray[np.intp], ...]
    tokens: int

    @classmethod
    def of(cls, members: Mapping[Name, NDArray[np.intp]], *, tokens: int) -> Values:
        return cls(tuple(members), tuple(members.values()), tokens)

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def of_token(self) -> tuple[NDArray[np.intp], ...]:
        """The numbers of each token's values, ascending."""
        lists: list[list[int]] = [[] for _ in range(self.tokens)]
        for number, rows in enumerate(self.rows):
            for row in rows:
                lists[row].append(number)
        return tuple(np.array(numbers, np.intp) for numbers in lists)

    @cached_property
    def types(self) -> tuple[str, ...]:
        return tuple(sorted({trait_type for trait_type, _ in self.names}))

    @cached_property
    def type_of(self) -> NDArray[np.intp]:
        """The number of each value's type in `types`."""
        return np.array([self.types.index(trait_type) for trait_type, _ in self.names], np.intp)

    @cached_property
    def slots(self) -> NDArray[np.intp]:
        """A number for each value that it shares with those that it never comes together with.

        Values of one type share it, but where a token may have several values of the type each
        value has its own: then they can lie over one another.
        """
        repeated = set()
        for numbers in self.of_token:
            counts = np.bincount(self.type_of[numbers], minlength=len(self.types))
            repeated |= set(np.flatnonzero(counts > 1).tolist())
        keys = [
            (int(t), k if int(t) in repeated else -1) for k, t in enumerate(self.type_of.tolist())
        ]
        numbers_by_key = {key: n for n, key in enumerate(dict.fromkeys(keys))}
        return np.array([numbers_by_key[key] for key in keys], np.intp)

    def every(self, step: int) -> Values:
        """Return the values that every `step`-th token has, and the rows among these tokens."""
        rows = [rows[rows % step == 0] // step for rows in self.rows]
        kept = {name: of for name, of in zip(self.names, rows, strict=True) if len(of)}
        return Values.of(kept, tokens=-(-self.tokens // step))

    def of_type(self, number: int) -> NDArray[np.intp]:
        return np.flatnonzero(self.type_of == number)

    def value_of(self, type_number: int) -> NDArray[np.intp]:
        """Return the number of each token's value of a type, -1 without one: (tokens,)."""
        result = np.full(self.tokens, -1, np.intp)
        for value in self.of_type(type_number):
            result[self.rows[value]] = value
        return result


def values_of(traits: Sequence[Sequence[Name]]) -> Values:
    """Return the values of tokens whose types and values are listed, sorted by name."""
    rows: dict[Name, list[int]] = {}
    for row, names in enumerate(traits):
        for name in set(names):
            rows.setdefault(name, []).append(row)
    members = {name: np.array(rows[name], np.intp) for name in sorted(rows)}
    return Values.of(members, tokens=len(traits))
