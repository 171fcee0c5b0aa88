"""One event: its picks along the moveout of P and S."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import obspy
import pandas as pd

from .._util import band_filtered
from ..tables import pick_table
from .places import (
    TravelTimeTable,
    distances_km,
    not_among,
    places_of,
    seconds_after,
    utc,
)
from .sections import label_stations, room_of_lines, thin
from .style import COLOURS, band_text, legend_below, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Of picks that don't belong to the event.
OTHER = "#999999"


def plot_moveout(
    event: Any,
    picks: pd.DataFrame,
    stations: pd.DataFrame,
    stream: obspy.Stream | None = None,
    travel_times: TravelTimeTable | None = None,
    other_picks: pd.DataFrame | None = None,
    band: tuple[float, float] = (1.0, 10.0),
) -> Figure:
    """
    The picks of an event over time and epicentral distance, with what is theoretical, and
    the vertical components behind them, each divided by its peak.

        plot_moveout(events.iloc[0], picks, stations, stream)

    :param event: Row of a table of events
    :param picks: Table of picks with ``event_id``; those of other events are left out
    :param stations: Table of stations
    :param stream: Waveforms
    :param travel_times: Travel times of P and S; the curves are for the mean elevation of
        the stations
    :param other_picks: Picks that may belong to nothing, or to other events; such as all
    :param band: Lowest and highest frequency of the waveforms in Hz
    :raises ValueError: if the event has no pick at a station that is known, or a table is
        wrong
    :return: Figure
    """
    # Not at the top of the file: it takes longer to import than association takes.
    from matplotlib.lines import Line2D

    origin = utc(event.time)
    own = pick_table(picks)
    own = own[own["event_id"] == event.event_id] if "event_id" in own else own[:0]
    lines = _vertical_lines(stream, origin, band) if stream is not None else {}
    places = places_of({*own["station_id"], *lines}, stations)
    places["distance_km"] = distances_km(event.latitude, event.longitude, places)
    places = places.sort_values("distance_km")
    own = own[own["station_id"].isin(places.index)]
    if len(own) == 0:
        raise ValueError(
            f"picks has none of the event {event.event_id!r} at a station that stations "
            "has; there is nothing to draw."
        )
    # Waveforms from far beyond the picks would press them together.
    farthest = places["distance_km"][own["station_id"].unique()].max()
    places = places[places["distance_km"] <= 1.2 * farthest + 5]

    height = float(np.clip(3.2 + 0.22 * len(places), 4.6, 11))
    figure = new_figure(figsize=(9, height), layout="constrained")
    panel = figure.subplots()
    room, bottom, top = room_of_lines(places["distance_km"].to_numpy())
    panel.set_ylim(bottom, top)
    curves = _draw_theory(panel, event, places, travel_times, (bottom, top))
    seconds = seconds_after(own["time"], origin)
    last = max([seconds.max(), *(curve for curve in curves if np.isfinite(curve))])
    begin, end = min(seconds.min(), 0) - 0.06 * last - 0.5, 1.1 * last + 0.5
    panel.set_xlim(begin, end)
    for name, line in lines.items():
        if name in places.index:
            _draw_line(panel, line, places["distance_km"][name], room, (begin, end))
    if other_picks is not None:
        _draw_others(panel, pick_table(other_picks), own, places, origin, room)
    _draw_own(panel, own, seconds, places, room)
    label_stations(panel, places.index, places["distance_km"], height - 1.5)
    panel.set_xlabel("Time after the origin time (s)")
    panel.set_ylabel("Epicentral distance (km)")
    panel.set_title(
        _heading(event, own)
        + (f"\nvertical components, {band_text(band)}" * bool(lines)),
        fontsize=10,
    )
    handles = [
        Line2D([], [], color=COLOURS["P"], lw=2.5, label="P pick"),
        Line2D([], [], color=COLOURS["S"], lw=2.5, label="S pick"),
    ]
    if travel_times is not None:
        handles += [
            Line2D(
                [],
                [],
                color=COLOURS[phase],
                lw=1,
                ls="--",
                label=f"theoretical {phase}",
            )
            for phase in "PS"
        ]
    if other_picks is not None:
        handles.append(Line2D([], [], color=OTHER, lw=2, label="other pick"))
    legend_below(figure, handles)
    return figure


def _heading(event: Any, own: pd.DataFrame) -> str:
    time = utc(event.time).round("100ms").strftime("%Y-%m-%d %H:%M:%S.%f")[:-5]
    words = [str(event.event_id), f"{time} UTC"]
    if np.isfinite(event.depth_km):
        words.append(f"{event.depth_km:.1f} km deep")
    s = int(own["phase"].str.startswith("S").sum())
    words.append(f"{len(own) - s} P, {s} S")
    return ", ".join(words)


def _draw_theory(
    panel: Axes,
    event: Any,
    places: pd.DataFrame,
    travel_times: TravelTimeTable | None,
    ends: tuple[float, float],
) -> list[float]:
    """Draws curves; the times at their ends."""
    if travel_times is None:
        return []
    distance = np.linspace(max(ends[0], 0), ends[1], 400)
    curves = travel_times.at(
        distance, event.depth_km, float(places["elevation_km"].mean())
    )
    for phase, curve in zip("PS", curves, strict=True):
        panel.plot(curve, distance, color=COLOURS[phase], lw=1, ls="--", zorder=3)
    return [float(np.nanmax(curve, initial=0.0)) for curve in curves]


def _vertical_lines(
    stream: obspy.Stream, origin: pd.Timestamp, band: tuple[float, float]
) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    """By station the pieces of its vertical component: seconds and samples."""
    lines: dict[str, tuple[str, list]] = {}
    zero = obspy.UTCDateTime(origin.to_pydatetime())
    # Of several instruments of a station the first.
    for trace in sorted(stream.select(component="[Z3]").copy().split(), key=_by_name):
        channel = trace.stats.channel
        chosen, pieces = lines.setdefault(trace.id.rpartition(".")[0], (channel, []))
        if channel != chosen or len(trace) == 0:
            continue
        data = band_filtered(trace.data, band, trace.stats.sampling_rate)
        pieces.append((trace.times() + (trace.stats.starttime - zero), data))
    return {name: pieces for name, (_, pieces) in lines.items() if pieces}


def _by_name(trace: obspy.Trace) -> tuple[str, obspy.UTCDateTime]:
    return trace.id, trace.stats.starttime


def _draw_line(
    panel: Axes,
    pieces: list[tuple[np.ndarray, np.ndarray]],
    place: float,
    room: float,
    ends: tuple[float, float],
) -> None:
    shown = []
    for seconds, samples in pieces:
        inside = (seconds >= ends[0]) & (seconds <= ends[1])
        shown.append((seconds[inside], samples[inside]))
    peak = max(np.abs(samples).max(initial=0.0) for _, samples in shown)
    for seconds, samples in shown:
        seconds, samples = thin(seconds, samples)
        panel.plot(
            seconds,
            place + room * samples / (peak if peak > 0 else 1.0),
            color="black",
            lw=0.4,
            alpha=0.8,
            zorder=2,
        )


def _draw_own(
    panel: Axes,
    own: pd.DataFrame,
    seconds: np.ndarray,
    places: pd.DataFrame,
    room: float,
) -> None:
    distance = places["distance_km"].reindex(own["station_id"]).to_numpy()
    for phase, colour in COLOURS.items():
        rows = own["phase"].str.startswith(phase).to_numpy(dtype=bool)
        panel.vlines(
            seconds[rows],
            distance[rows] - 0.6 * room,
            distance[rows] + 0.6 * room,
            color=colour,
            lw=2,
            zorder=5,
        )


def _draw_others(
    panel: Axes,
    others: pd.DataFrame,
    own: pd.DataFrame,
    places: pd.DataFrame,
    origin: pd.Timestamp,
    room: float,
) -> None:
    others = not_among(others[others["station_id"].isin(places.index)], own)
    seconds = seconds_after(others["time"], origin)
    begin, end = panel.get_xlim()
    inside = (seconds >= begin) & (seconds <= end)
    distance = places["distance_km"].reindex(others["station_id"]).to_numpy()[inside]
    panel.vlines(
        seconds[inside],
        distance - 0.45 * room,
        distance + 0.45 * room,
        color=OTHER,
        lw=2,
        zorder=4,
    )
