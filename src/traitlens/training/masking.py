"""Dynamic masking, the paper's section 5.2: hide a component and take its tag from the caption.

Axes: B tokens of a batch, K components, H height, W width, C colour channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.config import check_choice, check_range
from traitlens.training.material import NO_COMPONENT, Tag

FILLS = ("zero", "mean", "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskingConfig:
    """How much of a picture one training view hides, and what fills the hole.

    The paper names p = 0.5 and leaves the fill open. "zero" is black, "mean" the mean colour of
    the batch, "other" the pixels of another token of the batch.
    """

    p: float = 0.0  # chance that a component is hidden, in [0, 1]; the paper's default is 0.5
    fill: str = "other"

    def __post_init__(self) -> None:
        check_range("masking.p", self.p, low=0, high=1)
        check_choice("masking.fill", self.fill, FILLS)


def choose_hidden(tags: Sequence[Tag], *, p: float, rng: np.random.Generator) -> list[int]:
    """Return the positions of the tags to hide: each with chance `p`, and never all of them.

    A tag whose trait has no mask is never hidden. Traits that share a component go together.
    """
    drawn = rng.random(len(tags)) < p
    components = {tag.component for tag, hit in zip(tags, drawn, strict=True) if hit} - {
        NO_COMPONENT
    }
    hidden = [i for i, tag in enumerate(tags) if tag.component in components]
    if hidden and len(hidden) == len(tags):
        kept = tags[int(rng.integers(len(tags)))].component
        hidden = [i for i in hidden if tags[i].component != kept]
    return hidden


def hide(
    frames_BHWC: NDArray[np.uint8],
    hidden_BHW: NDArray[np.bool_],
    *,
    fill: str,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Return the frames with their hidden pixels filled in the way that `fill` names."""
    if fill == "other":
        filler = frames_BHWC[rng.permutation(len(frames_BHWC))]
    elif fill == "mean":
        filler = frames_BHWC.mean(axis=(0, 1, 2)).astype(np.uint8)
    else:
        filler = np.zeros(3, np.uint8)
    return np.where(hidden_BHW[..., None], filler, frames_BHWC)


def union(masks_KHW: NDArray[np.bool_], chosen: Sequence[Sequence[int]]) -> NDArray[np.bool_]:
    """Return for each token the union of its chosen components' masks: bool (B, H, W)."""
    result_BHW = np.zeros((len(chosen), *masks_KHW.shape[1:]), np.bool_)
    for row, components in enumerate(chosen):
        if components:
            result_BHW[row] = masks_KHW[list(components)].any(axis=0)
    return result_BHW
