"""How a data set is divided."""

from __future__ import annotations

from dataclasses import dataclass

from traitlens.config import check_choice, check_range
from traitlens.errors import ConfigError

BY_TOKEN, BY_COLLECTION = "by_token", "by_collection"
BY_COMBINATION, OFFICIAL = "by_combination", "official"
RULES = (BY_TOKEN, BY_COLLECTION, BY_COMBINATION, OFFICIAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitConfig:
    """The rule, its seed and the shares of train, validation and test, in percent.

    The last two are for `by_combination` alone: how many tokens have a pair that is held out, at
    least, and in how many tokens of train each of its two values is still seen, at least.
    """

    rule: str = BY_TOKEN
    seed: int = 0
    shares: tuple[int, int, int] = (80, 5, 15)
    min_pair_tokens: int = 2
    min_train_tokens: int = 5

    def __post_init__(self) -> None:
        check_choice("split.rule", self.rule, RULES)
        if len(self.shares) != 3 or min(self.shares) < 0 or sum(self.shares) != 100:
            raise ConfigError(f"split.shares must be three that sum to 100, got {self.shares!r}")
        check_range("split.min_pair_tokens", self.min_pair_tokens, low=1)
        check_range("split.min_train_tokens", self.min_train_tokens, low=1)
