"""Two tokens that differ in one trait, their two captions and their two pictures.

Each caption must choose its picture, and each picture its caption: the groups of Winoground
(Thrush et al., CVPR 2022, arXiv:2204.03162), here of real tokens.
"""

# Axes: P pairs, T = 2 captions, I = 2 pictures, O orders of the four scores, D dimensions

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from traitlens.captions import phrase
from traitlens.diagnosis.questions import Array
from traitlens.embedding.gallery import Numbers
from traitlens.records import Token, Trait

CHANCE = (1 / 4, 1 / 4, 1 / 6)  # of text, image and group, for scores in random order

# The type of one of a token's traits, and all its other traits.
_Rest = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True, slots=True, eq=False)
class GroupShares:
    """How surely each pair was read, each of shape (P,) and in [0, 1].

    `text` = each picture scores higher with its own caption, `image` = each caption with its own
    picture, `group` = both.
    """

    text: Array
    image: Array
    group: Array


def group_shares(scores_PTI: NDArray[np.floating]) -> GroupShares:
    """Return what the scores of captions with pictures are worth; caption i belongs to picture i.

    All comparisons are strict in the source, so a model that gives one score to everything would
    get 0. Here a tie is broken at random, in expectation, as everywhere in `metrics`: each of the
    24 orders of the four scores breaks it in its way, and the mean is taken. NaN scores last.
    """
    scores_4P = np.where(np.isnan(scores_PTI), -np.inf, scores_PTI).reshape(-1, 4).T
    ties_4O = np.array(list(permutations(range(4)))).T

    def above(one: int, other: int) -> NDArray[np.bool_]:
        higher_P1 = scores_4P[one, :, None] > scores_4P[other, :, None]
        level_P1 = scores_4P[one, :, None] == scores_4P[other, :, None]
        return np.asarray(higher_P1 | level_P1 & (ties_4O[one] > ties_4O[other]))

    own, crossed = (0, 3), (1, 2)  # caption 0 with picture 0, 0 with 1, 1 with 0, 1 with 1
    text_PO = above(own[0], crossed[1]) & above(own[1], crossed[0])
    image_PO = above(own[0], crossed[0]) & above(own[1], crossed[1])
    shares = (each.mean(axis=1) for each in (text_PO, image_PO, text_PO & image_PO))
    return GroupShares(*shares)


def draw_pairs(
    tokens: Sequence[Token], caption_N: Numbers, *, most: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return at most so many pairs of rows whose tokens differ in one trait, of shape (P, 2).

    The trait has the same type in both and another value, and both values can be said; what has no
    words ("None") does not count. Of tokens that say the same one is drawn. Tokens whose captions
    in `caption_N` are equal nonetheless are no pair. Takes one pass over the tokens, not over all
    pairs of them.
    """
    groups: dict[_Rest, dict[str, int]] = {}
    for row in rng.permutation(len(tokens)).tolist():
        said = {_name(t): words for t in tokens[row].traits if (words := phrase(t))}
        for name, words in said.items():
            rest = (name[0], frozenset(said.keys() - {name}))
            groups.setdefault(rest, {}).setdefault(words, row)
    alike = [sorted(rows.values()) for rows in groups.values() if len(rows) > 1]
    ends = np.cumsum([0, *(math.comb(len(rows), 2) for rows in alike)])
    total = int(ends[-1])
    numbers = rng.choice(total, min(most, total), replace=False) if total else ends[:0]
    group_P = np.searchsorted(ends, numbers, side="right") - 1
    places = [_pair(int(n - ends[g])) for n, g in zip(numbers, group_P, strict=True)]
    pairs = [(alike[g][i], alike[g][j]) for g, (i, j) in zip(group_P, places, strict=True)]
    pairs_P2 = np.array(pairs, np.intp).reshape(-1, 2)
    differ_P = caption_N[pairs_P2[:, 0]] != caption_N[pairs_P2[:, 1]]
    return np.asarray(pairs_P2[differ_P])


def _pair(number: int) -> tuple[int, int]:
    """Return pair `number` of (0, 1), (0, 2), (1, 2), (0, 3), ...: no list of them is made."""
    second = (1 + math.isqrt(1 + 8 * number)) // 2
    return number - math.comb(second, 2), second


def _name(trait: Trait) -> tuple[str, str]:
    return trait.trait_type, trait.value
