"""Codes of stations, and spans of time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import obspy

#: Order of preference if several instruments record at one station and location, by band
#: and instrument code; others follow in alphabetical order.
INSTRUMENT_PREFERENCE = ("HH", "BH", "EH", "SH", "HN", "EI", "EN", "SN", "BN")


def station_id(trace: obspy.Trace) -> str:
    """NET.STA.LOC of a trace."""
    stats = trace.stats
    return f"{stats.network}.{stats.station}.{stats.location}"


def join_spans(
    spans: Iterable[tuple[int, int]], tolerance: int = 0, least: int = 1
) -> list[tuple[int, int]]:
    """
    :param spans: Begin and end of each
    :param tolerance: Largest gap between spans that are joined
    :param least: Number of spans that must cover a time
    :return: Disjoint spans covered by at least this many, sorted
    """
    edges = [(at, step) for b, e in spans for at, step in ((b, -1), (e + tolerance, 1))]
    joined: list[tuple[int, int]] = []
    count = start = 0
    for at, step in sorted(edges):
        count -= step
        if step < 0 and count == least:
            start = at
        elif step > 0 and count == least - 1:
            joined.append((start, at - tolerance))
    return joined


def for_each_rate(
    stream: obspy.Stream, process: Callable[[obspy.Stream], object]
) -> None:
    """
    Applies a function that merges traces to those of each sampling rate by themselves,
    in place, as ObsPy refuses to merge others. It refuses types and calibration factors
    as well: traces of one channel get one type, and of one factor stay by themselves.

    :param stream: Stream, modified in place
    :param process: Function that modifies a stream in place
    """
    # Not above: importing the package must not import ObsPy.
    import numpy as np
    import obspy

    types = defaultdict(set)
    for trace in stream:
        types[trace.id].add(trace.data.dtype)
    groups: dict[tuple[float, float], obspy.Stream] = {}
    for trace in stream:
        if len(types[trace.id]) > 1:
            trace.data = trace.data.astype(np.float64)
        key = (trace.stats.sampling_rate, trace.stats.calib)
        groups.setdefault(key, obspy.Stream()).append(trace)
    for group in groups.values():
        process(group)
    stream.traces = [trace for group in groups.values() for trace in group]
