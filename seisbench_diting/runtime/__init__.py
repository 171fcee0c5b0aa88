"""Networks outside of PyTorch."""

from .export import ExportError, export_model
from .quantization import quantize
from .sessions import make_runner

__all__ = ["ExportError", "export_model", "make_runner", "quantize"]
