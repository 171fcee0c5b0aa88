"""From ObsPy streams to records: instruments, components, gaps, sampling rate."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from typing import Any, TypeAlias

import numpy as np
import obspy
import seisbench
from scipy import signal

from .._util import USED, components_of, instrument_order, join_spans, station_id

#: Seconds before and after the return of a component in which nothing is picked. Networks
#: take the return for a P arrival, up to 0.15 s early, but not the end of a component.
RETURN_SECONDS = (0.5, 0.3)

#: Two sampling rates closer than this (as a ratio) count as the same. The samples
#: are used as they are, and times follow the record's own rate.
RATE_TOLERANCE = 1e-3

#: Lowest sampling rate that is used, as a share of the model's rate.
MIN_RATE_SHARE = 0.02

#: Largest denominator of a resampling ratio.
MAX_RATIO_TERM = 1000

#: A component with a constant value for at least this many seconds may be dead.
DEAD_SECONDS = 1.0

#: A component jumps if it changes by more than this many of its smallest steps. A coarse
#: digitizer also holds one value where it is quiet, but leaves it by a step or two, and its
#: first motion may be an arrival.
JUMP_STEPS = 10

#: Shorter records almost never have picks.
SHORT_SECONDS = 1.0

#: Offsets are means, and networks have seven digits: larger samples would hide the others.
ABSURD_RATIO = 1e8

# Number of samples that are scaled at once; they fit into a processor's cache.
_BLOCK = 1 << 15

#: Traces by what they have in common.
Groups: TypeAlias = dict[Any, list[obspy.Trace]]


def instrument_id(trace: obspy.Trace) -> str:
    """NET.STA.LOC and the band and instrument code of a trace."""
    return f"{station_id(trace)}.{trace.stats.channel[:-1]}"


def sample_number(time: obspy.UTCDateTime, sampling_rate: float) -> int:
    """Number of the sample at a time, counted from 1970."""
    # Not rounded to the nearest: clocks of exactly half a sample exist.
    return math.floor(time.timestamp * sampling_rate + 0.3)


def _by(key: Callable[[obspy.Trace], Any], traces: Iterable[obspy.Trace]) -> Groups:
    groups: Groups = {}
    for trace in traces:
        groups.setdefault(key(trace), []).append(trace)
    return groups


def _rate(trace: obspy.Trace) -> float:
    return trace.stats.sampling_rate


def drop_unusable(stream: obspy.Stream, target: float) -> None:
    """
    Drops traces that no picker can use, with a warning, in place: those without a
    component code, with complex samples, or of far too low a sampling rate.

    :param stream: Stream, modified in place
    :param target: Sampling rate of the model in Hz
    """
    kept, warnings = [], set()
    for trace in stream:
        rate = trace.stats.sampling_rate
        if not trace.stats.channel:
            reason = "it has no channel code, so its component is not known"
        elif np.iscomplexobj(trace.data):
            reason = "its samples are complex numbers"
        elif rate < MIN_RATE_SHARE * target:
            reason = f"its sampling rate of {rate:g} Hz is too low for a model at {target:g} Hz"
        else:
            kept.append(trace)
            continue
        warnings.add(f"{trace.id} is not used: {reason}.")
    for warning in sorted(warnings):
        seisbench.logger.warning(warning)
    stream.traces = kept


def split_at_missing(stream: obspy.Stream) -> None:
    """
    Cuts traces where samples are masked, NaN or infinite, or of an absurd size, in place.

    :param stream: Stream, modified in place
    """
    traces = []
    for trace in stream:
        samples, bad = np.ma.getdata(trace.data), np.ma.getmask(trace.data)
        if samples.dtype.kind in "fc" and not (finite := np.isfinite(samples)).all():
            bad = bad | ~finite
        if samples.dtype.kind == "f" and (absurd := _absurd(samples, bad)).any():
            seisbench.logger.warning(
                f"Samples of {trace.id} ({absurd.sum()}) are more than {ABSURD_RATIO:g} times "
                "as large as the others. They are taken as missing.",
                extra={"begin": USED},
            )
            bad = bad | absurd
        if trace.stats.npts and np.all(bad):
            seisbench.logger.warning(f"{trace.id} has no finite samples.")
        trace.data = samples
        if np.any(bad):
            trace.data = np.ma.masked_array(samples, mask=bad)
            traces.extend(trace.split())
        else:
            traces.append(trace)
    stream.traces = [trace for trace in traces if trace.stats.npts > 0]


def _absurd(samples: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Samples, at most a thousandth, that are so large that the others would be lost."""
    none = np.zeros(1, dtype=bool)
    if not len(samples):
        return none
    step = len(samples) // 1000 + 1
    some = np.broadcast_to(bad, samples.shape)[::step]
    middle = np.median(np.where(some, 0, np.abs(samples[::step])))
    # Without a copy, as almost no record has any.
    largest = max(np.fmax.reduce(samples), -np.fmin.reduce(samples))
    if not largest / ABSURD_RATIO > middle:
        return none
    size = np.where(bad, 0, np.abs(samples))
    usual = float(np.quantile(size, 0.999, method="lower"))
    return size / ABSURD_RATIO > usual if usual > 0 else none


def drop_overlaps_of_rates(stream: obspy.Stream) -> None:
    """
    Drops traces of one channel that overlap with another sampling rate, with a
    warning, in place: they cannot be compared, so neither is trusted.

    :param stream: Stream, modified in place
    """
    dropped: dict[int, str] = {}
    for channel, traces in _by(lambda trace: trace.id, stream).items():
        for some, others in permutations(_by(_rate, traces).values(), 2):
            dropped |= {id(t): channel for t in some if any_overlap([t], others)}
    if names := ", ".join(sorted(set(dropped.values()))):
        seisbench.logger.warning(
            f"There are records of several sampling rates for the same time, which are "
            f"not used: {names}. Select those that you want."
        )
    stream.traces = [trace for trace in stream if id(trace) not in dropped]


def select_instruments(stream: obspy.Stream) -> None:
    """
    Keeps one instrument where several record at one station and location at the same
    time, in place: their samples must not be mixed into one record.

    :param stream: Stream, modified in place
    """
    drop: set[int] = set()
    for station, traces in _by(station_id, stream).items():
        instruments = _by(lambda trace: trace.stats.channel[:-1], traces)
        codes = instrument_order(instruments)
        kept: list[obspy.Trace] = []
        for code in codes:
            if not any_overlap(instruments[code], kept):
                kept += instruments[code]
                continue
            drop.update(id(trace) for trace in instruments[code])
            seisbench.logger.warning(
                f"Station {station} has more than one instrument at the same "
                f"time ({', '.join(codes)}). {code} is not used. Select the "
                f"traces that you want before calling annotate or classify."
            )
    stream.traces = [trace for trace in stream if id(trace) not in drop]


def any_overlap(some: list[obspy.Trace], others: list[obspy.Trace]) -> bool:
    """If any trace of one list covers the same time as any of the other."""
    covered: list[tuple[int, int]] = []
    for traces in (some, others):
        spans = ((t.stats.starttime.ns, t.stats.endtime.ns) for t in traces)
        covered += join_spans(spans)
    return any(begin < end for begin, end in join_spans(covered, least=2))


def rename_components(stream: obspy.Stream) -> None:
    """
    Gives the components of each instrument the codes Z, N and E, in place: Z12, Z23 and
    123 stand for ZNE in this order, unless other numbers show that they count channels.

    :param stream: Stream, modified in place
    """
    named = (trace for trace in stream if trace.stats.channel)
    for every in _by(instrument_id, named).values():
        known = components_of(trace.stats.channel for trace in every)
        traces = [trace for trace in every if trace.stats.channel in known]
        codes = set(known.values())
        if codes & set("123") and codes & set("NE"):
            seisbench.logger.warning(
                f"Station {station_id(traces[0])} has components "
                f"{', '.join(sorted(codes))}: both letters and numbers for the "
                "horizontals. Select one set, or set "
                "flexible_horizontal_components=False."
            )
        names = {"1": "N", "2": "E"}
        if "3" in codes and not codes >= {"Z", "1"}:
            names = {"1": "Z", "2": "N", "3": "E"}
        for trace in traces:
            channel = trace.stats.channel
            trace.stats.channel = channel[:-1] + names.get(channel[-1], channel[-1])


def warn_about_components(
    stream: obspy.Stream, component_order: str, strict: bool
) -> None:
    """
    Warns about stations that lack components of the model, or have short records only.

    :param stream: Stream with components named as in the component order
    :param component_order: Components of the model
    :param strict: If such stations are left out
    """
    for station, traces in _by(station_id, stream).items():
        codes = {trace.stats.channel[-1:] for trace in traces}
        missing = [code for code in component_order if code not in codes]
        seconds = max(trace.stats.npts / _rate(trace) for trace in traces)
        if seconds < SHORT_SECONDS:
            seisbench.logger.warning(
                f"Station {station} has no more than {seconds:.2g} s without a gap.",
                extra={"begin": USED},
            )
        is_unused = len(missing) == len(component_order) or strict
        effect = "Zeros are used instead, which makes picks less certain."
        if is_unused:
            effect = "It is not used."
        if missing:
            seisbench.logger.warning(
                f"Station {station} has no component {', '.join(missing)} (it has "
                f"{', '.join(sorted(codes)) or 'no channel code'}). {effect}",
                extra={"begin": "" if is_unused else USED},
            )


def find_dead(trace: obspy.Trace) -> list[tuple[int, int]]:
    """
    Stretches in which a component is stuck at one value or was filled with one: those
    that it enters or leaves with a jump, or does not leave at all.

    :param trace: Trace with its original samples, before any filter
    :return: First sample of each stretch, and the one after its last
    """
    data = trace.data
    shortest = max(2, round(DEAD_SECONDS * trace.stats.sampling_rate))
    if not _may_hold(data, shortest):
        return []
    # Not by differences: those of integers overflow.
    edges = np.flatnonzero(data[1:] != data[:-1]) + 1
    edges = np.concatenate([[0], edges, [len(data)]])
    steps = np.abs(np.diff(data[edges[:-1]].astype(np.float64)))
    jumps = steps > (JUMP_STEPS + 0.5) * steps.min(initial=np.inf)
    jumps = np.concatenate([[False], jumps, [True]])
    dead = (np.diff(edges) >= shortest) & (jumps[:-1] | jumps[1:])
    return list(zip(edges[:-1][dead].tolist(), edges[1:][dead].tolist(), strict=True))


def _may_hold(data: np.ndarray, shortest: int) -> bool:
    """
    If a value may be held for this many samples. Only a few samples are compared, so it
    may be true although no value is held.
    """
    step = shortest // 2
    sparse = data[::step]
    places = np.flatnonzero(sparse[1:] == sparse[:-1]) * step
    for between in {step // 2, step // 3, step - 1}:
        places = places[data[places + between] == data[places]]
    return len(places) > 0


def bridge_dead(trace: obspy.Trace, dead: list[tuple[int, int]]) -> None:
    """
    Replaces dead stretches of a trace by lines between the samples around them, in
    place, so that no filter sees their jumps.

    :param trace: Trace with its original samples
    :param dead: What :py:func:`find_dead` gave
    """
    if not dead:
        return
    data = trace.data.astype(np.float64)
    places = np.arange(len(data))
    alive = np.ones(len(data), dtype=bool)
    for begin, end in dead:
        alive[begin:end] = False
    if alive.any():
        data = np.interp(places, places[alive], data[alive])
    trace.data = data


def mark_dead(
    trace: obspy.Trace, dead: list[tuple[int, int]], ratio: float, skipped: int
) -> None:
    """
    Sets dead stretches of a trace to NaN, in place.

    :param trace: Trace, perhaps resampled
    :param dead: What :py:func:`find_dead` gave, in samples of the original trace
    :param ratio: New sampling rate over the original one
    :param skipped: What :py:func:`resample_trace` left out at the beginning
    """
    if not dead:
        return
    trace.data = trace.data.astype(np.float64)
    for stretch in dead:
        begin, end = (math.ceil(max(0, i - skipped) * ratio) for i in stretch)
        trace.data[begin:end] = np.nan


def resampling_ratio(rate: float, target: float) -> Fraction:
    """
    :param rate: Sampling rate of the data in Hz
    :param target: Sampling rate of the model in Hz
    :return: The simplest ratio that brings the data within
             :py:data:`RATE_TOLERANCE` of the target
    """
    exact = Fraction(target / rate)
    for limit in range(1, MAX_RATIO_TERM):
        ratio = exact.limit_denominator(limit)
        if abs(float(ratio / exact) - 1) <= RATE_TOLERANCE:
            return ratio
    return exact.limit_denominator(MAX_RATIO_TERM)


def resample_trace(trace: obspy.Trace, target: float) -> int:
    """
    Resamples to about the target rate with an anti-alias filter of zero phase, in
    place. The new rate is an exact ratio of the old one, so that times do not drift.
    The new samples lie at fixed times, wherever the trace begins.

    :param trace: Trace, modified in place
    :param target: Sampling rate of the model in Hz
    :return: Samples at the beginning that were left out for that
    """
    rate = trace.stats.sampling_rate
    ratio = resampling_ratio(rate, target)
    if ratio == 1:
        return 0
    skipped = -sample_number(trace.stats.starttime, rate) % ratio.denominator
    if skipped >= trace.stats.npts:
        skipped = 0
    data = trace.data[skipped:].astype(np.float64)
    # Else the ends would be steps to zero.
    mean = data.mean()
    up, down = ratio.numerator, ratio.denominator
    trace.data = signal.resample_poly(data - mean, up, down, window=_lowpass(up, down))
    trace.data += mean
    trace.stats.starttime += skipped / rate
    trace.stats.sampling_rate = rate * float(ratio)
    return skipped


def _lowpass(up: int, down: int) -> np.ndarray:
    """
    Low-pass for a change of the sampling rate by up / down: flat to 0.9 of the lower
    Nyquist frequency, 80 dB down at 1.1 of it.
    """
    slowest = max(up, down)
    n_taps, beta = signal.kaiserord(80, 0.2 / slowest)
    taps = signal.firwin(n_taps | 1, 1 / slowest, window=("kaiser", beta))
    # Each of the interleaved filters passes a constant as it is. Else it would come out
    # with a ripple of a thousandth, as large as an earthquake on a 24 bit digitizer.
    for phase in range(up):
        taps[phase::up] /= up * taps[phase::up].sum()
    return taps


@dataclass
class Record:
    """
    One stretch of one instrument without a gap in all of its components.

    :param codes: Codes of network, station and location
    :param start_time: Time of the first sample
    :param sampling_rate: Sampling rate in Hz
    :param first_sample: Number of the first sample, counted from 1970. Windows are
                         placed by it, so that picks do not depend on where a file
                         begins.
    :param data: Samples, (3, samples), float32, in the component order of the model,
                 free of offset, scaled to a peak of 1; NaN where there is no data.
    :param returns: Samples at which a component begins or returns, while others go on
    """

    codes: dict[str, str]
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
    order = [*component_order]
    used = (trace for trace in stream if trace.stats.channel[-1:] in order)
    for _, of_instrument in sorted(_by(instrument_id, used).items()):
        # Components of one time stay together: their rates differ a little at most.
        groups: list[list[obspy.Trace]] = []
        for traces in _by(_rate, of_instrument).values():
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
    codes = {key: traces[0].stats[key] for key in ("network", "station", "location")}
    rate = traces[0].stats.sampling_rate
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
    how = (0, len(component_order)) if strict else (1, 1)
    for begin, end in join_spans(covered, *how):
        if begin == end:
            continue
        members = np.flatnonzero((starts < end) & (ends > begin))
        shift = np.mean(exact[members] - starts[members])
        start_time = t0 + (begin + shift) / rate
        pieces = [(components[i], starts[i] - begin, traces[i].data) for i in members]
        filled = _fill(pieces, len(component_order), end - begin)
        first = sample_number(start_time, rate)
        yield Record(codes, start_time, rate, first, *filled)


def _fill(
    pieces: list[tuple[int, int, np.ndarray]], n_components: int, n_samples: int
) -> tuple[np.ndarray, list[int]]:
    """
    Puts (component, first sample, data) into one array. Offset and unit go here, in
    double precision, because float32 has too few digits for large offsets and tiny units.
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
