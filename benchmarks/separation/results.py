"""The benchmark's figures as tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from traitlens.tables import Cell, Column, Table

from .families import art_of, part_of
from .running import Run
from .scores import COMMON, Scores, ValueScore


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one method made of one collection."""

    collection: str
    method: str
    tokens: int
    run: Run
    scores: Scores


_FIGURES = (
    Column("IoU mask", "number", 3),
    Column("IoU seen", "number", 3),
    Column(f"seen, {COMMON}+", "number", 3),
    Column("undetected", "percent"),
    Column("order", "percent"),
    Column("pixels off", "number", 1),
    Column("seconds", "number", 1),
)

_NOTE = (
    f"seen, {COMMON}+: over the values that so many tokens show; order: pairs of overlapping "
    "values put in the true order; pixels off: mean absolute difference of recovered RGBA, in "
    "0..255, where the truth draws components alone; GB: peak of the process."
)


def _figures(result: Result) -> tuple[float | None, ...]:
    scores = result.scores
    return (
        scores.mask,
        scores.seen,
        scores.seen_common,
        scores.undetected,
        scores.order.share,
        scores.pixel_error,
        result.run.seconds,
    )


def collections_table(results: Sequence[Result], *, title: str) -> Table:
    """Return a row for each collection and method."""
    names = (Column("collection"), Column("part"), Column("art"), Column("method"))
    counts = (Column("tokens", "count"), Column("values", "count"))
    rows = tuple(
        (
            r.collection,
            part_of(r.collection),
            art_of(r.collection),
            r.method,
            r.tokens,
            len(r.scores.values),
            *_figures(r),
            r.run.peak_gb,
        )
        for r in results
    )
    columns = (*names, *counts, *_FIGURES, Column("GB", "number", 2))
    return Table(title=title, columns=columns, rows=rows, note=_NOTE)


def means_table(results: Sequence[Result]) -> Table:
    """Return the means over collections for each art, part and method."""
    groups: dict[tuple[str, str, str], list[Result]] = defaultdict(list)
    for result in results:
        name = result.collection
        groups[art_of(name), part_of(name), result.method].append(result)
    rows = tuple(
        (*group, len(members), *_means([_figures(r) for r in members]))
        for group, members in groups.items()
    )
    names = (Column("art"), Column("part"), Column("method"), Column("collections", "count"))
    return Table(title="Means over collections", columns=(*names, *_FIGURES), rows=rows)


def _means(rows: Sequence[tuple[float | None, ...]]) -> list[Cell]:
    columns = ([cell for cell in column if cell is not None] for column in zip(*rows, strict=True))
    return [float(np.mean(column)) if column else None for column in columns]


def _badness(value: ValueScore) -> tuple[float, int]:
    return value.seen, -value.tokens


def worst_table(result: Result, count: int) -> Table:
    """Return the values of a result with the lowest IoU of what is seen."""
    columns = (
        Column("trait type"),
        Column("value"),
        Column("tokens", "count"),
        Column("area", "percent", 2),
        Column("IoU mask", "number", 3),
        Column("IoU seen", "number", 3),
        Column("confidence", "number", 2),
    )
    rows = tuple(
        (*v.name, v.tokens, v.area, v.mask, v.seen, v.confidence)
        for v in sorted(result.scores.values, key=_badness)[:count]
    )
    title = f"{result.collection} by {result.method}: the least well seen values"
    return Table(title=title, columns=columns, rows=rows)
