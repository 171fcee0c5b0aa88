"""Waveforms around picks, small enough to be part of a page."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import obspy
import pandas as pd
from scipy import signal

from .._util import INSTRUMENT_PREFERENCE, band_filtered, counting
from ..picking import opened_state
from ..waveforms import (
    SECOND,
    Archive,
    NamePattern,
    choose_segments,
    read_segments,
)
from .runs import Run

#: Seconds before and after a pick.
BEFORE, AFTER = 4.0, 8.0

#: Samples that a filter needs before it tells the truth, in seconds.
_SETTLING = 5.0

#: Picks of a station within one of these are read at once.
_TOGETHER = "1h"

#: More samples a second are not seen.
_RATE = 200.0


@dataclass(frozen=True)
class Component:
    """
    :param channel: Channel code
    :param begin: Seconds after the pick of its first sample
    :param rate: Samples a second
    :param peak: Largest absolute value
    :param samples: Samples, from -127 to 127 times the peak
    """

    channel: str
    begin: float
    rate: float
    peak: float
    samples: np.ndarray

    def to_json(self) -> list[Any]:
        return [
            self.channel,
            round(self.begin, 4),
            self.rate,
            float(f"{self.peak:.3g}"),
            base64.b64encode(self.samples.tobytes()).decode(),
        ]


class Index(NamedTuple):
    """
    :param state: What is in which file
    :param pattern: What file names say
    :param instruments: Codes in order of preference, or all
    """

    state: Archive
    pattern: NamePattern | None
    instruments: tuple[str, ...]


@contextmanager
def opened_index(
    run: Run, waveforms: Sequence[str], name_pattern: str | None, progress: bool
) -> Iterator[Index | None]:
    """
    :param run: Run
    :param waveforms: Where its waveforms are; none for those that a picking run read
    :param name_pattern: What file names say, for headers that lack codes
    :param progress: If progress is shown
    :return: What is in which file, or None if nobody knows
    """
    with ExitStack() as stack:
        if waveforms:
            folder = stack.enter_context(TemporaryDirectory(prefix="seisbench-diting-"))
            archive = Archive(Path(folder) / "index")
            stack.callback(archive.close)
            pattern = NamePattern(name_pattern) if name_pattern else None
            archive.index(waveforms, pattern, progress=progress, argument="waveforms")
            yield Index(archive, pattern, INSTRUMENT_PREFERENCE)
        elif run.output is not None:
            state = stack.enter_context(opened_state(run.output))
            text = state.option("name_pattern")
            instruments = state.option("instruments")
            yield Index(
                state,
                NamePattern(text) if text else None,
                tuple(instruments) if instruments else INSTRUMENT_PREFERENCE,
            )
        else:
            yield None


def read_snippets(
    picks: pd.DataFrame,
    index: Index,
    band: tuple[float, float] | None,
    progress: bool = True,
) -> dict[int, list[Component]]:
    """
    :param picks: Picks
    :param index: What is in which file
    :param band: Lowest and highest frequency in Hz; None for no filter
    :param progress: If progress is shown
    :return: Components by the labels of the picks that have waveforms
    """
    snippets: dict[int, list[Component]] = {}
    with counting("Reading waveforms", " picks", progress, len(picks)) as bar:
        hours = picks["time"].dt.floor(_TOGETHER)
        for (station, _), rows in picks.groupby(["station_id", hours]):
            times = rows["time"].astype("int64").to_numpy() * 1000
            begin = int(times.min() - (BEFORE + _SETTLING) * SECOND)
            end = int(times.max() + AFTER * SECOND)
            stream = _read(index, station, begin, end)
            prepared = [
                x for x in (_prepared(t, band) for t in stream) if x is not None
            ]
            for label, time in zip(rows.index, times, strict=True):
                snippet = _cut(prepared, int(time))
                if snippet:
                    snippets[label] = snippet
            bar.update(len(rows))
    return snippets


def _read(index: Index, station: str, begin: int, end: int) -> obspy.Stream:
    segments = index.state.segments(station, begin, end)
    chosen, _ = choose_segments(segments, index.instruments)
    wanted = [segment for of_code in chosen.values() for segment in of_code]
    return read_segments(wanted, begin, end, index.pattern).stream


def _prepared(
    trace: obspy.Trace, band: tuple[float, float] | None
) -> obspy.Trace | None:
    """A trace without mean, filtered; None where it holds no numbers."""
    data = np.ma.filled(trace.data.astype(float), np.nan)
    data[~np.isfinite(data)] = np.nan
    if np.isnan(data).all():
        return None
    data = np.nan_to_num(data - np.nanmean(data))
    if band is not None:
        data = band_filtered(data, band, trace.stats.sampling_rate)
    trace.data = data
    return trace


def _cut(traces: Sequence[obspy.Trace], time: int) -> list[Component]:
    """What lies around a pick; of a component in several pieces, the longest."""
    begin = obspy.UTCDateTime(ns=round(time - BEFORE * SECOND))
    pieces: dict[str, obspy.Trace] = {}
    for trace in traces:
        piece = trace.slice(begin, begin + BEFORE + AFTER)
        code = piece.stats.channel
        if piece.stats.npts > 1 and (
            code not in pieces or piece.stats.npts > pieces[code].stats.npts
        ):
            pieces[code] = piece
    return [
        _component(pieces[code], time)
        for code in sorted(pieces, key=lambda code: ("Z3N1E2".find(code[-1:]), code))
    ]


def _component(piece: obspy.Trace, time: int) -> Component:
    rate = piece.stats.sampling_rate
    factor = max(1, int(np.ceil(rate / _RATE)))
    data = signal.resample_poly(piece.data, 1, factor) if factor > 1 else piece.data
    peak = float(np.abs(data).max())
    return Component(
        piece.stats.channel,
        (piece.stats.starttime.ns - time) / SECOND,
        rate / factor,
        peak,
        np.rint(127 * data / peak if peak > 0 else data).astype(np.int8),
    )
