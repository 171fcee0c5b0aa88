"""Write a run as one HTML page, with data, waveforms and scripts."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import obspy
import pandas as pd
from scipy import signal

from .. import __version__
from .._util import (
    INSTRUMENT_PREFERENCE,
    ArgumentError,
    band_filtered,
    beside,
    check_place,
    progress_bar,
    takes,
    write_text,
)
from ..picking import STATE, SUMMARY, chunks_of_run, opened_state
from ..plots import COLOURS, ELLIPSE, band_text
from ..tables import (
    find_station,
    pick_table,
    read_association,
    read_picks,
    read_stations,
)
from ..waveforms import SECOND, Archive, NamePattern, choose_segments, read_segments
from .report_settings import ReportSettings

_LOG = logging.getLogger("seisbench_diting")

#: Files of a run without a state, the best first.
_ENDINGS = (".events.parquet", ".events.csv", ".parquet", ".csv", ".xml", ".txt")

#: Edges of the histograms.
_EDGES = {"probability": np.linspace(0, 1, 21), "snr": np.logspace(-1, 4, 41)}

#: More events on a map than these take a browser seconds.
_MOST_EVENTS = 8000

#: Seconds before and after a pick, and until a filter has settled.
_BEFORE, _AFTER, _SETTLING = 4.0, 8.0, 5.0

#: Picks of a station within this time are read at once.
_TOGETHER = "1h"

#: Columns of the table of events: headings, and numbers of decimals.
_COLUMNS: dict[str, tuple[str, int | None]] = {
    "magnitude": ("Magnitude", 2),
    "latitude": ("Latitude (°)", 4),
    "longitude": ("Longitude (°)", 4),
    "depth_km": ("Depth (km)", 1),
    "time_error_s": ("Time ± (s)", 2),
    "latitude_error_km": ("Latitude ± (km)", 2),
    "longitude_error_km": ("Longitude ± (km)", 2),
    "depth_error_km": ("Depth ± (km)", 1),
    "depth_flag": ("Depth flag", None),
    "max_horizontal_error_km": ("Ellipse, longer (km)", 2),
    "min_horizontal_error_km": ("shorter (km)", 2),
    "max_error_azimuth_deg": ("azimuth (°)", 0),
    "azimuthal_gap_deg": ("Gap (°)", 0),
    "nearest_station_km": ("Nearest station (km)", 1),
    "pick_count": ("Picks", 0),
    "rms_residual_s": ("RMS (s)", 2),
    "score": ("Score", 1),
}

#: Highest sampling rate that is visible on the page.
_RATE = 200.0


@takes(ReportSettings)
def write_report(settings: ReportSettings) -> Path:
    """
    Writes one HTML file that shows a run and opens offline: picks over time and stations,
    histograms, a map, and waveforms around picks that are clicked.

    :raises ValueError: if the run does not exist, an option is invalid, a file is
        damaged, or the run is not finished
    :raises ImportError: without plotly
    :return: The page
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        extra = "pip install 'seisbench-diting[report]'"
        raise ImportError(f"Reports need plotly: {extra}.") from error
    path = settings.name
    target = settings.output or beside(path, ".html")
    check_place(target, f"output={str(target)!r}")
    run = _read_run(path, settings.max_picks)
    places = None
    if settings.stations is not None:
        places = _stations(read_stations(settings.stations, "m"), run.counts.stations)
    chosen = _spread(run.counts.sample, run.events, settings.snippets)
    snippets = _read_snippets(chosen, run, settings)
    write_text(target, _page(run, places, snippets, settings.band, get_plotlyjs()))
    return target


# Data of a run


class PickCounts:
    """
    Counts of any number of picks, and a random sample of them, the same each time.

    :param most: Picks to keep
    :param tables: Tables of picks
    """

    def __init__(self, most: int, tables: Iterable[pd.DataFrame]) -> None:
        rng = np.random.default_rng(0)
        kept = [pick_table([]).assign(_lot=0.0)]
        self.total = 0
        #: First and last time, if there are picks.
        self.span: list[pd.Timestamp] = []
        #: Number of picks of each station; and of each phase in the classes of a column.
        self.stations: Counter[str] = Counter()
        self.classes: dict[str, dict[str, Any]] = {name: {} for name in _EDGES}
        for picks in tables:
            self.total += len(picks)
            for phase, of_phase in picks.groupby("phase"):
                for column, edges in _EDGES.items():
                    values = of_phase[column].dropna().clip(edges[0], edges[-1])
                    classes = self.classes[column]
                    new = np.histogram(values, edges)[0]
                    classes[str(phase)] = classes.get(str(phase), 0) + new
            self.stations.update(picks["station_id"])
            times = [*self.span, *picks["time"].agg(["min", "max"]).dropna()]
            self.span = [min(times), max(times)] if times else []
            # Those with the smallest random numbers of all so far.
            kept.append(picks.assign(_lot=rng.random(len(picks))))
            if sum(map(len, kept)) > 2 * most:
                kept = [pd.concat(kept).nsmallest(most, "_lot")]
        kept = [table for table in kept if len(table)] or kept
        sample = pd.concat(kept).nsmallest(most, "_lot")
        self.sample = pick_table(sample.drop(columns="_lot"))


@dataclass
class ReportedRun:
    """
    A run of picking or association.

    :param name: Heading
    :param counts: Counts of all picks, and a sample of them
    :param events: Events, if it is an association
    :param summary: Content of NAME.json
    :param state: Name of the picking run, if its state is there
    """

    name: str
    counts: PickCounts
    events: pd.DataFrame | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    state: Path | None = None


def _read_run(path: Path, most: int) -> ReportedRun:
    """
    :param path: Name of a picking run or of an association, as it was given to ``-o``; or
        a file of picks, or of events with their picks
    :param most: Most picks to keep; of more, a sample is drawn
    :raises ArgumentError: if there is nothing of this name
    :raises ValueError: if a file is damaged, or the run is not finished
    """
    if path.is_file():
        events, picks = _tables_of(path)
        return ReportedRun(path.name, PickCounts(most, [picks]), events)
    summary = {}
    if (file := beside(path, SUMMARY)).is_file():
        try:
            summary = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            again = "Run the command that made it again"
            raise ValueError(f"{file} is damaged ({error}). {again}.") from error
    if beside(path, STATE).is_file():
        with opened_state(path) as state:
            counts = PickCounts(most, chunks_of_run(state))
        return ReportedRun(path.name, counts, summary=summary, state=path)
    for file in (beside(path, ending) for ending in _ENDINGS):
        if file.is_file():
            events, picks = _tables_of(file)
            return ReportedRun(path.name, PickCounts(most, [picks]), events, summary)
    reason = "no run or file has this name; name a run of pick or associate, or a file"
    raise ArgumentError("name", str(path), f"{reason} of picks or events")


def _tables_of(path: Path) -> tuple[pd.DataFrame | None, pd.DataFrame]:
    """:return: Events of a file, or None if it has loose picks; and its picks"""
    if ".events." in path.name.lower():
        return read_association(path)
    if path.suffix.lower() in (".txt", ".xml", ".quakeml"):
        try:
            events, picks = read_association(path)
        except ValueError:
            return None, read_picks(path)
        if len(events):
            return events, picks
    return None, read_picks(path)


# Waveforms


def _spread(
    picks: pd.DataFrame, events: pd.DataFrame | None, most: int
) -> pd.DataFrame:
    """:return: Some of the picks that are shown; in associations, those of whole events"""
    of: Any = range(len(picks))
    if events is not None and "event_id" in picks:
        of = picks["event_id"]
    groups = pd.factorize(pd.Series(of), sort=True)[0]
    total = int(groups.max(initial=-1)) + 1
    number = min(total, max(1, most * total // max(1, len(picks))))
    rows = np.linspace(0, max(0, total - 1), number).round().astype(int)
    return picks[np.isin(groups, rows)].head(most)


@contextmanager
def _opened_waveforms(run: ReportedRun, settings: ReportSettings) -> Iterator[Any]:
    """:return: Archive, pattern of file names and instruments; None if there are none"""
    with ExitStack() as stack:
        if settings.waveforms:
            folder = stack.enter_context(TemporaryDirectory(prefix="seisbench-diting-"))
            archive = Archive(Path(folder) / "index")
            stack.callback(archive.close)
            pattern = settings.name_pattern
            archive.index(
                list(map(str, settings.waveforms)),
                pattern,
                progress=settings.progress,
                argument="waveforms",
            )
            yield archive, pattern, INSTRUMENT_PREFERENCE
        elif run.state is not None:
            state = stack.enter_context(opened_state(run.state))
            text, codes = state.option("name_pattern"), state.option("instruments")
            pattern = NamePattern(text) if text else None
            yield state, pattern, tuple(codes) if codes else INSTRUMENT_PREFERENCE
        else:
            yield None


def _read_snippets(
    picks: pd.DataFrame, run: ReportedRun, settings: ReportSettings
) -> dict[int, list[list[Any]]]:
    """
    :return: For the labels of picks with waveforms, for each channel: its code, seconds
        after the pick of its first sample, samples a second, largest absolute value, and
        bytes from -127 to 127 times the peak in base64
    """
    snippets: dict[Any, list[list[Any]]] = {}
    with _opened_waveforms(run, settings) as source:
        if source is None:
            return snippets
        archive, pattern, instruments = source
        about = "Reading waveforms", "picks", settings.progress
        with progress_bar(*about, total=len(picks)) as bar:
            hours = picks["time"].dt.floor(_TOGETHER)
            for (station, _), rows in picks.groupby(["station_id", hours]):
                times = rows["time"].astype("int64").to_numpy() * 1000
                begin = int(times.min() - (_BEFORE + _SETTLING) * SECOND)
                end = int(times.max() + _AFTER * SECOND)
                segments = archive.segments(str(station), begin, end)
                of_codes, _ = choose_segments(segments, instruments)
                wanted = [
                    segment for of_code in of_codes.values() for segment in of_code
                ]
                stream = read_segments(wanted, begin, end, pattern).stream
                traces = [trace for trace in stream if _prepare(trace, settings.band)]
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


# The page


def _page(
    run: ReportedRun,
    stations: dict[str, Any] | None,
    snippets: dict[int, list[list[Any]]],
    band: tuple[float, float] | None,
    plotly: str,
) -> str:
    folder = files(__package__)
    events = run.events
    if events is not None and len(events) > _MOST_EVENTS:
        events = events.sample(_MOST_EVENTS, random_state=0).sort_values("time")
    data = {
        "picks": _picks(run.counts.sample, events),
        "counts": {
            column: {
                "edges": _rounded(edges, 4),
                **{
                    k: v.tolist() for k, v in sorted(run.counts.classes[column].items())
                },
            }
            for column, edges in _EDGES.items()
        },
        "events": None if events is None else _events(events),
        "stations": stations,
        "snippets": {str(label): channels for label, channels in snippets.items()},
        "band": None if band is None else band_text(band),
        "colours": COLOURS,
    }
    payload = json.dumps(data, allow_nan=False, separators=(",", ":"))
    script = (folder / "page.js").read_text(encoding="utf-8")
    values = {
        "TITLE": html.escape(run.name),
        "FACTS": "".join(
            f"<tr><th>{key}</th><td>{html.escape(str(value))}</td></tr>"
            for key, value in _facts(run, len(snippets)).items()
            if value not in (None, "")
        ),
        "VERSION": html.escape(__version__),
        # No text in it can end the element that it is in.
        "DATA": payload.replace("<", "\\u003c"),
        "STYLE": (folder / "page.css").read_text(encoding="utf-8"),
        "SCRIPT": script,
        "PLOTLY": plotly,
        # The page's policy allows these two scripts only.
        "SCRIPTS": " ".join(map(_hash, (plotly, script))),
    }
    pieces = (folder / "page.html").read_text(encoding="utf-8").split("@@")
    return "".join(
        values[piece] if number % 2 else piece for number, piece in enumerate(pieces)
    )


def _hash(script: str) -> str:
    """As a content security policy names a script."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _facts(run: ReportedRun, snippets: int) -> dict[str, Any]:
    counts, events, picks = run.counts, "", f"{run.counts.total:,}"
    if run.events is not None:
        events = f"{len(run.events):,}"
        if len(run.events) > _MOST_EVENTS:
            events += f", of which {_MOST_EVENTS:,}, drawn at random, are on this page"
    if len(counts.sample) < counts.total:
        picks += f", of which {len(counts.sample):,}, drawn at random, are on this page"
    times = [time.strftime("%Y-%m-%d %H:%M:%S") for time in counts.span]
    options = run.summary.get("options", {})
    return {
        "events": events,
        "picks": picks,
        "with waveforms": f"{snippets:,}",
        "stations": f"{len(counts.stations):,}",
        "time": f"{' to '.join(times)} UTC" if times else None,
        "method": run.summary.get("method"),
        "status": run.summary.get("status"),
        "model": options.get("model"),
        "smallest probability": options.get("threshold"),
    }


def _picks(picks: pd.DataFrame, events: pd.DataFrame | None) -> dict[str, Any]:
    stations, names = pd.factorize(picks["station_id"], sort=True)
    of_phase, phases = pd.factorize(picks["phase"], sort=True)
    found: dict[str, Any] = {
        "names": list(names),
        "phases": list(phases),
        "station": stations.tolist(),
        "phase": of_phase.tolist(),
        "time": _milliseconds(picks["time"]),
        "probability": _rounded(picks["probability"], 3),
        "snr": _rounded(picks["snr"], 2),
    }
    if events is not None and "event_id" in picks:
        places = pd.Index(events["event_id"]).get_indexer(picks["event_id"])
        found["event"] = places.tolist()
        found["distance"] = _rounded(picks["epicentral_distance_km"], 2)
        found["residual"] = _rounded(picks["residual_s"], 3)
    return found


def _events(events: pd.DataFrame) -> dict[str, Any]:
    found = {"name": list(events["event_id"]), **_places(events)}
    found["time"] = _milliseconds(events["time"])
    found["depth"] = _rounded(events["depth_km"], 2)
    if "pick_count" in events:
        found["picks"] = _rounded(events["pick_count"], 0)
    if ELLIPSE[0] in events:
        found["ellipse"] = [_rounded(events[name], 3) for name in ELLIPSE]
    columns = []
    for name, (title, digits) in _COLUMNS.items():
        values = events.get(name, pd.Series(dtype=float))
        known = values.notna() & (values != "")
        if known.any():
            shown = list(values) if digits is None else _rounded(values, digits)
            columns.append({"title": title, "digits": digits, "values": shown})
    return {**found, "columns": columns}


def _stations(stations: pd.DataFrame, counts: Counter[str]) -> dict[str, Any]:
    picks: Counter[str] = Counter()
    for name, number in counts.items():
        # As in association, so that both have the same picks.
        if found := find_station(stations, name):
            picks[found.station_id] += number
    if counts and not picks:
        text = (
            "None of the %d stations of picks, such as %r, is in the table of stations."
        )
        _LOG.warning(text, len(counts), next(iter(counts)))
    names = list(stations["station_id"])
    return {"name": names, "picks": [picks[x] for x in names], **_places(stations)}


def _places(table: pd.DataFrame) -> dict[str, Any]:
    return {name: _rounded(table[name], 4) for name in ("latitude", "longitude")}


def _milliseconds(times: pd.Series) -> list[float]:
    return (times.astype("int64") / 1000).tolist()


def _rounded(values: Any, digits: int) -> list[float | None]:
    numbers = np.round(np.asarray(values, dtype=float), digits)
    return [float(x) if np.isfinite(x) else None for x in numbers]
