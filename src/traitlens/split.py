"""Who is trained on and who is tested on: seeded, and never with the same thing on both sides.

`by_token` holds out tokens of every collection and keeps tokens with equal trait sets or equal
pixels together; `by_collection` is the paper's rule (section 4.3): whole collections, 80:5:15,
since tokens of one collection share their components.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from traitlens.config import check_choice
from traitlens.errors import ConfigError
from traitlens.records import SPLITS, Split, Token

RULES = ("by_token", "by_collection")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitConfig:
    """The rule, its seed and the shares of train, validation and test, in percent."""

    rule: str = "by_token"
    seed: int = 0
    shares: tuple[int, int, int] = (80, 5, 15)

    def __post_init__(self) -> None:
        check_choice("split.rule", self.rule, RULES)
        if min(self.shares) < 0 or sum(self.shares) != 100:
            raise ConfigError(f"split.shares must be three that sum to 100, got {self.shares!r}")


def split_tokens(tokens: Sequence[Token], config: SplitConfig) -> dict[str, Split]:
    """Return the split of each token of one collection by its `token_uid` (rule `by_token`)."""
    groups = _groups_of_equals(tokens)
    groups.sort(key=lambda uids: _draw(config.seed, min(uids)))
    return _deal(groups, config.shares)


def split_collections(names: Iterable[str], config: SplitConfig) -> dict[str, Split]:
    """Return the split of each collection by its name (rule `by_collection`)."""
    order = sorted(names, key=lambda name: _draw(config.seed, name))
    return _deal([[name] for name in order], config.shares)


def _draw(seed: int, name: str) -> str:
    """Return a pseudo-random sort key that depends on nothing but the seed and the name."""
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()


def _groups_of_equals(tokens: Sequence[Token]) -> list[list[str]]:
    """Return the `token_uid`s grouped so that equal trait sets or equal pixels are together."""
    leader = {token.token_uid: token.token_uid for token in tokens}

    def find(uid: str) -> str:
        while leader[uid] != uid:
            leader[uid] = leader[leader[uid]]
            uid = leader[uid]
        return uid

    first_with: dict[Hashable, str] = {}
    for token in tokens:
        traits = tuple(sorted((t.trait_type, t.value) for t in token.traits))
        for key in (("traits", traits), ("pixels", token.pixels_sha256)):
            other = first_with.setdefault(key, token.token_uid)
            leader[find(token.token_uid)] = find(other)
    groups: dict[str, list[str]] = defaultdict(list)
    for token in tokens:
        groups[find(token.token_uid)].append(token.token_uid)
    return list(groups.values())


def _deal(groups: Sequence[Sequence[str]], shares: tuple[int, int, int]) -> dict[str, Split]:
    """Deal groups in order to train, validation and test until each has its share of members."""
    total = sum(len(group) for group in groups)
    bounds = [total * sum(shares[: i + 1]) / 100 for i in range(len(shares))]
    result: dict[str, Split] = {}
    for group in groups:
        middle = len(result) + len(group) / 2
        side = next((i for i, bound in enumerate(bounds) if middle <= bound), len(SPLITS) - 1)
        result.update(dict.fromkeys(group, SPLITS[side]))
    return result
