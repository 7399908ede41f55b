"""Contrastive training with dynamic masking, of any dual encoder that `transformers` opens."""

from traitlens.models.adapters import AdaptConfig
from traitlens.training.config import TrainConfig, ValidationConfig
from traitlens.training.framing import FramingConfig
from traitlens.training.masking import FILLS, MaskingConfig
from traitlens.training.objectives import ObjectiveConfig
from traitlens.training.ranks import is_first
from traitlens.training.run import TrainReport, train
from traitlens.training.sampling import SamplingConfig
from traitlens.training.swapping import SwapConfig
from traitlens.training.views import CaptionConfig

__all__ = [
    "FILLS",
    "AdaptConfig",
    "CaptionConfig",
    "FramingConfig",
    "MaskingConfig",
    "ObjectiveConfig",
    "SamplingConfig",
    "SwapConfig",
    "TrainConfig",
    "TrainReport",
    "ValidationConfig",
    "is_first",
    "train",
]
