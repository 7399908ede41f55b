"""Dual encoders: one protocol, run by PyTorch or by ONNX Runtime."""

from traitlens.models.encoder import Encoder, Vectors, unit_rows
from traitlens.models.folder import SHIPPED, shipped_folder
from traitlens.models.loading import load_encoder

__all__ = ["SHIPPED", "Encoder", "Vectors", "load_encoder", "shipped_folder", "unit_rows"]
