"""Older checkpoints are made readable once; what is more than weights is refused."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from tests.models.checkpoints import TEXTS, openai_clip
from traitlens.errors import ModelError
from traitlens.models import load_encoder
from traitlens.models.conversion import cache_folder, readable
from traitlens.models.words import Words

PICKLED, SAFE = "pytorch_model.bin", "model.safetensors"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "traitlens" / "models"


def pickle_weights(folder: Path, *, shards: int = 1) -> None:
    weights = list(load_file(folder / SAFE).items())
    (folder / SAFE).unlink()
    for number in range(shards):
        name = PICKLED if shards == 1 else f"pytorch_model-{number + 1:05}-of-{shards:05}.bin"
        torch.save(dict(weights[number::shards]), folder / name)


class Hostile:
    """Unpickled, it would run a command."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


@pytest.mark.parametrize("shards", [1, 3])
def test_pickled_weights_give_the_same_vectors(tmp_path: Path, shards: int) -> None:
    folder = openai_clip(tmp_path / "clip")
    expected = load_encoder(folder).encode_texts(TEXTS)
    pickle_weights(folder, shards=shards)
    np.testing.assert_array_equal(load_encoder(folder).encode_texts(TEXTS), expected)


def test_a_model_is_converted_once(tmp_path: Path, cache: Path) -> None:
    folder = openai_clip(tmp_path / "clip")
    pickle_weights(folder)
    target = readable(folder)
    assert target.parent == cache
    before = (target / SAFE).stat().st_mtime_ns
    assert readable(folder) == target
    assert (target / SAFE).stat().st_mtime_ns == before
    assert not (target / PICKLED).exists()


def test_another_file_of_the_same_name_is_converted_anew(tmp_path: Path) -> None:
    folder = openai_clip(tmp_path / "clip")
    pickle_weights(folder)
    first = readable(folder)
    os.utime(folder / PICKLED, ns=(1, 1))
    assert readable(folder) != first


def test_a_hostile_pickle_is_refused_and_runs_nothing(tmp_path: Path, cache: Path) -> None:
    folder = openai_clip(tmp_path / "clip")
    (folder / SAFE).unlink()
    torch.save({"w": Hostile(f"touch {tmp_path / 'ran'}")}, folder / PICKLED)
    with pytest.raises(ModelError, match="holds no weights that can be read safely") as caught:
        load_encoder(folder)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()
    assert not any(cache.iterdir()), "nothing half made is left"


@pytest.mark.parametrize("value", [[1, 2], {"w": 3}, {"w": {"v": torch.ones(2)}}])
def test_a_pickle_of_something_else_is_refused(tmp_path: Path, value: object) -> None:
    folder = openai_clip(tmp_path / "clip")
    (folder / SAFE).unlink()
    torch.save(value, folder / PICKLED)
    with pytest.raises(ModelError, match="it is no table of tensors"):
        load_encoder(folder)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut", b"\x80\x02."])
def test_a_broken_pickle_is_refused(tmp_path: Path, damage: bytes) -> None:
    folder = openai_clip(tmp_path / "clip")
    (folder / SAFE).unlink()
    (folder / PICKLED).write_bytes(damage)
    with pytest.raises(ModelError, match="can be read safely"):
        load_encoder(folder)


def test_a_zip_that_is_no_pickle_is_refused(tmp_path: Path) -> None:
    folder = openai_clip(tmp_path / "clip")
    (folder / SAFE).unlink()
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("x/data.pkl", b"cos\nsystem\n(S'true'\ntR.")
        archive.writestr("x/version", b"3")
    (folder / PICKLED).write_bytes(sink.getvalue())
    with pytest.raises(ModelError, match="can be read safely"):
        load_encoder(folder)


def test_safetensors_beside_a_pickle_are_preferred(tmp_path: Path) -> None:
    folder = openai_clip(tmp_path / "clip")
    torch.save({"w": Hostile(f"touch {tmp_path / 'ran'}")}, folder / PICKLED)
    load_encoder(folder)
    assert not (tmp_path / "ran").exists()


def test_a_plain_vocabulary_gives_the_ids_of_the_stock_tokenizer(tmp_path: Path) -> None:
    folder = openai_clip(tmp_path / "clip")
    assert not (folder / "tokenizer.json").exists()
    stock = AutoTokenizer.from_pretrained(folder)
    texts = [*TEXTS, "", "RED  hat's", "red " * 50]
    expected = stock(texts, padding=True, truncation=True, max_length=20, return_tensors="np")
    ids, mask = Words(readable(folder), max_length=20).ids(texts)
    np.testing.assert_array_equal(ids, expected["input_ids"])
    np.testing.assert_array_equal(mask, expected["attention_mask"])


def test_a_sound_folder_is_read_where_it_lies(tmp_path: Path) -> None:
    folder = readable(openai_clip(tmp_path / "clip"))
    assert readable(folder) == folder


def test_a_vocabulary_that_is_none_is_refused(tmp_path: Path) -> None:
    folder = openai_clip(tmp_path / "clip")
    (folder / "vocab.json").write_text("[")
    with pytest.raises(ModelError, match=r"the vocabulary of .* cannot be read"):
        load_encoder(folder)


def test_the_cache_is_in_the_users_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache_folder() == Path("/home/someone/.cache/traitlens")
