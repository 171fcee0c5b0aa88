"""Pick a known event: windows around its theoretical arrivals, and the picks that fit."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import obspy
import pandas as pd
from obspy.geodetics import gps2dist_azimuth
from seisbench.models import WaveformModel

from .._util import option, station_id, takes
from ..tables import EVENT_COLUMNS, pick_table
from ..travel_times import TravelTimes
from ..waveforms import Problem, Segment, shared
from .outputs import table_of
from .pick_settings import EventSettings, EventWindow, FitWidth, PickEventsSettings
from .stream_picks import pick_waveforms, segments_of, window_seconds

NO_DATA = "no data in the window around the theoretical arrivals"

#: Why picks are not chosen, in the order of the counts.
REASONS = ("wrong_phase", "too_far", "not_best")


@dataclass(frozen=True)
class Event:
    """
    :param event_id: Name
    :param time: Origin time, UTC
    :param latitude: Degrees
    :param longitude: Degrees
    :param depth_km: Depth below sea level; NaN if it isn't known
    :param magnitude: Magnitude; NaN if it isn't known
    :param magnitude_type: Such as ML
    :raises ValueError: if place or time is impossible
    """

    event_id: str
    time: pd.Timestamp
    latitude: float
    longitude: float
    depth_km: float = np.nan
    magnitude: float = np.nan
    magnitude_type: str = ""

    def __post_init__(self) -> None:
        if pd.isna(self.time):
            raise ValueError(f"event {self.event_id!r} has no origin time.")
        if not (abs(self.latitude) <= 90 and abs(self.longitude) <= 360):
            raise ValueError(
                f"event {self.event_id!r} has latitude={self.latitude} and "
                f"longitude={self.longitude}; degrees of at most 90 and 360 are possible."
            )

    @classmethod
    def of(cls, row: Any) -> Event:
        """
        :param row: Row of an event table, by ``itertuples`` or ``iloc``; or an event
        :raises ValueError: if place or time is impossible
        :return: Event
        """
        if isinstance(row, cls):
            return row
        time = pd.Timestamp(row.time)
        values = [getattr(row, name, None) for name in ("depth_km", "magnitude")]
        depth, magnitude = (np.nan if pd.isna(v) else float(v) for v in values)
        return cls(
            str(row.event_id),
            time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC"),
            float(row.latitude),
            float(row.longitude),
            depth,
            magnitude,
            str(getattr(row, "magnitude_type", None) or ""),
        )

    @property
    def origin(self) -> obspy.UTCDateTime:
        """Origin time for ObsPy."""
        return obspy.UTCDateTime(ns=self.time.value)

    def after(self, seconds: float) -> pd.Timestamp:
        """
        :param seconds: Seconds after the origin time, or NaN
        :return: Time to the microsecond, as in pick tables; NaT for NaN
        """
        if np.isnan(seconds):
            return cast(pd.Timestamp, pd.NaT)
        return (self.time + pd.Timedelta(seconds, unit="s")).round("us")


def arrivals_at(
    event: Event,
    station_ids: Iterable[str],
    stations: pd.DataFrame,
    travel_times: TravelTimes,
) -> tuple[pd.DataFrame, list[str]]:
    """
    Distances and azimuths are on the WGS84 ellipsoid. A station whose location code isn't
    in the table has the place of another one of its name.

    :param event: Event
    :param station_ids: NET.STA.LOC of the stations
    :param stations: Station table with station_id, latitude, longitude and elevation_m
    :param travel_times: Travel times
    :return: Table with station_id, latitude, longitude, elevation_m,
        epicentral_distance_km, azimuth_deg, and p_seconds and s_seconds after the origin
        time, nearest station first; and the stations without coordinates
    """
    known = stations[np.isfinite(stations["latitude"] + stations["longitude"])]
    places = known[["station_id", "latitude", "longitude", "elevation_m"]]
    by_id: dict[str, list[float]] = {}
    by_name: dict[str, list[float]] = {}
    for name, *place in places.itertuples(index=False):
        by_id.setdefault(name, place)
        by_name.setdefault(name.rpartition(".")[0], place)
    rows, unknown = [], []
    for name in station_ids:
        place = by_id.get(name) or by_name.get(name.rpartition(".")[0]) or []
        if not place:
            unknown.append(name)
            continue
        metres, azimuth, _ = gps2dist_azimuth(
            event.latitude, event.longitude, place[0], place[1]
        )
        rows.append((name, *map(float, place), metres / 1000, azimuth))
    columns = [*places.columns, "epicentral_distance_km", "azimuth_deg"]
    types = {name: "float64" for name in columns[1:]}
    table = pd.DataFrame(rows, columns=columns).astype({"station_id": "str", **types})
    table["p_seconds"], table["s_seconds"] = travel_times.first_arrivals(
        table["epicentral_distance_km"].to_numpy(),
        event.depth_km,
        table["elevation_m"].to_numpy() / 1000,
    )
    order = ["epicentral_distance_km", "station_id"]
    return table.sort_values(order, ignore_index=True), unknown


class Fit(FitWidth):
    """
    Weights for picks that deviate from theoretical times. The width (standard deviation)
    is ``p_width + p_width_per_km * min(distance, max_distance_km)`` for P, and
    ``s_factor`` times that for S.

    Half a second is a typical error of origin times, depths and positions of local events.
    0.005 s/km are 4 % of the travel time of P, because crusts differ from the model. Errors
    of depth, distance and velocity delay S more than P by the ratio of travel times, the
    square root of 3. Beyond 1000 km, rays run in the mantle, which differs less.
    """

    s_factor: float = option(math.sqrt(3), "Width of S over that of P.", gt=0)
    max_distance_km: float = option(
        1000.0, "Distance beyond which the width is constant.", ge=0
    )
    limit: float = option(3.0, "Largest deviation of a pick, in widths.", gt=0)
    confusion: float = option(
        0.1,
        "Share of a network's picks that have the name of the other phase. The larger it "
        "is, the closer to its own time a pick must be that fits the other one.",
        ge=0,
        lt=1,
    )
    least_separation: float = option(
        1 / 3,
        "Smallest time between P and S, as a share of the theoretical one. Closer P and S "
        "are one arrival.",
        ge=0,
        lt=1,
    )

    def width(self, phase: str, distance_km: float | np.ndarray) -> float | np.ndarray:
        """
        :param phase: Phase; Pg and Pn count as P
        :param distance_km: Epicentral distance
        :return: Width in seconds
        """
        width = self.p_width + self.p_width_per_km * np.minimum(
            distance_km, self.max_distance_km
        )
        return width if phase[:1] == "P" else width * self.s_factor

    def weight(self, deviation: np.ndarray, width: float | np.ndarray) -> np.ndarray:
        """
        :param deviation: Seconds from the theoretical time; NaN where there is none
        :param width: Width
        :return: ``exp(-(deviation / width)**2 / 2)``, 0 beyond the limit
        """
        ratio = np.nan_to_num(np.abs(deviation) / width, nan=np.inf)
        return np.where(ratio <= self.limit, np.exp(-(ratio**2) / 2), 0.0)


@dataclass(frozen=True)
class Arrivals:
    """
    Theoretical arrivals of an event at a station.

    :param event_id: Event
    :param distance_km: Epicentral distance
    :param azimuth_deg: Azimuth from the event to the station
    :param p_time: Theoretical time of P, UTC; NaT if there is none
    :param s_time: The same of S
    """

    event_id: str
    distance_km: float
    azimuth_deg: float
    p_time: pd.Timestamp
    s_time: pd.Timestamp


def choose_picks(
    picks: pd.DataFrame, arrivals: Arrivals, fit: Fit | None = None
) -> tuple[pd.DataFrame, dict[str, int]]:
    """
    Chooses at most one P and one S: the pair, or single pick, with the largest sum of
    probability times weight. The weight is :py:meth:`Fit.weight` of the deviation from the
    theoretical time of the first P or S. Pg and Pn count as P, Sg and Sn as S, and keep
    their names.

    A pick has the wrong phase if it fits the other phase much better than its own:
    ``confusion * weight(other) > weight(own)``. S must be later than P by at least
    ``least_separation`` of the theoretical difference.

    :param picks: Picks of one station
    :param arrivals: Its theoretical arrivals
    :param fit: How deviations count
    :raises ValueError: if there are picks of several stations
    :return: Table with the columns of event picks, and numbers of the other picks:
        those of the ``wrong_phase``, those ``too_far`` from their theoretical time, and
        the ``not_best``
    """
    fit = fit or Fit()
    picks = pick_table(picks.drop(columns=list(EVENT_COLUMNS), errors="ignore"))
    if picks["station_id"].nunique() > 1:
        raise ValueError(
            f"picks holds {picks['station_id'].nunique()} stations, such as "
            f"{picks['station_id'].iloc[0]}; pass picks of one station."
        )
    is_p = picks["phase"].str.startswith("P").to_numpy(dtype=bool)
    from_p = _seconds(picks["time"], arrivals.p_time)
    from_s = _seconds(picks["time"], arrivals.s_time)
    weight_p = fit.weight(from_p, fit.width("P", arrivals.distance_km))
    weight_s = fit.weight(from_s, fit.width("S", arrivals.distance_km))
    own = np.where(is_p, weight_p, weight_s)
    wrong = fit.confusion * np.where(is_p, weight_s, weight_p) > own
    possible = ~wrong & (own > 0)
    span = (arrivals.s_time - arrivals.p_time).total_seconds()
    chosen = _best(
        np.flatnonzero(possible & is_p),
        np.flatnonzero(possible & ~is_p),
        own * picks["probability"].to_numpy(),
        _seconds(picks["time"], picks["time"].min()),
        fit.least_separation * (0.0 if np.isnan(span) else span),
    )
    numbers = (wrong.sum(), (~wrong & ~possible).sum(), possible.sum() - len(chosen))
    table = picks.iloc[chosen].assign(
        event_id=arrivals.event_id,
        epicentral_distance_km=arrivals.distance_km,
        azimuth_deg=arrivals.azimuth_deg,
        theoretical_time=[
            arrivals.p_time if is_p[i] else arrivals.s_time for i in chosen
        ],
        residual_s=[float(from_p[i] if is_p[i] else from_s[i]) for i in chosen],
    )
    return pick_table(table), dict(zip(REASONS, map(int, numbers), strict=True))


def _best(
    p: np.ndarray,
    s: np.ndarray,
    scores: np.ndarray,
    seconds: np.ndarray,
    separation: float,
) -> list[int]:
    """The pair of rows, or single row, with the largest score; the earliest in a tie."""
    best = max(
        ([int(i)] for i in (*p, *s)), key=lambda rows: scores[rows].sum(), default=[]
    )
    if len(p) and len(s):
        apart = seconds[s][None, :] - seconds[p][:, None]
        sums = scores[p][:, None] + scores[s][None, :]
        sums[(apart <= 0) | (apart < separation)] = -np.inf
        i, j = np.unravel_index(np.argmax(sums), sums.shape)
        if sums[i, j] > -np.inf and sums[i, j] >= scores[best].sum():
            best = [int(p[i]), int(s[j])]
    return best


def _seconds(times: pd.Series, since: pd.Timestamp) -> np.ndarray:
    if pd.isna(since):
        return np.full(len(times), np.nan)
    return (times - since).dt.total_seconds().to_numpy(dtype=float)


def window_around(
    window: EventWindow, p: float, s: float, least: float, record: tuple[float, float]
) -> tuple[float, float] | None:
    """
    Window from ``before`` P until ``after`` S. If it is shorter than ``least``, it is
    extended on both sides as far as the record allows. If the record ends on one side,
    the window is extended more on the other.

    :param window: Seconds before and after
    :param p: Seconds from the origin time to P; NaN if there is none
    :param s: The same to S; NaN for a window around P alone
    :param least: Seconds that the model needs
    :param record: Begin and end of the record in seconds after the origin time
    :return: Start and end of a window inside the record; None without P and S, or if the
        window is outside the record
    """
    begin = (s if math.isnan(p) else p) - window.before
    end = (p if math.isnan(s) else s) + window.after
    # Comparisons with NaN are false.
    if not (begin < record[1] and end > record[0]):
        return None
    missing = max(least - (end - begin), 0)
    begin, end = begin - missing / 2, end + missing / 2
    if begin < record[0]:
        begin, end = record[0], max(end, record[0] + least)
    if end > record[1]:
        begin, end = min(begin, record[1] - least), record[1]
    return max(begin, record[0]), end


@dataclass
class EventPicks:
    """
    Picks of an event.

    :param event: Event
    :param picks: Table with the columns of event picks
    :param discarded: Number of other picks for each of :py:data:`REASONS`
    :param problems: Stations, channels or nothing, and what was wrong there
    :param stations: Table of the stations with a window, nearest first: station_id,
        latitude, longitude, elevation_m, epicentral_distance_km, azimuth_deg, and in
        seconds after the origin time p_seconds, s_seconds, begin_seconds, end_seconds
    :param candidates: Table of all picks in the windows
    :param waveforms: The windows
    :param curves: Probability curves in the windows; only for models of this package
    """

    event: Event
    picks: pd.DataFrame
    discarded: dict[str, int]
    problems: list[Problem]
    stations: pd.DataFrame
    candidates: pd.DataFrame
    waveforms: obspy.Stream
    curves: obspy.Stream


@takes(EventSettings)
def pick_event(settings: EventSettings) -> EventPicks:
    """
    Picks at most one P and one S at each station, see :py:func:`choose_picks`.

    :raises ArgumentError: if an option is not possible
    :raises ValueError: if a place or time of the event is impossible
    :return: Picks, and what they were chosen from
    """
    picker = EventPicker(
        settings,
        settings.model,
        settings.travel_times,
        settings.fit or Fit(),
        settings.inventory,
    )
    segments = segments_of(settings.stream, settings.record)
    event = Event.of(settings.event)
    return picker.pick(settings.stream, event, settings.stations, segments)


@dataclass(frozen=True)
class EventPicker:
    """
    Picks events.

    :param settings: How picks are found and measured, and the window
    :param model: Picker
    :param travel_times: Travel times
    :param fit: How picks are chosen
    :param inventory: If given, amplitudes are in m/s
    """

    settings: EventSettings | PickEventsSettings
    model: WaveformModel
    travel_times: TravelTimes
    fit: Fit
    inventory: obspy.Inventory | None

    def pick(
        self,
        stream: obspy.Stream,
        event: Event,
        stations: pd.DataFrame,
        segments: Sequence[Segment],
    ) -> EventPicks:
        """
        :param stream: Waveforms of any number of stations; they are not modified
        :param event: Event
        :param stations: Station table
        :param segments: Where the waveforms come from
        :return: Picks, and what they were chosen from
        """
        traces: dict[str, obspy.Stream] = defaultdict(obspy.Stream)
        for trace in stream:
            if trace.stats.npts:
                traces[station_id(trace)].append(trace)
        around, unknown = arrivals_at(event, traces, stations, self.travel_times)
        problems = [
            (name, "no coordinates in the table of stations") for name in unknown
        ]
        waveforms = obspy.Stream()
        spans = []
        station: Any
        for station in around.itertuples(index=False):
            cut = self._cut(event, station, traces[station.station_id])
            spans.append(_ends(cut, event) if len(cut) else (np.nan, np.nan))
            waveforms += cut
            if not len(cut):
                distance = station.epicentral_distance_km
                reason = f"at {distance:.0f} km there is no theoretical arrival"
                has_arrivals = pd.notna(station.p_seconds) or pd.notna(
                    station.s_seconds
                )
                problems.append(
                    (station.station_id, NO_DATA if has_arrivals else reason)
                )
        around[["begin_seconds", "end_seconds"]] = np.array(spans).reshape(-1, 2)
        around = around[around["begin_seconds"].notna()].reset_index(drop=True)

        picked = pick_waveforms(
            shared(waveforms), self.model, self.settings, self.inventory, segments
        )
        candidates = table_of(picked.rows)
        chosen = [pd.DataFrame(columns=list(EVENT_COLUMNS))]
        discarded = dict.fromkeys(REASONS, 0)
        for station in around.itertuples(index=False):
            table, numbers = choose_picks(
                candidates[candidates["station_id"] == station.station_id],
                Arrivals(
                    event.event_id,
                    station.epicentral_distance_km,
                    station.azimuth_deg,
                    event.after(station.p_seconds),
                    event.after(station.s_seconds),
                ),
                self.fit,
            )
            chosen += [table] if len(table) else []
            discarded = {name: discarded[name] + numbers[name] for name in REASONS}
        return EventPicks(
            event,
            pick_table(pd.concat(chosen[1:]) if chosen[1:] else chosen[0]),
            discarded,
            problems + picked.problems,
            around,
            candidates,
            waveforms,
            picked.annotations,
        )

    def _cut(self, event: Event, station: Any, stream: obspy.Stream) -> obspy.Stream:
        """The window of a station; empty if it has no data or no arrivals."""
        arrivals = station.p_seconds, station.s_seconds
        least = window_seconds(self.model)
        found = window_around(self.settings, *arrivals, least, _ends(stream, event))
        if found is None:
            return obspy.Stream()
        return stream.slice(event.origin + found[0], event.origin + found[1])


def _ends(stream: obspy.Stream, event: Event) -> tuple[float, float]:
    """Begin and end in seconds after the origin time."""
    begin = min(trace.stats.starttime for trace in stream)
    end = max(trace.stats.endtime for trace in stream)
    return begin - event.origin, end - event.origin
