"""A line compares means over seeds with the paper, and says nothing where there is nothing."""

import csv
import io
import json
import math

import pytest

from traitlens.reproduction import Compared, Reproduction, Setting
from traitlens.reproduction.record import NOT_PUBLISHED, comparison
from traitlens.tables import Table, to_csv

LINE = Compared(
    subject="tiny",
    run="fine-tuned",
    gallery="owls",
    paper={"top-1": 0.12, "top-5": 0.3},
    ours=({"top-1": 0.10, "top-5": 0.3}, {"top-1": 0.16, "top-5": 0.4}),
    n=50,
    chance={"top-1": 0.02, "top-5": 0.1},
    ceiling={"top-1": 1.0, "top-5": 1.0},
)


def cells(table: Table) -> list[dict[str, str]]:
    heads = [column.name for column in table.columns]
    return [dict(zip(heads, row, strict=True)) for row in table.shown()]


def test_the_difference_is_that_of_the_mean_over_seeds() -> None:
    assert LINE.mean == pytest.approx({"top-1": 0.13, "top-5": 0.35})
    assert LINE.sd == pytest.approx({"top-1": math.sqrt(0.0018), "top-5": math.sqrt(0.005)})
    assert LINE.difference == pytest.approx({"top-1": 0.01, "top-5": 0.05})


def test_one_seed_has_no_sd() -> None:
    assert Compared(subject="x", ours=({"top-1": 0.5},)).sd == {}


def test_the_table_shows_paper_ours_and_difference_in_points() -> None:
    table = comparison([LINE], title="A table")
    (row,) = cells(table)
    assert row["paper"] == "12.00 / 30.00"
    assert row["ours"] == "13.00 / 35.00"
    assert row["difference"] == "+1.00 / +5.00"
    assert row["sd"] == "4.24 / 7.07"
    assert row["chance"] == "2.0 / 10.0"
    assert row["N"] == "50"
    assert table.title == "A table: top-1 / top-5"
    assert "2 seeds" in table.note


def test_what_the_paper_does_not_print_is_not_published_and_has_no_difference() -> None:
    (row, _) = cells(comparison([Compared(subject="x", ours=({"top-1": 0.5},)), LINE], title="t"))
    assert row["paper"] == NOT_PUBLISHED
    assert row["difference"] == ""


def test_what_could_not_be_measured_here_is_empty_rather_than_zero() -> None:
    (row, _) = cells(comparison([Compared(subject="x", paper={"top-1": 0.5}), LINE], title="t"))
    assert row["ours"] == row["difference"] == ""


def test_columns_that_say_nothing_are_left_out() -> None:
    table = comparison([Compared(subject="x", ours=({"top-1": 0.5},))], title="t")
    assert [column.name for column in table.columns] == ["", "paper", "ours"]


def test_counts_are_counts() -> None:
    line = Compared(subject="x", kind="count", paper={"tokens": 1200}, ours=({"tokens": 5.0},))
    (row,) = cells(comparison([line], title="t"))
    assert (row["paper"], row["ours"], row["difference"]) == ("1,200", "5", "-1,195")


def reproduction(*compared: Compared) -> Reproduction:
    return Reproduction(
        table="table1",
        title="A table",
        source="table 1",
        dataset="data",
        dataset_fingerprint="0",
        same_data=False,
        models={"tiny": "tiny"},
        compared=compared,
        settings=(Setting("batch", "silent", "256"),),
        notes=(),
    )


def test_the_csv_has_a_raw_number_a_row() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(reproduction(LINE).long_table()))))
    assert [row["measure"] for row in rows] == ["top-1", "top-5"]
    assert float(rows[0]["paper"]) == 0.12
    assert float(rows[0]["difference"]) == pytest.approx(0.01)
    assert rows[0]["seeds"] == "2"


def test_lines_of_another_kind_are_a_table_of_their_own() -> None:
    index = Compared(subject="tiny", kind="number", paper={"CVI": 0.0003})
    compared, other, settings = reproduction(LINE, index).tables()
    assert len(compared.rows) == len(other.rows) == 1
    assert cells(other)[0]["paper"] == "0.0003"
    assert settings.rows == (("batch", "silent", "256"),)


def test_the_record_is_json_with_each_seed_in_it() -> None:
    value = json.loads(json.dumps(reproduction(LINE).to_json()))
    (line,) = value["compared"]
    assert line["ours"] == [{"top-1": 0.10, "top-5": 0.3}, {"top-1": 0.16, "top-5": 0.4}]
    assert line["difference"]["top-5"] == pytest.approx(0.05)
