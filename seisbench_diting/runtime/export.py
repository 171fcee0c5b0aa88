"""Networks as files that other programs run: ONNX and TorchScript."""

from __future__ import annotations

import copy
import io
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .._util import ArgumentError, replacing
from ..models import PhasePicker

if TYPE_CHECKING:
    import onnxruntime

Model = TypeVar("Model", bound=nn.Module)

#: Where a file has the properties of its model: JSON, as an extra file of TorchScript or
#: as metadata of ONNX.
PROPERTIES = "seisbench_diting.json"

#: Published names of the input and the outputs.
INPUT = "wave"
OUTPUTS = ("prob", "time")

#: Largest difference from PyTorch.
TOLERANCE = 1e-5

# For windows on which single precision itself is coarser, such as a spike in silence.
_COARSE = 1e-3

# A convolution and the normalization after it, as the networks' blocks name them.
_PAIRS = (("conv", "norm"), ("project", "norm"), ("conv1", "norm2"))


class ExportError(RuntimeError):
    """A model can't be exported."""


def export_model(model: PhasePicker, path: str | Path) -> Path:
    """
    Writes a network for windows (batch, 3, samples) of any number, means removed and
    divided by their joint peak, components in the order of the model. Batch
    normalization is folded in. ONNX: input ``wave``, output ``prob`` and, for LPPN,
    ``time``, the position of the arrival in its cell in samples. TorchScript: the same
    outputs in this order. The file also holds sampling rate, component order, classes
    and default arguments, so that :py:func:`seisbench_diting.models.load_model` needs
    nothing else. The network of a model from a file is written unchanged.

    :param model: Picker of this package, or from a network file
    :param path: File to write, ending in ``.onnx`` or ``.jit``
    :raises ValueError: for another ending or model
    :raises ExportError: if the file would differ from the model, by more than 1e-5 for
        noise; nothing is written then
    :return: The file
    """
    path = Path(path)
    kinds = {".onnx": to_onnx, ".jit": _to_torchscript}
    kind = path.suffix.lower()
    if kind not in kinds:
        raise ArgumentError("output", str(path), "must end in .onnx or .jit")
    if not isinstance(model, PhasePicker):
        reason = "only pickers of this package can be exported"
        raise ArgumentError("model", type(model).__name__, reason)
    content = getattr(model, "content", None) or kinds[kind](model)
    if zipfile.is_zipfile(io.BytesIO(content)) != (kind == ".jit"):
        reason = "the model's file is of the other kind and can't be converted"
        raise ArgumentError("output", str(path), reason)
    with replacing(path) as temporary:
        temporary.write_bytes(_with_properties(content, model, kind))
    return path


def _with_properties(content: bytes, model: PhasePicker, kind: str) -> bytes:
    """:return: The file with the properties of its model"""
    more = ("default_args", "reliability")
    values = model.get_model_args() | {name: getattr(model, name) for name in more}
    values["labels"] = values.pop("phases")
    properties = {PROPERTIES: json.dumps(values)}
    if kind == ".onnx":
        import onnx

        graph = onnx.load_from_string(content)
        onnx.helper.set_model_props(graph, properties)
        return bytes(graph.SerializeToString())
    file = io.BytesIO()
    with quiet():
        program = torch.jit.load(io.BytesIO(content), "cpu")
        torch.jit.save(program, file, _extra_files=properties)
    return file.getvalue()


def to_onnx(model: PhasePicker) -> bytes:
    """
    :param model: Picker
    :raises ExportError: if it can't be exported
    :return: Content of the ONNX file, rewritten into what runs fastest
    """
    folded = fold_batch_norms(model).to("cpu", torch.float32)
    try:
        import onnx

        from .graph import optimize_graph

        graph = optimize_graph(onnx.load_from_string(trace_onnx(folded)))
        content: bytes = graph.SerializeToString()
        session = open_session(content)
    # Layers that ONNX does not know raise all kinds of errors, as does ONNX Runtime.
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ExportError(
            f"{model.name} can't be written as ONNX ({reason})."
        ) from error
    _check(folded, lambda wave: session.run(None, {INPUT: wave}))
    return content


def trace_onnx(model: PhasePicker) -> bytes:
    """
    :param model: Picker on the CPU
    :return: The graph as PyTorch's exporter writes it
    """
    outputs = OUTPUTS if model.regression else OUTPUTS[:1]
    graph = io.BytesIO()
    with quiet():
        # The exporter that traces has been deprecated for years; the other one unrolls
        # the recurrent layers.
        torch.onnx.export(
            model,
            (torch.zeros(2, 3, model.in_samples),),
            graph,  # type: ignore[arg-type]
            input_names=[INPUT],
            output_names=list(outputs),
            dynamic_axes={name: {0: "batch"} for name in (INPUT, *outputs)},
            opset_version=17,
            dynamo=False,
        )
    return graph.getvalue()


@contextmanager
def quiet() -> Iterator[None]:
    # PyTorch prints the whole graph where it does not know a layer.
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def open_session(graph: bytes | str, threads: int = 1) -> onnxruntime.InferenceSession:
    """
    :param graph: Content of an ONNX file, or its path
    :param threads: Threads that compute one layer
    :return: Session of ONNX Runtime on the CPU
    """
    # Imported here, because this takes longer than all other imports.
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        graph, options, providers=["CPUExecutionProvider"]
    )


def _to_torchscript(model: PhasePicker) -> bytes:
    folded = fold_batch_norms(model).to("cpu", torch.float32)
    file = io.BytesIO()
    try:
        with quiet():
            torch.jit.save(torch.jit.script(folded), file)
    # Layers that TorchScript does not know.
    except RuntimeError as error:
        raise ExportError(
            f"{type(model).__name__} can't be written as TorchScript "
            f"({str(error).strip().splitlines()[0]})."
        ) from error
    file.seek(0)
    program = torch.jit.load(file, "cpu")

    def network(wave: np.ndarray) -> list[np.ndarray]:
        with torch.no_grad():
            output = program(torch.from_numpy(wave))
        output = output if isinstance(output, tuple) else (output,)
        return [tensor.numpy() for tensor in output]

    _check(folded, network)
    return file.getvalue()


def fold_batch_norms(model: Model) -> Model:
    """
    :param model: Network of this package
    :return: A copy in evaluation mode, with batch normalizations folded into the
        convolutions before them
    """
    folded = copy.deepcopy(model).eval()
    for module in folded.modules():
        for first, second in _PAIRS:
            conv, norm = getattr(module, first, None), getattr(module, second, None)
            if isinstance(norm, nn.BatchNorm1d) and conv is not None:
                transpose = isinstance(conv, nn.ConvTranspose1d)
                setattr(module, first, fuse_conv_bn_eval(conv, norm, transpose))
                setattr(module, second, nn.Identity())
    return folded


def _check(
    model: PhasePicker, network: Callable[[np.ndarray], list[np.ndarray]]
) -> None:
    for wave, tolerance in _example_waves(model.in_samples):
        with torch.no_grad():
            expected = model(torch.from_numpy(wave))
        expected = expected if isinstance(expected, tuple) else (expected,)
        try:
            outputs = network(wave)
        # ONNX Runtime's errors have no common class.
        except Exception as error:
            reason = f"does not run with {len(wave)} windows: {error}"
            raise ExportError(
                f"The exported {type(model).__name__} {reason}."
            ) from error
        # The position is a number of samples up to the stride.
        scales = (1.0, float(model.stride))
        for name, ours, theirs, scale in zip(OUTPUTS, outputs, expected, scales):  # noqa: B905
            same = ours.shape == theirs.shape
            if not same or not np.abs(ours - theirs.numpy()).max() <= tolerance * scale:
                raise ExportError(
                    f"The exported file differs in {name!r}; not written."
                )


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
    for window in noise[3:]:
        yield window[None], _COARSE
