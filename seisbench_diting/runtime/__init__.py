"""Networks outside of PyTorch: ONNX Runtime, and files for other programs."""

from .export import (
    ExportError,
    Network,
    export_model,
    fold_batch_norms,
    open_session,
    open_torchscript,
    to_onnx,
    trace_onnx,
)
from .sessions import make_runner

__all__ = [
    "ExportError",
    "Network",
    "export_model",
    "fold_batch_norms",
    "make_runner",
    "open_session",
    "open_torchscript",
    "to_onnx",
    "trace_onnx",
]
