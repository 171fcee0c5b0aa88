"""Networks as files that other programs run: ONNX and TorchScript."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import torch

from .._util import replacing
from ..models import PhasePicker
from .folding import fold_batch_norms
from .runtime import load_runtime

#: Published names of the input and the outputs.
INPUT = "wave"
OUTPUTS = ("prob", "time")

#: Largest difference from PyTorch.
TOLERANCE = 1e-5

# For windows on which single precision itself is coarser, such as a spike in silence.
_COARSE = 1e-3


class ExportError(RuntimeError):
    """A model that can't be exported."""


def export_model(model: PhasePicker, path: str | Path) -> Path:
    """
    Writes a network for windows (batch, 3, samples) of any number, means removed and
    divided by their joint peak, components in the order of the model. Batch
    normalization is folded in. ONNX: input ``wave``, output ``prob`` and, for LPPN,
    ``time``, the position of the arrival in its cell in samples. TorchScript: the same
    outputs in this order.

    :param model: Picker of this package
    :param path: File to write, ending in ``.onnx`` or ``.jit``
    :raises ValueError: for another ending or model
    :raises ExportError: if a package is missing, or if the file would give something
        else than the model, by more than 1e-5 for noise; there is no file then
    :return: The file
    """
    path = Path(path)
    kinds = {".onnx": (_write_onnx, _run_onnx), ".jit": (_write_jit, _run_jit)}
    kind = path.suffix.lower()
    if kind not in kinds:
        raise ValueError(f"output={str(path)!r} must end in .onnx or .jit.")
    if not isinstance(model, PhasePicker):
        raise ValueError(
            f"model={type(model).__name__} can't be exported, only the pickers of this "
            "package can."
        )
    write, run = kinds[kind]
    with replacing(path) as temporary:
        model = fold_batch_norms(model).to("cpu", torch.float32)
        write(model, temporary)
        _check(model, run(temporary))
    return path


def _example_waves(samples: int) -> Iterator[tuple[np.ndarray, float]]:
    """
    Windows and how far outputs may differ: noise, and windows of the kinds that records
    give, by which a network shows if it branches on its data.
    """
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((7, 3, samples)).astype(np.float32)
    spike, padded, vertical, arrival = noise[3:]
    spike *= 1e-3
    spike[:, samples // 3] = 1
    padded[:, samples // 2 :] = 0
    vertical[1:] = 0
    arrival[:, : samples // 2] *= 0.02
    noise /= np.abs(noise).max(axis=(1, 2), keepdims=True)
    yield noise[:1], TOLERANCE
    yield noise[1:3], TOLERANCE
    yield noise[3:], _COARSE
    for window in noise[3:]:
        yield window[None], _COARSE


def _check(
    model: PhasePicker, network: Callable[[np.ndarray], list[np.ndarray]]
) -> None:
    for wave, tolerance in _example_waves(model.in_samples):
        batch = len(wave)
        with torch.no_grad():
            expected = model(torch.from_numpy(wave))
        expected = expected if isinstance(expected, tuple) else (expected,)
        try:
            outputs = network(wave)
        # ONNX Runtime's errors have no common class.
        except Exception as error:
            raise ExportError(
                f"The exported {type(model).__name__} doesn't run with {batch} windows "
                f"({type(error).__name__}: {error}); it was not written."
            ) from error
        if len(outputs) != len(expected):
            raise ExportError(
                f"The exported {type(model).__name__} has {len(outputs)} outputs, the "
                f"model {len(expected)}; it was not written."
            )
        for name, ours, theirs in zip(OUTPUTS, outputs, expected, strict=False):
            if ours.shape != tuple(theirs.shape):
                raise ExportError(
                    f"The exported {type(model).__name__} gives {ours.shape} for "
                    f"{name!r}, the model {tuple(theirs.shape)}; it was not written."
                )
            # The position is a number of samples up to the stride.
            scale = 1.0 if name == OUTPUTS[0] else float(model.stride)
            difference = np.abs(ours - theirs.numpy()).max() / scale
            if not difference <= tolerance:
                raise ExportError(
                    f"The exported {type(model).__name__} differs from the model by "
                    f"{difference:.1e} in {name!r}, more than {tolerance:.0e}; it was "
                    "not written."
                )


def trace_onnx(model: PhasePicker) -> bytes:
    """
    :param model: Picker on the CPU
    :return: The graph as PyTorch's exporter writes it
    """
    outputs = OUTPUTS if model.regression else OUTPUTS[:1]
    graph = io.BytesIO()
    # Of a layer that it does not know PyTorch prints the whole graph.
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        # The exporter that goes by tracing has been called deprecated for years; the
        # other one unrolls the recurrent layers.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (torch.zeros(2, 3, model.in_samples),),
            graph,
            input_names=[INPUT],
            output_names=list(outputs),
            dynamic_axes={name: {0: "batch"} for name in (INPUT, *outputs)},
            opset_version=17,
            dynamo=False,
        )
    return graph.getvalue()


def _write_onnx(model: PhasePicker, path: Path) -> None:
    try:
        import onnx

        from .graph import optimize_graph

        graph = optimize_graph(onnx.load_from_string(trace_onnx(model)))
    except ImportError as error:
        raise ExportError(
            f"Export to ONNX needs the package onnx: pip install onnx ({error})."
        ) from error
    # What a layer that ONNX does not know gives is up to the layer.
    except Exception as error:
        raise ExportError(
            f"{type(model).__name__} can't be written as ONNX "
            f"({type(error).__name__}: {error})."
        ) from error
    path.write_bytes(graph.SerializeToString())


def _run_onnx(path: Path) -> Callable[[np.ndarray], list[np.ndarray]]:
    try:
        onnxruntime = load_runtime()
        session = onnxruntime.InferenceSession(
            str(path), providers=["CPUExecutionProvider"]
        )
    # ONNX Runtime's errors have no common class.
    except Exception as error:
        raise ExportError(
            f"ONNX Runtime can't be used ({type(error).__name__}: {error})."
        ) from error
    return lambda wave: session.run(None, {INPUT: wave})


def _write_jit(model: PhasePicker, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch.jit.script(model).save(str(path))
        # What TorchScript does not know is up to the layer.
        except RuntimeError as error:
            raise ExportError(
                f"{type(model).__name__} can't be written as TorchScript "
                f"({str(error).strip().splitlines()[0]})."
            ) from error


def _run_jit(path: Path) -> Callable[[np.ndarray], list[np.ndarray]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.jit.load(str(path), map_location="cpu")

    def network(wave: np.ndarray) -> list[np.ndarray]:
        with torch.no_grad():
            output = program(torch.from_numpy(wave))
        output = output if isinstance(output, tuple) else (output,)
        return [tensor.numpy() for tensor in output]

    return network
