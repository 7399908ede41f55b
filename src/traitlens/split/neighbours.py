"""Which pictures of one split have a look-alike in another, by perceptual hash, among millions.

Two hashes that differ in at most d bits agree in at least one of d + 1 parts of theirs (Norouzi,
Punjani and Fleet 2012, "Fast search in Hamming space with multi-index hashing"). So for each part
the pictures that agree in it are compared, and no others. Equal hashes of one collection and split
are compared once. Axes: N pictures, E distinct entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

HASH_BITS = 64
NONE = 255  # bits: no look-alike at all

# Where a single part is shared by very many, each is compared with a sample of them.
MOST_IN_A_PART = 4096
_COMPARED_AT_ONCE = 2**20

Hashes = NDArray[np.uint64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entries:
    """Pictures, or what stands for equal ones: hash, split (a number) and collection (a number)."""

    hashes_E: Hashes
    split_E: NDArray[np.int8]
    collection_E: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.hashes_E)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nearest:
    """Of each entry, the nearest one of an earlier split: which, and in how many bits it differs.

    Once among the same collection and once among all others; `NONE` where there is none.
    """

    within_E: Numbers
    within_bits_E: NDArray[np.uint8]
    across_E: Numbers
    across_bits_E: NDArray[np.uint8]
    complete: bool  # False when parts were so crowded that only a sample was compared


def nearest_of_earlier_splits(entries: Entries, *, bits: int) -> Nearest:
    """Return the nearest look-alikes within `bits` of each entry, in splits of a lesser number.

    Of equally near ones the first is taken.
    """
    count = len(entries)
    nearest = Nearest(
        within_E=np.zeros(count, np.int64),
        within_bits_E=np.full(count, NONE, np.uint8),
        across_E=np.zeros(count, np.int64),
        across_bits_E=np.full(count, NONE, np.uint8),
        complete=True,
    )
    crowded = False
    for asked, others in _meetings(entries, bits):
        crowded |= len(others) > MOST_IN_A_PART
        met = others[:: -(-len(others) // MOST_IN_A_PART)]
        for some in _chunks(asked, -(-_COMPARED_AT_ONCE // len(met))):
            _compare(entries, some, met, nearest, bits=bits)
    return Nearest(
        within_E=nearest.within_E,
        within_bits_E=nearest.within_bits_E,
        across_E=nearest.across_E,
        across_bits_E=nearest.across_bits_E,
        complete=not crowded,
    )


def _meetings(entries: Entries, bits: int) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield entries that agree in a part of their hash: some of one split, all of earlier ones."""
    bounds = [HASH_BITS * part // (bits + 1) for part in range(bits + 2)]
    for low, high in pairwise(bounds):
        mask = np.uint64((1 << (high - low)) - 1)
        part_E = (entries.hashes_E >> np.uint64(low)) & mask
        order = np.lexsort((np.arange(len(entries)), entries.split_E, part_E))
        starts = np.flatnonzero(np.diff(part_E[order], prepend=part_E[order][:1] + np.uint64(1)))
        ends = np.append(starts[1:], len(order))
        split = entries.split_E[order]
        mixed = split[starts] != split[ends - 1] if len(starts) else np.empty(0, np.bool_)
        for start, end in zip(starts[mixed].tolist(), ends[mixed].tolist(), strict=True):
            here = split[start:end]
            for first in np.flatnonzero(np.diff(here)) + 1:
                last = np.searchsorted(here, here[first], side="right")
                yield order[start + first : start + last], np.sort(order[start : start + first])


def _chunks(numbers: Numbers, size: int) -> Iterator[Numbers]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]


def _compare(
    entries: Entries, asked: Numbers, others: Numbers, nearest: Nearest, *, bits: int
) -> None:
    """Write into `nearest` which of `others` is nearest to each of those `asked`."""
    differing = differing_bits(entries.hashes_E[asked, None], entries.hashes_E[None, others])
    differing[differing > bits] = NONE
    same = entries.collection_E[asked, None] == entries.collection_E[None, others]
    for kind, index_E, bits_E in (
        (same, nearest.within_E, nearest.within_bits_E),
        (~same, nearest.across_E, nearest.across_bits_E),
    ):
        seen = np.where(kind, differing, NONE)
        best = seen.argmin(axis=1)
        found = seen[np.arange(len(asked)), best]
        which = others[best]
        nearer = (found < bits_E[asked]) | ((found == bits_E[asked]) & (which < index_E[asked]))
        index_E[asked[nearer]] = which[nearer]
        bits_E[asked[nearer]] = found[nearer]


def differing_bits(a: Hashes, b: Hashes) -> NDArray[np.uint8]:
    """Return in how many bits the hashes differ, which are broadcast against one another."""
    words = (a ^ b)[..., None].view(np.uint16)
    counts: NDArray[np.uint8] = _BITS_OF_A_WORD[words].sum(axis=-1, dtype=np.uint8)
    return counts


_BITS_OF_A_WORD = np.array([number.bit_count() for number in range(2**16)], np.uint8)
