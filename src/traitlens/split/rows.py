"""Rules that divide the tokens of one collection: by token and by combination of traits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.digest import Digest
from traitlens.records import SPLITS, Split, Trait
from traitlens.split.combinations import hold_out
from traitlens.split.config import BY_COMBINATION, BY_TOKEN, SplitConfig
from traitlens.split.equals import Groups

NO_SPLIT = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutPair:
    """Two trait values that no token of train has together: a pair held out for `split`.

    `tokens` have both, mostly in that split; other pairs may have drawn some into the other one.
    """

    first: Trait
    second: Trait
    split: Split
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Division:
    """The split of each row of a collection, and what is kept from train.

    `splits` is (N,) int8, an index into `records.SPLITS`, or -1 for rows that are not kept and
    where whole collections are dealt out. `held_out` is empty but for the rule by_combination.
    """

    splits: NDArray[np.int8]
    held_out: tuple[HeldOutPair, ...] = ()


def split_rows(digest: Digest, config: SplitConfig) -> Division:
    """Return the split of each token of one collection; equals are never divided.

    by_token: groups of equals in a seeded order go to train, validation and test until each has its
    share of tokens. by_combination: see `combinations`. The result hangs on the tokens, not on
    their order. The other rules divide collections, not rows: all -1.
    """
    splits = np.full(len(digest), NO_SPLIT, np.int8)
    if config.rule not in (BY_TOKEN, BY_COMBINATION) or not digest.kept.any():
        return Division(splits=splits)
    groups = Groups.of(digest)
    if config.rule == BY_TOKEN:
        splits[groups.rows_M] = _deal(groups, config)[groups.group_M]
        return Division(splits=splits)
    found = hold_out(digest, groups, config)
    splits[groups.rows_M] = found.split_M
    pairs = [
        HeldOutPair(
            first=digest.vocabulary[pair.first],
            second=digest.vocabulary[pair.second],
            split=SPLITS[pair.split],
            tokens=pair.tokens,
        )
        for pair in found.pairs
    ]
    return Division(splits=splits, held_out=tuple(pairs))


def _deal(groups: Groups, config: SplitConfig) -> NDArray[np.int8]:
    """Return the split of each group: where its middle falls among all tokens in seeded order."""
    order = groups.order(config.seed)
    sizes = groups.size_G[order]
    middles = np.cumsum(sizes) - sizes / 2
    bounds = sizes.sum() * np.cumsum(config.shares) / 100
    sides = np.empty(len(sizes), np.int8)
    sides[order] = np.minimum(np.searchsorted(bounds, middles), len(SPLITS) - 1)
    return sides
