"""Networks outside of PyTorch."""

from ..models.backends import register_backend
from .export import ExportError, export_model
from .quantization import quantize
from .sessions import make_runner

__all__ = ["ExportError", "export_model", "quantize"]

register_backend("onnx", make_runner)
