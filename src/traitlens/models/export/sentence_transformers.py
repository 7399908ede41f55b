"""sentence-transformers' layout: `SentenceTransformer(FOLDER)` opens it, for texts and pictures.

modules.json        which modules follow each other: the model, then unit length
0_CLIPModel/        the model as `transformers` writes it, in float32, and what prepares its input
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from traitlens import files
from traitlens.errors import ModelError
from traitlens.models.encoder import Vectors, unit_rows
from traitlens.models.folder import PIXEL_FILES, WORD_FILES, copy_files
from traitlens.models.torch_encoder import image_features, load_model, quietly, text_features

if TYPE_CHECKING:
    from transformers import PreTrainedModel

INSIDE = "0_CLIPModel"

_BATCH = 64


def write_sentence_transformers(model: PreTrainedModel, source: Path, target: Path) -> list[str]:
    """Write a CLIP model into the folder `target`; nothing is left for a reader to know.

    Raise ModelError for another class, for which the library has no module of this kind.
    """
    if model.config.model_type != "clip":
        raise ModelError(
            f"sentence-transformers' CLIPModel holds CLIP models, not a {type(model).__name__}"
        )
    kinds = ("CLIPModel", "Normalize")
    modules = [
        {
            "idx": number,
            "name": str(number),
            "path": f"{number}_{kind}",
            "type": f"sentence_transformers.models.{kind}",
        }
        for number, kind in enumerate(kinds)
    ]
    files.write_json(target / "modules.json", modules)
    with quietly():
        model.save_pretrained(target / INSIDE)
    copy_files(source, target / INSIDE, (*WORD_FILES, *PIXEL_FILES))
    return []


class StockEncoder:
    """An `Encoder` that does what the library's module does: stock processor, stock model."""

    def __init__(self, folder: Path) -> None:
        from transformers import CLIPProcessor

        self._model, _ = load_model(folder / INSIDE)
        self._model.eval()  # type: ignore[no-untyped-call]
        with quietly():
            self._processor: Any = CLIPProcessor.from_pretrained(folder / INSIDE)
        self.name = self.fingerprint = str(folder)
        self.dimension = int(self._model.config.projection_dim)

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Return unit vectors, float32 (n, dimension)."""
        return self._encode(images, self._images)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, float32 (n, dimension)."""
        return self._encode(texts, self._texts)

    def _images(self, images: Sequence[Image.Image]) -> torch.Tensor:
        prepared = self._processor(images=list(images), return_tensors="pt")
        return image_features(self._model, prepared["pixel_values"])

    def _texts(self, texts: Sequence[str]) -> torch.Tensor:
        prepared = self._processor(
            text=list(texts), return_tensors="pt", padding=True, truncation=True
        )
        return text_features(self._model, prepared["input_ids"], prepared["attention_mask"])

    def _encode(self, items: Sequence[Any], encode: Any) -> Vectors:
        with torch.inference_mode():
            parts = [encode(items[at : at + _BATCH]).numpy() for at in range(0, len(items), _BATCH)]
        return unit_rows(np.concatenate(parts))
