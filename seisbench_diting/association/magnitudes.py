"""
Local magnitudes from simulated Wood-Anderson seismograms.

The seismograph has a period of 0.8 s, a damping of 0.7 and a static magnification of 2080:
Uhrhammer, R. A., & Collins, E. R. (1990). Synthesis of Wood-Anderson seismograms from
broadband digital records. Bulletin of the Seismological Society of America, 80(3), 702-716.
IASPEI's standard has the same: Bormann, P., & Dewey, J. W. (2014). New Manual of
Seismological Observatory Practice, IS 3.3. <https://doi.org/10.2312/GFZ.NMSOP-2_IS_3.3>
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import obspy
import pandas as pd
from obspy.geodetics import gps2dist_azimuth

from .. import tables
from .._util import (
    ArgumentError,
    band_filtered,
    components_of,
    errors_of,
    merged,
    progress_bar,
    takes,
)
from ..waveforms import (
    Archive,
    choose_segments,
    cut_overlaps,
    read_responses,
    read_segments,
)
from .associate_settings import CURVES, MagnitudeSettings
from .core import Association

#: Poles of the seismograph, and how often it integrates samples of these units.
_POLES = [
    complex(-0.7, sign * (1 - 0.7**2) ** 0.5) * 2 * np.pi / 0.8 for sign in (1, -1)
]
_ZEROS = {"m": 2, "m/s": 1, "m/s2": 0}

#: Ratio of the travel times of S and P, where one of them was not picked.
_VP_VS = 3**0.5

#: Noise ends this long before P, and has this length; less if the record begins later.
_BEFORE_S, _NOISE_S, _LEAST_NOISE_S = 0.5, 10.0, 2.0

#: Windows end this long after S, besides the time from P to S, but never earlier than this.
_AFTER_S, _LEAST_AFTER_S = 10.0, 2.0

#: The ends of records are tapered; more is read, so that filters forget them.
_TAPER_S, _MARGIN_S = 3.0, 20.0

#: So many samples in a row that have the largest value are clipped.
_CLIPPED = 4

_COLUMNS = ["event_id", "station_id", "channel", "time", "amplitude_mm", "snr"]
_COLUMNS += ["distance_km", "magnitude", "reason"]


def wood_anderson(
    trace: obspy.Trace,
    unit: str = "counts",
    inventory: obspy.Inventory | None = None,
    gain: float = 2080.0,
    band: tuple[float, float] = (0.2, 30.0),
) -> obspy.Trace:
    """
    Simulates a Wood-Anderson seismogram. Three seconds at both ends are tapered.

    :param trace: Record of one component without gaps; it is not modified
    :param unit: ``counts``, ``m``, ``m/s`` or ``m/s2``
    :param inventory: Response, for counts
    :param gain: Static magnification
    :param band: Lowest and highest frequency in Hz
    :raises ValueError: if there is no response
    :return: New trace, in mm
    """
    trace = trace.copy()
    trace.detrend("linear").taper(None, max_length=_TAPER_S)
    if unit == "counts":
        trace.remove_response(inventory, "VEL", zero_mean=False, taper=False)
        unit = "m/s"
    paz: dict[str, Any] = {"poles": _POLES, "zeros": [0j] * _ZEROS[unit], "gain": 1.0}
    paz["sensitivity"] = 1000 * gain
    trace.simulate(paz_simulate=paz, zero_mean=False, taper=False)
    trace.data = band_filtered(trace.data, band, trace.stats.sampling_rate)
    return trace


@takes(MagnitudeSettings)
def local_magnitudes(settings: MagnitudeSettings) -> Association:
    """
    Local magnitudes of events with picks. Amplitudes are the largest of the horizontal
    components, zero to peak, between P and some time after S, or the next pick of another
    event. A station's magnitude is the mean of those of its components, as for Hutton and
    Boore (1987); that of an event is the median of its stations, and its error is their
    spread (1.4826 times the median absolute deviation).

    :raises ArgumentError: if an option is not possible
    :return: Events with magnitudes, their picks, and a table of amplitudes
    """
    events, picks = tables.read_association(settings.events, settings.lonlat)
    if settings.picks is not None:
        picks = tables.assignment_table(tables.read_picks(settings.picks))
        picks = picks[picks["event_id"].isin(events["event_id"])]
    if len(events) and not len(picks):
        name = "events" if settings.picks is None else "picks"
        reason = (
            "it has no picks of these events. The option picks takes a file of them"
        )
        raise ArgumentError(name, str(getattr(settings, name)), reason)
    rows: list[dict[str, Any]] = []
    by_station, by_event = picks.groupby("station_id"), picks.groupby("event_id")
    all_at = {name: (of["event_id"], of["time"]) for name, of in by_station}
    with (
        TemporaryDirectory() as folder,
        closing(Archive(Path(folder, "index"))) as archive,
    ):
        meter = _Meter(settings, archive)
        place = events.set_index("event_id")
        shown: Any = {"iterable": by_event, "total": len(by_event)}
        for name, own in progress_bar(
            "Measuring", "events", settings.progress, **shown
        ):
            event = place.loc[name]
            for station, of in own.groupby("station_id"):
                names, times = all_at[station]
                seconds = (times[names != name] - event.time).dt.total_seconds()
                row = {"event_id": name, "station_id": station, "time": event.time}
                rows += [row | x for x in meter.measure(event, station, of, seconds)]
        problems = merged(dict.fromkeys(archive.problems() + meter.problems), "file")
    amplitudes = pd.DataFrame(rows, columns=_COLUMNS).fillna(
        {"reason": "", "channel": ""}
    )
    is_used = amplitudes["reason"] == ""
    used, left = amplitudes[is_used].drop(columns="reason"), amplitudes[~is_used]
    events = _with_magnitudes(events, used, settings.min_stations)
    summary = {
        "events": len(events),
        "events_with_magnitude": int(events["magnitude_station_count"].count()),
        "amplitudes": len(used),
        "amplitudes_left_out": left["reason"].value_counts().to_dict(),
        "problems": problems,
        "options": settings.model_dump(exclude={"output"}),
    }
    left = left.rename(columns={"channel": "phase"})
    return Association(events, picks, left, summary, None, used)


def _with_magnitudes(
    events: pd.DataFrame, used: pd.DataFrame, min_stations: int
) -> pd.DataFrame:
    stations = used.groupby(["event_id", "station_id"])["magnitude"].mean()
    values = stations.groupby("event_id")
    spread = (stations - values.transform("median")).abs().groupby("event_id").median()
    found = pd.DataFrame({"magnitude": values.median(), "magnitude_type": "ML"})
    found["magnitude_error"] = 1.4826 * spread
    found["magnitude_station_count"] = values.size()
    found = found[values.size() >= min_stations]
    columns = [*tables.EVENT_TABLE_COLUMNS, *tables.QUALITY_COLUMNS]
    table = tables.event_table(events.reindex(columns=columns)).set_index("event_id")
    table.update(found)
    return table.reset_index()


class _Meter:
    """
    Measures amplitudes.

    :param settings: Options
    :param archive: Where the waveforms are indexed
    """

    def __init__(self, settings: MagnitudeSettings, archive: Archive) -> None:
        self.settings, self.archive = settings, archive
        self.problems: list[tuple[str, str]] = []
        path = settings.stations if settings.unit == "counts" else None
        self.inventory = read_responses(path, "stations")
        self.stations = tables.read_stations(settings.stations)
        self.curve, self.corrections = _curve(settings), dict[str, float]()
        if settings.corrections is not None:
            self.corrections = tables.read_station_corrections(settings.corrections)
        archive.index(settings.inputs, progress=settings.progress)
        self.names = archive.stations()

    def measure(
        self, event: Any, station: str, picks: pd.DataFrame, others: pd.Series
    ) -> list[dict[str, Any]]:
        """
        :param event: Row of a table of events
        :param station: NET.STA.LOC
        :param picks: Picks of the event at the station
        :param others: Picks of other events there, seconds after the origin
        :return: Rows of amplitudes, with a reason where they are not used
        """
        place = tables.find_station(self.stations, station, event.time)
        if place is None:
            return [{"reason": "no coordinates"}]
        ends = event.latitude, event.longitude, place.latitude, place.longitude
        # Unknown depths and elevations are 0.
        height = np.nansum([event.depth_km, place.elevation_m / 1000])
        km = float(np.hypot(gps2dist_azimuth(*ends)[0] / 1000, height))
        whole = f"{station.rpartition('.')[0]}."
        base = self.corrections.get(station, self.corrections.get(whole, 0.0))
        base += self.curve(km)
        if np.isnan(base):
            return [{"distance_km": km, "reason": "beyond the curve"}]
        seconds = (picks["time"] - event.time).dt.total_seconds()
        first = seconds.groupby(picks["phase"].str[0]).min()
        p = first.get("P", first.get("S", np.nan) / _VP_VS)
        s = first.get("S", p * _VP_VS)
        end = min([s + (s - p) + _AFTER_S, *others[others > p]])
        if not 0 < p < s:
            return [{"distance_km": km, "reason": "P or S too early"}]
        if end < s + _LEAST_AFTER_S:
            return [{"distance_km": km, "reason": "another event within 2 s of S"}]
        origin = obspy.UTCDateTime(ns=event.time.value)
        times = origin + p, origin + s, origin + end
        # Picks of others may lack the location.
        names = [n for n in self.names if n == station or n.startswith(whole)]
        stream = self._read(sorted(names, key=station.__ne__)[:1], times[0], times[2])
        channels = sorted({trace.stats.channel for trace in stream})
        rows = [self._amplitude(stream.select(channel=x), *times) for x in channels]
        for row in rows:
            row["magnitude"] = np.log10(row.get("amplitude_mm", np.nan)) + base
        reason = {"reason": "no waveforms of a horizontal component"}
        return [{"distance_km": km, **row} for row in rows or [reason]]

    def _read(self, station: list[str], p: Any, end: Any) -> obspy.Stream:
        """:return: Horizontal components, in pieces without gaps"""
        span = (p - _BEFORE_S - _NOISE_S - _MARGIN_S).ns, (end + _MARGIN_S).ns
        segments = [s for name in station for s in self.archive.segments(name, *span)]
        used, _ = choose_segments(segments, self.settings.instruments)
        chosen = [segment for of_code in used.values() for segment in of_code]
        stream, problems, failure = read_segments(chosen, *span, None)
        for trace in stream:
            trace.data = np.ma.masked_invalid(trace.data)
        stream = stream.split()
        self.problems += problems + cut_overlaps(stream)
        self.problems += [(station[0], failure)] if failure else []
        codes = components_of({trace.stats.channel for trace in stream})
        # As in pickers, 123 is ZNE.
        vertical = "1" if "3" in codes.values() and "Z" not in codes.values() else "Z"
        horizontal = [x for x in stream if codes.get(x.stats.channel, "Z") != vertical]
        return obspy.Stream(horizontal)

    def _amplitude(
        self, stream: obspy.Stream, p: Any, s: Any, end: Any
    ) -> dict[str, Any]:
        row: dict[str, Any] = {"channel": stream[0].stats.channel}
        before = p - _BEFORE_S
        begin, last = before - _LEAST_NOISE_S - _TAPER_S, s + _LEAST_AFTER_S + _TAPER_S
        for trace in stream:
            stats = trace.stats
            if stats.starttime <= begin and stats.endtime >= last:
                break
        else:
            return row | {"reason": "a gap, or too short a record"}
        end = min(end, stats.endtime - _TAPER_S)
        if _is_clipped(trace.slice(p, end).data):
            return row | {"reason": "clipped or constant"}
        given = self.settings
        try:
            paper = wood_anderson(
                trace, given.unit, self.inventory, given.gain, given.bandpass
            )
        # Responses can be wrong in many ways.
        except Exception as error:
            self.problems.append((trace.id, f"no response can be removed: {error}"))
            return row | {"reason": "no response that can be removed"}
        start = max(stats.starttime + _TAPER_S, before - _NOISE_S)
        noise = np.abs(paper.slice(start, before).data).max()
        signal = paper.slice(p, end)
        at = int(np.abs(signal.data).argmax())
        row["amplitude_mm"] = abs(float(signal.data[at]))
        row["snr"] = row["amplitude_mm"] / noise if noise else np.inf
        time = (signal.stats.starttime + at * stats.delta).ns
        row["time"] = pd.Timestamp(time, tz="UTC").round("us")
        if row["snr"] < self.settings.min_snr:
            row["reason"] = "small signal-to-noise ratio"
        return row


def _curve(settings: MagnitudeSettings) -> Callable[[float], float]:
    """:return: Function that gives -log A0 at a distance in km, or NaN where it ends"""
    if settings.curve in CURVES:
        n, k, most = CURVES[str(settings.curve)]
        return lambda km: (
            n * np.log10(km / 100) + k * (km - 100) + 3 if 0 < km <= most else np.nan
        )
    with errors_of("curve", settings.curve):
        table = tables.read_distance_curve(settings.curve).sort_values("distance_km")
    km, values = table["distance_km"], table["minus_log_a0"]
    return lambda at: float(np.interp(at, km, values, np.nan, np.nan))


def _is_clipped(data: np.ndarray) -> bool:
    """:return: If several samples in a row have the largest or smallest value"""
    places = (np.flatnonzero(data == value) for value in (data.max(), data.min()))
    n = _CLIPPED - 1
    return any((at[n:] - at[:-n] == n).any() for at in places)
