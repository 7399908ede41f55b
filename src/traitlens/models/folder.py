"""What lies in a model's folder, and where the shipped one is.

config.json, model.safetensors          as `transformers` writes them
tokenizer.json, tokenizer_config.json   the words
processor_config.json                   the pictures (older: preprocessor_config.json)
onnx/                                   the towers in int8, for search without torch; an export
                                        has them in float32 beside
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

SHIPPED = "shipped"

# The names that the Hugging Face hub's ONNX checkpoints have.
VISION_ONNX = "onnx/vision_model_quantized.onnx"
TEXT_ONNX = "onnx/text_model_quantized.onnx"
VISION_ONNX_FP32 = "onnx/vision_model.onnx"
TEXT_ONNX_FP32 = "onnx/text_model.onnx"


# What prepares words and pictures, beside the weights.
WORD_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
)
PIXEL_FILES = ("processor_config.json", "preprocessor_config.json")


def shipped_folder() -> Path:
    """Return the folder of the encoder that comes with the package."""
    return Path(str(resources.files("traitlens.models"))) / "shipped"


def copy_files(source: Path, target: Path, names: Iterable[str]) -> None:
    """Copy those of the named files that are there."""
    for name in names:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def text_length_of(config: Mapping[str, Any]) -> int:
    """Return the number of token ids that a model's texts may have, from its config.json.

    Tables of places may be longer than what a sentence encoder was trained with; its own limit then
    stands beside them.
    """
    limit = config.get("max_text_length") or config["text_config"]["max_position_embeddings"]
    return int(limit)


def fingerprint_of_files(folder: Path, names: tuple[str, ...]) -> str:
    """Return 16 hex digits that change when a file of a model changes."""
    digest = hashlib.sha256()
    for name in names:
        digest.update((folder / name).read_bytes() if (folder / name).is_file() else b"")
        digest.update(b"\0")
    return digest.hexdigest()[:16]
