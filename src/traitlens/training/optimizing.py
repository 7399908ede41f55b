"""How weights move: AdamW, its pace, and the number format that the towers compute in."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from traitlens.training.config import TrainConfig

_BETAS, _EPSILON = (0.9, 0.98), 1e-6  # CLIP's (Radford et al., 2021, table 18)

_FORMATS = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """The number format of the towers' products; weights, features and the loss are in float32.

    "auto" is bf16 where hardware multiplies it, else fp32. Small gradients vanish in fp16, so the
    loss is scaled up before it is sent back, and a step whose gradients overflow is left out.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        self.name = _choose(device) if name == "auto" else name
        self._device = device
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.name == "fp16")

    @property
    def half(self) -> bool:
        """Whether products are made in 16 bits."""
        return self.name in _FORMATS

    def autocast(self) -> torch.autocast:
        """Return a context in which products are made in this format."""
        return torch.autocast(self._device.type, _FORMATS.get(self.name), enabled=self.half)


def _choose(device: torch.device) -> str:
    # Emulated bf16 is slower than fp32; with AMX it is ten times quicker (docs/results.md).
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if torch.cpu._is_amx_tile_supported() else "fp32"


class Stepper:
    """AdamW over all that learns: it decays matrices only, and scalars move at a pace of their own.

    Scalars are temperatures and biases. Gradients are clipped to `clip_norm` all together.
    """

    def __init__(self, modules: Iterable[nn.Module], config: TrainConfig, scaler: Any) -> None:
        self.learning = [p for m in modules for p in m.parameters() if p.requires_grad]
        self.scaler, self._config = scaler, config
        self.optimizer: Optimizer = AdamW(
            _groups(self.learning, config), lr=config.learning_rate, betas=_BETAS, eps=_EPSILON
        )

    def backward(self, loss: Tensor) -> None:
        """Forget the last gradients and send the loss back, scaled where the format asks for it."""
        self.optimizer.zero_grad()
        self.scaler.scale(loss).backward()

    def step(self, number: int) -> None:
        """Move the weights by the gradients that lie in them."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["pace"] * learning_rate(number, self._config)
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.learning, self._config.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()


def _groups(parameters: list[nn.Parameter], config: TrainConfig) -> list[dict[str, Any]]:
    # SigLIP's scalars are vectors of one number.
    scalars = [p for p in parameters if p.numel() == 1]
    vectors = [p for p in parameters if p.dim() == 1 and p.numel() > 1]
    matrices = [p for p in parameters if p.dim() >= 2 and p.numel() > 1]
    return [
        {"params": matrices, "weight_decay": config.weight_decay, "pace": 1.0},
        {"params": vectors, "weight_decay": 0.0, "pace": 1.0},
        {"params": scalars, "weight_decay": 0.0, "pace": config.temperature_pace},
    ]


def learning_rate(step: int, config: TrainConfig) -> float:
    """Return the rate of a step: a linear rise over the warm-up, then a cosine down to zero."""
    warm = max(1, round(config.warmup * config.steps))
    if step < warm:
        return config.learning_rate * (step + 1) / warm
    gone = (step - warm) / max(1, config.steps - warm)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * gone))
