"""Dynamic masking, the paper's section 5.2: hide a component and take its tag from the caption.

Axes: B pictures, N tokens, G collections, H height, W width, C colour channels, P = H x W pixels,
R hidden pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.config import check_choice, check_range
from traitlens.training.layering import Ground, Layer, all_visible, painted, side_by_side
from traitlens.training.tags import NO_COMPONENT, Tag

FILLS = ("zero", "mean", "image", "other", "blur", "beneath")
MODES = ("bernoulli", "one_of")

_BLURRED_PX = 8  # the side of the small picture that a blurred one is enlarged from
_LEAST_CELL_PX = 2  # that become one pixel of it


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskingConfig:
    """How much of a picture one training view hides, and what fills the hole.

    The paper names p = 0.5 and leaves the fill open:

    - `zero`: black
    - `mean`: the mean picture of the collection
    - `image`: the mean colour of what is left of the picture
    - `other`: the pixels of another token of the batch
    - `blur`: the picture itself, blurred
    - `beneath`: what lies beneath the component, so that there is no hole
    """

    p: float = 0.0  # chance, in [0, 1]; the paper's default is 0.5
    mode: str = "bernoulli"  # each component with chance p; "one_of": with chance p a single one
    fill: str = "other"
    pixels: bool = True  # False drops the tags alone: the control

    def __post_init__(self) -> None:
        check_range("masking.p", self.p, low=0, high=1)
        check_choice("masking.mode", self.mode, MODES)
        check_choice("masking.fill", self.fill, FILLS)


def choose_hidden(
    tags: Sequence[Tag], *, p: float, mode: str = "bernoulli", rng: np.random.Generator
) -> list[int]:
    """Return the positions of the tags to hide, never all of them.

    By `mode`, each component is drawn with chance `p`, or with chance `p` one of them, all as
    likely. A tag whose trait has no mask is never hidden. Traits that share a component go
    together.
    """
    if mode == "one_of":
        components = _draw_one(tags, p=p, rng=rng)
    else:
        drawn = rng.random(len(tags)) < p
        components = {tag.component for tag, hit in zip(tags, drawn, strict=True) if hit}
    components -= {NO_COMPONENT}
    hidden = [i for i, tag in enumerate(tags) if tag.component in components]
    if hidden and len(hidden) == len(tags):
        kept = tags[int(rng.integers(len(tags)))].component
        hidden = [i for i in hidden if tags[i].component != kept]
    return hidden


def _draw_one(tags: Sequence[Tag], *, p: float, rng: np.random.Generator) -> set[int]:
    components = sorted({tag.component for tag in tags} - {NO_COMPONENT})
    if rng.random() >= p or not components:
        return set()
    return {components[int(rng.integers(len(components)))]}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surroundings:
    """What the holes in B pictures can be filled from."""

    means_GHWC: NDArray[np.uint8]  # the mean pictures of collections
    grounds: Sequence[Ground]  # of the same collections
    collection_B: NDArray[np.int64]
    frames_NHWC: NDArray[np.uint8]
    other_B: NDArray[np.int64]  # the row in `frames_NHWC` of another token for each picture


def hide(
    frames_BHWC: NDArray[np.uint8],
    hidden: Sequence[Sequence[Layer]],
    left: Sequence[Sequence[Layer]],
    *,
    fill: str,
    around: Surroundings,
) -> NDArray[np.uint8]:
    """Return pictures without what one sees of their `hidden` layers; `left` are their others.

    What a higher layer covers stays as it is. The holes are filled in the way that `fill` names.
    """
    pixels = frames_BHWC[0, ..., 0].size if len(frames_BHWC) else 0
    hidden_BP = np.zeros((len(frames_BHWC), pixels), np.bool_)
    for hidden_P, gone, others in zip(hidden_BP, hidden, left, strict=True):
        if gone:
            hidden_P[:] = all_visible([*gone, *others], range(len(gone)), pixels=pixels)
    where_R = np.flatnonzero(hidden_BP)
    result_BHWC = frames_BHWC.copy()
    result_BHWC.reshape(-1, 3)[where_R] = (
        _painted_beneath(left, where_R, around)
        if fill == "beneath"
        else _filler(frames_BHWC, hidden_BP, fill=fill, around=around)[where_R]
    )
    return result_BHWC


def _painted_beneath(
    left: Sequence[Sequence[Layer]], where_R: NDArray[np.intp], around: Surroundings
) -> NDArray[np.uint8]:
    stack, ground = side_by_side(left, [around.grounds[g] for g in around.collection_B])
    return painted(stack, ground, where_R)[0]


def _filler(
    frames_BHWC: NDArray[np.uint8],
    hidden_BP: NDArray[np.bool_],
    *,
    fill: str,
    around: Surroundings,
) -> NDArray[np.uint8]:
    """Return the pictures that show through the holes, one after another: uint8 (B x P, 3)."""
    if fill == "mean":
        filler_BHWC = around.means_GHWC[around.collection_B]
    elif fill == "image":
        filler_BHWC = _coloured(frames_BHWC, hidden_BP)
    elif fill == "other":
        filler_BHWC = around.frames_NHWC[around.other_B]
    elif fill == "blur":
        filler_BHWC = _blurred(frames_BHWC)
    else:
        filler_BHWC = np.zeros_like(frames_BHWC)
    return filler_BHWC.reshape(-1, 3)


def _coloured(frames_BHWC: NDArray[np.uint8], hidden_BP: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return pictures of the mean colour of what is left of each; of all where nothing is left."""
    coloured_BHWC = np.empty_like(frames_BHWC)
    left_BP = ~hidden_BP | hidden_BP.all(axis=1, keepdims=True)
    for coloured_HWC, frame_HWC, left_P in zip(coloured_BHWC, frames_BHWC, left_BP, strict=True):
        total_C = left_P.astype(np.float32) @ frame_HWC.reshape(-1, 3).astype(np.float32)
        coloured_HWC[:] = np.rint(total_C / np.count_nonzero(left_P))
    return coloured_BHWC


def _blurred(frames_BHWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return pictures as their copies of 8 x 8 px show them, in a fourth of a Gaussian's time."""
    blurred_BHWC = np.empty_like(frames_BHWC)
    for blurred_HWC, frame_HWC in zip(blurred_BHWC, frames_BHWC, strict=True):
        image = Image.fromarray(frame_HWC)
        width, height = (max(_LEAST_CELL_PX, side // _BLURRED_PX) for side in image.size)
        small = image.reduce((width, height))
        blurred_HWC[:] = np.asarray(small.resize(image.size, Image.Resampling.BILINEAR))
    return blurred_BHWC
