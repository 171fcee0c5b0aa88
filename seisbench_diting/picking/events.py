"""Pick known events: windows around theoretical arrivals, and the picks that fit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import numpy as np
import obspy
import pandas as pd
from obspy.geodetics import gps2dist_azimuth
from seisbench.models import WaveformModel

from .. import tables
from .._util import (
    ArgumentError,
    beside,
    check_type,
    errors_of,
    make,
    station_id,
    takes,
)
from ..models import MIN_RATE_SHARE
from ..travel_times import TravelTimes
from ..waveforms import (
    PACKED,
    SECOND,
    Problem,
    Segment,
    Unit,
    UnreadableError,
    choose_segments,
    fingerprint_of,
    read_part,
    read_responses,
    read_segments,
    segments_of,
    shared,
    usable,
)
from .pick_settings import EventOptions, PickEventsSettings
from .run import PICTURES, RunPicks, RunState, UnitResult, open_run
from .stream_picks import load_for, pick_waveforms, rate_of, table_of, window_seconds

#: Share of a network's picks that have the name of the other phase. The larger it is, the
#: closer to its own time a pick must be that fits the other one.
CONFUSION = 0.1

#: Smallest time between P and S, as a share of the theoretical one. Closer P and S are one
#: arrival.
LEAST_SEPARATION = 1 / 3

#: Why picks are not chosen, in the order of the counts.
REASONS = ("wrong_phase", "too_far", "not_best")

#: Row of a table of events.
Event: TypeAlias = Any

#: Gives the waveforms of a station between two times, in seconds after the origin time, and
#: where they come from.
Read: TypeAlias = Callable[[str, float, float], tuple[obspy.Stream, list[Segment]]]

_ARRIVAL_COLUMNS = ["station_id", "latitude", "longitude", "elevation_m"]
_ARRIVAL_COLUMNS += ["epicentral_distance_km", "azimuth_deg"]


#: Seconds after the origin time in which arrivals are searched in an archive: up to S at
#: 100 degrees, the end of the table of travel times.
_LONGEST = 1700

#: Seconds before it, for windows around near arrivals.
_EARLIER = 300

#: All times: a new result replaces all earlier picks of an event.
_EVER = (-(1 << 62), 1 << 62)


@dataclass
class EventPicks:
    """
    Picks of an event.

    :param event: Row of a table of events
    :param rows: Rows of a table of event picks, with times in microseconds since 1970
    :param discarded: Number of other picks: those of the ``wrong_phase``, those
        ``too_far`` from their theoretical time, and the ``not_best``
    :param problems: Stations, channels or nothing, and what was wrong there
    :param stations: Table of the stations with a window, nearest first: station_id,
        latitude, longitude, elevation_m, epicentral_distance_km, azimuth_deg, and in
        seconds after the origin time p_seconds, s_seconds, begin_seconds, end_seconds
    :param candidates: Table of all picks in the windows
    :param waveforms: The windows
    :param curves: Probability curves in the windows; only for models of this package
    """

    event: Event
    rows: list[dict[str, Any]]
    discarded: dict[str, int]
    problems: list[Problem]
    stations: pd.DataFrame
    candidates: pd.DataFrame
    waveforms: obspy.Stream
    curves: obspy.Stream

    @property
    def picks(self) -> pd.DataFrame:
        """Table with the columns of event picks."""
        return tables.assignment_table(table_of(self.rows))


def pick_event(
    stream: obspy.Stream,
    event: Event,
    stations: pd.DataFrame,
    model: WaveformModel | str,
    travel_times: TravelTimes | str,
    *,
    inventory: obspy.Inventory | None = None,
    record: str = "",
    **options: Any,
) -> EventPicks:
    """
    Picks at most one P and one S at each station, see :py:func:`choose_picks`.

    :param stream: Waveforms of any number of stations; they are not modified
    :param event: Row of a table of events
    :param stations: Table of stations
    :param model: Picker, or its name as for ``seisbench-diting pick``
    :param travel_times: Travel times, or the name of their velocity model
    :param inventory: If given, amplitudes are in m/s
    :param record: Name of the record, for the column of this name
    :param options: Those of :py:func:`pick_stream`, and ``before``, ``after``, ``p_width``
        and ``p_width_per_km``, as of :py:func:`pick_events`
    :raises ArgumentError: if an option is not possible
    :raises ValueError: if a place or time is impossible
    :return: Picks, and what they were chosen from
    """
    settings = make(EventOptions, {"model": model, **options})
    if not isinstance(travel_times, TravelTimes):
        travel_times = TravelTimes(travel_times)
    check_type("stream", stream, obspy.Stream)
    values = event._asdict() if hasattr(event, "_asdict") else dict(event)
    (row,) = tables.event_table([values]).itertuples(index=False)
    traces: dict[str, obspy.Stream] = defaultdict(obspy.Stream)
    found, problems = usable(stream)
    for trace in found:
        if trace.stats.npts:
            traces[station_id(trace)].append(trace)
    picked = pick_around(
        row,
        traces,
        tables.station_table(stations),
        lambda name, *_: (traces[name], segments_of(traces[name], record)),
        load_for(settings),
        travel_times,
        settings,
        inventory,
    )
    picked.problems[:0] = problems
    return picked


def arrivals_at(
    event: Event,
    station_ids: Iterable[str],
    stations: pd.DataFrame,
    travel_times: TravelTimes,
) -> tuple[pd.DataFrame, list[str]]:
    """
    Distances and azimuths are on the WGS84 ellipsoid.

    :param event: Event
    :param station_ids: NET.STA.LOC of the stations
    :param stations: Table of stations
    :param travel_times: Travel times
    :return: Table of arrivals, see :py:class:`EventPicks`, nearest station first; and the
        stations without coordinates
    """
    rows, unknown = [], list[str]()
    for name in station_ids:
        place = tables.find_station(stations, name, event.time)
        if place is None:
            unknown.append(name)
            continue
        here = place.latitude, place.longitude
        metres, azimuth, _ = gps2dist_azimuth(event.latitude, event.longitude, *here)
        rows.append((name, *here, place.elevation_m, metres / 1000, azimuth))
    types = dict.fromkeys(_ARRIVAL_COLUMNS[1:], float)
    table = pd.DataFrame(rows, columns=_ARRIVAL_COLUMNS).astype(types)
    table["p_seconds"], table["s_seconds"] = travel_times.first_arrivals(
        table["epicentral_distance_km"].to_numpy(),
        event.depth_km,
        table["elevation_m"].to_numpy() / 1000,
    )
    order = ["epicentral_distance_km", "station_id"]
    return table.sort_values(order, ignore_index=True), unknown


def choose_picks(
    rows: Sequence[dict[str, Any]],
    p_time: float,
    s_time: float,
    distance_km: float,
    options: EventOptions,
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """
    Chooses at most one P and one S: the pair, or single pick, with the largest sum of
    probability times weight. The weight is ``exp(-(dt / width)**2 / 2)`` for the deviation
    dt from the theoretical time of the first P or S, and 0 beyond the limit. Pg and Pn
    count as P, Sg and Sn as S, and keep their names.

    A pick has the wrong phase if it fits the other phase much better than its own:
    ``CONFUSION * weight(other) > weight(own)``. S must be later than P by at least
    ``LEAST_SEPARATION`` of the theoretical difference.

    :param rows: Picks of one station, with times in microseconds since 1970
    :param p_time: Theoretical time of P in microseconds since 1970; NaN if there is none
    :param s_time: The same of S
    :param distance_km: Epicentral distance
    :param options: For the widths
    :return: Chosen picks with ``theoretical_time`` and ``residual_s``, and numbers of the
        other picks
    """
    times = np.array([row["time"] for row in rows], dtype=float)
    is_p = np.array([row["phase"][:1] == "P" for row in rows], dtype=bool)
    weights = [
        _weight((times - time) / 1e6 / options.width(phase, distance_km), options.limit)
        for phase, time in (("P", p_time), ("S", s_time))
    ]
    own, other = np.where(is_p, weights, weights[::-1])
    wrong = CONFUSION * other > own
    possible = ~wrong & (own > 0)
    scores = own * np.array([row["probability"] for row in rows], dtype=float)
    p, s = np.flatnonzero(possible & is_p), np.flatnonzero(possible & ~is_p)
    least = max(1.0, np.nan_to_num(LEAST_SEPARATION * (s_time - p_time)))
    pairs = [[i, j] for i in p for j in s if times[j] - times[i] >= least]
    singles = [[i] for i in (*p, *s)]
    # In a tie, a pair, or the earliest.
    best = max([*pairs, *singles], key=lambda one: scores[one].sum(), default=[])
    chosen = []
    for i in best:
        time = int(p_time if is_p[i] else s_time)
        residual = (rows[i]["time"] - time) / 1e6
        chosen.append(rows[i] | {"theoretical_time": time, "residual_s": residual})
    numbers = wrong.sum(), (~wrong & ~possible).sum(), possible.sum() - len(best)
    return chosen, dict(zip(REASONS, map(int, numbers), strict=True))


def _weight(ratio: np.ndarray, limit: float) -> np.ndarray:
    # Comparisons with NaN are false.
    return np.where(np.abs(ratio) <= limit, np.exp(-(ratio**2) / 2), 0.0)


def pick_around(
    event: Event,
    names: Iterable[str],
    stations: pd.DataFrame,
    read: Read,
    model: WaveformModel,
    travel_times: TravelTimes,
    options: EventOptions,
    inventory: obspy.Inventory | None,
) -> EventPicks:
    """
    Picks an event in windows from ``before`` P until ``after`` S. If that is less than the
    model needs, windows are longer on both sides by what is missing, as one of them may be
    beyond the end of the record.

    :param event: Row of a table of events
    :param names: NET.STA.LOC of stations with waveforms
    :param stations: Table of stations
    :param read: Gives their waveforms
    :param model: Picker
    :param travel_times: Travel times
    :param options: How picks are found, measured and chosen, and the window
    :param inventory: If given, amplitudes are in m/s
    :return: Picks, and what they were chosen from
    """
    around, unknown = arrivals_at(event, names, stations, travel_times)
    problems = [(name, "no coordinates in the table of stations") for name in unknown]
    origin = obspy.UTCDateTime(ns=event.time.value)
    waveforms, spans = obspy.Stream(), dict[str, tuple[float, float]]()
    segments: list[Segment] = []
    station: Any
    for station in around.itertuples(index=False):
        arrivals = [t for t in (station.p_seconds, station.s_seconds) if t == t]
        if not arrivals:
            distance = station.epicentral_distance_km
            reason = f"at {distance:.0f} km there is no theoretical arrival"
            problems.append((station.station_id, reason))
            continue
        begin, end = arrivals[0] - options.before, arrivals[-1] + options.after
        missing = max(0.0, window_seconds(model) - (end - begin))
        begin, end = begin - missing, end + missing
        stream, of_station = read(station.station_id, begin, end)
        stream = stream.slice(origin + begin, origin + end)
        waveforms += stream
        segments += of_station
        if not len(stream):
            reason = "no data in the window around the theoretical arrivals"
            problems.append((station.station_id, reason))
            continue
        first = min(trace.stats.starttime for trace in stream) - origin
        last = max(trace.stats.endtime for trace in stream) - origin
        spans[station.station_id] = first, last
    around = around[around["station_id"].isin(spans)].reset_index(drop=True)
    ends = np.array([*spans.values()], dtype=float).reshape(-1, 2)
    around[["begin_seconds", "end_seconds"]] = ends

    picked = pick_waveforms(shared(waveforms), model, options, inventory, segments)
    by_station: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in picked.rows:
        by_station[row["station_id"]].append(row)
    rows, discarded = [], Counter(dict.fromkeys(REASONS, 0))
    for station in around.itertuples(index=False):
        p_time, s_time = (
            event.time.value // 1000 + float(np.round(seconds * 1e6))
            for seconds in (station.p_seconds, station.s_seconds)
        )
        distance = station.epicentral_distance_km
        found = by_station[station.station_id]
        chosen, numbers = choose_picks(found, p_time, s_time, distance, options)
        discarded.update(numbers)
        place = {
            "event_id": event.event_id,
            "epicentral_distance_km": distance,
            "azimuth_deg": station.azimuth_deg,
        }
        rows += [row | place for row in chosen]
    return EventPicks(
        event,
        rows,
        dict(discarded),
        problems + picked.problems,
        around,
        table_of(picked.rows),
        waveforms,
        picked.annotations,
    )


@takes(PickEventsSettings)
def pick_events(settings: PickEventsSettings) -> RunPicks:
    """
    Picks the P and S arrivals of known events: for each station and phase, the pick that
    fits the theoretical time best, see :py:func:`.events.choose_picks`.

    If it is interrupted, the same call continues. If it is called again later, it picks
    events that are new, or whose place, stations or files have changed.

    :raises ArgumentError: if an option is not possible, or if another run, or one with
        other options, writes there
    :raises OSError: if the disk is full; nothing is lost
    :raises KeyboardInterrupt: after Ctrl-C; call the same again to continue
    :return: What was written
    """
    with errors_of("velocity", settings.velocity):
        travel_times = TravelTimes(settings.velocity, settings.default_depth)
    catalog, given = settings.catalog, settings.stations
    with tables.collected() as left_out:
        known = tables.read_events(catalog)
        unit = settings.elevation_unit
        stations = None if given is None else tables.read_stations(given, unit)
    events: dict[str, Event] = {
        str(event.event_id): event for event in known.itertuples(index=False)
    }
    if not events:
        raise ArgumentError("catalog", str(catalog), "the catalogue has no events")
    inventory = read_responses(settings.inventory)
    with open_run(settings, "events") as run:
        problems = [(str(x.path), line) for x in left_out for line in x.lines()]
        units = _units(run.state, settings.inputs, events, stations, problems)
        run.stations = run.state.write_plan(units, problems)
        if not run.stations:
            reason = (
                f"no waveforms of the {len(events)} events, neither in folders with "
            )
            reason += "their ids nor at their times"
            raise ArgumentError("inputs", ",".join(settings.inputs), reason)
        tools = run.model, travel_times, inventory
        run.execute(EventReader(settings, events, stations, *tools))
        return run.finish(known)


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
        origin = event.time.value
        begin, end = origin - _EARLIER * SECOND, origin + _LONGEST * SECOND
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
        fingerprint = fingerprint_of(segments, str(event), places)
        yield Unit(key, begin, end, 0, 1.0, tuple(segments), fingerprint)


@dataclass(frozen=True)
class EventReader:
    """
    Reads an event's waveforms around its theoretical arrivals, picks and draws it.

    :param settings: Settings of the run
    :param events: Events by their ids
    :param stations: Station table; None for the places in SAC headers
    :param model: Picker
    :param travel_times: Travel times
    :param inventory: If given, amplitudes are in m/s
    """

    settings: PickEventsSettings
    events: dict[str, Event]
    stations: pd.DataFrame | None
    model: WaveformModel
    travel_times: TravelTimes
    inventory: obspy.Inventory | None

    def __call__(self, unit: Unit) -> UnitResult:
        result = UnitResult(replaced=[_EVER])
        event = self.events[unit.key]
        settings, origin = self.settings, event.time.value
        min_rate = MIN_RATE_SHARE * rate_of(self.model)
        by_station: dict[str, list[Segment]] = defaultdict(list)
        for segment in unit.segments:
            by_station[segment.station_id].append(segment)

        def read(
            station: str, begin: float, end: float
        ) -> tuple[obspy.Stream, list[Segment]]:
            there, pattern = by_station[station], settings.name_pattern
            used, unused = choose_segments(there, settings.instruments, min_rate)
            segments = [segment for of_code in used.values() for segment in of_code]
            first, last = (origin + round(t * SECOND) for t in (begin, end))
            stream, problems, failure = read_segments(segments, first, last, pattern)
            result.problems += unused + problems
            result.failure = result.failure or failure
            return stream, segments

        try:
            stations = self.stations
            if stations is None:
                stations = self._places_in_headers(unit.segments)
            tools = self.model, self.travel_times, settings, self.inventory
            names = sorted(by_station)
            picked = pick_around(event, names, stations, read, *tools)
            result.picks = picked.rows
            result.problems += [
                (f"{unit.key} {where}".strip(), why) for where, why in picked.problems
            ]
            result.counts = {f"discarded_{r}": n for r, n in picked.discarded.items()}
            if settings.plot and len(picked.stations):
                self._draw(picked)
        # A failed event must not stop the run.
        except Exception as error:
            result.failure = f"{type(error).__name__}: {error}"
        return result

    def _places_in_headers(self, segments: Iterable[Segment]) -> pd.DataFrame:
        headers = obspy.Stream()
        kinds = ("SAC", PACKED)
        for part in dict.fromkeys(s.part for s in segments if s.part.format in kinds):
            # A file that can't be read is reported when its samples are read.
            with suppress(UnreadableError):
                headers += read_part(part, self.settings.name_pattern, headonly=True)[0]
        return tables.stations_from_stream(headers)

    def _draw(self, picked: EventPicks) -> None:
        from ..plots import plot_map, plot_section, plot_station, save_figure

        pictures = beside(self.settings.output, PICTURES)
        folder = pictures / quote(picked.event.event_id, safe=" ")
        folder.mkdir(parents=True, exist_ok=True)
        band = self.settings.bandpass
        figure: Any = plot_section(picked, self.travel_times, self.settings, band)
        save_figure(figure, folder / "section.png")
        save_figure(plot_map(picked), folder / "map.png")
        for station in picked.stations["station_id"]:
            figure = plot_station(picked, station, band)
            save_figure(figure, folder / f"{quote(station, safe=' ')}.png")
