"""An event of a run: its files, and the picks in them."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import obspy
import pandas as pd
from seisbench.models import WaveformModel

from ...plots import plot_map, plot_section, plot_station, save_figure
from ...tables import stations_from_stream
from ...travel_times import TravelTimes
from ..block import UnitResult, piece_of, read_segments_between
from ..formats import UnreadableError, read_part
from ..index import SECOND, Segment, complete_codes
from ..names import NamePattern
from ..options import PickOptions
from ..plan import choose_instruments, usable_segments
from ..stream import rate_of, window_seconds
from .choosing import Fit
from .geometry import Event, arrivals_at
from .picker import EventPicks, pick_event
from .windows import WindowOptions


@dataclass(frozen=True)
class EventUnit:
    """
    :param key: Id of the event
    :param fingerprint: Changes with the event, the stations and the files
    :param days: One
    :param event: The event
    :param segments: Traces that may hold its arrivals
    """

    key: str
    fingerprint: str
    days: float
    event: Event
    segments: tuple[Segment, ...]

    @property
    def spans(self) -> None:
        """Nothing of an event's former picks stays."""
        return None


@dataclass
class EventPicker:
    """
    :param model: Picker
    :param travel_times: Travel times
    :param stations: Station table; None for the places in SAC headers
    :param options: How picks are found
    :param window: What is cut around the arrivals
    :param fit: How picks are chosen
    :param instruments: Band and instrument codes, the preferred first
    :param inventory: If given, amplitudes are in m/s
    :param pattern: What file names say, for headers that lack codes
    :param pictures: Folder for figures, if there are to be any
    """

    model: WaveformModel
    travel_times: TravelTimes
    stations: pd.DataFrame | None
    options: PickOptions
    window: WindowOptions
    fit: Fit
    instruments: tuple[str, ...]
    inventory: obspy.Inventory | None = None
    pattern: NamePattern | None = None
    pictures: Path | None = None

    def __call__(self, unit: EventUnit) -> UnitResult:
        """
        :param unit: What to pick
        :return: Its picks. Nothing is raised for what is wrong with its data.
        """
        result = UnitResult(unit.key)
        started = time.perf_counter()
        try:
            stations = self._stations(unit.segments)
            segments, problems = self._choose(unit.segments)
            result.problems += problems
            stream, problems, passing = self._read(unit.event, segments, stations)
            result.failure = passing
            result.problems += problems
            read = time.perf_counter()
            result.seconds["reading"] = read - started
            picked = pick_event(
                stream,
                unit.event,
                stations,
                self.model,
                self.travel_times,
                before=self.window.before,
                after=self.window.after,
                options=self.options,
                fit=self.fit,
                inventory=self.inventory,
                pieces=[piece_of(segment) for segment in segments],
            )
            result.picks = _rows(picked.picks)
            result.problems += [
                (f"{unit.key} {where}".strip(), why) for where, why in picked.problems
            ]
            result.counts = {
                f"discarded_{reason}": number
                for reason, number in picked.discarded.items()
            }
            if self.pictures is not None and len(picked.stations):
                self._draw(self.pictures / _file_name(unit.key), picked)
            result.seconds["picking"] = time.perf_counter() - read
        # One event must not end the picking of a catalogue.
        except Exception as error:
            result.failure = f"{type(error).__name__}: {error}"
        return result

    def _stations(self, segments: Iterable[Segment]) -> pd.DataFrame:
        if self.stations is not None:
            return self.stations
        headers = obspy.Stream()
        for part in dict.fromkeys(segment.part for segment in segments):
            if part.format != "SAC":
                continue
            try:
                found, _ = read_part(part, headonly=True)
            except UnreadableError:
                # Which is told where its samples are read.
                continue
            complete_codes(found, Path(part.path), self.pattern)
            headers += found
        return stations_from_stream(headers)

    def _choose(
        self, segments: Iterable[Segment]
    ) -> tuple[list[Segment], list[tuple[str, str]]]:
        """Of each station the preferred instrument."""
        by_station: dict[str, list[Segment]] = defaultdict(list)
        for segment in segments:
            by_station[segment.station_id].append(segment)
        chosen: list[Segment] = []
        problems = []
        rate = rate_of(self.model)
        for station, of_station in by_station.items():
            usable, unusable = usable_segments(of_station, rate)
            used, passed_over = choose_instruments(usable, self.instruments)
            chosen += used
            problems += unusable + [(station, reason) for reason in passed_over]
        return chosen, problems

    def _read(
        self, event: Event, segments: list[Segment], stations: pd.DataFrame
    ) -> tuple[obspy.Stream, list[tuple[str, str]], str | None]:
        """Of each station what a window around its arrivals may need."""
        names = sorted({segment.station_id for segment in segments})
        around, unknown = arrivals_at(event, names, stations, self.travel_times)
        stream = obspy.Stream()
        passing = None
        problems = [
            (f"{event.event_id} {name}", "its coordinates are not known")
            for name in unknown
        ]
        least = window_seconds(self.model)
        for station in around.itertuples(index=False):
            seconds = [station.p_seconds, station.s_seconds]
            first, last = (
                pd.Series(seconds).min() - self.window.before - least,
                pd.Series(seconds).max() + self.window.after + least,
            )
            if pd.isna(first):
                # Too far for arrivals, which pick_event tells by what little there is.
                first, last = 0.0, least
            found, wrong, failed = read_segments_between(
                [s for s in segments if s.station_id == station.station_id],
                event.origin.ns + round(first * SECOND),
                event.origin.ns + round(last * SECOND),
                self.pattern,
            )
            stream += found
            problems += wrong
            passing = passing or failed
            if not len(found):
                problems.append(
                    (
                        f"{event.event_id} {station.station_id}",
                        "no data in the window around the theoretical arrivals",
                    )
                )
        return stream, problems, passing

    def _draw(self, folder: Path, picked: EventPicks) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        band = self.options.bandpass
        section = plot_section(picked, self.travel_times, self.fit, band)
        save_figure(section, folder / "section.png")
        save_figure(plot_map(picked), folder / "map.png")
        for station in picked.stations["station_id"]:
            figure = plot_station(picked, station, band)
            save_figure(figure, folder / f"{_file_name(station)}.png")


def _file_name(text: str) -> str:
    """The name itself, or where it can't be one, another one of its own."""
    name = "".join(c if c.isalnum() or c in "._-" else "_" for c in text)
    if name == text and name.strip("."):
        return name
    return f"{name.strip('.')}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """As they are stored: times in microseconds since 1970."""
    stored = table.copy()
    for name in ("time", "theoretical_time"):
        stored[name] = stored[name].astype("int64")
    stored = stored.astype(object).where(table.notna(), None)
    return stored.to_dict("records")
