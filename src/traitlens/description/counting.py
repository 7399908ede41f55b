"""One pass over the rows of a collection: what is counted, and how collections add up.

Of a token stay some numbers and a few 8-byte keys, so a collection may be larger than memory. Sums
over collections need no second pass: counts add up, and distinct things are counted by their keys.
"""

# Axes: N tokens, K keys

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from traitlens.captions import phrase
from traitlens.description.statistics import (
    CaptionNumbers,
    Ceilings,
    Histogram,
    PictureNumbers,
    Size,
    TraitNumbers,
    TraitType,
)
from traitlens.digest import Digest, key_of
from traitlens.metrics import ceiling
from traitlens.plain_text import one_line
from traitlens.records import Token

_SIZES = 12  # the most frequent ones
_TYPES = 60
_MEDIA_TYPES = 20

Keys = NDArray[np.uint64]


@dataclass(slots=True)
class Tally:
    """What is counted of rows; those of a collection's digest stand beside it."""

    traits_per_token: Counter[int] = field(default_factory=Counter)
    caption_words: Counter[int] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    media_types: Counter[str] = field(default_factory=Counter)
    animated: int = 0
    caption_keys: array[int] = field(default_factory=lambda: array("Q"))
    token_ids: list[str] = field(default_factory=list)  # of all rows, as the digest has them
    shard_lengths: Counter[str] = field(default_factory=Counter)  # rows of each shard, in order

    def watch(self, tokens: Iterable[Token]) -> Iterator[Token]:
        """Yield the tokens, kept and rejected, and count them in passing."""
        for token in tokens:
            assert token.location is not None, "a reader fills the location in"
            self.shard_lengths[token.location.shard] += 1
            self.token_ids.append(token.token_id)
            if token.status == "kept":
                self._count(token)
            yield token

    def _count(self, token: Token) -> None:
        self.traits_per_token[len(token.traits)] += 1
        self.caption_words[len(token.caption.split())] += 1
        self.sizes[token.width, token.height] += 1
        self.media_types[token.media_type or "not recorded"] += 1
        self.animated += token.frame_count > 1
        self.caption_keys.append(key_of(token.caption))

    def add(self, other: Tally) -> None:
        """Add the counts of a collection to those of the whole; what names rows stays there."""
        self.traits_per_token.update(other.traits_per_token)
        self.caption_words.update(other.caption_words)
        self.sizes.update(other.sizes)
        self.media_types.update(other.media_types)
        self.animated += other.animated


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CollectionKeys:
    """The keys of one collection that tell distinct things from equal ones."""

    captions: Keys  # (N,) of the kept tokens
    pixels: Keys  # (N,) of the kept tokens, 0 where there is none
    types: Keys
    traits: Keys
    trait_tokens: Keys  # how many kept tokens have each of `traits`
    phrases: Keys

    @classmethod
    def of(cls, digest: Digest, counts: NDArray[np.int64], tally: Tally) -> CollectionKeys:
        """Return the keys of the kept tokens and of the traits they have, (V,) `counts` times."""
        traits = [trait for trait, n in zip(digest.vocabulary, counts, strict=True) if n]
        said = {phrase(trait) for trait in traits} - {""}
        return cls(
            captions=np.array(tally.caption_keys, np.uint64),
            pixels=digest.pixel_keys[digest.kept],
            types=_keys({trait.trait_type for trait in traits}),
            traits=_keys([f"{trait.trait_type}\0{trait.value}" for trait in traits]),
            trait_tokens=counts[counts > 0].astype(np.uint64),
            phrases=_keys(said),
        )


def _keys(texts: Iterable[str]) -> Keys:
    return np.array([key_of(text) for text in texts], np.uint64)


def trait_numbers(parts: Sequence[CollectionKeys], per_token: Counter[int]) -> TraitNumbers:
    """Return the counts over the traits of one or more collections."""
    traits, inverse = np.unique(_joined(part.traits for part in parts), return_inverse=True)
    tokens = np.bincount(inverse, _joined(part.trait_tokens for part in parts))
    return TraitNumbers(
        types=_distinct(part.types for part in parts),
        distinct=len(traits),
        phrases=_distinct(part.phrases for part in parts),
        single=int((tokens == 1).sum()),
        per_token=Histogram.of(per_token),
    )


def caption_numbers(parts: Sequence[CollectionKeys], words: Counter[int]) -> CaptionNumbers:
    """Return how often captions repeat in one or more collections taken as one gallery."""
    keys_N = _joined(part.captions for part in parts)
    distinct, inverse_N, counts = np.unique(keys_N, return_inverse=True, return_counts=True)
    same_N = counts[inverse_N] if len(keys_N) else np.ones(1, np.int64)
    top1, top5, top10 = (round(ceiling(same_N, k), 6) for k in (1, 5, 10))
    return CaptionNumbers(
        distinct=len(distinct),
        shared=int(counts[counts > 1].sum()),
        largest_group=int(counts.max(initial=0)),
        ceilings=Ceilings(top1=top1, top5=top5, top10=top10),
        words=Histogram.of(words),
    )


def picture_numbers(
    parts: Sequence[CollectionKeys], tally: Tally, *, stored_bytes: int
) -> PictureNumbers:
    """Return the exact counts over the pictures of one or more collections."""
    sizes = sorted(tally.sizes.items(), key=lambda item: (-item[1], item[0]))
    media = sorted(tally.media_types.items(), key=lambda item: (-item[1], item[0]))
    pixels_N = _joined(part.pixels for part in parts)
    counts = np.unique(pixels_N[pixels_N != 0], return_counts=True)[1]
    return PictureNumbers(
        sizes=tuple(Size(width=w, height=h, tokens=n) for (w, h), n in sizes[:_SIZES]),
        other_sizes=sum(n for _, n in sizes[_SIZES:]),
        media_types={one_line(kind): n for kind, n in media[:_MEDIA_TYPES]},
        animated=tally.animated,
        equal=int(counts[counts > 1].sum()),
        stored_bytes=stored_bytes,
    )


def trait_types(digest: Digest, counts_V: NDArray[np.int64]) -> tuple[TraitType, ...]:
    """Return the trait types of the kept tokens, those that most tokens have first."""
    names = list(dict.fromkeys(trait.trait_type for trait in digest.vocabulary))
    type_of_V = type_numbers(digest)
    rows = np.repeat(np.arange(len(digest)), np.diff(digest.trait_start))
    kept = digest.kept[rows]
    has = distinct_pairs(rows[kept], type_of_V[digest.trait_index[kept]])[1]
    tokens = np.bincount(has, minlength=len(names)).tolist()
    values = np.bincount(type_of_V[counts_V > 0], minlength=len(names)).tolist()
    found = [
        TraitType(name=one_line(name), values=values[number], tokens=tokens[number])
        for number, name in enumerate(names)
        if tokens[number]
    ]
    return tuple(sorted(found, key=lambda kind: -kind.tokens)[:_TYPES])


def distinct_pairs(
    rows_P: NDArray[np.int64], numbers_P: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of a row and a number (P,), each once and in order."""
    width = int(numbers_P.max(initial=0)) + 1
    rows_P, numbers_P = np.divmod(np.unique(rows_P * width + numbers_P), width)
    return rows_P, numbers_P


def type_numbers(digest: Digest) -> NDArray[np.int64]:
    """Return (V,) the number of each trait's type, in order of first appearance."""
    numbers: dict[str, int] = {}
    of_V = [numbers.setdefault(trait.trait_type, len(numbers)) for trait in digest.vocabulary]
    return np.array(of_V, np.int64)


def _joined(keys: Iterable[Keys]) -> Keys:
    return np.concatenate([np.empty(0, np.uint64), *keys])


def _distinct(keys: Iterable[Keys]) -> int:
    return len(np.unique(_joined(keys)))
