"""`traitlens components`: what is written where, and what it says to wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.helpers import write_dataset
from tests.separation.layers import layered_tokens
from traitlens.cli.components import components
from traitlens.errors import ConfigError, DatasetError
from traitlens.separation.label_maps import read_labels
from traitlens.store import Dataset

app = typer.Typer()
app.command()(components)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    monkeypatch.setenv("COLUMNS", "160")
    return write_dataset(tmp_path / "data", {"layers": layered_tokens()})


def run(data: Dataset, *arguments: object) -> Result:
    return CliRunner().invoke(app, [str(data.path), *map(str, arguments)])


def config_of(data: Dataset) -> dict[str, object]:
    found = json.loads((data.path / "components" / "layers.json").read_text())["config"]
    assert isinstance(found, dict)
    return found


def test_label_maps_are_written_and_counted(data: Dataset) -> None:
    done = run(data, "--label-maps")
    assert done.exit_code == 0
    assert "27 of 27 tokens" in done.stdout
    assert read_labels(data.path / "components" / "layers-labels.zip")["written"] == 27


def test_one_split_is_looked_at_alone(data: Dataset) -> None:
    done = run(data, "--split", "train", "--label-maps")
    assert done.exit_code == 0 and "27 of 27 tokens" in done.stdout
    done = run(data, "--split", "test", "--label-maps")
    assert done.exit_code == 0 and "0 of 0 tokens" in done.stdout


def test_another_folder_takes_all_that_is_made(data: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "found"
    assert run(data, "-o", out, "--sheet", "--label-maps").exit_code == 0
    names = {path.name for path in out.iterdir()}
    assert names == {"layers.npz", "layers.json", "layers.png", "layers-labels.zip"}
    assert not (data.path / "components").exists()


def test_options_reach_the_config_and_set_has_the_last_word(data: Dataset) -> None:
    done = run(data, "--method", "paper", "--min-tokens", 2, "--seed", 3, "--set", "min_tokens=4")
    assert done.exit_code == 0
    config = config_of(data)
    assert (config["method"], config["min_tokens"], config["seed"]) == ("paper", 4, 3)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (["--collection", "layer"], DatasetError, "did you mean 'layers'"),
        (["--method", "papers"], ConfigError, "must be one of"),
        (["--split", "training"], ConfigError, "--split must be one of train"),
        (["--set", "papr.pictures=3"], ConfigError, "did you mean paper"),
        (["--min-tokens", "0"], ConfigError, "min_tokens must be at least 1"),
    ],
)
def test_wrong_options_are_refused_before_any_work(
    data: Dataset, arguments: list[str], error: type[Exception], said: str
) -> None:
    done = run(data, *arguments)
    assert isinstance(done.exception, error)
    assert said in str(done.exception)
    assert not (data.path / "components").exists()
