"""Picks of several stations over time and distance: record sections."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import obspy
import pandas as pd

from ..tables import assignment_table, pick_table
from . import style
from .maps import distances_km, places_of
from .style import COLOURS, DISCARDED, GREY, nothing, styled
from .traces import between, component_rank, lines_of, station_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Height of the label of a station.
_LABEL_INCHES = 0.16


@styled()
def plot_section(
    result: Any,
    travel_times: Any,
    fit: Any = None,
    band: tuple[float, float] = (1.0, 10.0),
) -> Figure:
    """
    Vertical channels of an event over time and distance, each divided by its peak, with
    the picks and the theoretical P and S of a station at sea level.

    :param result: What :py:func:`~seisbench_diting.picking.pick_event` returned
    :param travel_times: Travel times with a method
        ``first_arrivals(distances_km, depth_km)``
    :param fit: How picks were chosen, for how far they may deviate
    :param band: Lowest and highest frequency in Hz
    :raises ValueError: if no station has a window
    :return: Figure
    """
    event, stations = result.event, result.stations.set_index("station_id")
    if len(stations) == 0:
        raise nothing(f"no station has a window around {event.event_id}")
    distances, windows = "epicentral_distance_km", ["begin_seconds", "end_seconds"]
    section = _Section.of(event, stations[distances])
    begin, end = stations[windows[0]].min() - 0.5, stations[windows[1]].max() + 0.5
    section.panel.set_xlim(begin, end)
    line = {"color": GREY, "lw": 0.5, "marker": "|", "ms": 9, "label": "window"}
    section.panel.plot(stations[windows].T, stations[[distances] * 2].T, **line)
    section.draw_theory(lambda km: travel_times.first_arrivals(km, event.depth_km), fit)
    section.draw_waveforms(result.waveforms, band)
    section.draw_picks(result.picks, result.candidates, "discarded")
    title = f"{style.describe_event(event)}\nvertical channels, {style.band_text(band)}"
    return section.finish(title)


@styled()
def plot_moveout(
    event: Any,
    picks: pd.DataFrame,
    stations: pd.DataFrame,
    stream: obspy.Stream | None = None,
    travel_times: Any = None,
    other_picks: pd.DataFrame | None = None,
    band: tuple[float, float] = (1.0, 10.0),
) -> Figure:
    """
    The picks of an associated event over time and epicentral distance, with theoretical
    times, and the vertical channels behind them, each divided by its peak.

        plot_moveout(events.iloc[0], picks, stations, stream)

    :param event: Row of a table of events
    :param picks: Table of picks with ``event_id``; those of other events are left out
    :param stations: Table of stations
    :param stream: Waveforms
    :param travel_times: Travel times with a method
        ``first_arrivals(distances_km, depth_km, elevations_km)``; the curves are for the mean elevation of the stations
    :param other_picks: Picks of other events or of none; may be all picks
    :param band: Lowest and highest frequency of the waveforms in Hz
    :raises ValueError: if the event has no pick at a known station, or a table is wrong
    :return: Figure
    """
    own = assignment_table(picks)
    own = own[own["event_id"] == event.event_id]
    stream = obspy.Stream() if stream is None else stream
    with_waveforms = {station_of(trace.id) for trace in stream if len(trace)}
    places = places_of({*own["station_id"], *with_waveforms}, stations)
    own = own[own["station_id"].isin(places.index)]
    if len(own) == 0:
        missing = f"picks has none of the event {event.event_id!r} at a station"
        raise nothing(f"{missing} that is in stations")
    places["km"] = distances_km(event.latitude, event.longitude, places)
    # Waveforms from far beyond the picks would press them together.
    places = places[places["km"] <= 1.2 * places["km"][own["station_id"]].max() + 5]
    section = _Section.of(event, places["km"].sort_values())
    seconds, latest = section.seconds(own), 0.0
    if travel_times is not None:
        elevation_km = float(places["elevation_m"].mean()) / 1000
        latest = section.draw_theory(
            lambda km: travel_times.first_arrivals(km, event.depth_km, elevation_km)
        )
    latest = max(latest, seconds.max())
    first = min(seconds.min(), 0.0) - 0.06 * latest - 0.5
    section.panel.set_xlim(first, 1.1 * latest + 0.5)
    section.draw_picks(own, other_picks, "other pick")
    s = int(own["phase"].str.startswith("S").sum())
    title = f"{style.describe_event(event)}, {len(own) - s} P, {s} S"
    if section.draw_waveforms(stream, band):
        title += f"\nvertical channels, {style.band_text(band)}"
    return section.finish(title)


class _Section(NamedTuple):
    """A panel over time and distance, with half the height of a line in km."""

    figure: Figure
    panel: Any
    origin: pd.Timestamp
    distance_km: pd.Series
    half_km: float

    @classmethod
    def of(cls, event: Any, distance_km: pd.Series) -> _Section:
        """Distances by station, the nearest first."""
        nearest, farthest = distance_km.iloc[0], distance_km.iloc[-1]
        spread = farthest - nearest
        if spread < 1:
            spread = max(10.0, 0.1 * farthest)
        half_km = spread * float(np.clip(0.9 / len(distance_km), 1 / 40, 1 / 4))
        figure = style.new_figure(9, np.clip(3.2 + 0.25 * len(distance_km), 4.6, 11))
        panel = figure.subplots()
        panel.set_ylim(nearest - 1.4 * half_km, farthest + 1.4 * half_km)
        panel.set_xlabel("Time after the origin time (s)")
        panel.set_ylabel("Epicentral distance (km)")
        return cls(figure, panel, style.utc(event.time), distance_km, half_km)

    def seconds(self, picks: pd.DataFrame) -> np.ndarray:
        return _seconds_after(picks["time"], self.origin)

    def draw_theory(
        self, arrivals: Callable[[np.ndarray], Any], fit: Any = None
    ) -> float:
        """
        :param arrivals: Gives P and S times in s for distances in km
        :param fit: How picks were chosen
        :return: Time of the last arrival
        """
        bottom, top = self.panel.get_ylim()
        km = np.linspace(max(bottom, 0), top, 400)
        both = arrivals(km)
        for (phase, colour), times in zip(COLOURS.items(), both, strict=True):
            if fit is not None:
                reach = fit.limit * fit.width(phase, km)
                area = {"color": colour, "label": "range of picks"}
                ends = times - reach, times + reach
                self.panel.fill_betweenx(km, *ends, alpha=0.12, lw=0, **area)
            label = f"theoretical {phase}"
            self.panel.plot(times, km, color=colour, ls="--", zorder=3, label=label)
        return float(np.nanmax(both, initial=0.0))

    def draw_waveforms(self, stream: obspy.Stream, band: tuple[float, float]) -> bool:
        """:return: If there are any"""
        # The vertical channel of each station, or another one if it has none.
        chosen: dict[str, str] = {}
        for name in sorted({t.id for t in stream}, key=component_rank):
            if station_of(name) in self.distance_km.index:
                chosen.setdefault(station_of(name), name)
        shown = obspy.Stream([t for t in stream if t.id in chosen.values()])
        zero = obspy.UTCDateTime(self.origin.to_pydatetime())
        lines = {station_of(n): x for n, x in lines_of(shown, zero, band).items()}
        begin, end = self.panel.get_xlim()
        for station, line in lines.items():
            seconds, samples = between(line, begin, end)
            peak = np.nanmax(np.abs(samples), initial=0.0) or 1.0
            places = self.distance_km[station] + self.half_km * samples / peak
            self.panel.plot(seconds, places, color="black", lw=0.4, zorder=2)
        return bool(lines)

    def draw_picks(
        self, own: pd.DataFrame, others: pd.DataFrame | None, label: str
    ) -> None:
        if others is not None:
            others = _not_among(pick_table(others), own)
            km = self.distance_km.reindex(others["station_id"])
            cross = {"color": DISCARDED, "ms": 6, "mew": 1.6, "zorder": 4}
            name = label if len(others) else None
            self.panel.plot(self.seconds(others), km, "x", label=name, **cross)
        for phase, colour in COLOURS.items():
            picks = own[own["phase"].str.startswith(phase)]
            km = self.distance_km.reindex(picks["station_id"])
            ends = km - 0.6 * self.half_km, km + 0.6 * self.half_km
            line = {"color": colour, "lw": 2, "zorder": 5, "label": f"{phase} pick"}
            self.panel.vlines(self.seconds(picks), *ends, **line)

    def finish(self, title: str) -> Figure:
        _label_stations(self.panel, self.distance_km.index, self.distance_km)
        self.panel.set_title(title)
        style.legend_below(self.figure, [self.panel])
        return self.figure


def _label_stations(panel: Any, names: Iterable[str], places: Iterable[float]) -> None:
    """Labels on the right; if labels would overlap, only the first is shown."""
    bottom, top = panel.get_ylim()
    inches = panel.figure.get_figheight() - 1.5
    outside = {"xycoords": ("axes fraction", "data"), "annotation_clip": False}
    last = -np.inf
    for name, place in zip(names, places, strict=True):
        if (place - last) * inches >= _LABEL_INCHES * (top - bottom):
            last, text = place, name.rstrip(".")
            style.write(
                panel, text, 1, place, (4, 0), va="center", fontsize=8, **outside
            )


def _not_among(picks: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Picks with another station, phase or time than any of the others."""
    same = ["station_id", "phase", "time"]
    known = pd.MultiIndex.from_frame(others[same])
    return picks[~pd.MultiIndex.from_frame(picks[same]).isin(known)]


def _seconds_after(times: pd.Series, start: pd.Timestamp) -> np.ndarray:
    return (times - start).dt.total_seconds().to_numpy(dtype=float)
