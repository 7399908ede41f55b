"""Training: a data set and a model in, a model that search and evaluation open out."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

import traitlens
from traitlens import files
from traitlens.config import fingerprint, to_dict
from traitlens.errors import ModelError
from traitlens.models.export import export_onnx
from traitlens.models.pixels import PixelConfig
from traitlens.models.tiny import is_preset, make_tiny
from traitlens.models.torch_encoder import load_model, text_length
from traitlens.models.words import Words
from traitlens.progress import Progress, silent
from traitlens.separation import components
from traitlens.store import Dataset
from traitlens.training.checkpoint import write_curve
from traitlens.training.loop import Loop, TrainConfig
from traitlens.training.material import Material, gather

SUMMARY = "training.json"

_PROCESSOR_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
    "processor_config.json",
    "preprocessor_config.json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport:
    """What a run did; `loss` is the mean of its last steps."""

    tokens: int
    tags: int
    tags_without_mask: int
    parameters: int
    steps: int
    loss: float


def train(
    data: Dataset | str | Path,
    out: str | Path,
    *,
    config: TrainConfig | None = None,
    save_every: int = 250,
    replace: bool = False,
    progress: Progress = silent,
) -> TrainReport:
    """Train a dual encoder on the train split of `data` and write it to the folder `out`.

    A killed run goes on at the last of its states, which are `save_every` steps apart, and ends
    with the same weights. A finished run is left alone; another run is replaced only when
    `replace` says so, and what is no run never is: both are a ModelError.
    """
    config, out = config or TrainConfig(), Path(out)
    data = data if isinstance(data, Dataset) else Dataset.open(data)
    mark = fingerprint(traitlens.__version__, to_dict(config), data.manifest.fingerprint)
    if not files.is_free(out):
        finished = _finished_run(out, mark)
        if finished:
            return finished
        if not replace:
            raise ModelError(f"{out} exists and is another run; choose another folder or --replace")
    work = files.work_folder(out, mark)
    model, source = load_model(_starting_point(config, data, work))
    if not hasattr(model, "logit_scale"):
        raise ModelError(
            f"{config.model} has no temperature to train: it is not like CLIP or SigLIP"
        )
    pixels = PixelConfig.load(source)
    material = _gather(data, pixels, config, work, progress=progress)
    loop = Loop(model, Words(source, max_length=text_length(model)), pixels, material, config)
    curve = loop.run(work, save_every=save_every, mark=mark, progress=progress)
    report = TrainReport(
        tokens=len(material),
        tags=sum(map(len, material.tags)),
        tags_without_mask=material.without_mask() if config.masking.p else 0,
        parameters=sum(p.numel() for p in model.parameters()),
        steps=config.steps,
        loss=sum(loss for _, loss in curve[-10:]) / len(curve[-10:]),
    )
    progress("export", 0, 1)
    _write_run(work, loop.model, source, curve, _summary(report, config, data, mark))
    progress("export", 1, 1)
    files.replace_folder(work / "run", out)
    shutil.rmtree(work)
    return report


def _finished_run(out: Path, mark: str) -> TrainReport | None:
    """Return the report of the run at `out` when it is the one that `mark` names."""
    if not (out / SUMMARY).is_file():
        raise ModelError(f"{out} exists and is no run; choose another folder")
    summary = files.read_json(out / SUMMARY)
    return TrainReport(**summary["report"]) if summary.get("fingerprint") == mark else None


def _starting_point(config: TrainConfig, data: Dataset, work: Path) -> str | Path:
    """Return where to load the model from; a preset is made first."""
    if not is_preset(config.model):
        return config.model
    captions = (token.caption for token in data.tokens(split="train", images=False))
    make_tiny(config.model, work / "start", captions=captions, seed=config.seed)
    return work / "start"


def _gather(
    data: Dataset, pixels: PixelConfig, config: TrainConfig, work: Path, *, progress: Progress
) -> Material:
    """Return the train split; for masking, with components found on that split alone."""
    masks = None
    if config.masking.p > 0:
        masks = work / "components"
        components(data, out=masks, split="train", progress=progress)
    return gather(data, pixels, split="train", masks_folder=masks, progress=progress)


def _summary(report: TrainReport, config: TrainConfig, data: Dataset, mark: str) -> dict[str, Any]:
    return {
        "fingerprint": mark,
        "report": asdict(report),
        "config": to_dict(config),
        "data": {
            "fingerprint": data.manifest.fingerprint,
            "collections": {e.name: e.splits["train"] for e in data.manifest.collections},
        },
        "versions": {"traitlens": traitlens.__version__, "torch": torch.__version__},
    }


def _write_run(
    work: Path, model: Any, source: Path, curve: list[tuple[int, float]], summary: dict[str, Any]
) -> None:
    """Write `work/run`, the folder that a run leaves behind; see `training.checkpoint`."""
    run = work / "run"
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)
    model.to("cpu", torch.float16).save_pretrained(run)
    for name in _PROCESSOR_FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, run / name)
    export_onnx(run)
    write_curve(run, curve)
    files.write_json(run / SUMMARY, summary)
