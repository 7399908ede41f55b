"""Names and folders become encoders."""

from __future__ import annotations

from pathlib import Path

from traitlens.config import check_choice
from traitlens.errors import ModelError
from traitlens.models.encoder import Encoder
from traitlens.models.folder import SHIPPED, TEXT_ONNX, VISION_ONNX, shipped_folder

BACKENDS = ("auto", "onnx", "torch")


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
