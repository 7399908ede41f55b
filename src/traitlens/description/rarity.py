"""How rare the tokens of a collection are.

There is no measure that all agree on, but OpenRarity's, the information content, is the usual one
(openrarity.dev): a token is as rare as its traits together are surprising.
"""

# Axes: N tokens, V distinct traits, T trait types, P pairs of a token and what it has

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from traitlens.captions.words import trait_words
from traitlens.description.counting import distinct_pairs, type_numbers
from traitlens.description.statistics import Histogram, RareToken, Rarity, TraitCount
from traitlens.digest import Digest
from traitlens.plain_text import one_line
from traitlens.records import Trait

SHOWN = 10

Ints = NDArray[np.int64]


def information_bits(digest: Digest) -> NDArray[np.float64]:
    """Return (N,) the information content of each token in bits, 0 for rejected ones.

    The sum of -log2 p over the distinct traits of a token, where p is the share of the kept tokens
    that have the trait, and over the trait types that it lacks, where p is the share that lack
    them, too. Numbers and dates do not count: a serial number would be the rarest of all. It is
    the score of OpenRarity but for the division by the collection's mean.
    """
    kept = max(1, int(digest.kept.sum()))
    rows_P, traits_P = _distinct_traits(digest)
    bits_V = _bits(np.bincount(traits_P, minlength=len(digest.vocabulary)), kept)
    said_N = np.bincount(rows_P, weights=bits_V[traits_P], minlength=len(digest))
    rows_P, types_P = distinct_pairs(rows_P, type_numbers(digest)[traits_P])
    lacking_T = _bits(kept - np.bincount(types_P, minlength=1), kept)
    own_N = np.bincount(rows_P, weights=lacking_T[types_P], minlength=len(digest))
    bits_N = np.maximum(said_N + lacking_T.sum() - own_N, 0.0)
    return np.where(digest.kept, bits_N, 0.0)


def _bits(counts: Ints, kept: int) -> NDArray[np.float64]:
    """Return -log2(count / kept) of each; what never occurs is asked for by nobody and gets 0."""
    return -np.log2(np.where(counts > 0, counts, kept) / kept)


def _distinct_traits(digest: Digest) -> tuple[Ints, Ints]:
    """Return the rows and traits (P,) of all kept tokens, each pair once, without measures."""
    counts_V = np.array(
        [not trait_words(trait).is_measure for trait in digest.vocabulary], np.bool_
    )
    rows_P = np.repeat(np.arange(len(digest)), np.diff(digest.trait_start))
    telling_P = digest.kept[rows_P] & counts_V[digest.trait_index]
    return distinct_pairs(rows_P[telling_P], digest.trait_index[telling_P].astype(np.int64))


def rarity(digest: Digest, counts_V: Ints, token_ids: list[str]) -> Rarity:
    """Return who and what is rare in a collection.

    `counts_V` are the digest's `trait_counts`, and `token_ids` those of its rows.
    """
    bits_N = information_bits(digest)
    kept = np.flatnonzero(digest.kept)
    rarest = kept[np.argsort(-bits_N[kept], kind="stable")][:SHOWN]
    said = [n for n in range(len(counts_V)) if counts_V[n] and _is_telling(digest.vocabulary[n])]
    order = sorted(said, key=lambda n: int(counts_V[n]))
    common = sorted(said, key=lambda n: -int(counts_V[n]))
    bits = bits_N[kept]
    return Rarity(
        rarest_traits=tuple(_count(digest, counts_V, n) for n in order[:SHOWN]),
        common_traits=tuple(_count(digest, counts_V, n) for n in common[:SHOWN]),
        rarest_tokens=tuple(
            RareToken(token_id=one_line(token_ids[row]), bits=round(float(bits_N[row]), 3))
            for row in rarest
        ),
        mean_bits=round(float(bits.mean()), 3) if len(bits) else 0.0,
        median_bits=round(float(np.median(bits)), 3) if len(bits) else 0.0,
        bits=Histogram.of(Counter(bits.astype(np.int64).tolist())),
    )


def _is_telling(trait: Trait) -> bool:
    words = trait_words(trait)
    return bool(words.phrase) and not words.is_measure


def _count(digest: Digest, counts_V: Ints, number: int) -> TraitCount:
    trait = digest.vocabulary[number]
    return TraitCount(
        trait_type=one_line(trait.trait_type),
        value=one_line(trait.value),
        tokens=int(counts_V[number]),
    )
