"""`traitlens export-model` writes a model in another layout and says how close it is."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tests.helpers import drawn_dataset
from traitlens.cli.export_model import export_model
from traitlens.errors import ModelError
from traitlens.models.tiny import make_tiny

app = typer.Typer()
app.command()(export_model)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "nano"
    make_tiny("nano", folder, captions=["robots with red hat"], seed=0)
    return folder


def test_onnx_is_the_default_and_what_int8_loses_is_said(model: Path, tmp_path: Path) -> None:
    data, out = drawn_dataset(tmp_path / "data", {"robots": 40}), tmp_path / "out"
    done = CliRunner().invoke(app, [str(model), "-o", str(out), "--data", str(data.path)])
    assert done.exit_code == 0, done.output
    first, second, last = done.stdout.splitlines()
    assert first.startswith(f"{out}: {model} as onnx, least cosine with the original 1.000000")
    assert first.endswith("(4 tokens of 1 collection)")
    assert second.startswith("int8: least cosine 0.")
    assert second.endswith("points lost")
    assert last == f"next: traitlens index DATA -o INDEX --model {out}"
    assert (out / "onnx/vision_model.onnx").is_file()


@pytest.mark.parametrize(
    ("to", "opening"),
    [
        ("open_clip", "open_clip.create_model_and_transforms"),
        ("sentence-transformers", "sentence_transformers.SentenceTransformer"),
    ],
)
def test_a_layout_is_said_with_how_to_open_it(
    model: Path, tmp_path: Path, to: str, opening: str
) -> None:
    out = tmp_path / "out"
    options = ["-o", str(out), "--to", to, "--sample", "4"]
    done = CliRunner().invoke(app, [str(model), *options])
    assert done.exit_code == 0, done.output
    assert "4 drawn pictures, for want of a data set" in done.stdout
    assert done.stdout.splitlines()[-1].startswith(f"open with: {opening}(")
    assert "int8" not in done.stdout
    again = CliRunner().invoke(app, [str(model), *options])
    assert isinstance(again.exception, ModelError)
