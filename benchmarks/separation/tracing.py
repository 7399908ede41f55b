"""Exact masks of DiceBear drawings: the style is redrawn in colours that say whose a shape is.

A style is a tree of shapes, so the truth can be read off it. `Tracer` makes copies of the style in
which each shape of a component is pure red, green or blue, and all else is black, three components
a copy. A token drawn in such a copy has the same choices, so a channel is the share of each pixel
that its component covers. What no shape covers is the ground.

A pixel's label is the component that covers most of it. So an edge pixel between two components
belongs to the one with the larger part, or to the ground where that fills more.
Opacity is left aside: a blush of 30% covers what it is laid on. A part keeps its pixels from the
whole that it is drawn in (a mouth from the face). Shapes below `_UNSEEN` opacity cover nothing.

Colour traits own no pixels, as what they recolour is labelled with the shape's trait; but for the
background's colour, which owns the ground. Shapes that every token has (a bare head) are the base.

Axes: H height, W width, C channels (RGB, or RGBA), K components, a whole before its parts.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from dicebear import Style
from numpy.typing import NDArray

from traitlens.sources.dicebear_drawing import Drawing, Recipe, draw_token, make_recipe
from traitlens.sources.dicebear_styles import (
    PROFILES,
    load_style,
    read_definition,
    varying_components,
)
from traitlens.sources.palettes import rgb_of

Labels = NDArray[np.uint8]

_CHANNELS = ("#ff0000", "#00ff00", "#0000ff")
_BLACK, _WHITE = "#000000", "#ffffff"
_OPACITIES = ("opacity", "fill-opacity", "stroke-opacity")
_BASE = ""  # the owner of what belongs to no component
_UNSEEN = 0.05  # opacity below which a shape counts for nothing
_SHAPELESS = ("clipPath", "mask")  # their shapes cut others out, and are not seen themselves

Element = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """A token's drawing and its label map: the place in `mask_labels` of what one sees.

    The first label, 0, is the base. `kinds` are the trait types of the others: the ground's, then
    those of the drawn components, a whole before its parts.
    """

    drawing: Drawing
    mask_labels: tuple[str, ...]
    kinds: tuple[str, ...]
    labels_HW: Labels


class Tracer:
    """Draws the tokens of one style with their exact masks."""

    def __init__(self, name: str, *, seed: int = 0, size: int = 128) -> None:
        """Prepare the style and its coloured copies, which takes some seconds."""
        style = load_style(name)
        self._recipe = make_recipe(name, style, seed=seed, size=size, masks=False)
        self._definition = read_definition(name)
        self._parts = {PROFILES[name].label(key): key for key in varying_components(name, style)}
        self._ground = PROFILES[name].label("backgroundColor")
        keys = [_BASE, *self._parts.values()]
        groups = [keys[start : start + 3] for start in range(0, len(keys), 3)]
        self._coded = {
            tuple(group): self._copy(_code(dict(zip(group, _CHANNELS, strict=False))), _BLACK)
            for group in groups
        }
        self._alone: dict[str, tuple[Recipe, Recipe]] = {}

    def trace(self, token_id: int) -> Traced:
        """Return the token `token_id` with its masks."""
        drawing = draw_token(self._recipe, token_id)
        drawn = drawing.mask_labels[1:]
        ground = f"{self._ground}: {dict(drawing.traits)[self._ground]}"
        kinds = tuple(label.split(": ")[0] for label in drawn)
        cover = {
            key: coded_HWC[..., channel]
            for group, recipe in self._coded.items()
            for coded_HWC in [draw_token(recipe, token_id).image_HWC.astype(np.int16)]
            for channel, key in enumerate(group)
        }
        ground_HW = 255 - sum(cover.values(), np.zeros_like(cover[_BASE]))
        shares = [cover[_BASE], ground_HW, *(cover[self._parts[kind]] for kind in kinds)]
        return Traced(
            drawing=drawing,
            mask_labels=(drawing.mask_labels[0], ground, *drawn),
            kinds=(self._ground, *kinds),
            labels_HW=np.stack(shares).argmax(axis=0).astype(np.uint8),
        )

    def layers(self, token_id: int, kinds: Sequence[str]) -> NDArray[np.uint8]:
        """Return each component drawn alone: RGBA, uint8 (K, H, W, 4), of straight alpha."""
        return np.stack(
            [
                self._plain_ground(token_id)
                if kind == self._ground
                else self._layer(token_id, self._parts[kind])
                for kind in kinds
            ]
        )

    def _plain_ground(self, token_id: int) -> NDArray[np.uint8]:
        """Return the ground, which is of one colour, without anything on it."""
        drawing = draw_token(self._recipe, token_id)
        colour = rgb_of(dict(drawing.traits)[self._ground])
        size = self._recipe.size
        return np.full((size, size, 4), (*colour, 255), np.uint8)

    def _layer(self, token_id: int, key: str) -> NDArray[np.uint8]:
        """Return one component as RGBA, from what it looks like on black and on white."""
        if key not in self._alone:
            self._alone[key] = (
                self._copy(_hide_all_but(key), _BLACK),
                self._copy(_hide_all_but(key), _WHITE),
            )
        on_black_HWC, on_white_HWC = (
            draw_token(recipe, token_id).image_HWC.astype(np.float64) for recipe in self._alone[key]
        )
        alpha_HW1 = 1 - (on_white_HWC - on_black_HWC).mean(axis=-1, keepdims=True) / 255
        alpha_HW1 = alpha_HW1.clip(0, 1)
        rgb_HWC = np.divide(on_black_HWC, alpha_HW1, where=alpha_HW1 > 0, out=0 * on_black_HWC)
        rgba_HWC = np.concatenate([rgb_HWC, alpha_HW1 * 255], axis=-1)
        return rgba_HWC.round().clip(0, 255).astype(np.uint8)

    def _copy(self, change: Callable[[str, Element], None], ground: str) -> Recipe:
        """Return the recipe with a changed copy of its style, drawn on a plain ground."""
        definition = copy.deepcopy(self._definition)
        for owner, element in _seen(definition, self._parts.values()):
            change(owner, element)
        canvas = definition["canvas"]
        size = {"width": str(canvas["width"]), "height": str(canvas["height"])}
        rect = {"type": "element", "name": "rect", "attributes": {**size, "fill": ground}}
        canvas["elements"].insert(0, rect)
        return dataclasses.replace(self._recipe, style=Style(definition))


def _seen(
    definition: Mapping[str, Any], components: Collection[str]
) -> Iterator[tuple[str, Element]]:
    """Yield for each element that is seen of a style the component it belongs to, or `_BASE`."""
    yield from _with_owner(_BASE, definition["canvas"]["elements"])
    for key, component in definition["components"].items():
        for variant in component.get("variants", {}).values():
            yield from _with_owner(key if key in components else _BASE, variant["elements"])


def _with_owner(owner: str, elements: Sequence[Element]) -> Iterator[tuple[str, Element]]:
    for element in elements:
        if element["type"] == "element" and element["name"] not in _SHAPELESS:
            yield owner, element
            yield from _with_owner(owner, element.get("children", ()))


def _code(colours: Mapping[str, str]) -> Callable[[str, Element], None]:
    """Return what paints the components of `colours` opaquely so, and all others black."""

    def paint(owner: str, element: Element) -> None:
        attributes = element.setdefault("attributes", {})
        for name in ("fill", "stroke", "stop-color"):
            if name in attributes and not _is_kept(attributes[name]):
                attributes[name] = colours.get(owner, _BLACK)
        opacity = min(float(attributes.get(name, 1)) for name in _OPACITIES)
        for name in _OPACITIES:
            attributes.pop(name, None)
        if opacity < _UNSEEN:
            attributes["opacity"] = "0"

    return paint


def _is_kept(paint: object) -> bool:
    """Return whether a paint is none, or a gradient, whose own stops are painted."""
    return isinstance(paint, str) and (paint == "none" or paint.startswith("url("))


def _hide_all_but(key: str) -> Callable[[str, Element], None]:
    """Return what hides the shapes of all components but one, and of the canvas."""

    def hide(owner: str, element: Element) -> None:
        if owner != key and not element.get("children"):
            element.setdefault("attributes", {})["opacity"] = "0"

    return hide
