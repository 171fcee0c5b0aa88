"""What the figures of an event share."""

from __future__ import annotations

from typing import Any

import numpy as np
import obspy
import pandas as pd

from .._util import band_filtered
from .style import COLOURS, GREY, band_text, legend_below

__all__ = [
    "COLOURS",
    "DISCARDED",
    "GREY",
    "Line",
    "band_text",
    "describe",
    "filtered_lines",
    "legend_below",
    "pick_seconds",
    "rank",
    "vertical_of",
]

#: Of picks that were not chosen; to be seen on grey and black.
DISCARDED = "#CC79A7"

#: Seconds after the origin time and samples, NaN in gaps.
Line = tuple[np.ndarray, np.ndarray]


def filtered_lines(
    stream: obspy.Stream, event: Any, band: tuple[float, float]
) -> dict[str, dict[str, Line]]:
    """
    :param stream: Waveforms
    :param event: Any, whose origin time is zero
    :param band: Lowest and highest frequency in Hz. The filter looks only back, so that
        nothing of an arrival comes before its onset.
    :return: For each station, for each of its components, a line
    """
    shown = obspy.Stream()
    for trace in stream:
        copy = obspy.Trace(np.ma.masked_invalid(trace.data), trace.stats.copy())
        shown += copy.split() if np.ma.is_masked(copy.data) else copy
    pieces: dict[str, dict[str, list[Line]]] = {}
    for trace in sorted(shown, key=lambda trace: trace.stats.starttime):
        trace.data = band_filtered(trace.data, band, trace.stats.sampling_rate)
        seconds = trace.times() + (trace.stats.starttime - event.origin)
        of_station = pieces.setdefault(trace.id.rpartition(".")[0], {})
        line = of_station.setdefault(trace.stats.channel[-1:], [])
        # A value that isn't drawn, so that no line goes across a gap.
        line.append((np.append(seconds, np.nan), np.append(trace.data, np.nan)))
    return {
        station: {
            component: tuple(map(np.concatenate, zip(*lines, strict=True)))
            for component, lines in components.items()
        }
        for station, components in pieces.items()
    }


def vertical_of(components: dict[str, Line]) -> tuple[str, Line]:
    """The vertical component, or what there is in its place."""
    name = min(components, key=rank)
    return name, components[name]


def rank(component: str) -> tuple[int, str]:
    """Z, N and E first, in this order, or the numbers in their places."""
    place = "Z1N2E3".find(component) if component else -1
    return (place if place >= 0 else 6), component


def pick_seconds(times: pd.Series, event: Any) -> np.ndarray:
    """
    :param times: Column of times
    :param event: Any
    :return: Seconds after the origin time
    """
    return (times - event.time).dt.total_seconds().to_numpy(dtype=float)


def describe(event: Any) -> str:
    """One line about an event."""
    time = event.time.round("100ms").strftime("%Y-%m-%d %H:%M:%S.%f")
    words = [event.event_id, f"{time[:-5]} UTC"]
    if np.isfinite(event.magnitude):
        words.append(f"{event.magnitude_type or 'M'} {event.magnitude:.1f}")
    if np.isfinite(event.depth_km):
        words.append(f"{event.depth_km:.1f} km deep")
    return ", ".join(words)
