"""A caption as someone who searches would type it: fewer words, other words, another order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from traitlens.captions.lexicon import other_words
from traitlens.captions.template import sentence

_HALF = 0.5
# What stands before the traits, between them, and before the last; {} is the collection's name.
_WAYS = (
    ("{} ", " ", " "),
    ("{} with ", ", ", " and "),
    ("{} with ", " and ", " and "),
    ("{} wearing ", " ", " and "),
    ("{}, ", ", ", ", "),
)


def reworded(
    phrase: str, kind: str = "", *, broader: bool = False, rng: np.random.Generator
) -> str:
    """Return a trait's phrase in other words, in half of the cases, and half without its kind.

    "blue beanie hat" of the kind "hat" may become "azure beanie". `broader` allows words that say
    less: "blue hat".
    """
    value = phrase.removesuffix(f" {kind}") if kind else phrase
    said = value if value and rng.random() < _HALF else phrase
    others = other_words(said, broader=broader)
    return others[int(rng.integers(len(others)))] if others and rng.random() < _HALF else said


def retold(
    name: str, phrases: Sequence[str], kinds: Mapping[str, str], *, rng: np.random.Generator
) -> str:
    """Return a caption of some phrases in other words, another order and another form.

    `kinds` has the kind of each phrase. An empty `name` leaves only the phrases.
    """
    words = [reworded(phrase, kinds.get(phrase, ""), broader=True, rng=rng) for phrase in phrases]
    words = [words[at] for at in rng.permutation(len(words)).tolist()]
    if not words:
        return sentence(name, words)
    opening, between, last = _WAYS[int(rng.integers(len(_WAYS)))]
    told = between.join(words[:-1]) + (last if len(words) > 1 else "") + words[-1]
    return (opening.format(name) if name else "") + told
