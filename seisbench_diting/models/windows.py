"""Windows over records: cutting records from a stream, windows from them, stacking."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, reduce

import numpy as np
import obspy
import torch

from .._util import join_spans
from .streams import any_overlap, instrument_id, sample_number

#: Nothing is picked from so long before to so long after the return of a component,
#: in seconds: networks take it for a P arrival up to 0.15 s earlier. The end of a
#: component does not fire.
RETURN_SECONDS = (0.5, 0.3)

#: Share of a window over which its weight rises from zero to one, for "taper".
TAPER = 0.25

#: A component whose peak is below this share of its offset holds only rounding.
ROUNDING = {torch.float64: 2.0**-36, torch.float32: 2.0**-21}

# Samples that are scaled at once: so many stay in the cache of a processor.
_BLOCK = 1 << 15


@dataclass
class Record:
    """
    One stretch of one instrument without a gap in all of its components.

    :param network: Network code
    :param station: Station code
    :param location: Location code
    :param start_time: Time of the first sample
    :param sampling_rate: Sampling rate in Hz
    :param first_sample: Number of the first sample, counted from 1970. Windows are
                         placed by it, so that picks do not depend on where a file
                         begins.
    :param data: Samples, (3, samples), float32, in the component order of the model,
                 free of offset, scaled to a peak of 1; NaN where there is no data.
    :param returns: Samples at which a component begins or returns, while others go on
    """

    network: str
    station: str
    location: str
    start_time: obspy.UTCDateTime
    sampling_rate: float
    first_sample: int
    data: np.ndarray
    returns: list[int]

    def silent(self) -> np.ndarray:
        """
        Where nothing can be picked, (samples,), bool: where no component has data, and
        where one begins or returns, which looks like an arrival.
        """
        silent = np.isnan(self.data).all(axis=0)
        before, after = (round(s * self.sampling_rate) for s in RETURN_SECONDS)
        for sample in self.returns:
            silent[max(0, sample - before) : sample + after] = True
        return silent


def cut_records(
    stream: obspy.Stream, component_order: str, strict: bool
) -> Iterator[Record]:
    """
    Groups traces by instrument and puts each stretch without gap into an array.

    :param stream: Stream of about one sampling rate, components named as in the
                   component order
    :param component_order: Order of the components in the output, e.g., "ZNE"
    :param strict: If true, only where all components are available; otherwise where
                   any is.
    :return: Records, sorted by station and time
    """
    instruments: dict[str, dict[float, list[obspy.Trace]]] = {}
    for trace in stream:
        if trace.stats.channel[-1:] and trace.stats.channel[-1] in component_order:
            rates = instruments.setdefault(instrument_id(trace), defaultdict(list))
            rates[trace.stats.sampling_rate].append(trace)
    for _, rates in sorted(instruments.items()):
        # Components of one time stay together: their rates differ a little at most.
        groups: list[list[obspy.Trace]] = []
        for traces in rates.values():
            group = next((g for g in groups if any_overlap(traces, g)), None)
            if group is None:
                groups.append(traces)
            else:
                group.extend(traces)
        for group in groups:
            yield from _cut_instrument(group, component_order, strict)


def _cut_instrument(
    traces: list[obspy.Trace], component_order: str, strict: bool
) -> Iterator[Record]:
    stats = traces[0].stats
    rate = stats.sampling_rate
    t0 = min(trace.stats.starttime for trace in traces)
    # Samples of one station share one grid; what is left of each start time is less
    # than half a sample.
    exact = np.array([(trace.stats.starttime - t0) * rate for trace in traces])
    starts = np.round(exact).astype(int)
    ends = starts + [trace.stats.npts for trace in traces]
    components = [component_order.index(trace.stats.channel[-1]) for trace in traces]

    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for component, begin, end in zip(components, starts, ends, strict=True):
        spans[component].append((int(begin), int(end)))
    # Single missing samples are bridged.
    covered = [span for own in spans.values() for span in join_spans(own, 1)]
    if strict:
        common = join_spans(covered, least=len(component_order))
        stretches = [(begin, end) for begin, end in common if begin < end]
    else:
        stretches = join_spans(covered, tolerance=1)
    for begin, end in stretches:
        members = np.flatnonzero((starts < end) & (ends > begin))
        shift = np.mean(exact[members] - starts[members])
        start_time = t0 + (begin + shift) / rate
        data, returns = _fill(
            [(components[i], starts[i] - begin, traces[i].data) for i in members],
            len(component_order),
            end - begin,
        )
        yield Record(
            stats.network,
            stats.station,
            stats.location,
            start_time,
            rate,
            sample_number(start_time, rate),
            data,
            returns,
        )


def _fill(
    pieces: list[tuple[int, int, np.ndarray]], n_components: int, n_samples: int
) -> tuple[np.ndarray, list[int]]:
    """
    Puts (component, first sample, data) into one array. Offset and unit go here, in
    double precision, as float32 could hold neither a large offset nor a tiny unit.
    """
    returns: list[int] = []
    rows: list[tuple[np.ndarray, float]] = []
    peak = 0.0
    for component in range(n_components):
        row = _join([piece[1:] for piece in pieces if piece[0] == component], n_samples)
        mean, there = 0.0, row
        if row.dtype.kind == "f" and np.isnan(row).any():
            row = row.astype(np.float64)
            missing = np.isnan(row)
            # Clocks jump by up to one sample, which is interpolated.
            single = missing[1:-1] & ~missing[:-2] & ~missing[2:]
            places = np.flatnonzero(single) + 1
            row[places] = (row[places - 1] + row[places + 1]) / 2
            missing[places] = False
            returns.extend(np.flatnonzero(missing[:-1] & ~missing[1:]) + 1)
            there = row[~missing]
        if len(there):
            mean = float(there.mean(dtype=np.float64))
            peak = max(peak, float(there.max()) - mean, mean - float(there.min()))
        rows.append((row, mean))

    data = np.empty((n_components, n_samples), dtype=np.float32)
    for begin in range(0, n_samples, _BLOCK):
        block = slice(begin, begin + _BLOCK)
        for component, (row, mean) in enumerate(rows):
            samples = row[block].astype(np.float64)
            samples -= mean
            if peak > 0:
                samples /= peak
            data[component, block] = samples
    return data, returns


def _join(pieces: list[tuple[int, np.ndarray]], n_samples: int) -> np.ndarray:
    """One row of pieces with their first samples; NaN, as a float, where there is none.

    The samples themselves where one piece covers all of the row.
    """
    if len(pieces) == 1:
        ((start, samples),) = pieces
        if start <= 0 and start + len(samples) >= n_samples:
            return samples[-start : n_samples - start]
    row = np.full(n_samples, np.nan)
    for start, samples in pieces:
        begin, end = max(start, 0), min(start + len(samples), n_samples)
        row[begin:end] = samples[begin - start : end - start]
    return row


def normalize(batch: torch.Tensor, per_component: bool = False) -> torch.Tensor:
    """
    Removes the mean of each component and divides all by their joint peak. The
    result does not depend on the unit of the input.

    :param batch: Windows, (batch, components, samples); NaN where there is no data
    :param per_component: If true, divide each component by its own peak
    :return: Normalized windows, float32, zero where there is no data or nothing but
             an offset
    """
    # Float32 would lose the sixth digit of the networks' output, see the tests; not
    # every device has more.
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
        # Zeros stand where there is no data, and are no part of it.
        lowest = batch.masked_fill(missing, torch.inf).amin(dim=-1, keepdim=True)
        highest = batch.masked_fill(missing, -torch.inf).amax(dim=-1, keepdim=True)
    # Rounding keeps the order, so this is the peak of what is left without the mean.
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
    First samples of the windows over a record. They begin where the sample number is a
    multiple of the step; one more covers the beginning and one the end.

    :param n_samples: Length of the record
    :param first_sample: Number of the record's first sample. Counted from a fixed
                         time, the same windows are used wherever a record begins.
    :param in_samples: Length of a window
    :param step: Samples from one window to the next, a multiple of ``stride``
    :param stride: Input samples per output sample
    :return: Offsets in samples, relative to the record's first sample. The first may
             be negative and the last window may end behind the record, both by less
             than ``stride``; the only window of a short record ends far behind it.
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
    A record, and the predictions for its overlapping windows put together.

    :param record: The record
    :param offsets: Offsets of its windows
    :param n_classes: Number of classes, the first of which is noise
    :param regression: If there is one further channel after the classes, a value
                       that is only meaningful with the probability of its own window.
                       It is taken from the window that is surest of an arrival.
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
        initial = -np.inf if method == "max" else 0.0
        self._classes = np.full((n_classes, n_samples), initial, dtype=np.float32)
        self._weight = np.zeros(n_samples, dtype=np.float32)
        self._value = np.zeros(n_samples, dtype=np.float32) if regression else None
        self._surest = np.full(n_samples, -1, dtype=np.float32)

    def add(self, offset: int, prediction: np.ndarray) -> bool:
        """
        :param offset: First sample of the window
        :param prediction: (samples, channels); NaN where the window has no say
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
            # A window without a say adds nothing, which is less than any probability.
            weighted[:, weight == 0] = -np.inf
            np.fmax(self._classes[:, here], weighted, out=self._classes[:, here])
        else:
            self._classes[:, here] += weighted
        self._weight[here] += weight

        if self._value is not None:
            # Not max over the axis, which takes five times as long.
            arrival = reduce(np.maximum, weighted[1:])
            if any_silent:
                arrival[silent] = -1
            surer = arrival > self._surest[here]
            np.copyto(self._value[here], prediction[n_classes], where=surer)
            np.copyto(self._surest[here], arrival, where=surer)
        self._waiting -= 1
        return self._waiting == 0

    def result(self) -> np.ndarray:
        """:return: (channels, samples), NaN where no window had a say"""
        silent = self._weight == 0
        if self._method != "max":
            self._classes /= np.where(silent, 1, self._weight)
        self._classes[:, silent] = np.nan
        if self._value is None:
            return self._classes
        self._value[silent] = np.nan
        return np.concatenate([self._classes, self._value[None]])

    def curves(self) -> np.ndarray:
        """
        :return: The curves (channels, output samples) on the grid of the cells, which
                 may begin before the record; no arrivals where nothing can be picked,
                 NaN where no window had a say and in cells not wholly in the record
        """
        curves = self.result()
        silent = np.ones(curves.shape[1] * self._stride, dtype=bool)
        before, n_samples = -self._begin, self.record.data.shape[1]
        silent[before : before + n_samples] = self.record.silent()
        ends_inside = before + n_samples < len(silent)
        cells = silent.reshape(-1, self._stride).all(axis=1) & np.isfinite(curves[0])
        curves[:, cells] = 0.0
        curves[0, cells] = 1.0
        # The first and last cell may reach beyond the record.
        if before > 0:
            curves[:, 0] = np.nan
        if ends_inside:
            curves[:, -1] = np.nan
        return curves

    def traces(self, channels: Iterable[str]) -> list[obspy.Trace]:
        """
        :param channels: Channel codes of the curves
        :return: The curves without what is NaN at their ends; none if all is
        """
        curves = self.curves()
        valid = np.flatnonzero(np.isfinite(curves[0]))
        if len(valid) == 0:
            return []
        begin, end = int(valid[0]), int(valid[-1]) + 1
        record, rate = self.record, self.record.sampling_rate
        header = {
            "starttime": record.start_time
            + self._begin / rate
            + begin * self._stride / rate,
            "sampling_rate": rate / self._stride,
            "network": record.network,
            "station": record.station,
            "location": record.location,
        }
        return [
            obspy.Trace(
                np.ascontiguousarray(curve[begin:end]), {**header, "channel": channel}
            )
            for channel, curve in zip(channels, curves, strict=True)
        ]
