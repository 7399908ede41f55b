"""The objective of a run: features and what is true of them in, the loss and its parts out.

Axes: B pictures, T texts, D dimensions.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from traitlens.training.batch import Features, Loss, Views
from traitlens.training.objectives.captions import caption_loss
from traitlens.training.objectives.config import ObjectiveConfig
from traitlens.training.objectives.phrases import phrase_loss
from traitlens.training.objectives.swaps import swap_loss

_SCALE = 10.0  # where SigLIP starts its scale, and a bias of -10 for one true pair in thousands
_CAPTION_BIAS = -10.0
# One phrase in twenty or so is true of a picture, and sigmoid(-3) is 1/21: so the first steps are
# not spent on learning that most are not.
_PHRASE_BIAS = -3.0


class Objective(nn.Module):
    """The losses that `config` names, added up.

    Its parameters are what a loss learns beside the model: a scale and a bias of the phrases where
    their form is not softmax, and a bias of the captions in the sigmoid form, which rests where the
    model has one. Search needs none of them.
    """

    def __init__(self, config: ObjectiveConfig) -> None:
        super().__init__()
        self.config = config
        if config.form == "sigmoid":
            self.caption_bias = nn.Parameter(torch.tensor(_CAPTION_BIAS))
        if config.phrase_form != "softmax":
            self.phrase_log_scale = nn.Parameter(torch.tensor(math.log(_SCALE)))
            self.phrase_bias = nn.Parameter(torch.tensor(_PHRASE_BIAS))

    def forward(
        self, features: Features, views: Views, *, scale: Tensor, bias: Tensor | None, gone: float
    ) -> Loss:
        """Return the loss of a whole batch; `parts` are free of gradients and add up to it.

        `scale` is the model's inverse temperature, `bias` its bias, None where it has none, and
        `gone`, in [0, 1], the share of the steps taken. A batch without phrases or without swaps
        has no such part.
        """
        images_BD = normalize(features.images_BD, dim=-1)
        captions_TD = normalize(features.captions_TD, dim=-1)
        logits_TB = scale * captions_TD @ images_BD.T
        if self.config.form == "sigmoid":
            logits_TB = logits_TB + (self.caption_bias if bias is None else bias)
        parts = {
            "captions": caption_loss(
                logits_TB, captions_TD, views.captions, config=self.config, scale=scale, gone=gone
            )
        }
        if self.config.phrases and views.phrases.texts:
            logits = self._phrase_logits(features.phrases_TD, images_BD, scale)
            loss = phrase_loss(logits, views.phrases, config=self.config)
            parts["phrases"] = self.config.phrases * loss
        if self.config.swaps and len(views.swaps_S2):
            loss = swap_loss(logits_TB, views.captions, views.swaps_S2)
            parts["swaps"] = self.config.swaps * loss
        total = torch.stack(list(parts.values())).sum()
        return Loss(total=total, parts={name: part.detach() for name, part in parts.items()})

    def _phrase_logits(self, phrases_TD: Tensor, images_BD: Tensor, scale: Tensor) -> Tensor:
        phrases_TD = normalize(phrases_TD, dim=-1)
        if self.config.phrase_form == "softmax":
            return scale * phrases_TD @ images_BD.T
        return self.phrase_log_scale.exp() * phrases_TD @ images_BD.T + self.phrase_bias
