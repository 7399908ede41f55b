"""What lies in a model's folder, and where the shipped one is.

config.json, model.safetensors          as `transformers` writes them
tokenizer.json, tokenizer_config.json   the words
processor_config.json                   the pictures (older: preprocessor_config.json)
onnx/                                   the towers in int8, for search without torch
"""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

SHIPPED = "shipped"

# The names that the Hugging Face hub's ONNX checkpoints have.
VISION_ONNX = "onnx/vision_model_quantized.onnx"
TEXT_ONNX = "onnx/text_model_quantized.onnx"


def shipped_folder() -> Path:
    """Return the folder of the encoder that comes with the package."""
    return Path(str(resources.files("traitlens.models"))) / "shipped"


def fingerprint_of_files(folder: Path, names: tuple[str, ...]) -> str:
    """Return 16 hex digits that change when a file of a model changes."""
    digest = hashlib.sha256()
    for name in names:
        digest.update((folder / name).read_bytes() if (folder / name).is_file() else b"")
        digest.update(b"\0")
    return digest.hexdigest()[:16]
