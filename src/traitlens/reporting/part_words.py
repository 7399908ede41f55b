"""What the further parts of an evaluation are called on a page, and how their tables are read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PartWords:
    """A heading, and a sentence or two for who sees such a table for the first time."""

    heading: str
    reading: str


_WORDS = {
    "overlap": PartWords(
        "Graded by shared traits",
        "A hit that shares all but one trait with the meant token is better than one that shares "
        "none. High nDCG beside low top-1: the model is nearly right.",
    ),
    "short queries": PartWords(
        "Short queries",
        "One to three traits, as people type them; every token that has them is right. Precision "
        "is the share of right ones among the first k.",
    ),
    "pools": PartWords(
        "Hard and random pools",
        "The meant token stands among as many others: drawn at random, or the most alike of its "
        "collection. The drop between the two is what an easy gallery hides.",
    ),
    "swaps": PartWords(
        "Swapped traits",
        "Two captions that differ in one trait: which fits the picture? A guess is right half of "
        "the time; what is above the blind controls, the model saw.",
    ),
    "association": PartWords(
        "Whose colour is it?",
        "Near -1 the model reads the colour of the part that was asked for; above 0 it takes that "
        "of another part.",
    ),
    "difficulty": PartWords(
        "How hard the collections are",
        "The paper's variance index (CVI) beside what was found. Both go with the size of a "
        "gallery, so the collections cut to one size stand beside.",
    ),
    "identifiability": PartWords(
        "What no search by text can find",
        "Tokens that no caption tells apart, and traits that a probe cannot read from the "
        "pictures; a probe that fails does not prove that nobody could see them.",
    ),
}


def part_words(name: str) -> PartWords:
    """Return the words for a part; one that is not known here has its name alone."""
    return _WORDS.get(name, PartWords(name[:1].upper() + name[1:], ""))
