"""
Association by the libraries PyOcto and GaMMA, which need not be installed.

Münchmeyer, J. (2024). PyOcto: A high-throughput seismic phase associator. Seismica, 3(1).
<https://doi.org/10.26443/seismica.v3i1.1130>

Zhu, W., McBrearty, I. W., Mousavi, S. M., Ellsworth, W. L., & Beroza, G. C. (2022).
Earthquake phase association using a Bayesian Gaussian mixture model. Journal of
Geophysical Research: Solid Earth, 127(5). <https://doi.org/10.1029/2021JB023249>
"""

from __future__ import annotations

import os
import struct
import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._util import process_pool, progress_bar
from ..travel_times import TravelTimeTable, constant_velocities
from .associate_settings import GammaSettings, PyOctoSettings, SearchSettings
from .core import Associator, Found, Network, nothing_found

#: GaMMA's axes.
_AXES = ["x(km)", "y(km)", "z(km)"]

#: GaMMA takes the logarithm of a pick's probability.
_LEAST_PROBABILITY = 0.01

#: Up to this number of picks during the travel time of waves PyOcto is fast.
_DENSE = 100

#: GaMMA gets seconds after this time: not every system has times before 1970.
_EPOCH = pd.Timestamp("2000-01-01")


class PyOcto(Associator):
    """
    Passes picks, stations and travel times to PyOcto and cleans its results, see
    :py:func:`make_found`. PyOcto reports no progress, so the bar shows seconds.
    """

    settings: PyOctoSettings

    @cached_property
    def margin_km(self) -> float:
        """Margin with which travel times reach across the whole search."""
        limits = self.network.limits_km(self.settings.margin_km)
        return (float(np.hypot(*np.diff(limits)[:, 0])) - self.network.diameter_km) / 2

    def find(self, progress: bool = False) -> Found:
        """See :py:class:`.Associator`."""
        network = self.network
        picks = pd.DataFrame(
            {
                "station": network.station.astype(str),
                "phase": np.where(network.is_s, "S", "P"),
                "time": network.seconds,
            }
        )
        x, y = network.xy
        stations = pd.DataFrame({"x": x, "y": y, "z": -network.elevation_km})
        stations["id"] = stations.index.astype(str)
        with tempfile.TemporaryDirectory(prefix="seisbench-diting-") as folder:
            associator = self._associator(Path(folder) / "travel_times.pyocto")
            self._warn_if_dense(associator.time_before)
            with (
                warnings.catch_warnings(),
                progress_bar("PyOcto associates", "s", progress) as bar,
                ThreadPoolExecutor(1) as thread,
            ):
                # pandas warns about PyOcto's use of it.
                warnings.simplefilter("ignore")
                result = thread.submit(associator.associate, picks, stations)
                while wait([result], 1).not_done:
                    bar.update()
                events, assigned = result.result()
        if len(events) == 0:
            return nothing_found()
        places = events[["x", "y", "z", "time"]].to_numpy()
        event, pick = assigned[["event_idx", "pick_idx"]].to_numpy().T
        return make_found(network, self.settings, places, event, pick)

    def _associator(self, path: Path) -> Any:
        import pyocto

        s, table = self.settings, self.travel_times
        cutoff = s.association_cutoff_distance_km or self._near_km()
        model: Any
        if constant := constant_velocities(s.velocity):
            model = pyocto.VelocityModel0D(*constant, s.tolerance_s, cutoff)
        else:
            write_model(table, path)
            # PyOcto adds the station's height to the path of a vertical ray.
            surface = (1 / table.rise[:, -1, 0].astype(float)).tolist()
            model = pyocto.VelocityModel1D(path, s.tolerance_s, cutoff, *surface)
        # Time of the slowest wave through the network.
        _, across = table.first_arrivals(
            self.network.diameter_km + s.margin_km, s.max_depth_km
        )
        before = float(np.nan_to_num(across, nan=np.nanmax(table.times)))
        # PyOcto would set these limits itself, with a warning.
        p, s_picks = max(s.min_p_picks, s.min_both), max(s.min_s_picks, s.min_both)
        xlim, ylim = self.network.limits_km(s.margin_km)
        return pyocto.OctoAssociator(
            xlim=xlim,
            ylim=ylim,
            # Its layered models begin at sea level.
            zlim=(0.0, s.max_depth_km),
            velocity_model=model,
            time_before=before,
            min_node_size=s.min_node_size_km,
            min_node_size_location=s.min_node_size_location_km,
            pick_match_tolerance=s.pick_match_tolerance_s,
            min_interevent_time=s.min_interevent_time_s,
            # Less weight on large residuals.
            exponential_edt=True,
            edt_pick_std=0.5,
            n_picks=max(s.min_picks, p + s_picks),
            n_p_picks=p,
            n_s_picks=s_picks,
            n_p_and_s_picks=s.min_both,
            time_slicing=max(s.time_slicing_s, 2 * before),
            min_pick_fraction=s.min_pick_fraction,
            n_threads=s.threads or None,
        )

    def _warn_if_dense(self, seconds: float) -> None:
        """
        :param seconds: Time of the slowest wave through the network
        """
        times = np.sort(self.network.seconds)
        within = np.searchsorted(times, times + seconds) - np.arange(len(times))
        # A short swarm in a quiet day costs little.
        if (number := int(np.quantile(within, 0.75))) > _DENSE:
            warnings.warn(
                f"Picks are dense: {number} in the {seconds:.0f} s that waves need through "
                "the network. PyOcto's time grows steeply with this number. Give it only the "
                "more probable picks, or take method='real'.",
                stacklevel=2,
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
    all depths. PyOcto never ends if times are missing: beyond the last known one, waves keep
    their mean speed.

    :param travel_times: Travel times
    :param path: File to write
    """
    times = travel_times.times.astype(np.float64)
    _, depths, distances = times.shape
    place = np.arange(distances)
    pace = pd.DataFrame((times / np.maximum(place, 1)).reshape(2 * depths, distances))
    longer = pace.ffill(axis=1).to_numpy().reshape(times.shape) * place
    times = np.where(np.isnan(times), longer, times)
    head = struct.pack("iid", distances, depths, travel_times.step_km)
    path.write_bytes(head + times.transpose(0, 2, 1).tobytes())


class Gamma(Associator):
    """
    Passes picks, stations and velocities to GaMMA and cleans its results, see
    :py:func:`make_found`. Amplitudes of picks are not used.

    Layered models are replaced by the constant velocities that fit their travel times
    best, see :py:func:`equivalent_velocities`: with times in a table, as its own solver for
    layers makes them, GaMMA needs 2.7 times as long for an hour of central Italy and finds
    the same share of events.
    """

    settings: GammaSettings

    def find(self, progress: bool = False) -> Found:
        """See :py:class:`.Associator`."""
        s, network = self.settings, self.network
        # GaMMA finds no event with one P and one S.
        if len(network.stations) < 2:
            return nothing_found()
        velocities = constant_velocities(s.velocity) or equivalent_velocities(
            self.travel_times, network, s.max_depth_km
        )
        # Sorted by time; otherwise it takes S for P at the beginning.
        picks = pd.DataFrame(
            {
                "id": network.station.astype(str),
                "timestamp": _EPOCH + pd.to_timedelta(network.seconds, unit="s"),
                "type": np.where(network.is_s, "S", "P"),
                "prob": network.picks["probability"].clip(lower=_LEAST_PROBABILITY),
            }
        )
        places = [*network.xy, -network.elevation_km]
        stations = pd.DataFrame(dict(zip(_AXES, places, strict=True)))
        stations["id"] = stations.index.astype(str)
        # Long enough that one of two neighbours has all picks of an event.
        overlap_s = network.diameter_km / velocities[1]
        pieces = pieces_of(network.seconds, s.max_cluster_picks, overlap_s)
        given = [picks[piece] for piece in pieces], repeat(stations)
        config = self._config(stations, *velocities)
        workers = min(s.threads or os.cpu_count() or 1, len(pieces))
        bar = progress_bar("Associating", "parts", progress, total=len(pieces))
        events, assigned = [np.empty((0, 4))], [np.empty((0, 2), dtype=int)]
        # Its own processes are forked, which may hang beside threads of PyTorch.
        with bar, process_pool(workers, _be_quiet) as pool:
            for some, theirs in pool.map(_associate, *given, repeat(config)):
                assigned.append(theirs + np.array([sum(map(len, events)), 0]))
                events.append(some)
                bar.update()
        event, pick = np.concatenate(assigned).T
        return make_found(network, s, np.concatenate(events), event, pick)

    def _config(self, stations: pd.DataFrame, p: float, s: float) -> dict[str, Any]:
        import gamma.utils

        options = self.settings
        limits = [*self.network.limits_km(options.margin_km), (0, options.max_depth_km)]
        with np.errstate(all="ignore"):
            eps = options.dbscan_eps_s or gamma.utils.estimate_eps(stations, p)
        return {
            "dims": _AXES,
            **dict(zip(_AXES, limits, strict=True)),
            "bfgs_bounds": (*limits, (None, None)),
            "vel": {"p": p, "s": s},
            "use_amplitude": False,
            "use_dbscan": True,
            # Its estimate needs three stations at different places.
            "dbscan_eps": eps if np.isfinite(eps) else self.network.diameter_km / p + 1,
            "dbscan_min_samples": options.dbscan_min_samples,
            "ncpu": 1,
            "oversample_factor": options.oversample_factor,
            "max_sigma11": options.max_sigma11_s,
            "min_picks_per_eq": options.min_picks,
            "min_p_picks_per_eq": options.min_p_picks,
            "min_s_picks_per_eq": options.min_s_picks,
        }


def equivalent_velocities(
    travel_times: TravelTimeTable, network: Network, max_depth_km: float
) -> tuple[float, float]:
    """
    Fits constant velocities to travel times by least squares, at all depths and at the
    distances between stations, because most events are within the network.

    :param travel_times: Travel times
    :param network: Stations
    :param max_depth_km: Largest depth
    :return: P and S in km/s
    """
    step_km = travel_times.step_km
    distance = np.quantile(network.distances_km, np.linspace(0, 1, 201))
    distance = (distance / step_km).round() * step_km
    depth = np.arange(0, max_depth_km + 0.1, step_km)[:, None]
    length = np.hypot(distance, depth)
    p, s = (
        float(np.sum(length**2, where=np.isfinite(times)) / np.nansum(length * times))
        for times in travel_times.first_arrivals(distance, depth)
    )
    return p, s


def pieces_of(seconds: np.ndarray, most: int, overlap_s: float) -> list[slice]:
    """
    Cuts times into pieces, as GaMMA's time and memory grow with the square of their number.

    :param seconds: Sorted times
    :param most: Largest number in a piece
    :param overlap_s: Overlap of neighbours, which is at most half of their length
    :return: Pieces
    """
    pieces, start = [], 0
    while start + most < len(seconds):
        stop = start + most
        pieces.append(slice(start, stop))
        common = int(np.searchsorted(seconds, seconds[stop] - overlap_s))
        start = min(max(common, start + most // 2), stop)
    return [*pieces, slice(start, len(seconds))]


def _be_quiet() -> None:
    """Prepares a process for GaMMA."""
    import gamma.utils  # noqa: F401
    from threadpoolctl import threadpool_limits

    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    warnings.simplefilter("ignore")
    # For such small matrices, more threads take ten times as long.
    threadpool_limits(1)


def _associate(
    picks: pd.DataFrame, stations: pd.DataFrame, config: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Places of events; and rows of events and of picks, for each pick."""
    import gamma.utils

    # For each piece, so that results do not depend on the process.
    np.random.seed(0)
    events, assigned = gamma.utils.association(picks, stations, config)
    number = {event["event_index"]: row for row, event in enumerate(events)}
    rows = [
        [*map(event.get, _AXES), (pd.Timestamp(event["time"]) - _EPOCH).total_seconds()]
        for event in events
    ]
    pairs = [(number[event], row) for row, event, _ in assigned]
    return np.reshape(rows, (-1, 4)), np.reshape(pairs, (-1, 2)).astype(int)


def make_found(
    network: Network,
    settings: SearchSettings,
    places: np.ndarray,
    event: np.ndarray,
    pick: np.ndarray,
) -> Found:
    """
    Cleans the results of libraries, so that all methods keep the same rules. If several
    events have the same pick, the event with the most picks keeps it. If an event has
    several picks of P, or of S, at one station, the most probable one is kept. Events
    without a finite place or time, or with fewer picks than the options require, are
    removed with their picks.

    :param network: Picks and stations
    :param settings: Minimum numbers of picks
    :param places: (events, 4), as in :py:class:`.Found`, in any order
    :param event: Row of the event, for each pick that was used
    :param pick: Row of this pick among the network's picks
    :return: Events, sorted by time, and their picks
    """
    order = np.lexsort(places[:, [2, 1, 0, 3]].T)
    places = places[order]
    table = pd.DataFrame({"event": np.argsort(order)[event], "pick": pick})
    table = table.sort_values(["event", "pick"])
    table["row"] = network.row[table["pick"]]
    table["station"] = table["row"] // 2
    table["size"] = table.groupby("event")["pick"].transform("size")
    table["probability"] = network.picks["probability"].to_numpy()[table["pick"]]
    table = (
        table[np.isfinite(places).all(axis=1)[table["event"]]]
        .sort_values(["size", "probability"], ascending=False, kind="stable")
        .drop_duplicates("pick")
        .drop_duplicates(["event", "row"])
        .sort_values(["event", "pick"])
    )
    is_s = table["row"] % 2 == 1
    keep = np.ones(len(places), dtype=bool)
    for which, least in (
        (slice(None), settings.min_picks),
        (~is_s, settings.min_p_picks),
        (is_s, settings.min_s_picks),
        # A station has at most one P and one S, so a second pick means that it has both.
        (table.duplicated(["event", "station"]), settings.min_both),
    ):
        keep &= np.bincount(table["event"][which], minlength=len(places)) >= least
    table = table[keep[table["event"]]]
    new_row = np.cumsum(keep) - 1
    return Found(places[keep], new_row[table["event"]], table["pick"].to_numpy())
