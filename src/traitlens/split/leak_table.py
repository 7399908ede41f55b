"""The tokens of a data set as columns: what is needed to find equal and similar pictures.

Axes: N kept tokens that have a split, in the order of the data set.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from traitlens.digest import key_of
from traitlens.progress import Progress, silent
from traitlens.records import SPLITS, Location, Token
from traitlens.shards import read_shard
from traitlens.split.equals import draws
from traitlens.split.neighbours import NONE, Entries, Numbers, nearest_of_earlier_splits
from traitlens.store import Dataset

# The collection and split of a held-out token, and those of its look-alike, as numbers
Group = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """P tokens with a look-alike of an earlier split each, by their rows in the table."""

    held_out_P: Numbers
    seen_P: Numbers
    bits_P: NDArray[np.uint8]  # in which their perceptual hashes differ

    def __len__(self) -> int:
        return len(self.held_out_P)

    def take(self, chosen: Numbers) -> Pairs:
        return Pairs(
            held_out_P=self.held_out_P[chosen],
            seen_P=self.seen_P[chosen],
            bits_P=self.bits_P[chosen],
        )

    def rows(self) -> list[tuple[int, int]]:
        """Return (held out, seen) of each."""
        return list(zip(self.held_out_P.tolist(), self.seen_P.tolist(), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeakTable:
    """Keys and places of the tokens; a key of 0 means that there is none."""

    uid_keys_N: NDArray[np.uint64]
    pixel_keys_N: NDArray[np.uint64]
    perceptual_N: NDArray[np.uint64]
    split_N: NDArray[np.int8]
    collection_N: NDArray[np.int32]
    shard_N: NDArray[np.int32]
    row_N: NDArray[np.int32]
    shards: tuple[str, ...]

    @classmethod
    def of(cls, data: Dataset, *, progress: Progress = silent) -> LeakTable:
        """Read the table from a data set, without its pictures."""
        keys = [array("Q") for _ in range(3)]
        places = [array("i") for _ in range(4)]
        shards: list[str] = []
        total = sum(entry.read for entry in data.manifest.collections)
        done = 0
        for number, entry in enumerate(data.manifest.collections):
            for shard in entry.shards:
                progress("leaks: read", done, total)
                for token in read_shard(data.path / "tokens" / shard, images=False):
                    done += 1
                    if token.status != "kept" or token.split is None or token.location is None:
                        continue
                    hashes = (token.pixels_sha256, token.perceptual_hash)
                    values = [key_of(token.token_uid), *(int((h or "0")[:16], 16) for h in hashes)]
                    place = (
                        SPLITS.index(token.split),
                        number,
                        len(shards),
                        token.location.row,
                    )
                    for column, value in zip((*keys, *places), (*values, *place), strict=True):
                        column.append(value)
                shards.append(shard)
        progress("leaks: read", total, total)
        return cls(
            uid_keys_N=np.array(keys[0], np.uint64),
            pixel_keys_N=np.array(keys[1], np.uint64),
            perceptual_N=np.array(keys[2], np.uint64),
            split_N=np.array(places[0], np.int8),
            collection_N=np.array(places[1], np.int32),
            shard_N=np.array(places[2], np.int32),
            row_N=np.array(places[3], np.int32),
            shards=tuple(shards),
        )

    def __len__(self) -> int:
        return len(self.split_N)

    def location(self, row: int) -> Location:
        return Location(shard=self.shards[self.shard_N[row]], row=int(self.row_N[row]))

    def tokens(self, data: Dataset, rows: Iterable[int]) -> dict[int, Token]:
        """Return the tokens of some rows, without pictures; only their shards are read."""
        wanted: dict[int, dict[int, int]] = {}
        for row in rows:
            wanted.setdefault(int(self.shard_N[row]), {})[int(self.row_N[row])] = row
        found = {}
        for shard, places in wanted.items():
            for at, token in enumerate(
                read_shard(data.path / "tokens" / self.shards[shard], images=False)
            ):
                if at in places:
                    found[places[at]] = token
        return found

    def groups(self, pairs: Pairs) -> Iterator[tuple[Group, Pairs]]:
        """Yield the pairs by the collections and splits of their two tokens.

        Those of different collections come first.
        """
        sides = (pairs.held_out_P, pairs.seen_P)
        columns = [column[side] for side in sides for column in (self.collection_N, self.split_N)]
        within = columns[0] == columns[2]
        key_5P = np.stack([within, *columns])
        distinct, group_P = np.unique(key_5P, axis=1, return_inverse=True)
        for number, (_, *group) in enumerate(distinct.T.tolist()):
            a, b, c, d = group
            yield (a, b, c, d), pairs.take(np.flatnonzero(group_P.ravel() == number))

    def sample(self, pairs: Pairs, count: int, *, seed: int) -> Pairs:
        """Return up to `count` of the pairs, drawn by the held-out token's uid."""
        drawn = draws(self.uid_keys_N[pairs.held_out_P], seed)
        return pairs.take(np.sort(np.argsort(drawn, kind="stable")[:count]))

    def equal_pixels(self) -> Pairs:
        """Return each token whose pixels one of an earlier split has, with the first such one."""
        rows = np.flatnonzero(self.pixel_keys_N)
        order = rows[np.lexsort((rows, self.split_N[rows], self.pixel_keys_N[rows]))]
        keys = self.pixel_keys_N[order]
        starts = np.flatnonzero(np.diff(keys, prepend=keys[:1] + np.uint64(1)))
        first = order[np.repeat(starts, np.diff(starts, append=len(order)))]
        apart = self.split_N[order] > self.split_N[first]
        return _sorted_pairs(order[apart], first[apart], np.zeros(apart.sum(), np.uint8))

    def look_alikes(self, *, bits: int) -> tuple[Pairs, bool]:
        """Return each token's nearest look-alikes of earlier splits, and whether all were compared.

        At most one of the same collection and one of another. Equal pixels are no look-alikes.
        """
        rows = np.flatnonzero(self.perceptual_N)
        entries, entry_R, first_E = self._entries(rows)
        nearest = nearest_of_earlier_splits(entries, bits=bits)
        index_2R = np.concatenate([nearest.within_E[entry_R], nearest.across_E[entry_R]])
        bits_2R = np.concatenate([nearest.within_bits_E[entry_R], nearest.across_bits_E[entry_R]])
        held_out = np.tile(rows, 2)[bits_2R != NONE]
        seen = first_E[index_2R[bits_2R != NONE]]
        unequal = self.pixel_keys_N[held_out] != self.pixel_keys_N[seen]
        pairs = (held_out[unequal], seen[unequal], bits_2R[bits_2R != NONE][unequal])
        return _sorted_pairs(*pairs), nearest.complete

    def _entries(self, rows: Numbers) -> tuple[Entries, Numbers, Numbers]:
        """Return distinct hashes of each collection and split, each row's entry, the first rows."""
        keys = (self.perceptual_N, self.collection_N, self.split_N)
        columns: list[NDArray[Any]] = [key[rows] for key in keys]
        order = np.lexsort((rows, *columns[::-1]))
        new = np.zeros(len(rows), np.bool_)
        for column in columns:
            new |= np.diff(column[order], prepend=column[order][:1]) != 0
        new[:1] = True
        entry_R = np.empty(len(rows), np.int64)
        entry_R[order] = np.cumsum(new) - 1
        first_E = rows[order[new]]
        entries = Entries(
            hashes_E=self.perceptual_N[first_E],
            split_E=self.split_N[first_E],
            collection_E=self.collection_N[first_E],
        )
        return entries, entry_R, first_E


def _sorted_pairs(held_out: Numbers, seen: Numbers, bits: NDArray[np.uint8]) -> Pairs:
    order = np.lexsort((seen, held_out))
    return Pairs(held_out_P=held_out[order], seen_P=seen[order], bits_P=bits[order])
