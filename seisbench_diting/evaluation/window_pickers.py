"""Models of every kind as one thing: windows in, picks out."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import torch
from seisbench.models import WaveformModel

from .._util import ArgumentError
from ..models import (
    PhasePicker,
    find_pair,
    find_phase_lppn,
    find_phase_point2point,
    load_model,
)
from ..runtime import Network, open_session, open_torchscript

_LOG = logging.getLogger("seisbench_diting")

_NAMES = {1: "P", 2: "S"}
_DEFAULT_RATE = 50.0
_DEFAULT_ORDER = "ZNE"

Picks = list[tuple[str, float, float]]


class WindowPicker:
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

    def pick(self, wave: np.ndarray, threshold: float, distance: int) -> list[Picks]:
        """
        :param wave: Windows (batch, 3, samples), means removed, divided by the joint peak
        :param threshold: Smallest probability of a pick
        :param distance: Smallest distance of two picks of one phase in samples
        :return: Phase, sample and probability of the picks of each window
        """
        raise NotImplementedError


class _NetworkPicker(WindowPicker):
    """A network that gives (batch, classes, samples), or LPPN's two outputs."""

    def __init__(self, network: Network, *others: Any):
        super().__init__(*others)
        self.network = network

    def pick(self, wave: np.ndarray, threshold: float, distance: int) -> list[Picks]:
        # Published LPPN files have classes that were never trained.
        prob, *offset = self.network(wave)
        prob = prob[:, :3]
        if offset:
            stride = wave.shape[-1] // prob.shape[-1]
            cells = max(1, distance // stride)
            found = find_phase_lppn([prob, *offset], threshold, cells, stride)
        else:
            found = find_phase_point2point(prob, threshold, distance)
        return [[(_NAMES[int(k)], s, p) for k, s, p in window] for window in found]


class _StreamPicker(WindowPicker):
    """A picker of SeisBench, through its own ``classify``, each window a station."""

    def __init__(self, model: WaveformModel, *others: Any):
        super().__init__(*others)
        self.model = model

    def pick(self, wave: np.ndarray, threshold: float, distance: int) -> list[Picks]:
        header = {"network": "XX", "sampling_rate": self.sampling_rate}
        stream = obspy.Stream(
            obspy.Trace(
                component,
                {**header, "station": f"{number:05d}", "channel": f"HH{code}"},
            )
            for number, window in enumerate(wave)
            for component, code in zip(window, self.component_order, strict=True)
            if window.any()
        )
        picks: list[Picks] = [[] for _ in wave]
        if len(stream) == 0:
            return picks
        thresholds = {"P_threshold": threshold, "S_threshold": threshold}
        for pick in self.model.classify(stream, **thresholds).picks:
            number = int(pick.trace_id.split(".")[1])
            sample = (pick.peak_time - stream[0].stats.starttime) * self.sampling_rate
            picks[number].append((pick.phase[0], float(sample), float(pick.peak_value)))
        return picks


def load_picker(
    model: str | Path | WaveformModel | WindowPicker,
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
    :raises ValueError: if the model can't be loaded
    """
    if isinstance(model, WindowPicker):
        return model
    if isinstance(model, WaveformModel):
        return _of_model(model, type(model).__name__)
    path = Path(model).expanduser()
    if not path.is_file() or find_pair(path):
        return _of_model(load_model(model), str(model))
    rate, order = sampling_rate or _DEFAULT_RATE, component_order or _DEFAULT_ORDER
    if sampling_rate is None or component_order is None:
        _LOG.warning(
            "model=%r: the file does not tell its rate and components; taken as %g Hz, %s. "
            "sampling_rate= and component_order= name others.",
            str(model),
            rate,
            order,
        )
    return _NetworkPicker(_of_file(path), path.name, rate, order)


def _of_file(path: Path) -> Network:
    is_onnx = path.suffix == ".onnx"
    try:
        if not is_onnx:
            return open_torchscript(str(path))
        session = open_session(str(path), torch.get_num_threads())
    # Errors of ONNX Runtime and PyTorch.
    except Exception as error:
        kind = (
            "ONNX" if is_onnx else "TorchScript file or SeisBench pair (.pt and .json)"
        )
        raise ArgumentError(
            "model", str(path), f"can't be read as {kind}: {str(error).splitlines()[0]}"
        ) from error
    (name,) = (entry.name for entry in session.get_inputs())
    outputs = [entry.name for entry in session.get_outputs()]
    # The published names, whatever the order in the file.
    wanted = [one for one in ("prob", "time") if one in outputs] or outputs
    return lambda wave: session.run(wanted, {name: wave})


def _of_model(model: WaveformModel, name: str) -> WindowPicker:
    model.eval()
    rate = float(model.sampling_rate)
    order = "".join(model.component_order or _DEFAULT_ORDER)
    if not isinstance(model, PhasePicker):
        return _StreamPicker(model, name, rate, order)

    def network(wave: np.ndarray) -> list[np.ndarray]:
        with torch.no_grad():
            batch = torch.from_numpy(wave).to(model.device)
            output = model(model.annotate_batch_pre(batch, {}))
        prob, *offset = output if isinstance(output, tuple) else (output,)
        # N, P and S of classes such as Pg and Pn: the larger of each phase.
        phases = [
            [i for i, one in enumerate(model.labels) if one[0] == k] for k in "NPS"
        ]
        prob = torch.stack([prob[:, own].amax(dim=1) for own in phases], dim=1)
        return [tensor.float().cpu().numpy() for tensor in (prob, *offset)]

    return _NetworkPicker(network, name, rate, order)
