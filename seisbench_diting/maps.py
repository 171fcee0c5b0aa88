"""What maps share: a square in km, on one side of the date line, with names and a bar."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .travel_times import KM_PER_DEGREE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Ends of a map in degrees: west, east, south, north.
Extent = tuple[float, float, float, float]

#: Least width of a map in km.
LEAST_KM = 20.0

#: More names than these would cover the stations.
_MOST_NAMES = 40

#: How far the points that a map is around are from its edge.
_MARGIN = 1.36


def on_one_side(longitude: ArrayLike, reference: float) -> np.ndarray:
    """
    :param longitude: Degrees
    :param reference: Longitude in the middle of the map
    :return: Longitudes within 180 degrees of it, which may lie beyond the date line
    """
    return reference + ((np.asarray(longitude, float) - reference + 180) % 360 - 180)


def square(longitude: np.ndarray, latitude: np.ndarray) -> Extent:
    """
    :param longitude: Of points, on one side of the date line
    :param latitude: Of points
    :return: A square in km around all of them
    """
    x, y = ((values.min() + values.max()) / 2 for values in (longitude, latitude))
    size = max(
        np.ptp(longitude) * _narrow(y), np.ptp(latitude), LEAST_KM / KM_PER_DEGREE
    )
    return square_around(x, y, _MARGIN * size / 2 * KM_PER_DEGREE)


def square_around(longitude: float, latitude: float, half_km: float) -> Extent:
    """
    :param longitude: Of the middle
    :param latitude: Of the middle
    :param half_km: Half the width
    :return: A square in km
    """
    half = half_km / KM_PER_DEGREE
    east = half / _narrow(latitude)
    return longitude - east, longitude + east, latitude - half, latitude + half


def aspect(ends: Extent) -> float:
    """
    :param ends: Ends of a map
    :return: How long a degree of latitude is in its middle if one of longitude is 1
    """
    return 1 / _narrow((ends[2] + ends[3]) / 2)


def set_extent(panel: Axes, ends: Extent) -> None:
    """
    :param panel: Panel of a map
    :param ends: Its ends. Longitudes are labelled from -180 to 180 degrees.
    """
    panel.set_xlim(ends[:2])
    panel.set_ylim(ends[2:])
    panel.tick_params(labelsize=8)
    panel.ticklabel_format(axis="y", useOffset=False)
    panel.locator_params(nbins=5)
    panel.xaxis.set_major_formatter(lambda x, _: f"{(x + 180) % 360 - 180:.6g}")


def name_stations(
    panel: Axes,
    names: Iterable[str],
    longitude: np.ndarray,
    latitude: np.ndarray,
    ends: Extent,
) -> None:
    """
    None if there are many; and of those that would cover each other the first.

    :param panel: Panel of a map
    :param names: NET.STA.LOC, of which NET.STA is written
    :param longitude: Of the stations, on one side of the date line
    :param latitude: Of the stations
    :param ends: Ends of the map
    """
    names = list(names)
    if len(names) > _MOST_NAMES:
        return
    named: list[tuple[float, float]] = []
    for name, x, y in zip(names, longitude, latitude, strict=True):
        place = (x - ends[0]) / (ends[1] - ends[0]), (y - ends[2]) / (ends[3] - ends[2])
        if any(
            abs(place[0] - other[0]) < 0.2 and abs(place[1] - other[1]) < 0.035
            for other in named
        ):
            continue
        named.append(place)
        panel.annotate(
            name.rpartition(".")[0],
            (x, y),
            (0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=7,
            zorder=6,
        )


def scale_bar(panel: Axes, ends: Extent) -> None:
    """
    About a quarter of the map.

    :param panel: Panel of a map
    :param ends: Its ends
    """
    km_per_degree = KM_PER_DEGREE / aspect(ends)
    width_km = (ends[1] - ends[0]) * km_per_degree
    power = 10.0 ** np.floor(np.log10(width_km / 4))
    length = max(
        factor * power for factor in (1, 2, 5) if factor * power <= width_km / 4
    )
    left = ends[0] + 0.05 * (ends[1] - ends[0])
    right = left + length / km_per_degree
    y = ends[2] + 0.05 * (ends[3] - ends[2])
    panel.plot([left, right], [y, y], color="black", lw=2.5, solid_capstyle="butt")
    panel.annotate(
        f"{length:g} km",
        ((left + right) / 2, y),
        (0, 4),
        textcoords="offset points",
        ha="center",
        fontsize=8,
    )


def _narrow(latitude: float) -> float:
    # At the poles a degree of longitude has no length.
    return float(np.cos(np.radians(np.clip(latitude, -85, 85))))
