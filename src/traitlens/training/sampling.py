"""Which tokens meet in a batch: they are one another's negatives, so it decides what is learnt.

Axes: N tokens, T traits of a token at most, L tokens of a pool.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.config import check_choice, check_range
from traitlens.training.material import Material

KINDS = ("collection", "random", "groups", "hard")

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingConfig:
    """How batches are drawn.

    Random batches over many collections hold few tokens that are hard to tell apart: of B tokens
    out of C collections, (B - 1) / C are of another one's collection. What a searcher confuses is
    nearly always within one. By `kind`, a batch is

    - `collection`: of one collection, but for a share `mixed` of batches that mix all of them and
      keep the collections apart
    - `random`: any tokens, each as likely
    - `groups`: to a share `near` of groups, each of `group` look-alikes of a collection of its own,
      and for the rest of any tokens
    - `hard`: as `collection`, made of groups of look-alikes

    Look-alikes are a random token and those of a random `pool` of its collection that differ least
    in what they show: d(i, j) = the sum of the bits of the phrases that one of them has and the
    other has not (`training.vocabulary`), a Hamming distance in which rare traits count more. With
    a `pool` no larger than `group` they are any tokens of the collection.
    """

    kind: str = "collection"
    mixed: float = 0.1  # share of batches over all collections, in [0, 1]
    balance: float = 0.5  # a collection of n tokens is drawn with weight n ** balance, in [0, 1]
    near: float = 0.75  # share of a batch that groups make up, in [0, 1]
    group: int = 32  # tokens
    pool: int = 512  # tokens

    def __post_init__(self) -> None:
        check_choice("sampling.kind", self.kind, KINDS)
        check_range("sampling.mixed", self.mixed, low=0, high=1)
        check_range("sampling.balance", self.balance, low=0, high=1)
        check_range("sampling.near", self.near, low=0, high=1)
        check_range("sampling.group", self.group, low=2)
        check_range("sampling.pool", self.pool, low=1)


class Sampler:
    """Draws the rows of batches; the same generator gives the same rows."""

    def __init__(self, material: Material, config: SamplingConfig) -> None:
        sizes = np.bincount(material.collection_N, minlength=len(material.collections))
        order = np.argsort(material.collection_N, kind="stable")
        self._members = [m for m in np.split(order, np.cumsum(sizes)[:-1]) if len(m)]
        weights = np.array([len(m) for m in self._members], float) ** config.balance
        self._weights = weights / weights.sum()
        self._config = config
        self._total = len(material)
        self._alike = Alike(material) if config.kind in ("groups", "hard") else None

    def draw(self, size: int, *, rng: np.random.Generator) -> Rows:
        """Return the rows of one batch: `size` of them, none twice, fewer where there are fewer.

        A batch of one collection is as small as that is.
        """
        if self._config.kind == "random":
            return rng.choice(self._total, min(size, self._total), replace=False)
        if self._config.kind == "groups":
            return self._draw_groups(size, rng=rng)
        if rng.random() < self._config.mixed:
            return self._draw_mixed(size, rng=rng)
        members = self._members[rng.choice(len(self._members), p=self._weights)]
        if self._config.kind == "hard":
            return self._grouped([members] * -(-size // self._config.group), size, rng=rng)
        return rng.choice(members, min(size, len(members)), replace=False)

    def _draw_mixed(self, size: int, *, rng: np.random.Generator) -> Rows:
        counts = rng.multinomial(size, self._weights)
        return np.concatenate(
            [
                rng.choice(members, min(int(count), len(members)), replace=False)
                for members, count in zip(self._members, counts, strict=True)
                if count
            ]
        )

    def _draw_groups(self, size: int, *, rng: np.random.Generator) -> Rows:
        """Return groups of as many collections as there are groups, or are, and any tokens."""
        size = min(size, self._total)
        near = round(self._config.near * size)
        wanted = -(-near // self._config.group)
        # Weighted and without repeats: the first to come of exponential waiting times.
        waits = rng.exponential(size=len(self._members)) / self._weights
        chosen = np.resize(np.argsort(waits)[:wanted], wanted)
        rows = self._grouped([self._members[number] for number in chosen], near, rng=rng)
        any_rows = rng.choice(self._total, size, replace=False)  # enough, whichever are taken
        any_rows = any_rows[~np.isin(any_rows, rows)]
        return np.concatenate([rows, any_rows[: size - len(rows)]])

    def _grouped(self, members: list[Rows], size: int, *, rng: np.random.Generator) -> Rows:
        """Return groups of look-alikes, one from each list of members: `size` rows at most."""
        assert self._alike is not None
        taken_N = np.zeros(self._total, np.bool_)
        groups: list[Rows] = [np.zeros(0, np.int64)]
        for of_collection in members:
            count = min(self._config.group, size - int(taken_N.sum()))
            left = of_collection[~taken_N[of_collection]]
            pool = rng.choice(left, min(len(left), max(self._config.pool, count)), replace=False)
            groups.append(self._alike.nearest(pool, count))
            taken_N[groups[-1]] = True
        return np.concatenate(groups)


class Alike:
    """Tells which tokens differ least in what they show."""

    def __init__(self, material: Material) -> None:
        width = max(map(len, material.tags), default=0)
        # Short rows are filled up with a number of their own, of 0 bits.
        self._nothing = len(material.vocabulary)
        self._numbers_NT = np.full((len(material), width), self._nothing, np.int32)
        self._bits_NT = np.zeros((len(material), width), np.float32)
        told = [material.vocabulary.told(number) for number in range(len(material.collections))]
        for row, tags in enumerate(material.tags):
            of_collection = told[material.collection_N[row]]
            for column, words in enumerate(dict.fromkeys(tag.words for tag in tags)):
                self._numbers_NT[row, column], self._bits_NT[row, column] = of_collection[words]
        self._total_N = self._bits_NT.sum(axis=1)

    def nearest(self, pool_L: Rows, count: int) -> Rows:
        """Return `count` rows of a pool: its first one and those nearest to it, the nearest first.

        Of equally near ones the first in the pool go before.
        """
        apart_L = self.apart(pool_L[:1], pool_L) if len(pool_L) else np.zeros(0)
        return pool_L[np.argsort(apart_L, kind="stable")[:count]]

    def apart(self, row: Rows, pool_L: Rows) -> NDArray[np.float32]:
        """Return how far the tokens of a pool are from that at `row`, in bits: (L,)."""
        bits_V = np.zeros(self._nothing + 1, np.float32)
        bits_V[self._numbers_NT[row]] = self._bits_NT[row]
        shared_L = bits_V[self._numbers_NT[pool_L]].sum(axis=1)
        return np.asarray(self._total_N[row] + self._total_N[pool_L] - 2 * shared_L)
