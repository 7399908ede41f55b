"""`traitlens reproduce` prints the paper's numbers beside ours and says what it needs."""

import csv
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.helpers import drawn_dataset
from traitlens.cli.reproduce import reproduce
from traitlens.errors import ConfigError, DatasetError
from traitlens.store import Dataset

app = typer.Typer()
app.command()(reproduce)


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return drawn_dataset(tmp_path_factory.mktemp("cli") / "data", {"robots [x]": 30, "owls": 20})


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_list_names_every_table_and_what_it_needs() -> None:
    done = run("list")
    assert done.exit_code == 0
    for said in ("table3", "fig11 (alpha)", "oddities", "zero-shot only", "90 h"):
        assert said in done.stdout


def test_the_oddities_need_no_data() -> None:
    done = run("oddities")
    assert done.exit_code == 0
    assert "Savage Droids" in done.stdout


def test_a_table_is_printed_and_written(data: Dataset, tmp_path: Path) -> None:
    files = ("--json", tmp_path / "a.json", "--csv", tmp_path / "a.csv")
    options = ("--steps", 1, "--batch-size", 8, "--model", "tiny", "--max-gallery", 2)
    done = run("table1", data.path, "-o", tmp_path / "out", *options, *files)
    assert done.exit_code == 0
    assert "10.63 / 20.32 / 25.19" in done.stdout
    assert "compare different data" in done.stdout
    assert "What differs in the setting" in done.stdout
    assert str(tmp_path / "out" / "table1") in done.stdout
    value = json.loads((tmp_path / "a.json").read_text())
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert [row["measure"] for row in rows] == ["top-1", "top-5", "top-10"] * 2
    (ours,) = value["compared"][1]["ours"]
    assert float(rows[3]["ours"]) == ours["top-1"]


def test_names_of_strangers_are_no_markup(data: Dataset, tmp_path: Path) -> None:
    done = run("fig11", data.path, "-o", tmp_path / "out", "--model", "shipped")
    assert isinstance(done.exception, ConfigError)  # two collections are too few for alpha
    done = run("table6", data.path, "-o", tmp_path / "out", "--model", "shipped")
    assert done.exit_code == 0
    assert "robots [x]" in done.stdout


def test_a_table_without_data_or_folder_is_refused_with_an_example(data: Dataset) -> None:
    for arguments in (("table3",), ("table3", data.path)):
        done = run(*arguments)
        assert isinstance(done.exception, ConfigError)
        assert "traitlens reproduce table3 data/ -o repro/" in str(done.exception)


def test_a_wrong_name_is_refused_before_the_data_are_looked_at(tmp_path: Path) -> None:
    done = run("table2", tmp_path / "absent", "-o", tmp_path / "out")
    assert "got 'table2'" in str(done.exception)


def test_a_folder_that_is_no_data_set_is_refused(tmp_path: Path) -> None:
    done = run("split", tmp_path, "-o", tmp_path / "out")
    assert isinstance(done.exception, DatasetError)
