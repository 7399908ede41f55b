"""One table looks the same everywhere, and strangers' words in it are only words."""

import csv
import io
import math

import pytest
from rich.console import Console

from traitlens.tables import Cell, Column, Kind, Table, to_csv, to_html, to_markdown, to_rich

TABLE = Table(
    title="how <well>",
    columns=(Column("name"), Column("tokens", "count"), Column("top-1", "percent")),
    rows=(("[red]a|b[/red]", 1234, 0.1234), ("<b>=1+1", None, 0.000012)),
    note="a & b",
)


@pytest.mark.parametrize(
    ("kind", "cell", "shown"),
    [
        ("count", 1234567, "1,234,567"),
        ("percent", 0.1234, "12.3"),
        ("percent", 0.0, "0.0"),
        ("percent", 0.00012, "0.012"),
        ("percent", -0.002, "-0.2"),
        ("number", 0.123456, "0.123"),
        ("number", 1234.56, "1,234.6"),
        ("number", 7, "7"),
        ("number", math.nan, ""),
        ("text", None, ""),
        ("percent", "97.1 [96.0, 98.2]", "97.1 [96.0, 98.2]"),
    ],
)
def test_cells_are_shown_by_their_kind(kind: Kind, cell: Cell, shown: str) -> None:
    assert Column("x", kind).show(cell) == shown


def test_digits_can_be_asked_for() -> None:
    assert Column("x", "percent", 3).show(0.5) == "50.000"
    assert Column("x", "number", 5).show(0.5) == "0.50000"


def test_a_terminal_shows_markup_as_it_is() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(to_rich(TABLE))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "[red]a|b[/red]" in text
    assert "1,234" in text
    assert "12.3" in text


def test_a_page_shows_tags_as_words() -> None:
    page = to_html(TABLE)
    assert "&lt;b&gt;=1+1" in page
    assert "how &lt;well&gt;" in page
    assert "<td class='number'>1,234</td>" in page
    assert "a &amp; b" in page


def test_markdown_keeps_its_columns() -> None:
    lines = to_markdown(TABLE).splitlines()
    assert lines[2:5] == [
        "| name | tokens | top-1 |",
        "| :-- | --: | --: |",
        "| [red]a\\|b[/red] | 1,234 | 12.3 |",
    ]


def test_csv_has_the_raw_numbers_and_no_formulas() -> None:
    hostile = Table(
        title="t", columns=(Column("a"), Column("b", "percent")), rows=(("=HYPERLINK(1)", -0.5),)
    )
    assert list(csv.reader(io.StringIO(to_csv(hostile)))) == [
        ["a", "b"],
        ["'=HYPERLINK(1)", "-0.5"],
    ]
    assert list(csv.reader(io.StringIO(to_csv(TABLE))))[2] == ["<b>=1+1", "", "1.2e-05"]


def test_a_row_of_another_length_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="2 cells"):
        Table(title="t", columns=(Column("a"),), rows=(("x", "y"),))
