"""What the traits of a collection say of its pictures, beyond names and numbers.

A trait type says nothing when it has

    one value         every token has it, with the same value         Artist: Ada
    names             it is the token's name                          Name: Ada #7
    numbers           it counts the tokens                            Edition: 7, Rank: 12
    serial values     numbers, most of them borne by one token        DNA: 9f2c..., Born: 1634774400

and a value says nothing when it only stands for what is to come ("Unrevealed", "TBA"). Of the rest
the entropy of the tokens' trait sets is taken: 0 bits when all are equal, log2 N when no two are.

Axes: N tokens, V distinct traits.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.digest import Digest, key_of
from traitlens.records import Trait

ONE_VALUE, NAMES, NUMBERS, SERIAL, PLACEHOLDERS = (
    "one value",
    "names",
    "numbers",
    "serial values",
    "placeholders",
)

_SERIAL_SHARE = 0.5  # distinct values a token; ranks, hashes and birthdays have nearly 1

_NAMING = frozenset({"name", "token name", "nft name"})
_NUMBERING = frozenset(
    {
        "dna",
        "edition",
        "edition number",
        "hash",
        "id",
        "index",
        "mint",
        "mint number",
        "mint order",
        "no",
        "nr",
        "num",
        "number",
        "rank",
        "rarity rank",
        "seed",
        "serial",
        "serial number",
        "token",
        "token id",
        "token number",
        "tokenid",
    }
)

_PLACEHOLDERS = frozenset(
    {
        "unrevealed",
        "un revealed",
        "not revealed",
        "not yet revealed",
        "not revealed yet",
        "to be revealed",
        "waiting for reveal",
        "awaiting reveal",
        "pending reveal",
        "reveal pending",
        "reveal soon",
        "revealing soon",
        "pre reveal",
        "hidden",
        "coming soon",
        "soon",
        "pending",
        "placeholder",
        "mystery",
        "tba",
        "tbd",
        "tbr",
        "to be announced",
        "to be determined",
    }
)
_REVEALED = frozenset({"revealed", "is revealed", "reveal"})
_NOT = frozenset({"no", "false", "0", "not yet"})

# What is no word in a value: numbers, hexadecimal ones too, and what stands between them
_NUMBER = re.compile(r"0x[0-9a-f]+|\b(?=[a-f]*\d)[0-9a-f]{8,}\b|\d+", re.IGNORECASE)
_BETWEEN = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Meaning:
    """Which traits say something of the pictures, and how much all of them say together."""

    says_V: NDArray[np.bool_]
    placeholder_V: NDArray[np.bool_]
    empty_types: dict[str, str]  # trait types that say nothing, and why
    bits: float  # the entropy of the trait sets over the tokens that were looked at


def meaning(digest: Digest, rows_N: NDArray[np.bool_]) -> Meaning:
    """Return what the traits of the tokens `rows_N` say."""
    tokens_V = _tokens_with(digest, rows_N)
    seen = np.flatnonzero(tokens_V)
    placeholder_V = np.array([is_placeholder(trait) for trait in digest.vocabulary], np.bool_)
    by_type: dict[str, list[int]] = defaultdict(list)
    for number in seen.tolist():
        by_type[digest.vocabulary[number].trait_type].append(number)
    empty_types, says_V = {}, np.zeros(len(tokens_V), np.bool_)
    for name, numbers in by_type.items():
        values = [digest.vocabulary[number].value for number in numbers]
        why = _why_empty(name, values, tokens_V[numbers], tokens=int(rows_N.sum()))
        if why is None and placeholder_V[numbers].all():
            why = PLACEHOLDERS
        if why is None:
            says_V[numbers] = True
        else:
            empty_types[name] = why
    says_V &= ~placeholder_V
    return Meaning(
        says_V=says_V,
        placeholder_V=placeholder_V,
        empty_types=empty_types,
        bits=_entropy(_set_keys(digest, says_V)[rows_N]),
    )


def unrevealed(digest: Digest, rows_N: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (N,) which tokens wait for their reveal.

    Such a token has placeholders and nothing else that says something, and shares its picture with
    another such token: a picture of its own is art, whatever its traits are called.
    """
    found = meaning(digest, rows_N)
    waits_N = _any_trait(digest, found.placeholder_V) & ~_any_trait(digest, found.says_V) & rows_N
    shared_N = np.zeros(len(digest), np.bool_)
    for keys_N in (digest.pixel_keys, digest.media_keys, digest.perceptual):
        shared_N |= _repeated(keys_N, waits_N)
    return waits_N & shared_N


def is_placeholder(trait: Trait) -> bool:
    """Return whether a trait only says that the token is not revealed yet."""
    value = _normal(trait.value)
    if not value:
        return set(trait.value) <= {"?", " "}
    return value in _PLACEHOLDERS or (_normal(trait.trait_type) in _REVEALED and value in _NOT)


def _why_empty(
    name: str, values: list[str], counts: NDArray[np.int64], *, tokens: int
) -> str | None:
    """Return why a trait type with these values, borne by `counts` tokens each, says nothing."""
    if len(values) == 1 and counts[0] == tokens:
        return ONE_VALUE
    if _normal(name) in _NAMING:
        return NAMES
    worded = len({_words(value) for value in values}) > 1
    serial = len(values) > max(1, _SERIAL_SHARE * counts.sum())
    if _normal(name) in _NUMBERING and (serial or not worded):
        return NUMBERS
    return SERIAL if serial and not worded else None


def _normal(text: str) -> str:
    return _BETWEEN.sub(" ", text.casefold()).strip()


def _words(value: str) -> str:
    """Return a value without its numbers: "Punk #7" and "Punk #8" have the same words."""
    return _normal(_NUMBER.sub(" ", value))


def _tokens_with(digest: Digest, rows_N: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return (V,) how many of the tokens `rows_N` have each trait."""
    owners, numbers = _pairs(digest)
    return np.bincount(numbers[rows_N[owners]], minlength=len(digest.vocabulary))


def _pairs(digest: Digest) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return who has what: a token and a trait each, no pair twice."""
    owners = np.repeat(np.arange(len(digest)), np.diff(digest.trait_start))
    size = max(1, len(digest.vocabulary))
    pairs = np.unique(owners * size + digest.trait_index)
    return pairs // size, pairs % size


def _any_trait(digest: Digest, wanted_V: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (N,) whether a token has any of the wanted traits."""
    owners, numbers = _pairs(digest)
    return np.bincount(owners[wanted_V[numbers]], minlength=len(digest)) > 0


def _set_keys(digest: Digest, wanted_V: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return (N,) keys that are equal for equal sets of wanted traits: sums of their hashes."""
    names = (f"{trait.trait_type}\0{trait.value}" for trait in digest.vocabulary)
    keys_V = np.fromiter(map(key_of, names), np.uint64, len(digest.vocabulary))
    owners, numbers = _pairs(digest)
    chosen = wanted_V[numbers]
    sums_N = np.zeros(len(digest), np.uint64)
    np.add.at(sums_N, owners[chosen], keys_V[numbers[chosen]])
    return sums_N


def _entropy(keys_N: NDArray[np.uint64]) -> float:
    """Return the entropy of the keys in bits; of none it is 0."""
    shares = np.unique(keys_N, return_counts=True)[1] / max(1, len(keys_N))
    return float(-(shares * np.log2(shares)).sum()) + 0.0


def _repeated(keys_N: NDArray[np.uint64], rows_N: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (N,) which of the tokens `rows_N` share their key with another of them."""
    rows = np.flatnonzero(rows_N & (keys_N != 0))
    _, inverse, counts = np.unique(keys_N[rows], return_inverse=True, return_counts=True)
    shared_N = np.zeros(len(keys_N), np.bool_)
    shared_N[rows[counts[inverse] > 1]] = True
    return shared_N
