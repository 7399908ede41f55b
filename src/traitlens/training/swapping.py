"""Counterfactuals: a token's twin, which differs in the value of one trait.

Axes: P = H x W pixels, R pixels that differ, C colour channels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.config import check_range
from traitlens.training.layering import Layer, covered_to, painted, side_by_side, visible
from traitlens.training.material import Material
from traitlens.training.tags import NO_COMPONENT, Tag

_TRIES = 4  # traits of a token that are tried before it is left without a twin
_ALIKE = 8  # levels of 255 by which a colour may differ and look the same


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapConfig:
    """How many tokens of a batch get a twin, and which twins are worth having.

    A twin is painted anew where it differs, from components alone, and so has no hole. Where
    nothing is known to lie beneath, the collection's mean picture is a guess, and so is which of
    two components is above where that is not known.
    """

    share: float = 0.0  # of the batch's tokens, in [0, 1]
    least_change: float = 0.002  # share of the pixels that must change visibly, in [0, 1]
    most_guessed: float = 0.1  # share of the changed pixels that may be guessed, in [0, 1]

    def __post_init__(self) -> None:
        check_range("swaps.share", self.share, low=0, high=1)
        check_range("swaps.least_change", self.least_change, low=0, high=1)
        check_range("swaps.most_guessed", self.most_guessed, low=0, high=1)

    def wanted(self, tokens: int) -> int:
        """Return how many of a batch's tokens are to get a twin; some of them may not."""
        return round(self.share * tokens)

    def takes(self, swap: Swap, pixels: int) -> bool:
        """Return whether a swap in a picture of so many pixels is worth having."""
        enough = swap.changed > self.least_change * pixels
        return enough and swap.guessed <= self.most_guessed * swap.changed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Swap:
    """One tag in place of another, and the pixels that this changes."""

    position: int  # of the tag among the token's
    tag: Tag
    where_R: NDArray[np.intp]
    colours_RC: NDArray[np.uint8]
    changed: int  # pixels that look different
    guessed: int  # pixels among these that may look otherwise in truth

    def of_tags(self, tags: Sequence[Tag]) -> tuple[Tag, ...]:
        """Return the twin's tags."""
        return (*tags[: self.position], self.tag, *tags[self.position + 1 :])

    def paint(self, frame_HWC: NDArray[np.uint8]) -> None:
        """Make the twin's picture of the token's."""
        frame_HWC.reshape(-1, 3)[self.where_R] = self.colours_RC


@dataclass(frozen=True, slots=True, kw_only=True)
class Wearer:
    """A token that may get a twin, but not by the tags at the `hidden` positions."""

    row: int
    collection: int
    tags: tuple[Tag, ...]
    hidden: tuple[int, ...] = ()


def draw_swaps(
    material: Material,
    wearers: Sequence[Wearer],
    *,
    config: SwapConfig,
    rng: np.random.Generator,
) -> list[Swap | None]:
    """Return a swap for each of some tokens, None where no one of some tries is worth having.

    A tag is drawn that has a component and is not hidden, and in its place a value of the same type
    and collection that the token does not have, all as likely.
    """
    tries = [_draw_tries(material, wearer, rng=rng) for wearer in wearers]
    swaps: list[Swap | None] = [None] * len(wearers)
    for turn in range(_TRIES):
        left = [n for n, swap in enumerate(swaps) if swap is None and turn < len(tries[n])]
        tried = paint_swaps(material, [wearers[n] for n in left], [tries[n][turn] for n in left])
        for number, swap in zip(left, tried, strict=True):
            if config.takes(swap, material.layers.pixels):
                swaps[number] = swap
    return swaps


def _draw_tries(
    material: Material, wearer: Wearer, *, rng: np.random.Generator
) -> list[tuple[int, Tag]]:
    """Return some positions of tags, none twice, and what might take their place."""
    return [
        (position, others[int(rng.integers(len(others)))])
        for position in rng.permutation(_swappable(wearer))[:_TRIES].tolist()
        if (others := _others(material, wearer, position))
    ]


def _swappable(wearer: Wearer) -> list[int]:
    """Return the positions of tags that can be replaced: each alone has its component and words."""
    components = Counter(tag.component for tag in wearer.tags)
    words = Counter(tag.words for tag in wearer.tags)
    return [
        position
        for position, tag in enumerate(wearer.tags)
        if tag.component != NO_COMPONENT
        and position not in wearer.hidden
        and components[tag.component] == words[tag.words] == 1
    ]


def _others(material: Material, wearer: Wearer, position: int) -> list[Tag]:
    components = {tag.component for tag in wearer.tags}
    words = {tag.words for tag in wearer.tags}
    of_type = material.values[wearer.collection, wearer.tags[position].trait_type]
    return [tag for tag in of_type if tag.component not in components and tag.words not in words]


def paint_swaps(
    material: Material, wearers: Sequence[Wearer], tries: Sequence[tuple[int, Tag]]
) -> list[Swap]:
    """Return the swaps that put a tag in the place of the one at a position of each token.

    The new component lies in its own layer, beneath what covers it; where the old one was, one sees
    what lies beneath. Only pixels where one sees either are painted.
    """
    pixels = material.layers.pixels
    changes = [_Change.of(material, *pair) for pair in zip(wearers, tries, strict=True)]
    grounds = [material.grounds[wearer.collection] for wearer in wearers]
    stack, ground = side_by_side([[*c.rest, c.new] for c in changes], grounds)
    where_R = np.flatnonzero(np.concatenate([[], *(c.seen_P for c in changes)]))
    colours_RC, known_R = painted(stack, ground, where_R)
    ends = np.searchsorted(where_R, pixels * np.arange(1, len(changes)))
    parts = (np.split(one, ends) for one in (where_R, colours_RC, known_R))
    return [
        change.swap(where - n * pixels, colours, known)
        for n, (change, where, colours, known) in enumerate(zip(changes, *parts, strict=False))
    ]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Change:
    """A try: what it replaces by what, and where one would see it."""

    position: int
    tag: Tag
    frame_PC: NDArray[np.uint8]
    rest: list[Layer]
    new: Layer
    seen_P: NDArray[np.bool_]  # where one sees the old component or the new one
    sure_P: NDArray[np.bool_]  # where it is known what covers them

    @classmethod
    def of(cls, material: Material, wearer: Wearer, tried: tuple[int, Tag]) -> _Change:
        (position, tag), tags, pixels = tried, wearer.tags, material.layers.pixels
        rest = material.stack((*tags[:position], *tags[position + 1 :]))
        old, new = (material.layers[one.component] for one in (tags[position], tag))
        levels_P, seen_P = covered_to(rest, pixels), np.zeros(pixels, np.bool_)
        for layer in (old, new):
            seen_P[visible(layer, levels_P)] = True
        return cls(
            position=position,
            tag=tag,
            frame_PC=material.frames_NHWC[wearer.row].reshape(-1, 3),
            rest=rest,
            new=new,
            seen_P=seen_P,
            sure_P=~(_tied(old, rest, pixels) | _tied(new, rest, pixels)),
        )

    def swap(
        self, where_R: NDArray[np.intp], colours_RC: NDArray[np.uint8], known_R: NDArray[np.bool_]
    ) -> Swap:
        """Return the swap, now that it is painted."""
        was_RC = self.frame_PC[where_R].astype(np.int16)
        changed_R = (np.abs(was_RC - colours_RC) > _ALIKE).any(axis=1)
        guessed_R = changed_R & ~(known_R & self.sure_P[where_R])
        return Swap(
            position=self.position,
            tag=self.tag,
            where_R=where_R,
            colours_RC=colours_RC,
            changed=int(np.count_nonzero(changed_R)),
            guessed=int(np.count_nonzero(guessed_R)),
        )


def _tied(one: Layer, rest: Sequence[Layer], pixels: int) -> NDArray[np.bool_]:
    """Return where it is not known whether another layer covers this one: bool (P,)."""
    own_P, tied_P = (np.zeros(pixels, np.bool_) for _ in range(2))
    own_P[one.where_M] = True
    for layer in rest:
        if layer.level == one.level:
            tied_P[layer.covering] = True
    return own_P & tied_P
