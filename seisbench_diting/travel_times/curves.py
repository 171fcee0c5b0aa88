"""Times of first arrivals over distance for one depth, from ObsPy's TauP."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from obspy.taup import TauPyModel
from obspy.taup.seismic_phase import SeismicPhase
from obspy.taup.taup_create import build_taup_model

#: TauP's names of what arrives first as P and as S up to 100 degrees.
P_PHASES = ("p", "P", "Pg", "Pn", "Pdiff")
S_PHASES = ("s", "S", "Sg", "Sn", "Sdiff")


def _steps(*parts: tuple[float, float]) -> np.ndarray:
    """From zero to each part's end in steps of the part, in thousandths."""
    grid, start = [], 0.0
    for end, step in parts:
        grid.append(np.arange(round((end - start) / step)) * step + start)
        start = end
    return np.round(np.append(np.concatenate(grid), start), 3)


#: Distances of the table in degrees: dense where arrivals overtake each other.
DEGREES = _steps((0.1, 0.002), (12, 0.01), (30, 0.02), (100, 0.2))

#: Depths of the table in km. Times between them are interpolated linearly; they bend
#: near the surface and where waves from the crust and the mantle change places.
DEPTHS = _steps((2, 0.1), (5, 0.25), (60, 0.5), (400, 2), (800, 2.5))

#: A ray that ends here is at a distance of the table, whatever the rounding.
_ROUNDING = 1e-9


#: TauP needs a crust and what is below it.
_LEAST_BRANCHES = 2


class VelocityModelError(ValueError):
    """TauP can't use a velocity model."""


@dataclass(frozen=True)
class Curve:
    """
    First P and S arrivals of sources in one depth at :py:data:`DEGREES`.

    :param times: Seconds, (2, distances), P and S; NaN where nothing arrives
    :param slownesses: Their derivatives, in seconds a degree
    :param velocities: Of P and S at the surface, in km/s
    """

    times: np.ndarray
    slownesses: np.ndarray
    velocities: np.ndarray

    def at(self, degrees: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        :param degrees: Distances, from 0 to 100
        :return: Times and slownesses, each (2, distances)
        """
        right = np.clip(np.searchsorted(DEGREES, degrees), 1, len(DEGREES) - 1)
        left = right - 1
        return _hermite(
            degrees,
            (DEGREES[left], self.times[:, left], self.slownesses[:, left]),
            (DEGREES[right], self.times[:, right], self.slownesses[:, right]),
        )


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


def load_taup(model: str | Path) -> TauPyModel:
    """
    :param model: Name of a model that ObsPy has, or an ``.nd`` or ``.tvel`` file
    :raises VelocityModelError: if TauP can't use the file
    :return: TauP with this model
    """
    if not isinstance(model, Path):
        return TauPyModel(model)
    with tempfile.TemporaryDirectory(prefix="seisbench-diting-") as folder:
        try:
            with np.errstate(all="ignore"):  # See make_curve.
                build_taup_model(model, folder, verbose=False)
            taup = TauPyModel(str(Path(folder) / f"{model.stem}.npz"))
            if taup.model.tau_branches.shape[1] < _LEAST_BRANCHES:
                raise ValueError("it has no layer below the crust")
            return taup
        # TauP raises its own errors, and those of whatever it comes upon.
        except Exception as error:
            raise VelocityModelError(
                f"model={str(model)!r} is no velocity model that TauP can use: "
                f"{' '.join(str(error).split()) or type(error).__name__}. It takes "
                "lines of depth (km), P and S velocity (km/s) and density from the "
                "surface to the Earth's centre, and the names mantle, outer-core and "
                "inner-core in .nd files; ObsPy's folder taup/data has examples, such as "
                "iasp91.nd, whose lines may follow those of a local model."
            ) from error


def make_curve(taup: TauPyModel, depth_km: float) -> Curve:
    """
    :param taup: TauP
    :param depth_km: Depth of the source
    :return: First arrivals
    """
    # TauP divides by zero in layers of constant slowness, and allows for it.
    with np.errstate(all="ignore"):
        source = taup.model.depth_correct(depth_km)
    curves = [_first(source, names) for names in (P_PHASES, S_PHASES)]
    surface = taup.model.s_mod.v_mod
    return Curve(
        times=np.array([times for times, _ in curves]),
        slownesses=np.array([slownesses for _, slownesses in curves]),
        velocities=np.array(
            [float(np.ravel(surface.evaluate_below(0.0, kind))[0]) for kind in "ps"]
        ),
    )


def _first(source, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    times = np.full(len(DEGREES), np.nan)
    slownesses = np.full(len(DEGREES), np.nan)
    branches = [_branch(SeismicPhase(name, source)) for name in names]
    places, found, slopes = (
        np.concatenate(part) for part in zip(*branches, strict=False)
    )
    # Of what is written to one place the last, here the earliest arrival, stays.
    order = np.argsort(-found, kind="stable")
    times[places[order]] = found[order]
    slownesses[places[order]] = slopes[order]
    return times, slownesses


def _branch(phase: SeismicPhase) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    TauP has the rays of a phase in the order of their slowness. Between two of them the
    time over distance is a cubic, as the slowness is its slope.

    :return: Places in :py:data:`DEGREES`, times and slownesses of all arrivals
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
    begin = np.searchsorted(DEGREES, nearest)
    count = np.searchsorted(DEGREES, farthest, side="right") - begin
    ray = np.repeat(left, count)
    place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count - begin, count)
    times, slopes = _hermite(
        DEGREES[place],
        (degrees[ray], phase.time[ray], slownesses[ray]),
        (degrees[ray + 1], phase.time[ray + 1], slownesses[ray + 1]),
    )
    return place, times, slopes
