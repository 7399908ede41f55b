"""`traitlens compare` prints tables and a conclusion, and writes them as JSON."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from traitlens.cli.compare import compare
from traitlens.errors import EvaluationError

app = typer.Typer()
app.command()(compare)


def row(model: str, gallery: str, score: float) -> dict[str, object]:
    return {
        "model": model,
        "direction": "text_to_image",
        "scope": "collection",
        "gallery": gallery,
        "n": 50,
        "queries": 50,
        "recall": {"1": score, "5": score, "10": score},
        "mrr": score,
    }


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an evaluation of a model and a baseline on 24 collections of 12 families."""
    monkeypatch.setenv("COLUMNS", "200")
    names = [f"owls [{number}]" for number in range(24)]
    scores = [0.5 + number / 100 for number in range(24)]
    value = {
        "model": "mine",
        "model_fingerprint": "f1",
        "dataset": "data",
        "dataset_fingerprint": "d1",
        "split_rule": None,
        "split": None,
        "max_gallery": None,
        "seed": 0,
        "families": {name: f"family {number % 12}" for number, name in enumerate(names)},
        "rows": [row("mine", name, score) for name, score in zip(names, scores, strict=True)]
        + [row("raw pixels", name, score / 2) for name, score in zip(names, scores, strict=True)],
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value))
    return path


def test_a_model_stands_beside_a_baseline_of_its_own_file(file: Path) -> None:
    command = [str(file), str(file), "--model-b", "raw pixels", "--by", "collection"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0
    assert "B (raw pixels) is worse than A (mine) by 30.8 points" in done.stdout
    assert "24 collections are of 12 families" in done.stdout
    assert "all tokens of data" in done.stdout
    assert "owls [23]" in done.stdout, "names of collections are no markup"


def test_families_are_the_default_and_12_are_too_few(file: Path) -> None:
    done = CliRunner().invoke(app, [str(file), str(file), "--model-b", "raw pixels"])
    assert "12 families, fewer than the 20" in done.stdout


def test_the_conclusion_is_written_as_json(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = CliRunner().invoke(app, [str(file), str(file), "--json", str(out)])
    assert done.exit_code == 0
    written = json.loads(out.read_text())
    assert written["same"] is True
    assert written["conclusion"] in done.stdout


def test_a_broken_file_raises_what_the_command_line_prints_as_one_sentence(
    file: Path, tmp_path: Path
) -> None:
    (tmp_path / "b.json").write_text("{")
    done = CliRunner().invoke(app, [str(file), str(tmp_path / "b.json")])
    assert isinstance(done.exception, EvaluationError)
