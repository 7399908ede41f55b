"""How much of a model a run may change: whole towers, low-rank updates of them, or neither."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from traitlens.config import check_choice, check_range
from traitlens.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WAYS = ("full", "lora", "frozen")

_SIDES = ("vision", "text")
_LORA = "lora_"  # what peft calls its parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptConfig:
    """What training may change in each tower.

    "full" trains all of it. "lora" adds low-rank updates (Hu et al., arXiv 2106.09685, section 4.1)
    to every linear layer of the tower's transformer blocks: the query, key, value and output
    projections of the attention and both layers of the MLP; the tower's own weights stay. "frozen"
    leaves the tower as it is, and its dropout off.

    What puts the towers into one space is always trained: the projections behind them (in SigLIP's
    text tower the head), the temperature and SigLIP's bias. SigLIP's picture tower has no
    projection: frozen, it is fixed altogether.
    """

    vision: str = "full"
    text: str = "full"
    rank: int = 16  # of an update
    alpha: float = 32.0  # an update counts alpha / rank
    dropout: float = 0.0  # of the input of an update, in [0, 1]

    def __post_init__(self) -> None:
        for side in _SIDES:
            check_choice(f"adapt.{side}", getattr(self, side), WAYS)
        check_range("adapt.rank", self.rank, low=1)
        check_range("adapt.alpha", self.alpha, low=0)
        check_range("adapt.dropout", self.dropout, low=0, high=1)


def adapt(model: PreTrainedModel, config: AdaptConfig, *, seed: int = 0) -> PreTrainedModel:
    """Return `model`, changed in place so that only what `config` allows is trained.

    Updates begin at zero, so the vectors are the same as before; `seed` draws their other halves.
    Raise ModelError for a model whose tower has another name or no transformer blocks.
    """
    ways = {side: getattr(config, side) for side in _SIDES}
    towers = {side: _tower(model, side) for side, way in ways.items() if way != "full"}
    targets = [name for side in towers if ways[side] == "lora" for name in _blocks(model, side)]
    if targets:
        _add_updates(model, targets, config, seed=seed)
    for name, parameter in model.named_parameters():
        fixed = any(name.startswith(f"{side}_model.") for side in towers)
        parameter.requires_grad_(_LORA in name or not fixed)
    for side, tower in towers.items():
        if isinstance(head := getattr(tower, "head", None), nn.Linear):
            head.requires_grad_(True)
        if ways[side] == "frozen":
            _silence(tower)
    return model


def merged(model: PreTrainedModel) -> PreTrainedModel:
    """Return the model with its low-rank updates added to the weights: stock layers alone.

    It is a copy, so training can go on with `model`; a model without updates is returned itself.
    """
    if not any(_LORA in name for name, _ in model.named_parameters()):
        return model
    from peft.tuners.tuners_utils import BaseTunerLayer

    model = copy.deepcopy(model)
    updated = [name for name, part in model.named_modules() if isinstance(part, BaseTunerLayer)]
    for name in updated:
        layer: Any = model.get_submodule(name)
        layer.merge()
        model.set_submodule(name, layer.get_base_layer())
    del model.peft_config
    return model


def trainable(model: nn.Module) -> int:
    """Return how many numbers training may change."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _tower(model: nn.Module, side: str) -> nn.Module:
    tower = getattr(model, f"{side}_model", None)
    if not isinstance(tower, nn.Module):
        raise ModelError(f"a {type(model).__name__} has no {side}_model: adapt.{side} must be full")
    return tower


def _blocks(model: nn.Module, side: str) -> list[str]:
    """Return the names of all linear layers in the blocks of a tower: what lies in its lists."""
    tower = _tower(model, side)
    names = [
        f"{side}_model.{stack}.{name}"
        for stack, part in tower.named_modules()
        if isinstance(part, nn.ModuleList)
        for name, layer in part.named_modules()
        if type(layer) is nn.Linear
    ]
    if not names:
        raise ModelError(f"the {side} tower of a {type(model).__name__} has no blocks for LoRA")
    return list(dict.fromkeys(names))


def _add_updates(
    model: PreTrainedModel, targets: list[str], config: AdaptConfig, *, seed: int
) -> None:
    from peft import LoraConfig, inject_adapter_in_model

    updates = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,  # type: ignore[arg-type]  # fractions work as well
        lora_dropout=config.dropout,
        target_modules=targets,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(updates, model)


def _silence(tower: nn.Module) -> None:
    """Turn a tower's dropout off for good: what is fixed should give the same vectors each time.

    Training mode would turn it on again. Some layers keep their share as a number of their own.
    """
    for part in tower.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
        for name in ("dropout", "attention_dropout"):
            if isinstance(getattr(part, name, None), float):
                setattr(part, name, 0.0)
