"""What a step hands on: from the data to the towers, from the towers to the objective.

Axes: B pictures of a batch, P pictures of a part of it, T texts, S swaps, D dimensions, H height,
W width, C colour channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Texts:
    """Texts, and what is true of them in each picture of the batch.

    A text that is not of any picture, such as a phrase of the batch's vocabulary, has `of_T` = -1.
    """

    texts: list[str]
    fits_TB: NDArray[np.bool_]  # whether the text is true of the picture
    of_T: NDArray[np.int64]  # the picture that it was written for
    # How much of what the text says the picture shows, in [0, 1], rare phrases counting more: for
    # a whole caption the weighted Jaccard of both sets of phrases, for a partial one the weighted
    # share of its phrases. 1 where it fits.
    overlap_TB: NDArray[np.float32]
    weights_TB: NDArray[np.float32]  # how much to learn from the truth; 0 where it is not known


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Views:
    """A batch as one step sees it.

    The first texts of `captions` are those of the pictures, one each and in their order; further
    sub-captions follow. `phrases` has every phrase of the vocabulary that the step asks for, once.
    Pictures behind the drawn tokens' are counterfactuals: `swaps_S2` has the picture and its twin,
    which differ in one component or in some.
    """

    frames_PHWC: NDArray[np.uint8]  # the pictures of `part`
    part: slice
    captions: Texts
    phrases: Texts
    swaps_S2: NDArray[np.int64]

    @property
    def pictures(self) -> int:
        """B, the pictures of the whole batch."""
        return int(self.captions.fits_TB.shape[1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Features:
    """What the towers make of a whole batch: projected, not yet of unit length; float32."""

    images_BD: Tensor
    captions_TD: Tensor
    phrases_TD: Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loss:
    """What a step lowers, and the parts that it is the sum of, for the curve."""

    total: Tensor
    parts: Mapping[str, Tensor]
