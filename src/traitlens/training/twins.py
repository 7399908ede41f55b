"""A token's twin: the token with other values of some traits, painted from components.

Axes: P = H x W pixels, R pixels that are painted, N changes of a twin, C colour channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.training.layering import (
    Ground,
    Layer,
    covered_to,
    painted,
    side_by_side,
    tied,
    visible,
)
from traitlens.training.material import Material
from traitlens.training.tags import NO_COMPONENT, Tag, worn_together

_ALIKE = 8  # levels of 255 by which a colour may differ and look the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Wearer:
    """A token that may get a twin, but not by the tags at the `hidden` positions."""

    row: int
    collection: int
    tags: tuple[Tag, ...]
    hidden: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A tag, in place of the one at a position among the token's."""

    position: int
    tag: Tag


@dataclass(frozen=True, slots=True)
class Area:
    """How many pixels belong to a change, and how many of them may look otherwise in truth."""

    pixels: int
    guessed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Swap:
    """What makes a twin of a token: the changes, and the pixels that are painted for them."""

    changes: tuple[Change, ...]
    areas: tuple[Area, ...]  # of each change: the pixels at which it makes a visible difference
    where_R: NDArray[np.intp]
    colours_RC: NDArray[np.uint8]

    def of_tags(self, tags: Sequence[Tag]) -> tuple[Tag, ...]:
        """Return the twin's tags."""
        return _changed(tags, self.changes)

    def paint(self, frame_HWC: NDArray[np.uint8]) -> None:
        """Make the twin's picture of the token's."""
        frame_HWC.reshape(-1, 3)[self.where_R] = self.colours_RC


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sketch:
    """A twin before it is painted; that what it would show is a guess is known already.

    `areas` are of each change the pixels at which one might see a difference: nothing of the twin
    covers the old component there, or the new one.
    """

    changes: tuple[Change, ...]
    areas: tuple[Area, ...]
    frame_PC: NDArray[np.uint8]  # of the token
    stack: list[Layer]
    ground: Ground
    seen_NP: NDArray[np.bool_]  # the pixels of the areas
    guessed_P: NDArray[np.bool_]


def sketch(material: Material, wearer: Wearer, changes: tuple[Change, ...]) -> Sketch:
    """Return the twin that has all these changes at once.

    New components lie in their own layers, beneath what covers them; where the old ones were, one
    sees what lies beneath. What looks otherwise beside a new trait changes with it. A pixel is a
    guess where nothing known lies beneath, and where it is not known what is above.
    """
    pixels, ground = material.layers.pixels, material.grounds[wearer.collection]
    twin = _changed(wearer.tags, changes)
    stack = material.stack(twin)
    levels_P = covered_to(stack, pixels)
    guessed_P = tied(stack, levels_P) | ~(ground.known_P | (levels_P >= 0))
    seen_NP = np.zeros((len(changes), pixels), np.bool_)
    for seen_P, change in zip(seen_NP, changes, strict=True):
        for row in _changing(wearer.tags, twin, change.position):
            seen_P[visible(material.layers[row], levels_P)] = True
    return Sketch(
        changes=changes,
        areas=_areas(seen_NP, guessed_P),
        frame_PC=material.frames_NHWC[wearer.row].reshape(-1, 3),
        stack=stack,
        ground=ground,
        seen_NP=seen_NP,
        guessed_P=guessed_P,
    )


def paint_twins(sketches: Sequence[Sketch]) -> list[Swap]:
    """Return the swaps that make the twins; only pixels where one sees a change are painted."""
    pixels = len(sketches[0].guessed_P) if sketches else 0
    stack, ground = side_by_side([s.stack for s in sketches], [s.ground for s in sketches])
    where_R = np.flatnonzero(np.concatenate([[], *(s.seen_NP.any(axis=0) for s in sketches)]))
    colours_RC, _ = painted(stack, ground, where_R)
    ends = np.searchsorted(where_R, pixels * np.arange(1, len(sketches)))
    parts = zip(sketches, np.split(where_R, ends), np.split(colours_RC, ends), strict=False)
    return [
        _swap(sketch, where_R - n * pixels, colours_RC)
        for n, (sketch, where_R, colours_RC) in enumerate(parts)
    ]


def _swap(sketch: Sketch, where_R: NDArray[np.intp], colours_RC: NDArray[np.uint8]) -> Swap:
    apart_RC = np.abs(sketch.frame_PC[where_R].astype(np.int16) - colours_RC) > _ALIKE
    changed_R = apart_RC[:, 0] | apart_RC[:, 1] | apart_RC[:, 2]  # `any` takes thrice the time
    where_D, guessed_R = where_R[changed_R], sketch.guessed_P[where_R[changed_R]]
    return Swap(
        changes=sketch.changes,
        areas=_areas(sketch.seen_NP[:, where_D], guessed_R),
        where_R=where_R,
        colours_RC=colours_RC,
    )


def _areas(own_NP: NDArray[np.bool_], guessed_P: NDArray[np.bool_]) -> tuple[Area, ...]:
    return tuple(
        Area(int(np.count_nonzero(own_P)), int(np.count_nonzero(own_P & guessed_P)))
        for own_P in own_NP
    )


def _changed(tags: Sequence[Tag], changes: Sequence[Change]) -> tuple[Tag, ...]:
    instead = {change.position: change.tag for change in changes}
    return worn_together([instead.get(position, tag) for position, tag in enumerate(tags)])


def _changing(tags: Sequence[Tag], twin: Sequence[Tag], position: int) -> set[int]:
    """Return the rows of the components that one change removes or brings, before and after."""
    names = {tags[position].name, twin[position].name}
    rows = {tags[position].component, twin[position].component}
    for before, after in zip(tags, twin, strict=True):
        if before.component != after.component and names & {before.context, after.context}:
            rows |= {before.component, after.component}
    return rows - {NO_COMPONENT}
