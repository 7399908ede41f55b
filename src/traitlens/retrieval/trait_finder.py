"""Which traits of an index a phrase may mean.

"beanie" means every hat that is called a beanie, "glasses" also what is of the type Glasses, and
what the lexicon knows to be glasses: shades, goggles. "blue eyes" is the value Blue of the type
Eyes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from traitlens.captions.lexicon import (
    as_listed,
    broader_words,
    lexicon_phrases,
    listed_parts,
    narrower_words,
    other_words,
)
from traitlens.captions.stems import stem, stem_list, stems
from traitlens.captions.words import collection_words, trait_words
from traitlens.engines import Equals
from traitlens.engines.where import COLLECTION
from traitlens.records import Trait

# One slip in five letters, two in eight; shorter words are near too many others.
_LEAST_LETTERS, _LEAST_SIMILAR = 5, 0.75

_LEAST_NICKNAME = 4  # letters

Vocabulary = Mapping[str, Mapping[str, int]]  # {name: {value: tokens}}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A trait or a collection of the index, by the stems of its words."""

    comparison: Equals
    words: str
    value: frozenset[str]
    kind: frozenset[str]
    needs_kind: bool  # a value such as "5" names nothing by itself
    tokens: int

    def is_only_part(self, said: frozenset[str]) -> bool:
        """Return whether what is said is but a part of a thing's name: the top of a top hat."""
        return any(said < part and head not in said for part, head in _listed(self.words))

    def is_meant_by(self, said: frozenset[str]) -> bool:
        """Return whether all that is said is said of it, by its value or by its whole type."""
        if not said & self.value:
            return said == self.kind
        return said <= self.value | self.kind and not (self.needs_kind and said <= self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The traits that a phrase may mean, any of which will do, and about how many tokens have one.

    `certainty` is 1 for the index's own words, less for other words and another spelling.
    """

    comparisons: tuple[Equals, ...]
    tokens: int
    certainty: float


class TraitFinder:
    """Finds the traits of an index's vocabulary by what people call them."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._known = [
            known
            for name, values in vocabulary.items()
            for value, tokens in values.items()
            if (known := _known(name, value, tokens))
        ]
        self._collections = [
            n for n, known in enumerate(self._known) if known.comparison.name == COLLECTION
        ]
        self._by_stem: dict[str, list[int]] = defaultdict(list)
        for number, known in enumerate(self._known):
            for part in known.value | known.kind:
                self._by_stem[part].append(number)

    def find(self, phrase: str) -> Found | None:
        """Return what a lower-case phrase means, if anything here is called so."""
        own = self._named(phrase) | self._named("".join(phrase.split())) | self._nicknamed(phrase)
        listed = as_listed(phrase)
        others = self._any_named((*other_words(listed), *narrower_words(listed)))
        if own or others:
            return self._found(own | others, certainty=1.0 if own else 0.9)
        broader = self._any_named(broader_words(listed))
        return self._found(broader, certainty=0.5) if broader else None

    def spelled(self, word: str) -> str | None:
        """Return the word of the vocabulary or the lexicon that a misspelled one is nearest to."""
        if len(word) < _LEAST_LETTERS:
            return None
        found = process.extractOne(
            word,
            self._words.get(word[0], ()),
            scorer=OSA.normalized_similarity,
            score_cutoff=_LEAST_SIMILAR,
        )
        return None if found is None else str(found[0])

    def knows(self, stem: str) -> bool:
        """Return whether anything's name has this stem."""
        return stem in self._by_stem

    @cached_property
    def _words(self) -> dict[str, list[str]]:
        """All words that may be meant, by their first letter: few slips are in that."""
        found = {word: None for known in self._known for word in known.words.split()}
        found |= {word: None for phrase in lexicon_phrases() for word in phrase.split()}
        by_letter: dict[str, list[str]] = defaultdict(list)
        for word in found:
            if len(word) >= _LEAST_LETTERS - 1:
                by_letter[word[0]].append(word)
        return by_letter

    def _named(self, phrase: str) -> set[int]:
        """Return the numbers of the traits that have all the phrase's words."""
        said = _stems(phrase)
        if not said:
            return set()
        shortest = min((self._by_stem.get(stem, []) for stem in said), key=len)
        return {number for number in shortest if self._known[number].is_meant_by(said)}

    def _any_named(self, phrases: Iterable[str]) -> set[int]:
        found: set[int] = set()
        for phrase in phrases:
            said = _stems(phrase)
            found |= {n for n in self._named(phrase) if not self._known[n].is_only_part(said)}
        return found

    def _nicknamed(self, word: str) -> set[int]:
        """Return the collections whose name ends with a word: a punk is of cryptopunks."""
        ending = stem(word)
        if len(ending) < _LEAST_NICKNAME:
            return set()
        return {
            n for n in self._collections if any(v.endswith(ending) for v in self._known[n].value)
        }

    def _found(self, numbers: Iterable[int], *, certainty: float) -> Found:
        known = [self._known[number] for number in sorted(numbers)]
        return Found(
            comparisons=tuple(k.comparison for k in known),
            tokens=sum(k.tokens for k in known),
            certainty=certainty,
        )


# Other words for a thing are the same each time that it is asked for.
_stems = lru_cache(maxsize=1 << 14)(stems)


@lru_cache(maxsize=1 << 16)
def _listed(words: str) -> tuple[tuple[frozenset[str], str], ...]:
    """Return the stems of each of the lexicon's phrases in a name, and the last of them."""
    found = [stem_list(part) for part in listed_parts(words)]
    return tuple((frozenset(part), part[-1]) for part in found)


def _known(name: str, value: str, tokens: int) -> _Known | None:
    """Return a trait or collection by its words, or None for one that says nothing."""
    if name == COLLECTION:
        words, value_words, kind_words = collection_words(value), collection_words(value), ""
    else:
        said = trait_words(Trait(name, value))
        # Of "yes" only the type is said.
        is_said = set(stem_list(said.value)) <= set(stem_list(said.phrase))
        words, value_words = said.phrase, said.value if is_said else said.phrase
        kind_words = said.kind
    if not words:
        return None
    return _Known(
        comparison=Equals(name, value),
        words=words,
        value=_called(value_words),
        kind=frozenset(stem_list(kind_words)),
        needs_kind=not any(letter.isalpha() for letter in value_words),
        tokens=tokens,
    )


def _called(words: str) -> frozenset[str]:
    """Return the stems of a name, and of the name as one word: "Eye Patch" is an eyepatch."""
    return frozenset({*stem_list(words), *stem_list("".join(words.split()))})
