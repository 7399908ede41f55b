"""Questions with two answers: a token's own traits, or the same with one value swapped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from traitlens.captions import CaptionConfig, caption, phrase
from traitlens.records import Token, Trait


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """A token, a trait of it, what is said instead, and the two texts that differ by that alone."""

    row: int  # in its collection, from 0
    donor: int  # the row of the token that has `instead`
    trait: Trait
    instead: Trait
    right: str
    wrong: str


def draw_swaps(
    collection: str,
    tokens: Sequence[Token],
    *,
    most: int,
    config: CaptionConfig,
    rng: np.random.Generator,
) -> list[Swap]:
    """Return at most so many swaps, drawn among all traits of all tokens that a caption says.

    What is said instead is the value of a trait of the type, drawn among all those of the
    collection; where the token has it too, there is no question. So of two values each is as likely
    the right one, exactly so for types that a token has once. (A draw among the other values alone
    would give frequency away: where 60% have a hat and 40% a cap, the hat would be right 60 times
    in 100.)
    """
    said = [
        (row, place)
        for row, token in enumerate(tokens)
        for place, trait in enumerate(token.traits)
        if phrase(trait)
    ]
    of_type: dict[str, list[tuple[int, Trait]]] = defaultdict(list)
    for row, place in said:
        trait = tokens[row].traits[place]
        of_type[trait.trait_type].append((row, trait))
    swaps: list[Swap] = []
    for number in rng.permutation(len(said)):
        row, place = said[number]
        traits = tokens[row].traits
        donors = of_type[traits[place].trait_type]
        donor, instead = donors[rng.integers(len(donors))]
        if phrase(instead) in {phrase(trait) for trait in traits}:
            continue
        swapped = (*traits[:place], instead, *traits[place + 1 :])
        right, wrong = (caption(collection, t, config=config).text for t in (traits, swapped))
        swaps.append(
            Swap(
                row=row,
                donor=donor,
                trait=traits[place],
                instead=instead,
                right=right,
                wrong=wrong,
            )
        )
        if len(swaps) == most:
            break
    return swaps
