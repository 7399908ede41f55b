"""What a reproduction is asked for, and how its models are trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from traitlens.config import check_choice, check_range
from traitlens.errors import ConfigError
from traitlens.models import SHIPPED, shipped_folder
from traitlens.models.tiny import is_preset
from traitlens.split.official import MINI_TOKENS

if TYPE_CHECKING:
    from traitlens.training import TrainConfig

Recipe = Literal["auto", "plain", "ours"]
RECIPES: tuple[Recipe, ...] = ("auto", "plain", "ours")

# The paper names neither. Every run of a table takes as many steps, so that none sees more pairs.
PLAIN_STEPS, PLAIN_LEARNING_RATE = 20_000, 1e-5

_MOST_SEEDS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproductionConfig:
    """How much is trained and searched; what is None is the recipe's own.

    `plain` is CLIP's fine-tuning, all that the paper states: whole captions, batches drawn from all
    tokens. `ours` is `TrainConfig` as it is, without which a model from scratch learns little in
    few steps. Neither is validated: all runs of a table take as many steps. `auto` takes `ours` for
    a preset and `plain` for a checkpoint. `per_collection` is the size of mini; `seeds` are trained
    from `seed` on, which also draws mini and galleries.
    """

    recipe: Recipe = "auto"
    steps: int | None = None
    seeds: int = 1
    per_collection: int = MINI_TOKENS
    max_gallery: int | None = None
    batch_size: int = 256
    learning_rate: float | None = None
    fill: str = "other"
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice("recipe", self.recipe, RECIPES)
        check_range("seeds", self.seeds, low=1, high=_MOST_SEEDS)
        check_range("per_collection", self.per_collection, low=2)
        check_range("batch_size", self.batch_size, low=2)
        if self.steps is not None:
            check_range("steps", self.steps, low=1)
        if self.max_gallery is not None:
            check_range("max_gallery", self.max_gallery, low=2)
        if self.learning_rate is not None and not self.learning_rate > 0:
            raise ConfigError(f"learning_rate must be above 0; got {self.learning_rate!r}")

    def recipe_of(self, checkpoint: str) -> Recipe:
        """Return the recipe that a model is trained by: `plain` or `ours`."""
        if self.recipe != "auto":
            return self.recipe
        return "ours" if is_preset(checkpoint) or checkpoint == SHIPPED else "plain"

    def training(self, checkpoint: str, *, p: float, seed: int) -> TrainConfig:
        """Return the config of one run."""
        from traitlens.training import (
            CaptionConfig,
            MaskingConfig,
            ObjectiveConfig,
            SamplingConfig,
            TrainConfig,
            ValidationConfig,
        )

        model = str(shipped_folder()) if checkpoint == SHIPPED else checkpoint
        masking = MaskingConfig(p=p, fill=self.fill)
        never = ValidationConfig(every=0)
        if self.recipe_of(checkpoint) == "ours":
            default = TrainConfig()
            return TrainConfig(
                model=model,
                steps=self.steps or default.steps,
                batch_size=self.batch_size,
                learning_rate=self.learning_rate or default.learning_rate,
                masking=masking,
                validation=never,
                seed=seed,
            )
        return TrainConfig(
            model=model,
            steps=self.steps or PLAIN_STEPS,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate or PLAIN_LEARNING_RATE,
            temperature_pace=1.0,
            objective=ObjectiveConfig(phrases=0.0),
            masking=masking,
            validation=never,
            sampling=SamplingConfig(mixed=1.0, balance=1.0),
            captions=CaptionConfig(partial=0.0),
            seed=seed,
        )
