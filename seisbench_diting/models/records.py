"""From prepared streams to arrays of three components on one time axis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import obspy

from .streams import any_overlap, instrument_id, sample_number

#: Nothing is picked from so long before to so long after the return of a component,
#: in seconds: networks take it for a P arrival up to 0.15 s earlier. The end of a
#: component does not fire.
RETURN_SECONDS = (0.5, 0.3)

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
    instruments = defaultdict(list)
    for trace in stream:
        if trace.stats.channel[-1:] and trace.stats.channel[-1] in component_order:
            instruments[instrument_id(trace)].append(trace)
    for key in sorted(instruments):
        for traces in _split_by_rate(instruments[key]):
            yield from _cut_instrument(traces, component_order, strict)


def _split_by_rate(traces: list[obspy.Trace]) -> list[list[obspy.Trace]]:
    """
    Traces in groups of one sampling rate. Components recorded at the same time stay
    together: their rates differ by less than the tolerance.
    """
    rates: dict[float, list[obspy.Trace]] = {}
    for trace in traces:
        rates.setdefault(trace.stats.sampling_rate, []).append(trace)
    groups: list[list[obspy.Trace]] = []
    for of_rate in rates.values():
        for group in groups:
            if any_overlap(of_rate, group):
                group.extend(of_rate)
                break
        else:
            groups.append(of_rate)
    return groups


def _cut_instrument(
    traces: list[obspy.Trace], component_order: str, strict: bool
) -> Iterator[Record]:
    stats = traces[0].stats
    rate = stats.sampling_rate
    t0 = min(trace.stats.starttime for trace in traces)
    # Samples of one station share one grid; what is left of each start time is less
    # than half a sample.
    exact = [(trace.stats.starttime - t0) * rate for trace in traces]
    first = [round(start) for start in exact]
    spans = [
        (start, start + trace.stats.npts)
        for start, trace in zip(first, traces, strict=True)
    ]
    components = [component_order.index(trace.stats.channel[-1]) for trace in traces]

    covered = [
        join_spans(
            [span for span, c in zip(spans, components, strict=True) if c == component],
            tolerance=1,
        )
        for component in range(len(component_order))
    ]
    if strict:
        stretches = _intersection(covered)
    else:
        stretches = join_spans(
            [span for component in covered for span in component], tolerance=1
        )

    starts, ends = np.array(spans).T
    for begin, end in stretches:
        members = np.flatnonzero((starts < end) & (ends > begin))
        shift = np.mean([exact[i] - first[i] for i in members])
        start_time = t0 + (begin + shift) / rate
        data, returns = _fill(
            [(components[i], first[i] - begin, traces[i].data) for i in members],
            len(component_order),
            end - begin,
        )
        yield Record(
            network=stats.network,
            station=stats.station,
            location=stats.location,
            start_time=start_time,
            sampling_rate=rate,
            first_sample=sample_number(start_time, rate),
            data=data,
            returns=returns,
        )


def _fill(
    pieces: list[tuple[int, int, np.ndarray]],
    n_components: int,
    n_samples: int,
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
        mean = 0.0
        if row.dtype.kind == "f" and np.isnan(row).any():
            row = row.astype(np.float64)
            _bridge_single_samples(row)
            missing = np.isnan(row)
            returns.extend(np.flatnonzero(missing[:-1] & ~missing[1:]) + 1)
            there = row[~missing]
        else:
            there = row
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


def _bridge_single_samples(row: np.ndarray) -> None:
    """Interpolates single missing samples, in place: clocks jump by up to one."""
    missing = np.isnan(row)
    single = missing[1:-1] & ~missing[:-2] & ~missing[2:]
    places = np.flatnonzero(single) + 1
    row[places] = (row[places - 1] + row[places + 1]) / 2


def join_spans(
    spans: Iterable[tuple[int, int]], tolerance: int = 0
) -> list[tuple[int, int]]:
    """
    :param spans: Begin and end of each
    :param tolerance: Those so far apart are one
    :return: What any of them covers, sorted, apart from each other
    """
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1] + tolerance:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((begin, end))
    return joined


def _intersection(covered: list[list[tuple[int, int]]]) -> list[tuple[int, int]]:
    common = covered[0]
    for spans in covered[1:]:
        common = _common(common, spans)
    return common


def _common(
    some: list[tuple[int, int]], others: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """What two sorted lists of spans share."""
    shared = []
    i = j = 0
    while i < len(some) and j < len(others):
        begin = max(some[i][0], others[j][0])
        end = min(some[i][1], others[j][1])
        if begin < end:
            shared.append((begin, end))
        if some[i][1] < others[j][1]:
            i += 1
        else:
            j += 1
    return shared
