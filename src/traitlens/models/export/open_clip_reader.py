"""What open_clip computes from a folder in its layout: only enough to check an export.

open_clip needs torchvision, which is not always there. This reads the same files and follows
`open_clip/transformer.py`, not the model that the files were written from.

Axes: N pictures or texts, L places in a sequence, W hidden numbers, D dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as f

from traitlens import files
from traitlens.models.encoder import Vectors, unit_rows
from traitlens.models.export.open_clip import CONFIG, WEIGHTS
from traitlens.models.pixels import PixelConfig, pixel_values
from traitlens.models.words import Words

_BATCH = 64


class OpenClipEncoder:
    """An `Encoder` of a folder in open_clip's layout; pictures are prepared as `pixels` says."""

    def __init__(self, folder: Path, *, pixels: PixelConfig) -> None:
        self._config = files.read_json(folder / CONFIG)["model_cfg"]
        self._weights = load_file(folder / WEIGHTS)
        self._pixels = pixels
        self._words = Words(folder, max_length=self._config["text_cfg"]["context_length"])
        self.name = self.fingerprint = str(folder)
        self.dimension = int(self._config["embed_dim"])

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Return unit vectors, float32 (n, dimension)."""
        return self._encode(images, self._images)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, float32 (n, dimension)."""
        return self._encode(texts, self._texts)

    def _encode(self, items: Sequence[Any], encode: Any) -> Vectors:
        with torch.inference_mode():
            parts = [encode(items[at : at + _BATCH]) for at in range(0, len(items), _BATCH)]
        return unit_rows(torch.cat(parts).numpy())

    def _images(self, images: Sequence[Image.Image]) -> Tensor:
        weights, shape = self._weights, self._config["vision_cfg"]
        pixels = torch.from_numpy(pixel_values(images, self._pixels))
        patches = f.conv2d(pixels, weights["visual.conv1.weight"], stride=shape["patch_size"])
        hidden_NLW = patches.flatten(2).transpose(1, 2)
        first = weights["visual.class_embedding"].expand(len(images), 1, -1)
        hidden_NLW = torch.cat([first, hidden_NLW], 1) + weights["visual.positional_embedding"]
        hidden_NLW = self._norm(hidden_NLW, "visual.ln_pre", shape)
        heads = shape["width"] // shape["head_width"]
        hidden_NLW = self._blocks(
            hidden_NLW, "visual.transformer", shape, heads=heads, causal=False
        )
        pooled_NW = self._norm(hidden_NLW, "visual.ln_post", shape)[:, 0]
        return pooled_NW @ weights["visual.proj"]

    def _texts(self, texts: Sequence[str]) -> Tensor:
        weights, shape = self._weights, self._config["text_cfg"]
        ids_NL = torch.from_numpy(self._words.ids(texts)[0])
        hidden_NLW = f.embedding(ids_NL, weights["token_embedding.weight"])
        hidden_NLW = hidden_NLW + weights["positional_embedding"][: ids_NL.shape[1]]
        heads = shape["heads"]
        hidden_NLW = self._blocks(hidden_NLW, "transformer", shape, heads=heads, causal=True)
        hidden_NLW = self._norm(hidden_NLW, "ln_final", shape)
        ends_NL = ids_NL if shape["pool_type"] == "argmax" else (ids_NL == shape["eos_id"]).int()
        pooled_NW = hidden_NLW[torch.arange(len(texts)), ends_NL.argmax(1)]
        return pooled_NW @ weights["text_projection"]

    def _blocks(
        self, hidden_NLW: Tensor, name: str, shape: dict[str, Any], *, heads: int, causal: bool
    ) -> Tensor:
        for layer in range(shape["layers"]):
            block = f"{name}.resblocks.{layer}"
            normed_NLW = self._norm(hidden_NLW, f"{block}.ln_1", shape)
            hidden_NLW = hidden_NLW + self._attend(
                normed_NLW, f"{block}.attn", heads, causal=causal
            )
            inner = self._linear(
                self._norm(hidden_NLW, f"{block}.ln_2", shape), f"{block}.mlp.c_fc"
            )
            quick = self._config["quick_gelu"]
            inner = inner * torch.sigmoid(1.702 * inner) if quick else f.gelu(inner)
            hidden_NLW = hidden_NLW + self._linear(inner, f"{block}.mlp.c_proj")
        return hidden_NLW

    def _attend(self, hidden_NLW: Tensor, name: str, heads: int, *, causal: bool) -> Tensor:
        weight, bias = (
            self._weights[f"{name}.in_proj_weight"],
            self._weights[f"{name}.in_proj_bias"],
        )
        count, length, _ = hidden_NLW.shape
        query, key, value = (
            part.reshape(count, length, heads, -1).transpose(1, 2)
            for part in f.linear(hidden_NLW, weight, bias).chunk(3, dim=-1)
        )
        seen = f.scaled_dot_product_attention(query, key, value, is_causal=causal)
        return self._linear(seen.transpose(1, 2).flatten(2), f"{name}.out_proj")

    def _linear(self, hidden: Tensor, name: str) -> Tensor:
        return f.linear(hidden, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, hidden: Tensor, name: str, shape: dict[str, Any]) -> Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        eps = shape.get("norm_kwargs", {}).get("eps", 1e-5)
        return f.layer_norm(hidden, weight.shape, weight, bias, eps)
