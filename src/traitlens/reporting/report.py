"""Everything that is known of a model on a gallery, and the files it is written to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from traitlens import files
from traitlens.embedding import Embedded
from traitlens.evaluation import (
    Evaluation,
    FreeTextEvaluation,
    FreeTextQuery,
    evaluate_embedded,
    evaluate_free_text,
)
from traitlens.evaluation.scoring import Clusters
from traitlens.plain_text import one_line
from traitlens.progress import Progress, silent
from traitlens.reporting.confusion import Confusion, confusion
from traitlens.reporting.free_text_tables import (
    free_text_row_table,
    free_text_tables,
    query_table,
)
from traitlens.reporting.retrieval_tables import collection_table, retrieval_tables, row_table
from traitlens.tables import Cell, Table, to_csv

_FILE_CHARS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An evaluation, and what may stand beside it: free-text queries, and a look at the errors."""

    evaluation: Evaluation
    free_text: FreeTextEvaluation | None = None
    confusion: Confusion | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the evaluation's JSON and, where they were measured, the others in it."""
        beside = {"free_text": self.free_text, "confusion": self.confusion}
        measured = {name: each.to_json() for name, each in beside.items() if each is not None}
        return self.evaluation.to_json() | measured

    def tables(self) -> tuple[Table, ...]:
        """Return the tables for a terminal: retrieval, free text, and the further parts."""
        free_text = free_text_tables(self.free_text) if self.free_text else ()
        parts = [table for part in self.evaluation.parts.values() for table in part.tables()]
        return (*retrieval_tables(self.evaluation), *free_text, *parts)


def measure_report(
    found: Sequence[Embedded],
    *,
    queries: str | Path | Sequence[FreeTextQuery] | None = None,
    parts: Sequence[str] = (),
    clusters: Clusters = "family",
    errors: bool = True,
    seed: int = 0,
    device: str = "cpu",
    work: Path | None = None,
    progress: Progress = silent,
) -> Report:
    """Return the report of `found[0]`; the others, on the same gallery, stand beside.

    `parts` are names of `evaluation.PARTS`; `errors` asks what the model confuses; `device` and
    `work` are those of `evaluate_embedded`.
    """
    evaluation = evaluate_embedded(
        found,
        parts=parts,
        clusters=clusters,
        seed=seed,
        device=device,
        work=work,
        progress=progress,
    )
    return Report(
        evaluation=evaluation,
        free_text=(
            None if queries is None else evaluate_free_text(found, queries, progress=progress)
        ),
        confusion=confusion(found[0], seed=seed, progress=progress) if errors else None,
    )


def csv_tables(report: Report) -> dict[str, Table]:
    """Return the tables for CSV files by the names of these: raw numbers, nothing left out."""
    evaluation = report.evaluation
    named = {
        "retrieval": row_table("Retrieval", evaluation.rows),
        "collections": collection_table(evaluation),
    }
    if report.free_text:
        named["free-text"] = free_text_row_table(report.free_text)
        named["free-text-queries"] = query_table(report.free_text)
    beside = {"confusion": report.confusion} if report.confusion else {}
    for name, part in (beside | evaluation.parts).items():
        for table in part.tables():
            named[_free_name(f"{name} {table.title}", named)] = table
    return named


def write_csv(report: Report, folder: Path) -> list[Path]:
    """Write a CSV file for each table into a folder, and return their paths."""
    written = []
    for name, table in csv_tables(report).items():
        path = folder / f"{name}.csv"
        files.write_text(path, to_csv(table))
        written.append(path)
    return written


def plain(table: Table, *, rows: int | None = None) -> Table:
    """Return a table without control characters, and without those beyond `rows` rows.

    Strangers name collections, traits and models, and a terminal obeys some characters.
    """
    shown = table.rows if rows is None else table.rows[:rows]
    more = len(table.rows) - len(shown)
    note = f"{table.note} And {more:,} rows more: --csv has all." if more else table.note
    return Table(
        title=one_line(table.title),
        columns=tuple(replace(column, name=one_line(column.name)) for column in table.columns),
        rows=tuple(tuple(map(_plain, row)) for row in shown),
        note=one_line(note, max_chars=2000).strip(),
    )


def _plain(cell: Cell) -> Cell:
    return one_line(cell) if isinstance(cell, str) else cell


def _free_name(text: str, taken: dict[str, Table]) -> str:
    """Return a file's name for a text: small letters and hyphens, and not taken.

    Numbers in titles are mostly options; without them another run writes the same files.
    """
    name = re.sub(r"[^a-z]+", "-", text.lower()).strip("-")[:_FILE_CHARS].strip("-") or "table"
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free
