"""How common each trait is in a collection: what a caption is ordered by."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from traitlens.records import Trait

if TYPE_CHECKING:
    from traitlens.digest import Digest

Name = tuple[str, str]  # type and value


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitCounts:
    """How many of a collection's `total` tokens have each trait; adds up over its parts."""

    total: int
    counts: Mapping[Name, int]

    @classmethod
    def of(cls, tokens: Iterable[Sequence[Trait]]) -> TraitCounts:
        """Return the counts over the traits of tokens; twice in one token counts once."""
        total, counts = 0, Counter[Name]()
        for traits in tokens:
            total += 1
            counts.update({_name(trait) for trait in traits})
        return cls(total=total, counts=counts)

    @classmethod
    def of_digest(cls, digest: Digest) -> TraitCounts:
        """Return the counts over the kept tokens of a collection's digest."""
        numbers = digest.trait_counts().tolist()
        names = (_name(trait) for trait in digest.vocabulary)
        return cls(total=int(digest.kept.sum()), counts=dict(zip(names, numbers, strict=True)))

    def __add__(self, other: TraitCounts) -> TraitCounts:
        both = Counter(self.counts)
        both.update(other.counts)
        return TraitCounts(total=self.total + other.total, counts=both)

    def of_trait(self, trait: Trait) -> int:
        """Return how many tokens have a trait; one that was never counted is as rare as can be."""
        return self.counts.get(_name(trait), 0)

    def bits(self, trait: Trait) -> float:
        """Return how much a trait tells of its token: -log2(count / total), at least 0 bits."""
        return math.log2(max(1, self.total) / max(1, self.of_trait(trait)))


def _name(trait: Trait) -> Name:
    return trait.trait_type, trait.value
