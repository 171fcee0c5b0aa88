"""Models of every kind as one thing: windows in, picks out."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import torch
from seisbench.models import WaveformModel

from ..models import (
    PhasePicker,
    find_pair,
    find_phase_lppn,
    find_phase_point2point,
    load_model,
)

#: Smallest distance of two picks of one phase, in samples.
DISTANCE = 50

_LOG = logging.getLogger("seisbench_diting")

_NAMES = {1: "P", 2: "S"}
_DEFAULT_RATE = 50.0
_DEFAULT_ORDER = "ZNE"

Picks = list[tuple[str, float, float]]
Network = Callable[[np.ndarray], list[np.ndarray]]


class WindowPicker(ABC):
    """
    Picks windows.

    :param name: How it is called in tables
    :param sampling_rate: Sampling rate of the windows in Hz
    :param component_order: Order of their components
    """

    def __init__(self, name: str, sampling_rate: float, component_order: str):
        self.name = name
        self.sampling_rate = sampling_rate
        self.component_order = component_order

    @abstractmethod
    def pick(self, wave: np.ndarray, height: float, distance: int) -> list[Picks]:
        """
        :param wave: Windows (batch, 3, samples), means removed, divided by the joint peak
        :param height: Smallest probability of a pick
        :param distance: Smallest distance of two picks of one phase in samples
        :return: Phase, sample and probability of the picks of each window
        """


class NetworkPicker(WindowPicker):
    """
    A network that takes (batch, 3, samples) and gives (batch, classes, samples), or
    LPPN's two outputs.

    :param network: Function of a float32 array that gives one array, or two for LPPN
    :param others: As for :py:class:`WindowPicker`
    """

    def __init__(self, network: Network, *others: Any):
        super().__init__(*others)
        self.network = network

    def pick(self, wave: np.ndarray, height: float, distance: int) -> list[Picks]:
        output = self.network(wave)
        if len(output) == 2:
            stride = wave.shape[-1] // output[0].shape[-1]
            cells = max(1, distance // stride)
            found = find_phase_lppn(
                [_three_classes(output[0]), output[1]], height, cells, stride
            )
        else:
            found = find_phase_point2point(_three_classes(output[0]), height, distance)
        return [[(_NAMES[k], s, prob) for k, s, prob in window] for window in found]


class StreamPicker(WindowPicker):
    """
    A SeisBench picker of any kind, through its own ``classify``, each window a station.

    :param model: Model
    :param others: As for :py:class:`WindowPicker`
    """

    def __init__(self, model: WaveformModel, *others: Any):
        super().__init__(*others)
        self.model = model

    def pick(self, wave: np.ndarray, height: float, distance: int) -> list[Picks]:
        """``distance`` has no effect: the model has rules of its own."""
        stream = obspy.Stream(
            obspy.Trace(
                component,
                {
                    "network": "XX",
                    "station": f"{number:05d}",
                    "channel": f"HH{code}",
                    "sampling_rate": self.sampling_rate,
                },
            )
            for number, window in enumerate(wave)
            for component, code in zip(window, self.component_order, strict=True)
            if window.any()
        )
        picks: list[Picks] = [[] for _ in wave]
        if len(stream) == 0:
            return picks
        thresholds = {"P_threshold": height, "S_threshold": height}
        for pick in self.model.classify(stream, **thresholds).picks:
            number = int(pick.trace_id.split(".")[1])
            sample = (pick.peak_time - stream[0].stats.starttime) * self.sampling_rate
            picks[number].append((pick.phase[0], float(sample), float(pick.peak_value)))
        return picks


def load_picker(
    model: str | Path | WaveformModel,
    *,
    sampling_rate: float | None = None,
    component_order: str | None = None,
) -> WindowPicker:
    """
    :param model: A published set (``LPPNM/diting``), a pretrained model of SeisBench
        (``PhaseNet/stead``), a SeisBench pair with or without its ending, a TorchScript
        or ONNX file, or a model
    :param sampling_rate: Sampling rate in Hz of a file that does not tell it; 50 by
        default
    :param component_order: Order of the components of a file that does not tell it; ZNE
        by default
    :raises ValueError: if there is no such model
    """
    if isinstance(model, WaveformModel):
        return _of_model(model, type(model).__name__)
    text = str(model)
    path = Path(text).expanduser()
    if path.is_file() and not find_pair(path):
        read = _onnx_network if path.suffix == ".onnx" else _torchscript_network
        rate, order = sampling_rate or _DEFAULT_RATE, component_order or _DEFAULT_ORDER
        if sampling_rate is None or component_order is None:
            _LOG.warning(
                "model=%r: the file does not tell its rate and components; taken as %g Hz, "
                "%s. sampling_rate= and component_order= name others.",
                text,
                rate,
                order,
            )
        return NetworkPicker(read(path), path.name, rate, order)
    return _of_model(load_model(text), text)


def _of_model(model: WaveformModel, name: str) -> WindowPicker:
    model.eval()
    rate = float(model.sampling_rate)
    order = "".join(model.component_order or _DEFAULT_ORDER)
    if not isinstance(model, PhasePicker):
        return StreamPicker(model, name, rate, order)

    def network(wave: np.ndarray) -> list[np.ndarray]:
        with torch.no_grad():
            batch = torch.from_numpy(wave).to(model.device)
            output = model(model.annotate_batch_pre(batch, {}))
        prob, *offset = output if isinstance(output, tuple) else (output,)
        prob = _p_and_s(prob, model.labels)
        return [tensor.float().cpu().numpy() for tensor in (prob, *offset)]

    return NetworkPicker(network, name, rate, order)


def _p_and_s(prob: torch.Tensor, labels: str | list[str]) -> torch.Tensor:
    """N, P, S of classes such as Pg and Pn: the larger of each phase."""
    columns = [prob[:, 0]]
    for phase in "PS":
        own = [i for i, label in enumerate(labels) if i and label[0] == phase]
        columns.append(prob[:, own].amax(dim=1))
    return torch.stack(columns, dim=1)


def _torchscript_network(path: Path) -> Network:
    try:
        program = torch.jit.load(str(path), map_location="cpu").eval()
    except RuntimeError as error:
        raise ValueError(
            f"model={str(path)!r} is neither a TorchScript file nor a SeisBench pair "
            f"(NAME.pt and NAME.json): {str(error).splitlines()[0]}"
        ) from error

    def network(wave: np.ndarray) -> list[np.ndarray]:
        with torch.no_grad():
            output = program(torch.from_numpy(wave))
        output = output if isinstance(output, (tuple, list)) else (output,)
        return [tensor.float().numpy() for tensor in output]

    return network


def _onnx_network(path: Path) -> Network:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise ValueError(
            f"model={str(path)!r} can't be read as ONNX: {str(error).splitlines()[0]}"
        ) from error
    (name,) = (entry.name for entry in session.get_inputs())
    outputs = [entry.name for entry in session.get_outputs()]
    # The published names, whatever the order in the file.
    wanted = [one for one in ("prob", "time") if one in outputs] or outputs
    return lambda wave: session.run(wanted, {name: wave})


def _three_classes(prob: np.ndarray) -> np.ndarray:
    # Published LPPN files have classes that were never trained.
    return prob[:, :3]
