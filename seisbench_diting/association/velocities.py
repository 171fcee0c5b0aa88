"""Travel times of associators: constant velocities, layered models, tables."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ..travel_times import KM_PER_DEGREE, TravelTimes, VelocityModelError

#: Steps of tables in km, over distance and depth. Between them times are interpolated
#: linearly, wrong by less than 0.02 s in the crust.
DISTANCE_STEP_KM, DEPTH_STEP_KM = 0.5, 0.5


@dataclass(frozen=True)
class TravelTimeTable:
    """
    First P and S arrivals over epicentral distance and depth.

    :param times: Seconds, float32, (2, depths, distances), P and S; NaN where nothing
        arrives
    :param rise: Seconds that a station's first kilometre of elevation adds, same shape
    :param distance_step_km: Step of distances, which begin at 0
    :param depth_step_km: Step of depths, which begin at 0
    """

    times: np.ndarray
    rise: np.ndarray
    distance_step_km: float = DISTANCE_STEP_KM
    depth_step_km: float = DEPTH_STEP_KM

    @property
    def max_distance_km(self) -> float:
        """Largest distance."""
        return (self.times.shape[2] - 1) * self.distance_step_km

    @property
    def max_depth_km(self) -> float:
        """Largest depth."""
        return (self.times.shape[1] - 1) * self.depth_step_km

    def at(
        self, distance_km: ArrayLike, depth_km: ArrayLike, elevation_km: ArrayLike = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        :param distance_km: Epicentral distances
        :param depth_km: Depths; those outside the table are at its end
        :param elevation_km: Elevations of the stations
        :return: P and S times in s; NaN beyond the table's distances
        """
        x = np.asarray(distance_km, dtype=float) / self.distance_step_km
        z = np.asarray(depth_km, dtype=float) / self.depth_step_km
        z = np.clip(np.nan_to_num(z), 0, self.times.shape[1] - 1)
        far = ~(x <= self.times.shape[2] - 1)
        x = np.where(far, 0, x)
        i = np.minimum(x.astype(int), self.times.shape[2] - 2)
        j = np.minimum(z.astype(int), self.times.shape[1] - 2)
        u, v = x - i, z - j
        result = []
        for phase in range(2):
            values = self.times[phase] + 0.0, self.rise[phase]
            time, rise = (
                (1 - v) * ((1 - u) * grid[j, i] + u * grid[j, i + 1])
                + v * ((1 - u) * grid[j + 1, i] + u * grid[j + 1, i + 1])
                for grid in values
            )
            total = time + np.asarray(elevation_km, dtype=float) * rise
            result.append(np.where(far, np.nan, total))
        return result[0], result[1]


def make_travel_times(
    velocity: str | Path, max_distance_km: float, max_depth_km: float
) -> TravelTimeTable:
    """
    :param velocity: ``P/S`` in km/s, such as ``6.2/3.5``, for constant velocities; a
        model of ObsPy's (``iasp91``, ``ak135``); a ``.nd`` or ``.tvel`` file; or a table
        of REAL's (``ttdb.txt``) that ends in ``.txt``
    :param max_distance_km: Largest epicentral distance
    :param max_depth_km: Largest depth
    :raises ValueError: if it is none of these
    :raises FileNotFoundError: if there is no such file
    :return: Table
    """
    distances = np.arange(int(np.ceil(max_distance_km / DISTANCE_STEP_KM)) + 2)
    depths = np.arange(int(np.ceil(max_depth_km / DEPTH_STEP_KM)) + 2)
    grid = np.meshgrid(
        depths * DEPTH_STEP_KM, distances * DISTANCE_STEP_KM, indexing="ij"
    )
    text = str(velocity)
    if text.lower().endswith(".txt"):
        return _from_file(Path(velocity), *grid, max_depth_km)
    constant = constant_velocities(text)
    if constant is not None:
        return _of_constant(constant, *grid)
    try:
        model = TravelTimes(velocity)
    except VelocityModelError as error:
        raise VelocityModelError(
            f"velocity={text!r}: {error} Constant velocities, P/S in km/s such as "
            "6.2/3.5, and REAL's table of travel times (.txt) are possible, too."
        ) from error
    return _layered(model, *grid)


def is_local(velocity: str | Path) -> bool:
    """
    :param velocity: Velocity model, see :py:func:`make_travel_times`
    :return: Whether it may have been made for a region: it is a file or constant
    """
    return "/" in str(velocity) or bool(Path(velocity).suffix)


def constant_velocities(text: str) -> tuple[float, float] | None:
    """
    :param text: Velocity model, see :py:func:`make_travel_times`
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
            f"velocity={text!r} must be P/S in km/s with P above S, such as 6.2/3.5."
        )
    return p, s


def _of_constant(
    velocities: tuple[float, float], depth: np.ndarray, distance: np.ndarray
) -> TravelTimeTable:
    length = np.hypot(distance, depth)
    # How much longer the way becomes with the station's height, for its first kilometre.
    longer = np.hypot(distance, depth + 1.0) - length
    slowness = 1 / np.array(velocities).reshape(2, 1, 1)
    return TravelTimeTable(
        (length * slowness).astype(np.float32), (longer * slowness).astype(np.float32)
    )


def _layered(
    model: TravelTimes, depth: np.ndarray, distance: np.ndarray
) -> TravelTimeTable:
    low = np.array(model.first_arrivals(distance, depth, 0.0))
    high = np.array(model.first_arrivals(distance, depth, 1000.0))
    return TravelTimeTable(low.astype(np.float32), (high - low).astype(np.float32))


def _from_file(
    path: Path, depth: np.ndarray, distance: np.ndarray, max_depth_km: float
) -> TravelTimeTable:
    """
    REAL's table: distance in degrees, depth in km, P and S time in s, slownesses in s a
    degree, vertical slownesses in s/km, and the names of the phases.
    """
    from scipy.interpolate import LinearNDInterpolator, RegularGridInterpolator

    try:
        with warnings.catch_warnings():
            # Of a file without lines; see below.
            warnings.simplefilter("ignore", UserWarning)
            rows = np.loadtxt(path, usecols=range(4), comments="#", ndmin=2)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"velocity={str(path)!r}: there is no such file."
        ) from None
    except ValueError as error:
        raise ValueError(
            f"velocity={str(path)!r} is no table of travel times: its lines must begin "
            f"with distance (degrees), depth (km), P and S time (s); {error}."
        ) from error
    if len(rows) == 0:
        raise ValueError(f"velocity={str(path)!r} is empty.")
    x, z = np.unique(rows[:, 0]), np.unique(rows[:, 1])
    if z[-1] < max_depth_km:
        raise ValueError(
            f"velocity={str(path)!r} has sources to a depth of {z[-1]:g} km; "
            f"max_depth_km={max_depth_km:g} must be no larger."
        )
    # Rows of the grid beyond the last one of the table are needed to interpolate.
    depth = np.minimum(depth, z[-1])
    points = np.stack([depth.ravel(), distance.ravel() / KM_PER_DEGREE], axis=1)
    times = []
    for column in (2, 3):
        if len(rows) == len(x) * len(z) and len(z) > 1:
            order = np.lexsort((rows[:, 0], rows[:, 1]))
            interpolate = RegularGridInterpolator(
                (z, x),
                rows[order, column].reshape(len(z), len(x)),
                bounds_error=False,
                fill_value=np.nan,
            )
        else:
            interpolate = LinearNDInterpolator(rows[:, [1, 0]], rows[:, column])
        times.append(interpolate(points).reshape(depth.shape))
    if not np.isfinite(times[0][0, 0]):
        raise ValueError(
            f"velocity={str(path)!r} must begin at a distance and depth of 0; it has "
            f"{x[0]:g} to {x[-1]:g} degrees and {z[0]:g} to {z[-1]:g} km."
        )
    table = np.array(times)
    # A vertical ray's slowness near the surface, less where the ray comes flat.
    slowness = np.gradient(table, DISTANCE_STEP_KM, axis=2)
    surface = slowness[:, 0, 1:3].mean(axis=1)[:, None, None]
    rise = np.sqrt(np.maximum(surface**2 - slowness**2, 0))
    return TravelTimeTable(table.astype(np.float32), rise.astype(np.float32))
