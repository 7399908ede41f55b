"""Models of older kinds, made readable once: pickled weights as safetensors, a plain vocabulary as
tokenizer.json.

facebook/metaclip-l14-400m and other early checkpoints have their weights in `pytorch_model.bin`
alone. That is a pickle, which can name any function to call. `torch.load(weights_only=True)` is
torch's own reader of it, which knows tensors and containers and refuses everything else.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from traitlens import files
from traitlens.config import fingerprint
from traitlens.errors import ModelError

_WEIGHTS, _PICKLED = "*.safetensors", "pytorch_model*.bin"
_TOKENIZER = "tokenizer.json"
_VOCABULARIES = ("vocab.json", "vocab.txt", "spiece.model", "sentencepiece.bpe.model")
_KEPT = ("*.json", "*.txt", "*.model", _WEIGHTS)


def readable(folder: Path) -> Path:
    """Return a folder with the model of `folder` in safetensors and tokenizer.json.

    It is `folder` itself where these are there, or where there is nothing to make them of; else a
    copy in the user's cache, made once. Raise ModelError where the weights are no weights.
    """
    pickled = sorted(folder.glob(_PICKLED)) if not any(folder.glob(_WEIGHTS)) else []
    plain = [name for name in _VOCABULARIES if (folder / name).is_file()]
    bare = not (folder / _TOKENIZER).is_file() and bool(plain)
    if not pickled and not bare:
        return folder
    target = cache_folder() / "models" / _mark(folder)
    if not target.is_dir():
        with files.replacing_folder(target) as made:
            _copy(folder, made)
            if pickled:
                _convert_weights(pickled, made / "model.safetensors")
            if bare:
                _write_tokenizer(folder, made)
    return target


def cache_folder() -> Path:
    """Return the user's folder for what can be made again: $XDG_CACHE_HOME/traitlens."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "traitlens"


def _mark(folder: Path) -> str:
    """Return what changes when a file of the folder does: names, sizes and times."""
    found = [(file.name, file.stat()) for file in sorted(folder.iterdir()) if file.is_file()]
    known = [[name, stat.st_size, stat.st_mtime_ns] for name, stat in found]
    return fingerprint(str(folder.resolve()), known)


def _copy(source: Path, target: Path) -> None:
    """Copy the model's files, without pickles, code and the index of pickled shards."""
    for file in sorted({file for pattern in _KEPT for file in source.glob(pattern)}):
        if not file.name.endswith(".bin.index.json"):
            shutil.copyfile(file, target / file.name)


def _convert_weights(pickled: list[Path], target: Path) -> None:
    weights: dict[str, Tensor] = {}
    for file in pickled:
        weights |= _unpacked(file)
    # Weights that share memory would be refused.
    alone = {name: tensor.clone().contiguous() for name, tensor in weights.items()}
    save_file(alone, target, metadata={"format": "pt"})


def _unpacked(file: Path) -> dict[str, Tensor]:
    try:
        value = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a hostile or broken pickle can fail in any way
        raise ModelError(
            f"{file} holds no weights that can be read safely: {_reason(error)}"
        ) from None
    if not isinstance(value, dict) or not all(isinstance(t, Tensor) for t in value.values()):
        raise ModelError(f"{file} holds no weights: it is no table of tensors")
    return value


def _write_tokenizer(source: Path, target: Path) -> None:
    """Write the tokenizer that `transformers` makes of the plain vocabulary."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        tokenizer.save_pretrained(target)
    except Exception as error:  # the library raises bare Exceptions
        raise ModelError(f"the vocabulary of {source} cannot be read: {_reason(error)}") from None
    if not (target / _TOKENIZER).is_file():
        raise ModelError(f"the tokenizer of {source} cannot be written as {_TOKENIZER}")


def _reason(error: Exception) -> str:
    """Return an error's first line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
