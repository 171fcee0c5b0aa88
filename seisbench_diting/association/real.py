"""
Association by grid searches around stations, as in REAL.

Zhang, M., Ellsworth, W. L., & Beroza, G. C. (2019). Rapid Earthquake Association and
Location. Seismological Research Letters, 90(6), 2276-2284.
<https://doi.org/10.1785/0220190052>
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .interface import Associator, Found
from .pursuit import Candidates, Pursuit, PursuitOptions, Stretch, kernels
from .real_names import GRID_KM, read_real_names

#: Nodes lie this share of a step beside the station, where azimuths are defined.
_BESIDE = 0.012

#: How wrong times of a grid's nodes are for each km of its step: less than a cell is long,
#: as the origin time makes up for what is common to all stations.
_ERROR_S_PER_KM = 0.1

#: More nodes need more memory than they are worth.
_MOST_NODES = 100_000

#: How far events are searched around stations, at least and at most, where nothing is said:
#: as far as this share of stations is from the next one that is not at the same place.
_SEARCH_KM, _MOST_STATIONS, _ONE_PLACE_KM = (10.0, 60.0), 0.9, 0.5

#: A pick at a grid's node adds about this much to its score where picks are rare.
_GAIN = 2.0


@dataclass(frozen=True)
class RealOptions(PursuitOptions):
    """
    :param search_km: Events are searched this far around the station of each P pick, to
        the north, south, east and west; 0 for as far as most stations are from the next
        one, and at least 10 km
    :param grid_km: Step of the grid there
    :param depth_grid_km: Its step in depth
    :param R: Search in REAL's own words, rx/rh/tdx/tdh/tint[/gap/GCarc0]: range
        (degrees), depth (km), grid (degrees), grid (km), event interval (s), azimuthal
        gap (degrees), largest distance (degrees). These options of REAL's take the place
        of others here.
    :param G: Travel-time table, trx/trh/tdx/tdh: its range limits the distance
    :param V: Velocities, vp0/vs0: they tell how long the windows are
    :param S: Limits, np0/ns0/nps0/npsboth0/std0/dtps/nrt[/drt/nxd/rsel/ires]: picks of P,
        S, and both together, stations with both, standard deviation (s), least S minus P
        (s), windows in grid cells; nxd, the nearest station as a share of the largest
        distance. The others have nothing here that they would change.
    """

    search_km: float = 0.0
    grid_km: float = GRID_KM
    depth_grid_km: float = GRID_KM
    R: str = ""
    G: str = ""
    V: str = ""
    S: str = ""

    def __post_init__(self) -> None:
        for name, value in read_real_names(self.R, self.G, self.V, self.S).items():
            object.__setattr__(self, name, value)
        super().__post_init__()
        for name in ("grid_km", "depth_grid_km"):
            if not 0.01 <= (value := getattr(self, name)) <= 100:
                raise ValueError(f"{name}={value} must be from 0.01 to 100.")
        if not 0 <= self.search_km <= 1000:
            raise ValueError(f"search_km={self.search_km} must be from 0 to 1000.")
        if 0 < self.search_km < self.grid_km:
            raise ValueError(
                f"grid_km={self.grid_km} must not be larger than "
                f"search_km={self.search_km}."
            )


class Real(Associator):
    """
    Each P pick starts a search around its station: for every node of a grid the origin
    time follows, and P and S picks at the times expected are counted, by how well they
    fit. The best node of each becomes a candidate; see :py:mod:`.pursuit` for how these
    become events.
    """

    options_type = RealOptions

    @property
    def margin_km(self) -> float:
        """How far outside the network events may be."""
        return 1.5 * self._search_km

    @cached_property
    def _search_km(self) -> float:
        if self.options.search_km:
            return self.options.search_km
        x, y = (self.network.stations[name].to_numpy() for name in ("x_km", "y_km"))
        apart = np.hypot(x[:, None] - x, y[:, None] - y)
        apart[apart < _ONE_PLACE_KM] = np.inf
        next_one = np.where(np.isfinite(least := apart.min(axis=0)), least, 0)
        spacing = float(np.quantile(next_one, _MOST_STATIONS))
        return float(np.clip(spacing, *_SEARCH_KM))

    def find(self, progress: bool = False) -> Found:
        """See :py:class:`.Associator`."""
        options = self.options
        error = _ERROR_S_PER_KM * options.grid_km
        self._pursuit = Pursuit(
            self.network,
            self.travel_times,
            options,
            options.grid_km,
            (min(error, options.p_window_s / 2), min(error, options.s_window_s / 2)),
        )
        self._grid = _grid(options, self._search_km)
        return self._pursuit.run(self._candidates, progress)

    def _candidates(self, stretch: Stretch, pool: ThreadPoolExecutor) -> Candidates:
        curves = self._pursuit.curves(stretch)
        found = list(
            pool.map(
                lambda station: self._search(station, stretch, curves),
                range(len(self._pursuit.stations)),
            )
        )
        origins = np.concatenate([origin for origin, _ in found])
        scores = np.concatenate([score for _, score in found])
        good = scores >= _GAIN * self.options.min_picks
        return origins[good], scores[good]

    def _search(
        self,
        station: int,
        stretch: Stretch,
        curves: tuple[np.ndarray, np.ndarray, float],
    ) -> Candidates:
        """Around one station, for all its P picks."""
        pursuit, grid = self._pursuit, self._grid
        first, last = pursuit.rows.start[2 * station : 2 * station + 2]
        times = pursuit.rows.time[first:last]
        times = times[(times >= stretch.begin) & (times < stretch.end)]
        if len(times) == 0:
            return np.empty((0, 4)), np.empty(0)
        rows = pursuit.rows.number
        offsets = np.empty((rows, len(grid)), dtype=np.int32)
        low, high = np.empty((2, rows), dtype=np.int64)
        gaps = np.zeros(rows, dtype=np.bool_)
        own = kernels.grid_offsets(
            grid,
            station,
            pursuit.stations,
            pursuit.table,
            self.options.max_distance_km,
            offsets,
            low,
            high,
            gaps,
        )
        values, counts, begin = curves
        nodes = np.empty(len(times), dtype=np.int64)
        scores = np.empty(len(times), dtype=np.float32)
        reach = int(kernels.WIDTH * pursuit.grid_errors.max() / kernels.STEP_S) + 1
        kernels.best_nodes(
            values,
            counts,
            np.rint((times - begin) / kernels.STEP_S).astype(np.int64),
            offsets,
            reach,
            low,
            high,
            gaps,
            nodes,
            scores,
        )
        origins = np.empty((len(times), 4))
        origins[:, :3] = grid[nodes]
        origins[:, :2] += pursuit.stations[station, :2]
        origins[:, 3] = times - own[nodes]
        return origins, scores


def _grid(options: RealOptions, search_km: float) -> np.ndarray:
    """(nodes, 3): x and y from the station, and depth, km."""
    number = int(search_km / options.grid_km + 1e-6)
    deep = np.arange(0, options.max_depth_km + 1e-6, options.depth_grid_km)
    nodes = (2 * number + 1) ** 2 * len(deep)
    if nodes > _MOST_NODES:
        raise ValueError(
            f"search_km={search_km:g} with grid_km={options.grid_km:g} and "
            f"max_depth_km={options.max_depth_km:g} with "
            f"depth_grid_km={options.depth_grid_km:g} are {nodes} nodes; "
            f"{_MOST_NODES} are possible. Search less far, or with wider steps."
        )
    side = (np.arange(-number, number + 1) + _BESIDE) * options.grid_km
    axes = np.meshgrid(side, side, deep, indexing="ij")
    return np.stack([axis.ravel() for axis in axes], axis=1)
