"""Travel times of first arrivals, from tables that TauP fills as they are needed."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import re
import shutil
import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import obspy
from numpy.typing import ArrayLike
from obspy.taup import TauPyModel, taup_create
from obspy.taup.seismic_phase import SeismicPhase

from .._util import replacing, suggestion

#: Names of the phases in TauP that arrive first as P and as S up to 100 degrees.
P_PHASES = ("p", "P", "Pg", "Pn", "Pdiff")
S_PHASES = ("s", "S", "Sg", "Sn", "Sdiff")

#: TauP's sphere. Distances on the ellipsoid are used as distances on it.
_RADIUS_KM = 6371.0
KM_PER_DEGREE = float(np.radians(_RADIUS_KM))


def _steps(*parts: tuple[float, float]) -> np.ndarray:
    """From zero to each part's end in steps of the part, in thousandths."""
    grid, start = [], 0.0
    for end, step in parts:
        grid.append(np.arange(round((end - start) / step)) * step + start)
        start = end
    return np.round(np.append(np.concatenate(grid), start), 3)


#: Distances of the table in degrees: dense where arrivals overtake each other.
_DEGREES = _steps((0.1, 0.002), (12, 0.01), (30, 0.02), (100, 0.2))

#: Depths of the table in km. Between them, times are interpolated linearly; they bend
#: near the surface and where waves from the crust and the mantle change places.
_DEPTHS = _steps((2, 0.1), (5, 0.25), (60, 0.5), (400, 2), (800, 2.5))

#: Depths in one file of the table.
_BLOCK = 10

#: Allowed sources, from volcanoes to deep slabs, and elevations of stations.
_DEPTH_KM, _ELEVATION_KM = (-10.0, float(_DEPTHS[-1])), (-12.0, 12.0)

#: A ray that ends this close to a distance of the table counts for it.
_ROUNDING = 1e-9

#: Model below those that end above the core, and depth where it begins at the earliest.
_IASP91 = Path(inspect.getfile(taup_create)).parent / "data" / "iasp91.tvel"
_CORE_KM, _MOHO_KM = 2500.0, 35.0

#: Larger velocities, km/s, are in m/s.
_FASTEST = 20.0

#: Part of the folder's name; another way to make the tables needs another number.
_VERSION = 3


class VelocityModelError(ValueError):
    """TauP can't use a velocity model."""


class TravelTimes:
    """
    Times of the first arriving P (of TauP's p, P, Pg, Pn, Pdiff) and direct S (s, S, Sg,
    Sn, Sdiff) up to 100 degrees, within 0.05 s of TauP itself.

        travel_times = TravelTimes("ak135")
        p, s = travel_times.first_arrivals(220, depth_km=5.5, elevation_km=1.213)

    Tables over distance and depth are computed when they are first needed, in 0.1 s for ten
    depths, and stored in SeisBench's cache. If the cache is not writable, each process
    computes them.

    :param model: Name of a model of ObsPy (``iasp91``, ``ak135``, ``prem``, ...), or
        path of a ``.nd`` or ``.tvel`` file, or of a table, such as ``.csv``, in which each
        line begins a layer: depth (km), P and S velocity (km/s). A model that ends above
        the core, as one of the crust does, goes on as iasp91.
    :param default_depth_km: Depth of events whose depth isn't known: where most
        earthquakes of the continental crust are
    :raises FileNotFoundError: if the model does not exist
    :raises VelocityModelError: if TauP can't use it
    """

    def __init__(self, model: str | Path = "iasp91", default_depth_km: float = 10.0):
        import seisbench

        _check("default_depth_km", default_depth_km, *_DEPTH_KM)
        self.model, path = _find_model(model)
        self.default_depth_km = default_depth_km
        version = f"{path.suffix} {obspy.__version__} {_VERSION}"
        key = hashlib.sha256(path.read_bytes() + version.encode()).hexdigest()
        folder = Path(seisbench.cache_root) / "seisbench_diting" / "travel_times"
        self.cache_folder = folder / f"{path.stem}-{key[:16]}"
        self._blocks: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        if isinstance(self.model, Path) and not self.cache_folder.is_dir():
            _ = self._taup  # Raises now if the model is invalid.

    @cached_property
    def _taup(self) -> TauPyModel:
        return load_taup(self.model)

    def first_arrivals(
        self,
        distance_km: ArrayLike,
        depth_km: ArrayLike = np.nan,
        elevation_km: ArrayLike = 0.0,
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        The arguments may be arrays that can be broadcast.

        A station at the elevation h has its times from the sea level of the model and
        ``h * sqrt(1 / v**2 - p**2)`` more, with the model's velocity v at the surface
        and the slowness p of the ray: less where h is negative. A source above sea
        level is taken at sea level, with such a correction for its height. This is right
        for distances, or depths, of a few times the elevation.

        :param distance_km: Epicentral distance
        :param depth_km: Depth of the source below sea level; the default depth for NaN
        :param elevation_km: Elevation of the station above sea level; 0 for NaN
        :raises ValueError: if a value is impossible, such as a depth in m
        :return: P and S times in seconds after the origin time; NaN where there is no
            such arrival, or beyond 100 degrees
        """
        distance, depth, elevation = np.broadcast_arrays(
            *(np.asarray(x, dtype=float) for x in (distance_km, depth_km, elevation_km))
        )
        depth = np.where(np.isnan(depth), self.default_depth_km, depth)
        elevation = np.where(np.isnan(elevation), 0.0, elevation)
        _check("distance_km", distance, 0.0, np.pi * _RADIUS_KM)
        _check("depth_km", depth, *_DEPTH_KM)
        _check("elevation_km", elevation, *_ELEVATION_KM)

        degrees = (distance / KM_PER_DEGREE).ravel()
        height = (elevation + np.maximum(-depth, 0)).ravel()
        place = np.interp(depth.ravel(), _DEPTHS, np.arange(len(_DEPTHS)))
        upper = np.minimum(place.astype(int), len(_DEPTHS) - 2)
        times = np.full((2, degrees.size), np.nan)
        for node in np.unique(upper):
            # NaN, and distances that are too large, give NaN.
            here = (upper == node) & (degrees <= _DEGREES[-1])
            if here.any():
                times[:, here] = self._interpolate(
                    int(node), (place - node)[here], degrees[here], height[here]
                )
        p, s = np.maximum(times, 0).reshape(2, *distance.shape)
        return p, s

    def _interpolate(
        self, node: int, share: np.ndarray, degrees: np.ndarray, height_km: np.ndarray
    ) -> np.ndarray:
        """Between two depths of the table, with ``share`` as weight of the lower one."""
        right = np.clip(np.searchsorted(_DEGREES, degrees), 1, len(_DEGREES) - 1)
        (upper, velocities), (lower, _) = self._curves(node), self._curves(node + 1)
        (above, slope_above), (below, slope_below) = (
            _hermite(
                degrees, *((_DEGREES[i], *curves[..., i]) for i in (right - 1, right))
            )
            for curves in (upper, lower)
        )
        slowness = slope_above + share * (slope_below - slope_above)
        # An ocean on top of the model has no S waves, and no station above it.
        squared = 1 / np.where(velocities > 0, velocities, np.inf) ** 2
        vertical = np.maximum(squared[:, None] - (slowness / KM_PER_DEGREE) ** 2, 0)
        return above + share * (below - above) + height_km * np.sqrt(vertical)

    def _curves(self, node: int) -> tuple[np.ndarray, np.ndarray]:
        """
        First arrivals of sources in a depth of the table.

        :return: Times in s, and slownesses in s a degree, of P and S, (2, 2, distances), NaN
            where nothing arrives; and velocities of P and S at the surface, km/s
        """
        number, place = divmod(node, _BLOCK)
        if number not in self._blocks:
            path = self.cache_folder / f"{number:03d}.npz"
            self._blocks[number] = _read_block(path) or self._make_block(number, path)
        curves, velocities = self._blocks[number]
        return curves[place], velocities

    def _make_block(self, number: int, path: Path) -> tuple[np.ndarray, np.ndarray]:
        depths = _DEPTHS[number * _BLOCK : (number + 1) * _BLOCK]
        curves = np.array([make_curves(self._taup, float(x)) for x in depths])
        # Rounded also when they are new, so that all runs have the same times.
        curves = curves.astype("float32")
        surface = self._taup.model.s_mod.v_mod
        velocities = np.array(
            [np.ravel(surface.evaluate_below(0.0, kind))[0] for kind in "ps"], float
        )
        # If the disk is full or not writable, the next process makes them again.
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary, temporary.open("wb") as file:
                np.savez_compressed(file, curves=curves, velocities=velocities)
        return curves.astype(float), velocities


def _read_block(path: Path) -> tuple[np.ndarray, np.ndarray] | None:
    """Reads a part of the table; None if the file is missing or invalid."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return file["curves"].astype(float), file["velocities"]
    # Damaged files raise errors of many kinds.
    except Exception:
        return None


def _check(name: str, values: ArrayLike, least: float, most: float) -> None:
    values = np.asarray(values)
    wrong = (values < least) | (values > most)
    if wrong.any():
        raise ValueError(
            f"{name}={values[wrong].flat[0]:g} must be from {least:g} to {most:g} km."
        )


def _find_model(model: str | Path) -> tuple[str | Path, Path]:
    """The model as TauP wants it, and the file it comes from."""
    folder = Path(inspect.getfile(taup_create)).parent / "data"
    name, path = str(model), Path(model)
    built_in = folder / f"{name.lower()}.npz"
    if not path.suffix and "/" not in name and built_in.is_file():
        return name.lower(), built_in
    if not path.suffix:
        names = sorted(file.stem for file in folder.glob("*.npz"))
        raise VelocityModelError(
            f"{name!r} is neither a model nor a file{suggestion(name, names)}"
        )
    if not path.is_file():
        raise FileNotFoundError(f"model={name!r}: there is no such file.")
    return path.resolve(), path


def load_taup(model: str | Path) -> TauPyModel:
    """
    :param model: Name of a model that ObsPy has, or a file
    :raises VelocityModelError: if TauP can't use the file
    :return: TauP with this model
    """
    if not isinstance(model, Path):
        return TauPyModel(model, cache=False)
    with tempfile.TemporaryDirectory(prefix="seisbench-diting-") as folder:
        try:
            path = _whole_earth(model, Path(folder))
            with np.errstate(all="ignore"):  # See make_curves.
                taup_create.build_taup_model(path, folder, verbose=False)
            return TauPyModel(str(path.with_suffix(".npz")), cache=False)
        # TauP raises errors of many kinds.
        except Exception as error:
            raise VelocityModelError(
                f"model={str(model)!r} is no velocity model that TauP can use ({error!r}). "
                "It needs lines of depth (km), P and S velocity (km/s), from the surface "
                "downwards."
            ) from error


def _whole_earth(model: Path, folder: Path) -> Path:
    """
    :param model: File of TauP, or a table whose lines of depth, P and S velocity begin layers
    :param folder: Folder to write to
    :return: File that TauP can use; a model that ends above the core goes on as iasp91 does
    """
    text = model.read_text(encoding="utf-8-sig", errors="replace")
    rows: list[list[float]] = []
    for line in text.splitlines()[2 if model.suffix == ".tvel" else 0 :]:
        row = _numbers(line)
        # Lines of words, such as names of columns, hold no layer.
        if row and not (len(row) > 2 and row[2] < row[1] < _FASTEST):
            raise ValueError(f"not depth, P and S in km and km/s: {line.strip()!r}")
        # What is above sea level counts as the surface.
        rows += [[max(row[0], 0.0), *row[1:3]]] if row else []
    if not rows or rows != sorted(rows, key=lambda row: row[0]):
        raise ValueError("it has no such lines, or depths that decrease")
    is_taup = model.suffix in (".nd", ".tvel")
    if is_taup and rows[-1][0] > _CORE_KM:
        return Path(shutil.copy(model, folder))
    deep = max(rows[-1][0] + 1, _MOHO_KM)
    # Only the last line of TauP's files begins a layer.
    begin = len(rows) - 1 if is_taup else 0
    ends = [row[0] for row in rows[begin + 1 :]] + [deep]
    layers = zip(rows[begin:], ends, strict=True)
    rows[begin:] = [[z, *row[1:]] for row, end in layers for z in (row[0], end)]
    rows[0][0] = 0.0
    head = _IASP91.read_text().splitlines()
    lines = [f"{z} {p} {s} 2.7" for z, p, s in rows]
    lines += [line for line in head[2:] if float(line.split()[0]) >= deep]
    path = folder / f"{model.stem}.tvel"
    path.write_text("\n".join([*head[:2], *lines]) + "\n")
    return path


def _numbers(line: str) -> list[float]:
    """:return: Numbers that a line begins with"""
    numbers: list[float] = []
    with contextlib.suppress(ValueError):
        for word in re.split(r"[\s,;]+", line.strip()):
            numbers.append(float(word))
    return numbers


def make_curves(taup: TauPyModel, depth_km: float) -> np.ndarray:
    """
    :param taup: TauP
    :param depth_km: Depth of the source
    :return: First arrivals at all distances of the table: times in s, and slownesses in s a
        degree, of P and S, (2, 2, distances), NaN where nothing arrives
    """
    # TauP divides by zero in layers of constant slowness, and allows for it.
    with np.errstate(all="ignore"):
        source = taup.model.depth_correct(depth_km)
    curves = np.full((2, 2, len(_DEGREES)), np.nan)
    for row, names in enumerate((P_PHASES, S_PHASES)):
        branches = [_branch(SeismicPhase(name, source)) for name in names]
        places, times, slownesses = map(np.concatenate, zip(*branches, strict=True))
        # The last value written to an index is kept, here the earliest arrival.
        order = np.argsort(-times, kind="stable")
        curves[:, row, places[order]] = times[order], slownesses[order]
    return curves


def _branch(phase: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    Interpolates rays of a phase, which TauP orders by slowness. Between two rays, time over
    distance is a cubic, because slowness is its slope.

    :return: Places in the table's distances, times and slownesses of all arrivals
    """
    degrees = np.degrees(phase.dist)
    slownesses = np.radians(phase.ray_param)
    apart = np.abs(np.diff(degrees)) > _ROUNDING
    # Two rays of one slowness bound a shadow, but in waves along an interface.
    if not phase.head_or_diffract_seq:
        apart &= np.diff(slownesses) != 0
    left = np.flatnonzero(apart)
    if len(left) == 0:
        return np.empty(0, dtype=int), np.empty(0), np.empty(0)
    nearest = np.minimum(degrees[left], degrees[left + 1]) - _ROUNDING
    farthest = np.maximum(degrees[left], degrees[left + 1]) + _ROUNDING
    begin = np.searchsorted(_DEGREES, nearest)
    count = np.searchsorted(_DEGREES, farthest, side="right") - begin
    ray = np.repeat(left, count)
    place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count - begin, count)
    ends = ((degrees[i], phase.time[i], slownesses[i]) for i in (ray, ray + 1))
    return place, *_hermite(_DEGREES[place], *ends)


def _hermite(
    x: np.ndarray, left: Sequence[np.ndarray], right: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Cubic through two points (place, value, slope) each: values and slopes."""
    (x0, y0, m0), (x1, y1, m1) = left, right
    h = x1 - x0
    u = (x - x0) / h
    secant = (y1 - y0) / h
    a = m0 + m1 - 2 * secant
    b = 3 * secant - 2 * m0 - m1
    return y0 + h * u * (m0 + u * (b + u * a)), m0 + u * (2 * b + u * 3 * a)
