"""Travel times of first arrivals, from tables that TauP fills as they are needed."""

from __future__ import annotations

import hashlib
import inspect
import zipfile
import zlib
from pathlib import Path

import numpy as np
import obspy
import seisbench
from numpy.typing import ArrayLike
from obspy.taup import TauPyModel, taup_create

from .._util import replacing
from . import curves
from .curves import DEGREES, DEPTHS, Curve, VelocityModelError

#: Folders in SeisBench's cache, with one for each velocity model.
FOLDER = ("seisbench_diting", "travel_times")

#: TauP's sphere; distances on the ellipsoid are laid upon it by their length.
EARTH_RADIUS_KM = 6371.0
KM_PER_DEGREE = float(np.radians(EARTH_RADIUS_KM))

#: Depths in one file of the table.
BLOCK = 10

#: Sources above sea level, of volcanoes, and stations from deep sea to summits.
MIN_DEPTH_KM, MAX_DEPTH_KM = -10.0, float(DEPTHS[-1])
MAX_ELEVATION_M = 12_000.0

#: What reading a file raises that is damaged or something else.
_UNREADABLE = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
)

#: Part of every file's key. Another way to make the tables needs another number.
_VERSION = 1


class TravelTimes:
    """
    Times of the first arriving P (of TauP's p, P, Pg, Pn, Pdiff) and direct S (s, S, Sg,
    Sn, Sdiff) up to 100 degrees, within 0.05 s of TauP itself.

        travel_times = TravelTimes("ak135")
        p, s = travel_times.first_arrivals(220, depth_km=5.5, elevation_m=1213)

    Tables over distance and depth are made where they are first needed, in 0.1 s for ten
    depths, and lie in SeisBench's cache. Without a cache that can be written they are
    made for every process.

    :param model: Name of a model of ObsPy (``iasp91``, ``ak135``, ``prem``, ...), or
        path of a ``.nd`` or ``.tvel`` file
    :param default_depth_km: Depth of events whose depth isn't known: where most
        earthquakes of the continental crust are
    :raises FileNotFoundError: if there is no such model
    :raises VelocityModelError: if it isn't one that TauP can use
    """

    def __init__(self, model: str | Path = "iasp91", default_depth_km: float = 10.0):
        if not MIN_DEPTH_KM <= default_depth_km <= MAX_DEPTH_KM:
            raise ValueError(
                f"default_depth_km={default_depth_km} must be from {MIN_DEPTH_KM:g} to "
                f"{MAX_DEPTH_KM:g} km."
            )
        self.model, path = _find_model(model)
        self.default_depth_km = default_depth_km
        self._key = _checksum(path)
        self.cache_folder = Path(seisbench.cache_root).joinpath(
            *FOLDER, f"{path.stem}-{self._key[:16]}"
        )
        self._blocks: dict[int, list[Curve]] = {}
        self._taup: TauPyModel | None = None
        if isinstance(self.model, Path) and not self.cache_folder.is_dir():
            self._load_taup()  # Says now what is wrong with it.

    def first_arrivals(
        self,
        distance_km: ArrayLike,
        depth_km: ArrayLike = np.nan,
        elevation_m: ArrayLike = 0.0,
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        The arguments may be arrays that can be broadcast.

        A station at the elevation h has its times from the sea level of the model and
        ``h * sqrt(1 / v**2 - p**2)`` more, with the model's velocity v at the surface
        and the slowness p of the ray: less where h is negative. A source above sea
        level is taken at sea level, with such a correction for its height. Right for
        distances, or depths, of a few times the elevation.

        :param distance_km: Epicentral distance
        :param depth_km: Depth of the source below sea level; the default depth for NaN
        :param elevation_m: Elevation of the station above sea level; 0 for NaN
        :raises ValueError: if a value is impossible, such as a depth in m
        :return: P and S times in seconds after the origin time; NaN where there is no
            such arrival, or beyond 100 degrees
        """
        distance, depth, elevation = np.broadcast_arrays(
            np.asarray(distance_km, dtype=float),
            np.asarray(depth_km, dtype=float),
            np.asarray(elevation_m, dtype=float),
        )
        depth = np.where(np.isnan(depth), self.default_depth_km, depth)
        elevation = np.where(np.isnan(elevation), 0.0, elevation)
        _check("distance_km", distance, 0.0, np.pi * EARTH_RADIUS_KM, "km")
        _check("depth_km", depth, MIN_DEPTH_KM, MAX_DEPTH_KM, "km")
        _check("elevation_m", elevation, -MAX_ELEVATION_M, MAX_ELEVATION_M, "m")

        degrees = (distance / KM_PER_DEGREE).ravel()
        height_km = (elevation / 1000 + np.maximum(-depth, 0)).ravel()
        place = np.interp(depth.ravel(), DEPTHS, np.arange(len(DEPTHS)))
        upper = np.minimum(place.astype(int), len(DEPTHS) - 2)
        times = np.full((2, degrees.size), np.nan)
        for node in np.unique(upper):
            # What is NaN, or too far, stays NaN.
            here = (upper == node) & (degrees <= DEGREES[-1])
            if here.any():
                times[:, here] = self._interpolate(
                    int(node), (place - node)[here], degrees[here], height_km[here]
                )
        p, s = np.maximum(times, 0).reshape(2, *distance.shape)
        return p, s

    def _interpolate(
        self, node: int, share: np.ndarray, degrees: np.ndarray, height_km: np.ndarray
    ) -> np.ndarray:
        """Between two depths of the table; the lower one counts by its share."""
        above, below = self._curve(node), self._curve(node + 1)
        upper, upper_slowness = above.at(degrees)
        lower, lower_slowness = below.at(degrees)
        time = upper + share * (lower - upper)
        slowness = upper_slowness + share * (lower_slowness - upper_slowness)
        # An ocean on top of the model has no S waves, and no station above it.
        solid = above.velocities > 0
        squared = 1 / np.where(solid, above.velocities, np.inf) ** 2
        vertical = np.sqrt(
            np.maximum(squared[:, None] - (slowness / KM_PER_DEGREE) ** 2, 0)
        )
        return time + height_km * vertical

    def _curve(self, node: int) -> Curve:
        number, place = divmod(node, BLOCK)
        if number not in self._blocks:
            self._blocks[number] = self._get_block(number)
        return self._blocks[number][place]

    def _get_block(self, number: int) -> list[Curve]:
        path = self.cache_folder / f"{number:03d}.npz"
        depths = DEPTHS[number * BLOCK : (number + 1) * BLOCK]
        block = _read_block(path, self._key, depths)
        if block is None:
            taup = self._load_taup()
            block = [curves.make_curve(taup, float(depth)) for depth in depths]
            _write_block(path, self._key, depths, block)
        return block

    def _load_taup(self) -> TauPyModel:
        if self._taup is None:
            self._taup = curves.load_taup(self.model)
        return self._taup


def _find_model(model: str | Path) -> tuple[str | Path, Path]:
    """The model as TauP wants it, and the file it comes from."""
    folder = Path(inspect.getfile(taup_create)).parent / "data"
    name = str(model)
    built_in = folder / f"{name.lower()}.npz"
    path = Path(model)
    if not path.suffix and "/" not in name and built_in.is_file():
        return name.lower(), built_in
    if path.suffix not in (".nd", ".tvel"):
        names = ", ".join(sorted(file.stem for file in folder.glob("*.npz")))
        raise VelocityModelError(
            f"model={name!r} is unknown. Possible are {names}, and files that end with "
            ".nd or .tvel."
        )
    if not path.is_file():
        raise FileNotFoundError(f"model={name!r}: there is no such file.")
    return path.resolve(), path


def _checksum(path: Path) -> str:
    """Of all that the tables depend on."""
    digest = hashlib.sha256(path.read_bytes())
    digest.update(f"{path.suffix} {obspy.__version__} {_VERSION}".encode())
    for grid in (DEGREES, DEPTHS, np.array([BLOCK])):
        digest.update(np.asarray(grid, dtype="<f8").tobytes())
    return digest.hexdigest()


def _read_block(path: Path, key: str, depths: np.ndarray) -> list[Curve] | None:
    """None if there is no file, or it is not what belongs here."""
    shape = (len(depths), 2, len(DEGREES))
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["key"]) != key or not np.array_equal(file["depths"], depths):
                return None
            velocities = file["velocities"].astype(float)
            times, slownesses = (
                file[name].astype(float) for name in ("times", "slownesses")
            )
    except _UNREADABLE:
        return None
    if times.shape != shape or slownesses.shape != shape or velocities.shape != (2,):
        return None
    return [
        Curve(time, slowness, velocities)
        for time, slowness in zip(times, slownesses, strict=True)
    ]


def _write_block(path: Path, key: str, depths: np.ndarray, block: list[Curve]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file,
                key=key,
                depths=depths,
                times=np.array([curve.times for curve in block], dtype="float32"),
                slownesses=np.array(
                    [curve.slownesses for curve in block], dtype="float32"
                ),
                velocities=block[0].velocities,
            )
    except OSError:
        return  # No room, no right: it is made again next time.


def _check(name: str, values: np.ndarray, least: float, most: float, unit: str) -> None:
    wrong = (values < least) | (values > most)
    if wrong.any():
        raise ValueError(
            f"{name}={values[wrong].flat[0]:g} must be from {least:g} to {most:g} {unit}."
        )
