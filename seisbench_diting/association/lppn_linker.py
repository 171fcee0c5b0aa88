"""
Association by the LPPN linker, a network that decides from distance and time which picks can
belong to an origin.

Yu, Z., Wang, W., & Chen, Y. (2023). Benchmark on the accuracy and efficiency of several
neural network based phase pickers using datasets from China Seismic Network. Earthquake
Science, 36(2), 113-131. <https://doi.org/10.1016/j.eqs.2022.10.001>
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from .._util import ArgumentError
from ..travel_times import TravelTimeTable, make_table
from . import greedy
from .associate_settings import LppnSettings
from .core import Found
from .greedy import Candidates, Greedy

#: Classes of the network.
CLASSES = ("none", "Pg", "Sg", "Pn", "Sn")

#: The package's own weights; ``python -m benchmarks.linker`` makes them.
OWN_WEIGHTS = Path(__file__).parent / "weights" / "linker.pt"

#: Velocity model and depth that these are trained for, km.
MODEL, DEPTH_KM = "iasp91", 8.0

#: Distances and times are given in hundreds.
_SCALE = 100.0

#: Steps of tables that are made from it.
DISTANCE_STEP_KM, TIME_STEP_S = 1.0, 0.1

#: Below these odds, no pick belongs to an origin: arrivals of a distance may be cut off
#: near the end of the window.
_LEAST_ODDS = 0.5

#: Densities below this share of the largest one are set to zero.
_LEAST_SHARE = 0.02

#: Origin times that are scored together, so that what is added up fits a processor's cache.
_TOGETHER = 30

#: Largest numbers of epicentres, and of values over depths and distances for each thread.
#: They limit the memory.
_MOST_NODES, _MOST_VALUES = 1_000_000, 100_000_000

#: A pick adds about this much to a score where picks are rare.
_GAIN = 1.5


class Linker(nn.Module):
    """
    The published network, compatible with its weights.

    Input: (points, 2) float32, epicentral distance in 100 km and seconds after the origin
    in 100 s. Output: (points, 5) logits of :py:data:`CLASSES`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Sequential(
            *(nn.Linear(2, 32), nn.BatchNorm1d(32), nn.Tanh()),
            *(nn.Linear(32, 32), nn.BatchNorm1d(32), nn.Tanh()),
            nn.Linear(32, len(CLASSES)),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return self.dense(x)

    @torch.no_grad()
    def odds(self, distance_km: np.ndarray | float, seconds: np.ndarray) -> np.ndarray:
        """
        :param distance_km: Epicentral distances
        :param seconds: Seconds after the origin, of a shape that broadcasts with it
        :return: Odds of P (Pg or Pn) and of S against none, (2, ...)
        """
        points = np.stack(np.broadcast_arrays(distance_km, seconds), axis=-1) / _SCALE
        flat = torch.from_numpy(points.reshape(-1, 2).astype(np.float32))
        none, pg, sg, pn, sn = self(flat).double().unbind(1)
        logarithms = torch.stack([torch.logaddexp(pg, pn), torch.logaddexp(sg, sn)])
        odds = (logarithms - none).clamp(max=50.0).exp().numpy()
        return odds.reshape(2, *points.shape[:-1])


def load_linker(path: str | Path = OWN_WEIGHTS) -> Linker:
    """
    :param path: State dict, such as the published ``link32.ckpt``
    :raises FileNotFoundError: if the file does not exist
    :raises ValueError: if it isn't the state dict of such a network
    :return: Network in evaluation mode
    """
    linker = Linker()
    if not Path(path).is_file():
        raise FileNotFoundError(f"network={str(path)!r}: the file does not exist.")
    try:
        linker.load_state_dict(torch.load(path, "cpu", weights_only=True))
    # Damaged files raise errors of many kinds.
    except Exception as error:
        raise ValueError(
            f"network={str(path)!r} does not hold weights of the linker: "
            f"{' '.join(str(error).split())[:200]}."
        ) from error
    return linker.eval()


class LinkTable(NamedTuple):
    """
    The output of a network on a grid.

    A network is trained on picks of events and on random picks. Its odds therefore give the
    density of the times at which picks of events arrive.

    :param density: Density of P and S picks of an origin, 1/s, float32, (2, depths,
        distances, times), with steps of :py:data:`DISTANCE_STEP_KM` and :py:data:`TIME_STEP_S`
    :param depths_km: Depths
    """

    density: np.ndarray
    depths_km: np.ndarray


def published_table(
    linker: Linker, max_distance_km: float, window_s: float
) -> LinkTable:
    """
    :param linker: Network, used for origins at all depths
    :param max_distance_km: Largest distance
    :param window_s: Longest time after an origin
    :return: Table with one depth
    """
    distances, times = _axes(max_distance_km, window_s)
    density = _density(linker.odds(distances[:, None], times))
    return LinkTable(density[:, None].copy(), np.array([DEPTH_KM]))


def own_table(
    linker: Linker,
    max_distance_km: float,
    window_s: float,
    travel_times: TravelTimeTable,
    depths_km: np.ndarray,
) -> LinkTable:
    """
    The network is trained for travel times of :py:data:`MODEL` at :py:data:`DEPTH_KM`. For
    other models and depths, times are shifted by the difference of travel times.

    :param linker: Network
    :param max_distance_km: Largest distance
    :param window_s: Longest time after an origin
    :param travel_times: Travel times
    :param depths_km: Depths
    :return: Table
    """
    distances, times = _axes(max_distance_km, window_s)
    known = make_table(MODEL, distances[-1], DEPTH_KM).first_arrivals(
        distances, DEPTH_KM
    )
    shape = (2, len(depths_km), len(distances), len(times))
    density = np.zeros(shape, dtype=np.float32)
    for layer, depth in enumerate(depths_km):
        later = np.subtract(travel_times.first_arrivals(distances, depth), known)
        for phase, shift in enumerate(later):
            arrives = np.isfinite(shift)
            shifted = times - shift[arrives, None]
            odds = linker.odds(distances[arrives, None], shifted)[phase]
            density[phase, layer, arrives] = _density(odds)
    return LinkTable(density, depths_km)


def _axes(max_distance_km: float, window_s: float) -> tuple[np.ndarray, np.ndarray]:
    return (
        np.arange(0, max_distance_km + DISTANCE_STEP_KM, DISTANCE_STEP_KM),
        np.arange(0, window_s + TIME_STEP_S, TIME_STEP_S),
    )


def _density(odds: np.ndarray) -> np.ndarray:
    """Over times, the last axis; none where the network is sure that there are none."""
    high = np.where(odds < _LEAST_ODDS, 0, odds)
    total = high.sum(axis=-1, keepdims=True) * TIME_STEP_S
    density = high / np.where(total > 0, total, 1)
    density[density < _LEAST_SHARE * density.max(axis=-1, keepdims=True)] = 0
    return density.astype(np.float32)


class Lppn(Greedy):
    """
    Scores epicentres on a grid over sliding windows, by the picks that can belong to an
    origin there according to the network. Peaks become candidates.
    """

    settings: LppnSettings

    #: Neither the depth nor the place is known well.
    grid_errors_s = 0.3, 0.4

    @property
    def margin_km(self) -> float:
        """Largest distance of events outside the network."""
        return 1.5 * self.settings.margin_km + self.settings.grid_km

    def find(self, progress: bool = False) -> Found:
        """See :py:class:`.Associator`."""
        self.before_s = self.settings.window_s
        self._check_size()
        return super().find(progress)

    @cached_property
    def _table(self) -> LinkTable:
        s = self.settings
        if s.network:
            return published_table(load_linker(s.network), self._reach_km, s.window_s)
        return own_table(
            load_linker(), self._reach_km, s.window_s, self.travel_times, self._depths
        )

    @cached_property
    def _reach_km(self) -> float:
        return min(self.travel_times.max_distance_km, self.settings.max_distance_km)

    @cached_property
    def _depths(self) -> np.ndarray:
        step, deepest = self.settings.depth_grid_km, self.settings.max_depth_km
        return np.arange(step / 2, max(deepest, step / 2) + 1e-6, step)

    def _check_size(self) -> None:
        s = self.settings
        if (nodes := len(self._nodes[0])) > _MOST_NODES:
            raise ArgumentError(
                "grid_km",
                s.grid_km,
                f"it gives {nodes} epicentres; at most {_MOST_NODES} are possible",
            )
        depths = 1 if s.network else len(self._depths)
        # What stations add at some times, and the table itself.
        stations = len(self.network.stations)
        of_one = max(stations * (_TOGETHER + 2), 2 * s.window_s / TIME_STEP_S)
        if (
            values := depths * self._reach_km / DISTANCE_STEP_KM * of_one
        ) > _MOST_VALUES:
            raise ArgumentError(
                "depth_grid_km",
                s.depth_grid_km,
                f"{depths} depths need {values / _MOST_VALUES:.1f} times the memory that "
                "is possible; it also depends on max_depth_km, max_distance_km and window_s",
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
        step = self.settings.grid_km
        x, y = (
            np.arange(least, most + step, step)
            for least, most in self.network.limits_km(self.settings.margin_km)
        )
        return np.stack([axis.ravel() for axis in np.meshgrid(x, y)], axis=1), len(x)

    @cached_property
    def _bins(self) -> np.ndarray:
        """(nodes, stations): distances in steps of the table; -1 beyond it."""
        distance = self._distances(self._nodes[0])
        bins = np.rint(distance / DISTANCE_STEP_KM)
        far = bins >= self._table.density.shape[2]
        far |= distance > self.settings.max_distance_km
        return np.where(far, -1, bins).astype(np.int16)

    @cached_property
    def _blocks(self) -> tuple[np.ndarray, np.ndarray, int]:
        """
        Squares of four nodes: (blocks, 4) these nodes, -1 beyond the grid; (blocks,
        stations) distances of their middles; and how many bins a node's may differ.
        """
        nodes, columns = self._nodes
        grid = np.arange(len(nodes)).reshape(-1, columns)
        beyond = [(0, side % 2) for side in grid.shape]
        grid = np.pad(grid, beyond, constant_values=-1)
        members = np.stack(
            [grid[y::2, x::2].ravel() for y in (0, 1) for x in (0, 1)], axis=1
        )
        half = self.settings.grid_km / 2
        bins = np.rint(self._distances(nodes[members[:, 0]] + half) / DISTANCE_STEP_KM)
        bins = np.minimum(bins, self._table.density.shape[2] - 1)
        # The last row of -1 is that of nodes which are not there.
        of_nodes = np.vstack([self._bins, np.full_like(self._bins[:1], -1)])
        bins[(of_nodes[members] < 0).all(axis=1)] = -1
        reach = int(np.sqrt(2) * half / DISTANCE_STEP_KM) + 1
        return members.astype(np.int32), bins.astype(np.int16), reach

    def _distances(self, places: np.ndarray) -> np.ndarray:
        """(places, stations), km."""
        return np.hypot(*(places.T[:, :, None] - self.network.xy[:, None]))

    def candidates(
        self, begin: float, end: float, pool: ThreadPoolExecutor
    ) -> Candidates:
        """See :py:class:`.Greedy`."""
        step = self.settings.step_s
        # Prepared before threads would do it at once.
        _ = self._blocks, self._spans
        firsts = range(0, int(np.ceil((end - begin) / step)), _TOGETHER)
        found = pool.map(lambda first: self._score(begin + first * step), firsts)
        origins, scores = map(np.concatenate, zip(*found, strict=True))
        return origins, scores

    def _score(self, begin: float) -> Candidates:
        """Origin times from `begin` on, with one more before and after to compare with."""
        s = self.settings
        nodes, columns = self._nodes
        members, near, reach = self._blocks
        density = self._table.density
        _, depths, distances, _ = density.shape
        sites, number = len(self.network.stations), _TOGETHER + 2
        gains = np.empty((sites, depths, distances, number), dtype=np.float32)
        most = np.empty((sites, distances, number), dtype=np.float32)
        active = greedy.link_gains(
            self.problem,
            begin - s.step_s,
            s.step_s,
            density,
            self._spans,
            TIME_STEP_S,
            reach,
            gains,
            most,
        )
        if 2 * active.sum() < s.min_picks:
            return np.empty((0, 4)), np.empty(0)
        scores = np.empty((len(nodes), number), dtype=np.float32)
        layers = np.empty((len(nodes), number), dtype=np.uint16)
        least = _GAIN * s.min_picks
        greedy.add_links(
            self._bins, near, members, gains, most, active, least, scores, layers
        )
        node, k = find_peaks(scores, columns, least, s.peaks)
        x, y = nodes[node].T
        depth = self._table.depths_km[layers[node, k]]
        time = begin + (k - 1) * s.step_s
        return np.stack([x, y, depth, time], axis=1), scores[node, k].astype(float)


def find_peaks(
    scores: np.ndarray, columns: int, least: float, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """
    Nodes and times that no neighbour surpasses; of one time the best ones.

    :param scores: (nodes, times); the nodes are a grid with ``columns`` columns
    :param columns: Its columns
    :param least: Least score
    :param most: Most peaks of one time
    :return: Nodes and times, without the first and last one
    """
    node, k = np.nonzero(scores[:, 1:-1] >= least)
    k += 1
    value = scores[node, k]
    best = (scores[node, k - 1] <= value) & (scores[node, k + 1] < value)
    y, x = node // columns, node % columns
    for dy, dx in itertools.product((-1, 0, 1), repeat=2):
        v, u = (
            (y + dy).clip(0, len(scores) // columns - 1),
            (x + dx).clip(0, columns - 1),
        )
        best &= scores[v * columns + u, k] <= value
    node, k, value = node[best], k[best], value[best]
    order = np.lexsort((-value, k))
    node, k = node[order], k[order]
    first = np.arange(len(k)) - np.searchsorted(k, k) < most
    return node[first], k[first]


METHOD = Lppn
