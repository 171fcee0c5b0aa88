"""What maps share: a square in km, on one side of the date line, with names and a bar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Length of a degree of latitude.
KM_PER_DEGREE = 111.19492664455874

#: Ends of a map in degrees: west, east, south, north.
Extent = tuple[float, float, float, float]

#: Least width of a map in km.
LEAST_KM = 20.0

#: More names than these would cover the stations.
_MOST_NAMES = 40

#: Shares of a map that is about 5 inches wide: a point, a letter of a name, the symbol of
#: a station, and a line.
_POINT, _LETTER, _SYMBOL, _LINE_HEIGHT = 0.0026, 0.015, 0.018, 0.025

#: Points from a station, and how a name there is aligned.
_Side = tuple[tuple[int, int], str, str]

#: Where a name may stand, the best first.
_SIDES: tuple[_Side, ...] = (
    ((0, 7), "center", "bottom"),
    ((0, -7), "center", "top"),
    ((7, 0), "left", "center"),
    ((-7, 0), "right", "center"),
)

#: How much of a text is left of, or below, where it is aligned.
_BEFORE = {"left": 0.0, "bottom": 0.0, "center": 0.5, "right": 1.0, "top": 1.0}

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
    events: tuple[np.ndarray, np.ndarray] | None = None,
) -> None:
    """
    None if there are many. Each is written on the side of its station where it covers no
    other one and stays on the map, above it if that is possible; or not at all.

    :param panel: Panel of a map
    :param names: NET.STA.LOC, of which NET.STA is written
    :param longitude: Of the stations, on one side of the date line
    :param latitude: Of the stations
    :param ends: Ends of the map
    :param events: Longitudes and latitudes of what names stay away from if they can
    """
    names = list(names)
    if len(names) > _MOST_NAMES:
        return
    codes = [name.rpartition(".")[0] for name in names]
    # What is taken: symbols first, then also names.
    taken = _symbols(longitude, latitude, ends)
    dots = [] if events is None else _symbols(*events, ends)
    written = set()
    for code, symbol, x, y in zip(codes, list(taken), longitude, latitude, strict=True):
        # Locations of one station have one name.
        if code in written:
            continue
        free = [
            (box, side)
            for box, side in _around(symbol, len(code))
            if min(box) >= 0 and max(box) <= 1 and not _covers_any(box, taken)
        ]
        if not free:
            continue
        box, (offset, horizontal, vertical) = next(
            (one for one in free if not _covers_any(one[0], dots)), free[0]
        )
        taken.append(box)
        written.add(code)
        panel.annotate(
            code,
            (x, y),
            offset,
            textcoords="offset points",
            ha=horizontal,
            va=vertical,
            fontsize=7,
            zorder=6,
        )


#: Left, right, bottom, top.
_Box = tuple[float, float, float, float]


def _symbols(longitude: np.ndarray, latitude: np.ndarray, ends: Extent) -> list[_Box]:
    """What symbols take of a map, in shares of its width and height."""
    x = (np.asarray(longitude) - ends[0]) / (ends[1] - ends[0])
    y = (np.asarray(latitude) - ends[2]) / (ends[3] - ends[2])
    half = _SYMBOL / 2
    return list(zip(x - half, x + half, y - half, y + half, strict=True))


def _around(symbol: _Box, letters: int) -> Iterator[tuple[_Box, _Side]]:
    """What a name takes on each side of a symbol."""
    width = _LETTER * letters
    x, y = (symbol[0] + symbol[1]) / 2, (symbol[2] + symbol[3]) / 2
    for side in _SIDES:
        offset, horizontal, vertical = side
        left = x + offset[0] * _POINT - width * _BEFORE[horizontal]
        bottom = y + offset[1] * _POINT - _LINE_HEIGHT * _BEFORE[vertical]
        yield (left, left + width, bottom, bottom + _LINE_HEIGHT), side


def _covers_any(box: _Box, others: Iterable[_Box]) -> bool:
    return any(
        box[0] < other[1]
        and other[0] < box[1]
        and box[2] < other[3]
        and other[2] < box[3]
        for other in others
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
