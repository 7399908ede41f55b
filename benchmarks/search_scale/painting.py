"""Tokens painted anew from the components that were found in a collection's pictures.

Axes: H height, W width, P = H x W pixels, M pixels of a component, 4 = RGBA.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.records import Trait
from traitlens.separation import Component, ComponentMasks
from traitlens.separation.pixels import Region

_OPAQUE = 255


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    where_M: NDArray[np.int32]
    rgba_M4: NDArray[np.uint8]
    is_opaque: bool

    @classmethod
    def of(cls, region: Region) -> _Layer:
        return cls(region.where_M, region.rgba_M4, bool((region.rgba_M4[:, 3] == _OPAQUE).all()))

    def paint(self, canvas_P4: NDArray[np.uint8]) -> None:
        if self.is_opaque:
            canvas_P4[self.where_M] = self.rgba_M4
            return
        canvas_P4[self.where_M] = _over(self.rgba_M4, canvas_P4[self.where_M])


class Painter:
    """Paints tokens of one collection."""

    def __init__(self, masks: ComponentMasks) -> None:
        self._masks = masks
        self._by_name = {component.name: component for component in masks.components}
        self._layers: dict[tuple[tuple[str, str], Trait | None], _Layer] = {}

    def paint(self, traits: Sequence[Trait]) -> Image.Image:
        """Return the picture of a token that has these traits, as RGBA at the collection's size."""
        canvas_P4 = self._masks.base_HWC.reshape(-1, 4).copy()
        names = dict.fromkeys((trait.trait_type, trait.value) for trait in traits)
        worn = [self._by_name[name] for name in names if name in self._by_name]
        plain = {Trait(*name) for name in names}
        for component in sorted(worn, key=_level):
            self._layer(component, plain).paint(canvas_P4)
        shape = (self._masks.height, self._masks.width, 4)
        return Image.fromarray(canvas_P4.reshape(shape))

    def _layer(self, component: Component, traits: set[Trait]) -> _Layer:
        contexts = (v.context for v in component.variants)
        context = next((context for context in contexts if context in traits), None)
        key = (component.name, context)
        if key not in self._layers:
            self._layers[key] = _Layer.of(component.region_for(traits))
        return self._layers[key]


def _level(component: Component) -> int:
    return component.layer


def _over(upper_M4: NDArray[np.uint8], lower_M4: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return one layer over another (Porter and Duff, Compositing Digital Images, 1984: over)."""
    upper_M1 = upper_M4[:, 3:].astype(np.float32) / _OPAQUE
    left_M1 = lower_M4[:, 3:].astype(np.float32) / _OPAQUE * (1 - upper_M1)
    alpha_M1 = upper_M1 + left_M1
    colours_M3 = upper_M4[:, :3] * upper_M1 + lower_M4[:, :3] * left_M1
    result_M4 = np.zeros_like(upper_M4)
    result_M4[:, :3] = np.rint(colours_M3 / np.maximum(alpha_M1, 1e-6))
    result_M4[:, 3:] = np.rint(alpha_M1 * _OPAQUE)
    return result_M4
