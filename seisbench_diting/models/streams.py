"""Preparing ObsPy streams: names of components, instruments, gaps, sampling rate."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from fractions import Fraction

import numpy as np
import obspy
import seisbench
from scipy import signal

from .._util import instrument_order, station_id

#: Two sampling rates closer than this (as a ratio) count as the same. The samples
#: are used as they are, and times follow the record's own rate.
RATE_TOLERANCE = 1e-3

#: Slower data, as a share of the rate of the model, hold nothing that it could pick.
MIN_RATE_SHARE = 0.02

#: Largest denominator of a resampling ratio.
MAX_RATIO_TERM = 1000

#: A component that holds one value for at least so long may be dead, in seconds.
DEAD_SECONDS = 1.0

#: A component jumps if it changes by more than so many of its smallest steps. A quiet
#: and coarse digitizer holds one value, too, but leaves it by a step or two, and its
#: first motion may well be an arrival.
JUMP_STEPS = 10

_warned: ContextVar[set[str]] = ContextVar("_warned", default=set())  # noqa: B039


def warn_once(message: str) -> None:
    """Warns, unless it was warned about in these words already."""
    warned = _warned.get()
    if message not in warned:
        warned.add(message)
        seisbench.logger.warning(message)


@contextmanager
def warning_anew() -> Iterator[None]:
    """Inside, everything is warned about again, once."""
    token = _warned.set(set())
    try:
        yield
    finally:
        _warned.reset(token)


def instrument_id(trace: obspy.Trace) -> str:
    """NET.STA.LOC and the band and instrument code of a trace."""
    return f"{station_id(trace)}.{trace.stats.channel[:-1]}"


def sample_number(time: obspy.UTCDateTime, sampling_rate: float) -> int:
    """Number of the sample at a time, counted from 1970."""
    # Not rounded to the nearest: clocks of exactly half a sample exist.
    return math.floor(time.timestamp * sampling_rate + 0.3)


def drop_unusable(stream: obspy.Stream, target: float) -> None:
    """
    Drops traces with a warning, in place, that no picker can use: those without
    component code, with complex samples, or far too slow.

    :param stream: Stream, modified in place
    :param target: Sampling rate of the model in Hz
    """
    kept = []
    for trace in stream:
        rate = trace.stats.sampling_rate
        if not trace.stats.channel:
            reason = "it has no channel code, so its component is not known"
        elif np.iscomplexobj(trace.data):
            reason = "its samples are complex numbers"
        elif rate < MIN_RATE_SHARE * target:
            reason = f"{rate:g} Hz are too few for a model of {target:g} Hz"
        else:
            kept.append(trace)
            continue
        warn_once(f"{trace.id} is not used: {reason}.")
    stream.traces = kept


def split_at_missing(stream: obspy.Stream) -> None:
    """
    Cuts traces where samples are masked, NaN or infinite, in place.

    :param stream: Stream, modified in place
    """
    traces = []
    for trace in stream:
        samples, bad = np.ma.getdata(trace.data), np.ma.getmask(trace.data)
        if samples.dtype.kind in "fc" and not (finite := np.isfinite(samples)).all():
            bad = bad | ~finite
        trace.data = samples
        if np.any(bad):
            trace.data = np.ma.masked_array(samples, mask=bad)
            traces.extend(trace.split())
        else:
            traces.append(trace)
    stream.traces = [trace for trace in traces if trace.stats.npts > 0]


def drop_overlaps_of_rates(stream: obspy.Stream) -> None:
    """
    Drops traces of one channel that overlap with another sampling rate, with a
    warning, in place: they cannot be compared, so neither is trusted.

    :param stream: Stream, modified in place
    """
    channels = defaultdict(list)
    for trace in stream:
        channels[trace.id].append(trace)
    dropped: dict[int, str] = {}
    for trace_id, traces in channels.items():
        rates = {trace.stats.sampling_rate for trace in traces}
        for trace in traces if len(rates) > 1 else ():
            rate = trace.stats.sampling_rate
            others = [one for one in traces if one.stats.sampling_rate != rate]
            if any_overlap([trace], others):
                dropped[id(trace)] = trace_id
    if dropped:
        names = ", ".join(sorted(set(dropped.values())))
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
    stations: dict[str, dict[str, list[obspy.Trace]]] = {}
    for trace in stream:
        instruments = stations.setdefault(station_id(trace), defaultdict(list))
        instruments[trace.stats.channel[:-1]].append(trace)

    drop: set[int] = set()
    for station, instruments in stations.items():
        first, *others = codes = instrument_order(instruments)
        kept = list(instruments[first])
        for code in others:
            if not any_overlap(instruments[code], kept):
                kept.extend(instruments[code])
                continue
            drop.update(id(trace) for trace in instruments[code])
            warn_once(
                f"Station {station} has more than one instrument at the same "
                f"time ({', '.join(codes)}). {code} is not used. Select the "
                f"traces that you want before calling annotate or classify."
            )
    stream.traces = [trace for trace in stream if id(trace) not in drop]


def any_overlap(some: list[obspy.Trace], others: list[obspy.Trace]) -> bool:
    """If any trace of one list covers the same time as any of the other."""
    starts, ends = _spans(some)
    other_starts, other_ends = _spans(others)
    # Of the others that begin before a trace ends, does any end after it begins?
    latest = np.maximum.accumulate(other_ends)
    before = np.searchsorted(other_starts, ends) - 1
    return bool(np.any((before >= 0) & (latest[before] > starts)))


def _spans(traces: list[obspy.Trace]) -> tuple[np.ndarray, np.ndarray]:
    """Start and end times of traces in POSIX seconds, sorted by start."""
    times = ((trace.stats.starttime, trace.stats.endtime) for trace in traces)
    starts, ends = np.array(sorted((a.timestamp, b.timestamp) for a, b in times)).T
    return starts, ends


def rename_components(stream: obspy.Stream) -> None:
    """
    Gives the components of each instrument the codes Z, N and E, in place: Z12, Z23 and
    123 stand for ZNE in this order.

    :param stream: Stream, modified in place
    """
    instruments = defaultdict(list)
    for trace in stream:
        if trace.stats.channel:
            instruments[instrument_id(trace)].append(trace)

    for traces in instruments.values():
        codes = {trace.stats.channel[-1] for trace in traces}
        if codes & set("123") and codes & set("NE"):
            warn_once(
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
    Warns about stations that lack components of the model.

    :param stream: Stream with components named as in the component order
    :param component_order: Components of the model
    :param strict: If such stations are left out
    """
    stations = defaultdict(set)
    for trace in stream:
        stations[station_id(trace)].add(trace.stats.channel[-1:])
    for station, codes in stations.items():
        missing = [code for code in component_order if code not in codes]
        if len(missing) == len(component_order) or (missing and strict):
            effect = "It is not used."
        else:
            effect = "Zeros are used instead, which makes picks less certain."
        if missing:
            warn_once(
                f"Station {station} has no component {', '.join(missing)} (it has "
                f"{', '.join(sorted(codes)) or 'no channel code'}). {effect}"
            )


def find_dead(trace: obspy.Trace) -> list[tuple[int, int]]:
    """
    Stretches in which a component is stuck at one value or was filled with one: those
    that it enters or leaves with a jump, or does not leave at all.

    :param trace: Trace with its original samples, before any filter
    :return: First sample and sample behind the end of each stretch
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
    If any value is held for so many samples, as told by few of them; true now and then
    where none is.
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
    trace: obspy.Trace,
    dead: list[tuple[int, int]],
    ratio: float = 1.0,
    skipped: int = 0,
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
