"""Counterfactuals: which tokens get a twin, and which of their traits are swapped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from traitlens.config import check_range
from traitlens.training.material import Material
from traitlens.training.tags import NO_COMPONENT, Tag
from traitlens.training.twins import Area, Change, Sketch, Swap, Wearer, paint_twins, sketch

_TURNS = 4  # in which changes give way to others before a token is left without a twin


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapConfig:
    """How many tokens of a batch get a twin, in what they differ, and which are worth having.

    A twin is painted anew where it differs, from components alone, and so has no hole. Where
    nothing is known to lie beneath, the collection's mean picture is a guess, and so is which of
    two components is above where that is not known. A component that paints its own tokens wrongly
    (`trust.component_trust`) is neither put on nor taken off.
    """

    share: float = 0.0  # of the batch's tokens, in [0, 1]
    # In which a twin may differ, at least 1: every number up to it is as likely. Where a token has
    # no more that can be swapped, it may be put together wholly anew.
    traits: int = 1
    least_change: float = 0.002  # share of the pixels that each must change visibly, in [0, 1]
    most_guessed: float = 0.1  # share of the pixels of each that may be guessed, in [0, 1]
    least_trust: float = 0.75  # that a swapped component must have, in [0, 1]

    def __post_init__(self) -> None:
        check_range("swaps.share", self.share, low=0, high=1)
        check_range("swaps.traits", self.traits, low=1)
        check_range("swaps.least_change", self.least_change, low=0, high=1)
        check_range("swaps.most_guessed", self.most_guessed, low=0, high=1)
        check_range("swaps.least_trust", self.least_trust, low=0, high=1)

    def wanted(self, tokens: int) -> int:
        """Return how many of a batch's tokens are to get a twin; some of them may not."""
        return round(self.share * tokens)

    def takes(self, area: Area, pixels: int) -> bool:
        """Return whether a change in a picture of so many pixels is worth having."""
        enough = area.pixels > self.least_change * pixels
        return enough and area.guessed <= self.most_guessed * area.pixels


def draw_swaps(
    material: Material,
    wearers: Sequence[Wearer],
    *,
    config: SwapConfig,
    rng: np.random.Generator,
) -> list[Swap | None]:
    """Return a swap for each of some tokens, None where no one of some tries is worth having.

    Tags are drawn that have a component and are not hidden, and in the place of each a value of the
    same type and collection that the token does not have, all as likely. Every change must be worth
    having in the twin's picture: one that is not gives way to another, and the twin goes without it
    where there is no other.
    """
    swaps: list[Swap | None] = [None] * len(wearers)
    pixels = material.layers.pixels
    drafts = {n: _draft(material, one, config, rng=rng) for n, one in enumerate(wearers)}
    for _ in range(_TURNS):
        drafts = {n: draft for n, draft in drafts.items() if swaps[n] is None and draft.changes}
        sketches = {n: sketch(material, wearers[n], draft.chosen) for n, draft in drafts.items()}
        # Most of what is not worth having is known before it is painted, which takes the time.
        good = [n for n, s in sketches.items() if not drafts[n].drop(_poor(s, config, pixels))]
        for n, swap in zip(good, paint_twins([sketches[n] for n in good]), strict=True):
            if not drafts[n].drop(_poor(swap, config, pixels)):
                swaps[n] = swap
    return swaps


def _poor(twin: Sketch | Swap, config: SwapConfig, pixels: int) -> list[Change]:
    """Return the changes of a twin that are not worth having."""
    pairs = zip(twin.changes, twin.areas, strict=True)
    return [change for change, area in pairs if not config.takes(area, pixels)]


@dataclass(slots=True)
class _Draft:
    """Changes that may make a twin; the first of them do, as many as are `wanted`."""

    changes: list[Change]
    wanted: int

    @property
    def chosen(self) -> tuple[Change, ...]:
        return tuple(self.changes[: self.wanted])

    def drop(self, poor: Sequence[Change]) -> bool:
        """Remove some changes and return whether there were any."""
        self.changes = [change for change in self.changes if change not in poor]
        return bool(poor)


def _draft(
    material: Material, wearer: Wearer, config: SwapConfig, *, rng: np.random.Generator
) -> _Draft:
    """Return changes of some tags, none twice, that can all be made at once."""
    positions = rng.permutation(_swappable(material, wearer, config.least_trust)).tolist()
    wanted = int(rng.integers(min(config.traits, len(positions)))) + 1 if positions else 0
    draft = _Draft([], wanted)
    taken = list(wearer.tags)
    for position in positions[: wanted + _TURNS - 1]:
        others = _others(material, wearer, position, taken, least_trust=config.least_trust)
        if others:
            tag = others[int(rng.integers(len(others)))]
            taken.append(tag)
            draft.changes.append(Change(position, tag))
    return draft


def _swappable(material: Material, wearer: Wearer, least_trust: float) -> list[int]:
    """Return the positions of tags that can be replaced.

    Each alone has its words; it, or what looks otherwise by its type, has a trusted component that
    no other tag has; and none of these is hidden.
    """
    tags, hidden = wearer.tags, {wearer.tags[position].name for position in wearer.hidden}
    components = Counter(tag.component for tag in tags)
    words = Counter(tag.words for tag in tags)
    result = []
    for position, tag in enumerate(tags):
        seen = [other for other in tags if other is tag or other.depends_on(tag.trait_type)]
        seen = [other for other in seen if other.component != NO_COMPONENT]
        if (
            seen
            and words[tag.words] == 1
            and not hidden & {tag.name, *(other.name for other in seen)}
            and all(components[other.component] == 1 for other in seen)
            and all(material.trusts(other.component, least=least_trust) for other in seen)
        ):
            result.append(position)
    return result


def _others(
    material: Material, wearer: Wearer, position: int, taken: Sequence[Tag], *, least_trust: float
) -> list[Tag]:
    """Return what may take the place of a tag and says nothing that is `taken`."""
    words = {tag.words for tag in taken}
    return [
        tag
        for tag in material.values[wearer.collection, wearer.tags[position].trait_type]
        if tag.words not in words
        and (tag.component == NO_COMPONENT or material.trusts(tag.component, least=least_trust))
    ]
