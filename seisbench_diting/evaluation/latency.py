"""The measurement of the paper: how long networks take for many windows."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from .. import models
from .._util import ArgumentError, takes
from ..models import (
    PhasePicker,
    Runner,
    default_batch_size,
    in_evaluation_mode,
    load_model,
)
from ..runtime import fold_batch_norms, make_runner, to_onnx
from .evaluation_settings import LatencySettings
from .scoring import evaluate

#: ONNX Runtime, PyTorch, TorchScript, PyTorch in bfloat16, and ``torch.compile``.
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
    :param backend: Backend that ran it
    :param device: Where it ran
    :param batch: Windows in each cycle
    :param part: Windows that were evaluated together, which bounds the memory
    :param milliseconds: Mean time of a cycle
    :param deviation: Standard deviation of the times
    :param parameters: Number of parameters
    :param flops: Operations for one window
    :param megabytes: Size of the ONNX file
    :param f1: F1 of P and S on a dataset, NaN without one
    """

    model: str
    backend: str
    device: str
    batch: int
    part: int
    milliseconds: float
    deviation: float
    parameters: int = 0
    flops: int = 0
    megabytes: float = 0.0
    f1: tuple[float, float] = (np.nan, np.nan)


@takes(LatencySettings)
def measure_latencies(settings: LatencySettings) -> Iterator[Latency]:
    """
    Measures models on backends, one after the other.

    :raises ValueError: for wrong arguments, before anything is measured
    :return: A latency for each model and backend, as they are measured
    """
    kind = _device_type(settings.device)
    backends = tuple(dict.fromkeys(settings.backend)) or DEFAULT_BACKENDS[kind]
    for backend in backends:
        _check_backend(backend, kind)
    if settings.data is not None and not settings.model:
        raise ArgumentError("data", settings.data, "needs models with weights")
    return _measure_all(settings, backends, _load(settings.model))


def _measure_all(
    settings: LatencySettings, backends: tuple[str, ...], loaded: dict[str, PhasePicker]
) -> Iterator[Latency]:
    for name, model in loaded.items():
        facts: dict[str, Any] = {
            "model": name,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "flops": count_flops(model),
            "megabytes": len(to_onnx(model)) / 1e6,
        }
        if settings.data is not None:
            found = evaluate(model, settings.data)
            facts["f1"] = tuple(found.measure(k, bootstraps=0).f1.value for k in "PS")
        model.to(settings.device)
        for backend in backends:
            latency = measure_latency(
                model, backend, batch=settings.batch, cycles=settings.cycles
            )
            yield replace(latency, **facts)
        model.to("cpu")


def _device_type(name: str) -> str:
    try:
        kind = torch.zeros(1, device=name).device.type
    # PyTorch has many errors for a device that is missing.
    except Exception as error:
        raise ArgumentError("device", name, str(error).splitlines()[0]) from error
    if kind not in DEFAULT_BACKENDS:
        allowed = f"must be one of {', '.join(DEFAULT_BACKENDS)}"
        raise ArgumentError("device", name, allowed)
    return kind


def _check_backend(backend: str, device_type: str) -> None:
    if backend not in BACKENDS:
        allowed = f"must be one of {', '.join(BACKENDS)}"
        raise ArgumentError("backend", backend, allowed)
    if backend == "onnx" and device_type != "cpu":
        raise ArgumentError(
            "backend", backend, f"runs on the CPU, not on {device_type}"
        )


def _load(names: list[Any]) -> dict[str, PhasePicker]:
    if not names:
        return {name: getattr(models, name)().eval() for name in models.PICKERS}
    loaded = {}
    for name in names:
        model = name if isinstance(name, nn.Module) else load_model(name)
        if not isinstance(model, PhasePicker):
            reason = f"it is a {type(model).__name__}, not a picker of this package"
            raise ArgumentError("model", name, reason)
        loaded[type(model).__name__ if model is name else str(name)] = model
    return loaded


def measure_latency(
    model: PhasePicker, backend: str = "onnx", *, batch: int = 1440, cycles: int = 15
) -> Latency:
    """
    Runs a network over windows of noise, a number of times, the first third of which
    does not count. Windows are evaluated in parts, so that memory stays below 4 GB
    whatever the batch.

    :param model: Picker in single precision, on the device that is to be measured
    :param backend: One of :py:data:`BACKENDS`
    :param batch: Windows in each cycle
    :param cycles: Number of cycles, at least three
    :raises ValueError: for wrong arguments
    :raises seisbench_diting.models.BackendUnavailableError: if ONNX Runtime
        can't run the model
    :return: Times
    """
    _check_backend(backend, model.device.type)
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
    with torch.no_grad():
        run = _runner(in_evaluation_mode(model), backend)
        for _ in range(cycles):
            begin = time.perf_counter()
            for _ in run(parts()):
                pass
            if model.device.type == "cuda":
                torch.cuda.synchronize()
            times.append(1000 * (time.perf_counter() - begin))
    counted = np.array(times[cycles // 3 :])
    return Latency(
        type(model).__name__,
        backend,
        str(model.device),
        batch,
        part,
        float(counted.mean()),
        float(counted.std()),
    )


def _runner(model: PhasePicker, backend: str) -> Runner:
    if backend == "onnx":
        return make_runner(model)
    network: Any = model
    if backend == "torchscript":
        network = torch.jit.script(fold_batch_norms(model))
    elif backend == "compile":
        network = torch.compile(model)
    elif backend == "bfloat16":
        network = torch.autocast(model.device.type, torch.bfloat16)(model)
    return lambda waves: map(network, waves)


def count_flops(model: PhasePicker) -> int:
    """
    Operations of a network for one window, two for each multiplication with addition;
    those of element-wise layers are not counted, as is usual.

    :param model: Picker
    """
    counter = FlopCounterMode(display=False)
    model = copy.deepcopy(model)
    recurrent = 0

    def add(lstm: nn.LSTM, inputs: tuple[torch.Tensor, ...], _: Any) -> None:
        nonlocal recurrent
        gates = 4 * lstm.hidden_size * (lstm.input_size + lstm.hidden_size)
        directions = 2 if lstm.bidirectional else 1
        recurrent += 2 * gates * inputs[0].shape[1] * directions * lstm.num_layers

    # PyTorch does not count recurrent layers.
    for module in model.modules():
        if isinstance(module, nn.LSTM):
            module.register_forward_hook(add)
    # Without gradients a whole attention layer is one operation that is not counted.
    # With them its two products are not, on a CPU: 0.4 of EQT's 103 million.
    with torch.enable_grad(), counter:
        model(torch.zeros(1, 3, model.in_samples, device=model.device))
    return int(counter.get_total_flops()) + recurrent
