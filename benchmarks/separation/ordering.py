"""Which of two components lies above, in truth and as inferred.

The truth is read off what one sees where two components of a token overlap: the one that is seen
lies above. Where components are known alone (the drawn styles), that says where they overlap. Else
a component counts as drawn wherever its value is seen in some token, which is right as long as a
value has one shape. A pair counts when one of the two is seen at nearly all pixels of the overlap,
over all tokens that have both.

Axes: H height, W width.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.records import Trait
from traitlens.separation.pixels import Mask

from .truth import OPAQUE, Labelled

Name = tuple[str, str]

_WORKING_PX = 128  # wider label maps are looked at in every second, third ... row and column
_LEAST_PIXELS = 8  # contested ones, over all tokens
_MAJORITY = 0.9  # of the contested pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How many pairs of overlapping values were found both, and in how many the order is true."""

    pairs: int
    right: int

    @property
    def share(self) -> float | None:
        """The share of pairs in the true order, or None without any."""
        return self.right / self.pairs if self.pairs else None


def order_agreement(labelled: Sequence[Labelled], layer: Mapping[Name, int]) -> Order:
    """Return how many pairs the layers, 0 the lowest, put in the true order; a tie is not right."""
    pairs = [
        (upper, lower) for upper, lower in true_order(labelled) if {upper, lower} <= set(layer)
    ]
    right = sum(layer[upper] > layer[lower] for upper, lower in pairs)
    return Order(pairs=len(pairs), right=right)


def true_order(labelled: Sequence[Labelled]) -> list[tuple[Name, Name]]:
    """Return the pairs of values of which the first lies above the second, sorted."""
    alone = [one for one in labelled if one.layers_KHWC is not None]
    shapes = {} if alone else _shapes(labelled)
    seen: Counter[tuple[Name, Name]] = Counter()  # pixels at which the first covers the second
    for one in alone or labelled:
        drawn = _drawn_alone(one) if alone else shapes
        labels_HW = _labels(one)
        labels = {_name(trait): at for at, trait in enumerate(one.traits, 1)}
        for a, b in itertools.combinations([name for name in labels if name in drawn], 2):
            contested = labels_HW[drawn[a] & drawn[b]]
            seen[a, b] += int((contested == labels[a]).sum())
            seen[b, a] += int((contested == labels[b]).sum())
    return sorted(pair for pair in seen if _is_above(seen[pair], seen[pair[::-1]]))


def _is_above(first: int, second: int) -> bool:
    both = first + second
    return both >= _LEAST_PIXELS and first >= _MAJORITY * both


def _drawn_alone(one: Labelled) -> dict[Name, Mask]:
    """Return where each component of a token is drawn, covered or not: bool (H, W)."""
    assert one.layers_KHWC is not None
    drawn_KHW = one.layers_KHWC[..., 3] >= OPAQUE
    return {_name(trait): drawn for trait, drawn in zip(one.traits, drawn_KHW, strict=True)}


def _shapes(labelled: Iterable[Labelled]) -> dict[Name, Mask]:
    """Return where each value is seen in some token: bool (H, W)."""
    shapes: dict[Name, Mask] = {}
    for one in labelled:
        labels_HW = _labels(one)
        for at, trait in enumerate(one.traits, 1):
            name, seen_HW = _name(trait), labels_HW == at
            shapes[name] = shapes[name] | seen_HW if name in shapes else seen_HW
    return {name: shape for name, shape in shapes.items() if shape.any()}


def _labels(one: Labelled) -> NDArray[np.uint8]:
    """Return a label map at the size of the components drawn alone, or thinned out."""
    height, width = one.labels_HW.shape
    if one.layers_KHWC is not None:
        step = height // one.layers_KHWC.shape[1]  # whole: only drawn styles of 128 px have layers
    else:
        step = max(1, max(height, width) // _WORKING_PX)
    return one.labels_HW[::step, ::step]


def _name(trait: Trait) -> Name:
    return trait.trait_type, trait.value
