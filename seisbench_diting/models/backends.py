"""What runs a network over windows: PyTorch, or what registers itself here."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

import seisbench
import torch
from torch import nn

if TYPE_CHECKING:
    from .base import PhasePicker

#: What a network gives: classes, or for LPPN classes and positions.
Output: TypeAlias = torch.Tensor | tuple[torch.Tensor, torch.Tensor]

#: Takes normalized windows, batch by batch, and gives the outputs in their order.
Runner: TypeAlias = Callable[[Iterator[torch.Tensor]], Iterator[Output]]

#: Values of the argument ``backend``.
BACKENDS = ("auto", "torch", "onnx")

#: Windows in a batch: on a CPU as many as its caches hold.
BATCH_ON_CPU = 8
BATCH_ELSEWHERE = 64

#: Room that runs models on ONNX Runtime. By name, as it imports the models.
_ONNX = "seisbench_diting.runtime"


class BackendUnavailableError(RuntimeError):
    """A backend can't run a model here; PyTorch can."""


def choose_runner(model: PhasePicker, backend: str) -> Runner:
    """
    :param model: Picker in evaluation mode
    :param backend: "torch"; "onnx", which is faster on CPUs; or "auto"
    :raises ValueError: if ONNX Runtime is asked for, but the model is not on the CPU in
        single precision
    :return: What runs its network. PyTorch, after one warning, where ONNX Runtime can't
        run the model
    """
    suitable = model.device.type == "cpu" and model.dtype == torch.float32
    if backend == "onnx" and not suitable:
        raise ValueError(
            f"backend='onnx' runs on the CPU in float32, but the model is on "
            f"{model.device} in {model.dtype}. Use backend='auto', or "
            "model.to('cpu', torch.float32)."
        )
    if backend != "torch" and suitable:
        try:
            return importlib.import_module(_ONNX).make_runner(model)
        except BackendUnavailableError as error:
            message = f"{type(model).__name__} runs on PyTorch, which is slower: "
            if "backend" not in model._warned:
                model._warned.add("backend")
                seisbench.logger.warning(f"{message}{error}")
    return lambda waves: map(model, waves)


def default_batch_size(model: nn.Module) -> int:
    """Windows in a batch, on the device of the model."""
    return BATCH_ON_CPU if model.device.type == "cpu" else BATCH_ELSEWHERE


def weights_checksum(model: nn.Module) -> str:
    """SHA-256 of the names, types, shapes and values of all parameters and buffers."""
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        # As bytes: NumPy does not have all types.
        flat = value.detach().cpu().contiguous().reshape(-1)
        digest.update(memoryview(flat.view(torch.uint8).numpy()))
    return digest.hexdigest()
