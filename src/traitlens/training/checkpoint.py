"""What a run leaves on disk.

runs/a/                  a finished run
  config.json, model.safetensors, tokenizer.json, processor_config.json   the model, in fp16
  onnx/                  its towers in int8, for search without torch
  training.json          the resolved config, versions, data and counts
  curve.csv              the loss by step
runs/.a.unfinished/      a run under way
  state.safetensors      weights, optimizer and step
  components/            the masks, found on the training tokens alone
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from traitlens import files

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from transformers import PreTrainedModel

STATE = "state.safetensors"
CURVE = "curve.csv"


def save_state(
    folder: Path, model: PreTrainedModel, optimizer: Optimizer, *, step: int, mark: str
) -> None:
    """Write weights and optimizer after `step` steps; `mark` names the run they belong to."""
    tensors = {f"model.{name}": t.contiguous() for name, t in model.state_dict().items()}
    for number, moments in optimizer.state_dict()["state"].items():
        for name, value in moments.items():
            tensors[f"optimizer.{number}.{name}"] = torch.as_tensor(value).contiguous()
    data = save(tensors, metadata={"step": str(step), "mark": mark})
    files.write_bytes(folder / STATE, data)


def restore_state(folder: Path, model: PreTrainedModel, optimizer: Optimizer, *, mark: str) -> int:
    """Load an unfinished run of the same `mark` and return its step; 0 when there is none."""
    try:
        with safe_open(folder / STATE, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError):
        return 0
    if metadata.get("mark") != mark:
        return 0
    weights = {n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")}
    model.load_state_dict(weights)
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": _moments(tensors), "param_groups": groups})
    return int(metadata["step"])


def _moments(tensors: dict[str, Tensor]) -> dict[int, dict[str, Any]]:
    moments: dict[int, dict[str, Any]] = {}
    for key, tensor in tensors.items():
        if key.startswith("optimizer."):
            _, number, name = key.split(".")
            moments.setdefault(int(number), {})[name] = tensor
    return moments


def write_curve(folder: Path, curve: Sequence[tuple[int, float]]) -> None:
    """Write (step, loss) pairs as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("step", "loss"), *curve])
    files.write_text(folder / CURVE, text.getvalue())


def read_curve(folder: Path) -> list[tuple[int, float]]:
    """Return the (step, loss) pairs of a run; none when it has no curve yet."""
    if not (folder / CURVE).is_file():
        return []
    with (folder / CURVE).open(newline="") as file:
        return [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(file)]
