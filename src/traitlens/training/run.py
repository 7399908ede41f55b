"""Training: a data set and a model in, a model that search and evaluation open out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import traitlens
from traitlens import files
from traitlens.captions.lexicon import lexicon_phrases
from traitlens.config import fingerprint, to_dict
from traitlens.errors import ModelError
from traitlens.models.adapters import adapt, trainable
from traitlens.models.pixels import PixelConfig
from traitlens.models.starting import start_model
from traitlens.models.torch_encoder import load_model, text_length
from traitlens.models.words import Words
from traitlens.progress import Progress, silent
from traitlens.separation import components
from traitlens.store import Dataset
from traitlens.training.checkpoint import load_best
from traitlens.training.config import TrainConfig
from traitlens.training.course import Course
from traitlens.training.curves import Board
from traitlens.training.loop import Loop, OnPoint
from traitlens.training.material import Material, gather
from traitlens.training.objectives import Objective
from traitlens.training.optimizing import Precision
from traitlens.training.ranks import Ranks, joined
from traitlens.training.result import SUMMARY, surroundings, write_result
from traitlens.training.towers import Towers
from traitlens.training.validation import Validator, hold_out


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport:
    """What a run did; `loss` is the mean of its last steps.

    `best_step` is after how many steps the weights were as the model has them, `validation` its
    top-1 on `validated` tokens; there is none where too few were left to validate on.
    """

    tokens: int
    tags: int
    tags_without_mask: int
    components: int
    components_untrusted: int  # for twins; 0 where none were asked for
    parameters: int
    trainable: int
    steps: int
    loss: float
    best_step: int
    validated: int
    validation: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a run works, and who does it."""

    work: Path
    cache: Path | None
    ranks: Ranks
    workers: int
    progress: Progress

    @property
    def frames(self) -> Path | None:
        """The folder of decoded pictures; None keeps them in a file without a name."""
        if self.cache is None and self.ranks.count > 1:
            return self.work / "frames"  # once for all
        return self.cache


def train(
    data: Dataset | str | Path,
    out: str | Path,
    *,
    config: TrainConfig | None = None,
    save_every: int = 250,
    cache: str | Path | None = None,
    workers: int = 0,
    tensorboard: bool = False,
    replace: bool = False,
    progress: Progress = silent,
) -> TrainReport:
    """Train a dual encoder on the train split of `data` and write it to the folder `out`.

    A killed run goes on at the last of its states, which are `save_every` steps apart, and ends
    with the same weights. A finished run is left alone; another run is replaced only when
    `replace` says so, and what is no run never is: both are a ModelError. Under `torchrun` all
    processes call this together and learn the same model.

    Decoded pictures and components are kept in the folder `cache`, for other runs on the same data.
    Pictures are decoded and batches drawn in `workers` processes; 0 = a thread of this one.
    """
    config, out = config or TrainConfig(), Path(out)
    data = data if isinstance(data, Dataset) else Dataset.open(data)
    mark = fingerprint(traitlens.__version__, to_dict(config), data.manifest.fingerprint)
    finished = _finished_run(out, mark, replace=replace)
    if finished:
        return finished
    with joined() as ranks:
        place = _Place(
            work=_work_folder(out, mark, ranks),
            cache=Path(cache) if cache else None,
            ranks=ranks,
            workers=workers,
            progress=progress if ranks.first else silent,
        )
        source, loop = _prepare(data, config, place)
        with _told_to(place, tensorboard=tensorboard) as on_point:
            course = loop.run(
                place.work,
                save_every=save_every,
                mark=mark,
                workers=workers,
                on_point=on_point,
                progress=place.progress,
            )
        report = _report(loop, course)
        if ranks.first:
            _finish(out, place, source, loop, course, _summary(report, loop, course, data, mark))
        ranks.wait()
    return report


def _finished_run(out: Path, mark: str, *, replace: bool) -> TrainReport | None:
    """Return the report of the run at `out` when it is the one that `mark` names.

    Raise ModelError where something else stands there that is not to be replaced.
    """
    if files.is_free(out):
        return None
    if not (out / SUMMARY).is_file():
        raise ModelError(f"{out} exists and is no run; choose another folder")
    summary = files.read_json(out / SUMMARY)
    if summary.get("fingerprint") == mark:
        return TrainReport(**summary["report"])
    if not replace:
        raise ModelError(f"{out} exists and is another run; choose another folder or --replace")
    return None


def _work_folder(out: Path, mark: str, ranks: Ranks) -> Path:
    with ranks.first_alone():
        return files.work_folder(out, mark)


def _prepare(data: Dataset, config: TrainConfig, place: _Place) -> tuple[Path, Loop]:
    """Return the folder that the model's words and pictures are described in, and the loop."""
    precision = Precision(config.precision, place.ranks.device)
    with place.ranks.first_alone():
        model, source = load_model(_starting_point(data, config, place))
        if not hasattr(model, "logit_scale"):
            raise ModelError(
                f"{config.model} has no temperature to train: it is not like CLIP or SigLIP"
            )
        towers = Towers(
            adapt(model, config.adapt, seed=config.seed),
            Words(source, max_length=text_length(model)),
            PixelConfig.load(source),
            precision=precision,
            device=place.ranks.device,
        )
        material = _gather(data, towers.pixels, config, place)
        validator = _validator(data, towers.pixels, config, place)
    objective = Objective(config.objective)
    loop = Loop(towers, objective, material, validator, config=config, ranks=place.ranks)
    return source, loop


def _starting_point(data: Dataset, config: TrainConfig, place: _Place) -> str | Path:
    start = place.work / "start"
    if not place.ranks.first and start.is_dir():
        return start  # the first rank has made it
    captions = (token.caption for token in data.tokens(split="train", images=False))
    other = lexicon_phrases() if config.captions.reworded else ()
    return start_model(
        config.model,
        text_tower=config.text_tower,
        captions=chain(captions, other),
        seed=config.seed,
        folder=start,
    )


def _gather(data: Dataset, pixels: PixelConfig, config: TrainConfig, place: _Place) -> Material:
    """Return the train split; for masking and swaps, with components found on it alone."""
    masks = None
    if config.masking.p > 0 or config.swaps.share > 0:
        masks = (place.cache or place.work) / "components"
        masks = masks / data.manifest.fingerprint if place.cache else masks
        components(data, out=masks, split="train", progress=place.progress)
    return gather(
        data,
        pixels,
        split="train",
        masks_folder=masks,
        written=config.captions.written,
        cache=place.frames,
        workers=max(1, place.workers),
        progress=place.progress,
    )


def _validator(
    data: Dataset, pixels: PixelConfig, config: TrainConfig, place: _Place
) -> Validator | None:
    """Return what the run is looked at with; the other ranks need it only to know when."""
    if not config.validation.every:
        return None
    return hold_out(data, pixels, config=config.validation, seed=config.seed, cache=place.frames)


@contextmanager
def _told_to(place: _Place, *, tensorboard: bool) -> Iterator[OnPoint]:
    """Give a function that tells TensorBoard of a point, or nobody."""
    if not (tensorboard and place.ranks.first):
        yield lambda point: None
        return
    board = Board(place.work)
    try:
        yield board.tell
    finally:
        board.close()


def _report(loop: Loop, course: Course) -> TrainReport:
    last, swaps = course.curve[-10:], loop.config.swaps
    takes_best = loop.validator is not None and loop.config.validation.keep == "best"
    step = course.best.step if takes_best else course.step
    scores = {point.step: point.validation for point in course.curve}
    return TrainReport(
        tokens=len(loop.material),
        tags=sum(map(len, loop.material.tags)),
        tags_without_mask=loop.material.without_mask() if loop.config.masking.p else 0,
        components=len(loop.material.trust),
        components_untrusted=loop.material.untrusted(swaps.least_trust) if swaps.share else 0,
        parameters=sum(p.numel() for p in loop.towers.model.parameters()),
        trainable=trainable(loop.towers.model),
        steps=course.step,
        loss=sum(point.loss for point in last) / len(last),
        best_step=step,
        validated=loop.validator.tokens if loop.validator else 0,
        validation=scores[step],
    )


def _summary(
    report: TrainReport, loop: Loop, course: Course, data: Dataset, mark: str
) -> dict[str, Any]:
    return {
        "fingerprint": mark,
        "report": asdict(report),
        "config": to_dict(loop.config),
        "data": {
            "fingerprint": data.manifest.fingerprint,
            "collections": {e.name: e.splits["train"] for e in data.manifest.collections},
        },
        "seconds": round(course.seconds, 1),
        **surroundings(loop.towers.precision.name, loop.ranks),
    }


def _finish(
    out: Path, place: _Place, source: Path, loop: Loop, course: Course, summary: dict[str, Any]
) -> None:
    """Put the finished run at `out`, with the best weights or the last ones."""
    place.progress("export", 0, 1)
    best_step = summary["report"]["best_step"]
    if best_step != course.step:
        load_best(place.work, loop.towers.model, step=best_step)
    write_result(place.work, loop.towers.model, source, course.curve, summary)
    place.progress("export", 1, 1)
    files.replace_folder(place.work / "run", out)
    shutil.rmtree(place.work)
