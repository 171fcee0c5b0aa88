"""All events of an association in one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._util import counted
from ..tables import assignment_table, event_table, station_table
from .histograms import (
    draw_counts,
    draw_residuals,
    draw_times,
    naive,
    pick_counts,
)
from .maps import (
    LEAST_KM,
    Extent,
    name_stations,
    on_one_side,
    scale_bar,
    set_extent,
    square,
    square_around,
)
from .places import distances_km, middle_of, places_of
from .style import GREY, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure

#: The map's ends are so far that at least so many stations are on it.
_STATIONS_ON_MAP = 16

#: More points than these make files of vectors large.
_MOST_VECTORS = 3000

# Inches: width and height of the picture, and left, bottom, width and height of panels.
# The map is a square, as its ends are in km.
_SIZE = 13.4, 9.0
_PANELS = {
    "map": (0.75, 2.95, 5.4, 5.4),
    "latitude": (6.35, 2.95, 1.7, 5.4),
    "longitude": (0.75, 0.6, 5.4, 1.7),
    "bar": (6.35, 1.75, 1.7, 0.14),
    "sizes": (6.35, 0.45, 1.7, 0.6),
    "time": (9.0, 6.35, 3.55, 2.0),
    "counts": (9.0, 3.45, 3.55, 2.0),
    "residuals": (9.0, 0.6, 3.55, 2.0),
}


@dataclass(frozen=True)
class _Dots:
    """Events as they are drawn: on one side of the date line, with sizes in points²."""

    longitude: np.ndarray
    latitude: np.ndarray
    depth_km: np.ndarray
    size: np.ndarray
    count: np.ndarray
    time: np.ndarray

    def draw(self, panel: Axes, x: np.ndarray, y: np.ndarray) -> PathCollection:
        many = len(x) > _MOST_VECTORS
        # The large ones first, so that they cover none.
        order = np.argsort(-self.size, kind="stable")
        return panel.scatter(
            x[order],
            y[order],
            self.size[order],
            c=self.time[order],
            cmap="viridis",
            # The same in all panels, also where some have no depth.
            vmin=self.time.min(),
            vmax=self.time.max(),
            alpha=float(np.clip(30 / np.sqrt(len(x)), 0.3, 0.9)),
            edgecolor="none" if len(x) > 300 else "black",
            linewidth=0.4,
            rasterized=many,
            zorder=3,
        )


def plot_association(
    events: pd.DataFrame, picks: pd.DataFrame, stations: pd.DataFrame, title: str = ""
) -> Figure:
    """
    Map and depths of the events, in colours of their times and sizes of their numbers of
    picks; their number over time; how many picks they have; and the residuals.

        result = associate(picks, stations)
        plot_association(result.events, result.picks, stations)

    :param events: Table of events
    :param picks: Their picks, with ``event_id``
    :param stations: Table of stations
    :param title: Heading. Default: how many events and picks there are
    :raises ValueError: if there are no events, or a table is wrong
    :return: Figure
    """
    events, picks = event_table(events), assignment_table(picks)
    if len(events) == 0:
        raise ValueError("events is empty; there is nothing to draw.")
    picks = picks[picks["event_id"].isin(events["event_id"])]
    figure = new_figure(figsize=_SIZE)
    panels = {
        name: figure.add_axes(
            (left / _SIZE[0], bottom / _SIZE[1], width / _SIZE[0], height / _SIZE[1])
        )
        for name, (left, bottom, width, height) in _PANELS.items()
    }
    dots = _dots(events, picks)
    ends = _draw_map(panels["map"], dots, picks, stations)
    coloured = _draw_depths(panels["longitude"], panels["latitude"], dots, ends)
    _draw_legends(panels["bar"], panels["sizes"], dots, coloured)
    draw_times(panels["time"], events)
    draw_counts(panels["counts"], events, picks)
    draw_residuals(panels["residuals"], picks)
    names = picks["station_id"].nunique()
    figure.suptitle(
        title
        or f"{counted(len(events), 'event', ',')} with "
        f"{counted(len(picks), 'pick', ',')} at {counted(names, 'station', ',')}",
        y=1 - 0.16 / _SIZE[1],
        va="top",
    )
    return figure


def _dots(events: pd.DataFrame, picks: pd.DataFrame) -> _Dots:
    from matplotlib.dates import date2num

    _, middle = middle_of(events["latitude"], events["longitude"])
    count = pick_counts(events, picks)
    # From a handful that can be told apart to a cloud.
    largest = float(np.clip(900 / np.sqrt(len(events)), 5, 150))
    share = count / max(count.max(), 1)
    return _Dots(
        longitude=on_one_side(events["longitude"], middle),
        latitude=events["latitude"].to_numpy(),
        depth_km=events["depth_km"].to_numpy(),
        size=largest * np.maximum(share, 0.12),
        count=count,
        time=date2num(naive(events["time"])),
    )


def _draw_map(
    panel: Axes, dots: _Dots, picks: pd.DataFrame, stations: pd.DataFrame
) -> Extent:
    middle = float((dots.longitude.min() + dots.longitude.max()) / 2)
    used = places_of(picks["station_id"].unique(), stations)
    every = station_table(stations)
    has_picks = every["station_id"].isin(used.index)
    # Stations of the table without a location code have picks of all locations.
    codes = {name.rpartition(".")[0] for name in used.index}
    has_picks |= every["station_id"].str.removesuffix(".").isin(codes)
    x = on_one_side(every["longitude"], middle)
    y = every["latitude"].to_numpy()
    ends = _ends(dots, used if len(used) else every)
    style = {"marker": "^", "zorder": 4, "linewidth": 0.9}
    for rows, colour in ((has_picks, "black"), (~has_picks, "#AAAAAA")):
        panel.scatter(x[rows], y[rows], 42, facecolor="none", edgecolor=colour, **style)
    dots.draw(panel, dots.longitude, dots.latitude)
    set_extent(panel, ends)
    shown = (
        has_picks.to_numpy()
        & (np.abs(x - middle) < (ends[1] - ends[0]) / 2)
        & (y > ends[2])
        & (y < ends[3])
    )
    # Of clouds of events no name can stay away.
    few = (dots.longitude, dots.latitude) if len(dots.time) < _MOST_VECTORS else None
    name_stations(panel, every["station_id"][shown], x[shown], y[shown], ends, few)
    scale_bar(panel, ends)
    if not has_picks.all():
        panel.annotate(
            "grey: no picks",
            (0.99, 0.01),
            xycoords="axes fraction",
            ha="right",
            fontsize=8,
            color=GREY,
        )
    panel.set_ylabel("Latitude (°)")
    panel.tick_params(labelbottom=False)
    return ends


def _ends(dots: _Dots, places: pd.DataFrame) -> Extent:
    """
    All events and stations; but if the events are in a small part of the network only
    what is around them, with the nearest stations.
    """
    x, y = dots.longitude, dots.latitude
    middle = float((x.min() + x.max()) / 2), float((y.min() + y.max()) / 2)
    others = on_one_side(places["longitude"], middle[0])
    whole = square(np.append(x, others), np.append(y, places["latitude"]))
    far = np.sort(distances_km(middle[1], middle[0], places))
    events = pd.DataFrame({"latitude": y, "longitude": x})
    spread = distances_km(middle[1], middle[0], events).max()
    nearest = far[min(len(far), _STATIONS_ON_MAP) - 1] if len(far) else 0.0
    half_km = max(1.6 * spread, 1.15 * nearest, LEAST_KM / 2)
    small = square_around(*middle, half_km)
    return min(whole, small, key=lambda ends: ends[3] - ends[2])


def _draw_depths(
    below: Axes, beside: Axes, dots: _Dots, ends: Extent
) -> PathCollection:
    known = dots.depth_km[np.isfinite(dots.depth_km)]
    top, bottom = (
        (min(known.min(), 0.0), max(known.max(), 1.0)) if len(known) else (0, 1)
    )
    room = 0.1 * (bottom - top)
    coloured = dots.draw(below, dots.longitude, dots.depth_km)
    dots.draw(beside, dots.depth_km, dots.latitude)
    set_extent(below, (*ends[:2], bottom + room, top - room))
    set_extent(beside, (top - room, bottom + room, *ends[2:]))
    beside.xaxis.set_major_formatter("{x:g}")
    below.set_xlabel("Longitude (°)")
    below.set_ylabel("Depth (km)")
    beside.set_xlabel("Depth (km)")
    beside.tick_params(labelleft=False)
    unknown = len(dots.depth_km) - len(known)
    if unknown:
        below.annotate(
            f"without a depth: {unknown:,}",
            (0.01, 0.04),
            xycoords="axes fraction",
            fontsize=8,
            color=GREY,
        )
    return coloured


def _draw_legends(
    bar: Axes, sizes: Axes, dots: _Dots, coloured: PathCollection
) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.dates import num2date

    # Without the alpha of the dots.
    shown = ScalarMappable(coloured.norm, coloured.cmap)
    first, last = dots.time.min(), dots.time.max()
    if first < last:
        bar.figure.colorbar(shown, cax=bar, orientation="horizontal")
        texts = [f"{num2date(time):%Y-%m-%d\n%H:%M:%S}" for time in (first, last)]
        labels = bar.set_xticks([first, last], texts, fontsize=8)
        for label, side in zip(labels, ("left", "right"), strict=True):
            label.label1.set_horizontalalignment(side)
        bar.set_title("Origin time (UTC)", fontsize=9)
    else:
        bar.set_axis_off()
    sizes.set_axis_off()
    if dots.count.max() == 0:
        return
    least, most = dots.count.min(), dots.count.max()
    chosen = sorted({int(least), round((least + most) / 2), int(most)})
    for place, count in enumerate(chosen):
        sizes.scatter(
            [place], [0], dots.size[np.abs(dots.count - count).argmin()], color=GREY
        )
        sizes.annotate(
            f"{count}", (place, 0), (0, -20), textcoords="offset points", ha="center"
        )
    sizes.set_xlim(-0.7, len(chosen) - 0.3)
    sizes.set_ylim(-1.5, 1)
    sizes.set_title("Picks", fontsize=9, y=0.85)
