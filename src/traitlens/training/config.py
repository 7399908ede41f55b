"""Everything that decides what a run learns, in one record."""

from __future__ import annotations

from dataclasses import dataclass, field

from traitlens.config import check_choice, check_range
from traitlens.errors import ConfigError
from traitlens.models.adapters import AdaptConfig
from traitlens.training.framing import FramingConfig
from traitlens.training.masking import MaskingConfig
from traitlens.training.objectives import ObjectiveConfig
from traitlens.training.sampling import SamplingConfig
from traitlens.training.swapping import SwapConfig
from traitlens.training.views import CaptionConfig

PRECISIONS = ("auto", "bf16", "fp16", "fp32")
KEPT = ("best", "last")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationConfig:
    """How a run is looked at while it learns: by searches within some validation collections.

    The score is top-1, from caption to picture, the mean over collections.
    """

    every: int = 250  # steps, and once at the end; 0 = never
    max_gallery: int = 200  # tokens of a collection, drawn once
    max_collections: int = 50  # drawn once: they are enough to choose by
    patience: int = 0  # validations in a row without a better score that end the run; 0 = no end
    keep: str = "best"  # which weights the run ends with: the best, or the last ones

    def __post_init__(self) -> None:
        check_range("validation.every", self.every, low=0)
        check_range("validation.max_gallery", self.max_gallery, low=2)
        check_range("validation.max_collections", self.max_collections, low=1)
        check_range("validation.patience", self.patience, low=0)
        check_choice("validation.keep", self.keep, KEPT)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Everything that decides what a run learns.

    AdamW, linear warm-up, cosine to zero. The paper is silent on all of these.
    """

    model: str = "tiny"  # a preset, a folder, or a name on the Hugging Face hub
    # The folder or name of a sentence encoder that reads the texts; None = the model's own tower
    text_tower: str | None = None
    steps: int = 2000
    batch_size: int = 256
    chunk: int | None = None  # items encoded at once; None = the whole batch, which costs memory
    learning_rate: float = 6e-4
    weight_decay: float = 0.1
    # Adam moves a parameter by about the learning rate a step, whatever its gradient: at 6e-4 the
    # log of the temperature needs 1,700 steps for one unit, and tokens that look alike need
    # several units before they can be told apart (docs/results.md).
    temperature_pace: float = 20.0
    warmup: float = 0.05  # share of the steps, in [0, 1]
    clip_norm: float = 1.0
    precision: str = "auto"  # 16 bits halve the memory; "auto" takes bf16 where it is quick
    seed: int = 0
    adapt: AdaptConfig = field(default_factory=AdaptConfig)
    masking: MaskingConfig = field(default_factory=MaskingConfig)
    swaps: SwapConfig = field(default_factory=SwapConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    captions: CaptionConfig = field(default_factory=CaptionConfig)
    framing: FramingConfig = field(default_factory=FramingConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)

    def __post_init__(self) -> None:
        check_range("steps", self.steps, low=1)
        check_range("batch_size", self.batch_size, low=2)
        check_range("warmup", self.warmup, low=0, high=1)
        check_range("weight_decay", self.weight_decay, low=0)
        check_choice("precision", self.precision, PRECISIONS)
        if self.chunk is not None:
            check_range("chunk", self.chunk, low=1)
        for name in ("learning_rate", "temperature_pace", "clip_norm"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} must be above 0; got {getattr(self, name)!r}")
