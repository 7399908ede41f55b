"""What is no dual encoder is refused in one sentence, and never run, unpickled or half loaded."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from traitlens.errors import ConfigError, ModelError
from traitlens.models import load_encoder
from traitlens.models.tiny import make_tiny

WEIGHTS, CONFIG = "model.safetensors", "config.json"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "sound"
    make_tiny("tiny", folder, captions=["robots with red hat"], seed=0)
    return folder


def cut(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:5000])


def drop_a_tower(folder: Path) -> None:
    kept = {n: t for n, t in load_file(folder / WEIGHTS).items() if not n.startswith("text")}
    save_file(kept, folder / WEIGHTS, metadata={"format": "pt"})


def narrow(folder: Path) -> None:
    text = (folder / CONFIG).read_text()
    (folder / CONFIG).write_text(text.replace('"hidden_size": 192', '"hidden_size": 96'))


def bring_code(folder: Path) -> None:
    config = {"model_type": "evil", "auto_map": {"AutoModel": "evil.Evil", "AutoConfig": "evil.C"}}
    (folder / CONFIG).write_text(json.dumps(config))
    (folder / "evil.py").write_text("open('ran', 'w')")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut, "no model that can be loaded"),
        (drop_a_tower, "lacks .* of its model's weights"),
        (narrow, "no model that can be loaded"),
        (lambda d: (d / WEIGHTS).unlink(), "no model that can be loaded"),
        (bring_code, "no model that can be loaded"),
        (lambda d: (d / CONFIG).write_text("{"), "no model that can be loaded"),
        (lambda d: (d / CONFIG).write_text('{"model_type": "bert"}'), "has not both towers"),
        (lambda d: (d / CONFIG).unlink(), "has no config.json"),
        (lambda d: (d / "tokenizer.json").write_text("{}"), "is no tokenizer"),
        (lambda d: (d / "tokenizer.json").unlink(), "has no tokenizer.json"),
        (lambda d: (d / "tokenizer_config.json").unlink(), "names no pad_token"),
        (lambda d: (d / "processor_config.json").unlink(), "neither processor_config.json"),
    ],
)
def test_a_damaged_model_is_refused_in_one_sentence(
    sound: Path,
    tmp_path: Path,
    damage: Callable[[Path], object],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "damaged"
    shutil.copytree(sound, folder)
    damage(folder)
    with pytest.raises(ModelError, match=message) as caught:
        load_encoder(folder)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists(), "a model's own code is never run"


def test_a_backend_that_a_model_has_not_is_refused(sound: Path) -> None:
    with pytest.raises(ModelError, match="has no ONNX files"):
        load_encoder(sound, backend="onnx")
    with pytest.raises(ConfigError, match="backend must be one of auto, onnx, torch"):
        load_encoder(sound, backend="tensorflow")


def test_a_sound_model_has_unit_vectors_and_a_fingerprint_of_its_weights(
    sound: Path, tmp_path: Path
) -> None:
    encoder = load_encoder(sound)
    vectors = encoder.encode_texts(["red hat", "", "x" * 5000])
    torch.testing.assert_close(torch.from_numpy(vectors).norm(dim=1), torch.ones(3))
    make_tiny("tiny", tmp_path / "other", captions=["robots with red hat"], seed=1)
    assert load_encoder(tmp_path / "other").fingerprint != encoder.fingerprint
    assert load_encoder(sound).fingerprint == encoder.fingerprint
