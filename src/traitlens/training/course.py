"""What is known of a run while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from traitlens.training.batch import Loss
from traitlens.training.curves import Point
from traitlens.training.validation import Best

_TOTAL = "total"  # beside the parts of a loss


@dataclass(slots=True, kw_only=True)
class Course:
    """The steps that are taken, the curve so far, and the best score.

    `recent` has the losses of the steps since the curve's last point, and their parts by name.
    """

    step: int = 0  # how many are taken
    curve: list[Point] = field(default_factory=list)
    recent: list[Mapping[str, Tensor | float]] = field(default_factory=list)
    best: Best = field(default_factory=Best)
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return what neither the step nor the curve tells."""
        return {"recent": self._numbers(), "best": asdict(self.best), "seconds": self.seconds}

    @classmethod
    def of(cls, step: int, known: Mapping[str, Any], curve: list[Point]) -> Course:
        """Return the course after `step` steps, from `to_json` and a curve that may go on."""
        if not step:
            return cls()
        return cls(
            step=step,
            curve=[point for point in curve if point.step <= step],
            recent=known["recent"],
            best=Best(**known["best"]),
            seconds=known["seconds"],
        )

    def take(self, loss: Loss) -> None:
        """Count a step. Its loss stays where it is: a GPU need not wait for each."""
        self.step += 1
        self.recent.append({_TOTAL: loss.total.detach(), **loss.parts})

    def add_point(self, *, learning_rate: float, scale: float, validation: float | None) -> Point:
        """Add a point to the curve, with the mean of the recent losses, and return it."""
        recent = self._numbers()
        self.recent.clear()
        means = {
            name: float(np.mean([losses[name] for losses in recent if name in losses]))
            for name in dict.fromkeys(name for losses in recent for name in losses)
        }
        point = Point(
            step=self.step,
            loss=means.pop(_TOTAL),
            parts=means,
            learning_rate=learning_rate,
            scale=scale,
            validation=validation,
        )
        self.curve.append(point)
        return point

    def note(self, *, pairs: int) -> str:
        """Return how it goes, in words; `pairs` are those that have been learnt from."""
        if not self.curve:
            return ""
        said = [f"loss {self.curve[-1].loss:.3f}"]
        if self.best.step:
            said.append(f"validation {100 * self.best.score:.1f}%")
        return ", ".join([*said, f"{pairs / self.seconds:,.0f} pairs/s"])

    def _numbers(self) -> list[dict[str, float]]:
        return [{name: float(value) for name, value in one.items()} for one in self.recent]
