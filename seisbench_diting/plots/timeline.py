"""Some minutes: which picks belong to which event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._util import counted
from ..tables import assignment_table, event_table, pick_table
from .moveout import OTHER
from .places import (
    TravelTimeTable,
    distances_km,
    middle_of,
    not_among,
    places_of,
    seconds_after,
    utc,
)
from .sections import label_stations
from .style import GREY, SERIES, legend_below, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: How P and S are told apart, whatever the colour.
_MARKERS = {"P": "o", "S": "x"}
_ALPHAS = 0.7, 0.3


def plot_timeline(
    events: pd.DataFrame,
    picks: pd.DataFrame,
    all_picks: pd.DataFrame,
    stations: pd.DataFrame,
    start: Any,
    end: Any,
    travel_times: TravelTimeTable | None = None,
) -> Figure:
    """
    All picks of a short time at their stations, the nearest to the events lowest, those of
    each event in a colour of its own, and those of none grey.

        plot_timeline(
            result.events, result.picks, picks, stations, "2016-10-14T00:00", "2016-10-14T00:03"
        )

    :param events: Table of events
    :param picks: Their picks, with ``event_id``
    :param all_picks: All picks, whether an event has them or not
    :param stations: Table of stations
    :param start: Begin; UTC where it has no time zone
    :param end: End
    :param travel_times: If given, the theoretical times of P and of S are drawn
    :raises ValueError: if the end isn't after the start, or there is no pick between them
        at a station that is known
    :return: Figure
    """
    # Not at the top of the file: it takes longer to import than association takes.
    from matplotlib.lines import Line2D

    start, end = utc(start), utc(end)
    if not start < end:
        raise ValueError(f"end={end} must be after start={start}.")
    events, picks = event_table(events), assignment_table(picks)
    picks = picks[picks["time"].between(start, end)]
    every = pick_table(all_picks)
    every = every[every["time"].between(start, end)]
    events = events[
        events["time"].between(start, end) | events["event_id"].isin(picks["event_id"])
    ]
    places = places_of({*every["station_id"], *picks["station_id"]}, stations)
    if len(places) == 0:
        raise ValueError(
            f"all_picks has none from start={start} to end={end} at a station that "
            "stations has; there is nothing to draw."
        )
    places = _in_order(places, events)

    height = float(np.clip(2.6 + 0.16 * len(places), 4.6, 11))
    figure = new_figure(figsize=(12, height), layout="constrained")
    panel = figure.subplots()
    panel.set_ylim(-1, len(places))
    panel.set_xlim(0, (end - start).total_seconds())
    colours = {
        name: SERIES[number % len(SERIES)]
        for number, name in enumerate(events["event_id"])
    }
    unused = not_among(every, picks)
    _draw_picks(panel, unused, places, start, None)
    for event_id, own in picks.groupby("event_id", sort=False):
        if event_id in colours:
            _draw_picks(panel, own, places, start, colours[event_id])
    for event in events.itertuples():
        colour = colours[event.event_id]
        _draw_origin(panel, event, start, end, colour)
        if travel_times is not None:
            _draw_theory(panel, event, places, travel_times, start, colour)
    label_stations(panel, places.index, range(len(places)), height - 1.5)
    panel.set_yticks([])
    panel.set_ylabel("Stations, the farthest from the events on top")
    panel.set_xlabel(f"Seconds after {start.strftime('%Y-%m-%d %H:%M:%S')} UTC")
    panel.set_title(
        f"{counted(len(events), 'event')}, {len(picks)} of "
        f"{len(picks) + len(unused)} picks",
        fontsize=10,
        pad=18,
    )
    line = {"ls": "", "color": GREY}
    handles = [
        Line2D([], [], marker=_MARKERS["P"], ms=5, label="P pick", **line),
        Line2D([], [], marker=_MARKERS["S"], ms=5, label="S pick", **line),
        Line2D([], [], marker="o", ms=5, ls="", color=OTHER, label="of no event"),
        Line2D([], [], marker="v", ms=8, label="origin time", **line),
    ]
    if travel_times is not None:
        handles += [
            Line2D(
                [], [], color=GREY, lw=1.5, alpha=alpha, label=f"theoretical {phase}"
            )
            for phase, alpha in zip("PS", _ALPHAS, strict=True)
        ]
    legend_below(figure, handles)
    return figure


def _in_order(places: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Nearest to the median of the epicentres first; or else to that of the stations."""
    points = events if len(events) else places
    middle = middle_of(points["latitude"], points["longitude"])
    distance = distances_km(*middle, places)
    order = np.argsort(distance, kind="stable")
    return places.iloc[order].assign(row=np.arange(len(places)))


def _draw_picks(
    panel: Axes,
    picks: pd.DataFrame,
    places: pd.DataFrame,
    start: pd.Timestamp,
    colour: str | None,
) -> None:
    seconds = seconds_after(picks["time"], start)
    row = places["row"].reindex(picks["station_id"]).to_numpy()
    for phase, marker in _MARKERS.items():
        rows = picks["phase"].str.startswith(phase).to_numpy(dtype=bool)
        panel.plot(
            seconds[rows],
            row[rows],
            color=colour or OTHER,
            ls="",
            marker=marker,
            ms=4 if colour else 3,
            mew=1.2,
            mec=colour or OTHER,
            zorder=4 if colour else 2,
        )


def _draw_origin(
    panel: Axes, event: Any, start: pd.Timestamp, end: pd.Timestamp, colour: str
) -> None:
    if start <= event.time <= end:
        panel.plot(
            (event.time - start).total_seconds(),
            1,
            marker="v",
            ms=8,
            color=colour,
            transform=panel.get_xaxis_transform(),
            clip_on=False,
            zorder=6,
        )


def _draw_theory(
    panel: Axes,
    event: Any,
    places: pd.DataFrame,
    travel_times: TravelTimeTable,
    start: pd.Timestamp,
    colour: str,
) -> None:
    distance = distances_km(event.latitude, event.longitude, places)
    arrivals = travel_times.at(
        distance, event.depth_km, places["elevation_km"].to_numpy()
    )
    origin = (event.time - start).total_seconds()
    # No lines from station to station: their order is not that of each event's distances.
    for times, alpha in zip(arrivals, _ALPHAS, strict=True):
        panel.vlines(
            origin + times,
            places["row"] - 0.5,
            places["row"] + 0.5,
            color=colour,
            lw=1.5,
            alpha=alpha,
            zorder=3,
        )
