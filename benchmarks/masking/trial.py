"""One trial: an arm trained on a group, and all that is measured of it, as one JSON file."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from traitlens import files
from traitlens.config import fingerprint
from traitlens.embedding import Gallery, embed_all
from traitlens.evaluation import evaluate_embedded
from traitlens.models import Encoder, load_encoder
from traitlens.records import Split
from traitlens.store import Dataset
from traitlens.training import train

from .arms import COMMON, Arm, train_config
from .art import group_data
from .protocol import unseen_group

PARTS = ("short queries", "overlap", "swaps")  # of the test tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """An arm, the data, and the seed that draws weights, batches and masks."""

    arm: Arm
    group: int
    percent: int
    seed: int
    steps: int

    @property
    def name(self) -> str:
        """The trial's file name, unlike that of every other trial.

        It hangs on what is set, not on every field of a config: one that is added to the package
        later, and is off by default, changes no trial.
        """
        settings = {**COMMON, **self.arm.settings, "steps": self.steps, "seed": self.seed}
        mark = fingerprint(settings, self.group, self.percent)[:6]
        words = self.arm.name.replace(" ", "-").replace("/", "-")
        return f"{words}.{self.percent}.g{self.group}.s{self.seed}.{self.steps}.{mark}"


def outcome_file(work: Path, trial: Trial) -> Path:
    """Return where a trial's outcome lies when it is done."""
    return work / "trials" / f"{trial.name}.json"


def run_trial(work: Path, trial: Trial) -> dict[str, Any]:
    """Return the outcome of a trial; one that was done is read, one under way goes on."""
    file = outcome_file(work, trial)
    if not file.is_file():
        files.write_json(file, _measured(work, trial))
        shutil.rmtree(_run_folder(work, trial))
    outcome: dict[str, Any] = files.read_json(file)
    return outcome


def _run_folder(work: Path, trial: Trial) -> Path:
    return work / "runs" / trial.name


def _measured(work: Path, trial: Trial) -> dict[str, Any]:
    data = group_data(work, trial.group, percent=trial.percent)
    run = _run_folder(work, trial)
    start = time.process_time()
    config = train_config(trial.arm, steps=trial.steps, seed=trial.seed)
    report = train(data, run, config=config, cache=work / "cache")
    trained = time.process_time()
    encoder = load_encoder(run, backend="torch")
    return {
        "trial": {**asdict(trial), "arm": trial.arm.name, "settings": trial.arm.settings},
        "report": asdict(report),
        "train_cpu_s": round(trained - start, 1),
        "validation": _measure(encoder, data, split="validation", parts=()),
        "test": _measure(encoder, data, split="test", parts=PARTS),
        "unseen": _measure(encoder, _unseen(work, trial), split="test", parts=("short queries",)),
        "cpu_s": round(time.process_time() - start, 1),
    }


def _unseen(work: Path, trial: Trial) -> Dataset:
    return group_data(work, unseen_group(trial.group), percent=trial.percent)


def _measure(
    encoder: Encoder, data: Dataset, *, split: Split, parts: tuple[str, ...]
) -> dict[str, Any]:
    """Return an evaluation as JSON, without what is only for looking at."""
    found = embed_all([encoder], Gallery.of(data, split=split))
    measured = evaluate_embedded(found, parts=parts).to_json()
    for part in measured["parts"].values():
        for name in ("best", "worst", "examples", "types", "groups"):
            part.pop(name, None)
    return measured
