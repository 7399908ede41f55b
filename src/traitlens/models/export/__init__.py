"""A model as others read it: ONNX, open_clip's layout and sentence-transformers', each compared."""

from traitlens.models.export.exporting import ExportReport, export_model
from traitlens.models.export.onnx import export_onnx

__all__ = ["ExportReport", "export_model", "export_onnx"]
