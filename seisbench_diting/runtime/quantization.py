"""LPPN in eight bits, by ONNX Runtime."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from .._util import replacing
from ..models import PhasePicker
from .export import INPUT, ExportError, export_model


def quantize(model: PhasePicker, waves: Iterable[np.ndarray], path: str | Path) -> Path:
    """
    Writes a statically quantised network: weights and activations of convolutions are
    integers of eight bits, with scales from what the network gives for real windows.

    :param model: LPPNT, LPPNM or LPPNL
    :param waves: Batches of normalized windows (batch, 3, samples), some hundred in all
    :param path: File to write, ending in ``.onnx``
    :raises ValueError: for another model, or without windows
    :raises ExportError: if a package is missing
    :return: The file
    """
    path = Path(path)
    if path.suffix.lower() != ".onnx":
        raise ValueError(f"path={str(path)!r} must end in .onnx.")
    if not isinstance(model, PhasePicker) or not model.regression:
        raise ValueError(
            f"model={type(model).__name__} can't be quantised, only LPPN can."
        )
    try:
        from onnxruntime.quantization import (
            CalibrationDataReader,
            QuantFormat,
            QuantType,
            quantize_static,
        )
    except ImportError as error:
        raise ExportError(
            f"Quantisation needs the package onnx: pip install onnx ({error})."
        ) from error

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.batches: Iterator[np.ndarray] = iter(waves)
            self.count = 0

        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(self.batches, None)
            if batch is None:
                return None
            self.count += len(batch)
            if batch.ndim != 3 or batch.shape[1:] != (3, model.in_samples):
                raise ValueError(
                    f"waves holds an array of shape {batch.shape}, not (batch, 3, "
                    f"{model.in_samples})."
                )
            return {INPUT: np.ascontiguousarray(batch, dtype=np.float32)}

    with tempfile.TemporaryDirectory() as folder, replacing(path) as quantized:
        exported = export_model(model, Path(folder) / "float.onnx")
        reader = Reader()
        # It advises to prepare the graph, which the export has done.
        logging.root.addFilter(_no_advice)
        try:
            quantize_static(
                exported,
                quantized,
                reader,
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                op_types_to_quantize=["Conv"],
            )
        except ValueError as error:
            if reader.count == 0:
                raise ValueError(
                    "waves holds no windows to find scales from."
                ) from error
            raise
        finally:
            logging.root.removeFilter(_no_advice)
    return path


def _no_advice(record: logging.LogRecord) -> bool:
    return "pre-processing before quantization" not in record.getMessage()
