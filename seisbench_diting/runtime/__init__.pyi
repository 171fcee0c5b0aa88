from .export import ExportError as ExportError
from .export import Network as Network
from .export import export_model as export_model
from .export import fold_batch_norms as fold_batch_norms
from .export import open_session as open_session
from .export import open_torchscript as open_torchscript
from .export import to_onnx as to_onnx
from .export import trace_onnx as trace_onnx
from .sessions import make_runner as make_runner

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
