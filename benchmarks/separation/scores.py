"""How well predicted components agree with the true ones.

Two predictions are scored. "mask" is the value's mask as it is, the same in every token. "seen" is
`ComponentMasks.label_map`: what the method says one sees in this token. Both are compared with the
true visible mask; components that are wholly covered in a token are left out of it.

IoU is the mean over the tokens of a trait value, then over the values of a collection, in [0, 1]. A
value without a component scores 0.

Axes: K components, H height, W width, C the four channels RGBA, M pixels of a component.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from traitlens.records import Trait
from traitlens.separation import Component, ComponentMasks
from traitlens.separation.pixels import Mask

from .ordering import Order, order_agreement
from .truth import OPAQUE, Labelled

Name = tuple[str, str]  # trait type and value

COMMON = 5  # tokens that show a value, from which there is something to compare


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueScore:
    """How well one trait value was found."""

    name: Name
    tokens: int  # that show it
    area: float  # mean share of their pictures, in [0, 1]
    mask: float  # IoU
    seen: float  # IoU
    confidence: float | None  # None where it has no component


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """How well a collection was separated."""

    values: tuple[ValueScore, ...]
    order: Order
    pixel_error: float | None  # None where no token says what its components are alone

    @property
    def mask(self) -> float:
        """The IoU of the masks, the mean over the values."""
        return float(np.mean([value.mask for value in self.values]))

    @property
    def seen(self) -> float:
        """The IoU of what is seen, the mean over the values."""
        return float(np.mean([value.seen for value in self.values]))

    @property
    def seen_common(self) -> float | None:
        """The same over the values that several tokens show, or None where there are none."""
        common = [value.seen for value in self.values if value.tokens >= COMMON]
        return float(np.mean(common)) if common else None

    @property
    def undetected(self) -> float:
        """The share of the values that have no component."""
        return float(np.mean([value.confidence is None for value in self.values]))


def score(masks: ComponentMasks, labelled: Sequence[Labelled]) -> Scores:
    """Return how well the components of a collection agree with the truth."""
    found = {component.name: component for component in masks.components}
    return Scores(
        values=tuple(_values(masks, labelled, found)),
        order=order_agreement(labelled, {name: c.layer for name, c in found.items()}),
        pixel_error=pixel_error(labelled, found),
    )


def _values(
    masks: ComponentMasks, labelled: Iterable[Labelled], found: dict[Name, Component]
) -> list[ValueScore]:
    rows = {component.name: row for row, component in enumerate(masks.components)}
    scored: dict[Name, list[tuple[float, float, float]]] = defaultdict(list)
    for one in labelled:
        drawn, seen_HW = masks.for_token(one.token), masks.label_map(one.token)
        for trait, true_HW in one.visible():
            name = _name(trait)
            mask, seen = 0.0, 0.0
            if trait in drawn:
                mask = iou(drawn[trait], true_HW)
                seen = iou(seen_HW == rows[name], true_HW)
            scored[name].append((mask, seen, float(true_HW.mean())))
    result = []
    for name in sorted(scored):
        mask, seen, area = np.mean(scored[name], axis=0).tolist()
        confidence = found[name].confidence if name in found else None
        result.append(
            ValueScore(
                name=name,
                tokens=len(scored[name]),
                area=area,
                mask=mask,
                seen=seen,
                confidence=confidence,
            )
        )
    return result


def iou(found: Mask, true: Mask) -> float:
    """Return intersection over union of two masks, of which `true` is not empty."""
    return float((found & true).sum() / (found | true).sum())


def pixel_error(labelled: Iterable[Labelled], found: dict[Name, Component]) -> float | None:
    """Return how far the recovered pixels are from the true ones, in 0..255, or None.

    It is the mean absolute difference of RGBA, the colours times alpha, at the pixels that both the
    component and the truth have; then over tokens, values and the collection. The component has the
    pixels that it has beside the token's other traits.
    """
    errors: dict[Name, list[float]] = defaultdict(list)
    for one in labelled:
        if one.layers_KHWC is None or one.layers_KHWC.shape[1:3] != one.labels_HW.shape:
            continue  # not known, or the picture was enlarged since
        for trait, layer_HWC in zip(one.traits, one.layers_KHWC, strict=True):
            component = found.get(_name(trait))
            if component is None:
                continue
            region = component.region_for(one.token.traits)
            true_M4 = layer_HWC.reshape(-1, 4)[region.where_M]
            both_M = true_M4[:, 3] >= OPAQUE
            if both_M.any():
                away = _premultiplied(region.rgba_M4[both_M]) - _premultiplied(true_M4[both_M])
                errors[component.name].append(float(np.abs(away).mean()))
    return float(np.mean([np.mean(each) for each in errors.values()])) if errors else None


def _premultiplied(rgba: np.ndarray) -> np.ndarray:
    straight = rgba.astype(np.float64)
    straight[..., :3] *= straight[..., 3:] / 255
    return straight


def _name(trait: Trait) -> Name:
    return trait.trait_type, trait.value
