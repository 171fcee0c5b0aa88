"""Pick the events of a catalogue, from archives or from a folder for each."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import obspy
import pandas as pd

from .._util import ArgumentError, beside, takes
from ..models import MIN_RATE_SHARE
from ..tables import event_table, read_events, read_stations, stations_from_stream
from ..travel_times import TravelTimes
from ..waveforms import (
    SECOND,
    Problem,
    Segment,
    UnreadableError,
    choose_segments,
    complete_codes,
    fingerprint_of,
    read_part,
    read_segments,
)
from .event_picks import NO_DATA, Event, EventPicker, EventPicks, Fit, arrivals_at
from .pick_settings import PICTURES, PickEventsSettings
from .run import RunPicks, RunState, open_run
from .station_days import read_inventory
from .stream_picks import rate_of, window_seconds
from .workers import Unit, UnitResult, in_threads

#: Seconds after the origin time in which arrivals are searched in an archive: up to S at
#: 100 degrees, the end of the table of travel times.
_LONGEST = 1700.0

#: Seconds before it, for windows around near arrivals.
_EARLIER = 300.0

#: Picks of an event are replaced at all times.
_EVER = (-(1 << 62), 1 << 62)


@takes(PickEventsSettings)
def pick_events(settings: PickEventsSettings) -> RunPicks:
    """
    Picks the P and S arrivals of known events: for each station and phase, the pick that
    fits the theoretical time best, see :py:func:`.event_picks.choose_picks`.

    If it is interrupted, the same call continues. If it is called again later, it picks
    events that are new, or whose place, stations or files have changed.

    :raises ArgumentError: if an option is not possible, or if another run, or one with
        other options, writes there
    :raises OSError: if the disk is full; nothing is lost
    :raises KeyboardInterrupt: after Ctrl-C or SIGTERM; call the same again to continue
    :return: What was written
    """
    travel_times = TravelTimes(settings.velocity, settings.default_depth)
    events = _events(settings.catalog)
    given = settings.stations
    stations = None if given is None else read_stations(given)
    inventory = read_inventory(settings)
    with open_run(settings, "events") as run:
        run.index()
        problems: list[Problem] = []
        units = _units(run.state, settings.inputs, events, stations, problems)
        run.state.write_plan(units, problems)
        if not run.state.value("SELECT count(*) FROM plan"):
            raise ArgumentError(
                "inputs",
                ",".join(settings.inputs),
                f"hold no waveforms of the {len(events)} events of the catalogue: "
                "neither folders with their ids nor records of their times",
            )
        fit = Fit(p_width=settings.p_width, p_width_per_km=settings.p_width_per_km)
        picker = EventPicker(settings, run.model, travel_times, fit, inventory)
        run.execute(in_threads(EventReader(settings, picker, events, stations)))
        return run.finish()


def _events(catalog: str | Path | pd.DataFrame) -> dict[str, Event]:
    if not isinstance(catalog, pd.DataFrame):
        catalog = read_events(catalog)
    table = event_table(catalog)
    if not len(table):
        raise ArgumentError("catalog", str(catalog), "holds no events")
    found = map(Event.of, table.itertuples(index=False))
    return {event.event_id: event for event in found}


def _units(
    state: RunState,
    inputs: Iterable[str],
    events: dict[str, Event],
    stations: pd.DataFrame | None,
    problems: list[Problem],
) -> Iterator[Unit]:
    places = "" if stations is None else stations.to_csv(index=False)
    folders = [Path(name) for name in inputs if Path(name).is_dir()]
    for key, event in events.items():
        begin = event.origin.ns - round(_EARLIER * SECOND)
        end = event.origin.ns + round(_LONGEST * SECOND)
        # Those below its own folder; without one, those of its time.
        own = [folder / key for folder in folders]
        own += [folder for folder in folders if folder.name == key]
        segments = [s for folder in own for s in state.segments_below(folder)]
        if not segments:
            for station in state.stations():
                segments += state.segments(station, begin, end)
        if not segments:
            problems.append((key, "no waveforms of its time, or in its folder"))
            continue
        digest = hashlib.sha256()
        for text in (str(event), places, fingerprint_of(segments)):
            digest.update(text.encode())
        yield Unit(key, digest.hexdigest()[:32], 1.0, begin, end, tuple(segments))


@dataclass(frozen=True)
class EventReader:
    """
    Reads an event's waveforms around its theoretical arrivals, picks and draws it.

    :param settings: Settings of the run
    :param picker: Picks it
    :param events: Events by their ids
    :param stations: Station table; None for the places in SAC headers
    """

    settings: PickEventsSettings
    picker: EventPicker
    events: dict[str, Event]
    stations: pd.DataFrame | None

    def __call__(self, unit: Unit) -> UnitResult:
        result = UnitResult(replaced=[_EVER])
        event = self.events[unit.key]
        started = time.perf_counter()
        try:
            stations = self._stations(unit.segments)
            segments = self._choose(unit.segments, result)
            stream = self._read(event, segments, stations, result)
            read = time.perf_counter()
            picked = self.picker.pick(stream, event, stations, segments)
            result.picks = _rows(picked.picks)
            result.problems += [
                (f"{unit.key} {where}".strip(), why) for where, why in picked.problems
            ]
            result.counts = {f"discarded_{r}": n for r, n in picked.discarded.items()}
            if self.settings.plot and len(picked.stations):
                self._draw(picked)
            picking = time.perf_counter() - read
            result.seconds = {"reading": read - started, "picking": picking}
        # A failed event must not stop the run.
        except Exception as error:
            result.failure = f"{type(error).__name__}: {error}"
        return result

    def _stations(self, segments: Iterable[Segment]) -> pd.DataFrame:
        if self.stations is not None:
            return self.stations
        headers = obspy.Stream()
        for part in dict.fromkeys(segment.part for segment in segments):
            if part.format == "SAC":
                try:
                    found, _ = read_part(part, headonly=True)
                except UnreadableError:
                    # Reading its samples reports it.
                    continue
                complete_codes(found, part.path, self.settings.name_pattern)
                headers += found
        return stations_from_stream(headers)

    def _choose(self, segments: Iterable[Segment], result: UnitResult) -> list[Segment]:
        """Chooses the preferred instrument of each station."""
        by_station: dict[str, list[Segment]] = defaultdict(list)
        for segment in segments:
            by_station[segment.station_id].append(segment)
        chosen: list[Segment] = []
        rate = MIN_RATE_SHARE * rate_of(self.picker.model)
        for of_station in by_station.values():
            used, problems = choose_segments(
                of_station, self.settings.instruments, rate
            )
            result.problems += problems
            chosen += used.get("", [])
        return chosen

    def _read(
        self,
        event: Event,
        segments: list[Segment],
        stations: pd.DataFrame,
        result: UnitResult,
    ) -> obspy.Stream:
        """Chooses the segments that a window around the arrivals of a station may need."""
        names = sorted({segment.station_id for segment in segments})
        around, unknown = arrivals_at(event, names, stations, self.picker.travel_times)
        stream = obspy.Stream()
        result.problems += [
            (f"{event.event_id} {name}", "its coordinates are not known")
            for name in unknown
        ]
        least = window_seconds(self.picker.model)
        for station in around.itertuples(index=False):
            arrivals = pd.Series([station.p_seconds, station.s_seconds])
            first = arrivals.min() - self.settings.before - least
            last = arrivals.max() + self.settings.after + least
            if pd.isna(first):
                # Too far for arrivals; the picker reports this if there are data.
                first, last = 0.0, least
            reading = read_segments(
                [s for s in segments if s.station_id == station.station_id],
                event.origin.ns + round(first * SECOND),
                event.origin.ns + round(last * SECOND),
                self.settings.name_pattern,
            )
            stream += reading.stream
            result.problems += reading.problems
            result.failure = result.failure or reading.failure
            if not len(reading.stream):
                where = f"{event.event_id} {station.station_id}"
                result.problems.append((where, NO_DATA))
        return stream

    def _draw(self, picked: EventPicks) -> None:
        from ..plots import plot_map, plot_section, plot_station, save_figure

        pictures = beside(self.settings.output, PICTURES)
        folder = pictures / _file_name(picked.event.event_id)
        folder.mkdir(parents=True, exist_ok=True)
        band = self.settings.bandpass
        travel_times, fit = self.picker.travel_times, self.picker.fit
        section = plot_section(picked, travel_times, fit, band)
        save_figure(section, folder / "section.png")
        save_figure(plot_map(picked), folder / "map.png")
        for station in picked.stations["station_id"]:
            figure = plot_station(picked, station, band)
            save_figure(figure, folder / f"{_file_name(station)}.png")


def _file_name(text: str) -> str:
    """The name itself, or a unique replacement if it is not a valid file name."""
    name = "".join(c if c.isalnum() or c in "._-" else "_" for c in text)
    if name == text and name.strip("."):
        return name
    return f"{name.strip('.')}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as they are stored, with times in microseconds since 1970."""
    stored = table.copy()
    for name in ("time", "theoretical_time"):
        stored[name] = stored[name].astype("int64")
    stored = stored.astype(object).where(table.notna(), None)
    return stored.to_dict("records")
