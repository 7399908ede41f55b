"""Dual encoders: one protocol, run by PyTorch or by ONNX Runtime."""

from traitlens.models.encoder import Encoder, Vectors

__all__ = ["Encoder", "Vectors"]
