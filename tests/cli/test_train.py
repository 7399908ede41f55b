"""`traitlens train`: where a field comes from, and what is said about a run."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.helpers import drawn_dataset
from tests.training.small_clip import small_clip
from traitlens import files
from traitlens.cli.train import train
from traitlens.errors import ConfigError
from traitlens.store import Dataset

app = typer.Typer()
app.command()(train)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return drawn_dataset(tmp_path_factory.mktemp("train") / "data", {"robots": 200, "owls": 160})


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_clip(tmp_path_factory.mktemp("clip"))


def run(*arguments: object) -> Result:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_a_flag_beats_the_file_and_an_assignment_beats_both(
    data: Dataset, clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "recipe.toml").write_text(
        f'model = "{clip}"\nsteps = 9\nbatch_size = 8\nlearning_rate = 1e-4\n'
        '[objective]\ntargets = "overlap"\n[validation]\nevery = 0\n'
    )
    flags = ["--config", tmp_path / "recipe.toml", "--steps", "3", "--captions.partial", "0.2"]
    fields = ["--set", "learning_rate=2e-4", "--set", "captions.unnamed=1", "--set", "chunk=none"]
    done = run(data.path, "-o", tmp_path / "run", *flags, *fields)
    config = files.read_json(tmp_path / "run/training.json")["config"]
    assert (config["steps"], config["batch_size"], config["learning_rate"]) == (3, 8, 2e-4)
    assert config["objective"]["targets"] == "overlap"
    assert (config["captions"]["partial"], config["captions"]["unnamed"]) == (0.2, 1.0)
    assert config["chunk"] is None
    assert "3 steps over 288 tokens" in done.stdout
    assert "validation" not in done.stdout, "nobody asked for it"


def test_validation_and_tags_without_a_mask_are_told(
    data: Dataset, clip: Path, tmp_path: Path
) -> None:
    flags = ["--model", clip, "--steps", "2", "--batch-size", "8", "--masking.p", "0.5"]
    done = run(data.path, "-o", tmp_path / "run", *flags)
    assert "on 36 tokens, after step 2" in done.stdout
    assert "tags have no mask and were kept" in done.stdout


def test_too_few_tokens_to_validate_on_are_told(clip: Path, tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 20})
    done = run(data.path, "-o", tmp_path / "run", "--model", clip, "--steps", "1")
    assert "validation: too few tokens" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "objective.target=overlap"], r"'objective.target' \(did you mean targets\?\)"),
        (["--set", "steps=many"], "steps must be of type int; got 'many'"),
        (["--set", "steps"], "expected field=value"),
        (["--set", "adapt.vision=half"], "adapt.vision must be one of full, lora, frozen"),
        (["--precision", "fp8"], "precision must be one of auto, bf16, fp16, fp32; got 'fp8'"),
        (["--learning-rate", "0"], "learning_rate must be above 0; got 0.0"),
        (["--config", "absent.toml"], "absent.toml cannot be read as TOML"),
    ],
)
def test_a_wrong_field_is_one_sentence_and_nothing_is_written(
    data: Dataset, tmp_path: Path, arguments: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        run(data.path, "-o", tmp_path / "run", *arguments)
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / ".run.unfinished").exists()


def test_one_of_several_processes_prints(
    data: Dataset, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = ["--model", clip, "--steps", "1", "--batch-size", "8"]
    assert run(data.path, "-o", tmp_path / "run", *flags).stdout
    monkeypatch.setenv("RANK", "1")
    again = run(data.path, "-o", tmp_path / "run", *flags)
    assert again.stdout == again.stderr == ""
