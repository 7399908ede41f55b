"""Contrastive training with dynamic masking, of any dual encoder that `transformers` opens."""

from traitlens.training.loop import TrainConfig
from traitlens.training.masking import FILLS, MaskingConfig
from traitlens.training.run import TrainReport, train
from traitlens.training.sampling import SamplingConfig
from traitlens.training.views import CaptionConfig

__all__ = [
    "FILLS",
    "CaptionConfig",
    "MaskingConfig",
    "SamplingConfig",
    "TrainConfig",
    "TrainReport",
    "train",
]
