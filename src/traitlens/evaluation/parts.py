"""Further measurements by name: what one score hides (see `diagnosis`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from traitlens.config import check_choice
from traitlens.embedding import Embedded
from traitlens.evaluation.retrieval import RetrievalRow
from traitlens.progress import Progress
from traitlens.tables import Table


class Part(Protocol):
    """A measurement that can be printed and stored."""

    def to_json(self) -> dict[str, Any]: ...

    def tables(self) -> tuple[Table, ...]: ...


Measure = Callable[..., Part]

PARTS: dict[str, Measure] = {}


def check_parts(names: Sequence[str]) -> None:
    """Raise ConfigError where a name is none of `PARTS`."""
    for name in names:
        check_choice("parts", name, PARTS)


def measure(
    name: str,
    found: Sequence[Embedded],
    rows: Sequence[RetrievalRow],
    *,
    seed: int,
    progress: Progress,
) -> Part:
    """Return a measurement of the models of `found`, the first of which is in question."""
    return PARTS[name](found, seed=seed, progress=progress)
