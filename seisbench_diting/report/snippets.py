"""Waveforms around picks, small enough to be part of a page."""

from __future__ import annotations

import base64
import json
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

from .._util import band_filtered
from ..models import INSTRUMENT_PREFERENCE
from ..picking.block import read_segments_between
from ..picking.index import SECOND, find_segments, index_files
from ..picking.inputs import find_files
from ..picking.names import NamePattern
from ..picking.options import ALL_INSTRUMENTS
from ..picking.plan import choose_instruments, usable_segments
from ..picking.progress import counting
from ..picking.running import opened_state
from ..picking.state import State
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

    state: State
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
            state = State(Path(folder) / "index")
            stack.callback(state.close)
            pattern = NamePattern(name_pattern) if name_pattern else None
            with counting("Reading headers", " files", progress) as bar:
                index_files(state, find_files(list(waveforms)), pattern, bar.update)
            if not state.value("SELECT count(*) FROM segments"):
                raise ValueError(
                    f"waveforms={', '.join(waveforms)!r} hold nothing that can be read."
                )
            yield Index(state, pattern, INSTRUMENT_PREFERENCE)
        elif run.output is not None:
            state = stack.enter_context(opened_state(run.output))
            text = _option(state, "name_pattern")
            instruments = _option(state, "instruments")
            yield Index(
                state,
                NamePattern(text) if text else None,
                tuple(instruments) if instruments else INSTRUMENT_PREFERENCE,
            )
        else:
            yield None


def _option(state: State, name: str) -> Any:
    kept = state.value("SELECT value FROM options WHERE name = ?", [name])
    return json.loads(kept) if kept else None


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
    segments = find_segments(index.state, station, begin, end)
    usable, _ = usable_segments(segments, 0.0)
    if index.instruments == ALL_INSTRUMENTS:
        chosen = [segment for code in sorted(usable) for segment in usable[code]]
    else:
        chosen, _ = choose_instruments(usable, index.instruments)
    stream, _, _ = read_segments_between(chosen, begin, end, index.pattern)
    return stream


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
