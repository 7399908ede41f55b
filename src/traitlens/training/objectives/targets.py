"""Targets: for each text how much of its answer every picture is, and the other way round.

Axes: B pictures, T texts, D dimensions.
"""

from __future__ import annotations

import torch
from torch import Tensor

from traitlens.training.objectives.engine import TO_PICTURES, without


def own_pairs(of_T: Tensor, *, pictures: int) -> Tensor:
    """Return bool (T, B): the picture that a text was written for is its only positive.

    CLIP's positives (Radford et al., 2021, figure 3). A text of no picture, `of_T` = -1, has none.
    """
    return of_T[:, None] == torch.arange(pictures, device=of_T.device)


def even(positives_TB: Tensor, *, dim: int, weights_TB: Tensor | None = None) -> Tensor:
    """Return targets that spread a text evenly over its positives, and a picture over its texts.

    A picture's texts count by how few pictures each fits: a whole caption says more of it than two
    words that fit ten others. With K texts a picture that fit no other it is 1/K for each, the
    multi-positive loss of DreamLIP (Zheng et al., 2024) and the 1-to-K loss of CCRK (Nie et al.,
    2024). Positives then weigh as `weights_TB` says. Each row along `dim` sums to 1, or to 0 where
    it has no positive.
    """
    mass_TB = positives_TB.float() if weights_TB is None else positives_TB * weights_TB
    if dim != TO_PICTURES:
        mass_TB = mass_TB / _count(positives_TB)
    sums = mass_TB.sum(dim=dim, keepdim=True)
    return mass_TB / sums.clamp(min=torch.finfo(sums.dtype).tiny)


def importance(positives_TB: Tensor, weights_TB: Tensor) -> Tensor:
    """Return the mean weight of each text's positives, shape (T,); 0 where it has none."""
    return (positives_TB * weights_TB).sum(dim=1) / _count(positives_TB)[:, 0]


def soft(
    nearness_TB: Tensor, *, temperature: float, dim: int, allowed_TB: Tensor | None = None
) -> Tensor:
    """Return softmax(nearness / temperature) along `dim`, over the allowed pairs only.

    A pair that is no negative must be no half positive either. What is near what may be

        overlap   the weighted Jaccard of both sets of traits, known here and estimated elsewhere
        context   the cosine of both captions, t_i . t_j (SCOLD; Nguyen Quoc et al., 2025)
        smooth    0 throughout: 1/B for each, label smoothing as in ALIGN (Jia et al., 2021)
    """
    near_TB = nearness_TB / temperature
    if allowed_TB is not None:
        near_TB = without(near_TB, ~allowed_TB)
    return near_TB.softmax(dim=dim)


def text_nearness(texts_TD: Tensor, *, pictures: int) -> Tensor:
    """Return the cosine of each text with the own caption of each picture, without a gradient.

    Rows of `texts_TD` are of unit length; the first ones are the pictures' own, in their order.
    """
    fixed_TD = texts_TD.detach()
    return fixed_TD @ fixed_TD[:pictures].T


def blend(hard_TB: Tensor, soft_TB: Tensor, *, share: float, dim: int) -> Tensor:
    """Return (1 - share) hard + share soft; a row that has no positive stays without one."""
    answered = hard_TB.sum(dim=dim, keepdim=True) > 0
    return (1 - share) * hard_TB + share * soft_TB * answered


def _count(positives_TB: Tensor) -> Tensor:
    return positives_TB.sum(dim=1, keepdim=True).clamp(min=1)
