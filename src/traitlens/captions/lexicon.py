"""Other words for what pictures show: shades for sunglasses, a hat for a beanie.

The words are in `lexicon.txt`, one group a line. A caption says what its metadata say, and in these
words alone; people who search say it in theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from traitlens.captions.stems import stem

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Group:
    """Phrases that say the same, and a broader one, "" where there is none."""

    same: tuple[str, ...]
    broader: str = ""


def parse_groups(text: str) -> tuple[Group, ...]:
    """Return the groups of a lexicon; raise ValueError for a line of less than two phrases."""
    groups = []
    for line in text.splitlines():
        said, _, broader = line.partition("#")[0].partition(">")
        same = tuple(" ".join(words.split()) for words in said.split(",") if words.strip())
        if not same and not broader.strip():
            continue
        if len(same) + bool(broader.strip()) < 2:
            raise ValueError(f"a group needs two phrases; got {line!r}")
        groups.append(Group(same, " ".join(broader.split())))
    return tuple(groups)


@lru_cache(maxsize=1)
def _all_groups() -> tuple[Group, ...]:
    return parse_groups((files("traitlens.captions") / "lexicon.txt").read_text("utf-8"))


@lru_cache(maxsize=1)
def _groups_of() -> dict[str, tuple[Group, ...]]:
    """Return the groups of each phrase that has some."""
    found: dict[str, tuple[Group, ...]] = {}
    for group in _all_groups():
        for phrase in group.same:
            found[phrase] = (*found.get(phrase, ()), group)
    return found


@lru_cache(maxsize=1)
def _narrower() -> dict[str, tuple[str, ...]]:
    """Return the phrases below each broader one, and what is below those."""
    below: dict[str, list[str]] = {}
    for group in _all_groups():
        for broader in [group.broader, *_same_as(group.broader)] if group.broader else ():
            below.setdefault(broader, []).extend(group.same)
    return {
        broader: tuple(dict.fromkeys([*direct, *(w for d in direct for w in below.get(d, ()))]))
        for broader, direct in below.items()
    }


def _same_as(phrase: str) -> Iterator[str]:
    yield from (same for group in _groups_of().get(phrase, ()) for same in group.same)


def lexicon_phrases() -> tuple[str, ...]:
    """Return every phrase of the lexicon, each once."""
    return tuple(_groups_of())


@lru_cache(maxsize=1)
def _word_of_stem() -> dict[str, str]:
    words = (word for group in _all_groups() for same in group.same for word in same.split())
    return {stem(word): word for word in sorted(words, reverse=True)}


def as_listed(phrase: str) -> str:
    """Return a phrase with each word in the form that the lexicon has: "beanies" is "beanie"."""
    forms = _word_of_stem()
    return " ".join(
        word if word in _listed_words() else forms.get(stem(word), word) for word in phrase.split()
    )


@lru_cache(maxsize=1)
def _listed_words() -> frozenset[str]:
    return frozenset(word for words in _groups_of() for word in words.split())


def narrower_words(phrase: str) -> tuple[str, ...]:
    """Return the phrases that are a kind of this one: "hat" gives "beanie", "top hat" and more."""
    return tuple(words for words in _narrower().get(phrase, ()) if words != phrase)


def broader_words(phrase: str) -> tuple[str, ...]:
    """Return the phrases that this one is a kind of: "fedora" gives "hat"."""
    found = dict.fromkeys(group.broader for group in _groups_of().get(phrase, ()))
    return tuple(words for words in found if words)


def listed_parts(phrase: str) -> tuple[str, ...]:
    """Return the lexicon's phrases in a lower-case phrase, the longest at each place.

    "black top hat" has "black" and "top hat", and no "top".
    """
    return tuple(part for _, part, _ in _parts(phrase))


@lru_cache(maxsize=1 << 16)
def other_words(phrase: str, *, broader: bool = False) -> tuple[str, ...]:
    """Return other ways to say a lower-case phrase, each with one part of it replaced, once each.

    "red beanie" gives "red wool hat", "crimson beanie" and more; with `broader` also "red hat".
    """
    found = dict.fromkeys(
        _without_repeats(f"{before}{instead}{after}")
        for before, part, after in _parts(phrase)
        for group in _groups_of()[part]
        for instead in _instead(group, part, broader=broader)
    )
    return tuple(words for words in found if words != phrase)


def _instead(group: Group, part: str, *, broader: bool) -> Iterator[str]:
    yield from (same for same in group.same if same != part)
    if broader and group.broader:
        yield group.broader


def _parts(phrase: str) -> Iterator[tuple[str, str, str]]:
    """Yield the parts of a phrase that the lexicon has, what is before and what is after each.

    A part within a longer one does not count: "sun glasses" in a hat's name is no sun.
    """
    known = _groups_of()
    spans = [match.span() for match in _WORD.finditer(phrase)]
    taken = 0
    for first, (start, _) in enumerate(spans):
        if start < taken:
            continue
        for _, end in reversed(spans[first:]):
            if phrase[start:end] in known:
                yield phrase[:start], phrase[start:end], phrase[end:]
                taken = end
                break


def _without_repeats(phrase: str) -> str:
    """Return a phrase without words that stand twice in a row: "red hat hat" is "red hat"."""
    words = phrase.split()
    return " ".join(w for at, w in enumerate(words) if at == 0 or w != words[at - 1])
