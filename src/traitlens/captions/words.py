"""One trait in words: "blue beanie hat" for the value "Blue_Beanie" of the type "Hat".

Metadata are written by thousands of strangers, so most of this is about what is not ordinary:
values that repeat their type, or say that there is nothing, types in camelCase, links, serial
numbers.
What says nothing about a token has no words at all. That a trait is absent ("Laser Eyes: No") is
left out too: encoders hardly read a negation (NegBench, arXiv:2501.09425), and would be drawn
towards what is not there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from traitlens.captions.colours import colour_words
from traitlens.captions.measures import boost_words, date_words, is_count, is_measure
from traitlens.captions.stems import stems
from traitlens.records import Trait

# Longer than any name of a part; what is longer is a story, of which the beginning is told.
_MAX_CHARS = 96

# Types that say no more than "a trait": the value alone is the better phrase.
_GENERIC_TYPES = frozenset(
    {"accessory", "accessories", "attribute", "attributes", "trait", "traits", "property"}
    | {"properties", "misc", "miscellaneous", "other", "extra", "extras"}
)

_EMPTY_VALUES = frozenset(
    {"", "none", "null", "n/a", "nan", "undefined", "nothing", "(none)", "no", "false"}
)
_THERE = frozenset({"yes", "true"})

# "goldEarringRight", "gmNeck" and "darkK" are several words, "McDonald" and "iPhone" are not.
_HUMP = re.compile(
    r"(?:(?<=[a-z0-9]{3})|(?<=[A-Z][a-z]{2})|(?<=\b[a-z]{2}))(?=[A-Z][a-z]{2})|"
    r"(?<=[a-z]{3})(?=[A-Z]\b)"
)
# A hyphen joins words, but between digits or before a number it is part of them.
_JOINT = re.compile(r"_+|-+(?![0-9])|(?<=[^\W\d_])-+")
# Control characters, and the marks that turn the direction of what follows.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")
_OWN_TYPE = re.compile(r"([^\W\d_][\w ]{1,23}): +(\S.*)")
_REFERENCE = re.compile(
    r"(?:https?|ipfs|ar|data|wss?)(?:://|:)\S+|www\.\S+|0x[0-9a-f]{8,}|Qm[0-9a-z]{44}\S*|"
    r"baf[a-z2-7]{50,}\S*|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32,}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class TraitWords:
    """A trait in words; all are empty when it says nothing."""

    phrase: str = ""  # what one would say: "blue beanie hat"
    kind: str = ""  # the type: "hat"
    value: str = ""  # "blue beanie"
    is_measure: bool = False  # a number or a date


def phrase(trait: Trait) -> str:
    """Return the words for one trait, lower-case: "blue beanie hat"; "" when it says nothing."""
    return trait_words(trait).phrase


def collection_words(collection: str) -> str:
    """Return a collection's name as it stands in a caption: "lil-nouns" is "lil nouns"."""
    return _plain(collection)


def trait_words(trait: Trait) -> TraitWords:
    """Return a trait in words: as one phrase, and type and value apart."""
    return _trait_words(trait.trait_type, trait.value, trait.display_type)


@lru_cache(maxsize=1 << 16)
def _trait_words(trait_type: str, value: str, display_type: str | None) -> TraitWords:
    if own := _OWN_TYPE.fullmatch(value):  # "Headwear: Orange Hair" of the type "Berliner"
        trait_type, value = own.groups()
    kind = _kind(trait_type)
    if boost := boost_words(value, display_type):
        kind = kind.removesuffix("%").strip()
        return _said(f"{boost} {kind}", kind, boost, is_measure=True)
    said = date_words(value, display_type) or colour_words(value, trait_type) or _value(value)
    if said in _THERE:
        kind = re.sub(r"^(has|have|is|with) (?=\S)", "", kind)
        return _said(kind or said, kind, said)
    if is_measure(said):
        return _said(f"{kind} {said}", kind, said, is_measure=True)
    kind = _unnumbered(kind)
    if said in _EMPTY_VALUES or _says_none(said, kind):
        return TraitWords()
    telling = said if _names_kind(said, kind) else f"{said} {kind}"
    return _said(telling, kind, said, is_measure=is_count(said))


def _said(phrase: str, kind: str, value: str, *, is_measure: bool = False) -> TraitWords:
    return TraitWords(phrase.strip(), kind, value, is_measure)


def _names_kind(value: str, kind: str) -> bool:
    """Return whether the value alone says what it is: "red hat" of the type "Hats"."""
    if kind in _GENERIC_TYPES or stems(kind) <= stems(value):
        return True
    *_, last = value.split()
    return len(kind) >= 3 and len(last) >= len(kind) + 3 and last.endswith(kind)  # "greeneyes"


def _says_none(value: str, kind: str) -> bool:
    """Return whether a value only denies its type: "no hat", "without hat", "hat none"."""
    first, *rest = value.split()
    *front, last = value.split()
    denied = rest if first in ("no", "none", "without") else front if last == "none" else None
    return denied is not None and stems(" ".join(denied)) <= stems(kind)


def _kind(trait_type: str) -> str:
    """Return the words for a type: one says "blue hair", not "blue hair color"."""
    return re.sub(r"\s*\bcolou?rs?$", "", _plain(trait_type).lstrip("# "))


def _unnumbered(kind: str) -> str:
    """Return a type without what only counts it: "accessory 2", "head ii", "mouth attributes"."""
    kind = re.sub(r"(?<=\S) (i{1,3}|iv|traits?|attributes?)$", "", kind)
    bare = re.sub(r" ([0-9]{1,2}|v|vi)$", "", kind)
    return bare if bare in _GENERIC_TYPES else kind


def _value(value: str) -> str:
    return _plain(_REFERENCE.sub(" ", value))


def _plain(name: str) -> str:
    """Return lower-case words parted by single spaces, of at most `_MAX_CHARS` characters."""
    parted = _JOINT.sub(" ", _HUMP.sub(" ", _CONTROL.sub(" ", name)))
    text = " ".join(parted.lower().split())
    if len(text) <= _MAX_CHARS:
        return text
    return text[: _MAX_CHARS + 1].rpartition(" ")[0] or text[:_MAX_CHARS]
