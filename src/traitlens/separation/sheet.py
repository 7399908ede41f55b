"""A contact sheet of components, so that a person can judge them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from traitlens import files
from traitlens.records import Token
from traitlens.separation.masks import FOLDER, Component, ComponentMasks, load_masks, read_picture
from traitlens.separation.pixels import Mask
from traitlens.sheets import contact_sheet
from traitlens.standardization import png_bytes
from traitlens.store import Dataset

_PAPER = np.array([235.0, 235.0, 235.0])  # behind transparent pixels, and what others fade to
_FADE = 0.8  # of the way to paper


def write_component_sheet(
    data: Dataset, collection: str, *, folder: Path | None = None, values: int = 32
) -> Path:
    """Write the sheet beside the collection's components, as a PNG, and return where."""
    folder = folder or data.path / FOLDER
    sheet = component_sheet(data, load_masks(folder, collection), values=values)
    path = folder / f"{collection}.png"
    files.write_bytes(path, png_bytes(sheet))
    return path


def component_sheet(
    data: Dataset, masks: ComponentMasks, *, values: int = 32, columns: int = 8, cell_px: int = 128
) -> Image.Image:
    """Return a sheet of some trait values: a token that has it, and the same with all else faded.

    The values are spread evenly over the trait types, and over common and rare ones. `columns`
    counts pictures, two a value.
    """
    pictures: list[Image.Image | None] = []
    labels: list[str] = []
    for component, token in _examples(data, masks, values):
        picture = read_picture(token)
        pictures += [picture, _spotlight(picture, _seen(masks, component, token, picture))]
        labels += [str(component.trait), f"{component.support} tokens, {component.visible:.1%}"]
    return contact_sheet(pictures, labels, columns=columns, cell_px=cell_px)


def _examples(data: Dataset, masks: ComponentMasks, values: int) -> list[tuple[Component, Token]]:
    """Return some components, each with the first token of the data set that has its value."""
    chosen = _spread(masks.components, values)
    awaited = {c.name for c in chosen}
    first: dict[tuple[str, str], Token] = {}
    for token in data.tokens(collections=[masks.collection]):
        if awaited and (token.height, token.width) == (masks.height, masks.width):
            named = awaited & {(trait.trait_type, trait.value) for trait in token.traits}
            first.update(dict.fromkeys(named, token))
            awaited -= named
    return [(c, first[c.name]) for c in chosen if c.name in first]


def _spread(components: Sequence[Component], values: int) -> list[Component]:
    """Return at most `values` components, evenly over the types and over common and rare ones."""
    order = sorted(components, key=lambda c: (c.trait.trait_type, -c.support, c.trait.value))
    step = max(1.0, len(order) / max(1, values))
    return [order[int(at * step)] for at in range(min(values, len(order)))]


def _seen(masks: ComponentMasks, component: Component, token: Token, picture: Image.Image) -> Mask:
    seen = masks.visible(token, picture)
    return next(m for t, m in seen.items() if (t.trait_type, t.value) == component.name)


def _spotlight(picture: Image.Image, seen_HW: Mask) -> Image.Image:
    """Return the picture on light grey paper, with what is not seen in grey and faded."""
    rgba_HWC = np.asarray(picture.convert("RGBA"), np.float64)
    alpha_HW1 = rgba_HWC[..., 3:] / 255
    plain_HWC = rgba_HWC[..., :3] * alpha_HW1 + _PAPER * (1 - alpha_HW1)
    faded_HWC = plain_HWC.mean(axis=2, keepdims=True) * (1 - _FADE) + _PAPER * _FADE
    result_HWC = np.where(seen_HW[..., None], plain_HWC, faded_HWC)
    return Image.fromarray(result_HWC.round().astype(np.uint8))
