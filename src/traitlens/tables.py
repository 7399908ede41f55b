"""One plain form of a table, and how it looks in a terminal, on a page, in Markdown and as CSV.

Whoever measures something says it as a `Table`; nobody formats numbers twice.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.table import Table as RichTable

Cell = str | int | float | None
Kind = Literal["text", "count", "percent", "number"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what begins one in a spreadsheet


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `percent` cells are shares, 0.123 shows as "12.3"; `number` has 3 digits or so.

    `digits` are those behind the point, where the kind's own choice will not do.
    """

    name: str
    kind: Kind = "text"
    digits: int | None = None

    def show(self, cell: Cell) -> str:
        """Return a cell as people read it; None and NaN are an empty one."""
        if cell is None or (isinstance(cell, float) and math.isnan(cell)):
            return ""
        if isinstance(cell, str):
            return cell
        if self.kind == "count":
            return f"{round(cell):,}"
        if self.kind == "percent":
            return _percent(cell, self.digits)
        return f"{cell:,.{self.digits}f}" if self.digits is not None else _number(cell)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of as many cells as there are columns; `note` is what a reader must know beside."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            assert len(row) == len(self.columns), f"{self.title}: {len(row)} cells in {row}"

    def shown(self) -> list[list[str]]:
        """Return the cells as text, row by row."""
        return [
            [c.show(cell) for c, cell in zip(self.columns, row, strict=True)] for row in self.rows
        ]


def percents(names: Sequence[str]) -> tuple[Column, ...]:
    """Return a column of shares for each name."""
    return tuple(Column(name, "percent") for name in names)


def to_rich(table: Table) -> RichTable:
    """Return the table for a terminal; strangers' words in it are no markup."""
    from rich.markup import escape as plain
    from rich.table import Table as RichTable

    made = RichTable(title=plain(table.title), caption=plain(table.note) or None)
    for column in table.columns:
        made.add_column(plain(column.name), justify="left" if column.kind == "text" else "right")
    for row in table.shown():
        made.add_row(*map(plain, row))
    return made


def to_html(table: Table) -> str:
    """Return the table as HTML, every word escaped."""
    heads = "".join(_cell("th", column, column.name) for column in table.columns)
    body = "\n".join(
        "<tr>" + "".join(map(_cell, ["td"] * len(row), table.columns, row)) + "</tr>"
        for row in table.shown()
    )
    note = f"<p class='note'>{escape(table.note)}</p>" if table.note else ""
    return (
        f"<figure class='table'><figcaption>{escape(table.title)}</figcaption>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{note}</figure>"
    )


def to_markdown(table: Table) -> str:
    """Return the table as Markdown, with its title above and its note below."""
    rule = [":--" if column.kind == "text" else "--:" for column in table.columns]
    lines = [[column.name for column in table.columns], rule, *table.shown()]
    cells = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    note = f"\n\n{table.note}" if table.note else ""
    return f"**{table.title}**\n\n" + "\n".join(cells) + note + "\n"


def to_csv(table: Table) -> str:
    """Return the table as CSV with its raw numbers: shares stay shares.

    A stranger's text that a spreadsheet would run as a formula begins with an apostrophe.
    """
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    writer.writerows([[_raw(cell) for cell in row] for row in table.rows])
    return sink.getvalue()


def _raw(cell: Cell) -> Cell:
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    return "" if cell is None else cell


def _cell(tag: str, column: Column, text: str) -> str:
    kind = "" if column.kind == "text" else " class='number'"
    return f"<{tag}{kind}>{escape(text)}</{tag}>"


def _percent(share: float, digits: int | None) -> str:
    """Return 0.1234 as "12.3", and a small share with two digits that count: "0.00012"."""
    percent = 100 * share
    if digits is not None:
        return f"{percent:.{digits}f}"
    return f"{percent:.1f}" if abs(percent) >= 1 or percent == 0 else f"{percent:.2g}"


def _number(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"
