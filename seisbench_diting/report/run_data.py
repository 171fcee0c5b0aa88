"""Picks, counts, events and waveforms of a run, for its page."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import obspy
import pandas as pd
from scipy import signal

from .._util import (
    INSTRUMENT_PREFERENCE,
    ArgumentError,
    band_filtered,
    beside,
    progress_bar,
)
from ..picking import STATE, SUMMARY, opened_state, pick_chunks
from ..tables import pick_table, read_association, read_picks
from ..waveforms import (
    SECOND,
    Archive,
    NamePattern,
    choose_segments,
    read_segments,
)

#: Formats of associations that hold all columns, the best first.
_EVENTS = (".events.parquet", ".events.csv", ".xml", ".txt")

#: Formats of picks, for runs whose state is gone.
_PICKS = (".parquet", ".csv", ".txt", ".xml")

#: Edges of the histograms.
EDGES = {"probability": np.linspace(0, 1, 21), "snr": np.logspace(-1, 4, 41)}

#: Seconds before and after a pick.
_BEFORE, _AFTER = 4.0, 8.0

#: Seconds until a filter has settled.
_SETTLING = 5.0

#: Picks of a station within this time are read at once.
_TOGETHER = "1h"

#: Highest sampling rate that is visible on the page.
_RATE = 200.0


class PickCounts:
    """
    Counts of any number of picks, and a sample of them: each as likely as any other, and
    the same each time.

    :param most: Picks to keep
    :param tables: Tables of picks
    """

    def __init__(self, most: int, tables: Iterable[pd.DataFrame]) -> None:
        rng = np.random.default_rng(0)
        kept: list[pd.DataFrame] = []
        self.total = 0
        self.span: list[pd.Timestamp] = []
        #: Number of picks of each station; and of each phase in the classes of a column.
        self.stations: Counter[str] = Counter()
        self.classes: dict[str, dict[str, np.ndarray]] = {name: {} for name in EDGES}
        for picks in tables:
            if not len(picks):
                continue
            self.total += len(picks)
            for phase in sorted(picks["phase"].unique()):
                for column, edges in EDGES.items():
                    values = picks[column][picks["phase"] == phase].dropna()
                    counts = np.histogram(values.clip(edges[0], edges[-1]), edges)[0]
                    before = self.classes[column].get(phase, 0)
                    self.classes[column][phase] = before + counts
            self.stations.update(picks["station_id"])
            times = [*self.span, picks["time"].min(), picks["time"].max()]
            self.span = [min(times), max(times)]
            # Those with the smallest random numbers of all so far.
            kept.append(picks.assign(_lot=rng.random(len(picks))))
            if sum(map(len, kept)) > 2 * most:
                kept = [pd.concat(kept).nsmallest(most, "_lot")]
        self.sample = pick_table([])
        if kept:
            every = pd.concat(kept).nsmallest(most, "_lot")
            self.sample = pick_table(every.drop(columns="_lot"))


@dataclass
class Run:
    """
    :param name: Heading
    :param counts: Counts of all picks, and a sample of them
    :param events: Events, if it is an association
    :param summary: What NAME.json holds
    :param output: Name of the picking run, if it is one and knows its waveforms
    """

    name: str
    counts: PickCounts
    events: pd.DataFrame | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    output: Path | None = None


def read_run(path: Path, max_picks: int) -> Run:
    """
    :param path: Name of a picking run or of an association, as it was given to ``-o``; or
        a file of picks, or of events with their picks
    :param max_picks: Most picks to keep; of more, a sample is drawn
    :raises ArgumentError: if there is nothing of this name
    :raises ValueError: if a file is damaged, or the run is not finished
    :return: The run
    """
    if path.is_file():
        events, picks = _association_in(path) or (None, read_picks(path))
        return Run(path.name, PickCounts(max_picks, [picks]), events)
    summary = _summary(path)
    if beside(path, STATE).is_file():
        with opened_state(path) as state:
            counts = PickCounts(max_picks, pick_chunks(state))
        return Run(path.name, counts, summary=summary, output=path)
    for ending in (*_EVENTS, *_PICKS):
        file = beside(path, ending)
        if not file.is_file():
            continue
        if found := _association_in(file):
            return Run(path.name, PickCounts(max_picks, found[1:]), found[0], summary)
        if ending in _PICKS:
            counts = PickCounts(max_picks, [read_picks(file)])
            return Run(path.name, counts, summary=summary)
    raise ArgumentError(
        "name",
        str(path),
        "no run or file has this name; give the NAME of `pick -o NAME` "
        "or `associate -o NAME`, or a file of picks or of events",
    )


def _association_in(path: Path) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Events and picks of a file; None for loose picks, which may have the same ending."""
    if ".events." in path.name.lower():
        return read_association(path)
    if path.suffix.lower() not in (".txt", ".xml", ".quakeml"):
        return None
    try:
        events, picks = read_association(path)
    except ValueError:
        return None
    return (events, picks) if len(events) else None


def _summary(path: Path) -> dict[str, Any]:
    file = beside(path, SUMMARY)
    if not file.is_file():
        return {}
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{file} is damaged ({error}). Run the command that made it again."
        ) from error


class Source(NamedTuple):
    """
    :param archive: What is in which file
    :param pattern: Gives codes that headers lack
    :param instruments: Codes in order of preference, or all
    """

    archive: Archive
    pattern: NamePattern | None = None
    instruments: tuple[str, ...] = INSTRUMENT_PREFERENCE


@contextmanager
def opened_source(
    run: Run, waveforms: Sequence[str], name_pattern: str | None, progress: bool
) -> Iterator[Source | None]:
    """
    :param run: Run
    :param waveforms: Where its waveforms are; empty for those that a picking run read
    :param name_pattern: Gives codes that headers lack
    :param progress: If progress is shown
    :return: Where waveforms are read, or None if that is not known
    """
    with ExitStack() as stack:
        if waveforms:
            folder = stack.enter_context(TemporaryDirectory(prefix="seisbench-diting-"))
            archive = Archive(Path(folder) / "index")
            stack.callback(archive.close)
            pattern = NamePattern(name_pattern) if name_pattern else None
            archive.index(waveforms, pattern, progress=progress, argument="waveforms")
            yield Source(archive, pattern)
        elif run.output is not None:
            state = stack.enter_context(opened_state(run.output))
            text, codes = state.option("name_pattern"), state.option("instruments")
            pattern = NamePattern(text) if text else None
            instruments = tuple(codes) if codes else INSTRUMENT_PREFERENCE
            yield Source(state, pattern, instruments)
        else:
            yield None


def read_snippets(
    picks: pd.DataFrame,
    source: Source,
    band: tuple[float, float] | None,
    progress: bool = True,
) -> dict[int, list[list[Any]]]:
    """
    :param picks: Picks
    :param source: Where waveforms are read
    :param band: Lowest and highest frequency in Hz; None for no filter
    :param progress: If progress is shown
    :return: For the labels of picks with waveforms, for each channel: its code, seconds
        after the pick of its first sample, samples a second, largest absolute value, and
        bytes from -127 to 127 times the peak in base64
    """
    snippets: dict[Any, list[list[Any]]] = {}
    with progress_bar("Reading waveforms", "picks", progress, len(picks)) as bar:
        hours = picks["time"].dt.floor(_TOGETHER)
        for (station, _), rows in picks.groupby(["station_id", hours]):
            times = rows["time"].astype("int64").to_numpy() * 1000
            begin = int(times.min() - (_BEFORE + _SETTLING) * SECOND)
            end = int(times.max() + _AFTER * SECOND)
            segments = source.archive.segments(str(station), begin, end)
            chosen, _ = choose_segments(segments, source.instruments)
            wanted = [segment for of_code in chosen.values() for segment in of_code]
            stream = read_segments(wanted, begin, end, source.pattern).stream
            traces = [trace for trace in stream if _prepare(trace, band)]
            for label, time in zip(rows.index, times, strict=True):
                if snippet := _cut(traces, int(time)):
                    snippets[label] = snippet
            bar.update(len(rows))
    return snippets


def _prepare(trace: obspy.Trace, band: tuple[float, float] | None) -> bool:
    """Removes the mean and filters, in place; false if there are no numbers."""
    data = np.ma.masked_invalid(trace.data.astype(float))
    if data.count() == 0:
        return False
    trace.data = (data - data.mean()).filled(0.0)
    if band is not None:
        trace.data = band_filtered(trace.data, band, trace.stats.sampling_rate)
    return True


def _cut(traces: Sequence[obspy.Trace], time: int) -> list[list[Any]]:
    """Waveforms around a pick; the longest piece of each channel."""
    begin = obspy.UTCDateTime(ns=round(time - _BEFORE * SECOND))
    pieces: dict[str, obspy.Trace] = {}
    for trace in traces:
        piece = trace.slice(begin, begin + _BEFORE + _AFTER)
        code = piece.stats.channel
        longest = pieces[code].stats.npts if code in pieces else 1
        if piece.stats.npts > longest:
            pieces[code] = piece
    order = sorted(pieces, key=lambda code: ("Z3N1E2".find(code[-1:]), code))
    return [_as_json(pieces[code], time) for code in order]


def _as_json(piece: obspy.Trace, time: int) -> list[Any]:
    rate = piece.stats.sampling_rate
    factor = max(1, int(np.ceil(rate / _RATE)))
    data = signal.resample_poly(piece.data, 1, factor) if factor > 1 else piece.data
    peak = float(np.abs(data).max())
    samples = np.rint(127 * data / peak if peak > 0 else data).astype(np.int8)
    return [
        piece.stats.channel,
        round((piece.stats.starttime.ns - time) / SECOND, 4),
        rate / factor,
        float(f"{peak:.3g}"),
        base64.b64encode(samples.tobytes()).decode(),
    ]
