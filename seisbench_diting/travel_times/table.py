"""Travel times over distance and depth, for associators."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import RegularGridInterpolator

from .taup import KM_PER_DEGREE, TravelTimes

#: Step of tables. Between nodes, times are interpolated linearly; the error is below 0.02 s
#: in the crust.
_STEP_KM = 0.5


@dataclass(frozen=True)
class TravelTimeTable:
    """
    First P and S arrivals over epicentral distance and depth, both from 0 on.

    :param times: Seconds, float32, (2, depths, distances), P and S; NaN where nothing
        arrives
    :param rise: Seconds that a station's first kilometre of elevation adds, same shape
    :param step_km: Step of distances and depths
    """

    times: np.ndarray
    rise: np.ndarray
    step_km: float = _STEP_KM

    @property
    def max_distance_km(self) -> float:
        """Largest distance."""
        return (self.times.shape[2] - 1) * self.step_km

    def first_arrivals(
        self, distance_km: ArrayLike, depth_km: ArrayLike, elevation_km: ArrayLike = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        :param distance_km: Epicentral distances
        :param depth_km: Depths; those outside the table are moved to its end
        :param elevation_km: Elevations of the stations
        :return: P and S times in s; NaN beyond the table's distances
        """
        place = np.broadcast_arrays(distance_km, np.nan_to_num(depth_km), elevation_km)
        p, s = (self.with_slopes(np.full(place[0].shape, k), *place)[0] for k in (0, 1))
        return p, s

    def with_slopes(
        self,
        phase: np.ndarray,
        distance_km: np.ndarray,
        depth_km: np.ndarray,
        elevation_km: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """
        :param phase: 0 for P and 1 for S; all arrays have this shape
        :param distance_km: Epicentral distances
        :param depth_km: Depths; those outside the table are moved to its end
        :param elevation_km: Elevations of the stations
        :return: Times in s, NaN beyond the table's distances; their derivatives by
            distance and by depth, s/km
        """
        _, depths, distances = self.times.shape
        x = np.asarray(distance_km, dtype=float) / self.step_km
        z = np.clip(np.asarray(depth_km, dtype=float) / self.step_km, 0, depths - 1)
        far = ~(x <= distances - 1)
        x = np.where(far, 0, x)
        i = np.minimum(x.astype(int), distances - 2)
        j = np.minimum(z.astype(int), depths - 2)
        u, v = x - i, z - j
        first = (phase * depths + j) * distances + i
        # Corners of the cell: near and far, above and below.
        a, b, c, d = (
            self.times.ravel()[first + k] + elevation_km * self.rise.ravel()[first + k]
            for k in (0, 1, distances, distances + 1)
        )
        time = (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * c + u * d)
        outward = ((1 - v) * (b - a) + v * (d - c)) / self.step_km
        down = ((1 - u) * (c - a) + u * (d - b)) / self.step_km
        return np.where(far, np.nan, time), outward, down


def make_table(
    velocity: str, max_distance_km: float, max_depth_km: float
) -> TravelTimeTable:
    """
    :param velocity: ``P/S`` in km/s, such as ``6.2/3.5``, for constant velocities; a
        model of ObsPy (``iasp91``, ``ak135``); a file, see :py:class:`.TravelTimes`; or a
        travel-time table of REAL (``ttdb.txt``) that ends in ``.txt``
    :param max_distance_km: Largest epicentral distance
    :param max_depth_km: Largest depth
    :raises ValueError: if it is not one of these
    :raises FileNotFoundError: if the file does not exist
    :return: Table
    """
    depth, distance = np.meshgrid(
        np.arange(int(np.ceil(max_depth_km / _STEP_KM)) + 2) * _STEP_KM,
        np.arange(int(np.ceil(max_distance_km / _STEP_KM)) + 2) * _STEP_KM,
        indexing="ij",
    )
    if velocity.lower().endswith(".txt"):
        times, rise = _from_file(velocity, depth, distance, max_depth_km)
    elif constant := constant_velocities(velocity):
        length = np.hypot(distance, depth)
        # Increase of the path length with the station's elevation.
        longer = np.hypot(distance, depth + 1.0) - length
        slowness = 1 / np.array(constant).reshape(2, 1, 1)
        times, rise = length * slowness, longer * slowness
    else:
        model = TravelTimes(velocity)
        times = np.array(model.first_arrivals(distance, depth))
        rise = np.array(model.first_arrivals(distance, depth, 1.0)) - times
    return TravelTimeTable(times.astype(np.float32), rise.astype(np.float32))


def constant_velocities(text: str) -> tuple[float, float] | None:
    """
    :param text: Velocity model, see :py:func:`make_table`
    :raises ValueError: if S is not below P
    :return: P and S in km/s, or None for models of other kinds
    """
    try:
        values = [float(part) for part in text.split("/")]
    except ValueError:
        return None
    p, s = values if len(values) == 2 else (0.0, 0.0)
    if not 0 < s < p < 20:
        raise ValueError(
            f"{text!r} must be P/S in km/s with P above S, such as 6.2/3.5"
        )
    return p, s


def _from_file(
    path: str, depth: np.ndarray, distance: np.ndarray, max_depth_km: float
) -> tuple[np.ndarray, np.ndarray]:
    """
    Reads REAL's table. Its columns are distance in degrees, depth in km, P and S time in s,
    and others that are not needed.
    """
    try:
        rows = np.loadtxt(path, usecols=range(4), ndmin=2)
    except ValueError as error:
        raise ValueError(
            f"{path} is not a table of travel times: its lines must begin "
            f"with distance (degrees), depth (km), P and S time (s); {error}"
        ) from error
    deepest = rows[:, 1].max(initial=0)
    if deepest < max_depth_km:
        raise ValueError(
            f"{path} has sources to a depth of {deepest:g} km; "
            f"max_depth_km={max_depth_km:g} must be no larger."
        )
    (x, column), (z, row) = (np.unique(rows[:, k], return_inverse=True) for k in (0, 1))
    known = np.full((len(z), len(x), 2), np.nan)
    known[row, column] = rows[:, 2:]
    interpolate = RegularGridInterpolator((z, x), known, bounds_error=False)
    # Depths below the table's last one serve to interpolate only.
    points = np.minimum(depth, deepest), distance / KM_PER_DEGREE
    times = np.moveaxis(interpolate(points), -1, 0)
    if not np.isfinite(times[0, 0, 0]):
        raise ValueError(f"{path} must begin at a distance and depth of 0.")
    # Slowness of a vertical ray near the surface; flat rays gain less with elevation.
    slowness = np.gradient(times, _STEP_KM, axis=2)
    surface = slowness[:, 0, 1:3].mean(axis=1)[:, None, None]
    return times, np.sqrt(np.maximum(surface**2 - slowness**2, 0))
