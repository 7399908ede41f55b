"""The stages of the study in their order: each is run, and what it says decides the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from traitlens.processes import run_all
from traitlens.progress import Progress, silent

from . import plan
from .arms import PLAIN, Arm
from .art import group_data
from .plan import HEADLINE, Choice, Done
from .protocol import GROUPS, PERCENTS
from .trial import Trial, run_trial


@dataclass(slots=True, kw_only=True)
class Study:
    """A study in a folder: trials that were run are read, the others are run."""

    work: Path
    steps: int
    processes: int | None = None
    stages: int = 5
    progress: Progress = silent
    done: dict[str, list[Done]] = field(default_factory=dict)  # by stage
    choice: Choice | None = None

    def run(self) -> None:
        """Run the stages that were asked for."""
        for number, (name, trials) in enumerate(self._stages(), start=1):
            self.done[name] = self._run_all(name, trials)
            if number == self.stages:
                return

    def _stages(self) -> Iterator[tuple[str, list[Trial]]]:
        yield "grid", plan.grid(self.steps)
        masks = {n: plan.best(self.done["grid"], plan.masks_tried(n), percent=n) for n in PERCENTS}
        self.choice = Choice(masks=masks, recipe=masks[HEADLINE], plain=PLAIN)
        yield "ideas", plan.ideas(masks, self.steps)
        combined = _arms(self.done["ideas"], of=plan.COMBINATIONS)
        recipe = plan.best(self.done["ideas"], combined, percent=HEADLINE)
        yield "rates", plan.rates([PLAIN, masks[HEADLINE], recipe], self.steps)
        self.choice = self._with_rates(masks, recipe)
        yield "confirmation", plan.confirmation(self.choice, self.steps)
        yield "longer", plan.longer(self.choice, self.steps)

    def _with_rates(self, masks: dict[int, Arm], recipe: Arm) -> Choice:
        """Return the choice with the learning rate that suits each best."""
        everything = [d for stage in self.done.values() for d in stage]

        def tuned(arm: Arm) -> Arm:
            arms = [arm, *plan.with_rates(arm)]
            return plan.best(everything, arms, percent=HEADLINE)

        rate = tuned(masks[HEADLINE]).settings.get("learning_rate")
        at_rate = {} if rate is None else {"learning_rate": rate}
        return Choice(
            masks={n: mask.plus(mask.name, at_rate) for n, mask in masks.items()},
            recipe=tuned(recipe),
            plain=tuned(PLAIN),
        )

    def _run_all(self, stage: str, trials: Sequence[Trial]) -> list[Done]:
        for group in range(len(GROUPS)):
            for percent in PERCENTS:
                group_data(self.work, group, percent=percent)
        done = []
        tasks = [_Task(work=self.work, trial=trial) for trial in trials]
        self.progress(stage, 0, len(tasks))
        for result in run_all(_run, tasks, workers=self.processes):
            done.append(result)
            self.progress(stage, len(done), len(tasks), result.trial.name)
        return done


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    work: Path
    trial: Trial


def _run(task: _Task) -> Done:
    import torch

    torch.set_num_threads(1)  # a core a trial: two at once are quicker than one after the other
    return Done(trial=task.trial, outcome=run_trial(task.work, task.trial))


def _arms(done: Sequence[Done], *, of: Iterable[str]) -> list[Arm]:
    """Return the arms whose name ends with one of the names."""
    arms = {d.trial.arm: None for d in done}
    return [arm for arm in arms if arm.name.rpartition(" + ")[2] in set(of)]
