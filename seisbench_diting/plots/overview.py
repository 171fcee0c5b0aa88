"""All events of an association in one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from .._util import counted
from ..tables import assignment_table, event_table, find_station, station_table
from . import style
from .maps import (
    LEAST_KM,
    Extent,
    distances_km,
    middle_of,
    name_stations,
    on_one_side,
    scale_bar,
    set_extent,
)
from .style import COLOURS, GREY, SERIES, nothing, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Smallest number of stations on a map.
_STATIONS_ON_MAP = 16

#: More points than these are drawn as pixels, since files of vectors would be large.
_MOST_VECTORS = 3000

# Inches: width and height of the picture, and left, bottom, width and height of panels.
# The map is a square, as its ends are in km, and the depths have its axes.
_SIZE = 13.4, 9.0
_PANELS = {
    "map": (0.75, 2.95, 5.4, 5.4),
    "latitude": (6.35, 2.95, 1.7, 5.4),
    "longitude": (0.75, 0.6, 5.4, 1.7),
    "bar": (6.75, 1.75, 0.9, 0.14),
    "sizes": (6.35, 0.35, 1.7, 0.8),
    "time": (9.0, 6.35, 3.55, 2.0),
    "counts": (9.0, 3.45, 3.55, 2.0),
    "residuals": (9.0, 0.6, 3.55, 2.0),
}

#: Smallest size of an event over that of the one with the most picks.
_SMALLEST = 0.12

#: Widths of bars over time, and the number of bars that is not exceeded.
_STEPS = (
    *(f"{n} s" for n in (1, 2, 5, 10, 30)),
    *(f"{n} min" for n in (1, 2, 5, 10, 30)),
    *(f"{n} h" for n in (1, 2, 6, 12)),
    "1 day",
    *(f"{n} days" for n in (2, 5, 10, 30, 100, 365)),
)
_MOST_BARS = 60


class _Dots(NamedTuple):
    """Events as they are drawn: on one side of the date line, with sizes in points²."""

    longitude: np.ndarray
    latitude: np.ndarray
    depth_km: np.ndarray
    time: np.ndarray
    number: np.ndarray
    size: np.ndarray

    @classmethod
    def of(cls, events: pd.DataFrame, picks: pd.DataFrame) -> _Dots:
        from matplotlib.dates import date2num

        count = _pick_counts(events, picks)
        # From a few that can be told apart to a cloud.
        largest = float(np.clip(900 / np.sqrt(len(events)), 5, 150))
        return cls(
            on_one_side(events["longitude"], middle_of(events)[1]),
            events["latitude"].to_numpy(),
            events["depth_km"].to_numpy(),
            date2num(_naive(events["time"])),
            count,
            largest * np.maximum(count / max(count.max(), 1), _SMALLEST),
        )

    def draw(self, panel: Any, x: np.ndarray, y: np.ndarray) -> Any:
        # The large ones first, so that they cover none.
        order = np.argsort(-self.size, kind="stable")
        edge = {"edgecolor": "none" if len(x) > 300 else "black", "lw": 0.4}
        # Limits are the same in all panels, also where some events have no depth.
        limits = {"vmin": self.time.min(), "vmax": self.time.max(), "cmap": "viridis"}
        drawn = {"rasterized": len(x) > _MOST_VECTORS, "zorder": 3, **limits, **edge}
        drawn["alpha"] = float(np.clip(30 / np.sqrt(len(x)), 0.3, 0.9))
        xy = x[order], y[order]
        return panel.scatter(*xy, self.size[order], c=self.time[order], **drawn)


@styled()
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
        raise nothing("events is empty")
    picks = picks[picks["event_id"].isin(events["event_id"])]
    figure = style.new_figure(*_SIZE, layout="none")
    panels = {
        name: figure.add_axes(tuple(np.array(box) / (_SIZE * 2)))
        for name, box in _PANELS.items()
    }
    dots = _Dots.of(events, picks)
    ends = _draw_map(panels["map"], dots, picks, station_table(stations))
    coloured = _draw_depths(panels["longitude"], panels["latitude"], dots, ends)
    _draw_legends(panels["bar"], panels["sizes"], dots, coloured)
    _draw_times(panels["time"], events)
    _draw_counts(panels["counts"], events, picks)
    _draw_residuals(panels["residuals"], picks)
    if not title:
        title = f"{counted(len(events), 'event', ',')} with "
        title += f"{counted(len(picks), 'pick', ',')} at "
        title += counted(picks["station_id"].nunique(), "station", ",")
    figure.suptitle(title, y=1 - 0.16 / _SIZE[1], va="top")
    return figure


def _naive(times: pd.Series) -> np.ndarray:
    """As Matplotlib takes times: in UTC, without a time zone."""
    return times.dt.tz_convert(None).to_numpy()


def _pick_counts(
    events: pd.DataFrame, picks: pd.DataFrame, phase: str = ""
) -> np.ndarray:
    found = picks["event_id"][picks["phase"].str.startswith(phase)].value_counts()
    return events["event_id"].map(found).fillna(0).to_numpy(dtype=int)


def _draw_map(
    panel: Any, dots: _Dots, picks: pd.DataFrame, stations: pd.DataFrame
) -> Extent:
    found = [find_station(stations, name) for name in picks["station_id"].unique()]
    used = {place.station_id for place in found if place is not None}
    has_picks = stations["station_id"].isin(used).to_numpy()
    middle = float((dots.longitude.min() + dots.longitude.max()) / 2)
    x = on_one_side(stations["longitude"], middle)
    y = stations["latitude"].to_numpy()
    ends = _ends(dots, stations[has_picks] if has_picks.any() else stations)
    triangle = {"marker": "^", "facecolor": "none", "linewidth": 0.9, "zorder": 4}
    for rows, colour in ((has_picks, "black"), (~has_picks, "#AAAAAA")):
        panel.scatter(x[rows], y[rows], 42, edgecolor=colour, **triangle)
    dots.draw(panel, dots.longitude, dots.latitude)
    set_extent(panel, ends)
    shown = has_picks & (np.abs(x - middle) < (ends.east - ends.west) / 2)
    shown &= (y > ends.south) & (y < ends.north)
    # No name can avoid clouds of events.
    few = len(dots.time) < _MOST_VECTORS
    places = zip(dots.longitude, dots.latitude, strict=True) if few else ()
    names = stations["station_id"][shown]
    name_stations(panel, names, x[shown], y[shown], ends, places)
    scale_bar(panel, ends)
    if not has_picks.all():
        _note(panel, "grey: no picks", 0.99, "right")
    panel.set_ylabel("Latitude (°)")
    panel.tick_params(labelbottom=False)
    return ends


def _note(panel: Any, text: str, x: float, side: str) -> None:
    where = {"xycoords": "axes fraction", "ha": side}
    style.write(panel, text, x, 0.02, (0, 0), fontsize=8, color=GREY, **where)


def _ends(dots: _Dots, places: pd.DataFrame) -> Extent:
    """
    All events and stations; but if the events are in a small part of the network only
    what is around them, with the nearest stations.
    """
    x, y = dots.longitude, dots.latitude
    middle = float((x.min() + x.max()) / 2), float((y.min() + y.max()) / 2)
    others = on_one_side(places["longitude"], middle[0])
    whole = Extent.around(np.append(x, others), np.append(y, places["latitude"]))
    far = np.sort(distances_km(middle[1], middle[0], places))
    events = pd.DataFrame({"latitude": y, "longitude": x})
    spread = distances_km(middle[1], middle[0], events).max()
    nearest = far[:_STATIONS_ON_MAP].max(initial=0.0)
    half_km = max(1.6 * spread, 1.15 * nearest, LEAST_KM / 2)
    small = Extent.square(*middle, half_km)
    return min(whole, small, key=lambda ends: ends.north - ends.south)


def _draw_depths(below: Any, beside: Any, dots: _Dots, ends: Extent) -> Any:
    known = dots.depth_km[np.isfinite(dots.depth_km)]
    top, bottom = known.min(initial=0.0), known.max(initial=1.0)
    margin = 0.1 * (bottom - top)
    coloured = dots.draw(below, dots.longitude, dots.depth_km)
    dots.draw(beside, dots.depth_km, dots.latitude)
    set_extent(below, (ends.west, ends.east, bottom + margin, top - margin))
    set_extent(beside, (top - margin, bottom + margin, ends.south, ends.north))
    beside.xaxis.set_major_formatter("{x:g}")
    below.set(xlabel="Longitude (°)", ylabel="Depth (km)")
    beside.set_xlabel("Depth (km)")
    beside.tick_params(labelleft=False)
    if unknown := len(dots.depth_km) - len(known):
        _note(below, f"without a depth: {unknown:,}", 0.01, "left")
    return coloured


def _draw_legends(bar: Any, sizes: Any, dots: _Dots, coloured: Any) -> None:
    from matplotlib.dates import DateFormatter

    first, last = dots.time.min(), dots.time.max()
    bar.set_axis_off()
    if first < last:
        bar.set_axis_on()
        shown = {"orientation": "horizontal", "ticks": [first, last]}
        form = DateFormatter("%Y-%m-%d\n%H:%M:%S")
        colorbar = bar.figure.colorbar(coloured, cax=bar, format=form, **shown)
        colorbar.solids.set_alpha(1)
        bar.set_title("Origin time (UTC)", fontsize=9)
    sizes.set_axis_off()
    if most := dots.number.max():
        options = {"num": 3, "func": lambda size: size / dots.size.max() * most}
        found = coloured.legend_elements("sizes", color=GREY, **options)
        place = {"loc": "center", "ncols": 4, "columnspacing": 0.8}
        sizes.legend(*found, title="Picks", handletextpad=0.1, **place)


def _draw_times(panel: Any, events: pd.DataFrame) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    times = events["time"]
    first, last = times.iloc[0], times.iloc[-1]
    fine = (s for s in _STEPS if (last - first) / pd.Timedelta(s) < _MOST_BARS - 2)
    step = next(fine, _STEPS[-1])
    width = pd.Timedelta(step)
    number = (last - first.floor(width)) // width + 2
    edges = pd.date_range(first.floor(width), periods=number, freq=width)
    panel.hist(_naive(times), edges.tz_convert(None), color=SERIES[4], zorder=2)
    panel.set_ylabel(f"Events in {step}")
    # On the left, as the date is on the right.
    panel.set_xlabel("Origin time (UTC)", loc="left")
    locator = AutoDateLocator(minticks=2, maxticks=6)
    panel.xaxis.set_major_locator(locator)
    panel.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    total = panel.twinx()
    steps = [*_naive(times), edges[-1].tz_convert(None)]
    sums = [*range(1, len(times) + 1), len(times)]
    total.step(steps, sums, where="post", color="black", lw=1.2)
    total.set(ylim=(0, 1.05 * len(times)), ylabel="Events up to then")
    for axes in (panel, total):
        axes.locator_params(axis="y", nbins=5, integer=True)


def _draw_counts(panel: Any, events: pd.DataFrame, picks: pd.DataFrame) -> None:
    both = _pick_counts(events, picks)
    panel.set(xlabel="Picks of an event", ylabel="Events")
    if both.max() == 0:
        _leave_empty(panel, "no picks")
        return
    step = int(np.ceil((both.max() + 1) / 40))
    bins = np.arange(0, both.max() + 1 + step, step) - 0.5
    panel.hist(both, bins, color="#CCCCCC", label="P and S")
    for phase, colour in COLOURS.items():
        counts = _pick_counts(events, picks, phase)
        panel.hist(counts, bins, histtype="step", color=colour, lw=1.4, label=phase)
    panel.legend()
    panel.locator_params(axis="x", nbins=7, integer=True)
    panel.locator_params(axis="y", nbins=5, integer=True)


def _draw_residuals(panel: Any, picks: pd.DataFrame) -> None:
    known = picks[np.isfinite(picks["residual_s"])]
    panel.set(xlabel="Residual (s), positive: late", ylabel="Picks")
    if len(known) == 0:
        _leave_empty(panel, "no residuals")
        return
    # A few outliers would make the others one bar.
    reach = max(0.1, float(known["residual_s"].abs().quantile(0.995)) * 1.1)
    bins = np.linspace(-reach, reach, 1 + int(np.clip(2 * np.sqrt(len(known)), 8, 40)))
    for phase, colour in COLOURS.items():
        residuals = known["residual_s"][known["phase"].str.startswith(phase)]
        if len(residuals) == 0:
            continue
        middle = residuals.median()
        spread = (residuals - middle).abs().median() * 1.4826
        # Not -0.00.
        label = f"{phase}: {round(middle, 2) + 0:.2f} ± {spread:.2f} s"
        area = {"facecolor": (colour, 0.15), "edgecolor": colour, "lw": 1.4}
        shown = residuals.clip(-reach, reach)
        panel.hist(shown, bins, histtype="stepfilled", label=label, **area)
    panel.axvline(0, color=GREY, lw=0.7)
    panel.set_xlim(-reach, reach)
    panel.locator_params(axis="x", nbins=7)
    panel.locator_params(axis="y", nbins=5, integer=True)
    panel.legend()


def _leave_empty(panel: Any, reason: str) -> None:
    panel.set(xticks=[], yticks=[])
    panel.text(0.5, 0.5, reason, transform=panel.transAxes, ha="center", color=GREY)
