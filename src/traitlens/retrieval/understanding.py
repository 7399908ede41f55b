"""A query's words as traits: what must be there, what must not, and what nothing is called.

"zombie with 3D glasses, no hat" is three terms: what is called a zombie, what has 3D glasses, and
nothing that is a hat. A term is the longest run of words that something in the index is called; the
words of the lexicon count, and so do misspelled ones.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from traitlens.captions.stems import stem, stems
from traitlens.engines import Entry, Equals, Or, Where, Wish, matches
from traitlens.engines.protocol import fields_of
from traitlens.engines.where import COLLECTION
from traitlens.records import Trait
from traitlens.retrieval.trait_finder import Found, TraitFinder

_MOST_TERMS = 12  # of a query; the rest is left to the encoder
_LONGEST = 5  # words of a phrase
_COLLECTION_FACTOR = 3.0  # who names a collection means hardly any other
_RESPELLED = 0.7  # how sure we are of a word that was read as another

_WORD = re.compile(r"(?P<minus>(?<!\S)-(?=\w))|(?P<word>[^\W_]+)|(?P<stop>[,;.!?()/&+])")
# Where one thing ends and another begins.
_BOUNDARIES = frozenset(
    {"and", "with", "but", "plus", "wearing", "wears", "has", "have", "having", "holding", "who"}
    | {"that", "which", "while", "in", "on", "at", "from", "for", "by", "to"}
)
_NEGATIONS = frozenset({"no", "not", "without", "minus", "except", "never"})
_EITHER = frozenset({"or", "nor"})
# What says nothing about a picture.
_SILENT = frozenset(
    {"a", "an", "the", "of", "is", "are", "it", "its", "his", "her", "hers", "their", "he", "she"}
    | {"they", "this", "these", "those", "looking", "look", "looks", "like", "very", "some", "one"}
    | {
        "any",
        "as",
        "s",
        "me",
        "my",
        "i",
        "show",
        "find",
        "please",
        "nft",
        "nfts",
        "token",
        "tokens",
    }
    | {"picture", "image", "pic", "photo"}
)
_LETTERS = re.compile(r"[^\W\d_]{2,}")


# Words found less half their phrases; how even these are; how rare. The greatest is the best cut.
_Gain = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """Some words of a query, and the traits that they may mean, any of which will do."""

    said: str  # "3d glases"
    meant: str  # "3d glasses"
    found: Found
    wanted: bool = True  # False: must not be there

    @property
    def where(self) -> Where:
        """What has one of the traits, as a filter."""
        return any_of(self.found.comparisons)

    @property
    def certainty(self) -> float:
        """How sure we are that this is meant, in [0, 1]."""
        return self.found.certainty * (1.0 if self.said == self.meant else _RESPELLED)

    def weight(self, size: int) -> float:
        """Return how much it counts beside others, in an index of `size` tokens."""
        named = all(c.name == COLLECTION for c in self.found.comparisons)
        return (_COLLECTION_FACTOR if named else 1.0) * _rarity(self.found.tokens, size)

    def means(self, trait: Trait) -> bool:
        """Return whether the trait is one of them."""
        return Equals(trait.trait_type, trait.value) in self.found.comparisons


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """The terms of a query, and the words that nothing here is called."""

    terms: tuple[Term, ...] = ()
    unknown: tuple[str, ...] = ()
    positive: str = ""  # the query without what is unwanted, and without silent words

    @property
    def wanted(self) -> tuple[Term, ...]:
        """What must be there."""
        return tuple(term for term in self.terms if term.wanted)

    @property
    def unwanted(self) -> tuple[Term, ...]:
        """What must not be there."""
        return tuple(term for term in self.terms if not term.wanted)

    def wishes(self, *, size: int, weight: float) -> tuple[Wish, ...]:
        """Return what is wanted as wishes; an answer gains `weight` a term, if it has everything.

        The rarer a term in an index of `size` tokens, the more it counts: log(1 + size / tokens).
        A word that nothing is called counts half as much as one that one token has. What we are
        not sure of gains less.
        """
        if not weight:
            return ()
        total = weight * (len(self.wanted) + len(self.unknown))
        shares = self._shares(size)
        return tuple(Wish(where=term.where, weight=total * share) for term, share in shares)

    def met(self, entry: Entry, *, size: int) -> float:
        """Return how much of what is wanted a token has, in [0, 1], by its traits and caption."""
        fields, said = fields_of(entry), stems(entry.caption)
        met = sum(share for term, share in self._shares(size) if matches(term.where, fields))
        told = sum(stem(word) in said for word in self.unknown)
        return met + (told * _of_unknown(size) / self._asked(size) if told else 0.0)

    def _shares(self, size: int) -> list[tuple[Term, float]]:
        """Return each wanted term with its share of all that is asked for."""
        return [(t, t.certainty * t.weight(size) / self._asked(size)) for t in self.wanted]

    def _asked(self, size: int) -> float:
        return sum(t.weight(size) for t in self.wanted) + len(self.unknown) * _of_unknown(size)


def understand(words: str, finder: TraitFinder) -> Understood:
    """Return what the words of a query mean in the index of `finder`."""
    terms: list[Term] = []
    unknown: list[str] = []
    runs = list(_runs(words))
    for run in runs:
        for said, meant, found in _segments(run.words, finder):
            if found is not None:
                terms.append(Term(said=said, meant=meant, found=found, wanted=run.wanted))
            elif run.wanted and _LETTERS.search(said):
                unknown.append(said)
    return Understood(
        terms=tuple(terms[:_MOST_TERMS]),
        unknown=tuple(dict.fromkeys(unknown)),
        positive=", ".join(" ".join(run.words) for run in runs if run.wanted),
    )


def any_of(comparisons: Sequence[Equals]) -> Where:
    """Return a filter that any of the comparisons satisfies."""
    return comparisons[0] if len(comparisons) == 1 else Or(tuple(comparisons))


@dataclass(slots=True)
class _Run:
    """Words that may belong together."""

    words: list[str]
    wanted: bool = True


def _runs(text: str) -> Iterator[_Run]:
    """Yield the runs of a query's telling words, between boundaries."""
    run = _Run([])
    for match in _WORD.finditer(text.lower()):
        word = match.group("word")
        ends = match.lastgroup == "stop" or word in _BOUNDARIES
        negates = match.lastgroup == "minus" or word in _NEGATIONS
        if ends or negates or word in _EITHER:
            if run.words:
                yield run
            # "no hat or glasses" wants neither.
            run = _Run([], wanted=not (negates or (word in _EITHER and not run.wanted)))
        elif word is not None and word not in _SILENT:
            run.words.append(word)
    if run.words:
        yield run


def _segments(words: Sequence[str], finder: TraitFinder) -> Iterator[tuple[str, str, Found | None]]:
    """Yield (said, meant, found) for the phrases of a run, cut so that long ones are found.

    The cut is the one that leaves the fewest words, in the fewest phrases, of even lengths: "red
    hat, blue eyes" and not "red, hat blue, eyes".
    """
    spelled = [_spelled(word, finder) for word in words]
    best: list[tuple[_Gain, int, Found | None]] = [((0, 0, 0), 0, None)]  # of each end
    for end in range(1, len(words) + 1):
        options = []
        for start in range(max(0, end - _LONGEST), end):
            found = finder.find(" ".join(spelled[start:end]))
            if found is not None or start == end - 1:
                options.append((_with_phrase(best[start][0], end - start, found), start, found))
        best.append(max(options, key=lambda option: option[0]))
    cuts, end = [], len(words)
    while end:
        _, start, found = best[end]
        cuts.append((" ".join(words[start:end]), " ".join(spelled[start:end]), found))
        end = start
    yield from reversed(cuts)


def _with_phrase(gain: _Gain, words: int, found: Found | None) -> _Gain:
    """Return the gain of a cut with one more phrase."""
    if found is None:
        return gain
    won, even, rare = gain
    return won + words - 0.5, even - words**2, rare - math.log(found.tokens)


def _spelled(word: str, finder: TraitFinder) -> str:
    """Return a word as the index spells it: what is known, or has another name, stays."""
    if finder.knows(stem(word)) or finder.find(word) is not None:
        return word
    return finder.spelled(word) or word


def _of_unknown(size: int) -> float:
    return _rarity(1, size) / 2


def _rarity(tokens: int, size: int) -> float:
    return math.log1p(size / max(min(tokens, size), 1))
