"""`traitlens subset` makes a smaller data set and says what is in it."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tests.helpers import drawn_dataset
from traitlens.cli.subset import subset
from traitlens.errors import DatasetError
from traitlens.store import Dataset

app = typer.Typer()
app.command()(subset)


def test_the_table_counts_what_was_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    data = drawn_dataset(tmp_path / "data", {"robots [x]": 30, "owls": 4})
    arguments = [str(data.path), "-o", str(tmp_path / "mini"), "--per-collection", "5"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0
    assert "9 of 34 tokens" in done.stdout
    assert "robots [x]" in done.stdout
    assert Dataset.open(tmp_path / "mini").count() == 9


def test_a_folder_that_is_no_data_set_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [str(tmp_path), "-o", str(tmp_path / "mini")])
    assert isinstance(done.exception, DatasetError)
