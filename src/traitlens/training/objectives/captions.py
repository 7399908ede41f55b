"""The loss over captions: which fits which picture, in either direction.

Axes: B pictures, T texts, D dimensions.
"""

from __future__ import annotations

import torch
from torch import Tensor

from traitlens.training.batch import Texts
from traitlens.training.objectives.config import NO_MARGIN, ObjectiveConfig
from traitlens.training.objectives.engine import (
    TO_PICTURES,
    TO_TEXTS,
    sigmoid_loss,
    softmax_loss,
)
from traitlens.training.objectives.negatives import kept_negatives
from traitlens.training.objectives.targets import blend, even, own_pairs, soft, text_nearness


def caption_loss(
    logits_TB: Tensor,
    captions_TD: Tensor,
    texts: Texts,
    *,
    config: ObjectiveConfig,
    scale: Tensor,
    gone: float,
) -> Tensor:
    """Return the loss over captions, the mean of both directions, as `config` has it.

    `captions_TD` are of unit length, the first B of them the pictures' own. `scale` is what the
    logits hold. `gone`, in [0, 1], is the share of the steps taken.
    """
    positives_TB, to_pictures_TB, to_texts_TB = _pairs(logits_TB, texts, config, scale=scale)
    if config.form == "sigmoid":
        allowed_TB = (to_pictures_TB.float() + to_texts_TB.float()) / 2
        return sigmoid_loss(logits_TB, positives_TB, weights_TB=allowed_TB)
    share = config.softened(gone)
    nearness_TB = _nearness(captions_TD, texts, config) if share else None
    losses = []
    for dim, allowed_TB in ((TO_PICTURES, to_pictures_TB), (TO_TEXTS, to_texts_TB)):
        targets_TB = even(positives_TB, dim=dim)
        if nearness_TB is not None:
            soft_TB = soft(
                nearness_TB, temperature=config.soft_temperature, dim=dim, allowed_TB=allowed_TB
            )
            targets_TB = blend(targets_TB, soft_TB, share=share, dim=dim)
        losses.append(softmax_loss(logits_TB, targets_TB, dim=dim, allowed_TB=allowed_TB))
    return (losses[0] + losses[1]) / 2


def _pairs(
    logits_TB: Tensor, texts: Texts, config: ObjectiveConfig, *, scale: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the positives, and those with their negatives, to pictures and to texts."""
    of_T = torch.as_tensor(texts.of_T, device=logits_TB.device)
    fits_TB = torch.as_tensor(texts.fits_TB, device=logits_TB.device)
    own_TB = own_pairs(of_T, pictures=logits_TB.shape[1])
    positives_TB = fits_TB if config.positives == "even" else own_TB
    negatives_TB = ~(fits_TB | own_TB) if config.positives == "spared" else ~positives_TB
    if config.caption_weights == "known":
        negatives_TB = negatives_TB & torch.as_tensor(texts.weights_TB > 0, device=logits_TB.device)
    margin = config.margin * scale.detach() if config.margin < NO_MARGIN else torch.inf
    to_pictures_TB, to_texts_TB = (
        positives_TB
        | kept_negatives(
            logits_TB, negatives_TB, of_T, margin=margin, hardest=config.hardest, dim=dim
        )
        for dim in (TO_PICTURES, TO_TEXTS)
    )
    return positives_TB, to_pictures_TB, to_texts_TB


def _nearness(captions_TD: Tensor, texts: Texts, config: ObjectiveConfig) -> Tensor:
    overlap_TB = torch.as_tensor(texts.overlap_TB, device=captions_TD.device)
    if config.targets == "overlap":
        return overlap_TB
    if config.targets == "context":
        return text_nearness(captions_TD, pictures=overlap_TB.shape[1])
    return torch.zeros_like(overlap_TB)
