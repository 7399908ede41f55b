"""Questions for the colour of one part of a token of which another part has another colour."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from traitlens.captions import CaptionConfig, sub_caption
from traitlens.captions.words import trait_words
from traitlens.records import Token, Trait

# Words that are seldom said of anything but a colour. Shades such as "dark" are none of them:
# "dark red" is red, and what else it says is "dark".
COLOURS = frozenset(
    {"red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white"}
    | {"gray", "gold", "silver", "bronze", "copper", "beige", "tan", "cream", "ivory", "khaki"}
    | {"maroon", "crimson", "scarlet", "magenta", "violet", "lavender", "indigo", "navy", "azure"}
    | {"aqua", "cyan", "turquoise", "teal", "mint", "lime", "olive", "peach", "salmon"}
)
_SPELT = {"grey": "gray", "golden": "gold"}

# A type of trait, and what its value says beside the colour.
_Part = tuple[str, tuple[str, ...]]

# For each part of a collection the real trait of each colour, in order of first sight.
_Choices = Mapping[_Part, Mapping[str, Trait]]


@dataclass(frozen=True, slots=True)
class Coloured:
    """The one colour that a value names, and its other words: "red" and ("track", "suit")."""

    colour: str
    rest: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourQuestion:
    """A token, two of its trait types, and the colours that the first might have.

    `own` and `other` are the numbers of the two parts' colours among `colours`; `prompts` says the
    first part in each of them.
    """

    row: int  # in its collection, from 0
    parts: tuple[str, str]
    colours: tuple[str, ...]
    prompts: tuple[str, ...]
    own: int
    other: int


def coloured(trait: Trait) -> Coloured | None:
    """Return what colour a trait's value names; None where it names none, or several.

    A hexadecimal colour has the name by which captions say it.
    """
    words = [_SPELT.get(word, word) for word in trait_words(trait).value.split()]
    named = [word for word in words if word in COLOURS]
    if len(named) != 1:
        return None
    return Coloured(named[0], tuple(word for word in words if word not in COLOURS))


def draw_colour_questions(
    collection: str,
    tokens: Sequence[Token],
    *,
    most: int,
    config: CaptionConfig,
    rng: np.random.Generator,
) -> list[ColourQuestion] | str:
    """Return at most so many questions, drawn among all there are, or why there are none.

    The choices are real values of the part that differ from the token's in nothing but the colour.
    A type that a token has twice is no part of it: nobody could say which one is meant.
    """
    parts_N = [_parts(token) for token in tokens]
    choices = _choices(parts_N)
    if len({trait.trait_type for parts in parts_N for trait, _ in parts}) < 2:
        return "fewer than two trait types have values that name a colour"
    asked = [(row, pair) for row, parts in enumerate(parts_N) for pair in _pairs(parts, choices)]
    if not asked:
        return "no token has two parts of which one might have the other's colour"
    drawn = (asked[number] for number in rng.permutation(len(asked))[:most])
    return [_question(collection, row, pair, choices, config=config) for row, pair in drawn]


_ColouredTrait = tuple[Trait, Coloured]


def _parts(token: Token) -> list[_ColouredTrait]:
    """Return the traits of a token that name a colour and are alone of their type."""
    count = Counter(trait.trait_type for trait in token.traits)
    alone = [trait for trait in token.traits if count[trait.trait_type] == 1]
    return [(trait, named) for trait in alone if (named := coloured(trait))]


def _choices(parts_N: Sequence[Sequence[_ColouredTrait]]) -> _Choices:
    """Return the colours of each part; of two values of one colour the more frequent one."""
    count = Counter(part for parts in parts_N for part in parts)
    choices: dict[_Part, dict[str, Trait]] = defaultdict(dict)
    for (trait, named), _ in count.most_common():
        choices[trait.trait_type, named.rest].setdefault(named.colour, trait)
    return choices


def _pairs(
    parts: Sequence[_ColouredTrait], choices: _Choices
) -> Iterator[tuple[_ColouredTrait, _ColouredTrait]]:
    """Yield the pairs of a token's parts of which the first might have the colour of the second."""
    for one, other in permutations(parts, 2):
        (trait, own), (_, others) = one, other
        if own.colour != others.colour and others.colour in choices[trait.trait_type, own.rest]:
            yield one, other


def _question(
    collection: str,
    row: int,
    pair: tuple[_ColouredTrait, _ColouredTrait],
    choices: _Choices,
    *,
    config: CaptionConfig,
) -> ColourQuestion:
    (trait, own), (other_trait, others) = pair
    by_colour = choices[trait.trait_type, own.rest]
    colours = tuple(by_colour)
    said = (sub_caption(collection, [each], [0], config=config) for each in by_colour.values())
    return ColourQuestion(
        row=row,
        parts=(trait.trait_type, other_trait.trait_type),
        colours=colours,
        prompts=tuple(caption.text for caption in said),
        own=colours.index(own.colour),
        other=colours.index(others.colour),
    )
