"""How a run went, step by step: as CSV, as a picture, and for TensorBoard."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from traitlens import files
from traitlens.errors import ConfigError
from traitlens.training.drawing import Line, Panel, draw_panels

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

CURVE = "curve.csv"
CHART = "curve.png"
BOARD = "tensorboard"

_PARTS = "loss."  # before the name of a part of the loss, in the table's head
_PLAIN = ("step", "loss", "learning_rate", "scale", "validation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What is known after `step` steps; losses are means over the steps since the last point.

    The mean of a part is over the steps that had it: a batch may be without swaps. `scale` is the
    inverse temperature. `validation` is top-1 in [0, 1], None where nobody looked.
    """

    step: int
    loss: float
    parts: Mapping[str, float] = field(default_factory=dict)
    learning_rate: float
    scale: float
    validation: float | None = None

    def numbers(self) -> dict[str, float]:
        """Return the numbers by the names that they have in tables; a missing one has no name."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        parts = {_PARTS + name: value for name, value in self.parts.items()}
        return {name: value for name, value in (plain | parts).items() if value is not None}


def write_curve(folder: Path, curve: Sequence[Point]) -> None:
    """Write the points as CSV; what a point does not know stays empty."""
    numbers = [point.numbers() for point in curve]
    parts = sorted({name for one in numbers for name in one} - set(_PLAIN))
    text = io.StringIO()
    table = csv.DictWriter(text, [*_PLAIN, *parts], lineterminator="\n")
    table.writeheader()
    table.writerows(numbers)
    files.write_text(folder / CURVE, text.getvalue())


def read_curve(folder: Path) -> list[Point]:
    """Return the points of a run; none when it has no curve yet."""
    if not (folder / CURVE).is_file():
        return []
    with (folder / CURVE).open(newline="") as file:
        return [_point(row) for row in csv.DictReader(file)]


def _point(row: dict[str, str]) -> Point:
    known = {name: float(value) for name, value in row.items() if value}
    return Point(
        step=int(row["step"]),
        loss=known["loss"],
        parts={n.removeprefix(_PARTS): v for n, v in known.items() if n.startswith(_PARTS)},
        learning_rate=known["learning_rate"],
        scale=known["scale"],
        validation=known.get("validation"),
    )


def draw_curve(folder: Path, curve: Sequence[Point], *, title: str) -> None:
    """Write the curve as a picture: the loss and its parts, validation, and what was turned."""
    names = sorted({name for point in curve for name in point.parts})
    losses = [Line("loss", [(p.step, p.loss) for p in curve])]
    if len(names) > 1:
        losses += [Line(n, [(p.step, p.parts[n]) for p in curve if n in p.parts]) for n in names]
    seen = [(p.step, 100 * p.validation) for p in curve if p.validation is not None]
    panels = [Panel("loss", losses)]
    if seen:
        panels.append(Panel("validation, top-1 in %", [Line("validation", seen)], marks=True))
    panels.append(Panel("scale", [Line("scale", [(p.step, p.scale) for p in curve])]))
    rates = [Line("learning rate", [(p.step, p.learning_rate) for p in curve])]
    panels.append(Panel("learning rate", rates))
    picture = draw_panels(panels, title=title, x_name="step")
    with files.writing(folder / CHART) as temporary:
        picture.save(temporary, format="PNG", optimize=True)


class Board:
    """TensorBoard's files of a run, in a folder of its own.

    Raises ConfigError where the package is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise ConfigError(
                "TensorBoard's files need tensorboard: `pip install tensorboard` installs it"
            ) from None
        self._open: Callable[[int], SummaryWriter] = lambda step: SummaryWriter(
            str(folder / BOARD), purge_step=step
        )
        self._writer: SummaryWriter | None = None

    def tell(self, point: Point) -> None:
        """Write a point; the first one replaces what a stopped run wrote from there on."""
        if self._writer is None:
            self._writer = self._open(point.step)
        for name, value in point.numbers().items():
            if name != "step":
                self._writer.add_scalar(name.replace(".", "/"), value, point.step)
        self._writer.flush()

    def close(self) -> None:
        """Finish the files."""
        if self._writer is not None:
            self._writer.close()
