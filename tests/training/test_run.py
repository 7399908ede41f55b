"""A run ends in a model that everything opens, and a stopped run ends in the same one."""

import dataclasses
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import AutoModel, AutoProcessor

from tests.helpers import drawn_dataset
from tests.training.small_clip import DIMENSION, small_clip
from traitlens import files
from traitlens.errors import DatasetError, ModelError
from traitlens.models import load_encoder
from traitlens.standardization import decode
from traitlens.store import Dataset
from traitlens.training import (
    AdaptConfig,
    MaskingConfig,
    SwapConfig,
    TrainConfig,
    ValidationConfig,
    train,
)
from traitlens.training.curves import read_curve
from traitlens.training.validation import MIN_TOKENS, Validator

NANO = TrainConfig(model="nano", steps=6, batch_size=8, masking=MaskingConfig(p=0.5))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return drawn_dataset(tmp_path_factory.mktemp("run") / "data", {"robots": 60, "owls": 40})


@pytest.fixture(scope="module")
def more(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Return a data set with tokens enough to validate on."""
    return drawn_dataset(tmp_path_factory.mktemp("more") / "data", {"robots": 200, "owls": 160})


@pytest.fixture(scope="module")
def run(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "a"
    train(data, out, config=NANO)
    return out


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """Return the config of a run that is over at once."""
    clip = small_clip(tmp_path_factory.mktemp("clip"))
    return TrainConfig(model=str(clip), steps=4, batch_size=8)


@pytest.fixture
def without_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the export, most of the time of a short run."""
    monkeypatch.setattr("traitlens.training.result.export_onnx", lambda folder: None)


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "model.safetensors")


def same(one: Path, other: Path) -> bool:
    a, b = weights(one), weights(other)
    return all(torch.equal(a[name], b[name]) for name in a | b)


def test_transformers_opens_the_run_and_sees_what_we_see(data: Dataset, run: Path) -> None:
    token = next(iter(data.tokens()))
    picture = decode(token.image or b"")
    assert isinstance(picture, Image.Image)
    model = AutoModel.from_pretrained(run, dtype=torch.float32)
    processor = AutoProcessor.from_pretrained(run)  # type: ignore[no-untyped-call]
    inputs = processor(text=[token.caption], images=[picture], return_tensors="pt", padding=True)
    with torch.inference_mode():
        output = model(**inputs)
    encoder = load_encoder(run, backend="torch")
    np.testing.assert_allclose(
        encoder.encode_images([picture])[0], output.image_embeds[0], atol=1e-5
    )
    np.testing.assert_allclose(
        encoder.encode_texts([token.caption])[0], output.text_embeds[0], atol=1e-5
    )


def test_onnx_in_int8_agrees_with_torch(data: Dataset, run: Path) -> None:
    tokens = list(data.tokens())[:8]
    pictures = [decode(token.image or b"") for token in tokens]
    images = [picture for picture in pictures if isinstance(picture, Image.Image)]
    one, other = load_encoder(run, backend="torch"), load_encoder(run)
    assert one.fingerprint != other.fingerprint
    for a, b in (
        (one.encode_images(images), other.encode_images(images)),
        (one.encode_texts(["red hat", "x"]), other.encode_texts(["red hat", "x"])),
    ):
        assert (a * b).sum(axis=1).min() > 0.98


KILLED = """
import os, signal, sys
from pathlib import Path
from traitlens.config import from_dict
from traitlens import files
from traitlens.training import TrainConfig, train

data, out, config, step = sys.argv[1:]

def kill(stage, done, total, note="", /):
    if stage == "train" and done == int(step):
        os.kill(os.getpid(), signal.SIGKILL)

config = from_dict(TrainConfig, files.read_json(Path(config)))
train(data, out, config=config, save_every=3, progress=kill)
"""


@pytest.mark.slow
@pytest.mark.usefixtures("without_onnx")
def test_a_killed_run_goes_on_and_ends_with_the_same_bits(
    more: Dataset, small: TrainConfig, tmp_path: Path
) -> None:
    config = dataclasses.replace(
        small,
        steps=20,
        masking=MaskingConfig(p=0.5),
        swaps=SwapConfig(share=0.3),
        validation=ValidationConfig(every=5),
    )
    files.write_json(tmp_path / "config.json", dataclasses.asdict(config))
    # The last state is of step 9, and the validation after step 10 may have kept better weights.
    arguments = [str(more.path), str(tmp_path / "b"), str(tmp_path / "config.json"), "11"]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False, timeout=300)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / ".b.unfinished/state.safetensors").is_file()
    assert not (tmp_path / "b").exists()
    resumed = train(more, tmp_path / "b", config=config, save_every=3)
    straight = train(more, tmp_path / "a", config=config)
    assert same(tmp_path / "a", tmp_path / "b")
    assert resumed == straight
    assert read_curve(tmp_path / "a") == read_curve(tmp_path / "b")
    assert not (tmp_path / ".b.unfinished").exists()


def test_a_finished_run_is_left_alone_and_another_is_not_overwritten(
    data: Dataset, run: Path
) -> None:
    before = (run / "model.safetensors").stat().st_mtime_ns
    assert train(data, run, config=NANO).steps == 6
    with pytest.raises(ModelError, match="is another run"):
        train(data, run, config=dataclasses.replace(NANO, steps=7))
    assert (run / "model.safetensors").stat().st_mtime_ns == before


@pytest.mark.parametrize("replace", [False, True])
def test_a_folder_that_is_no_run_is_never_replaced(
    data: Dataset, tmp_path: Path, replace: bool
) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(ModelError, match="exists and is no run"):
        train(data, tmp_path, config=NANO, replace=replace)
    assert (tmp_path / "letter.txt").read_text() == "mine"


def test_the_run_tells_how_it_was_made_and_counts_tags_without_a_mask(run: Path) -> None:
    summary = files.read_json(run / "training.json")
    assert summary["config"]["masking"]["p"] == 0.5
    assert summary["config"]["objective"]["positives"] == "even"
    assert summary["data"]["collections"] == {"robots": 48, "owls": 32}
    assert {"traitlens", "torch", "transformers", "peft"} < set(summary["versions"])
    assert (summary["device"], summary["processes"]) != ("", 0)
    report = summary["report"]
    assert report["tokens"] == 80
    assert 0 < report["tags_without_mask"] < report["tags"], "pins do not show in the pixels"
    assert report["components"] > report["components_untrusted"] == 0, "no twins, no distrust"
    assert [point.step for point in read_curve(run)] == [6]
    with Image.open(run / "curve.png") as picture:
        assert picture.format == "PNG"


def test_too_few_validation_tokens_are_said_and_the_last_weights_kept(
    data: Dataset, run: Path
) -> None:
    assert data.count(split="validation") < MIN_TOKENS
    report = files.read_json(run / "training.json")["report"]
    assert (report["validated"], report["validation"], report["best_step"]) == (0, None, 6)


@pytest.mark.usefixtures("without_onnx")
@pytest.mark.parametrize(("keep", "step", "score"), [("best", 2, 0.9), ("last", 4, 0.3)])
def test_a_run_ends_with_its_best_weights_or_the_last_ones(
    more: Dataset,
    small: TrainConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    keep: str,
    step: int,
    score: float,
) -> None:
    scores = iter([0.1, 0.9, 0.2, 0.3])
    monkeypatch.setattr(Validator, "score", lambda self, towers, progress: next(scores))
    validation = ValidationConfig(every=1, keep=keep)
    report = train(more, tmp_path / "a", config=dataclasses.replace(small, validation=validation))
    assert [point.validation for point in read_curve(tmp_path / "a")] == [0.1, 0.9, 0.2, 0.3]
    assert (report.steps, report.best_step, report.validation) == (4, step, score)
    never = dataclasses.replace(small, validation=ValidationConfig(every=0))
    train(more, tmp_path / "b", config=never)
    assert same(tmp_path / "a", tmp_path / "b") is (keep == "last")


@pytest.mark.usefixtures("without_onnx")
def test_a_small_model_learns_to_find_what_it_was_trained_on(data: Dataset, tmp_path: Path) -> None:
    config = TrainConfig(model="nano", steps=40, batch_size=32, learning_rate=1e-3)
    train(data, tmp_path / "d", config=config)
    curve = read_curve(tmp_path / "d")
    assert curve[-1].loss < 0.8 * curve[0].loss


def test_any_local_clip_goes_the_same_way(
    data: Dataset, small: TrainConfig, tmp_path: Path
) -> None:
    train(data, tmp_path / "e", config=small)
    assert load_encoder(tmp_path / "e").encode_texts(["red hat"]).shape == (1, DIMENSION)


@pytest.mark.usefixtures("without_onnx")
def test_low_rank_updates_end_in_a_stock_model_and_a_frozen_tower_as_it_was(
    data: Dataset, small: TrainConfig, tmp_path: Path
) -> None:
    config = dataclasses.replace(small, adapt=AdaptConfig(vision="lora", text="frozen", rank=2))
    report = train(data, tmp_path / "f", config=config)
    assert 0 < report.trainable < report.parameters
    before, after = weights(Path(small.model)), weights(tmp_path / "f")
    assert before.keys() == after.keys(), "no layer of peft's is left"
    changed = {name for name in before if not torch.equal(before[name].half(), after[name])}
    assert any("vision_model" in name and "q_proj" in name for name in changed)
    assert not any("text_model" in name for name in changed)


@pytest.mark.usefixtures("without_onnx")
def test_a_cache_serves_another_run_on_the_same_data(
    data: Dataset, small: TrainConfig, tmp_path: Path
) -> None:
    config = dataclasses.replace(small, masking=MaskingConfig(p=0.5))
    train(data, tmp_path / "a", config=config, cache=tmp_path / "cache")
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.*")}
    assert any(path.suffix == ".npz" for path in made)
    train(data, tmp_path / "b", config=config, cache=tmp_path / "cache")
    train(data, tmp_path / "c", config=config)
    assert made == {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.*")}
    assert same(tmp_path / "a", tmp_path / "b")
    assert same(tmp_path / "a", tmp_path / "c")


def test_what_is_no_model_is_refused_in_one_sentence(data: Dataset, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    for name, message in ((tmp_path / "x", "no config.json"), (data.path, "no config.json")):
        with pytest.raises(ModelError, match=message):
            train(data, tmp_path / "f", config=TrainConfig(model=str(name)))
    assert not (tmp_path / "f").exists()


def test_a_data_set_without_tokens_to_train_on_is_refused(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 1})
    with pytest.raises(DatasetError, match="at least 2 are needed"):
        train(data, tmp_path / "g", config=TrainConfig(steps=1))
