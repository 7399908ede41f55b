"""Does a caption say what its token has, and nothing else?

A caption *drops* a trait when it has too few of the words that tell of it, and *invents* one when
it names a value of the collection that the token does not have. Words are compared by their stems,
so "a knitted orange cap" names the trait "Orange Knitted Caps"; synonyms are not known.

The check can only be as good as words are: a value of one everyday word ("Cool", "Blue") counts as
invented only beside its type ("blue eyes"), as it may be said of anything.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from traitlens.captions.stems import JOINING, stem_list, stems, telling_stems
from traitlens.captions.words import collection_words, trait_words
from traitlens.records import Trait

Stems = tuple[str, ...]

# Said of pictures so often that alone they name no part of one.
_EVERYDAY = stems(
    "red orange yellow green blue purple pink violet brown black white gray grey gold golden "
    "silver beige teal cyan turquoise magenta lime navy cream tan dark light bright pale deep "
    "multicolor big small large tiny long short tall wide thin thick round square open closed "
    "high low full half left right up down top front back side single double one two three "
    "four five first normal regular plain simple basic standard default common rare unique "
    "classic special custom cool cute happy sad angry bored calm neutral serious smile "
    "smiling grin surprised tired sleepy relaxed confident male female man woman boy girl "
    "human type style color colour background face head body hair eyes mouth skin hat clothes "
    "outfit shirt accessory old new vintage modern retro portrait character figure art pixel "
    "look expression token collection all day night real"
)

# Types that one leaves out: "a male ape", not "an ape of male gender".
_UNSAID = stems("gender sex type style tone color colour species race class kind base")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionCheck:
    """What a caption leaves out of its token's traits, and what it says that is not so."""

    dropped: tuple[Trait, ...] = ()
    invented: tuple[Trait, ...] = ()

    @property
    def status(self) -> str:
        """Return ok, dropped, invented or both."""
        if self.dropped and self.invented:
            return "both"
        return "dropped" if self.dropped else "invented" if self.invented else "ok"


@dataclass(frozen=True, slots=True)
class _Known:
    """A trait of the vocabulary, as the sequences of stems by which a caption would name it."""

    trait: Trait
    names: tuple[Stems, ...]
    value: frozenset[str]


@dataclass(slots=True)
class CaptionChecker:
    """Checks captions against the traits that occur in a collection."""

    collection: str
    vocabulary: Iterable[Trait]
    _by_first: dict[str, list[tuple[Stems, _Known]]] = field(init=False)

    def __post_init__(self) -> None:
        self._by_first = defaultdict(list)
        for trait in self.vocabulary:
            known = _known(trait)
            for name in known.names:
                self._by_first[name[0]].append((name, known))

    def check(self, caption: str, traits: Sequence[Trait]) -> CaptionCheck:
        """Return what `caption` drops and invents of a token that has `traits`."""
        return CaptionCheck(
            dropped=tuple(dropped(caption, traits, collection=self.collection)),
            invented=tuple(self._invented(caption, traits)),
        )

    def _invented(self, caption: str, traits: Sequence[Trait]) -> list[Trait]:
        own = [stem_list(trait_words(trait).phrase) for trait in traits]
        explained = stems(collection_words(self.collection)).union(*own)
        explained |= {word for trait in traits for word in stems(_spelt(trait))}
        has = {(trait.trait_type, trait.value) for trait in traits}
        found: dict[Stems, Trait] = {}
        for said, known in self._named(caption):
            if (known.trait.trait_type, known.trait.value) in has:
                continue
            if any(set(said) <= set(words) for words in own):
                continue  # "red hat" where the token has a "red top hat"
            # A value of words that the token has elsewhere needs its type to be another one.
            if len(said) > len(known.value) or not known.value <= explained:
                found.setdefault(said, known.trait)
        return [trait for said, trait in found.items() if not _within_longer(said, found)]

    def _named(self, caption: str) -> Iterable[tuple[Stems, _Known]]:
        """Yield what the caption names: runs of its words, not across commas."""
        for part in _parts(caption):
            for start, first in enumerate(part):
                for name, known in self._by_first.get(first, ()):
                    if tuple(part[start : start + len(name)]) == name:
                        yield name, known


def dropped(caption: str, traits: Sequence[Trait], *, collection: str = "") -> list[Trait]:
    """Return the traits that `caption` does not tell of.

    Looked for are the words of a trait that neither the collection's name nor another trait of the
    token has, and at least half of them must be there. Where it shares all ("blue eyes", "blue
    background"), all must be, and its type.
    """
    said, name = stems(caption), stems(collection_words(collection))
    needed = [_needed(trait) for trait in traits]
    missing = []
    for number, trait in enumerate(traits):
        others = name.union(*needed[:number], *needed[number + 1 :])
        telling = needed[number] - others
        looked_for, share = (telling, 0.5) if telling else (_whole(trait), 1.0)
        if len(looked_for & said) < share * len(looked_for):
            missing.append(trait)
    return missing


def _whole(trait: Trait) -> frozenset[str]:
    return _needed(trait) | (telling_stems(trait_words(trait).phrase) - _UNSAID)


def _needed(trait: Trait) -> frozenset[str]:
    """Return the stems that tell of a trait; none when it says nothing."""
    words = trait_words(trait)
    value = telling_stems(words.value) if words.value not in ("yes", "true") else frozenset()
    return value or stems(words.phrase)


def _known(trait: Trait) -> _Known:
    words = trait_words(trait)
    value, phrase = stem_list(words.value), stem_list(words.phrase)
    names = {tuple(phrase), (*stem_list(words.kind), *value)}
    everyday = len(value) == 1 and (value[0] in _EVERYDAY or len(value[0]) < 3)
    names |= set() if words.is_measure or everyday else {tuple(value)}
    telling = {name for name in names if len(set(name) - JOINING) > 1 or not everyday}
    usable = telling if words.phrase and not set(value) <= JOINING else set()
    return _Known(trait, tuple(sorted(filter(None, usable))), frozenset(value))


def _spelt(trait: Trait) -> str:
    return f"{trait.trait_type} {trait.value}"


def _parts(caption: str) -> list[list[str]]:
    """Return the stems of the caption's clauses, which commas and the like part."""
    return [stem_list(clause) for clause in re.split(r"[.,;:!?|\u2013\u2014]+(?=\s|$)", caption)]


def _within_longer(said: Stems, found: Iterable[Stems]) -> bool:
    return any(len(other) > len(said) and set(said) < set(other) for other in found)
