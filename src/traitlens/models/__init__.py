"""Dual encoders: one protocol, run by PyTorch or by ONNX Runtime."""

from traitlens.models.encoder import Encoder, Vectors, unit_rows
from traitlens.models.loading import SHIPPED, load_encoder, shipped_folder

__all__ = ["SHIPPED", "Encoder", "Vectors", "load_encoder", "shipped_folder", "unit_rows"]
