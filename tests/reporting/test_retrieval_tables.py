"""Tables print what they rest on: N, chance, ceiling, the split's rule and the tie rule."""

import io
from collections.abc import Sequence
from dataclasses import replace

import pytest
from rich.console import Console

from tests.helpers import ColourEncoder
from traitlens.evaluation import Evaluation, evaluate
from traitlens.reporting import Report, headline, headline_line, retrieval_tables
from traitlens.reporting.retrieval_tables import row_table
from traitlens.store import Dataset
from traitlens.tables import Table, to_rich


@pytest.fixture
def evaluation(report: Report) -> Evaluation:
    return report.evaluation


def printed(made: Sequence[Table]) -> str:
    console = Console(file=io.StringIO(), width=220)
    console.print(*map(to_rich, made))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def rows_of(table: Table, scope: str) -> dict[str, tuple[object, ...]]:
    return {str(row[1]): row[2:] for row in table.rows if row[0] == scope}


def test_tables_name_every_gallery_model_and_reference(evaluation: Evaluation) -> None:
    text = printed(retrieval_tables(evaluation))
    for part in ("Text to image", "Image to text", "70 tokens in 2 coll", "robots", "raw pixels"):
        assert part in text
    for part in ("chance", "ceiling", "Ties are broken at random", "test tokens of data"):
        assert part in text


def test_every_scope_has_the_models_then_chance_and_structured_search(
    evaluation: Evaluation,
) -> None:
    table = retrieval_tables(evaluation)[0]
    by = ["colours", "raw pixels", "colour histogram", "chance", "structured search (metadata)"]
    assert [row[:2] for row in table.rows] == [
        (scope, name) for scope in ("macro", "micro", "all") for name in by
    ]


def test_structured_search_reaches_the_ceiling_and_every_caption(evaluation: Evaluation) -> None:
    row = evaluation.row(scope="all")
    found = rows_of(retrieval_tables(evaluation)[0], "all")
    assert found["structured search (metadata)"] == (*row.ceiling.values(), 1.0)
    assert found["chance"] == pytest.approx((1 / 70, 5 / 70, 10 / 70, row.class_chance[1]))


def test_an_interval_stands_behind_its_score_and_is_explained(evaluation: Evaluation) -> None:
    shares = {1: 0.971, 5: 1.0, 10: 1.0}
    around = dict.fromkeys(shares, (0.96, 0.982))
    rows = tuple(
        replace(row, recall=shares, interval=around) if row.scope == "macro" else row
        for row in evaluation.rows
    )
    table = retrieval_tables(replace(evaluation, rows=rows))[0]
    assert rows_of(table, "macro")["colours"][0] == "97.1 [96.0, 98.2]"
    assert "the 95% interval of a bootstrap over families" in table.note
    assert "interval" not in retrieval_tables(evaluation)[0].note


def test_rsum_adds_up_both_directions_and_chance_knows_the_collections(
    evaluation: Evaluation,
) -> None:
    _, _, _, both, _ = retrieval_tables(evaluation)
    found = rows_of(both, "all")
    row = evaluation.row(scope="all")
    assert found["colours"] == (evaluation.rsum(scope="all"), row.right_collection)
    of_chance, guessed = found["chance"]
    assert of_chance == pytest.approx(2 * (1 + 5 + 10) / 70)
    assert guessed == pytest.approx((40**2 + 30**2) / 70**2)


def test_what_was_left_out_is_said(evaluation: Evaluation) -> None:
    table = retrieval_tables(replace(evaluation, skipped={"beyond max_gallery": 1200}))[0]
    assert "Left out: 1,200 x beyond max_gallery." in table.note


def test_names_are_printed_as_they_are(evaluation: Evaluation) -> None:
    rows = tuple(replace(row, model="[red]x[/red]") for row in evaluation.rows)
    made = retrieval_tables(replace(evaluation, rows=rows, model="[red]x[/red]"))
    assert "[red]x[/red]" in printed(made)


def test_small_shares_keep_two_digits(evaluation: Evaluation) -> None:
    rows = tuple(replace(r, chance={1: 1e-6, 5: 5e-6, 10: 1e-5}) for r in evaluation.rows)
    assert "0.0001" in printed(retrieval_tables(replace(evaluation, rows=rows)))


def test_the_row_table_has_every_number_of_every_row(evaluation: Evaluation) -> None:
    table = row_table("all", evaluation.rows)
    assert len(table.rows) == len(evaluation.rows)
    names = [column.name for column in table.columns]
    cells = dict(zip(names, table.rows[0], strict=True))
    row = evaluation.rows[0]
    assert (cells["gallery"], cells["N"], cells["top 5"]) == (row.gallery, row.n, row.recall[5])
    assert cells["class chance 10"] == row.class_chance[10]
    assert (cells["top 1 low"], cells["mean rank"]) == (None, row.mean_rank)


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
