"""Maps of an event or of a catalogue: squares in km on one side of the date line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from .._util import counted
from ..tables import Station, assignment_table, event_table, find_station, station_table
from . import style
from .style import COLOURS, GREY, SERIES, nothing, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_KM_PER_DEGREE = 111.195

#: Smallest width of a map in km, and its size over that of what it shows.
_LEAST_KM, _MARGIN = 20.0, 1.36

#: Shares of a map of about 5 inches: a letter of a name, and a line of text.
_LETTER, _LINE = 0.015, 0.03

#: Largest number of stations around the events that a catalogue's map has to show.
_STATIONS_ON_MAP = 16

#: Columns of ellipses: half axes, and azimuth of the longer one; and how many are drawn.
ELLIPSE = "max_horizontal_error_km", "min_horizontal_error_km", "max_error_azimuth_deg"
_MOST_ELLIPSES = 300

#: More points than these are drawn as pixels, since files of vectors would be large.
_MOST_VECTORS = 3000

# Picture of a catalogue, in inches: its width and height, and left, bottom, width and
# height of panels. The map is a square, as its ends are in km, and the depths have its axes.
_SIZE = 13.4, 9.0
_PANELS = {
    "map": (0.75, 2.95, 5.4, 5.4),
    "latitude": (6.35, 2.95, 1.7, 5.4),
    "longitude": (0.75, 0.6, 5.4, 1.7),
    "bar": (6.75, 1.55, 0.9, 0.14),
    "time": (9.0, 6.35, 3.55, 2.0),
    "counts": (9.0, 3.45, 3.55, 2.0),
    "residuals": (9.0, 0.6, 3.55, 2.0),
}

_STAR: dict[str, Any] = {"ls": "", "color": "#F0E442", "mec": "black", "mew": 0.8}


class Extent(NamedTuple):
    """Ends of a map in degrees; east may be beyond the date line."""

    west: float
    east: float
    south: float
    north: float

    @classmethod
    def around(cls, longitude: Any, latitude: Any) -> Extent:
        """
        :param longitude: Points on one side of the date line
        :param latitude: Points
        :return: Square in km around all of them, with a margin
        """
        x, y = ((np.min(v) + np.max(v)) / 2 for v in (longitude, latitude))
        degrees = max(np.ptp(longitude) * _narrow(y), np.ptp(latitude))
        north = _MARGIN * max(degrees, _LEAST_KM / _KM_PER_DEGREE) / 2
        east = north / _narrow(y)
        return cls(x - east, x + east, y - north, y + north)

    @property
    def aspect(self) -> float:
        """Length of a degree of latitude over that of one of longitude."""
        return 1 / _narrow((self.south + self.north) / 2)


def _narrow(latitude: float) -> float:
    # At the poles a degree of longitude has no length.
    return float(np.cos(np.radians(np.clip(latitude, -85, 85))))


@styled()
def plot_map(result: Any) -> Figure:
    """
    The epicentre, and the stations in the colours of the residuals of P, and of S.

    :param result: What :py:func:`~seisbench_diting.picking.pick_event` returned
    :raises ValueError: if no station has a window
    :return: Figure
    """
    event, stations = result.event, result.stations
    if len(stations) == 0:
        raise nothing(f"no station has a window around {event.event_id}")
    x = _on_one_side(stations["longitude"], event.longitude)
    y = stations["latitude"].to_numpy()
    ends = Extent.around(np.append(x, event.longitude), np.append(y, event.latitude))
    largest = max(0.5, result.picks["residual_s"].abs().max())
    colours = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
    figure = style.new_figure(10, 5.6)
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for panel, phase in zip(panels, "PS", strict=True):
        picks = result.picks[result.picks["phase"].str.startswith(phase)]
        residuals = picks.drop_duplicates("station_id").set_index("station_id")
        residual = residuals["residual_s"].reindex(stations["station_id"]).to_numpy()
        picked = np.isfinite(residual)
        for lon, lat in zip(x, y, strict=True):
            path = [event.longitude, lon], [event.latitude, lat]
            panel.plot(*path, color="#DDDDDD", lw=0.6)
        place = event.longitude, event.latitude
        panel.plot(*place, "*", ms=16, zorder=5, label="epicentre", **_STAR)
        triangle = {"color": "white", "mec": "black", "ms": 9}
        panel.plot([], [], "^", label="station with pick", **triangle)
        cross = {"ls": "", "color": GREY, "ms": 6, "zorder": 3, "label": "without"}
        panel.plot(x[~picked], y[~picked], marker="x", **cross)
        shown = {"c": residual[picked], "marker": "^", "edgecolor": "black"}
        coloured = panel.scatter(
            x[picked], y[picked], 75, **shown, **colours, lw=0.7, zorder=4
        )
        _set_extent(panel, ends)
        panel.set_aspect(ends.aspect, adjustable="box")
        _name_stations(panel, stations["station_id"], x, y, ends)
        _scale_bar(panel, ends)
        panel.set_xlabel("Longitude (°)")
        panel.set_title(f"{phase}: {picked.sum()} of {len(stations)} stations")
    panels[0].set_ylabel("Latitude (°)")
    label = "Residual (s), positive: late"
    figure.colorbar(coloured, ax=list(panels), label=label, shrink=0.8)
    figure.suptitle(style.describe_event(event))
    style.legend_below(figure, panels)
    return figure


def _on_one_side(longitude: Any, reference: float) -> np.ndarray:
    """
    :param longitude: Degrees
    :param reference: Longitude in the middle of the map
    :return: Longitudes within 180 degrees of it, which may be beyond the date line
    """
    return reference + ((np.asarray(longitude, float) - reference + 180) % 360 - 180)


def distances_km(latitude: float, longitude: float, places: pd.DataFrame) -> np.ndarray:
    """
    :param latitude: Epicentre
    :param longitude: Epicentre
    :param places: Table with ``latitude`` and ``longitude``
    :return: Epicentral distances
    """
    from pyproj import Geod

    here = np.full(len(places), longitude), np.full(len(places), latitude)
    there = places["longitude"].to_numpy(), places["latitude"].to_numpy()
    return np.asarray(Geod(ellps="WGS84").inv(*here, *there)[2]) / 1000


def places_of(names: Iterable[str], stations: pd.DataFrame) -> pd.DataFrame:
    """
    :param names: NET.STA.LOC of stations
    :param stations: Table of stations
    :raises ValueError: if a station is at two places
    :return: Rows of the table that these stations have, by their names; without those
        that it lacks
    """
    table = station_table(stations)
    found = {name: find_station(table, name) for name in sorted(set(names))}
    rows = {name: place for name, place in found.items() if place is not None}
    columns = list(Station._fields)
    places = pd.DataFrame(rows.values(), index=list(rows), columns=columns)
    return places.fillna({"elevation_m": 0.0})


def _set_extent(panel: Any, ends: Sequence[float]) -> None:
    """West, east, south and north; longitudes are labelled from -180 to 180."""
    panel.set_xlim(ends[0], ends[1])
    panel.set_ylim(ends[2], ends[3])
    panel.locator_params(nbins=5)
    panel.xaxis.set_major_formatter(lambda x, _: f"{(x + 180) % 360 - 180:.6g}")


def _name_stations(
    panel: Any, names: Iterable[str], longitude: Any, latitude: Any, ends: Extent
) -> None:
    """Writes NET.STA above stations on the map, unless it would cover another name."""
    written: dict[str, np.ndarray] = {}
    for name, *place in zip(names, longitude, latitude, strict=True):
        code = name.rpartition(".")[0]
        share = (place - np.array(ends[::2])) / (ends[1] - ends[0], ends[3] - ends[2])
        covers = any(
            abs(share[0] - x) < _LETTER * (len(code) + len(other)) / 2
            and abs(share[1] - y) < _LINE
            for other, (x, y) in written.items()
        )
        if code not in written and not covers and ((share > 0) & (share < 0.98)).all():
            written[code] = share
            style.write(
                panel,
                code,
                place[0],
                place[1],
                (0, 7),
                fontsize=7,
                zorder=6,
                ha="center",
            )


def _scale_bar(panel: Any, ends: Extent) -> None:
    """Draws a bar of at most a quarter of the map."""
    width, height = ends.east - ends.west, ends.north - ends.south
    km_per_degree = _KM_PER_DEGREE / ends.aspect
    quarter = width * km_per_degree / 4
    power = 10.0 ** np.floor(np.log10(quarter))
    km = max(factor * power for factor in (1, 2, 5) if factor * power <= quarter)
    left, y = ends.west + 0.05 * width, ends.south + 0.05 * height
    right = left + km / km_per_degree
    panel.plot([left, right], [y, y], color="black", lw=2.5, solid_capstyle="butt")
    style.write(panel, f"{km:g} km", (left + right) / 2, y, (0, 4), ha="center")


@styled()
def plot_association(
    events: pd.DataFrame, picks: pd.DataFrame, stations: pd.DataFrame, title: str = ""
) -> Figure:
    """
    Map and depths of the events, in colours of their times; their number over time; how
    many picks they have; and the residuals.

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
    events["x"] = _on_one_side(events["longitude"], events["longitude"].iloc[0])
    ends = _draw_map(panels["map"], events, picks, station_table(stations))
    coloured = _draw_depths(panels["longitude"], panels["latitude"], events, ends)
    _draw_times(panels["time"], panels["bar"], events["time"], coloured)
    _draw_counts(panels["counts"], picks)
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


def _draw_events(panel: Any, events: pd.DataFrame, x: str, y: str) -> Any:
    from matplotlib.dates import date2num

    number, times = len(events), date2num(_naive(events["time"]))
    # From a few that can be told apart to a cloud.
    look: dict[str, Any] = {
        "s": float(np.clip(600 / np.sqrt(number), 4, 100)),
        "alpha": float(np.clip(30 / np.sqrt(number), 0.3, 0.9)),
        "edgecolor": "none" if number > 300 else "black",
        "rasterized": number > _MOST_VECTORS,
        # Limits are the same in all panels, also where some events have no depth.
        "vmin": times.min(),
        "vmax": times.max(),
    }
    return panel.scatter(events[x], events[y], c=times, lw=0.4, zorder=3, **look)


def _draw_map(
    panel: Any, events: pd.DataFrame, picks: pd.DataFrame, stations: pd.DataFrame
) -> Extent:
    found = [find_station(stations, name) for name in picks["station_id"].unique()]
    used = {place.station_id for place in found if place is not None}
    stations = stations.assign(
        x=_on_one_side(stations["longitude"], events["x"].median()),
        has_picks=stations["station_id"].isin(used),
    )
    # If the events are in a part of the network, the map shows that part.
    far = distances_km(events["latitude"].median(), events["x"].median(), stations)
    around = stations.assign(far=far)[stations["has_picks"] | (len(used) == 0)]
    around = around.nsmallest(_STATIONS_ON_MAP, "far")
    ends = Extent.around(
        *(pd.concat([events[n], around[n]]) for n in ("x", "latitude"))
    )
    triangle = {"marker": "^", "facecolor": "none", "linewidth": 0.9, "zorder": 4}
    for has_picks, colour in ((True, "black"), (False, "#AAAAAA")):
        of = stations[stations["has_picks"] == has_picks]
        panel.scatter(of["x"], of["latitude"], 42, edgecolor=colour, **triangle)
        if has_picks:
            _name_stations(panel, of["station_id"], of["x"], of["latitude"], ends)
    _draw_ellipses(panel, events)
    _draw_events(panel, events, "x", "latitude")
    _set_extent(panel, ends)
    _scale_bar(panel, ends)
    if not stations["has_picks"].all():
        _note(panel, "grey: no picks")
    panel.set_ylabel("Latitude (°)")
    panel.tick_params(labelbottom=False)
    return ends


def _draw_ellipses(panel: Any, events: pd.DataFrame) -> None:
    """Those of 68 %, where they can be told apart."""
    from matplotlib.collections import EllipseCollection

    known = events.reindex(columns=[*ELLIPSE, "x", "latitude"]).dropna()
    if not 0 < len(known) <= _MOST_ELLIPSES:
        return
    # In degrees of latitude, as the map is a square in km.
    longer, shorter = (2 * known[name] / _KM_PER_DEGREE for name in ELLIPSE[:2])
    look: dict[str, Any] = {"facecolor": "none", "edgecolor": GREY, "lw": 0.7}
    look |= {"offsets": known[["x", "latitude"]], "offset_transform": panel.transData}
    angle = 90 - known[ELLIPSE[2]].to_numpy()
    ellipses = EllipseCollection(longer, shorter, angle, units="y", zorder=2, **look)
    panel.add_collection(ellipses, autolim=False)


def _note(panel: Any, text: str) -> None:
    where = {"xycoords": "axes fraction", "ha": "right"}
    style.write(panel, text, 0.99, 0.02, (0, 0), fontsize=8, color=GREY, **where)


def _draw_depths(below: Any, beside: Any, events: pd.DataFrame, ends: Extent) -> Any:
    known = events["depth_km"].dropna()
    top, bottom = known.min() if len(known) else 0.0, known.max() if len(known) else 1.0
    top, bottom = min(top, 0.0), max(bottom, 1.0)
    margin = 0.1 * (bottom - top)
    coloured = _draw_events(below, events, "x", "depth_km")
    _draw_events(beside, events, "depth_km", "latitude")
    _set_extent(below, (ends.west, ends.east, bottom + margin, top - margin))
    _set_extent(beside, (top - margin, bottom + margin, ends.south, ends.north))
    beside.xaxis.set_major_formatter("{x:g}")
    below.set(xlabel="Longitude (°)", ylabel="Depth (km)")
    beside.set_xlabel("Depth (km)")
    beside.tick_params(labelleft=False)
    if unknown := len(events) - len(known):
        _note(below, f"without a depth: {unknown:,}")
    return coloured


def _draw_times(panel: Any, bar: Any, times: pd.Series, coloured: Any) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, DateFormatter

    panel.hist(_naive(times), 40, color=SERIES[4], zorder=2)
    # On the left, as the date is on the right.
    panel.set_xlabel("Origin time (UTC)", loc="left")
    locator = AutoDateLocator(minticks=2, maxticks=6)
    panel.xaxis.set_major_locator(locator)
    panel.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    panel.set_ylabel("Events")
    total = panel.twinx()
    sums = np.arange(1, len(times) + 1)
    total.step(_naive(times), sums, where="post", color="black", lw=1.2)
    total.set(ylim=(0, 1.05 * len(times)), ylabel="Events up to then")
    for axes in (panel, total):
        axes.locator_params(axis="y", nbins=5, integer=True)
    bar.set_axis_off()
    if times.nunique() > 1:
        bar.set_axis_on()
        shown = {"orientation": "horizontal", "ticks": coloured.get_clim()}
        form = DateFormatter("%Y-%m-%d\n%H:%M:%S")
        colorbar = bar.figure.colorbar(coloured, cax=bar, format=form, **shown)
        colorbar.solids.set_alpha(1)
        bar.set_title("Origin time (UTC)", fontsize=9)


def _draw_counts(panel: Any, picks: pd.DataFrame) -> None:
    panel.set(xlabel="P and S picks of an event", ylabel="Events")
    if picks.empty:
        _leave_empty(panel, "no picks")
        return
    counts = pd.crosstab(picks["event_id"], picks["phase"].str[0])
    colours = [COLOURS[str(phase)] for phase in counts]
    bins = np.arange(int(counts.to_numpy().max()) + 2) - 0.5
    panel.hist(counts.to_numpy(), bins, color=colours, label=list(counts))
    panel.legend()
    panel.locator_params(nbins=6, integer=True)


def _draw_residuals(panel: Any, picks: pd.DataFrame) -> None:
    known = picks[picks["residual_s"].notna()]
    panel.set(xlabel="Residual (s), positive: late", ylabel="Picks")
    if known.empty:
        _leave_empty(panel, "no residuals")
        return
    # A few outliers would make the others one bar.
    reach = max(0.1, float(known["residual_s"].abs().quantile(0.995)) * 1.1)
    bins = np.linspace(-reach, reach, 41)
    for phase, residuals in known.groupby(known["phase"].str[0])["residual_s"]:
        middle = residuals.median()
        spread = (residuals - middle).abs().median() * 1.4826
        # Not -0.00.
        label = f"{phase}: {round(middle, 2) + 0:.2f} ± {spread:.2f} s"
        colour = COLOURS[str(phase)]
        area = {"facecolor": (colour, 0.15), "edgecolor": colour, "lw": 1.4}
        shown = residuals.clip(-reach, reach)
        panel.hist(shown, bins, histtype="stepfilled", label=label, **area)
    panel.axvline(0, color=GREY, lw=0.7)
    panel.set_xlim(-reach, reach)
    panel.locator_params(nbins=6)
    panel.legend()


def _leave_empty(panel: Any, reason: str) -> None:
    panel.set(xticks=[], yticks=[])
    panel.text(0.5, 0.5, reason, transform=panel.transAxes, ha="center", color=GREY)
