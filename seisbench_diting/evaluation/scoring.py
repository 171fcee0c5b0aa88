"""Run models on windows: their picks beside the truth, and their speed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import obspy
import pandas as pd
import torch
from seisbench.data import WaveformDataset
from seisbench.models import PhaseNet, WaveformModel

from .. import models
from .._util import ArgumentError, check_place, progress_bar, takes
from ..data import open_dataset
from ..generate import DiTingTestBatches
from .evaluation_report import LOWEST, write_report
from .evaluation_settings import EvaluateSettings, LatencySettings
from .metrics import Evaluation, make_picks, read_validation

#: Columns of a dataset that an evaluation keeps.
_COLUMNS = ("path_ep_distance_km", "source_magnitude")

#: Settings that an evaluation keeps.
_COUNTED = {"threshold", "tolerance", "counting"}

#: Smallest distance of two picks of a phase in samples.
_DISTANCE = 50

#: Gives for windows (batch, 3, samples) the probabilities of N, P and S, and of LPPN the
#: positions of arrivals in cells.
NetworkFunction: TypeAlias = Callable[[np.ndarray], list[np.ndarray]]

#: For each window phase, sample and probability of its picks.
Picks = list[list[tuple[str, float, float]]]


@dataclass
class WindowPicker:
    """
    A model of any kind that picks windows.

    :param name: Name in tables
    :param sampling_rate: Sampling rate of the windows in Hz
    :param component_order: Order of their components
    :param pick: Function of windows (batch, 3, samples), with means removed and divided by
        the joint peak, and of the smallest probability
    """

    name: str
    sampling_rate: float
    component_order: str
    pick: Callable[[np.ndarray, float], Picks]


def load_picker(
    model: str | Path | WaveformModel | WindowPicker,
    sampling_rate: float | None = None,
    component_order: str | None = None,
    labels: Sequence[str] = (),
) -> WindowPicker:
    """
    :param model: A model, or its name or file as for
        :py:func:`seisbench_diting.models.load_model`
    :param sampling_rate: Sampling rate in Hz of a network file that does not tell it
    :param component_order: Order of its components
    :param labels: Its classes
    :raises ValueError: if the model can't be loaded
    """
    if isinstance(model, WindowPicker):
        return model
    name = type(model).__name__
    if not isinstance(model, WaveformModel):
        path, name = Path(model).expanduser(), str(model)
        told = sampling_rate, component_order, labels
        model = models.load_model(name, *told if models.names_file(name) else ())
        name = path.name if path.is_file() else name
    model.eval()
    order = "".join(model.component_order or "ZNE")
    is_ours = isinstance(model, models.PhasePicker)
    pick = _by_network(_of_model(model)) if is_ours else _by_stream(model, order)
    return WindowPicker(name, float(model.sampling_rate), order, pick)


def _by_network(network: NetworkFunction) -> Callable[[np.ndarray, float], Picks]:
    """Picks from probabilities (batch, classes, samples), or LPPN's two outputs."""

    def pick(wave: np.ndarray, threshold: float) -> Picks:
        prob, *offset = network(wave)
        if offset:
            stride = wave.shape[-1] // prob.shape[-1]
            cells = max(1, _DISTANCE // stride)
            found = models.find_phase_lppn([prob, *offset], threshold, cells, stride)
        else:
            found = models.find_phase_point2point(prob, threshold, _DISTANCE)
        return [[(" PS"[int(k)], s, p) for k, s, p in window] for window in found]

    return pick


def _of_model(model: models.PhasePicker) -> NetworkFunction:
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

    return network


def _by_stream(
    model: WaveformModel, component_order: str
) -> Callable[[np.ndarray, float], Picks]:
    """Picks from the model's own ``classify``, each window a station."""
    rate = float(model.sampling_rate)

    def pick(wave: np.ndarray, threshold: float) -> Picks:
        stream = obspy.Stream(
            obspy.Trace(
                component,
                {"station": f"{i:05d}", "channel": f"HH{code}", "sampling_rate": rate},
            )
            for i, window in enumerate(wave)
            for component, code in zip(window, component_order, strict=True)
            if window.any()
        )
        picks: Picks = [[] for _ in wave]
        if len(stream) == 0:
            return picks
        arguments = models.thresholds(model, threshold)
        for pick in model.classify(stream, **arguments).picks:
            sample = (pick.peak_time - stream[0].stats.starttime) * rate
            row = (pick.phase[0], float(sample), float(pick.peak_value))
            picks[int(pick.trace_id.split(".")[1])].append(row)
        return picks

    return pick


@takes(EvaluateSettings)
def evaluate(settings: EvaluateSettings) -> Evaluation:
    """
    Evaluates a picker on one window of each record of a split: the same windows for
    every model of one sampling rate.

    :raises ValueError: for wrong arguments, or if the split is empty
    :return: Picks, truth and measures
    """
    return evaluate_models(settings)[0]


def evaluate_models(settings: EvaluateSettings) -> list[Evaluation]:
    """
    :param settings: Settings, of one model or several
    :return: An evaluation for each model
    """
    output = settings.output
    if output is not None:
        check_place(output, f"output={str(output)!r}")
    if settings.report is not None:
        settings.report.mkdir(parents=True, exist_ok=True)
    if settings.picks is not None:
        counted = settings.model_dump(include=_COUNTED)
        rate = settings.sampling_rate or 50.0
        found = [read_validation(settings.picks, rate, **counted)]
    else:
        pickers = [load_picker(model, **settings.told) for model in settings.model]
        found = [_evaluate(picker, settings) for picker in pickers]
    for evaluation in found:
        if output is None:
            break
        name = evaluation.name.replace("/", "-").replace("\\", "-")
        middle = f".{name}" if len(found) > 1 else ""
        evaluation.write(output.with_name(f"{output.stem}{middle}{output.suffix}"))
    if settings.report is not None:
        write_report(found, settings.report)
    return found


def _evaluate(picker: WindowPicker, settings: EvaluateSettings) -> Evaluation:
    dataset = _open(settings.data, settings.split, picker)
    batches = DiTingTestBatches(dataset, batch_size=64)
    truths: list[np.ndarray] = []
    picks: Picks = []
    loader = batches.loader(num_workers=settings.workers, stop=len(batches))
    about = picker.name, "batches", settings.progress
    near = settings.tolerance * picker.sampling_rate
    for batch in progress_bar(*about, iterable=loader):
        wave = np.ascontiguousarray(batch["wave"].numpy())
        truths.append(batch["label"].numpy())
        picked = picker.pick(wave, min(LOWEST, settings.threshold))
        for each, arrivals in zip(picked, batch["arrivals"].numpy(), strict=True):
            picks.append([x for x in each if not _is_further(*x, arrivals, near)])
    truth = np.concatenate(truths).astype(float)
    windows = pd.DataFrame(truth, columns=["P", "S", "snr"]).replace(-1, np.nan)
    known = [name for name in _COLUMNS if name in dataset.metadata.columns]
    windows = windows.join(dataset.metadata[known].reset_index(drop=True))
    rows = [(i, *pick) for i, of_window in enumerate(picks) for pick in of_window]
    counted = settings.model_dump(include=_COUNTED)
    found = windows, make_picks(rows), picker.sampling_rate, picker.name
    return Evaluation(*found, batches=batches, **counted)


def _is_further(phase: str, sample: float, _: float, arrivals: Any, near: float) -> Any:
    """If a pick is near a labelled arrival of its phase, but not near the first one."""
    is_near = np.abs(arrivals["PS".index(phase)] - sample) < near
    return is_near[1:].any() and not is_near[0]


def _open(data: Any, split: str, picker: WindowPicker) -> WaveformDataset:
    order = picker.component_order
    is_open = isinstance(data, WaveformDataset)
    dataset = data.copy() if is_open else open_dataset(data, component_order=order)
    dataset.sampling_rate, dataset.component_order = picker.sampling_rate, order
    if split == "all":
        return dataset
    if "split" not in dataset.metadata.columns:
        raise ArgumentError("split", split, "the dataset has no splits; use all")
    chosen = dataset.get_split(split)
    if len(chosen) == 0:
        there = ", ".join(map(str, sorted(set(dataset["split"].dropna()))))
        raise ArgumentError("split", split, f"it is empty; there are {there}")
    return chosen


@takes(LatencySettings)
def measure_latency(settings: LatencySettings) -> pd.DataFrame:
    """
    Measures how long networks take for windows of noise, beside SeisBench's PhaseNet for
    as many samples.

    :raises ValueError: for wrong arguments
    :return: For each model the median time in ``ms``, and how many times as fast as PhaseNet
        it is (``times_phasenet``)
    """
    try:
        device = torch.zeros(1, device=settings.device).device
    # PyTorch has many errors for a device that is missing.
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise ArgumentError("device", settings.device, reason) from error
    # The time does not depend on the parameters.
    chosen = []
    for item in settings.model or [getattr(models, n)() for n in models.PICKERS]:
        is_model = isinstance(item, WaveformModel)
        model = item if is_model else models.load_model(item, **settings.told)
        name = type(item).__name__ if model is item else str(item)
        if not isinstance(model, models.PhasePicker):
            raise ArgumentError("model", name, "it is not a picker of this package")
        runner = models.choose_runner(model.to(device), settings.backend)
        chosen.append((name, model, runner))
    peer = PhaseNet().eval().to(device)
    peer_ms = _milliseconds(peer, lambda waves: map(peer, waves), settings)
    rows = []
    for name, model, runner in chosen:
        ms = _milliseconds(model, runner, settings)
        rows.append((name, ms, peer_ms / peer.in_samples * model.in_samples / ms))
    return pd.DataFrame(rows, columns=["model", "ms", "times_phasenet"])


def _milliseconds(
    model: WaveformModel, run: models.Runner, settings: LatencySettings
) -> float:
    """Median time of all windows, evaluated in parts to bound the memory."""
    windows = torch.rand(settings.batch, 3, model.in_samples, device=model.device)
    parts = (2 * windows - 1).split(models.default_batch_size(model))
    times = []
    with torch.no_grad():
        # The first cycle does not count.
        for _ in range(1 + settings.cycles):
            begin = time.perf_counter()
            for _ in run(iter(parts)):
                pass
            if model.device.type == "cuda":
                torch.cuda.synchronize()
            times.append(1000 * (time.perf_counter() - begin))
    return float(np.median(times[1:]))
