"""
Scores on 115 labelled Californian records: one window a record, put to the network as the
published scores were measured (joint peak), and ``classify`` on the whole 90 s record.
"""

from dataclasses import dataclass

import numpy as np
import obspy
import torch
from scipy.signal import resample
from seisbench.models import WaveformModel

from benchmarks.common import reference
from seisbench_diting.models import PhasePicker, find_phase_lppn, find_phase_point2point
from seisbench_diting.weights import Score

HEIGHT = 0.3
TOLERANCE_S = 0.5
LEAD_S = 10.0


@dataclass
class Records:
    """The labelled records: waveforms (records, 3, samples) in order E, N, Z."""

    waveforms: np.ndarray
    arrivals: np.ndarray
    sampling_rate: float
    component_order: str


def read_records() -> Records:
    """The 115 records, with arrivals (records, 2) of P and S in samples."""
    with np.load(reference() / "data" / "ncedc_labelled.npz") as file:
        return Records(
            waveforms=file["waveforms"],
            arrivals=np.stack([file["p_sample"], file["s_sample"]], axis=1),
            sampling_rate=float(file["sampling_rate_hz"]),
            component_order=str(file["component_order"]),
        )


def score(
    picks: list[np.ndarray], labels: list[float | None], sampling_rate: float
) -> Score:
    """
    :param picks: For each record the samples of its picks
    :param labels: For each record the sample of the arrival, None if there is none
    :param sampling_rate: Sampling rate in Hz
    :return: Score. The first pick near a label is right, further ones near it count
             neither way, all others are false.
    """
    residuals = []
    false = 0
    for times, label in zip(picks, labels, strict=True):
        times = np.sort(times)
        if label is None:
            false += len(times)
            continue
        near = np.abs(times - label) < TOLERANCE_S * sampling_rate
        false += int(np.sum(~near))
        if near.any():
            residuals.append((times[near][0] - label) / sampling_rate)
    right = len(residuals)
    precision = right / max(1, right + false)
    recall = right / sum(label is not None for label in labels)
    return Score(
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / max(1e-9, precision + recall),
        deviation_ms=1000 * float(np.std(residuals)) if residuals else np.nan,
    )


def score_windows(
    model: PhasePicker, records: Records, height: float = HEIGHT
) -> tuple[Score, Score]:
    """
    Scores for P and S of one window a record, from 10 s before P, with picks of at least
    this height.
    """
    rate = model.sampling_rate
    windows, labels = [], []
    for waveform, arrivals in zip(records.waveforms, records.arrivals, strict=True):
        waveform = waveform.astype(np.float64)
        if rate != records.sampling_rate:
            n_samples = int(waveform.shape[1] * rate / records.sampling_rate)
            waveform = resample(waveform, n_samples, axis=1)
        arrivals = arrivals * rate / records.sampling_rate
        start = max(0, round(arrivals[0] - LEAD_S * rate))
        window = waveform[:, start : start + model.in_samples]
        missing = model.in_samples - window.shape[1]
        windows.append(np.pad(window, ((0, 0), (0, missing)), constant_values=np.nan))
        labels.append(arrivals - start)

    order = [records.component_order.index(code) for code in model.component_order]
    batch = torch.from_numpy(np.stack(windows)[:, order])
    with torch.no_grad():
        output = model(model.annotate_batch_pre(batch, {}))
    if isinstance(output, tuple):
        picks = find_phase_lppn([x.numpy() for x in output], height, dist=6)
    else:
        picks = find_phase_point2point(_join_phases(output.numpy()), height, dist=50)

    scores = []
    for phase in (1, 2):
        of_phase = [label[phase - 1] for label in labels]
        scores.append(
            score(
                [np.array([p[1] for p in some if p[0] == phase]) for some in picks],
                [x if 0 <= x < model.in_samples else None for x in of_phase],
                rate,
            )
        )
    return scores[0], scores[1]


def _join_phases(prob: np.ndarray) -> np.ndarray:
    """N, Pg, Sg, Pn, Sn to N, P, S: the larger one of each."""
    if prob.shape[1] == 3:
        return prob
    return np.stack(
        [
            prob[:, 0],
            np.maximum(prob[:, 1], prob[:, 3]),
            np.maximum(prob[:, 2], prob[:, 4]),
        ],
        axis=1,
    )


def score_streams(
    model: WaveformModel, records: Records, **kwargs
) -> tuple[Score, Score]:
    """Scores for P and S of ``classify`` on the whole records as ObsPy streams."""
    start = obspy.UTCDateTime(2020, 1, 1)
    stream = obspy.Stream()
    for i, waveform in enumerate(records.waveforms):
        for code, data in zip(records.component_order, waveform, strict=True):
            header = {
                "station": f"{i:03d}",
                "channel": f"HH{code}",
                "sampling_rate": records.sampling_rate,
                "starttime": start,
            }
            stream.append(obspy.Trace(data, header))
    picks = model.classify(stream, **kwargs).picks

    found: dict[str, list[list[float]]] = {
        phase: [[] for _ in records.waveforms] for phase in "PS"
    }
    for pick in picks:
        station = int(pick.trace_id.split(".")[1])
        found[pick.phase[0]][station].append(
            (pick.peak_time - start) * records.sampling_rate
        )
    p, s = (
        score(
            [np.array(times) for times in found[phase]],
            list(records.arrivals[:, i]),
            records.sampling_rate,
        )
        for i, phase in enumerate("PS")
    )
    return p, s
