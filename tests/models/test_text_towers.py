"""A sentence encoder as text tower: its own vectors, projected, in a model that opens anywhere."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoTokenizer, BertModel, CLIPModel, T5Config, T5Model

from tests.models.checkpoints import TEXTS, openai_clip, sentence_encoder, siglip
from traitlens.errors import ModelError
from traitlens.models import load_encoder
from traitlens.models.export import export_onnx
from traitlens.models.export.onnx import write_onnx
from traitlens.models.onnx_encoder import OnnxEncoder
from traitlens.models.starting import start_model
from traitlens.models.text_towers import join_text_tower
from traitlens.models.torch_encoder import image_features, load_model, text_length

PIXELS = torch.linspace(-1, 1, 2 * 3 * 32 * 32).reshape(2, 3, 32, 32)


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sentence_encoder(tmp_path_factory.mktemp("sentences") / "bert")


@pytest.fixture(scope="module")
def joined(sentences: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("joined")
    join_text_tower(openai_clip(folder / "clip"), sentences, folder / "model")
    return folder / "model"


def opened(folder: Path) -> Any:
    return load_model(folder)[0].eval()  # type: ignore[no-untyped-call]


def hidden_and_mask(sentences: Path) -> tuple[torch.Tensor, torch.Tensor]:
    tokenizer: Any = AutoTokenizer.from_pretrained(sentences)
    model: Any = BertModel.from_pretrained(sentences)
    inputs = tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        return model.eval()(**inputs).last_hidden_state, inputs["attention_mask"]


def pooled(sentences: Path, pooling: str) -> torch.Tensor:
    """Return what sentence-transformers makes of the texts, one by one and without its code."""
    ways: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "mean_tokens": lambda states: states.mean(0),
        "cls_token": lambda states: states[0],
        "max_tokens": lambda states: states.amax(0),
    }
    hidden, mask = hidden_and_mask(sentences)
    rows = [ways[pooling](states[seen.bool()]) for states, seen in zip(hidden, mask, strict=True)]
    return torch.stack(rows)


@pytest.mark.parametrize("pooling", ["mean_tokens", "cls_token", "max_tokens"])
def test_texts_are_pooled_as_the_sentence_encoder_was_trained(tmp_path: Path, pooling: str) -> None:
    bert = sentence_encoder(tmp_path / "bert", pooling=pooling)
    join_text_tower("nano", bert, tmp_path / "model")
    model = opened(tmp_path / "model")
    expected = pooled(bert, pooling) @ model.text_projection.weight.T
    expected = torch.nn.functional.normalize(expected).detach().numpy()
    vectors = load_encoder(tmp_path / "model").encode_texts(TEXTS)
    np.testing.assert_allclose(vectors, expected, atol=1e-6)


def test_the_picture_side_is_that_of_the_clip(joined: Path) -> None:
    clip = opened(joined.parent / "clip")
    with torch.no_grad():
        expected = clip.get_image_features(PIXELS).pooler_output
        found = image_features(opened(joined), PIXELS)
    torch.testing.assert_close(found, expected)


def test_the_picture_side_of_a_siglip_stays_too(tmp_path: Path, sentences: Path) -> None:
    join_text_tower(siglip(tmp_path / "siglip"), sentences, tmp_path / "model")
    stock = opened(tmp_path / "siglip")
    with torch.no_grad():
        expected = stock.get_image_features(PIXELS).pooler_output
        found = image_features(opened(tmp_path / "model"), PIXELS)
    torch.testing.assert_close(found, expected)
    assert load_encoder(tmp_path / "model").encode_texts(["red hat"]).shape == (1, 32)


def test_texts_are_cut_where_the_sentence_encoder_cuts_them(joined: Path) -> None:
    assert text_length(load_model(joined)[0]) == 12, "the least of 12, 24 and 40"
    vectors = load_encoder(joined).encode_texts(["red hat " * 30, "red hat " * 5])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


STOCK = """
import sys, numpy, torch
from transformers import AutoModel, AutoTokenizer
folder, out, *texts = sys.argv[1:]
model = AutoModel.from_pretrained(folder, trust_remote_code=True).eval()
inputs = AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt")
pixels = torch.linspace(-1, 1, 2 * 3 * 32 * 32).reshape(2, 3, 32, 32)
with torch.no_grad():
    found = model(**inputs, pixel_values=pixels)
cosines = model.logit_scale.exp() * found.text_embeds @ found.image_embeds.T
assert torch.equal(found.logits_per_text, cosines)
assert "traitlens" not in sys.modules
numpy.savez(out, texts=found.text_embeds, images=found.image_embeds)
"""


@pytest.mark.slow
def test_stock_transformers_opens_the_checkpoint_with_the_code_it_carries(
    joined: Path, tmp_path: Path
) -> None:
    out = tmp_path / "vectors.npz"
    command = [sys.executable, "-c", STOCK, str(joined), str(out), *TEXTS]
    place = {"HF_MODULES_CACHE": str(tmp_path / "modules"), "HF_HUB_OFFLINE": "1"}
    subprocess.run(command, check=True, capture_output=True, env=os.environ | place)
    theirs = np.load(out)
    np.testing.assert_allclose(theirs["texts"], load_encoder(joined).encode_texts(TEXTS), atol=1e-6)
    with torch.no_grad():
        images = image_features(opened(joined), PIXELS)
    images = torch.nn.functional.normalize(images)
    np.testing.assert_allclose(theirs["images"], images, atol=1e-6)


def test_we_never_run_the_code_that_a_checkpoint_carries(joined: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(joined, tmp_path / "copy")
    (copy / "sentence_dual.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    load_encoder(copy)
    assert not (tmp_path / "ran").exists()


def test_its_onnx_towers_run_in_search(joined: Path, tmp_path: Path) -> None:
    original = load_encoder(joined, backend="torch")
    write_onnx(*load_model(joined), tmp_path)
    whole = OnnxEncoder(tmp_path, name="j", precision="fp32")
    pictures = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    for texts in (TEXTS, TEXTS[:1]):
        np.testing.assert_allclose(
            whole.encode_texts(texts), original.encode_texts(texts), atol=1e-5
        )
    np.testing.assert_allclose(
        whole.encode_images(pictures), original.encode_images(pictures), atol=1e-5
    )
    export_onnx(joined)
    assert type(load_encoder(joined)) is OnnxEncoder


def test_one_seed_gives_one_model(joined: Path, sentences: Path, tmp_path: Path) -> None:
    clip = joined.parent / "clip"
    join_text_tower(clip, sentences, tmp_path / "again")
    join_text_tower(clip, sentences, tmp_path / "other", seed=1)
    weights = [(p / "model.safetensors").read_bytes() for p in (joined, tmp_path / "again")]
    assert weights[0] == weights[1]
    assert (tmp_path / "other/model.safetensors").read_bytes() != weights[0]
    assert str(tmp_path) not in (tmp_path / "again/config.json").read_text()


def test_a_run_starts_from_a_preset_a_name_or_a_joined_model(
    sentences: Path, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    assert start_model("a/b", text_tower=None, captions=TEXTS, seed=0, folder=made) == "a/b"
    assert not made.exists()
    assert start_model("nano", text_tower=None, captions=TEXTS, seed=0, folder=made) == made
    assert type(load_model(made)[0]) is CLIPModel
    both = start_model(
        "nano", text_tower=str(sentences), captions=(), seed=0, folder=tmp_path / "b"
    )
    assert type(load_model(both)[0]).__name__ == "SentenceDualModel"


def drop_pooling(folder: Path) -> None:
    (folder / "1_Pooling/config.json").write_text("{}")


def add_dense(folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    modules.append({"path": "3_Dense", "type": "sentence_transformers.models.Dense"})
    (folder / "modules.json").write_text(json.dumps(modules))


def weigh_the_mean(folder: Path) -> None:
    switches = {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}
    (folder / "1_Pooling/config.json").write_text(json.dumps(switches))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (drop_pooling, "understood are mean, cls, max"),
        (weigh_the_mean, "understood are mean, cls, max"),
        (add_dense, "has a Dense behind its transformer"),
        (lambda d: (d / "config.json").unlink(), "is no sentence encoder: it has no config.json"),
        (lambda d: (d / "model.safetensors").unlink(), "is no sentence encoder"),
        (lambda d: (d / "config.json").write_text('{"model_type": "x"}'), "no sentence encoder"),
    ],
)
def test_what_is_no_sentence_encoder_is_refused(
    tmp_path: Path, damage: Callable[[Path], object], message: str
) -> None:
    bert = sentence_encoder(tmp_path / "bert")
    damage(bert)
    with pytest.raises(ModelError, match=message):
        join_text_tower("nano", bert, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_an_encoder_that_needs_more_than_a_text_is_refused(tmp_path: Path) -> None:
    bert = sentence_encoder(tmp_path / "bert")
    shape: dict[str, Any] = {
        "d_model": 8,
        "d_ff": 8,
        "num_layers": 1,
        "num_heads": 2,
        "d_kv": 4,
        "vocab_size": 20,
    }
    T5Model(T5Config(**shape)).save_pretrained(bert)
    with pytest.raises(ModelError, match="a CLIPModel and a T5Model cannot be joined: You"):
        join_text_tower("nano", bert, tmp_path / "model")


def test_newer_pooling_configs_name_the_pooling(tmp_path: Path) -> None:
    bert = sentence_encoder(tmp_path / "bert")
    (bert / "1_Pooling/config.json").write_text('{"pooling_mode": "cls"}')
    join_text_tower("nano", bert, tmp_path / "model")
    assert load_model(tmp_path / "model")[0].config.pooling == "cls"


def test_a_bare_encoder_is_pooled_by_its_mean(tmp_path: Path) -> None:
    bert = sentence_encoder(tmp_path / "bert", pooling="cls_token")
    (bert / "modules.json").unlink()
    join_text_tower("nano", bert, tmp_path / "model")
    assert load_model(tmp_path / "model")[0].config.pooling == "mean"
