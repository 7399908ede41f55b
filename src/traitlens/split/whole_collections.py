"""The paper's rule (section 4.3): whole collections to one side, and families of them undivided."""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from traitlens.records import SPLITS, Split
from traitlens.split.config import SplitConfig


def split_collections(
    names: Iterable[str], families: Mapping[str, str], config: SplitConfig
) -> dict[str, Split]:
    """Return the split of each collection by its name; a family is on one side.

    Shares are in numbers of collections, as in the paper. Families are dealt from the largest to
    the smallest, equally large ones in a seeded order, each to a split drawn with chances as its
    free places, among those with room for it; where none has room, to the one with most. So single
    collections fill the shares exactly. Each split with a share gets a family as long as there are
    enough; train comes first, the smallest share last. A collection without family is one alone.
    """
    members: dict[str, list[str]] = defaultdict(list)
    for name in sorted(set(names)):
        members[families.get(name, name)].append(name)
    groups = sorted(members.values(), key=lambda group: (-len(group), _draw(config.seed, group[0])))
    free = _places(sum(map(len, groups)), config.shares)
    dealt: list[int] = []
    for group in groups:
        side = _side(group, free, random.Random(_draw(config.seed, f"side of {group[0]}")))
        free[side] -= len(group)
        dealt.append(side)
    _give_each_one(dealt, config.shares)
    return {name: SPLITS[side] for group, side in zip(groups, dealt, strict=True) for name in group}


def _draw(seed: int, name: str) -> str:
    """Return a pseudo-random sort key that depends on nothing but the seed and the name."""
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()


def _places(total: int, shares: Sequence[int]) -> list[int]:
    """Return how many collections each split is to get: the shares, by largest remainder."""
    places = [total * share // 100 for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda i: (-(total * shares[i] % 100), i))
    for side in by_remainder[: total - sum(places)]:
        places[side] += 1
    return places


def _side(group: Sequence[str], free: Sequence[int], rng: random.Random) -> int:
    chances = [places if places >= len(group) else 0 for places in free]
    if not any(chances):
        return max(range(len(free)), key=lambda side: free[side])
    return rng.choices(range(len(free)), weights=chances)[0]


def _give_each_one(dealt: list[int], shares: Sequence[int]) -> None:
    """Move the smallest families to splits that have a share and got none, in place.

    `dealt` is the split of each family, from the largest to the smallest.
    """
    by_share = sorted(
        (side for side, share in enumerate(shares) if share), key=lambda i: -shares[i]
    )
    wanted = by_share[: len(dealt)]
    for side in (side for side in wanted if side not in dealt):
        counts = Counter(dealt)
        spare = [other for other in counts if counts[other] > 1 or other not in wanted]
        giver = max(spare, key=lambda other: (counts[other], other))
        dealt[max(at for at, other in enumerate(dealt) if other == giver)] = side
