"""Negatives: which pairs a loss pushes apart.

Axes: B pictures, T texts.
"""

from __future__ import annotations

import torch
from torch import Tensor

from traitlens.training.objectives.engine import TO_PICTURES


def kept_negatives(
    logits_TB: Tensor,
    negatives_TB: Tensor,
    of_T: Tensor,
    *,
    margin: Tensor | float,
    hardest: int,
    dim: int,
) -> Tensor:
    """Return the negatives that stay when each row along `dim` drops some, as bool (T, B).

    The two rules of UniME (Gu et al., 2025), both without a gradient. A negative that scores above
    its row's own pair by more than a margin is taken for a false one:

        dropped where s_ij > s_ii + margin

    and of what is left only the row's `hardest` stay; 0 keeps all, and equals at the edge all stay.
    `margin` is in logits, infinite to keep all. `of_T` is the picture that each text was written
    for; the text of a picture is the one in its place. A text of no picture, -1, drops none.
    """
    scores_TB = logits_TB.detach()
    kept_TB = negatives_TB & (scores_TB <= _own(scores_TB, of_T, dim=dim) + margin)
    if not 0 < hardest < scores_TB.shape[dim]:
        return kept_TB
    ranked = scores_TB.masked_fill(~kept_TB, -torch.inf).topk(hardest, dim=dim).values
    return kept_TB & (scores_TB >= ranked.narrow(dim, hardest - 1, 1))


def _own(scores_TB: Tensor, of_T: Tensor, *, dim: int) -> Tensor:
    """Return each row's score with its own pair: (T, 1) for texts, (1, B) for pictures."""
    if dim != TO_PICTURES:
        return scores_TB.diagonal()[None, :]
    own_T1 = scores_TB.gather(1, of_T.clamp(min=0)[:, None])
    return own_T1.masked_fill(of_T[:, None] < 0, torch.inf)
