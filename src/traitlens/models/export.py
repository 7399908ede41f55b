"""A dual encoder becomes two ONNX files in int8, which search runs without torch.

The names are those of the Hugging Face hub's ONNX checkpoints: inputs `pixel_values`, `input_ids`,
`attention_mask`; outputs `image_embeds`, `text_embeds`.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from traitlens import files
from traitlens.models.folder import TEXT_ONNX, VISION_ONNX
from traitlens.models.pixels import PixelConfig
from traitlens.models.torch_encoder import (
    image_features,
    load_model,
    text_features,
    text_length,
)


class _VisionTower(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return image_features(self.model, pixel_values)


class _TextTower(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return text_features(self.model, input_ids, attention_mask)


def export_onnx(folder: Path) -> None:
    """Write the quantized towers of the model in `folder` beside its weights."""
    model, _ = load_model(folder)
    model.set_attn_implementation("eager")  # the tracer knows no fused attention
    model.eval()  # type: ignore[no-untyped-call]
    pixels = PixelConfig.load(folder)
    picture = torch.zeros(2, 3, pixels.height, pixels.width)
    ids = torch.ones(2, min(8, text_length(model)), dtype=torch.long)
    _write(_VisionTower(model), {"pixel_values": picture}, "image_embeds", folder / VISION_ONNX)
    words = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    _write(_TextTower(model), words, "text_embeds", folder / TEXT_ONNX)


def _write(
    tower: torch.nn.Module, inputs: dict[str, torch.Tensor], output: str, target: Path
) -> None:
    """Trace one tower, quantize its weights to int8 and write it."""
    axes = {
        name: {0: "n", 1: "length"} if value.dim() == 2 else {0: "n"}
        for name, value in inputs.items()
    }
    with TemporaryDirectory() as scratch:
        traced, quantized = Path(scratch, "traced.onnx"), Path(scratch, "quantized.onnx")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracer warns about each constant it folds
            torch.onnx.export(
                tower,
                tuple(inputs.values()),
                traced,
                input_names=list(inputs),
                output_names=[output],
                dynamic_axes={**axes, output: {0: "n"}},
                opset_version=17,
                dynamo=False,  # the newer exporter needs onnxscript and is ten times slower
            )
        _quantize(traced, quantized)
        files.write_bytes(target, quantized.read_bytes())


def _quantize(source: Path, target: Path) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    graph = onnx.load(source)
    del graph.graph.value_info[:]  # stale shapes from the trace stop the quantizer
    onnx.save(graph, source)
    quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True)
