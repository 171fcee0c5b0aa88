"""
Association by the library PyOcto, which divides space and time into ever smaller boxes.

Münchmeyer, J. (2024). PyOcto: A high-throughput seismic phase associator. Seismica, 3(1).
<https://doi.org/10.26443/seismica.v3i1.1130>
"""

from __future__ import annotations

import struct
import tempfile
import warnings
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyocto
from scipy.interpolate import make_interp_spline

from ..travel_times import TravelTimeTable, constant_velocities
from .associate_settings import PyOctoSettings
from .core import Associator, Found, make_found, nothing_found


class PyOcto(Associator[PyOctoSettings]):
    """
    Picks, stations and travel times are PyOcto's input; what it finds is checked, see
    :py:func:`.make_found`. It shows no progress.
    """

    @cached_property
    def margin_km(self) -> float:
        """So that travel times reach from any corner of the search to any other."""
        limits = self.network.limits_km(self.settings.margin_km)
        return (float(np.hypot(*np.diff(limits)[:, 0])) - self.network.diameter_km) / 2

    def find(self, progress: bool = False) -> Found:
        """See :py:class:`.Associator`."""
        network = self.network
        picks = pd.DataFrame(
            {
                "station": network.picks["station"].astype(str),
                "phase": np.where(network.is_s, "S", "P"),
                "time": network.seconds,
            }
        )
        x, y = network.xy
        stations = pd.DataFrame({"x": x, "y": y, "z": -network.elevation_km})
        stations["id"] = stations.index.astype(str)
        with tempfile.TemporaryDirectory(prefix="seisbench-diting-") as folder:
            associator = self._make(Path(folder))
            with warnings.catch_warnings():
                # Of pandas, about PyOcto.
                warnings.simplefilter("ignore")
                events, assigned = associator.associate(picks, stations)
        if len(events) == 0:
            return nothing_found()
        names = {"time": "time_s", "x": "x_km", "y": "y_km", "z": "depth_km"}
        return make_found(
            network,
            self.settings,
            events[[*names]].rename(columns=names),
            assigned.rename(columns={"event_idx": "event", "pick_idx": "pick"}),
        )

    def _make(self, folder: Path) -> pyocto.OctoAssociator:
        s = self.settings
        table = self.travel_times
        # The slowest wave through the network.
        across = self.network.diameter_km + s.margin_km
        _, slowest = table.first_arrivals(across, s.max_depth_km)
        before = float(np.nan_to_num(slowest, nan=np.nanmax(table.times)))
        # Travel times must be known for all depths that are searched.
        known = np.flatnonzero(np.isfinite(table.times[:, :, 0]).all(axis=0))
        # What PyOcto takes for these limits, and what it would warn of.
        p, s_picks = max(s.min_p_picks, s.min_both), max(s.min_s_picks, s.min_both)
        xlim, ylim = self.network.limits_km(s.margin_km)
        return pyocto.OctoAssociator(
            xlim=xlim,
            ylim=ylim,
            # Layered models of PyOcto's begin at sea level.
            zlim=(0.0, min(s.max_depth_km, float(known[-1] * table.step_km))),
            velocity_model=self._velocity_model(folder),
            time_before=before,
            min_node_size=s.min_node_size_km,
            min_node_size_location=s.min_node_size_location_km,
            pick_match_tolerance=s.pick_match_tolerance_s,
            min_interevent_time=s.min_interevent_time_s,
            exponential_edt=s.exponential_edt,
            edt_pick_std=s.edt_pick_std_s,
            n_picks=max(s.min_picks, p + s_picks, 1),
            n_p_picks=p,
            n_s_picks=s_picks,
            n_p_and_s_picks=s.min_both,
            refinement_iterations=s.refinement_iterations,
            time_slicing=max(s.time_slicing_s, 2 * before),
            location_split_depth=s.location_split_depth,
            location_split_return=s.location_split_return,
            min_pick_fraction=s.min_pick_fraction,
            n_threads=s.threads or None,
        )

    def _velocity_model(self, folder: Path) -> pyocto.associator.VelocityModel:
        s = self.settings
        cutoff = s.association_cutoff_distance_km or self._near_km()
        if constant := constant_velocities(s.velocity):
            return pyocto.VelocityModel0D(*constant, s.tolerance_s, cutoff)
        path = folder / "travel_times.pyocto"
        write_model(self.travel_times, path)
        # A vertical ray's, which the station's height makes longer by itself.
        surface_p, surface_s = 1 / self.travel_times.rise[:, -1, 0].astype(float)
        return pyocto.VelocityModel1D(
            path,
            s.tolerance_s,
            association_cutoff_distance=cutoff,
            surface_p_velocity=float(surface_p),
            surface_s_velocity=float(surface_s),
        )

    def _near_km(self) -> float:
        """Distance within which most places have enough stations for an event."""
        distance = np.sort(self.network.distances_km, axis=1)
        number = min(self.settings.min_picks, len(distance) - 1)
        return 2 * float(np.median(distance[:, number])) or np.inf


def write_model(travel_times: TravelTimeTable, path: Path) -> None:
    """
    Writes travel times as PyOcto reads them: numbers of distances and depths as C's int,
    the step of both in km as double, and times of P and of S, for each distance those of
    all depths. PyOcto does not come to an end with gaps in them, so times go on from where
    they are known.

    :param travel_times: Travel times
    :param path: File to write
    """
    times = travel_times.times.astype(np.float64)
    _, depths, distances = times.shape
    place = np.arange(distances)
    for phase, depth in np.argwhere(np.isnan(times).any(axis=2)):
        known = np.isfinite(times[phase, depth])
        if known.sum() > 1:
            line = make_interp_spline(place[known], times[phase, depth, known], k=1)
            times[phase, depth] = line(place)
        else:
            times[phase, depth] = times[phase, depth - 1]
    head = struct.pack("iid", distances, depths, travel_times.step_km)
    path.write_bytes(head + times.transpose(0, 2, 1).tobytes())


METHOD = PyOcto
