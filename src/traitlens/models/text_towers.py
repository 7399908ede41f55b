"""A sentence encoder becomes the text tower of a model that sees pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors import SafetensorError

from traitlens import files
from traitlens.errors import ModelError
from traitlens.models.conversion import readable
from traitlens.models.folder import PIXEL_FILES, WORD_FILES, copy_files
from traitlens.models.pixels import PixelConfig
from traitlens.models.sentence_dual import SentenceDualConfig, SentenceDualModel
from traitlens.models.tiny import is_preset, make_tiny
from traitlens.models.torch_encoder import (
    download,
    image_features,
    load_model,
    quietly,
    text_features,
)

POOLINGS = ("mean", "cls", "max")

_LONGEST = 512  # token ids: captions are shorter, and what an encoder takes is not always said


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sentences:
    """A sentence encoder as it lies in a folder: the model, its pooling and its longest text."""

    folder: Path
    pooling: str
    max_length: int


def join_text_tower(
    vision: str | Path, sentence_encoder: str | Path, out: Path, *, seed: int = 0
) -> None:
    """Write a model to `out` that has the picture tower of `vision` and a sentence encoder's words.

    `vision` is a preset, a folder or a name of a dual encoder; `sentence_encoder` a folder or a
    name, in sentence-transformers' layout or a bare encoder, which is pooled by its mean. The text
    projection is new, drawn by `seed`, so the model is to be trained, with the text tower frozen or
    not. Only the weights are taken: no code of either is run. Raise ModelError for what is neither.
    """
    with TemporaryDirectory() as scratch:
        if is_preset(str(vision)):
            make_tiny(str(vision), Path(scratch), captions=(), seed=seed)
            vision = scratch
        seeing, source = load_model(vision)
        words = _sentences(sentence_encoder)
        model = _joined(seeing, _text_model(words), words, PixelConfig.load(source), seed=seed)
        out.mkdir(parents=True, exist_ok=True)
        with quietly():
            model.save_pretrained(out)
        copy_files(words.folder, out, WORD_FILES)
        copy_files(source, out, PIXEL_FILES)


def _joined(
    seeing: Any, text_model: Any, words: _Sentences, pixels: PixelConfig, *, seed: int
) -> SentenceDualModel:
    """Return both towers in one model, tried on one picture and one text."""
    picture = torch.linspace(-1, 1, 3 * pixels.height * pixels.width)
    picture = picture.reshape(1, 3, pixels.height, pixels.width)
    ids = torch.ones(1, 2, dtype=torch.long)
    both = f"a {type(seeing).__name__} and a {type(text_model).__name__} cannot be joined"
    try:
        with torch.no_grad():
            expected = image_features(seeing.eval(), picture)
            model: Any = _assembled(seeing, text_model, words, expected.shape[1], seed=seed)
            found = image_features(model.eval(), picture)
            text_features(model, ids, torch.ones_like(ids))
    except (AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"{both}: {str(error).strip().splitlines()[0]}") from None
    if not torch.allclose(found, expected, rtol=1e-4, atol=1e-4):
        raise ModelError(f"{both}: the former's pictures would get other vectors")
    joined: SentenceDualModel = model
    return joined


def _assembled(
    seeing: Any, text_model: Any, words: _Sentences, dimension: int, *, seed: int
) -> SentenceDualModel:
    for part in (seeing.vision_model, text_model):
        part.config._name_or_path = ""  # a path of this machine would be written with the model
    config = SentenceDualConfig(
        vision_config=seeing.vision_model.config,
        text_config=text_model.config,
        projection_dim=dimension,
        pooling=words.pooling,
        max_text_length=words.max_length,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = SentenceDualModel(config)
        torch.nn.init.normal_(model.text_projection.weight, std=text_model.config.hidden_size**-0.5)
    model.vision_model.load_state_dict(seeing.vision_model.state_dict())
    unused = model.text_model.load_state_dict(text_model.state_dict(), strict=False)
    assert not unused.missing_keys, unused.missing_keys
    if hasattr(seeing, "visual_projection"):
        model.visual_projection.weight.copy_(seeing.visual_projection.weight)
    else:  # SigLIP's picture tower ends in the common space
        torch.nn.init.eye_(model.visual_projection.weight)
    return model


def _text_model(words: _Sentences) -> Any:
    from transformers import AutoModel

    try:
        with quietly():
            return AutoModel.from_pretrained(
                words.folder, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
            )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{words.folder} is no sentence encoder: {reason}") from None


def _sentences(name: str | Path) -> _Sentences:
    """Return what a sentence encoder's folder says of itself."""
    try:
        folder = Path(name) if Path(name).is_dir() else download(str(name))
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{name} is no sentence encoder that can be loaded: {reason}") from None
    modules = _json(folder / "modules.json", [])
    inside, pooling = folder, "mean"
    for module in modules:
        kind = module["type"].rpartition(".")[2]
        if kind == "Transformer":
            inside = folder / module["path"]
        elif kind == "Pooling":
            pooling = _pooling(folder / module["path"] / "config.json")
        elif kind != "Normalize":  # a length says nothing where only cosines count
            raise ModelError(f"{name} has a {kind} behind its transformer, which is not understood")
    if not (inside / "config.json").is_file():
        raise ModelError(f"{name} is no sentence encoder: it has no config.json")
    inside = readable(inside)
    return _Sentences(folder=inside, pooling=pooling, max_length=_longest(inside))


def _pooling(file: Path) -> str:
    """Return the pooling that a config names: newer ones by name, older ones by switches."""
    value = _json(file, {})
    old = {"cls_token": "cls", "mean_tokens": "mean", "max_tokens": "max"}
    chosen = [new for key, new in old.items() if value.get(f"pooling_mode_{key}")]
    others = [k for k, on in value.items() if k.startswith("pooling_mode_") and on is True]
    name = value.get("pooling_mode") or (chosen[0] if len(others) == 1 and chosen else None)
    if name not in POOLINGS:
        raise ModelError(f"{file} pools by {name or others}; understood are {', '.join(POOLINGS)}")
    return str(name)


def _longest(folder: Path) -> int:
    """Return the number of token ids that the encoder takes: the least of all that bounds it."""
    limits = [
        _json(folder / "config.json", {}).get("max_position_embeddings"),
        _json(folder / "sentence_bert_config.json", {}).get("max_seq_length"),
        _json(folder / "tokenizer_config.json", {}).get("model_max_length"),
        _LONGEST,
    ]
    return int(min(limit for limit in limits if limit))


def _json(file: Path, otherwise: Any) -> Any:
    return files.read_json(file) if file.is_file() else otherwise
