"""What is asked: pictures and words of real tokens, and real traits as filters.

None of the tokens that are asked with is in the index, so no answer is the question itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.captions.words import trait_words
from traitlens.engines import And, Where
from traitlens.engines.where import Equals
from traitlens.models import Encoder
from traitlens.records import Token
from traitlens.standardization import decode
from traitlens.store import Dataset

from .truth import Truth

SELECTIVITIES = (1.0, 0.1, 0.01, 0.001)  # shares of all tokens
_NEAR = 1.6  # times more or less is still that share
_FILTERS = 64  # of each share
_WORDS = (1, 2, 3, 4)  # traits that people name


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asking:
    """A picture's vector, and words about the same token."""

    vector: NDArray[np.float32]
    words: str


def askings(
    data: Dataset, names: Sequence[str], *, encoder: Encoder, count: int, seed: int
) -> list[Asking]:
    """Return `count` questions about real tokens, in a random order."""
    rng = np.random.default_rng(seed)
    drawn: list[Token] = []
    for name in names:
        every = list(data.tokens(collections=[name], metadata=False))
        chosen = rng.choice(len(every), size=-(-count // len(names)), replace=False)
        drawn += [every[at] for at in chosen.tolist()]
    drawn = [drawn[at] for at in rng.permutation(len(drawn))[:count].tolist()]
    vectors = encoder.encode_images([_picture(token) for token in drawn])
    return [
        Asking(vector=vector, words=_words(token, rng))
        for token, vector in zip(drawn, vectors, strict=True)
    ]


def _picture(token: Token) -> Image.Image:
    picture = decode(token.image or b"")
    assert isinstance(picture, Image.Image), "the data set has checked its pictures"
    return picture


def _words(token: Token, rng: np.random.Generator) -> str:
    """Return a few of a token's traits in words, as people type them."""
    said = [words.phrase for t in token.traits if (words := trait_words(t)).phrase]
    count = min(len(said), int(rng.choice(_WORDS)))
    return ", ".join(said[at] for at in rng.permutation(len(said))[:count].tolist())


def filters(truth: Truth, *, seed: int) -> dict[float, list[Where | None]]:
    """Return filters of each selectivity: single traits and conjunctions of two that there are."""
    rng = np.random.default_rng(seed)
    names = sorted(truth.rows, key=str)
    pairs = list(combinations(names, 2))
    some = [pairs[at] for at in rng.permutation(len(pairs))[:20_000].tolist()]
    found: dict[float, list[Where | None]] = {share: [] for share in SELECTIVITIES}
    found[1.0] = [None]
    for where, count in _counted(truth, names, some):
        for share in SELECTIVITIES[1:]:
            near = share / _NEAR <= count / len(truth) <= share * _NEAR
            if near and len(found[share]) < _FILTERS:
                found[share].append(where)
    return {share: wheres for share, wheres in found.items() if wheres}


def _counted(
    truth: Truth, names: Sequence[Equals], pairs: Sequence[tuple[Equals, Equals]]
) -> list[tuple[Where, int]]:
    single: list[tuple[Where, int]] = [(name, len(truth.rows[name])) for name in names]
    least = SELECTIVITIES[-1] / _NEAR * len(truth)
    both: list[tuple[Where, int]] = []
    for first, second in pairs[:2_000]:
        fewest = min(len(truth.rows[first]), len(truth.rows[second]))
        if fewest >= least:
            shared = np.intersect1d(truth.rows[first], truth.rows[second], assume_unique=True)
            both.append((And((first, second)), len(shared)))
    # One single trait, one conjunction, and so on, so that there are some of both.
    return [pair for two in zip(single, both, strict=False) for pair in two] + [
        *single[len(both) :],
        *both[len(single) :],
    ]
