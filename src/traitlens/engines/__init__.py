"""Where vectors are kept and searched: one protocol, an embedded engine and an exact reference."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from traitlens.config import check_choice
from traitlens.engines.protocol import Entry, Point, Question, Scored, VectorEngine, Wish
from traitlens.engines.where import And, Equals, Not, Or, Where, matches, parse, resolve

EngineName = Literal["edge", "exact"]
ENGINES: tuple[EngineName, ...] = ("edge", "exact")

__all__ = [
    "ENGINES",
    "EngineName",
    "Entry",
    "Point",
    "Question",
    "Scored",
    "VectorEngine",
    "Wish",
    "open_engine",
    "Where",
    "Equals",
    "Not",
    "And",
    "Or",
    "parse",
    "resolve",
    "matches",
]


def open_engine(
    name: EngineName, path: Path, *, dimension: int, read_only: bool = False
) -> VectorEngine:
    """Open the engine `name` in the folder `path`; one that writes makes the folder if need be."""
    check_choice("engine", name, ENGINES)
    if name == "exact":
        from traitlens.engines.exact import ExactEngine

        return ExactEngine.open(path, dimension=dimension, read_only=read_only)
    from traitlens.engines.edge import EdgeEngine

    return EdgeEngine.open(path, dimension=dimension, read_only=read_only)
