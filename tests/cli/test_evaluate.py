"""`traitlens evaluate` and `traitlens embed`, as a user types them."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from tests.helpers import ColourEncoder, drawn_dataset
from traitlens.cli.embed import embed
from traitlens.cli.evaluate import evaluate
from traitlens.errors import ConfigError, ModelError, QueryError
from traitlens.evaluation import PARTS
from traitlens.models.encoder import Encoder
from traitlens.store import Dataset

Run = Callable[..., str]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in a wide terminal; return what it prints on stdout."""
    monkeypatch.setenv("COLUMNS", "160")
    app = typer.Typer(pretty_exceptions_enable=False)
    for command in (evaluate, embed):
        app.command()(command)

    def call(*arguments: object) -> str:
        done = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    return call


class Named(ColourEncoder):
    def __init__(self, name: str) -> None:
        super().__init__(version=name)
        self.name = name


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Load encoders that read colours, whatever their name; return the names that were loaded."""
    names: list[str] = []

    def load(name: str) -> Encoder:
        names.append(name)
        if name == "elsewhere":
            raise ModelError("elsewhere is no model")
        return Named(name)

    monkeypatch.setattr("traitlens.models.load_encoder", load)
    return names


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return drawn_dataset(tmp_path_factory.mktemp("data") / "data", {"robots": 120, "owls": 60})


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    file = tmp_path / "queries.jsonl"
    file.write_text('{"collection": "robots", "token_id": "9", "query": "a shiny red hat"}\n')
    return file


def test_findings_come_first_then_tables_then_the_headline(
    run: Run, data: Dataset, loaded: Sequence[str]
) -> None:
    out = run("evaluate", "colours", data.path)
    assert out.startswith("note: No confidence intervals: 2 independent collections")
    for word in ("chance", "structured search (metadata)", "raw pixels", "rsum", "ceiling"):
        assert word in out
    assert "Macro top-1 is" in out.splitlines()[-1]


def test_other_models_stand_beside(run: Run, data: Dataset, loaded: list[str]) -> None:
    out = run(
        "evaluate", "a", data.path, "--against", "b", "--against", "c", "--no-baselines",
        "--max-gallery", 10,
    )  # fmt: skip
    assert loaded == ["a", "b", "c"]
    assert "b top-1" in out
    assert "raw pixels" not in out
    assert "x beyond max_gallery" in out


def test_json_csv_and_the_page_hold_free_text_confusion_and_parts(
    run: Run, data: Dataset, loaded: Sequence[str], queries: Path, tmp_path: Path
) -> None:
    files = {name: tmp_path / name for name in ("a.json", "a.html", "csv")}
    out = run(
        "evaluate", "colours", data.path, "--queries", queries, "--overlap", "--no-baselines",
        "--json", files["a.json"], "--html", files["a.html"], "--csv", files["csv"],
    )  # fmt: skip
    value = json.loads(files["a.json"].read_text())
    assert set(value["parts"]) == {"overlap", "difficulty"}, "a page shows how hard it was"
    assert {"free_text", "confusion", "rows", "findings"} <= set(value)
    page = files["a.html"].read_text()
    for heading in ("Free-text queries", "Graded by shared traits", "How hard the collections"):
        assert heading in page
    with (files["csv"] / "free-text-queries.csv").open() as file:
        assert [row["query"] for row in csv.DictReader(file)] == ["a shiny red hat"]
    assert f"page: {files['a.html']}" in out


def test_every_part_has_an_option(run: Run) -> None:
    text = run("evaluate", "--help")
    for name in PARTS:
        assert f"--{name.replace(' ', '-')}" in text


def test_vectors_made_before_score_as_the_model_does(
    run: Run, data: Dataset, loaded: list[str], tmp_path: Path
) -> None:
    out = run("embed", "colours", data.path, "-o", tmp_path / "emb", "--dtype", "float32")
    assert "18 tokens, 19 dimensions, float32" in out
    assert f"next: traitlens evaluate {tmp_path / 'emb'} {data.path}" in out
    run("evaluate", "colours", data.path, "--json", tmp_path / "a.json")
    loaded.clear()
    run("evaluate", tmp_path / "emb", data.path, "--json", tmp_path / "b.json")
    assert loaded == []
    first, second = (json.loads((tmp_path / name).read_text()) for name in ("a.json", "b.json"))
    assert first["rows"] == second["rows"]


def test_vectors_call_their_model_when_there_are_new_texts(
    run: Run, data: Dataset, loaded: list[str], queries: Path, tmp_path: Path
) -> None:
    run("embed", "colours", data.path, "-o", tmp_path / "emb")
    loaded.clear()
    out = run("evaluate", tmp_path / "emb", data.path, "--queries", queries, "--no-baselines")
    assert loaded == ["colours"]
    assert "Free text to image" in out


@pytest.fixture
def elsewhere(run: Run, data: Dataset, tmp_path: Path) -> Path:
    """Return a folder of vectors that no model here has made."""
    for name in ("images", "texts"):
        vectors = np.random.default_rng(len(name)).normal(size=(18, 4))
        np.save(tmp_path / f"{name}.npy", vectors.astype(np.float32))
    run(
        "embed", "elsewhere", data.path, "-o", tmp_path / "emb",
        "--images", tmp_path / "images.npy", "--texts", tmp_path / "texts.npy",
    )  # fmt: skip
    return tmp_path / "emb"


def test_vectors_made_elsewhere_are_scored(
    run: Run, data: Dataset, loaded: list[str], elsewhere: Path
) -> None:
    assert "elsewhere" in run("evaluate", elsewhere, data.path, "--no-baselines")
    assert loaded == []


def test_what_needs_their_model_is_said_before_any_work(
    run: Run, data: Dataset, loaded: list[str], elsewhere: Path, queries: Path
) -> None:
    with pytest.raises(ModelError, match="holds vectors alone, and swaps, --queries needs their"):
        run("evaluate", elsewhere, data.path, "--swaps", "--queries", queries)


def test_wrong_options_are_one_sentence(
    run: Run, data: Dataset, loaded: list[str], elsewhere: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"--split must be one of train, .* all; got 'dev'"):
        run("evaluate", "colours", data.path, "--split", "dev")
    with pytest.raises(ConfigError, match="--clusters must be one of family, collection"):
        run("evaluate", "colours", data.path, "--clusters", "token")
    with pytest.raises(QueryError, match="cannot read the query file"):
        run("evaluate", "colours", data.path, "--queries", tmp_path / "none.jsonl")
    with pytest.raises(ConfigError, match="--split and --max-gallery are options of `traitlens em"):
        run("evaluate", elsewhere, data.path, "--split", "train")
    with pytest.raises(ConfigError, match="each model may be named once"):
        run("evaluate", "colours", data.path, "--against", "colours")


def test_wrong_options_of_embed_are_one_sentence(
    run: Run, data: Dataset, loaded: list[str], tmp_path: Path
) -> None:
    command = ("embed", "colours", data.path, "-o", tmp_path / "emb")
    with pytest.raises(ConfigError, match="--images and --texts belong together"):
        run(*command, "--images", tmp_path / "images.npy")
    both = ("--images", tmp_path / "images.npy", "--texts", tmp_path / "texts.npy")
    with pytest.raises(ConfigError, match="leave out --max-gallery, --seed"):
        run(*command, *both, "--seed", 0)
    with pytest.raises(ConfigError, match="dtype must be one of float16, float32; got 'int8'"):
        run(*command, "--dtype", "int8")
    assert not (tmp_path / "emb").exists()


def test_hostile_names_reach_the_terminal_as_words(
    run: Run, data: Dataset, loaded: list[str]
) -> None:
    out = run("evaluate", "\x1b[31m[red]x", data.path, "--no-baselines")
    assert "\x1b" not in out
    assert "[red]x" in out
