"""Tables print what they rest on: N, chance, ceiling, the split's rule and the tie rule."""

import io
from dataclasses import replace

import pytest
from rich.console import Console
from rich.table import Table

from tests.helpers import ColourEncoder
from traitlens.evaluation import (
    Evaluation,
    FreeTextQuery,
    evaluate,
    evaluate_free_text,
    free_text_tables,
    headline,
    headline_line,
    tables,
)
from traitlens.store import Dataset


@pytest.fixture(scope="module")
def evaluation(drawn: Dataset) -> Evaluation:
    return evaluate(ColourEncoder(), drawn)


def printed(made: list[Table]) -> str:
    console = Console(file=io.StringIO(), width=220)
    console.print(*made)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_tables_name_every_gallery_model_and_reference(evaluation: Evaluation) -> None:
    text = printed(tables(evaluation))
    for part in ("text to image", "image to text", "70 in 2", "robots", "owls", "raw pixels"):
        assert part in text
    for part in ("chance", "ceiling", "Ties are broken at random", "test tokens of"):
        assert part in text


def test_names_are_printed_as_they_are(evaluation: Evaluation) -> None:
    rows = tuple(replace(row, model="[red]x[/red]") for row in evaluation.rows)
    assert "[red]x[/red]" in printed(tables(replace(evaluation, rows=rows, model="[red]x[/red]")))


def test_small_shares_keep_two_digits(evaluation: Evaluation) -> None:
    rows = tuple(replace(r, chance={1: 1e-6, 5: 5e-6, 10: 1e-5}) for r in evaluation.rows)
    assert "0.0001" in printed(tables(replace(evaluation, rows=rows)))


def test_the_headline_compares_with_the_ceiling_and_the_better_baseline(
    evaluation: Evaluation,
) -> None:
    shares = {"colours": 0.8, "raw pixels": 0.3, "colour histogram": 0.4}
    rows = tuple(
        replace(row, recall={1: shares[row.model], 5: 0.9, 10: 0.95}, ceiling={1: 0.9, 5: 1, 10: 1})
        for row in evaluation.rows
    )
    found = headline(replace(evaluation, rows=rows))
    assert found.top1_of_ceiling == pytest.approx(0.8 / 0.9)
    assert found.top10_of_ceiling == 0.95
    assert found.best_baseline == "colour histogram"
    assert found.ratio == pytest.approx(2)
    assert headline_line(found) == (
        "Macro top-1 is 88.9% of its ceiling, top-10 95.0%; "
        "top-1 is 2.00 times that of colour histogram"
    )


def test_without_baselines_there_is_no_ratio(drawn: Dataset) -> None:
    found = headline(evaluate(ColourEncoder(), drawn, baselines=False))
    assert (found.best_baseline, found.ratio) == (None, None)
    assert headline_line(found).startswith("Macro top-1 is ")


def test_free_text_tables_stand_beside_template_and_chance(drawn: Dataset) -> None:
    query = FreeTextQuery(collection="robots", token_id="9", query="red hat", where="here:1")
    away = replace(query, collection="cats")
    text = printed(free_text_tables(evaluate_free_text(ColourEncoder(), drawn, [query, away])))
    for part in ("free text", "template captions", "chance", "median rank", "robots", "400"):
        assert part in text
    assert "Left out: 1 x collection not in the data set." in text
