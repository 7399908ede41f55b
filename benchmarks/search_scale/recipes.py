"""Which traits the tokens of a larger collection would have: drawn as its own are.

A recipe has a value, or several, or none, for each trait type. Each type is drawn for itself, with
the frequencies that it has in the collection. No recipe is a real token's, or drawn twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from traitlens.records import Trait

Recipe = tuple[Trait, ...]  # in the order of the trait types
Worn = tuple[str, ...]  # the values of one type that a token has

_AT_ONCE = 1024


class Recipes:
    """Draws recipes of one collection."""

    def __init__(self, tokens: Iterable[Sequence[Trait]]) -> None:
        every = [_by_type(traits) for traits in tokens]
        self._types = sorted({name for worn in every for name in worn})
        self._choices: list[list[Worn]] = []
        self._odds: list[np.ndarray] = []
        for name in self._types:
            counts = Counter(worn.get(name, ()) for worn in every)
            self._choices.append(list(counts))
            self._odds.append(np.array(list(counts.values())) / len(every))
        self.real = {self._recipe(worn) for worn in every}

    def draw(
        self, count: int, *, known: Collection[Recipe], rng: np.random.Generator
    ) -> list[Recipe]:
        """Return up to `count` new recipes in a fixed order; fewer where hardly any are left.

        New is what is neither real nor `known`.
        """
        found: dict[Recipe, None] = {}
        while len(found) < count:
            before = len(found)
            for recipe in self._some(rng):
                if recipe not in self.real and recipe not in known:
                    found.setdefault(recipe)
            if len(found) - before < _AT_ONCE // 50:
                break
        return list(found)[:count]

    def _some(self, rng: np.random.Generator) -> list[Recipe]:
        drawn = [rng.choice(len(odds), size=_AT_ONCE, p=odds) for odds in self._odds]
        return [
            self._recipe(
                {
                    name: choices[at]
                    for name, choices, at in zip(self._types, self._choices, row, strict=True)
                }
            )
            for row in np.stack(drawn, axis=1).tolist()
        ]

    def _recipe(self, worn: dict[str, Worn]) -> Recipe:
        return tuple(Trait(name, value) for name in self._types for value in worn.get(name, ()))


def _by_type(traits: Sequence[Trait]) -> dict[str, Worn]:
    found: dict[str, list[str]] = {}
    for trait in traits:
        found.setdefault(trait.trait_type, []).append(trait.value)
    return {name: tuple(sorted(values)) for name, values in found.items()}
