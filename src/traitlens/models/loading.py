"""Names and folders become encoders."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

from traitlens.config import check_choice
from traitlens.errors import ModelError
from traitlens.models.encoder import Encoder

SHIPPED = "shipped"
BACKENDS = ("auto", "onnx", "torch")

VISION_ONNX = "onnx/vision_model_quantized.onnx"
TEXT_ONNX = "onnx/text_model_quantized.onnx"


def shipped_folder() -> Path:
    """Return the folder of the encoder that comes with the package."""
    return Path(str(resources.files("traitlens.models"))) / "shipped"


def load_encoder(name: str | Path = SHIPPED, *, backend: str = "auto") -> Encoder:
    """Return the encoder called `name`: "shipped", a folder, or a name on the Hugging Face hub.

    `backend` is "onnx" (quantized, fast, no torch), "torch", or "auto": ONNX where the folder has
    it, else torch. Raise ModelError when there is no such model.
    """
    check_choice("backend", backend, BACKENDS)
    folder = shipped_folder() if str(name) == SHIPPED else Path(name)
    has_onnx = (folder / VISION_ONNX).is_file() and (folder / TEXT_ONNX).is_file()
    if backend == "onnx" and not has_onnx:
        raise ModelError(f"{name} has no ONNX files; load it with the torch backend")
    if has_onnx and backend != "torch":
        from traitlens.models.onnx_encoder import OnnxEncoder

        return OnnxEncoder(folder, name=str(name))
    try:
        import torch  # noqa: F401
    except ImportError:
        raise ModelError(
            f"{name} needs torch: `pip install 'traitlens[train]'` installs it"
        ) from None
    from traitlens.models.torch_encoder import TorchEncoder

    return TorchEncoder(folder if folder.exists() else str(name), name=str(name))


def fingerprint_of_files(folder: Path, names: tuple[str, ...]) -> str:
    """Return 16 hex digits that change when a file of a model changes."""
    digest = hashlib.sha256()
    for name in names:
        digest.update((folder / name).read_bytes() if (folder / name).is_file() else b"")
        digest.update(b"\0")
    return digest.hexdigest()[:16]
