"""A run ends in a model that everything opens, and a stopped run ends in the same one."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import AutoModel, AutoProcessor, CLIPConfig, CLIPModel

from tests.helpers import drawn_dataset
from traitlens import files
from traitlens.errors import DatasetError, ModelError
from traitlens.models import load_encoder
from traitlens.models.tiny import make_tiny
from traitlens.standardization import decode
from traitlens.store import Dataset
from traitlens.training import MaskingConfig, TrainConfig, train

SHORT = TrainConfig(steps=6, batch_size=8, masking=MaskingConfig(p=0.5))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return drawn_dataset(tmp_path_factory.mktemp("loop") / "data", {"robots": 60, "owls": 40})


@pytest.fixture(scope="module")
def run(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "a"
    train(data, out, config=SHORT)
    return out


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


def test_a_stopped_run_goes_on_and_ends_with_the_same_weights(
    data: Dataset, run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "b"

    def stop(stage: str, done: int, total: int, note: str = "") -> None:
        if stage == "export":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data, out, config=SHORT, save_every=4, progress=stop)
    assert not out.exists()
    assert (tmp_path / ".b.unfinished/state.safetensors").is_file()
    train(data, out, config=SHORT, save_every=4)
    assert same(run, out)
    assert not (tmp_path / ".b.unfinished").exists()


def test_another_seed_gives_other_weights(data: Dataset, run: Path, tmp_path: Path) -> None:
    train(data, tmp_path / "c", config=TrainConfig(steps=6, batch_size=8, seed=1))
    assert not same(run, tmp_path / "c")


def test_a_finished_run_is_left_alone_and_another_is_not_overwritten(
    data: Dataset, run: Path
) -> None:
    before = (run / "model.safetensors").stat().st_mtime_ns
    assert train(data, run, config=SHORT).steps == 6
    with pytest.raises(ModelError, match="is another run"):
        train(data, run, config=TrainConfig(steps=7, batch_size=8))
    assert (run / "model.safetensors").stat().st_mtime_ns == before


@pytest.mark.parametrize("replace", [False, True])
def test_a_folder_that_is_no_run_is_never_replaced(
    data: Dataset, tmp_path: Path, replace: bool
) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(ModelError, match="exists and is no run"):
        train(data, tmp_path, config=SHORT, replace=replace)
    assert (tmp_path / "letter.txt").read_text() == "mine"


def test_the_run_tells_how_it_was_made_and_counts_tags_without_a_mask(run: Path) -> None:
    summary = files.read_json(run / "training.json")
    assert summary["config"]["masking"] == {"p": 0.5, "fill": "other"}
    assert summary["data"]["collections"] == {"robots": 48, "owls": 32}
    report = summary["report"]
    assert report["tokens"] == 80
    assert 0 < report["tags_without_mask"] < report["tags"], "pins do not show in the pixels"
    assert (run / "curve.csv").read_text().startswith("step,loss\n")


def test_a_small_model_learns_to_find_what_it_was_trained_on(data: Dataset, tmp_path: Path) -> None:
    report = train(data, tmp_path / "d", config=TrainConfig(steps=60, batch_size=32))
    curve = (tmp_path / "d/curve.csv").read_text().splitlines()[1:]
    first = float(curve[0].split(",")[1])
    assert report.loss < 0.8 * first


def test_any_local_clip_goes_the_same_way(data: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    make_tiny("tiny", folder, captions=["robots with red hat"] * 3, seed=0)
    text = {"vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1}
    text |= {"num_attention_heads": 2, "max_position_embeddings": 40, "eos_token_id": 1}
    vision = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "image_size": 64}
    vision |= {"num_attention_heads": 2, "patch_size": 16}
    CLIPModel(
        CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)
    ).save_pretrained(folder)
    train(data, tmp_path / "e", config=TrainConfig(model=str(folder), steps=2, batch_size=8))
    assert load_encoder(tmp_path / "e").encode_texts(["red hat"]).shape == (1, 24)


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
