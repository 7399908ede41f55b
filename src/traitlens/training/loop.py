"""The steps of a training run.

Axes: B pictures of a batch, T texts, D dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import AdamW, Optimizer

from traitlens.config import check_choice, check_range
from traitlens.errors import ConfigError
from traitlens.models.pixels import PixelConfig, normalize
from traitlens.models.torch_encoder import image_features, text_features
from traitlens.models.words import Words
from traitlens.progress import Progress
from traitlens.training.checkpoint import read_curve, restore_state, save_state, write_curve
from traitlens.training.masking import MaskingConfig
from traitlens.training.material import Material
from traitlens.training.objective import contrastive_loss
from traitlens.training.patches import use_matrix_patches
from traitlens.training.sampling import Sampler, SamplingConfig
from traitlens.training.views import CaptionConfig, Texts, Views, draw_views

PRECISIONS = ("auto", "bf16", "fp32")

_MAX_SCALE = 100.0  # CLIP's bound on the inverse temperature
_CURVE_EVERY = 10  # steps


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Everything that decides what a run learns.

    AdamW, linear warm-up, cosine to zero. The paper is silent on all of these.
    """

    model: str = "tiny"  # a preset, a folder, or a name on the Hugging Face hub
    steps: int = 2000
    batch_size: int = 256
    learning_rate: float = 6e-4
    weight_decay: float = 0.1
    # Adam moves a parameter by about the learning rate a step, whatever its gradient: at 6e-4 the
    # log of the temperature needs 1,700 steps for one unit, and tokens that look alike need
    # several units before they can be told apart (docs/results.md).
    temperature_pace: float = 20.0
    warmup: float = 0.05  # share of the steps, in [0, 1]
    clip_norm: float = 1.0
    phrases: float = 1.0  # weight of the loss over single phrases
    precision: str = "auto"  # bf16 halves the memory; "auto" takes it where hardware multiplies it
    seed: int = 0
    masking: MaskingConfig = field(default_factory=MaskingConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    captions: CaptionConfig = field(default_factory=CaptionConfig)

    def __post_init__(self) -> None:
        check_range("steps", self.steps, low=1)
        check_range("batch_size", self.batch_size, low=2)
        check_range("phrases", self.phrases, low=0)
        check_range("warmup", self.warmup, low=0, high=1)
        check_choice("precision", self.precision, PRECISIONS)
        if not self.learning_rate > 0:
            raise ConfigError(f"learning_rate must be above 0, got {self.learning_rate!r}")


class Loop:
    """The steps of one run: state is the model and the optimizer, all else follows the step."""

    def __init__(
        self, model: Any, words: Words, pixels: PixelConfig, material: Material, config: TrainConfig
    ) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.half = _use_bf16(config.precision, self.device)
        self.model = model.to(self.device).train()
        use_matrix_patches(self.model)
        if self.half and self.device.type == "cpu":
            self.model.set_attn_implementation("eager")  # fused attention has no quick bf16 here
        self.optimizer = _optimizer(model, config)
        self.words, self.pixels, self.config = words, pixels, config
        self.material, self.sampler = material, Sampler(material, config.sampling)

    def run(
        self, work: Path, *, save_every: int, mark: str, progress: Progress
    ) -> list[tuple[int, float]]:
        """Take the steps that are left and return the curve: (step, mean loss) pairs."""
        start = restore_state(work, self.model, self.optimizer, mark=mark)
        curve = [(step, loss) for step, loss in read_curve(work) if step <= start]
        recent: list[float] = []
        for step, views in self._batches(start):
            recent.append(self._step(step, views))
            done = step + 1
            if done % _CURVE_EVERY == 0 or done == self.config.steps:
                curve.append((done, sum(recent) / len(recent)))
                recent.clear()
                progress("train", done, self.config.steps, f"loss {curve[-1][1]:.3f}")
            if done % save_every == 0 and done < self.config.steps:
                write_curve(work, curve)
                save_state(work, self.model, self.optimizer, step=done, mark=mark)
        return curve

    def _batches(self, start: int) -> Iterator[tuple[int, Views]]:
        """Yield the steps with their views; the next one is drawn while one is computed."""
        with ThreadPoolExecutor(1) as thread:
            ahead = thread.submit(self._draw, start)
            for step in range(start, self.config.steps):
                views = ahead.result()
                if step + 1 < self.config.steps:
                    ahead = thread.submit(self._draw, step + 1)
                yield step, views

    def _draw(self, step: int) -> Views:
        rng = np.random.default_rng([self.config.seed, step])
        rows = self.sampler.draw(self.config.batch_size, rng=rng)
        return draw_views(
            self.material,
            rows,
            masking=self.config.masking,
            captions=self.config.captions.at(step / self.config.steps),
            rng=rng,
        )

    def _step(self, step: int, views: Views) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = group["pace"] * _learning_rate(step, self.config)
        loss = self._loss(views)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        self.optimizer.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(0, math.log(_MAX_SCALE))
        return float(loss.detach())

    def _loss(self, views: Views) -> Tensor:
        """Return the loss over captions, and over phrases beside it, with one look at the frames.

        Phrases are few and short and teach directly what a caption only implies: without them a
        small model waits for hundreds of steps before it learns anything (docs/results.md).
        """
        pixels = torch.from_numpy(normalize(views.frames_BHWC, self.pixels)).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            images_BD = image_features(self.model, pixels).float()
        loss = self._text_loss(images_BD, views.captions)
        if self.config.phrases and views.phrases.texts:
            loss = loss + self.config.phrases * self._text_loss(images_BD, views.phrases)
        return loss

    def _text_loss(self, images_BD: Tensor, texts: Texts) -> Tensor:
        ids, mask = (torch.from_numpy(a).to(self.device) for a in self.words.ids(texts.texts))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            texts_TD = text_features(self.model, ids, mask).float()
        fits_TB = torch.from_numpy(texts.fits_TB).to(self.device)
        return contrastive_loss(images_BD, texts_TD, fits_TB, scale=self.model.logit_scale.exp())


def _use_bf16(precision: str, device: torch.device) -> bool:
    if precision == "auto":
        # Emulated bf16 is slower than fp32; with AMX it is ten times quicker (docs/results.md).
        return device.type == "cuda" or torch.cpu._is_amx_tile_supported()
    return precision == "bf16"


def _optimizer(model: Any, config: TrainConfig) -> Optimizer:
    """Return AdamW that decays matrices only, and in which the temperature moves faster."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    scalars = [p for p in model.parameters() if p.dim() == 0]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay, "pace": 1.0},
        {"params": vectors, "weight_decay": 0.0, "pace": 1.0},
        {"params": scalars, "weight_decay": 0.0, "pace": config.temperature_pace},
    ]
    return AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98), eps=1e-6)


def _learning_rate(step: int, config: TrainConfig) -> float:
    """Return the rate of a step: a linear rise over the warm-up, then a cosine down to zero."""
    warm = max(1, round(config.warmup * config.steps))
    if step < warm:
        return config.learning_rate * (step + 1) / warm
    gone = (step - warm) / max(1, config.steps - warm)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * gone))
