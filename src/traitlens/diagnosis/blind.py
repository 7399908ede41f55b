"""A reader that never sees a picture: it knows which traits are common, and which go together."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from traitlens.records import Token, Trait

Name = tuple[str, str]  # type and value


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindReader:
    """Naive Bayes over the traits of some tokens, with one added to every count.

    log P(value | other traits) = log P(value) + the sum over the others of log P(other | value),
    up to what is the same for all values of a type. It also knows the traits that no caption says.
    What it gets right, a model needs no eyes for.
    """

    tokens_with: Mapping[Name, Set[str]]  # uids
    values: Mapping[str, int]  # of each type: how many there are

    @classmethod
    def of(cls, tokens: Iterable[Token]) -> BlindReader | None:
        """Return what can be learned from tokens of one collection; None where none has a trait."""
        tokens_with: dict[Name, set[str]] = defaultdict(set)
        values: dict[str, set[str]] = defaultdict(set)
        for token in tokens:
            for trait in token.traits:
                tokens_with[_name(trait)].add(token.token_uid)
                values[trait.trait_type].add(trait.value)
        counts = {trait_type: len(found) for trait_type, found in values.items()}
        return cls(tokens_with=dict(tokens_with), values=counts) if counts else None

    def prefers(
        self, trait: Trait, instead: Trait, *, beside: Sequence[Trait], without: Set[str]
    ) -> float:
        """Return 1 where `trait` is likelier than `instead` beside other traits, 1/2 for a tie.

        The tokens `without`, by their uids, are as if they had not been learned from. Leave out
        those that have either trait in the question: their own counts would give the answer away.
        """
        one, other = (self._log_odds(each, beside, without) for each in (trait, instead))
        return 0.5 if one == other else float(one > other)

    def _log_odds(self, trait: Trait, beside: Sequence[Trait], without: Set[str]) -> float:
        having = self._having(trait) - without
        log_odds = math.log(len(having) + 1)
        for other in beside:
            both = len(having & self._having(other))
            log_odds += math.log((both + 1) / (len(having) + self.values.get(other.trait_type, 1)))
        return log_odds

    def _having(self, trait: Trait) -> Set[str]:
        return self.tokens_with.get(_name(trait), frozenset())


def _name(trait: Trait) -> Name:
    return trait.trait_type, trait.value
