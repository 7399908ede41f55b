"""`traitlens describe`, as a user types it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tests.description.datasets import evil_dataset
from tests.helpers import drawn_dataset
from traitlens.cli.describe import describe
from traitlens.description import write
from traitlens.errors import ConfigError, DatasetError

Run = Callable[..., str]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in a terminal of 80 columns; return what it prints on stdout."""
    monkeypatch.setenv("COLUMNS", "80")
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(describe)

    def call(*arguments: object) -> str:
        done = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout

    return call


def test_it_prints_tables_that_fit_80_columns(run: Run, tmp_path: Path) -> None:
    names = {"robots": 12, "a-collection-with-a-very-long-name-that-no-table-holds": 8}
    out = run(drawn_dataset(tmp_path, names).path)
    assert max(map(len, out.splitlines())) <= 80
    for said in ("tokens kept", "robots", "distinct phrases", "themes", "broken picture", "100%"):
        assert said in out


def test_json_is_what_is_stored(run: Run, tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path, {"robots": 5})
    write(data)
    assert json.loads(run(tmp_path, "--json")) == json.loads(
        (tmp_path / "statistics.json").read_text()
    )


def test_it_changes_nothing_unless_told_to(run: Run, tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path, {"robots": 5})
    run(data.path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["dataset.json", "tokens"]


def test_html_writes_a_page(run: Run, tmp_path: Path) -> None:
    drawn_dataset(tmp_path / "data", {"robots": 5})
    out = run(tmp_path / "data", "--html", tmp_path / "page.html")
    assert "page:" in out
    assert "data:image/png" in (tmp_path / "page.html").read_text()


def test_write_adds_what_the_publisher_says(run: Run, tmp_path: Path) -> None:
    drawn_dataset(tmp_path, {"robots": 5})
    said = ("--title", "Robots", "--url", "https://example.org/r", "--published", "2026-11-21")
    run(tmp_path, "--write", "--licence", "MIT", *said)
    made = json.loads((tmp_path / "croissant.json").read_text())
    assert (made["name"], made["url"]) == ("Robots", "https://example.org/r")
    assert made["datePublished"] == "2026-11-21"
    assert "license: mit" in (tmp_path / "README.md").read_text()


def test_what_the_publisher_says_without_write_is_refused(run: Run, tmp_path: Path) -> None:
    drawn_dataset(tmp_path, {"robots": 5})
    with pytest.raises(ConfigError, match="need --write"):
        run(tmp_path, "--title", "Robots")


def test_a_path_that_is_no_data_set_is_one_sentence(run: Run, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is no data set"):
        run(tmp_path / "nowhere")


def test_hostile_texts_reach_the_terminal_as_words(run: Run, tmp_path: Path) -> None:
    out = run(evil_dataset(tmp_path).path)
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "[x]" in out, "no markup of the terminal library"


def test_many_collections_are_cut_short_and_that_is_said(run: Run, tmp_path: Path) -> None:
    drawn_dataset(tmp_path, {f"c{number}": 1 for number in range(53)}, rejected=0)
    assert "and 3 collections more: --json has all" in run(tmp_path)
