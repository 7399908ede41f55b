"""The losses that every objective goes through: logits and a truth in, one number out.

Logits are cosines over a temperature: `(scale * texts_TD) @ images_BD.T`, where `scale` = 1 / tau
is one number, or one a text as (T, 1). A loss looks along a dimension: each text over the pictures
(`TO_PICTURES`), or each picture over the texts (`TO_TEXTS`). A symmetric loss is the mean of both.

Nothing here is ever NaN: a row without a positive adds nothing and is not counted, and a loss over
nothing at all is 0 with a gradient of 0.

Axes: B pictures, T texts.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, softplus

TO_PICTURES, TO_TEXTS = 1, 0  # the dimension of a (T, B) matrix along which is chosen


def softmax_loss(
    logits_TB: Tensor,
    targets_TB: Tensor,
    *,
    dim: int,
    weights: Tensor | None = None,
    allowed_TB: Tensor | None = None,
) -> Tensor:
    """Return the weighted mean cross-entropy between the targets and a softmax along `dim`.

    With rows i that choose among columns j (the other way round for `TO_TEXTS`):

        L = -1/sum_i w_i  sum_i w_i sum_j Y_ij log( e^{S_ij/tau_i} / sum_k M_ik e^{S_ik/tau_i} )

    `targets_TB` is Y: each row sums to 1, or to 0 where it has no positive. `weights` is w, one a
    row, at least 0; None weighs all alike. `allowed_TB` is M as bool; None allows all. A pair with
    a target is allowed whatever M says, so the loss is finite.
    """
    if allowed_TB is not None:
        logits_TB = without(logits_TB, ~(allowed_TB | (targets_TB > 0)))
    losses = -(targets_TB * log_softmax(logits_TB, dim=dim)).sum(dim=dim)
    counted = (targets_TB.sum(dim=dim) > 0).to(losses.dtype)
    return _mean(losses, counted if weights is None else counted * weights)


def sigmoid_loss(
    logits_TB: Tensor, positives_TB: Tensor, *, weights_TB: Tensor | None = None
) -> Tensor:
    """Return the cross-entropy of every pair by itself, a positive pair: true or not.

        L = 1/N sum_ij W_ij softplus(-z_ij S_ij),   z = +1 where positive, else -1

    The bias is in the logits. N is the weight of the positive pairs, at least 1: the batch size
    with one positive a text, as in SigLIP (Zhai et al., 2023, eq. 1). Where a text has several, as
    a phrase has, a positive with its share of the negatives still counts once, so the loss is of a
    softmax's size. `positives_TB` is bool; weights are at least 0, None weighs all alike.
    """
    losses_TB = softplus(torch.where(positives_TB, -logits_TB, logits_TB))
    if weights_TB is None:
        return losses_TB.sum() / positives_TB.sum().clamp(min=1)
    return (weights_TB * losses_TB).sum() / (weights_TB * positives_TB).sum().clamp(min=1)


def logsumexp_loss(
    logits_TB: Tensor, positives_TB: Tensor, *, weights_TB: Tensor | None = None
) -> Tensor:
    """Return the mean over pictures of how far its true texts are above 0 and the others below.

        L = 1/B sum_b [ log(1 + sum_neg W e^S) + log(1 + sum_pos W e^-S) ]

    Multi-label cluster discrimination (MLCD; An et al., 2024), with texts as the clusters. The
    worst texts dominate, where `sigmoid_loss` hears all alike. A picture of which nothing is known,
    W = 0 throughout, is not counted. `positives_TB` is bool.
    """
    if weights_TB is None:
        weights_TB = torch.ones_like(logits_TB)
    known_TB = weights_TB > 0
    logs_TB = torch.where(known_TB, weights_TB, 1).log()
    over_B = without(logs_TB + logits_TB, positives_TB | ~known_TB).logsumexp(dim=0)
    under_B = without(logs_TB - logits_TB, ~(positives_TB & known_TB)).logsumexp(dim=0)
    return _mean(softplus(over_B) + softplus(under_B), known_TB.any(dim=0).to(logits_TB.dtype))


def without(logits_TB: Tensor, left_out_TB: Tensor) -> Tensor:
    """Return the logits with those left out so low that no softmax sees them.

    Minus infinity would make NaN of a row that is left out as a whole, and of 0 times it.
    """
    return logits_TB.masked_fill(left_out_TB, torch.finfo(logits_TB.dtype).min / 2)


def _mean(losses: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted mean, 0 where nothing has a weight."""
    tiny = torch.finfo(losses.dtype).tiny
    return (weights * losses).sum() / weights.sum().clamp(min=tiny)
