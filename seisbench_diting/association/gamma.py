"""
Association by the library GaMMA, which fits a mixture of events to picks.

Zhu, W., McBrearty, I. W., Mousavi, S. M., Ellsworth, W. L., & Beroza, G. C. (2022).
Earthquake phase association using a Bayesian Gaussian mixture model. Journal of
Geophysical Research: Solid Earth, 127(5). <https://doi.org/10.1029/2021JB023249>
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cached_property
from typing import Any

import gamma.utils
import joblib
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from ..travel_times import TravelTimeTable, constant_velocities
from .associate_settings import GammaSettings
from .core import Associator, Found, Network, make_found, nothing_found

#: GaMMA's axes.
_AXES = ["x(km)", "y(km)", "z(km)"]

#: Picks that are clustered at once: neighbours of all of them are held in memory.
_CLUSTERED = 20_000

#: Number of picks that are processed in the time that a process needs to start.
_PICKS_A_PROCESS = 500

#: GaMMA takes the logarithm of a pick's probability.
_LEAST_PROBABILITY = 0.01

#: GaMMA gets seconds after this time: not every system has times before 1970.
_EPOCH = pd.Timestamp("2000-01-01")

#: Events' time, x, y and depth; and event and pick.
_Result = tuple[list[tuple[float, ...]], list[tuple[int, int]]]


class Gamma(Associator[GammaSettings]):
    """
    Passes picks, stations and velocities to GaMMA and cleans its results, see
    :py:func:`.make_found`. Amplitudes of picks are not used.

    Layered models are replaced by the constant velocities that fit their travel times
    best, see :py:func:`equivalent_velocities`.
    """

    @property
    def margin_km(self) -> float:
        """Largest distance of events outside the network."""
        return self.settings.margin_km

    def find(self, progress: bool = False) -> Found:
        """See :py:class:`.Associator`."""
        # GaMMA finds no event with one P and one S.
        if len(self.network.stations) < 2:
            return nothing_found()
        pieces = self._pieces()
        events: list[tuple[float, ...]] = []
        assigned: list[tuple[int, int]] = []
        total = sum(map(len, pieces))
        with tqdm(total=total, unit="pick", disable=not progress, delay=1) as bar:
            for piece, (some, theirs) in zip(pieces, self._run(pieces), strict=True):
                assigned += [(len(events) + event, pick) for event, pick in theirs]
                events += some
                bar.update(len(piece))
        if not events:
            return nothing_found()
        return make_found(
            self.network,
            self.settings,
            pd.DataFrame(events, columns=["time_s", "x_km", "y_km", "depth_km"]),
            pd.DataFrame(assigned, columns=["event", "pick"]),
        )

    @cached_property
    def _velocities(self) -> dict[str, float]:
        # With times in a table, as its solver for layers makes them, GaMMA needs 2.7 times
        # as long for an hour of central Italy and finds the same share of events. That
        # solver also creates a folder in the working directory.
        p, s = constant_velocities(self.settings.velocity) or equivalent_velocities(
            self.travel_times, self.network, self.settings.max_depth_km
        )
        return {"p": p, "s": s}

    @cached_property
    def _picks(self) -> pd.DataFrame:
        """Input of GaMMA, sorted by time; otherwise it takes S for P at the beginning."""
        picks = self.network.picks
        return pd.DataFrame(
            {
                "id": picks["station"].astype(str),
                "timestamp": _EPOCH + pd.to_timedelta(picks["seconds"], unit="s"),
                "type": np.where(self.network.is_s, "S", "P"),
                "prob": picks["probability"].clip(lower=_LEAST_PROBABILITY),
            }
        )

    @cached_property
    def _stations(self) -> pd.DataFrame:
        places = [*self.network.xy, -self.network.elevation_km]
        table = pd.DataFrame(dict(zip(_AXES, places, strict=True)))
        return table.assign(id=table.index.astype(str))

    def _config(self) -> dict[str, Any]:
        s = self.settings
        limits = [*self.network.limits_km(s.margin_km), (0.0, s.max_depth_km)]
        return {
            "dims": _AXES,
            **dict(zip(_AXES, limits, strict=True)),
            "bfgs_bounds": (*limits, (None, None)),
            "vel": self._velocities,
            "use_amplitude": False,
            # They are clusters already.
            "use_dbscan": False,
            "ncpu": 1,
            "oversample_factor": s.oversample_factor,
            "max_sigma11": s.max_sigma11_s,
            "min_picks_per_eq": max(s.min_picks, 1),
            "min_p_picks_per_eq": s.min_p_picks,
            "min_s_picks_per_eq": s.min_s_picks,
        }

    def _pieces(self) -> list[np.ndarray]:
        """Rows of the picks of each cluster, the largest ones first."""
        s, seconds = self.settings, self.network.seconds
        # Long enough that one of two neighbours has all picks of an event.
        overlap = self.network.diameter_km / self._velocities["s"]
        pieces = []
        for rows in _cut(np.arange(len(seconds)), seconds, _CLUSTERED, overlap):
            labels = self._clusters(rows)
            order = np.argsort(labels, kind="stable")
            starts = np.flatnonzero(np.diff(labels[order])) + 1
            for cluster in np.split(order, starts):
                # Picks without a cluster have a label below 0.
                if labels[cluster[0]] >= 0 and len(cluster) >= s.min_picks:
                    pieces += _cut(rows[cluster], seconds, s.max_cluster_picks, overlap)
        # So that no process is left with a large one at the end.
        return sorted(pieces, key=len, reverse=True)

    def _clusters(self, rows: np.ndarray) -> np.ndarray:
        """GaMMA's clusters of some picks."""
        s, picks = self.settings, self._picks.iloc[rows]
        eps, p = s.dbscan_eps_s, self._velocities["p"]
        with _quiet():
            if not eps and not np.isfinite(
                eps := gamma.utils.estimate_eps(self._stations, p)
            ):
                # It needs three stations at different places.
                eps = max(self.network.diameter_km / p, 1.0)
            return gamma.utils.hierarchical_dbscan_clustering(
                self.network.seconds[rows, None],
                self._stations[_AXES].to_numpy()[picks["id"].astype(int)],
                picks["type"].to_numpy(),
                picks["prob"].to_numpy()[:, None],
                self._velocities,
                eps=eps,
                min_samples=s.dbscan_min_samples,
                min_cluster_size=s.dbscan_min_cluster_size,
                max_time_space_ratio=s.dbscan_max_time_space_ratio,
            )

    def _run(self, pieces: list[np.ndarray]) -> Iterator[_Result]:
        """Results in the order of the pieces, each as soon as it is there."""
        config, stations = self._config(), self._stations
        tasks = (
            joblib.delayed(_associate)(self._picks.iloc[piece], stations, config)
            for piece in pieces
        )
        enough = sum(map(len, pieces)) // _PICKS_A_PROCESS
        threads = self.settings.threads or os.cpu_count() or 1
        # Its processes are not forked, which could hang beside PyTorch's threads, need no
        # __main__ guard in scripts, and end some seconds after their work.
        return joblib.Parallel(
            max(min(threads, enough), 1),
            return_as="generator",
            backend="loky",
            idle_worker_timeout=10,
        )(tasks)


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
    number = np.bincount((network.distances_km / step_km).round().astype(int).ravel())
    distance = np.arange(len(number)) * step_km
    depth = np.arange(0, max_depth_km + 0.1, step_km)[:, None]
    length = np.hypot(distance, depth)
    p, s = (
        float(
            np.sum(number * length**2, where=np.isfinite(times))
            / np.nansum(number * length * times)
        )
        for times in travel_times.first_arrivals(*np.broadcast_arrays(distance, depth))
    )
    return p, s


def _cut(
    rows: np.ndarray, seconds: np.ndarray, most: int, overlap_s: float
) -> list[np.ndarray]:
    """
    Cuts rows that are sorted by time. Neighbouring pieces overlap by some seconds, but by
    at most half of their length.
    """
    pieces, start, seconds = [], 0, seconds[rows]
    while start + most < len(rows):
        stop = start + most
        pieces.append(rows[start:stop])
        common = int(np.searchsorted(seconds, seconds[stop] - overlap_s))
        start = min(max(common, start + most // 2), stop)
    return [*pieces, rows[start:]]


def _associate(
    picks: pd.DataFrame, stations: pd.DataFrame, config: dict[str, Any]
) -> _Result:
    """Events, and for each of their picks the event and the row."""
    with _quiet():
        events, assigned = gamma.utils.association(picks, stations, dict(config))
    number = {event["event_index"]: row for row, event in enumerate(events)}
    times = [(pd.Timestamp(e["time"]) - _EPOCH).total_seconds() for e in events]
    places = [[float(event[axis]) for axis in _AXES] for event in events]
    return (
        [(time, *place) for time, place in zip(times, places, strict=True)],
        [(number[event], int(row)) for row, event, _ in assigned],
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """
    Hides all output of GaMMA, and seeds its random numbers for each cluster, so that
    results do not depend on the process. The caller's random state is restored.
    """
    state = np.random.get_state()
    np.random.seed(0)
    try:
        with (
            # For such small matrices, more threads take ten times as long.
            threadpool_limits(1),
            warnings.catch_warnings(),
            redirect_stdout(io.StringIO()),
            redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(state)


METHOD = Gamma
