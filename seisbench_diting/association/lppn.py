"""
Association by the LPPN linker: a network tells from distance and time which picks can belong
to an origin.

Yu, Z., Wang, W., & Chen, Y. (2023). Benchmark on the accuracy and efficiency of several
neural network based phase pickers using datasets from China Seismic Network. Earthquake
Science, 36(2), 113-131. <https://doi.org/10.1016/j.eqs.2022.10.001>
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .interface import Associator, Found
from .linker import (
    DISTANCE_STEP_KM,
    TIME_STEP_S,
    LinkTable,
    load_linker,
    own_table,
    published_table,
)
from .pursuit import Candidates, Pursuit, PursuitOptions, Stretch, kernels

#: Origin times that are scored together, so that what is added up fits a processor's cache.
_TOGETHER = 30

#: More epicentres need more memory than they are worth, and so do more values over depths
#: and distances, for each thread.
_MOST_NODES, _MOST_VALUES = 1_000_000, 100_000_000

#: Residuals of P and S there, as neither the depth nor the place is known well.
_ERRORS_S = (0.3, 0.4)

#: A pick adds about this much to a score where picks are rare.
_GAIN = 1.5


#: Outside of these values options make no sense, or need days.
_LIMITS = {
    "step_s": (0.05, 10),
    "window_s": (1, 1000),
    "grid_km": (0.1, 100),
    "depth_grid_km": (0.1, 100),
    "margin_km": (0, 1000),
    "peaks": (1, 1000),
}


@dataclass(frozen=True)
class LppnOptions(PursuitOptions):
    """
    :param network: Weights of the network, such as the published ``link32.ckpt``. Default:
        the package's own
    :param step_s: Step of the origin times that are tried; the published linker has 1 s
    :param window_s: Longest time after an origin that picks count; the published linker
        has 30 s
    :param grid_km: Step of the epicentres that are tried
    :param depth_grid_km: Step of depths, which begin at half of it. Other weights than the
        package's own serve all depths at once
    :param margin_km: How far outside the network they are tried
    :param peaks: Most candidates of one origin time
    """

    network: str = ""
    step_s: float = 0.25
    window_s: float = 30.0
    grid_km: float = 2.0
    depth_grid_km: float = 5.0
    margin_km: float = 20.0
    peaks: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, (least, most) in _LIMITS.items():
            if not least <= (value := getattr(self, name)) <= most:
                raise ValueError(f"{name}={value} must be from {least} to {most}.")


class Lppn(Associator):
    """
    Epicentres on a grid are scored over sliding windows by the picks that the network says
    belong to an origin there; peaks become candidates, see :py:mod:`.pursuit`.
    """

    options_type = LppnOptions

    @property
    def margin_km(self) -> float:
        """How far outside the network events may be."""
        return 1.5 * self.options.margin_km + self.options.grid_km

    def find(self, progress: bool = False) -> Found:
        """See :py:class:`.Associator`."""
        options = self.options
        self._pursuit = Pursuit(
            self.network, self.travel_times, options, options.grid_km, _ERRORS_S
        )
        self._check_size()
        return self._pursuit.run(self._candidates, progress, before_s=options.window_s)

    @cached_property
    def _table(self) -> LinkTable:
        options = self.options
        linker = load_linker(options.network or None)
        if options.network:
            return published_table(linker, self._reach_km, options.window_s)
        return own_table(
            linker, self._reach_km, options.window_s, self.travel_times, self._depths
        )

    @cached_property
    def _reach_km(self) -> float:
        return min(self.travel_times.max_distance_km, self.options.max_distance_km)

    @cached_property
    def _depths(self) -> np.ndarray:
        step = self.options.depth_grid_km
        return np.arange(
            step / 2, max(self.options.max_depth_km, step / 2) + 1e-6, step
        )

    def _check_size(self) -> None:
        options = self.options
        depths = 1 if options.network else len(self._depths)
        # What stations add at some times, and the table itself.
        of_one = max(
            self._pursuit.rows.number // 2 * (_TOGETHER + 2),
            2 * options.window_s / TIME_STEP_S,
        )
        distances = int(self._reach_km / DISTANCE_STEP_KM) + 1
        if (values := depths * distances * of_one) > _MOST_VALUES:
            raise ValueError(
                f"depth_grid_km={options.depth_grid_km} gives {depths} depths, which with "
                f"{distances} distances are {values / _MOST_VALUES:.1f} times what is "
                "possible. Take a wider one, or a smaller max_depth_km, max_distance_km or "
                "window_s."
            )

    @cached_property
    def _spans(self) -> np.ndarray:
        """(2, depths, distances, 2): first and last time at which picks may come."""
        some = self._table.density > 0
        last = some.shape[-1] - 1 - some[..., ::-1].argmax(axis=-1)
        first = np.where(some.any(axis=-1), some.argmax(axis=-1), last + 1)
        return np.stack([first, last], axis=-1).astype(np.int32)

    @cached_property
    def _nodes(self) -> tuple[np.ndarray, int]:
        """(nodes, 2): x and y in km, row by row; and how many are in a row."""
        stations, options = self.network.stations, self.options
        x, y = (
            np.arange(
                values.min() - options.margin_km,
                values.max() + options.margin_km + options.grid_km,
                options.grid_km,
            )
            for values in (stations["x_km"], stations["y_km"])
        )
        if (nodes := len(x) * len(y)) > _MOST_NODES:
            raise ValueError(
                f"grid_km={options.grid_km} gives {nodes} epicentres for stations "
                f"{self.network.diameter_km:.0f} km apart; {_MOST_NODES} are possible. "
                "Take a wider one."
            )
        grid = np.meshgrid(x, y)
        return np.stack([axis.ravel() for axis in grid], axis=1), len(x)

    @cached_property
    def _bins(self) -> np.ndarray:
        """(nodes, stations): distances in steps of the table; -1 beyond it."""
        distance = self._distances(self._nodes[0])
        bins = np.rint(distance / DISTANCE_STEP_KM)
        far = (bins >= self._table.density.shape[2]) | (
            distance > self.options.max_distance_km
        )
        return np.where(far, -1, bins).astype(np.int16)

    @cached_property
    def _blocks(self) -> tuple[np.ndarray, np.ndarray, int]:
        """
        Squares of four nodes: (blocks, 4) these nodes, -1 beyond the grid; (blocks,
        stations) distances of their middles; and how many bins a node's may differ.
        """
        nodes, columns = self._nodes
        grid = np.arange(len(nodes)).reshape(-1, columns)
        grid = np.pad(
            grid,
            [(0, side % 2) for side in grid.shape],
            constant_values=-1,
        )
        members = np.stack(
            [grid[y::2, x::2].ravel() for y in (0, 1) for x in (0, 1)], axis=1
        )
        half = self.options.grid_km / 2
        bins = np.rint(self._distances(nodes[members[:, 0]] + half) / DISTANCE_STEP_KM)
        bins = np.minimum(bins, self._table.density.shape[2] - 1)
        # The last row of -1 is that of nodes which are not there.
        of_nodes = np.vstack([self._bins, np.full_like(self._bins[:1], -1)])
        far = (of_nodes[members] < 0).all(axis=1)
        reach = int(np.sqrt(2) * half / DISTANCE_STEP_KM) + 1
        return (
            members.astype(np.int32),
            np.where(far, -1, bins).astype(np.int16),
            reach,
        )

    def _distances(self, places: np.ndarray) -> np.ndarray:
        """(places, stations), km."""
        stations = self._pursuit.stations
        return np.hypot(places[:, :1] - stations[:, 0], places[:, 1:] - stations[:, 1])

    def _candidates(self, stretch: Stretch, pool: ThreadPoolExecutor) -> Candidates:
        step = self.options.step_s
        number = int(np.ceil((stretch.end - stretch.begin) / step))
        # Prepared before threads would do it at once.
        _ = self._blocks, self._spans
        found = list(
            pool.map(
                lambda first: self._score(stretch.begin + first * step),
                range(0, number, _TOGETHER),
            )
        )
        return (
            np.concatenate([origins for origins, _ in found]),
            np.concatenate([scores for _, scores in found]),
        )

    def _score(self, begin: float) -> Candidates:
        """Origin times from `begin` on, with one more before and after to compare with."""
        options, pursuit = self.options, self._pursuit
        nodes, columns = self._nodes
        number = _TOGETHER + 2
        members, near, reach = self._blocks
        rows = pursuit.rows
        _, depths, distances, _ = self._table.density.shape
        sites = rows.number // 2
        gains = np.empty((sites, depths, distances, number), dtype=np.float32)
        most = np.empty((sites, distances, number), dtype=np.float32)
        active = np.empty(sites, dtype=np.bool_)
        kernels.link_gains(
            rows.time,
            rows.start,
            pursuit.claimed,
            begin - options.step_s,
            options.step_s,
            self._table.density,
            self._spans,
            TIME_STEP_S,
            reach,
            gains,
            most,
            active,
        )
        if 2 * active.sum() < options.min_picks:
            return np.empty((0, 4)), np.empty(0)
        scores = np.empty((len(nodes), number), dtype=np.float32)
        layers = np.empty((len(nodes), number), dtype=np.uint16)
        least = _GAIN * options.min_picks
        kernels.add_links(
            self._bins, near, members, gains, most, active, least, scores, layers
        )
        found = np.empty((options.peaks * number, 2), dtype=np.int64)
        count = kernels.peaks(scores, columns, least, options.peaks, found)
        node, k = found[:count].T
        origins = np.empty((count, 4))
        origins[:, :2] = nodes[node]
        origins[:, 2] = self._table.depths_km[layers[node, k]]
        origins[:, 3] = begin + (k - 1) * options.step_s
        return origins, scores[node, k].astype(float)
