"""`traitlens leaks` prints what is on two sides, as a table, as JSON and as a sheet."""

import dataclasses
import json
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from tests.helpers import drawn_token, write_dataset
from traitlens.cli.leaks import leaks
from traitlens.records import Token

app = typer.Typer()
app.command()(leaks)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a data set in which a test token of `owls [x]` has the pixels of a train token."""
    monkeypatch.setenv("COLUMNS", "160")
    robots = [dataclasses.replace(drawn_token("robots", n), split="train") for n in range(6)]
    twin: Token = dataclasses.replace(
        drawn_token("owls [x]", 0),
        image=robots[2].image,
        pixels_sha256=robots[2].pixels_sha256,
        split="test",
    )
    return write_dataset(tmp_path / "data", {"robots": robots, "owls [x]": [twin]}).path


def test_the_table_names_both_tokens_of_a_pair(folder: Path) -> None:
    done = CliRunner().invoke(app, [str(folder)])
    assert done.exit_code == 0, "a leak is a finding, no failure"
    assert "1 have equal pixels" in done.stdout
    assert "owls [x] 0 (test)" in done.stdout
    assert "robots 2 (train)" in done.stdout


def test_json_is_the_report_and_nothing_else(folder: Path) -> None:
    done = CliRunner().invoke(app, [str(folder), "--json"])
    found = json.loads(done.stdout)
    assert found["equal_pixels"]["total"] == 1
    assert found["held_out"] == 1
    assert not (folder / "leaks.json").exists(), "looking changes nothing"


def test_a_sheet_shows_pairs_side_by_side(folder: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [str(folder), "--sheet", str(tmp_path / "leaks.png")])
    assert done.exit_code == 0
    with Image.open(tmp_path / "leaks.png") as sheet:
        assert sheet.width > 2 * 120
    assert "sheet:" in done.stdout


def test_a_sheet_of_no_leaks_is_no_error(tmp_path: Path) -> None:
    tokens = [drawn_token("robots", number) for number in range(2)]
    data = write_dataset(tmp_path / "data", {"robots": tokens})
    done = CliRunner().invoke(app, [str(data.path), "--sheet", str(tmp_path / "none.png")])
    assert done.exit_code == 0
    assert (tmp_path / "none.png").is_file()
