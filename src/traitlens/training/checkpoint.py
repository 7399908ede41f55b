"""The states of a run, from which a killed one goes on.

runs/a/                  a finished run
  config.json, model.safetensors, tokenizer.json, processor_config.json   the model, in fp16
  onnx/                  its towers in int8, for search without torch
  training.json          the resolved config, versions, data and counts
  curve.csv, curve.png   loss, learning rate, temperature and validation by step
runs/.a.unfinished/      a run under way
  state.safetensors      weights that learn, optimizer, step, and what is known of the run so far
  best-<step>.safetensors   the best weights of the run so far
  components/            the masks, found on the training tokens alone
  frames/                the decoded pictures, where several processes share them
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from traitlens import files

STATE = "state.safetensors"

_BEST = "best-{}.safetensors"


def save_state(
    folder: Path,
    modules: dict[str, nn.Module],
    optimizer: Optimizer,
    *,
    step: int,
    mark: str,
    known: dict[str, Any],
) -> None:
    """Write all that changes in a run, as it is after `step` steps.

    `mark` names the run that it belongs to; `known` is what else is to come back, JSON-ready.
    """
    tensors = {
        f"{name}.{key}": value
        for name, module in modules.items()
        for key, value in _changing(module).items()
    }
    for number, moments in optimizer.state_dict()["state"].items():
        for name, value in moments.items():
            tensors[f"optimizer.{number}.{name}"] = torch.as_tensor(value)
    metadata = {"step": str(step), "mark": mark, "known": json.dumps(known)}
    _write(folder / STATE, tensors, metadata)


def restore_state(
    folder: Path, modules: dict[str, nn.Module], optimizer: Optimizer, *, mark: str
) -> tuple[int, dict[str, Any]]:
    """Load an unfinished run of the same `mark`; return its step, and what was known.

    Step 0, of which nothing is known, when there is none.
    """
    try:
        with safe_open(folder / STATE, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("mark") != mark:
                return 0, {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError):
        return 0, {}
    for name, module in modules.items():
        _put(module, _under(f"{name}.", tensors))
    groups = optimizer.state_dict()["param_groups"]
    moments = _moments(_under("optimizer.", tensors))
    optimizer.load_state_dict({"state": moments, "param_groups": groups})
    return int(metadata["step"]), json.loads(metadata["known"])


def save_best(folder: Path, model: nn.Module, *, step: int) -> None:
    """Write the weights that learn, as they are after `step` steps."""
    _write(folder / _BEST.format(step), _changing(model), {"step": str(step)})


def load_best(folder: Path, model: nn.Module, *, step: int) -> None:
    """Give the model the weights that it had after `step` steps."""
    _put(model, load_file(folder / _BEST.format(step)))


def forget_worse(folder: Path, *, best_step: int) -> None:
    """Remove the weights that were the best until those of `best_step` came.

    They stay until a state that knows of the better ones is written: a run that was killed before
    goes on from a state to which they are the best.
    """
    for file in folder.glob(_BEST.format("*")):
        if file.name != _BEST.format(best_step):
            file.unlink()


def _changing(module: nn.Module) -> dict[str, Tensor]:
    """Return the parameters that learn and the buffers that are saved, by name."""
    saved = module.state_dict()
    frozen = {name for name, p in module.named_parameters() if not p.requires_grad}
    alone = {name for name, _ in (*module.named_parameters(), *module.named_buffers())}
    return {name: saved[name] for name in saved if name in alone and name not in frozen}


def _put(module: nn.Module, tensors: dict[str, Tensor]) -> None:
    assert tensors.keys() == _changing(module).keys(), "a state of another model"
    module.load_state_dict(tensors, strict=False)


def _write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    whole = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    with files.writing(path) as temporary:
        save_file(whole, temporary, metadata=metadata)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def _moments(tensors: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    moments: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        number, name = key.split(".")
        moments.setdefault(int(number), {})[name] = tensor
    return moments
