"""The record section of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...travel_times import TravelTimes
from .choosing import Fit
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
from .picker import EventPicks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Labels of stations need so many inches each.
_LABEL_INCHES = 0.16

#: More samples of a line than this can't be told apart.
_MOST_POINTS = 6000


def plot_section(
    result: EventPicks,
    travel_times: TravelTimes,
    fit: Fit | None = None,
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
    from matplotlib.figure import Figure
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
    figure = Figure(figsize=(9, height), layout="constrained")
    panel = figure.subplots()
    room, bottom, top = _room(distances)
    panel.set_ylim(bottom, top)
    _draw_theory(panel, result, travel_times, fit or Fit(), (bottom, top))
    _draw_records(panel, result, band, room)
    _draw_picks(panel, result, room)
    panel.set_xlim(
        stations["begin_seconds"].min() - 0.5, stations["end_seconds"].max() + 0.5
    )
    _label_stations(panel, result, (bottom, top), height)
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


def _room(distances: np.ndarray) -> tuple[float, float, float]:
    """Half the height of a record in km, and the ends of the axis."""
    nearest, farthest = distances.min(), distances.max()
    spread = farthest - nearest
    if spread < 1:
        spread = max(10.0, 0.1 * farthest)
    room = float(np.clip(0.9 * spread / len(distances), spread / 40, spread / 4))
    return room, nearest - 1.4 * room, farthest + 1.4 * room


def _draw_theory(
    panel: Axes,
    result: EventPicks,
    travel_times: TravelTimes,
    fit: Fit,
    ends: tuple[float, float],
) -> None:
    distances = np.linspace(max(ends[0], 0), ends[1], 400)
    arrivals = travel_times.first_arrivals(distances, result.event.depth_km)
    for phase, times in zip("PS", arrivals, strict=True):
        reach = fit.limit * fit.width(phase, distances)
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
    panel: Axes, result: EventPicks, band: tuple[float, float], room: float
) -> None:
    lines = filtered_lines(result.waveforms, result.event, band)
    for station in result.stations.itertuples(index=False):
        place = station.epicentral_distance_km
        _, (seconds, samples) = vertical_of(lines[station.station_id])
        peak = np.nanmax(np.abs(samples), initial=0.0)
        seconds, samples = _thin(seconds, samples)
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


def _thin(seconds: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest of many samples, which look the same."""
    step = len(seconds) // _MOST_POINTS * 2
    if step < 4:
        return seconds, samples
    count = len(samples) // step
    blocks = samples[: count * step].reshape(count, step)
    thin = np.stack([blocks.min(axis=1), blocks.max(axis=1)], axis=1).ravel()
    return np.repeat(seconds[: count * step : step], 2), thin


def _draw_picks(panel: Axes, result: EventPicks, room: float) -> None:
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


def _label_stations(
    panel: Axes, result: EventPicks, ends: tuple[float, float], height: float
) -> None:
    """On the right; of those that would cover each other the nearer one."""
    apart = (ends[1] - ends[0]) * _LABEL_INCHES / (height - 1.5)
    last = -np.inf
    for station in result.stations.itertuples(index=False):
        place = station.epicentral_distance_km
        if place - last < apart:
            continue
        last = place
        panel.annotate(
            station.station_id.rstrip("."),
            (1, place),
            (4, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            fontsize=8,
            annotation_clip=False,
        )
