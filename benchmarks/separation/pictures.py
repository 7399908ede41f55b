"""Truth beside prediction: label maps of some tokens in colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from traitlens.records import Trait
from traitlens.separation import ComponentMasks
from traitlens.separation.label_maps import label_colours, paint_labels
from traitlens.separation.masks import read_picture
from traitlens.sheets import contact_sheet

from .truth import Labelled

_CELL_PX = 192
_TOKENS = 8


def comparison(
    labelled: Sequence[Labelled], found: Sequence[ComponentMasks], *, tokens: int = _TOKENS
) -> Image.Image:
    """Return a row for each of some tokens: its picture, the true label map, each predicted one.

    A trait has one colour in a row, in the order of the true labels; a trait that owns no true
    pixels, such as a colour, comes after them.
    """
    pictures: list[Image.Image | None] = []
    labels: list[str] = []
    step = max(1, len(labelled) // tokens)
    for one in labelled[::step][:tokens]:
        order = {
            trait: at for at, trait in enumerate(dict.fromkeys((*one.traits, *one.token.traits)))
        }
        colours = label_colours(len(order))
        true = paint_labels(one.labels_HW.astype(np.int16) - 1, colours)
        guesses = [paint_labels(_in_order(masks, one, order), colours) for masks in found]
        pictures += [read_picture(one.token), true, *guesses]
        labels += [one.token.token_id, "truth", *(masks.method for masks in found)]
    return contact_sheet(pictures, labels, columns=2 + len(found), cell_px=_CELL_PX)


def _in_order(masks: ComponentMasks, one: Labelled, order: Mapping[Trait, int]) -> np.ndarray:
    """Return the predicted label map with the places of its traits in `order`."""
    rows = {component.name: row for row, component in enumerate(masks.components)}
    place = np.full(len(masks.components) + 1, -1, np.int16)
    for trait, at in order.items():
        row = rows.get((trait.trait_type, trait.value))
        if row is not None:
            place[row] = at
    return place[masks.label_map(one.token)]
