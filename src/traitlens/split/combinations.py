"""The rule by_combination: the test asks for unseen combinations of seen traits.

Pairs of trait values of different types are held out: first pairs for test, then pairs for
validation, each time in a seeded order over all pairs that occur, until the split has its share.
Whoever has a test pair is in test; of the others, whoever has a validation pair is in validation;
the rest is train. So train has no held-out pair, and validation has none of test. Equal trait sets
and equal pixels stay together, so a token may also follow one that it equals in pixels.

A pair is passed over when
- fewer than `min_pair_tokens` tokens have it, or so many that a single pair would fill more than
  a quarter of the split's share (where the share allows for so much choice);
- the split would get more than its share;
- one of the values that are held out in some pair, these two among them, would be left with fewer
  than `min_train_tokens` tokens in train.

Shares are thus met from below, as nearly as the pairs allow; a collection of few or of lone traits
may have no pair to hold out at all, and is train then. (Compare the compositional splits of Keysers
et al. 2020, "Measuring Compositional Generalization", which hold out more than pairs.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from traitlens.digest import Digest, key_of
from traitlens.records import SPLITS
from traitlens.split.config import SplitConfig
from traitlens.split.equals import Groups, Rows, draws

_TRAIN, _VALIDATION, _TEST = range(len(SPLITS))
_ROWS_AT_ONCE = 2**14
_MAX_SHARE_OF_A_PAIR = 1 / 4


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two trait values by their numbers in the vocabulary, and how many tokens have both."""

    first: int
    second: int
    split: int
    tokens: int


@dataclass(frozen=True, slots=True, eq=False)
class _HeldOut:
    split_M: NDArray[np.int8]
    pairs: list[_Pair]


def hold_out(digest: Digest, groups: Groups, config: SplitConfig) -> _HeldOut:
    """Return the split of each kept token and the pairs that made it so."""
    incidence = _Incidence.of(digest, groups)
    pairs = _Pairs.of(digest, incidence, min_tokens=config.min_pair_tokens)
    work = _Work(
        incidence=incidence,
        groups=groups,
        pairs=pairs,
        min_train_tokens=config.min_train_tokens,
        split_M=np.zeros(len(groups.rows_M), np.int8),
        left_V=np.bincount(incidence.trait_of, minlength=len(digest.vocabulary)),
    )
    total = len(groups.rows_M)
    for split in (_TEST, _VALIDATION):
        share = total * config.shares[split] // 100
        work.fill(split, share=share, seed=config.seed)
    return _HeldOut(work.split_M, work.chosen)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Incidence:
    """Which kept token has which trait, each once: row by row, and trait by trait."""

    trait_of: Rows  # row by row
    start_M: Rows  # where each row starts in `trait_of`, and the end
    token_of: Rows  # trait by trait
    start_V: Rows

    @classmethod
    def of(cls, digest: Digest, groups: Groups) -> _Incidence:
        values = len(digest.vocabulary)
        number = np.full(len(digest), -1)
        number[groups.rows_M] = np.arange(len(groups.rows_M))
        token = np.repeat(number, np.diff(digest.trait_start))
        cells = np.unique(token[token >= 0] * values + digest.trait_index[token >= 0])
        tokens, traits = np.divmod(cells, max(values, 1))
        return cls(
            trait_of=traits,
            start_M=np.searchsorted(tokens, np.arange(len(groups.rows_M) + 1)),
            token_of=tokens[np.argsort(traits, kind="stable")],
            start_V=np.searchsorted(np.sort(traits), np.arange(values + 1)),
        )

    def tokens_with(self, value: int) -> Rows:
        return self.token_of[self.start_V[value] : self.start_V[value + 1]]

    def traits_of(self, tokens: Rows) -> Rows:
        """Return the traits of some tokens, one after the other."""
        starts, ends = self.start_M[tokens], self.start_M[tokens + 1]
        lengths = ends - starts
        firsts = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
        found: Rows = self.trait_of[firsts + np.arange(lengths.sum())]
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pairs:
    """The P pairs of values of different types that occur, and how often."""

    first_P: Rows
    second_P: Rows
    count_P: Rows
    key_P: NDArray[np.uint64]  # hangs on what the values are called, not on their numbers

    @classmethod
    def of(cls, digest: Digest, incidence: _Incidence, *, min_tokens: int) -> _Pairs:
        # What too few tokens have is in no pair that enough have; serial numbers go here.
        common_V = np.diff(incidence.start_V) >= min_tokens
        type_V = _types(digest)
        values = len(digest.vocabulary)
        keys, counts = np.empty(0, np.int64), np.empty(0, np.int64)
        for cells in _pairs_of_rows(incidence, common_V, type_V):
            found, number = np.unique(cells, return_counts=True)
            keys, at = np.unique(np.concatenate([keys, found]), return_inverse=True)
            counts = np.bincount(at, np.concatenate([counts, number])).astype(np.int64)
        keys, counts = keys[counts >= min_tokens], counts[counts >= min_tokens]
        first, second = np.divmod(keys, max(values, 1))
        name_V = _names(digest)
        key_P = draws(name_V[first], 1) + draws(name_V[second], 1)
        return cls(first_P=first, second_P=second, count_P=counts, key_P=key_P)


def _types(digest: Digest) -> Rows:
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(t.trait_type, len(numbers)) for t in digest.vocabulary])


def _names(digest: Digest) -> NDArray[np.uint64]:
    keys = [key_of(f"{trait.trait_type}\0{trait.value}") for trait in digest.vocabulary]
    return np.array(keys, np.uint64)


def _pairs_of_rows(
    incidence: _Incidence, common_V: NDArray[np.bool_], type_V: Rows
) -> Iterator[Rows]:
    """Yield, for some rows at a time, `first * V + second` for each pair that a row has."""
    values = len(common_V)
    lengths = np.diff(incidence.start_M)
    for start in range(0, len(lengths), _ROWS_AT_ONCE):
        rows = np.arange(start, min(start + _ROWS_AT_ONCE, len(lengths)))
        cells = [np.empty(0, np.int64)]
        for length in np.unique(lengths[rows]):
            alike = rows[lengths[rows] == length]
            traits = incidence.trait_of[incidence.start_M[alike, None] + np.arange(length)]
            for one in range(length):
                first, second = traits[:, [one]], traits[:, one + 1 :]
                fits = common_V[first] & common_V[second] & (type_V[first] != type_V[second])
                cells.append((first * values + second)[fits])
        yield np.concatenate(cells)


@dataclass(slots=True, kw_only=True, eq=False)
class _Work:
    """The splits as they become."""

    incidence: _Incidence
    groups: Groups
    pairs: _Pairs
    min_train_tokens: int
    split_M: NDArray[np.int8]
    left_V: Rows  # tokens of train that have each value
    guarded: set[int] = field(default_factory=set)  # values of pairs that are held out
    chosen: list[_Pair] = field(default_factory=list)
    _members: list[Rows] = field(init=False)  # of each group

    def __post_init__(self) -> None:
        order = np.argsort(self.groups.group_M, kind="stable")
        self._members = np.split(order, np.cumsum(self.groups.size_G)[:-1])

    def fill(self, split: int, *, share: int, seed: int) -> None:
        """Hold out pairs for a split until it has `share` tokens, or no pair fits any more."""
        pairs, room = self.pairs, share
        most = max(round(share * _MAX_SHARE_OF_A_PAIR), 1)
        if not (pairs.count_P <= most).any():
            most = share
        for at in np.lexsort((pairs.key_P, draws(pairs.key_P, seed))):
            if room == 0:
                return
            if pairs.count_P[at] > min(most, room):
                continue
            pair = int(pairs.first_P[at]), int(pairs.second_P[at])
            taken = self._taken(pair, room=room)
            if taken is None:
                continue
            self.split_M[taken] = split
            self.left_V -= self._having(taken)
            self.guarded.update(pair)
            self.chosen.append(_Pair(*pair, split, int(pairs.count_P[at])))
            room -= len(taken)

    def _taken(self, pair: tuple[int, int], *, room: int) -> Rows | None:
        """Return the tokens that would leave train for a pair; None when it is passed over."""
        first, second = map(self.incidence.tokens_with, pair)
        both = np.intersect1d(first, second, assume_unique=True)
        having = both[self.split_M[both] == _TRAIN]
        if len(having) == 0:
            return None
        groups = np.unique(self.groups.group_M[having])
        taken = np.concatenate([self._members[group] for group in groups])
        if len(taken) > room:
            return None
        left_V = self.left_V - self._having(taken)
        seen = all(left_V[value] >= self.min_train_tokens for value in (*self.guarded, *pair))
        return taken if seen else None

    def _having(self, tokens: Rows) -> Rows:
        """Return (V,) how many of the tokens have each value."""
        return np.bincount(self.incidence.traits_of(tokens), minlength=len(self.left_V))
