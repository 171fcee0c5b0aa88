"""
Association by grid searches around stations, as in REAL.

Zhang, M., Ellsworth, W. L., & Beroza, G. C. (2019). Rapid Earthquake Association and
Location. Seismological Research Letters, 90(6), 2276-2284.
<https://doi.org/10.1785/0220190052>
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np

from . import greedy
from .associate_settings import RealSettings
from .core import SAME_PLACE_KM, Found
from .greedy import Candidates, Greedy

#: Nodes lie this share of a step beside the station, where azimuths are defined.
_BESIDE = 0.012

#: How wrong times of a grid's nodes are for each km of its step: less than a cell is long,
#: as the origin time makes up for what is common to all stations.
_ERROR_S_PER_KM = 0.1

#: More nodes need more memory than they are worth.
_MOST_NODES = 100_000

#: How far events are searched around stations, at least and at most, where nothing is said:
#: as far as this share of stations is from the next one.
_SEARCH_KM, _MOST_STATIONS = (10.0, 60.0), 0.9

#: A pick at a grid's node adds about this much to its score where picks are rare.
_GAIN = 2.0


class Real(Greedy):
    """
    Each P pick starts a search around its station: for every node of a grid the origin
    time follows, and P and S picks at the expected times are counted, by how well they
    fit. The best node of each becomes a candidate.
    """

    settings: RealSettings

    @property
    def margin_km(self) -> float:
        """How far outside the network events may be."""
        return 1.5 * self._search_km

    @cached_property
    def _search_km(self) -> float:
        if self.settings.search_km:
            return self.settings.search_km
        apart = self.network.distances_km
        next_one = np.where(apart < SAME_PLACE_KM, np.inf, apart).min(axis=0)
        next_one[np.isinf(next_one)] = 0
        return float(np.clip(np.quantile(next_one, _MOST_STATIONS), *_SEARCH_KM))

    def find(self, progress: bool = False) -> Found:
        """See :py:class:`.Associator`."""
        s = self.settings
        error = _ERROR_S_PER_KM * s.grid_km
        self.grid_errors_s = min(error, s.p_window_s / 2), min(error, s.s_window_s / 2)
        self._grid = _make_grid(s, self._search_km)
        return super().find(progress)

    def candidates(
        self, begin: float, end: float, pool: ThreadPoolExecutor
    ) -> Candidates:
        """See :py:class:`.Greedy`."""
        curves = self.curves(begin, end)
        stations = range(len(self.network.stations))
        found = pool.map(lambda n: self._search(n, begin, end, *curves), stations)
        origins, scores = map(np.concatenate, zip(*found, strict=True))
        good = scores >= _GAIN * self.settings.min_picks
        return origins[good], scores[good]

    def _search(
        self,
        station: int,
        begin: float,
        end: float,
        curves: np.ndarray,
        counts: np.ndarray,
        first: float,
    ) -> Candidates:
        """Around one station, for all its P picks."""
        problem, grid = self.problem, self._grid
        times = problem.time[slice(*problem.start[2 * station : 2 * station + 2])]
        times = times[(times >= begin) & (times < end)]
        if len(times) == 0:
            return np.empty((0, 4)), np.empty(0)
        rows = len(problem.start) - 1
        offsets = np.empty((rows, len(grid)), dtype=np.int32)
        low, high = np.empty((2, rows), dtype=np.int64)
        gaps = np.zeros(rows, dtype=np.bool_)
        own = greedy.grid_offsets(problem, grid, station, offsets, low, high, gaps)
        samples = np.rint((times - first) / greedy.STEP_S).astype(np.int64)
        reach = int(greedy.WIDTH * self.grid_errors.max() / greedy.STEP_S) + 1
        nodes = np.empty(len(times), dtype=np.int64)
        scores = np.empty(len(times), dtype=np.float32)
        greedy.best_nodes(
            curves, counts, samples, offsets, reach, low, high, gaps, nodes, scores
        )
        origins = np.empty((len(times), 4))
        origins[:, :3] = grid[nodes]
        origins[:, :2] += problem.stations[station, :2]
        origins[:, 3] = times - own[nodes]
        return origins, scores


def _make_grid(settings: RealSettings, search_km: float) -> np.ndarray:
    """(nodes, 3): x and y from the station, and depth, km."""
    number = int(search_km / settings.grid_km + 1e-6)
    deep = np.arange(0, settings.max_depth_km + 1e-6, settings.depth_grid_km)
    nodes = (2 * number + 1) ** 2 * len(deep)
    if nodes > _MOST_NODES:
        raise ValueError(
            f"search_km={search_km:g} with grid_km={settings.grid_km:g} and "
            f"max_depth_km={settings.max_depth_km:g} with "
            f"depth_grid_km={settings.depth_grid_km:g} are {nodes} nodes; {_MOST_NODES} "
            "are possible. Search less far, or with wider steps."
        )
    side = (np.arange(-number, number + 1) + _BESIDE) * settings.grid_km
    axes = np.meshgrid(side, side, deep, indexing="ij")
    return np.stack([axis.ravel() for axis in axes], axis=1)


METHOD = Real
