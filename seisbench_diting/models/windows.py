"""From records to picks: windows, curves stacked from them, peaks of the curves."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache, reduce
from itertools import compress
from typing import Any

import numpy as np
import obspy
import pandas as pd
import seisbench.util as sbu
import torch
from scipy.signal import find_peaks

from .._util import ArgumentError, station_id
from ..weights import Reliability
from .streams import Record

#: Share of a window over which its weight rises from zero to one, for "taper".
TAPER = 0.25

#: A component whose peak is below this share of its offset consists of rounding errors.
ROUNDING = {torch.float64: 2.0**-36, torch.float32: 2.0**-21}

#: Smallest probability of a pick; a curve of zero has no picks at any threshold.
_LEAST = float(np.finfo(np.float32).tiny)

#: Seconds before and after a peak in which its width is measured.
_AROUND_S = 0.5


class Pick(sbu.Pick):
    """
    SeisBench's pick with the uncertainty of its time.

    :param args: As in SeisBench
    :param time_uncertainty_s: One standard deviation in s; None where it isn't known
    :param kwargs: As in SeisBench
    """

    def __init__(
        self, *args: Any, time_uncertainty_s: float | None = None, **kwargs: Any
    ):
        super().__init__(*args, **kwargs)
        self.time_uncertainty_s = time_uncertainty_s


class PickList(sbu.PickList):
    """Picks of SeisBench's, whose table has the uncertainties of their times."""

    def to_dataframe(self) -> pd.DataFrame:
        table = super().to_dataframe()
        # SeisBench keeps the places that they had before they were sorted.
        errors = [self[place].time_uncertainty_s for place in table.get("index", ())]
        # Without picks it has no columns, by which readers know that it is whole.
        return table.assign(time_uncertainty_s=errors) if errors else table


def normalize(batch: torch.Tensor, per_component: bool = False) -> torch.Tensor:
    """
    Removes the mean of each component and divides all by their joint peak. The
    result does not depend on the unit of the input.

    :param batch: Windows, (batch, components, samples); NaN where there is no data
    :param per_component: If true, divide each component by its own peak
    :return: Normalized windows, float32, zero where there are no data or only an
             offset
    """
    # In float32, the sixth digit of the networks' output would be wrong, see the tests.
    # Not every device has float64.
    double = torch.float32 if batch.device.type == "mps" else torch.float64
    batch = batch.to(double)
    missing = None
    total = batch.sum(dim=-1, keepdim=True)
    count: torch.Tensor | int = batch.shape[-1]
    if not math.isfinite(total.sum()):
        missing = ~torch.isfinite(batch)
        batch = batch.masked_fill(missing, 0.0)
        total = batch.sum(dim=-1, keepdim=True)
        count = (~missing).sum(dim=-1, keepdim=True).clamp(min=1)
    mean = total / count
    # Not aminmax, which takes five times as long.
    lowest, highest = batch.amin(dim=-1, keepdim=True), batch.amax(dim=-1, keepdim=True)
    level = torch.maximum(-lowest, highest)
    if missing is not None:
        # Missing samples were set to zero, and must not count.
        lowest = batch.masked_fill(missing, torch.inf).amin(dim=-1, keepdim=True)
        highest = batch.masked_fill(missing, -torch.inf).amax(dim=-1, keepdim=True)
    # The peak after the mean is removed.
    peaks = torch.maximum(mean - lowest, highest - mean)
    present = peaks > level * ROUNDING[double]
    constant = not present.all()
    if constant:
        peaks = torch.where(present, peaks, 0.0)
    divisor = peaks if per_component else peaks.amax(dim=-2, keepdim=True)
    if constant:
        divisor = torch.where(divisor > 0, divisor, 1.0)

    normalized = (batch - mean).div_(divisor)
    if missing is not None:
        normalized.masked_fill_(missing, 0.0)
    if constant:
        normalized = torch.where(present, normalized, 0.0)
    return normalized.to(torch.float32)


def window_offsets(
    n_samples: int, first_sample: int, in_samples: int, step: int, stride: int
) -> np.ndarray:
    """
    First samples of the windows over a record. Windows begin at multiples of the step; two
    more windows cover the beginning and the end.

    :param n_samples: Length of the record
    :param first_sample: Number of the record's first sample. Counted from a fixed
                         time, the same windows are used wherever a record begins.
    :param in_samples: Length of a window
    :param step: Samples from one window to the next, a multiple of ``stride``
    :param stride: Input samples per output sample
    :return: Offsets in samples from the record's first sample. The first window may begin
             before the record and the last one may end after it, both by less than
             ``stride``. The only window of a short record ends long after it.
    """
    start = first_sample // stride * stride
    end = -(-(first_sample + n_samples) // stride) * stride
    last = max(start, end - in_samples)
    regular = np.arange(-(-start // step) * step, last, step)
    return np.unique(np.concatenate([[start], regular, [last]])) - first_sample


def cut_window(data: np.ndarray, offset: int, in_samples: int) -> np.ndarray:
    """
    :param data: Record, (components, samples)
    :param offset: First sample of the window
    :param in_samples: Length of the window
    :return: Window, (components, in_samples), NaN outside of the record
    """
    before = max(0, -offset)
    window = data[:, offset + before : offset + in_samples]
    after = in_samples - before - window.shape[1]
    if before or after:
        window = np.pad(window, ((0, 0), (before, after)), constant_values=np.nan)
    return window


@lru_cache(maxsize=8)
def _window_weight(n_samples: int, method: str) -> np.ndarray:
    if method != "taper":
        return np.ones(n_samples, dtype=np.float32)
    place = (np.arange(n_samples) + 0.5) / n_samples
    return np.minimum(1, np.minimum(place, 1 - place) / TAPER).astype(np.float32)


class StackedRecord:
    """
    A record, and the combined predictions of its overlapping windows.

    :param record: The record
    :param offsets: Offsets of its windows
    :param n_classes: Number of classes; the first one is noise
    :param regression: If the channel after the classes is a position, which only has a
                       meaning in its own window. It is taken from the window with the
                       highest probability of an arrival.
    :param method: "avg"; "taper", the average weighted by the distance from the
                   window's edges, where a network sees only half of the record; or
                   "max"
    :param stride: Input samples per output sample
    """

    def __init__(
        self,
        record: Record,
        offsets: np.ndarray,
        n_classes: int,
        regression: bool,
        method: str,
        stride: int = 1,
    ):
        self.record = record
        self._waiting = len(offsets)
        self._begin = int(offsets[0])
        self._stride = stride
        self._method = method
        n_samples = -(-(record.data.shape[1] - self._begin) // stride)
        shape = (n_classes + regression, n_samples)
        initial = -np.inf if method == "max" else 0.0
        self._curves = np.full(shape, initial, dtype=np.float32)
        self._classes, self._value = self._curves[:n_classes], self._curves[n_classes:]
        self._weight = np.zeros(n_samples, dtype=np.float32)
        self._surest = np.full(n_samples, -1, dtype=np.float32)

    def add(self, offset: int, prediction: np.ndarray) -> bool:
        """
        :param offset: First sample of the window
        :param prediction: (samples, channels); NaN where the window is not used
        :return: If it was the last window
        """
        start = (offset - self._begin) // self._stride
        weight = _window_weight(len(prediction), self._method)
        prediction = prediction[: len(self._weight) - start].T
        n_classes, n_samples = len(self._classes), prediction.shape[1]
        here = slice(start, start + n_samples)
        classes, weight = prediction[:n_classes], weight[:n_samples]
        silent = np.isnan(classes[0])
        any_silent = silent.any()
        if any_silent:
            weight = np.where(silent, np.float32(0), weight)
            classes = np.where(silent, np.float32(0), classes)

        weighted = classes * weight
        if self._method == "max":
            # Windows that are not used here must not win against any probability.
            weighted[:, weight == 0] = -np.inf
            np.fmax(self._classes[:, here], weighted, out=self._classes[:, here])
        else:
            self._classes[:, here] += weighted
        self._weight[here] += weight

        if len(self._value):
            # Not max over the axis, which takes five times as long.
            arrival = reduce(np.maximum, weighted[1:])
            if any_silent:
                arrival[silent] = -1
            surer = arrival > self._surest[here]
            np.copyto(self._value[:, here], prediction[n_classes:], where=surer)
            np.copyto(self._surest[here], arrival, where=surer)
        self._waiting -= 1
        return self._waiting == 0

    def curves(self) -> np.ndarray:
        """
        :return: The curves (channels, output samples) on the grid of the cells, which
                 may begin before the record. Where nothing can be picked, they have no
                 arrivals. They are NaN where no window was used, and in cells that are
                 partly outside the record
        """
        curves, covered = self._curves, self._weight > 0
        if self._method != "max":
            self._classes /= np.where(covered, self._weight, 1)
        silent = np.ones(curves.shape[1] * self._stride, dtype=bool)
        before, n_samples = -self._begin, self.record.data.shape[1]
        silent[before : before + n_samples] = self.record.silent()
        nothing = silent.reshape(-1, self._stride).all(axis=1)
        curves[:, nothing] = 0.0
        curves[0, nothing] = 1.0
        curves[:, ~covered] = np.nan
        # The first and last cell may reach beyond the record.
        if before > 0:
            curves[:, 0] = np.nan
        if before + n_samples < len(silent):
            curves[:, -1] = np.nan
        return curves

    def traces(self, channels: Iterable[str]) -> list[obspy.Trace]:
        """
        :param channels: Channel codes of the curves
        :return: The curves without NaN at their ends; none if all values are NaN
        """
        curves = self.curves()
        valid = np.flatnonzero(np.isfinite(curves[0]))
        if len(valid) == 0:
            return []
        begin, end = int(valid[0]), int(valid[-1]) + 1
        record, rate = self.record, self.record.sampling_rate
        start = record.start_time + self._begin / rate + begin * self._stride / rate
        header = {"starttime": start, "sampling_rate": rate / self._stride}
        header |= record.codes
        return [
            obspy.Trace(curve[begin:end].copy(), {**header, "channel": channel})
            for channel, curve in zip(channels, curves, strict=True)
        ]


def peak_indices(curve: np.ndarray, height: float) -> np.ndarray:
    """
    Local maxima of a probability curve, the first and last sample included.

    :param curve: Probabilities, (samples,); NaN counts as no probability
    :param height: Smallest value of a maximum; zero never counts
    :return: Indices of the maxima, ascending
    """
    padded = np.full(len(curve) + 2, -1.0)
    padded[1:-1] = np.where(np.isnan(curve), -1.0, curve)
    return find_peaks(padded, height=max(height, _LEAST))[0] - 1


def peak_widths(curve: np.ndarray, peaks: np.ndarray, delta: float) -> np.ndarray:
    """
    :param curve: Probabilities, (samples,); NaN counts as no probability
    :param peaks: Indices of maxima
    :param delta: Sampling interval in s
    :return: Standard deviation of the curve within 0.5 s of each maximum, in s, each value
        standing for its whole interval
    """
    places = np.arange(-(reach := round(_AROUND_S / delta)), reach + 1)
    index = peaks[:, None] + places
    inside = (index >= 0) & (index < len(curve))
    around = np.nan_to_num(curve.take(index, mode="clip")) * inside
    share = around / around.sum(axis=1, keepdims=True, dtype=float)
    variance = share @ places**2 - (share @ places) ** 2
    return delta * np.sqrt(variance + 1 / 12)


def suppress_close(
    times: np.ndarray, values: np.ndarray, min_separation: float
) -> np.ndarray:
    """
    Keeps the more probable one of two picks closer than ``min_separation``, or the
    earlier one if both are equally probable.

    :param times: Times of the picks, ascending
    :param values: Probabilities of the picks
    :param min_separation: In the unit of the times
    :return: Mask of the picks that stay
    """
    keep = np.ones(len(times), dtype=bool)
    for i in np.lexsort((times, -values)):
        if not keep[i]:
            continue
        begin = np.searchsorted(times, times[i] - min_separation, side="right")
        end = np.searchsorted(times, times[i] + min_separation, side="left")
        keep[begin:end] = False
        keep[i] = True
    return keep


def picks_from_annotations(
    annotations: obspy.Stream,
    threshold: float,
    phase: str,
    min_separation: float,
    offsets: obspy.Stream | None = None,
    stride: int = 1,
    reliability: Reliability | None = None,
    calibrated: bool = False,
) -> sbu.PickList:
    """
    Picks of one phase: maxima of at least ``threshold``. A pick starts and ends where
    the curve falls below half the threshold.

    :param annotations: Probability curves of the phase, any number of stations
    :param threshold: Smallest probability of a pick
    :param phase: Phase of the picks
    :param min_separation: Of two picks of a station closer than this, in seconds, the
                           more probable one stays
    :param offsets: For curves with one value for several samples: the position of an
                    arrival in its cell in samples, one trace for each of the
                    annotations
    :param stride: Samples for one value of the curves
    :param reliability: For uncertainties and calibrated probabilities
    :param calibrated: If true, picks have calibrated probabilities
    :return: Picks, sorted by time
    """
    by_station: dict[str, list[sbu.Pick]] = defaultdict(list)
    inside = [None] * len(annotations) if offsets is None else offsets
    for trace, offset in zip(annotations, inside, strict=True):
        stats, curve = trace.stats, trace.data
        peaks = peak_indices(curve, threshold)
        if len(peaks) == 0:
            continue
        below = np.flatnonzero(~(curve >= threshold / 2))
        place = np.searchsorted(below, peaks)
        edges = np.concatenate([[-1], below, [stats.npts]])
        seconds = peaks * stats.delta
        starts = (edges[place] + 1) * stats.delta
        ends = (edges[place + 1] - 1) * stats.delta
        if offset is not None:
            seconds = seconds + offset.data[peaks] / stride * stats.delta
            # Rounding may put an offset of a whole cell after the end of the cell.
            ends = np.maximum(ends + stats.delta, seconds)
        station = station_id(trace)
        values = curve[peaks].astype(float)
        errors: list[float | None] = [None] * len(peaks)
        if reliability is not None:
            widths = peak_widths(curve, peaks, stats.delta)
            errors = reliability.time_uncertainty_s(values, widths).tolist()
            values = reliability.calibrated(values) if calibrated else values
        by_station[station] += [
            Pick(
                trace_id=station,
                start_time=stats.starttime + float(starts[k]),
                end_time=stats.starttime + float(ends[k]),
                peak_time=stats.starttime + float(seconds[k]),
                peak_value=float(values[k]),
                phase=phase,
                time_uncertainty_s=errors[k],
            )
            for k in range(len(peaks))
        ]

    kept: list[sbu.Pick] = []
    for picks in by_station.values():
        picks.sort(key=lambda pick: pick.peak_time)
        times = np.array([pick.peak_time - picks[0].peak_time for pick in picks])
        values = np.array([pick.peak_value for pick in picks])
        kept += compress(picks, suppress_close(times, values, min_separation))
    return sort_picks(kept)


def sort_picks(picks: Sequence[sbu.Pick]) -> sbu.PickList:
    """Picks in the order of their times, then stations and phases."""
    return PickList(
        sorted(picks, key=lambda pick: (pick.peak_time, pick.trace_id, pick.phase))
    )


def find_phase_point2point(
    prob: np.ndarray, height: float = 0.3, dist: int = 50
) -> list[list[list[float]]]:
    """
    Picks of a batch of windows from class probabilities at every sample, as in the
    tutorial of the published models.

    :param prob: Probabilities of N, P and S, (windows, 3, samples); or a list of them
        alone, as ONNX Runtime gives its outputs
    :param height: Smallest probability of a pick
    :param dist: Smallest distance of two picks of one phase, in samples
    :return: For each window a list of ``[type, sample, probability]``; type 1 is P
             and 2 is S
    """
    prob = np.asarray(prob)
    if prob.ndim == 4 and len(prob) == 1:
        prob = prob[0]
    if prob.ndim != 3 or prob.shape[1] < 3:
        raise ArgumentError(
            "prob", prob.shape, "its shape must be (windows, classes N, P, S, samples)"
        )
    return [
        [
            [phase, int(peak), float(window[phase, peak])]
            for phase in (1, 2)
            for peak in find_peaks(window[phase], height=height, distance=dist)[0]
        ]
        for window in prob
    ]


def find_phase_lppn(
    output: Sequence[np.ndarray], height: float = 0.3, dist: int = 6, stride: int = 8
) -> list[list[list[float]]]:
    """
    Picks of a batch of windows from LPPN's two outputs, as in the tutorial of the
    published models.

    :param output: Probabilities of N, P and S, (windows, 3, cells), and the position
                   of the arrival in its cell in samples, (windows, cells)
    :param height: Smallest probability of a pick
    :param dist: Smallest distance of two picks of one phase, in cells
    :param stride: Samples in a cell
    :return: For each window a list of ``[type, sample, probability]``; type 1 is P
             and 2 is S
    """
    prob, offset = map(np.asarray, output)
    found = find_phase_point2point(prob, height, dist)
    offset = offset.reshape(prob.shape[0], prob.shape[2])
    return [
        [
            [phase, stride * cell + float(inside[int(cell)]), value]
            for phase, cell, value in window
        ]
        for window, inside in zip(found, offset, strict=True)
    ]
