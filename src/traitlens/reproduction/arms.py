"""What a model of a table was fine-tuned on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TrainedOn = Literal["nothing", "mini", "all"]
TestedOn = Literal["mini", "all"]


@dataclass(frozen=True, slots=True)
class Arm:
    """How a model came about: from which data, and with which chance to hide a component."""

    trained_on: TrainedOn
    p: float = 0.0

    @property
    def words(self) -> str:
        """The arm as a table names it."""
        if self.trained_on == "nothing":
            return "zero-shot"
        masking = f", masking p = {self.p:g}" if self.p else ""
        return f"fine-tuned on {self.trained_on}{masking}"


ZERO_SHOT = Arm("nothing")
ON_MINI = Arm("mini")
ON_ALL = Arm("all")


def masked(p: float) -> Arm:
    """Return the arm that is fine-tuned on mini with masking; p = 0 is `ON_MINI` itself."""
    return Arm("mini", p)
