"""A contact sheet of components, so that a person can judge them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import numpy as np
from PIL import Image

from traitlens import files
from traitlens.separation.masks import FOLDER, Component, ComponentMasks, load_masks, read_picture
from traitlens.separation.pixels import Mask
from traitlens.sheets import contact_sheet
from traitlens.standardization import png_bytes
from traitlens.store import Dataset

_PAPER = np.array([255.0, 255.0, 255.0])  # behind transparent pixels
_FADED = np.array([214.0, 190.0, 226.0])  # mauve: rare in art, so that white and grey stand out
_FADE = 0.75  # of the way to mauve
_CANDIDATES = 4  # tokens a value, of which the one that shows most of it is taken

Example = tuple[Image.Image, Mask]  # a token's picture, and where one sees the component


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
    chosen = _spread(masks.components, values)
    examples = _examples(data, masks, {component.name for component in chosen})
    pictures: list[Image.Image | None] = []
    labels: list[str] = []
    for component in chosen:
        for picture, seen_HW in examples.get(component.name, [])[:1]:
            pictures += [picture, spotlight(picture, seen_HW)]
            trait = component.trait
            labels += [trait.value, f"{component.support} x {trait.trait_type}"]
    return contact_sheet(pictures, labels, columns=columns, cell_px=cell_px)


def _examples(
    data: Dataset, masks: ComponentMasks, names: AbstractSet[tuple[str, str]]
) -> dict[tuple[str, str], list[Example]]:
    """Return for each trait value some tokens' pictures, the one that shows most of it first."""
    examples: dict[tuple[str, str], list[Example]] = defaultdict(list)
    for token in data.tokens(collections=[masks.collection]):
        named = {(trait.trait_type, trait.value) for trait in token.traits} & names
        wanted = {name for name in named if len(examples[name]) < _CANDIDATES}
        if wanted and (token.height, token.width) == (masks.height, masks.width):
            picture = read_picture(token)
            for trait, seen_HW in masks.visible(token, picture).items():
                if (trait.trait_type, trait.value) in wanted:
                    examples[trait.trait_type, trait.value].append((picture, seen_HW))
    for candidates in examples.values():
        candidates.sort(key=lambda example: -int(example[1].sum()))
    return examples


def _spread(components: Sequence[Component], values: int) -> list[Component]:
    """Return at most `values` components, evenly over the types and over common and rare ones."""
    order = sorted(components, key=lambda c: (c.trait.trait_type, -c.support, c.trait.value))
    step = max(1.0, len(order) / max(1, values))
    return [order[int(at * step)] for at in range(min(values, len(order)))]


def spotlight(picture: Image.Image, seen_HW: Mask) -> Image.Image:
    """Return the picture on white paper, with what is not seen faded to mauve."""
    rgba_HWC = np.asarray(picture.convert("RGBA"), np.float64)
    alpha_HW1 = rgba_HWC[..., 3:] / 255
    plain_HWC = rgba_HWC[..., :3] * alpha_HW1 + _PAPER * (1 - alpha_HW1)
    faded_HWC = plain_HWC.mean(axis=2, keepdims=True) * (1 - _FADE) + _FADED * _FADE
    result_HWC = np.where(seen_HW[..., None], plain_HWC, faded_HWC)
    return Image.fromarray(result_HWC.round().astype(np.uint8))
