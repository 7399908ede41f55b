"""The same numbers as JSON and as CSV, in files whose names no stranger chooses."""

import csv
import json
from dataclasses import replace
from pathlib import Path

from tests.reporting.fake_part import EVIL, FakePart
from traitlens.embedding import Embedded
from traitlens.reporting import Report, csv_tables, measure_report, plain, write_csv
from traitlens.tables import Column, Table


def with_part(report: Report, name: str, part: FakePart) -> Report:
    return replace(report, evaluation=replace(report.evaluation, parts={name: part}))


def test_json_is_the_evaluation_and_what_stands_beside_it(report: Report) -> None:
    value = json.loads(json.dumps(report.to_json()))
    assert value["rows"] == json.loads(json.dumps(report.evaluation.to_json()["rows"]))
    assert len(value["free_text"]["ranked"]) == 2
    assert value["confusion"]["model"] == "colours"


def test_what_was_not_measured_is_not_in_the_json(found: list[Embedded]) -> None:
    made = measure_report(found, errors=False)
    assert {"free_text", "confusion"}.isdisjoint(made.to_json())
    assert {"free-text", "free-text-queries"}.isdisjoint(csv_tables(made))


def test_a_csv_file_for_each_table_holds_raw_shares(report: Report, tmp_path: Path) -> None:
    written = write_csv(report, tmp_path)
    assert {path.stem for path in written} == {
        "retrieval",
        "collections",
        "free-text",
        "free-text-queries",
        "confusion-errors-inside-the-collections",
        "confusion-which-traits-the-wrong-hits-differ-in",
        "confusion-what-was-found-instead",
    }
    with (tmp_path / "retrieval.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(report.evaluation.rows)
    assert float(rows[0]["top 1"]) == report.evaluation.rows[0].recall[1]
    with (tmp_path / "free-text-queries.csv").open() as file:
        assert [row["token"] for row in csv.DictReader(file)] == ["9", "19"]


def test_titles_become_names_of_files_that_lead_nowhere_else(
    report: Report, tmp_path: Path
) -> None:
    part = FakePart("../../etc/PASSWD\n of 50")
    written = write_csv(with_part(report, "../pools", part), tmp_path / "csv")
    names = [path.name for path in written]
    assert names[-2:] == ["pools-etc-passwd-of.csv", "pools-etc-passwd-of-2.csv"]
    assert {path.parent for path in tmp_path.rglob("*.csv")} == {tmp_path / "csv"}


def test_the_tables_of_parts_follow_those_of_retrieval(report: Report) -> None:
    made = with_part(report, "pools", FakePart("drop")).tables()
    assert [table.title for table in made[-2:]] == ["drop", "drop"]
    assert made[0].title.startswith("Text to image")


def test_plain_tables_have_no_control_characters_and_say_what_they_lack() -> None:
    table = Table(title=EVIL, columns=(Column(EVIL),), rows=((EVIL,), (EVIL,), (None,)), note="So.")
    made = plain(table, rows=1)
    for text in (made.title, made.columns[0].name, made.rows[0][0]):
        assert text == "../../x [31m [red]<b>"
    assert (len(made.rows), made.note) == (1, "So. And 2 rows more: --csv has all.")
    assert plain(table).rows[2] == (None,)
