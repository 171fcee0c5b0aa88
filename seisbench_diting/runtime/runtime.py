"""ONNX Runtime, loaded where it is needed: it takes longer than importing all else."""

from __future__ import annotations

from types import ModuleType


def load_runtime() -> ModuleType:
    """:return: The package ``onnxruntime``, its telemetry switched off"""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime
