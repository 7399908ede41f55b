"""An encoder run by ONNX Runtime: small, fast, and without torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from traitlens import files
from traitlens.config import check_choice
from traitlens.errors import ModelError
from traitlens.models.encoder import Vectors, unit_rows
from traitlens.models.folder import (
    TEXT_ONNX,
    TEXT_ONNX_FP32,
    VISION_ONNX,
    VISION_ONNX_FP32,
    fingerprint_of_files,
    text_length_of,
)
from traitlens.models.pixels import PixelConfig, pixel_values
from traitlens.models.words import Words

_TOWERS = {"int8": (VISION_ONNX, TEXT_ONNX), "fp32": (VISION_ONNX_FP32, TEXT_ONNX_FP32)}
_BATCH = 64  # pictures or texts a run; larger ones only take memory


class OnnxEncoder:
    """The towers of a dual encoder as two ONNX files; see `models.export`."""

    def __init__(self, folder: Path, *, name: str, precision: str = "int8") -> None:
        """Open the sessions; raise ModelError when a file is missing or damaged.

        `precision` is "int8", or "fp32" where the folder has these towers too.
        """
        check_choice("precision", precision, _TOWERS)
        self.name = name
        self._pixels = PixelConfig.load(folder)
        config = files.read_json(folder / "config.json")
        self._words = Words(folder, max_length=text_length_of(config))
        vision, text = _TOWERS[precision]
        self._vision, self._text = _session(folder / vision), _session(folder / text)
        self.dimension = int(self._text.get_outputs()[0].shape[1])
        self.fingerprint = fingerprint_of_files(folder, (vision, text, "tokenizer.json"))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, float32 (n, dimension)."""
        return self._stack([self._encode_texts(part) for part in _parts(texts)])

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Return unit vectors, float32 (n, dimension)."""
        return self._stack([self._encode_images(part) for part in _parts(images)])

    def _encode_texts(self, texts: Sequence[str]) -> Vectors:
        ids, mask = self._words.ids(texts)
        (vectors,) = self._text.run(None, {"input_ids": ids, "attention_mask": mask})
        return unit_rows(vectors)

    def _encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        (vectors,) = self._vision.run(None, {"pixel_values": pixel_values(images, self._pixels)})
        return unit_rows(vectors)

    def _stack(self, parts: list[Vectors]) -> Vectors:
        return np.concatenate(parts) if parts else np.empty((0, self.dimension), np.float32)


def _parts(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[i : i + _BATCH] for i in range(0, len(items), _BATCH)]


def _session(file: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # its warnings about quantized graphs help nobody
    # Its threads else spin on after a run and take the cores from the engine's search: a query
    # took 25 ms instead of 8 on two cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # every failure is a bare pybind exception
        raise ModelError(f"{file} is no ONNX model: {error}") from None
