"""A dual encoder becomes ONNX files, which search runs without torch: in int8, in float32 or both.

The names are those of the Hugging Face hub's ONNX checkpoints: inputs `pixel_values`, `input_ids`,
`attention_mask`; outputs `image_embeds`, `text_embeds`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch

from traitlens import files
from traitlens.models.folder import (
    PIXEL_FILES,
    TEXT_ONNX,
    TEXT_ONNX_FP32,
    VISION_ONNX,
    VISION_ONNX_FP32,
    WORD_FILES,
    copy_files,
)
from traitlens.models.pixels import PixelConfig
from traitlens.models.torch_encoder import (
    image_features,
    load_model,
    text_features,
    text_length,
)

if TYPE_CHECKING:
    from transformers import PreTrainedModel


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
    model, source = load_model(folder)
    for tower in _towers(model, PixelConfig.load(source)):
        with TemporaryDirectory() as scratch:
            _quantize(_traced(tower, Path(scratch)), folder / tower.quantized)


def write_onnx(model: PreTrainedModel, source: Path, target: Path) -> None:
    """Write both towers of a model, in float32 and in int8, into the folder `target`.

    `source` is the folder that the model was loaded from. What prepares words and pictures is
    written beside the towers, so that `load_encoder` opens the folder.
    """
    for tower in _towers(model, PixelConfig.load(source)):
        with TemporaryDirectory() as scratch:
            traced = _traced(tower, Path(scratch))
            files.write_bytes(target / tower.whole, traced.read_bytes())
            _quantize(traced, target / tower.quantized)
    copy_files(source, target, ("config.json", *WORD_FILES, *PIXEL_FILES))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tower:
    """A tower to be traced, and the names of its files."""

    module: torch.nn.Module
    inputs: dict[str, torch.Tensor]
    output: str
    whole: str
    quantized: str


def _towers(model: Any, pixels: PixelConfig) -> tuple[_Tower, _Tower]:
    model.set_attn_implementation("eager")  # the tracer knows no fused attention
    model.cpu().eval()
    length = min(8, text_length(model))
    ids = torch.ones(2, length, dtype=torch.long)
    vision = _Tower(
        module=_VisionTower(model),
        inputs={"pixel_values": torch.zeros(2, 3, pixels.height, pixels.width)},
        output="image_embeds",
        whole=VISION_ONNX_FP32,
        quantized=VISION_ONNX,
    )
    text = _Tower(
        module=_TextTower(model),
        inputs={"input_ids": ids, "attention_mask": torch.ones_like(ids)},
        output="text_embeds",
        whole=TEXT_ONNX_FP32,
        quantized=TEXT_ONNX,
    )
    return vision, text


def _traced(tower: _Tower, scratch: Path) -> Path:
    """Return the file of a tower's graph in float32."""
    file = scratch / "traced.onnx"
    axes = {
        name: {0: "n", 1: "length"} if value.dim() == 2 else {0: "n"}
        for name, value in tower.inputs.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns about each constant it folds
        torch.onnx.export(
            tower.module,
            tuple(tower.inputs.values()),
            file,
            input_names=list(tower.inputs),
            output_names=[tower.output],
            dynamic_axes={**axes, tower.output: {0: "n"}},
            opset_version=17,
            dynamo=False,  # the newer exporter needs onnxscript and is ten times slower
        )
    return file


def _quantize(source: Path, target: Path) -> None:
    """Write a graph with its weights in int8."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    graph = onnx.load(source)
    del graph.graph.value_info[:]  # stale shapes from the trace stop the quantizer
    onnx.save(graph, source)
    with files.writing(target) as temporary:
        quantize_dynamic(source, temporary, weight_type=QuantType.QInt8, per_channel=True)
