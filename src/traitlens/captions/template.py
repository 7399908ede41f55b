"""The sentence template: a collection's name and one phrase a trait.

>>> caption("cryptopunks", [Trait("Type", "Alien"), Trait("Accessory", "Headband")]).text
'cryptopunks with alien type and headband'
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from traitlens.records import Trait

# Types that say no more than "a trait": the value alone is the better phrase.
_GENERIC_TYPES = frozenset({"accessory", "accessories", "attribute", "trait", "property"})

# Values that say no more than "this trait is there": the type is needed to understand them.
_BARE_VALUE = re.compile(r"yes|true|no|false|[\d.,%+-]+")

_EMPTY_VALUES = frozenset({"", "none", "null", "n/a", "nan", "undefined"})


@dataclass(frozen=True, slots=True)
class Caption:
    """A sentence, and for each trait its [start, end) span in characters.

    A trait that says nothing (`None`, an empty value) has an empty span.
    """

    text: str
    spans: tuple[tuple[int, int], ...]


def caption(collection: str, traits: Sequence[Trait]) -> Caption:
    """Return the sentence about a token, with its traits in the given order."""
    phrases = [phrase(trait) for trait in traits]
    return Caption(*_join(collection_words(collection), phrases))


def sentence(name: str, phrases: Sequence[str]) -> str:
    """Return the template's sentence about `phrases`; an empty `name` leaves only these."""
    return _join(name, phrases)[0]


def collection_words(collection: str) -> str:
    """Return a collection's name as it stands in a caption: "lil-nouns" is "lil nouns"."""
    return _words(collection)


def _join(name: str, phrases: Sequence[str]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return the sentence and the span of each phrase in it."""
    spoken = sum(1 for words in phrases if words)
    text, said, spans = name, 0, []
    for words in phrases:
        if words:
            said += 1
            text += (" with " if text else "") if said == 1 else _glue(said, spoken)
        spans.append((len(text), len(text) + len(words)))
        text += words
    return text, tuple(spans)


def _glue(said: int, spoken: int) -> str:
    return " and " if said == spoken else ", "


def phrase(trait: Trait) -> str:
    """Return the words for one trait, lower-case: "blue beanie hat"; "" when it says nothing."""
    kind, value = _kind(trait.trait_type), _words(trait.value)
    if value in _EMPTY_VALUES:
        return ""
    if _BARE_VALUE.fullmatch(value):
        return f"{kind} {value}".strip()
    if kind in _GENERIC_TYPES or set(kind.split()) <= set(value.split()):
        return value
    return f"{value} {kind}"


def _kind(trait_type: str) -> str:
    """Return the words for a type: one says "blue hair", not "blue hair color"."""
    return re.sub(r"\s*\bcolou?rs?$", "", _words(trait_type))


def _words(name: str) -> str:
    return " ".join(re.sub(r"[_\-]+", " ", name).lower().split())
