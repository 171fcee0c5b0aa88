"""
Association by the library PyOcto, which divides space and time into ever smaller boxes.

Münchmeyer, J. (2024). PyOcto: A high-throughput seismic phase associator. Seismica, 3(1).
<https://doi.org/10.26443/seismica.v3i1.1130>
"""

from __future__ import annotations

import struct
import tempfile
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.interpolate import make_interp_spline

from .found import make_found
from .interface import Associator, Found, Options, nothing_found
from .velocities import TravelTimeTable, constant_velocities

try:
    import pyocto
except ImportError as error:
    raise ImportError(
        "The method pyocto needs PyOcto: pip install 'seisbench-diting[pyocto]'."
    ) from error


@dataclass(frozen=True)
class PyOctoOptions(Options):
    """
    But for ``margin_km`` and ``threads`` the names are PyOcto's, with units; its
    documentation says more about them.

    :param margin_km: How far outside the network events are searched
    :param tolerance_s: Largest misfit of a pick in a box that may hold an event: how wrong
        the velocity model's times are
    :param association_cutoff_distance_km: Only stations within this distance count when
        boxes are divided; 0 for twice the distance within which half of the stations have
        ``min_picks`` others. Picks of all stations are matched with events that were found
    :param pick_match_tolerance_s: Largest residual of a pick of an event
    :param min_interevent_time_s: Least time between two events
    :param min_pick_fraction: A station's picks are left out if less than this share of
        the stations that are closer to the event has picks
    :param min_node_size_km: Boxes of this size are not divided any more
    :param min_node_size_location_km: The same in locating events
    :param location_split_depth: How often a box is divided to tell how good it is
    :param location_split_return: How many of these divisions are left out of the search;
        less than ``location_split_depth``
    :param refinement_iterations: Rounds of locating events and matching picks
    :param exponential_edt: Locate with a loss that makes less of large residuals: where
        the velocity model is wrong, or picks are false, epicentres are better
    :param edt_pick_std_s: Standard deviation of picks in that loss
    :param time_slicing_s: Picks are associated in slices of this length, and at least of
        twice the time that S waves need through the network
    :param threads: Threads; 0 for all processors
    """

    margin_km: float = 20.0
    tolerance_s: float = 1.5
    association_cutoff_distance_km: float = 0.0
    pick_match_tolerance_s: float = 1.5
    min_interevent_time_s: float = 3.0
    min_pick_fraction: float = 0.25
    min_node_size_km: float = 10.0
    min_node_size_location_km: float = 1.5
    location_split_depth: int = 6
    location_split_return: int = 4
    refinement_iterations: int = 3
    exponential_edt: bool = True
    edt_pick_std_s: float = 0.5
    time_slicing_s: float = 1200.0
    threads: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._must_be_above_0(
            "margin_km",
            "tolerance_s",
            "pick_match_tolerance_s",
            "min_node_size_km",
            "min_node_size_location_km",
            "location_split_depth",
            "refinement_iterations",
            "edt_pick_std_s",
            "time_slicing_s",
        )
        self._must_not_be_negative(
            "association_cutoff_distance_km",
            "min_interevent_time_s",
            "location_split_return",
            "threads",
        )
        if self.margin_km > 1000:
            raise ValueError(f"margin_km={self.margin_km} must be 1000 at most.")
        if not 0 <= self.min_pick_fraction <= 1:
            raise ValueError(
                f"min_pick_fraction={self.min_pick_fraction} must be from 0 to 1."
            )
        if self.location_split_return >= self.location_split_depth:
            raise ValueError(
                f"location_split_return={self.location_split_return} must be less than "
                f"location_split_depth={self.location_split_depth}."
            )


class PyOcto(Associator):
    """
    Picks, stations and travel times are PyOcto's input; what it finds is checked, see
    :py:mod:`.found`. It shows no progress.
    """

    options_type = PyOctoOptions

    @cached_property
    def margin_km(self) -> float:
        """So that travel times reach from any corner of the search to any other."""
        (west, east), (south, north) = self._limits
        diagonal = float(np.hypot(east - west, north - south))
        return (diagonal - self.network.diameter_km) / 2

    def find(self, progress: bool = False) -> Found:
        """See :py:class:`.Associator`."""
        network = self.network
        picks = pd.DataFrame(
            {
                "station": network.picks["station"].astype(str),
                "phase": np.where(network.is_s(), "S", "P"),
                "time": network.seconds(),
            }
        )
        stations = pd.DataFrame(
            {
                "id": network.stations.index.astype(str),
                "x": network.stations["x_km"],
                "y": network.stations["y_km"],
                "z": -network.stations["elevation_m"] / 1000,
            }
        )
        with tempfile.TemporaryDirectory(prefix="seisbench-diting-") as folder:
            associator = self._make(Path(folder))
            with warnings.catch_warnings():
                # Of pandas, about PyOcto.
                warnings.simplefilter("ignore")
                events, assigned = associator.associate(picks, stations)
        if len(events) == 0:
            return nothing_found()
        return make_found(
            network,
            self.options,
            pd.DataFrame(
                {
                    "time_s": events["time"],
                    "x_km": events["x"],
                    "y_km": events["y"],
                    "depth_km": events["z"],
                }
            ),
            assigned.rename(columns={"event_idx": "event", "pick_idx": "pick"}),
        )

    @property
    def _limits(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Least and largest x and y of events."""
        margin, stations = self.options.margin_km, self.network.stations
        x, y = (
            (float(values.min()) - margin, float(values.max()) + margin)
            for values in (stations["x_km"], stations["y_km"])
        )
        return x, y

    @cached_property
    def _deepest_km(self) -> float:
        """What is searched and travel times are known for."""
        table = self.travel_times
        known = np.flatnonzero(np.isfinite(table.times[:, :, 0]).all(axis=0))
        return min(self.options.max_depth_km, float(known[-1] * table.depth_step_km))

    def _make(self, folder: Path) -> pyocto.OctoAssociator:
        options = self.options
        x, y = self._limits
        # The slowest wave through the network.
        _, slowest = self.travel_times.at(
            self.network.diameter_km + options.margin_km, options.max_depth_km
        )
        before = float(np.nan_to_num(slowest, nan=np.nanmax(self.travel_times.times)))
        # What PyOcto takes for these limits, and what it would warn of.
        p = max(options.min_p_picks, options.min_both)
        s = max(options.min_s_picks, options.min_both)
        return pyocto.OctoAssociator(
            xlim=x,
            ylim=y,
            # Layered models of PyOcto's begin at sea level.
            zlim=(0.0, self._deepest_km),
            velocity_model=self._velocity_model(folder),
            time_before=before,
            min_node_size=options.min_node_size_km,
            min_node_size_location=options.min_node_size_location_km,
            pick_match_tolerance=options.pick_match_tolerance_s,
            min_interevent_time=options.min_interevent_time_s,
            exponential_edt=options.exponential_edt,
            edt_pick_std=options.edt_pick_std_s,
            n_picks=max(options.min_picks, p + s, 1),
            n_p_picks=p,
            n_s_picks=s,
            n_p_and_s_picks=options.min_both,
            refinement_iterations=options.refinement_iterations,
            time_slicing=max(options.time_slicing_s, 2 * before),
            location_split_depth=options.location_split_depth,
            location_split_return=options.location_split_return,
            min_pick_fraction=options.min_pick_fraction,
            n_threads=options.threads or None,
        )

    def _velocity_model(self, folder: Path) -> pyocto.associator.VelocityModel:
        options = self.options
        cutoff = options.association_cutoff_distance_km or self._near_km()
        constant = constant_velocities(options.velocity)
        if constant is not None:
            return pyocto.VelocityModel0D(*constant, options.tolerance_s, cutoff)
        path = folder / "travel_times.pyocto"
        write_model(self.travel_times, path)
        # A vertical ray's, which the station's height makes longer by itself.
        surface_p, surface_s = 1 / self.travel_times.rise[:, -1, 0].astype(float)
        return pyocto.VelocityModel1D(
            path,
            options.tolerance_s,
            association_cutoff_distance=cutoff,
            surface_p_velocity=float(surface_p),
            surface_s_velocity=float(surface_s),
        )

    def _near_km(self) -> float:
        """Around most places so many stations are this near that an event has picks."""
        x, y = (self.network.stations[name].to_numpy() for name in ("x_km", "y_km"))
        distance = np.sort(np.hypot(x[:, None] - x, y[:, None] - y), axis=1)
        number = min(self.options.min_picks, len(x) - 1)
        return 2 * float(np.median(distance[:, number])) or np.inf


def write_model(travel_times: TravelTimeTable, path: Path) -> None:
    """
    Writes travel times as PyOcto reads them: numbers of distances and depths as C's int,
    the step of both in km as double, and times of P and of S, for each distance those of
    all depths. PyOcto does not come to an end with gaps in them, so times go on from where
    they are known.

    :param travel_times: Travel times
    :param path: File to write
    :raises ValueError: if steps of distances and depths differ
    """
    step = travel_times.distance_step_km
    if travel_times.depth_step_km != step:
        raise ValueError(
            f"depth_step_km={travel_times.depth_step_km} must be "
            f"distance_step_km={step}, as PyOcto has one for both."
        )
    times = _without_gaps(travel_times.times.astype(np.float64))
    _, depths, distances = times.shape
    with path.open("wb") as file:
        file.write(struct.pack("iid", distances, depths, step))
        file.write(times.transpose(0, 2, 1).tobytes())


def _without_gaps(times: np.ndarray) -> np.ndarray:
    """(phases, depths, distances): lines over distance, and below the last known depth."""
    filled = times.copy()
    place = np.arange(times.shape[2])
    for phase, depth in np.argwhere(np.isnan(times).any(axis=2)):
        known = np.isfinite(times[phase, depth])
        if known.sum() > 1:
            line = make_interp_spline(place[known], times[phase, depth, known], k=1)
            filled[phase, depth] = line(place)
        else:
            filled[phase, depth] = filled[phase, depth - 1]
    return filled
