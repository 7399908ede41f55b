"""Questions whose answers are known, and questions that have none.

A question is one to three traits that some token has, in the words of a caption (`TraitSetDraw`),
and then as people type: with a slip of the keyboard in one word, or with two words beside that
nothing is called.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from traitlens.captions import CaptionConfig
from traitlens.diagnosis.trait_sets import TraitSetDraw
from traitlens.records import Token

SIZES = (1, 2, 3)
PLAIN, SLIP, STRANGE = "as captions say", "with a slip", "with two strange words"
MANNERS = (PLAIN, SLIP, STRANGE)

_SHORTEST = 4  # letters of a word in which one slips
_STRANGE_WORDS = ("glorious", "quarterly", "seaside", "borrowed", "nineteenth", "municipal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Words about a collection, and the ids of all its tokens that are right."""

    collection: str
    traits: int
    manner: str
    words: str
    right: frozenset[str]


def questions(tokens: Sequence[Token], *, per_size: int, seed: int) -> Iterator[Question]:
    """Yield questions about the tokens of one collection, each in every manner."""
    name = tokens[0].collection
    draw = TraitSetDraw(tokens, config=CaptionConfig(), key=f"{seed}:{name}")
    rng = random.Random(f"{seed}:{name}")
    for size in SIZES:
        for drawn in draw.draw(size, most=per_size):
            right = frozenset(tokens[row].token_id for row in drawn.right)
            said = {PLAIN: drawn.words, SLIP: _with_slip(drawn.words, rng)}
            said[STRANGE] = f"{' '.join(rng.sample(_STRANGE_WORDS, 2))} {drawn.words}"
            for manner, words in said.items():
                yield Question(
                    collection=name, traits=size, manner=manner, words=words, right=right
                )


def _with_slip(words: str, rng: random.Random) -> str:
    """Return words with one letter missing, doubled, or changed for its neighbour, in one word."""
    parts = words.split()
    long = [n for n, part in enumerate(parts) if len(part) >= _SHORTEST and part.isalpha()]
    if not long:
        return words
    number = rng.choice(long)
    word = parts[number]
    at = rng.randrange(1, len(word) - 1)
    slips = (
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    )
    parts[number] = rng.choice(slips)
    return " ".join(parts)


def elsewhere() -> list[str]:
    """Return queries about anything but profile pictures."""
    lines = (Path(__file__).parent / "elsewhere.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line]
