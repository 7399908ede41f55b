"""What must not be divided: tokens with equal trait sets or equal pixels, and what these link."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.digest import Digest

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """The kept tokens of a collection in groups of equals.

    Axes: M kept tokens, G groups. Neither a group nor its key hangs on the order of the rows.
    """

    rows_M: Rows  # the rows of the digest that are kept, ascending
    group_M: Rows  # the number of each one's group
    size_G: Rows
    key_G: NDArray[np.uint64]  # the least `uid_keys` of its members

    @classmethod
    def of(cls, digest: Digest) -> Groups:
        """Return the groups of a collection's kept tokens."""
        rows_M = np.flatnonzero(digest.kept)
        links = [
            _links(digest.trait_set_keys()[rows_M]),
            _links(digest.pixel_keys[rows_M], nothing=0),
        ]
        leader_M = _components(len(rows_M), np.concatenate(links, axis=1))
        _, group_M, size_G = np.unique(leader_M, return_inverse=True, return_counts=True)
        key_G = np.full(len(size_G), np.iinfo(np.uint64).max, np.uint64)
        np.minimum.at(key_G, group_M, digest.uid_keys[rows_M])
        return cls(rows_M=rows_M, group_M=group_M, size_G=size_G, key_G=key_G)

    def order(self, seed: int) -> Rows:
        """Return the groups in an order drawn from the seed and their keys alone."""
        return np.lexsort((self.key_G, draws(self.key_G, seed)))


def draws(keys: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Return a pseudo-random number for each key, drawn anew for each seed."""
    start = np.uint64(mix(np.array([seed % 2**64], np.uint64))[0])
    return mix(keys ^ start)


def mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return numbers that look random and are equal where `x` is (SplitMix64's finalizer)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)  # unsigned numbers wrap around
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _links(keys_M: NDArray[np.uint64], *, nothing: int | None = None) -> Rows:
    """Return (2, L) pairs that chain what has equal keys; the key `nothing` links nothing."""
    order = np.argsort(keys_M, kind="stable")
    ordered = keys_M[order]
    same = ordered[1:] == ordered[:-1]
    if nothing is not None:
        same &= ordered[1:] != nothing
    return np.stack([order[:-1][same], order[1:][same]])


def _components(count: int, links_2L: Rows) -> Rows:
    """Return for each of `count` things the least of those it is linked with, through any others.

    Every round halves the number of unfinished components at least, since each either joins a
    lesser neighbour or is joined by all of its own.
    """
    leader = np.arange(count)
    while True:
        low, high = np.sort(leader[links_2L], axis=0)
        apart = low != high
        if not apart.any():
            return leader
        links_2L = links_2L[:, apart]
        np.minimum.at(leader, high[apart], low[apart])
        while not np.array_equal(leader[leader], leader):
            leader = leader[leader]
