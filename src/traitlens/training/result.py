"""What a finished run leaves behind; `training.checkpoint` lists its files."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

import traitlens
from traitlens import files
from traitlens.config import version_of
from traitlens.models.adapters import merged
from traitlens.models.export import export_onnx
from traitlens.models.folder import PIXEL_FILES, WORD_FILES, copy_files
from traitlens.models.torch_encoder import quietly
from traitlens.training.curves import BOARD, Point, draw_curve, write_curve
from traitlens.training.ranks import Ranks

SUMMARY = "training.json"

_PACKAGES = ("torch", "transformers", "peft", "tokenizers", "safetensors", "numpy", "pillow")


def surroundings(precision: str, ranks: Ranks) -> dict[str, Any]:
    """Return what a run was made with, JSON-ready: versions, device, and the precision chosen."""
    gpu = ranks.device.type == "cuda"
    return {
        "versions": {
            "traitlens": traitlens.__version__,
            **{package: version_of(package) for package in _PACKAGES},
        },
        "device": torch.cuda.get_device_name(ranks.device) if gpu else platform.machine(),
        "processes": ranks.count,
        "precision": precision,
    }


def write_result(
    work: Path, model: Any, source: Path, curve: Sequence[Point], summary: dict[str, Any]
) -> None:
    """Write `work/run`: the model in fp16 and its ONNX towers, the curve, and the summary."""
    run = work / "run"
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)
    whole: Any = merged(model)
    with quietly():
        whole.to("cpu", torch.float16).save_pretrained(run)
    copy_files(source, run, (*WORD_FILES, *PIXEL_FILES))
    export_onnx(run)
    write_curve(run, curve)
    draw_curve(run, curve, title=f"{summary['config']['model']}, {curve[-1].step:,} steps")
    if (work / BOARD).is_dir():
        shutil.copytree(work / BOARD, run / BOARD)
    files.write_json(run / SUMMARY, summary)
