"""The record section of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .drawing import (
    COLOURS,
    DISCARDED,
    GREY,
    band_text,
    describe,
    filtered_lines,
    legend_below,
    pick_seconds,
    vertical_of,
)
from .sections import label_stations, room_of_lines, thin
from .style import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_section(
    result: Any,
    travel_times: Any,
    fit: Any = None,
    band: tuple[float, float] = (1.0, 10.0),
) -> Figure:
    """
    Vertical components over time and distance, each divided by its peak, with the
    theoretical P and S of a station at sea level, and how far picks may deviate.

    :param result: What came of an event
    :param travel_times: Travel times
    :param fit: How picks were chosen
    :param band: Lowest and highest frequency in Hz
    :raises ValueError: if there is no station with a window
    :return: Figure
    """
    # Not at the top of the file: it takes longer to import than picking takes.
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    stations = result.stations
    if len(stations) == 0:
        raise ValueError(
            f"There is no station with a window around {result.event.event_id}; there is "
            "nothing to draw."
        )
    distances = stations["epicentral_distance_km"].to_numpy()
    height = float(np.clip(3.2 + 0.28 * len(stations), 4.6, 11))
    figure = new_figure(figsize=(9, height), layout="constrained")
    panel = figure.subplots()
    room, bottom, top = room_of_lines(distances)
    panel.set_ylim(bottom, top)
    _draw_theory(panel, result, travel_times, fit, (bottom, top))
    _draw_records(panel, result, band, room)
    _draw_picks(panel, result, room)
    panel.set_xlim(
        stations["begin_seconds"].min() - 0.5, stations["end_seconds"].max() + 0.5
    )
    label_stations(panel, stations["station_id"], distances, height - 1.5)
    panel.set_xlabel("Time after the origin time (s)")
    panel.set_ylabel("Epicentral distance (km)")
    panel.set_title(
        f"{describe(result.event)}\nvertical components, {band_text(band)}", fontsize=10
    )
    handles = [
        Line2D([], [], color=GREY, lw=1, marker="|", label="window"),
        Line2D([], [], color=COLOURS["P"], lw=1, ls="--", label="theoretical P"),
        Line2D([], [], color=COLOURS["S"], lw=1, ls="--", label="theoretical S"),
        Patch(color=GREY, alpha=0.2, lw=0, label="range of picks"),
        Line2D([], [], color=COLOURS["P"], lw=2.5, label="P pick"),
        Line2D([], [], color=COLOURS["S"], lw=2.5, label="S pick"),
    ]
    if sum(result.discarded.values()):
        handles.append(
            Line2D([], [], color=DISCARDED, ls="", marker="x", label="discarded")
        )
    legend_below(figure, handles)
    return figure


def _draw_theory(
    panel: Axes,
    result: Any,
    travel_times: Any,
    fit: Any,
    ends: tuple[float, float],
) -> None:
    distances = np.linspace(max(ends[0], 0), ends[1], 400)
    arrivals = travel_times.first_arrivals(distances, result.event.depth_km)
    for phase, times in zip("PS", arrivals, strict=True):
        reach = fit.limit * fit.width(phase, distances) if fit is not None else 0.0
        panel.fill_betweenx(
            distances,
            times - reach,
            times + reach,
            color=COLOURS[phase],
            alpha=0.12,
            lw=0,
        )
        panel.plot(times, distances, color=COLOURS[phase], lw=1, ls="--", zorder=3)


def _draw_records(
    panel: Axes, result: Any, band: tuple[float, float], room: float
) -> None:
    lines = filtered_lines(result.waveforms, result.event, band)
    for station in result.stations.itertuples(index=False):
        place = station.epicentral_distance_km
        _, (seconds, samples) = vertical_of(lines[station.station_id])
        peak = np.nanmax(np.abs(samples), initial=0.0)
        seconds, samples = thin(seconds, samples)
        panel.plot(
            seconds,
            place + room * samples / (peak if peak > 0 else 1.0),
            color="black",
            lw=0.4,
            zorder=2,
        )
        panel.plot(
            [station.begin_seconds, station.end_seconds],
            [place, place],
            color=GREY,
            lw=0.5,
            marker="|",
            ms=9,
            zorder=2,
        )


def _draw_picks(panel: Axes, result: Any, room: float) -> None:
    distance = result.stations.set_index("station_id")["epicentral_distance_km"]
    chosen = set(zip(result.picks["station_id"], result.picks["time"], strict=True))
    every = zip(result.candidates["station_id"], result.candidates["time"], strict=True)
    is_other = np.array([pair not in chosen for pair in every], dtype=bool)
    others = result.candidates[is_other]
    panel.plot(
        pick_seconds(others["time"], result.event),
        distance.reindex(others["station_id"]).to_numpy(),
        color=DISCARDED,
        ls="",
        marker="x",
        ms=6,
        mew=1.6,
        zorder=4,
    )
    for phase, colour in COLOURS.items():
        picks = result.picks[result.picks["phase"].str.startswith(phase)]
        panel.vlines(
            pick_seconds(picks["time"], result.event),
            picks["epicentral_distance_km"] - 0.6 * room,
            picks["epicentral_distance_km"] + 0.6 * room,
            color=colour,
            lw=2,
            zorder=5,
        )
