"""An explanation as one picture: the token, where it speaks for each term, its components."""

from __future__ import annotations

import numpy as np
from PIL import Image

from traitlens.models.pixels import on_background
from traitlens.retrieval.component_masks import mask_picture
from traitlens.retrieval.explaining import Explanation
from traitlens.retrieval.heat import Grid
from traitlens.sheets import contact_sheet, fit
from traitlens.standardization import decode

_CELL_PX = 192
_DARK = (24, 24, 28)  # what does not speak for the words fades into it
_LEFT = 0.12  # of a picture, where it fades most


def explanation_sheet(explanation: Explanation) -> Image.Image:
    """Return the picture; as lit by the heat of all words and of each term; in its components."""
    hit = explanation.hit
    decoded = None if hit.image is None else decode(hit.image)
    picture = decoded if isinstance(decoded, Image.Image) else Image.new("RGB", (1, 1))
    opaque = fit(on_background(picture), _CELL_PX)
    cells = [opaque]
    share = explanation.closer_than
    close = "" if share is None else f"closer than {share:.0%}"
    labels = [f"{hit.collection} #{hit.token_id}\n{explanation.cosine:.2f} {close}"]
    heats = [(explanation.words, explanation.heat_GG)]
    heats += [(_said(t.meant, met=t.is_met), t.heat_GG) for t in explanation.terms]
    for words, heat_GG in heats:
        cells.append(_faded(opaque) if heat_GG is None else lit(opaque, heat_GG))
        labels.append(f"{words}\n{'nothing clear' if heat_GG is None else ''}")
    for trait, mask_HW in explanation.masks.items():
        mask = mask_picture(mask_HW).getchannel("A").resize(opaque.size, Image.Resampling.NEAREST)
        cells.append(Image.composite(opaque, _faded(opaque), mask))
        labels.append(f"{trait.trait_type}\n{trait.value}")
    return contact_sheet(cells, labels, columns=len(cells), cell_px=_CELL_PX)


def lit(picture: Image.Image, heat_GG: Grid) -> Image.Image:
    """Return an RGB picture in which what is cold is dark."""
    heat = Image.fromarray((heat_GG * 255).astype(np.uint8))
    smooth = heat.resize(picture.size, Image.Resampling.BICUBIC)
    return Image.composite(picture, _faded(picture), smooth)


def _faded(picture: Image.Image) -> Image.Image:
    return Image.blend(Image.new("RGB", picture.size, _DARK), picture.convert("RGB"), _LEFT)


def _said(words: str, *, met: bool) -> str:
    return words if met else f"{words} (not met)"
