"""Networks outside of PyTorch."""

from .export import ExportError, export_model

__all__ = ["ExportError", "export_model"]
