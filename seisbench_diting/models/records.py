"""From ObsPy streams to gap-free arrays of three components on one time axis."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import obspy
import seisbench
from scipy.signal import resample_poly

#: Two sampling rates closer than this (as a ratio) count as the same. The samples
#: are used as they are, and times follow the record's own rate.
RATE_TOLERANCE = 1e-3

#: Largest numerator and denominator of a resampling ratio.
MAX_RATIO_TERM = 1000

#: A component that holds one value for at least so long is dead, in seconds.
DEAD_SECONDS = 1.0

#: Nothing is picked from so long before to so long after the return of a component,
#: in seconds: networks take it for a P arrival up to 0.15 s earlier. The end of a
#: component does not fire.
RETURN_SECONDS = (0.5, 0.3)

#: A component that was dead returns with a jump if its next sample differs by more than
#: so many of its smallest steps; with less, it is a quiet and coarse digitizer, on which
#: the first motion may well be an arrival.
JUMP_STEPS = 10

#: Which instrument to take where several record at one station and location, by
#: band and instrument code; others follow in alphabetical order.
INSTRUMENT_PREFERENCE = ("HH", "BH", "EH", "SH", "HN", "EN", "SN", "BN")

#: Component codes that stand for Z, N and E: with a vertical Z and without.
_WITH_Z = {
    frozenset("23"): {"2": "N", "3": "E"},
    frozenset("3"): {"3": "E"},
}
_WITHOUT_Z = {
    frozenset("123"): {"1": "Z", "2": "N", "3": "E"},
    frozenset("13"): {"1": "Z", "3": "E"},
    frozenset("23"): {"2": "N", "3": "E"},
    frozenset("3"): {"3": "E"},
}
_USUAL = {"1": "N", "2": "E"}


@dataclass
class Record:
    """
    One stretch of one instrument without a gap in all of its components.

    :param trace_id: NET.STA.LOC
    :param start_time: Time of the first sample
    :param sampling_rate: Sampling rate in Hz
    :param first_sample: Number of the first sample, counted from 1970. Windows are
                         placed by it, so that picks do not depend on where a file
                         begins.
    :param data: Samples, (3, samples), float32, in the component order of the model,
                 free of offset, scaled to a peak of 1; NaN where there is no data.
    :param returns: Samples at which a component begins or returns, while others go on
    """

    trace_id: str
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


def station_id(trace: obspy.Trace) -> str:
    """NET.STA.LOC of a trace."""
    stats = trace.stats
    return f"{stats.network}.{stats.station}.{stats.location}"


def compatible_groups(stream: obspy.Stream) -> Iterator[obspy.Stream]:
    """
    The traces of a stream in groups of one sampling rate and one type, as ObsPy
    refuses to merge others. What is done to a group shows in the stream.

    :param stream: Stream, modified in place when the iteration ends
    :return: One stream a group
    """
    groups: dict[tuple[float, str], obspy.Stream] = {}
    for trace in stream:
        key = (trace.stats.sampling_rate, trace.data.dtype.str)
        groups.setdefault(key, obspy.Stream()).append(trace)
    yield from groups.values()
    stream.traces = [trace for group in groups.values() for trace in group]


def split_at_missing(stream: obspy.Stream) -> None:
    """
    Cuts traces where samples are masked, NaN or infinite, in place.

    :param stream: Stream, modified in place
    """
    traces = []
    for trace in stream:
        data = trace.data
        bad = np.ma.getmaskarray(data) if np.ma.isMaskedArray(data) else None
        if data.dtype.kind in "fc" and not np.isfinite(np.ma.getdata(data)).all():
            infinite = ~np.isfinite(np.ma.getdata(data))
            bad = infinite if bad is None else bad | infinite
        if bad is None or not bad.any():
            trace.data = np.ma.getdata(data)
            traces.append(trace)
        else:
            trace.data = np.ma.masked_array(np.ma.getdata(data), mask=bad)
            traces.extend(trace.split())
    stream.traces = [trace for trace in traces if trace.stats.npts > 0]


def select_instruments(stream: obspy.Stream, warned: set[str]) -> None:
    """
    Keeps one instrument where several record at one station and location at the same
    time, in place: their samples must not be mixed into one record.

    :param stream: Stream, modified in place
    :param warned: What was warned about is added here, so that each station is warned
                   about once
    """
    stations: dict[str, dict[str, list[obspy.Trace]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for trace in stream:
        code = trace.stats.channel[:-1]
        stations[station_id(trace)][code].append(trace)

    drop = set()
    for station, instruments in stations.items():
        if len(instruments) == 1:
            continue
        codes = sorted(instruments, key=_instrument_rank)
        kept = list(instruments[codes[0]])
        for code in codes[1:]:
            if any(_overlap(a, b) for a in instruments[code] for b in kept):
                drop.update(id(trace) for trace in instruments[code])
                key = f"{station} {code}"
                if key in warned:
                    continue
                warned.add(key)
                seisbench.logger.warning(
                    f"Station {station} has more than one instrument at the same "
                    f"time ({', '.join(codes)}). {code} is not used. Select the "
                    f"traces that you want before calling annotate or classify."
                )
            else:
                kept.extend(instruments[code])
    stream.traces = [trace for trace in stream if id(trace) not in drop]


def _instrument_rank(code: str) -> tuple[int, str]:
    if code in INSTRUMENT_PREFERENCE:
        return INSTRUMENT_PREFERENCE.index(code), code
    return len(INSTRUMENT_PREFERENCE), code


def _overlap(a: obspy.Trace, b: obspy.Trace) -> bool:
    return a.stats.starttime < b.stats.endtime and b.stats.starttime < a.stats.endtime


def rename_components(stream: obspy.Stream, warned: set[str]) -> None:
    """
    Gives the components of each station the codes Z, N and E, in place: Z12, Z23 and
    123 stand for ZNE in this order.

    :param stream: Stream, modified in place
    :param warned: Stations that were warned about are added here, so that each is
                   warned about once
    """
    stations = defaultdict(list)
    for trace in stream:
        if trace.stats.channel:
            stations[station_id(trace)].append(trace)

    for station, traces in stations.items():
        codes = {trace.stats.channel[-1] for trace in traces}
        numbers = frozenset(codes & set("123"))
        if not numbers:
            continue
        if codes & set("NE") and station not in warned:
            warned.add(station)
            seisbench.logger.warning(
                f"Station {station} has components {', '.join(sorted(codes))}: both "
                f"letters and numbers for the horizontals. Select one set, or set "
                f"flexible_horizontal_components=False."
            )
        table = (_WITH_Z if "Z" in codes else _WITHOUT_Z).get(numbers, _USUAL)
        for trace in traces:
            channel = trace.stats.channel
            trace.stats.channel = channel[:-1] + table.get(channel[-1], channel[-1])


def warn_about_components(
    stream: obspy.Stream, component_order: str, strict: bool, warned: set[str]
) -> None:
    """
    Warns about stations that lack components of the model.

    :param stream: Stream with components named as in the component order
    :param component_order: Components of the model
    :param strict: If such stations are left out
    :param warned: Stations that were warned about are added here, so that each is
                   warned about once
    """
    stations = defaultdict(set)
    for trace in stream:
        stations[station_id(trace)].add(trace.stats.channel[-1:])
    for station, codes in stations.items():
        missing = [code for code in component_order if code not in codes]
        if not missing or station in warned:
            continue
        warned.add(station)
        if len(missing) == len(component_order) or strict:
            effect = "It is not used."
        else:
            effect = "Zeros are used instead, which makes picks less certain."
        seisbench.logger.warning(
            f"Station {station} has no component {', '.join(missing)} "
            f"(it has {', '.join(sorted(codes)) or 'no channel code'}). {effect}"
        )


def resampling_ratio(rate: float, target: float) -> Fraction:
    """
    :param rate: Sampling rate of the data in Hz
    :param target: Sampling rate of the model in Hz
    :return: The simplest ratio that brings the data within
             :py:data:`RATE_TOLERANCE` of the target
    """
    exact = Fraction(target / rate)
    limit = 1
    while limit <= MAX_RATIO_TERM:
        ratio = exact.limit_denominator(limit)
        if ratio and abs(float(ratio / exact) - 1) <= RATE_TOLERANCE:
            return ratio
        limit = limit + 1 if limit < 50 else 2 * limit
    return exact.limit_denominator(MAX_RATIO_TERM * 100)


def resample_trace(trace: obspy.Trace, target: float) -> None:
    """
    Resamples to about the target rate with an anti-alias filter of zero phase, in
    place. The new rate is an exact ratio of the old one, so that times do not drift.

    :param trace: Trace, modified in place
    :param target: Sampling rate of the model in Hz
    """
    ratio = resampling_ratio(trace.stats.sampling_rate, target)
    if ratio == 1:
        return
    # The line through both ends is taken out before filtering and put back
    # afterwards, as an offset would ring at the ends.
    trace.data = resample_poly(
        trace.data.astype(np.float64),
        ratio.numerator,
        ratio.denominator,
        padtype="line",
    )
    trace.stats.sampling_rate = trace.stats.sampling_rate * float(ratio)


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
    stations = defaultdict(list)
    for trace in stream:
        if trace.stats.channel[-1:] and trace.stats.channel[-1] in component_order:
            stations[station_id(trace)].append(trace)
    for trace_id in sorted(stations):
        yield from _cut_station(trace_id, stations[trace_id], component_order, strict)


def _cut_station(
    trace_id: str, traces: list[obspy.Trace], component_order: str, strict: bool
) -> Iterator[Record]:
    rate = traces[0].stats.sampling_rate
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
        _union(
            [span for span, c in zip(spans, components, strict=True) if c == component]
        )
        for component in range(len(component_order))
    ]
    if strict:
        stretches = _intersection(covered)
    else:
        stretches = _union([span for component in covered for span in component])

    for begin, end in stretches:
        members = [
            i for i, span in enumerate(spans) if span[0] < end and span[1] > begin
        ]
        shift = np.mean([exact[i] - first[i] for i in members])
        start_time = t0 + (begin + shift) / rate
        data, returns = _fill(
            [(components[i], first[i] - begin, traces[i].data) for i in members],
            len(component_order),
            end - begin,
            max(2, round(DEAD_SECONDS * rate)),
        )
        yield Record(
            trace_id=trace_id,
            start_time=start_time,
            sampling_rate=rate,
            # Not rounded to the nearest: clocks of exactly half a sample exist.
            first_sample=math.floor(start_time.timestamp * rate + 0.3),
            data=data,
            returns=returns,
        )


def _fill(
    pieces: list[tuple[int, int, np.ndarray]],
    n_components: int,
    n_samples: int,
    dead_samples: int,
) -> tuple[np.ndarray, list[int]]:
    """
    Puts (component, first sample, data) into one array. Offset and unit go here, in
    double precision, as float32 could hold neither a large offset nor a tiny unit.
    """
    data = np.full((n_components, n_samples), np.nan, dtype=np.float32)
    peak = 0.0
    returns: list[int] = []
    rows = []
    for component in range(n_components):
        row = np.full(n_samples, np.nan)
        for c, start, samples in pieces:
            if c == component:
                begin, end = max(start, 0), min(start + len(samples), n_samples)
                row[begin:end] = samples[begin - start : end - start]
        missing = np.isnan(row)
        returns.extend(np.flatnonzero(missing[:-1] & ~missing[1:]) + 1)
        returns.extend(_remove_dead(row, dead_samples))
        if np.isfinite(row).any():
            row -= np.nanmean(row)
            peak = max(peak, np.nanmax(np.abs(row)))
        rows.append(row)
    for component, row in enumerate(rows):
        data[component] = row / peak if peak > 0 else row
    return data, returns


def _remove_dead(row: np.ndarray, dead_samples: int) -> list[int]:
    """
    Sets stretches of at least ``dead_samples`` equal samples to NaN, in place.

    :return: Samples at which the component returns with a jump
    """
    if len(row) < 2:
        return []
    steps = np.diff(row)
    change = np.flatnonzero(steps != 0)  # NaN included
    edges = np.concatenate([[-1], change, [len(row) - 1]])
    runs = np.flatnonzero(np.diff(edges) >= dead_samples)
    if len(runs) == 0:
        return []
    np.abs(steps, out=steps)
    jump = JUMP_STEPS * np.min(steps, where=steps > 0, initial=np.inf)
    returns = []
    for i in runs:
        begin, end = edges[i] + 1, edges[i + 1] + 1
        row[begin:end] = np.nan
        if end < len(row) and steps[end - 1] > jump:
            returns.append(int(end))
    return returns


def _union(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((begin, end))
    return joined


def _intersection(covered: list[list[tuple[int, int]]]) -> list[tuple[int, int]]:
    edges = sorted({edge for spans in covered for span in spans for edge in span})
    common = [
        (begin, end)
        for begin, end in pairwise(edges)
        if all(any(a <= begin and end <= b for a, b in spans) for spans in covered)
    ]
    return _union(common)
