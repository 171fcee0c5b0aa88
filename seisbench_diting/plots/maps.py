"""Maps: squares in km on one side of the date line, with names of stations and a bar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from ..tables import Station, find_station, station_table
from . import style
from .style import GREY, nothing, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

KM_PER_DEGREE = 111.195

#: Smallest width of a map in km.
LEAST_KM = 20.0

#: Largest number of names; more would cover the stations.
_MOST_NAMES = 40

#: Shares of a map of about 5 inches: a point, a letter of a name, the symbol of a
#: station, and a line of text.
_POINT, _LETTER, _SYMBOL, _LINE = 0.0026, 0.015, 0.018, 0.025

#: Where a name may stand, the best first: points from the station, alignment, and the
#: shares of the name that are left of and below the station.
_SIDES = (
    ((0, 7), {"ha": "center", "va": "bottom"}, (0.5, 0.0)),
    ((0, -7), {"ha": "center", "va": "top"}, (0.5, 1.0)),
    ((7, 0), {"ha": "left", "va": "center"}, (0.0, 0.5)),
    ((-7, 0), {"ha": "right", "va": "center"}, (1.0, 0.5)),
)

#: Size of a map over that of what it shows.
_MARGIN = 1.36

_STAR: dict[str, Any] = {"ls": "", "color": "#F0E442", "mec": "black", "mew": 0.8}


class Extent(NamedTuple):
    """Ends of a map in degrees; east may be beyond the date line."""

    west: float
    east: float
    south: float
    north: float

    @classmethod
    def around(cls, longitude: np.ndarray, latitude: np.ndarray) -> Extent:
        """
        :param longitude: Points on one side of the date line
        :param latitude: Points
        :return: Square in km around all of them, with a margin
        """
        x, y = ((v.min() + v.max()) / 2 for v in (longitude, latitude))
        degrees = max(np.ptp(longitude) * _narrow(y), np.ptp(latitude))
        half_km = _MARGIN * max(degrees * KM_PER_DEGREE, LEAST_KM) / 2
        return cls.square(x, y, half_km)

    @classmethod
    def square(cls, longitude: float, latitude: float, half_km: float) -> Extent:
        """
        :param longitude: Middle
        :param latitude: Middle
        :param half_km: Half the width
        :return: Square in km
        """
        half = half_km / KM_PER_DEGREE
        east = half / _narrow(latitude)
        return cls(longitude - east, longitude + east, latitude - half, latitude + half)

    def share(self, longitude: float, latitude: float) -> np.ndarray:
        """:return: Place in shares of the width and the height"""
        x = (longitude - self.west) / (self.east - self.west)
        return np.array([x, (latitude - self.south) / (self.north - self.south)])

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
    x = on_one_side(stations["longitude"], event.longitude)
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
        set_extent(panel, ends)
        panel.set_aspect(ends.aspect, adjustable="box")
        name_stations(panel, stations["station_id"], x, y, ends)
        scale_bar(panel, ends)
        panel.set_xlabel("Longitude (°)")
        panel.set_title(f"{phase}: {picked.sum()} of {len(stations)} stations")
    panels[0].set_ylabel("Latitude (°)")
    label = "Residual (s), positive: late"
    figure.colorbar(coloured, ax=list(panels), label=label, shrink=0.8)
    figure.suptitle(style.describe_event(event))
    style.legend_below(figure, panels)
    return figure


def on_one_side(longitude: Any, reference: float) -> np.ndarray:
    """
    :param longitude: Degrees
    :param reference: Longitude in the middle of the map
    :return: Longitudes within 180 degrees of it, which may be beyond the date line
    """
    return reference + ((np.asarray(longitude, float) - reference + 180) % 360 - 180)


def middle_of(places: pd.DataFrame) -> tuple[float, float]:
    """
    :param places: Table with ``latitude`` and ``longitude``
    :return: Medians of latitude and longitude, also across the date line
    """
    angles = np.radians(places["longitude"].to_numpy(dtype=float))
    reference = float(np.degrees(np.angle(np.exp(1j * angles).mean())))
    longitude = np.median(on_one_side(places["longitude"], reference))
    return float(places["latitude"].median()), float(longitude)


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


def set_extent(panel: Any, ends: Sequence[float]) -> None:
    """
    :param panel: Panel of a map
    :param ends: West, east, south and north. Longitudes are labelled from -180 to 180.
    """
    panel.set_xlim(ends[0], ends[1])
    panel.set_ylim(ends[2], ends[3])
    panel.locator_params(nbins=5)
    panel.xaxis.set_major_formatter(lambda x, _: f"{(x + 180) % 360 - 180:.6g}")


def name_stations(
    panel: Any,
    names: Iterable[str],
    longitude: np.ndarray,
    latitude: np.ndarray,
    ends: Extent,
    events: Iterable[tuple[float, float]] = (),
) -> None:
    """
    Writes the names of stations, unless there are many: each on a side where it covers no
    symbol and no other name, or not at all.

    :param panel: Panel of a map
    :param names: NET.STA.LOC, of which NET.STA is written
    :param longitude: Stations, on one side of the date line
    :param latitude: Stations
    :param ends: Ends of the map
    :param events: Longitudes and latitudes that names avoid if they can
    """
    codes = [name.rpartition(".")[0] for name in names]
    if len(codes) > _MOST_NAMES:
        return
    places = list(zip(longitude, latitude, strict=True))
    taken = [_box(ends.share(*place), _SYMBOL) for place in places]
    dots = [_box(ends.share(*place), _SYMBOL) for place in events]
    written = set()
    for code, place in zip(codes, places, strict=True):
        free: list[Any] = []
        size = np.array([_LETTER * len(code), _LINE])
        for offset, alignment, before in _SIDES:
            box = _box(ends.share(*place) + _POINT * np.array(offset), size, before)
            inside = box.get_points().min() >= 0 and box.get_points().max() <= 1
            if inside and not box.count_overlaps(taken):
                crowded = box.count_overlaps(dots) > 0
                free.append((crowded, len(free), box, offset, alignment))
        # Locations of one station have one name.
        if free and code not in written:
            *_, box, offset, alignment = min(free, key=lambda one: one[:2])
            taken.append(box)
            written.add(code)
            style.write(panel, code, *place, offset, fontsize=7, zorder=6, **alignment)


def _box(place: np.ndarray, size: Any, before: Any = (0.5, 0.5)) -> Bbox:
    from matplotlib.transforms import Bbox

    corner = place - np.multiply(size, before)
    return Bbox([corner, corner + size])


def scale_bar(panel: Any, ends: Extent) -> None:
    """
    Draws a bar of at most a quarter of the map.

    :param panel: Panel of a map
    :param ends: Its ends
    """
    width, height = ends.east - ends.west, ends.north - ends.south
    km_per_degree = KM_PER_DEGREE / ends.aspect
    quarter = width * km_per_degree / 4
    power = 10.0 ** np.floor(np.log10(quarter))
    km = max(factor * power for factor in (1, 2, 5) if factor * power <= quarter)
    left, y = ends.west + 0.05 * width, ends.south + 0.05 * height
    right = left + km / km_per_degree
    panel.plot([left, right], [y, y], color="black", lw=2.5, solid_capstyle="butt")
    style.write(panel, f"{km:g} km", (left + right) / 2, y, (0, 4), ha="center")
