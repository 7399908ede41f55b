"""The steps of a training run.

One way for a tiny model in one process and for a large batch over many GPUs:

1. Both towers encode this rank's part of the batch, chunk by chunk (`gradients`).
2. Every rank gets the features of the whole batch (`ranks`).
3. Every rank computes the loss of the whole batch, and its gradients by features and scalars.
4. The features' gradients go back through the towers, chunk by chunk, and are added up over ranks.

So the weights after a step are those of one process that sees the whole batch, but for rounding.

Axes: B pictures of a batch, T texts, D dimensions.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from traitlens.errors import ConfigError, ModelError
from traitlens.progress import Progress
from traitlens.training.batch import Features, Loss, Views
from traitlens.training.checkpoint import forget_worse, restore_state, save_best, save_state
from traitlens.training.config import TrainConfig
from traitlens.training.course import Course
from traitlens.training.curves import Point, read_curve, write_curve
from traitlens.training.drawn import drawn_ahead
from traitlens.training.gradients import Encoded, Items, Tower, encode
from traitlens.training.material import Material
from traitlens.training.objectives import Objective
from traitlens.training.optimizing import Stepper, learning_rate
from traitlens.training.ranks import Ranks
from traitlens.training.sampling import Sampler
from traitlens.training.towers import Towers
from traitlens.training.validation import Validator
from traitlens.training.views import draw_views

CURVE_EVERY = 10  # steps

_MAX_SCALE = 100.0  # CLIP's bound on the inverse temperature

OnPoint = Callable[[Point], None]


class Loop:
    """The steps of one run: its state is the weights and the optimizer; all else hangs on the step.

    `validator` is None where nobody looks.
    """

    def __init__(
        self,
        towers: Towers,
        objective: Objective,
        material: Material,
        validator: Validator | None,
        *,
        config: TrainConfig,
        ranks: Ranks,
    ) -> None:
        self.towers, self.material, self.validator = towers, material, validator
        self.objective = objective.to(ranks.device)
        self.config, self.ranks = config, ranks
        self.sampler = Sampler(material, config.sampling)
        self.modules: dict[str, nn.Module] = {"model": towers.model, "objective": self.objective}
        self.stepper = Stepper(self.modules.values(), config, towers.precision.scaler)
        ranks.share(t for module in self.modules.values() for t in module.state_dict().values())
        # SigLIP's own scale is above CLIP's bound.
        self._max_log_scale = max(math.log(_MAX_SCALE), float(towers.model.logit_scale.detach()))

    def run(
        self,
        work: Path,
        *,
        save_every: int,
        mark: str,
        workers: int,
        on_point: OnPoint,
        progress: Progress,
    ) -> Course:
        """Take the steps that are left and return the course of the run.

        It ends early where validation has not risen for as long as `patience` says. States are
        written every `save_every` steps; `on_point` is told each point of the curve.
        """
        course = self._restore(work, mark)
        steps = drawn_ahead(self._draw, start=course.step, stop=self.config.steps, workers=workers)
        begun = time.monotonic() - course.seconds
        for step, views in steps:
            loss = self._step(step, views)
            course.take(loss)
            seen = self._validate(work, course, progress)
            if seen is not None or course.step % CURVE_EVERY == 0 or self._is_over(course):
                on_point(self._add_point(course, seen))
            course.seconds = time.monotonic() - begun
            note = course.note(pairs=course.step * self.config.batch_size)
            progress("train", course.step, self.config.steps, note)
            if self._is_over(course):
                break
            if course.step % save_every == 0:
                self._save(work, course, mark)
        return course

    def _restore(self, work: Path, mark: str) -> Course:
        step, known = restore_state(work, self.modules, self.stepper.optimizer, mark=mark)
        if self.ranks.agreed(step) != step:
            raise ModelError(f"{work} is not the same folder to all processes of the run")
        if step:
            self.stepper.scaler.load_state_dict(known["scaler"])
        return Course.of(step, known, read_curve(work))

    def _save(self, work: Path, course: Course, mark: str) -> None:
        if not self.ranks.first:
            return
        known = {**course.to_json(), "scaler": self.stepper.scaler.state_dict()}
        write_curve(work, course.curve)
        save_state(
            work,
            self.modules,
            self.stepper.optimizer,
            step=course.step,
            mark=mark,
            known=known,
        )
        forget_worse(work, best_step=course.best.step)

    def _draw(self, step: int) -> Views:
        rng = np.random.default_rng([self.config.seed, step])
        return draw_views(
            self.material,
            self.sampler.draw(self.config.batch_size, rng=rng),
            masking=self.config.masking,
            captions=self.config.captions.at(step / self.config.steps),
            swaps=self.config.swaps,
            framing=self.config.framing,
            rng=rng,
            part=self.ranks.part,
        )

    def _step(self, step: int, views: Views) -> Loss:
        # A step's dropout hangs on its number, so a run that was stopped draws the same again.
        torch.manual_seed(_seed(self.config.seed, step, self.ranks.rank))
        loss = self._send_back(views, gone=step / self.config.steps)
        self.stepper.step(step)
        with torch.no_grad():
            self.towers.model.logit_scale.clamp_(0, self._max_log_scale)
        return loss

    def _send_back(self, views: Views, *, gone: float) -> Loss:
        """Return the loss of a whole batch; its gradients lie in the weights."""
        captions = views.captions.texts
        phrases = views.phrases.texts if self.config.objective.phrases else []
        encoded = [
            self._encode(self.towers.images, views.frames_PHWC),
            self._encode(self.towers.texts, captions[self.ranks.part]),
            self._encode(self.towers.texts, phrases[self.ranks.part]),
        ]
        totals = (views.pictures, len(captions), len(phrases))
        images_BD, captions_TD, phrases_TD = leaves = [
            self.ranks.whole(one.features_ND, total=total).requires_grad_()
            for one, total in zip(encoded, totals, strict=True)
        ]
        features = Features(images_BD=images_BD, captions_TD=captions_TD, phrases_TD=phrases_TD)
        loss = self._loss(features, views, gone=gone)
        self.stepper.backward(loss.total)
        if not self.ranks.first:
            self._forget_scalars()
        for one, leaf in zip(encoded, leaves, strict=True):
            if leaf.grad is not None:
                one.push(leaf.grad[self.ranks.part])
        self.ranks.add_up(self.stepper.learning)
        return loss

    def _encode(self, tower: Tower, items: Items) -> Encoded:
        return encode(
            tower,
            items,
            chunk=self.config.chunk,
            dimension=self.towers.dimension,
            device=self.ranks.device,
        )

    def _loss(self, features: Features, views: Views, *, gone: float) -> Loss:
        model = self.towers.model
        loss: Loss = self.objective(
            features,
            views,
            scale=model.logit_scale.exp(),
            bias=getattr(model, "logit_bias", None),
            gone=gone,
        )
        return loss

    def _forget_scalars(self) -> None:
        """Forget what the loss itself has sent to weights: each rank has all of it, one counts."""
        for parameter in self.stepper.learning:
            parameter.grad = None

    def _validate(self, work: Path, course: Course, progress: Progress) -> float | None:
        """Return the score after this step and keep the best weights; None if it is not due."""
        every, last = self.config.validation.every, course.step == self.config.steps
        if self.validator is None or (course.step % every and not last):
            return None
        score = self.validator.score(self.towers, progress=progress) if self.ranks.first else 0.0
        score = self.ranks.agreed(score)
        course.best = course.best.after(course.step, score)
        if self.ranks.first and course.best.step == course.step:
            save_best(work, self.towers.model, step=course.step)
        return score

    def _is_over(self, course: Course) -> bool:
        patience = self.config.validation.patience
        return course.step == self.config.steps or 0 < patience <= course.best.stale

    def _add_point(self, course: Course, validation: float | None) -> Point:
        point = course.add_point(
            learning_rate=learning_rate(course.step - 1, self.config),
            scale=float(self.towers.model.logit_scale.detach().exp()),
            validation=validation,
        )
        if not math.isfinite(point.loss):
            raise ConfigError(
                f"the loss is {point.loss} after step {course.step}; a learning_rate below "
                f"{self.config.learning_rate:g} or precision fp32 may help"
            )
        return point


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
