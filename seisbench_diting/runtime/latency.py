"""The paper's measurement: how long networks take for many windows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ..models import Output, PhasePicker, Runner, default_batch_size, in_evaluation_mode
from ..plots import new_figure
from .folding import fold_batch_norms
from .sessions import export_graph, make_runner, open_graph

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: What can be measured: ONNX Runtime, PyTorch, TorchScript, PyTorch in bfloat16, and
#: ``torch.compile``.
BACKENDS = ("onnx", "torch", "torchscript", "bfloat16", "compile")

#: The backends of a device by default.
DEFAULT_BACKENDS = {
    "cpu": ("onnx", "torch"),
    "cuda": ("torch", "bfloat16"),
    "mps": ("torch",),
}

#: Windows that lie in memory, 106 MB; a larger batch uses them more than once.
_MOST_WINDOWS = 1440


@dataclass(frozen=True)
class Latency:
    """
    How long a network takes.

    :param model: Name of the model
    :param backend: What ran it
    :param device: Where it ran
    :param batch: Windows in each cycle
    :param part: Windows that were evaluated together, which bounds the memory
    :param milliseconds: Mean time of a cycle
    :param deviation: Standard deviation of the times
    """

    model: str
    backend: str
    device: str
    batch: int
    part: int
    milliseconds: float
    deviation: float


def measure_latency(
    model: PhasePicker,
    backend: str = "onnx",
    *,
    name: str | None = None,
    batch: int = 1440,
    cycles: int = 15,
) -> Latency:
    """
    Runs a network over windows of noise, a number of times, the first third of which
    does not count. Windows are evaluated in parts, so that memory stays below 4 GB
    whatever the batch.

    :param model: Picker, on the device that is to be measured
    :param backend: One of :py:data:`BACKENDS`
    :param name: How it is called in tables, by default by its class
    :param batch: Windows in each cycle
    :param cycles: Number of cycles
    :raises ValueError: for wrong arguments
    :raises seisbench_diting.models.BackendUnavailableError: if ONNX Runtime
        can't run the model
    :return: Times
    """
    check_backend(backend, model.device.type)
    _check_counts(batch, cycles)
    if model.dtype != torch.float32:
        raise ValueError(
            f"model is in {model.dtype}; windows are float32. Use model.float(), and "
            "backend='bfloat16' for that."
        )
    model = in_evaluation_mode(model)
    with torch.no_grad():
        run, context = _runner(model, backend)
        with context:
            return _measure(run, model, backend, name, batch, cycles)


def check_backend(backend: str, device_type: str) -> None:
    """
    :raises ValueError: if there is no such backend, or not on such devices
    """
    if backend not in BACKENDS:
        raise ValueError(f"backend={backend!r} must be one of {', '.join(BACKENDS)}.")
    if backend == "onnx" and device_type != "cpu":
        raise ValueError(
            f"backend='onnx' runs on the CPU, not on {device_type}. Leave the backend "
            "out, or the device."
        )


def _check_counts(batch: int, cycles: int) -> None:
    # The first third of the cycles is to warm up.
    for name, value, least in (("batch", batch, 1), ("cycles", cycles, 3)):
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(
                f"{name}={value!r} must be a whole number of at least {least}."
            )


def measure_graph(
    model: PhasePicker,
    path: Path,
    *,
    name: str | None = None,
    batch: int = 1440,
    cycles: int = 15,
) -> Latency:
    """
    The same for an ONNX file.

    :param model: The model that it was made from
    :param path: File
    :param name: See :py:func:`measure_latency`
    :param batch: See :py:func:`measure_latency`
    :param cycles: See :py:func:`measure_latency`
    :raises ValueError: for wrong arguments
    :return: Times
    """
    _check_counts(batch, cycles)
    runner = open_graph(path.read_bytes())
    return _measure(runner, model, path.stem, name, batch, cycles)


def _measure(
    run: Runner,
    model: PhasePicker,
    backend: str,
    name: str | None,
    batch: int,
    cycles: int,
) -> Latency:
    part = min(batch, default_batch_size(model))
    in_memory = -(-min(batch, _MOST_WINDOWS) // part) * part
    generator = torch.Generator().manual_seed(0)
    windows = torch.randn(in_memory, 3, model.in_samples, generator=generator)
    windows /= windows.abs().amax(dim=(1, 2), keepdim=True)
    windows = windows.to(model.device)

    def parts() -> Iterator[torch.Tensor]:
        for begin in range(0, batch, part):
            place = begin % in_memory
            yield windows[place : place + min(part, batch - begin)]

    times = []
    for _ in range(cycles):
        begin = time.perf_counter()
        for _ in run(parts()):
            pass
        if model.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(1000 * (time.perf_counter() - begin))
    counted = np.array(times[cycles // 3 :])
    return Latency(
        name or type(model).__name__,
        backend,
        str(model.device),
        batch,
        part,
        float(counted.mean()),
        float(counted.std()),
    )


def _runner(
    model: PhasePicker, backend: str
) -> tuple[Runner, AbstractContextManager[object]]:
    if backend == "onnx":
        return make_runner(model), nullcontext()
    network: Callable[[torch.Tensor], Output] = model
    if backend == "torchscript":
        network = torch.jit.script(fold_batch_norms(model))
    elif backend == "compile":
        network = torch.compile(model)
    context: AbstractContextManager[object] = nullcontext()
    if backend == "bfloat16":
        context = torch.autocast(model.device.type, torch.bfloat16)
    return partial(map, network), context


def count_parameters(model: nn.Module) -> int:
    """:return: Number of trained numbers"""
    return sum(parameter.numel() for parameter in model.parameters())


def count_flops(model: PhasePicker) -> int:
    """
    :param model: Picker
    :return: Floating point operations of convolutions, products and recurrent layers
        for one window; a multiplication and an addition are two
    """
    # PyTorch does not count recurrent layers.
    recurrent = 0

    def add(lstm: nn.LSTM, inputs: tuple[torch.Tensor], _: object) -> None:
        nonlocal recurrent
        steps = inputs[0].shape[1]
        gates = 4 * lstm.hidden_size * (lstm.input_size + lstm.hidden_size)
        directions = 2 if lstm.bidirectional else 1
        recurrent += 2 * gates * steps * directions * lstm.num_layers

    hooks = [
        module.register_forward_hook(add)
        for module in model.modules()
        if isinstance(module, nn.LSTM)
    ]
    counter = FlopCounterMode(display=False)
    try:
        # Without gradients a whole attention layer is one operation that is not counted.
        # With them its two products are not, on a CPU: 0.4 of EQT's 103 million.
        with torch.enable_grad(), counter:
            model(torch.zeros(1, 3, model.in_samples, device=model.device))
    finally:
        for hook in hooks:
            hook.remove()
    return counter.get_total_flops() + recurrent


def plot_latencies(
    latencies: list[Latency], scores: dict[str, tuple[float, float]], source: str
) -> Figure:
    """
    :param latencies: Times, those of one model and backend each
    :param scores: F1 of P and S by the name of the model, of all of them
    :param source: Where they come from
    :return: Figure of F1 over time
    """

    figure = new_figure(figsize=(10, 4), layout="constrained")
    backends = list(dict.fromkeys(latency.backend for latency in latencies))
    names = list(dict.fromkeys(latency.model for latency in latencies))
    markers = dict(zip(backends, "osD^vP", strict=False))
    panels = figure.subplots(1, 2)
    for phase, panel in enumerate(panels):
        for latency in latencies:
            panel.plot(
                latency.milliseconds,
                scores[latency.model][phase],
                markers[latency.backend],
                color=f"C{names.index(latency.model)}",
                alpha=0.8,
            )
        panel.set_xscale("log")
        panel.set_xlabel(f"ms for {latencies[0].batch} windows")
        panel.set_ylabel(f"F1 of {'PS'[phase]}")
        panel.grid(alpha=0.3)
    for number, name in enumerate(names):
        # Paths may be longer than the picture.
        panels[1].plot([], [], "s", color=f"C{number}", label=name[-24:])
    for backend, marker in markers.items():
        panels[1].plot([], [], marker, color="grey", label=backend)
    figure.legend(*panels[1].get_legend_handles_labels(), loc="outside right center")
    figure.suptitle(
        f"F1 ({source}) over time on {latencies[0].device}", fontsize="medium"
    )
    return figure


def graph_megabytes(model: PhasePicker) -> float:
    """Size of the ONNX file of a model."""
    return len(export_graph(model)) / 1e6
