"""The loss over single phrases: which picture shows what, each trait by itself.

Axes: B pictures, T texts.
"""

from __future__ import annotations

import torch
from torch import Tensor

from traitlens.training.batch import Texts
from traitlens.training.objectives.config import ObjectiveConfig
from traitlens.training.objectives.engine import (
    TO_PICTURES,
    TO_TEXTS,
    logsumexp_loss,
    sigmoid_loss,
    softmax_loss,
)
from traitlens.training.objectives.targets import even, importance


def phrase_loss(logits_TB: Tensor, texts: Texts, *, config: ObjectiveConfig) -> Tensor:
    """Return the loss over phrases in the form, and with the weights, that `config` has.

    A phrase that is true of a picture is a positive, another one a negative. Where a picture may
    show it or not for all that is known, such as a trait under a mask or one that its collection
    does not have, the weight is 0 and the pair counts for nothing, unless all pairs do. Weights
    make what is rare and large in the picture count more.
    """
    positives_TB = torch.as_tensor(texts.fits_TB, device=logits_TB.device)
    weights_TB = torch.as_tensor(texts.weights_TB, device=logits_TB.device)
    if config.phrase_weights == "all":
        weights_TB = torch.ones_like(weights_TB)
    elif config.phrase_weights == "known":
        weights_TB = (weights_TB > 0).to(weights_TB.dtype)
    if config.phrase_form == "sigmoid":
        return sigmoid_loss(logits_TB, positives_TB, weights_TB=weights_TB)
    if config.phrase_form == "logsumexp":
        return logsumexp_loss(logits_TB, positives_TB, weights_TB=weights_TB)
    return _softmax(logits_TB, positives_TB, weights_TB)


def _softmax(logits_TB: Tensor, positives_TB: Tensor, weights_TB: Tensor) -> Tensor:
    """Return the mean of both directions over the known pairs; a phrase counts as it weighs."""
    known_TB = weights_TB > 0
    true_TB = positives_TB & known_TB
    to_pictures = softmax_loss(
        logits_TB,
        even(true_TB, weights_TB=weights_TB, dim=TO_PICTURES),
        weights=importance(true_TB, weights_TB),
        allowed_TB=known_TB,
        dim=TO_PICTURES,
    )
    to_texts = softmax_loss(
        logits_TB,
        even(true_TB, weights_TB=weights_TB, dim=TO_TEXTS),
        allowed_TB=known_TB,
        dim=TO_TEXTS,
    )
    return (to_pictures + to_texts) / 2
