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
from pathlib import Path

import numpy as np
import torch
from torch import nn

from .._util import ArgumentError
from ..travel_times import TravelTimeTable, make_table
from .associate_settings import LppnSettings
from .core import Found, check_size
from .greedy import Candidates, Greedy
from .location import BACKGROUND_S, DETECTED, LEAST_RATE, compiled

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

#: Largest number of epicentres, which limits the memory.
_MOST_NODES = 1_000_000

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
    :raises ValueError: if it isn't the state dict of such a network
    :return: Network in evaluation mode
    """
    linker = Linker()
    try:
        linker.load_state_dict(torch.load(path, "cpu", weights_only=True))
    # Damaged files raise errors of many kinds.
    except Exception as error:
        reason = f"it holds no weights of the linker: {str(error)[:200]}"
        raise ArgumentError("network", str(path), reason) from error
    return linker.eval()


def link_densities(
    linker: Linker,
    max_distance_km: float,
    window_s: float,
    depths_km: np.ndarray,
    travel_times: TravelTimeTable | None = None,
) -> np.ndarray:
    """
    The output of a network on a grid. A network is trained on picks of events and on random
    picks. Its odds therefore give the density of the times at which picks of events arrive.

    :param linker: Network
    :param max_distance_km: Largest distance
    :param window_s: Longest time after an origin
    :param depths_km: Depths
    :param travel_times: Travel times, for a network that is trained for those of
        :py:data:`MODEL` at :py:data:`DEPTH_KM`: times are shifted by the difference. If not
        given, all depths have the output of the network.
    :return: Density of P and S picks of an origin, 1/s, float32, (2, depths, distances,
        times), with steps of :py:data:`DISTANCE_STEP_KM` and :py:data:`TIME_STEP_S`
    """
    distances = np.arange(0, max_distance_km + DISTANCE_STEP_KM, DISTANCE_STEP_KM)
    times = np.arange(0, window_s + TIME_STEP_S, TIME_STEP_S)
    shape = (2, len(depths_km), len(distances), len(times))
    density = np.zeros(shape, dtype=np.float32)
    later = np.zeros((2, len(distances)))
    trained = make_table(MODEL, distances[-1], DEPTH_KM)
    known = trained.first_arrivals(distances, DEPTH_KM)
    for layer, depth in enumerate(depths_km):
        if travel_times is not None:
            later = np.subtract(travel_times.first_arrivals(distances, depth), known)
        for phase, shift in enumerate(later):
            arrives = np.isfinite(shift)
            shifted = times - shift[arrives, None]
            odds = linker.odds(distances[arrives, None], shifted)[phase]
            density[phase, layer, arrives] = _density(odds)
    return density


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
        s = self.settings
        self.before_s = s.window_s
        x, y = (
            np.arange(least, most + s.grid_km, s.grid_km)
            for least, most in self.network.limits_km(s.margin_km)
        )
        nodes = len(x) * len(y)
        check_size("grid_km", s.grid_km, nodes, _MOST_NODES, "epicentres")
        # x and y of the nodes in km, row by row.
        self._nodes = np.stack([axis.ravel() for axis in np.meshgrid(x, y)], axis=1)
        self._columns = len(x)
        self._depths = np.arange(
            s.depth_grid_km / 2,
            max(s.max_depth_km, s.depth_grid_km / 2) + 1e-6,
            s.depth_grid_km,
        )
        if s.network:
            self._depths = np.array([DEPTH_KM])
        reach_km = min(self.travel_times.max_distance_km, s.max_distance_km)
        self._density = link_densities(
            load_linker(s.network or OWN_WEIGHTS),
            reach_km,
            s.window_s,
            self._depths,
            None if s.network else self.travel_times,
        )
        some = self._density > 0
        last = some.shape[-1] - 1 - some[..., ::-1].argmax(axis=-1)
        first = np.where(some.any(axis=-1), some.argmax(axis=-1), last + 1)
        # (2, depths, distances, 2): first and last time at which picks may come.
        self._spans = np.stack([first, last], axis=-1).astype(np.int32)
        # (nodes, stations): distances in steps of the densities; -1 beyond them.
        distance = self._distances(self._nodes)
        bins = np.rint(distance / DISTANCE_STEP_KM)
        far = (bins >= self._density.shape[2]) | (distance > s.max_distance_km)
        self._bins = np.where(far, -1, bins).astype(np.int16)
        self._blocks = self._make_blocks()
        return super().find(progress)

    def _make_blocks(self) -> tuple[np.ndarray, np.ndarray, int]:
        """
        Squares of four nodes: (blocks, 4) these nodes, -1 beyond the grid; (blocks,
        stations) distances of their middles; and how many bins a node's may differ.
        """
        grid = np.arange(len(self._nodes)).reshape(-1, self._columns)
        beyond = [(0, side % 2) for side in grid.shape]
        grid = np.pad(grid, beyond, constant_values=-1)
        members = np.stack(
            [grid[y::2, x::2].ravel() for y in (0, 1) for x in (0, 1)], axis=1
        )
        half = self.settings.grid_km / 2
        middles = self._nodes[members[:, 0]] + half
        bins = np.rint(self._distances(middles) / DISTANCE_STEP_KM)
        bins = np.minimum(bins, self._density.shape[2] - 1)
        # The last row of -1 is that of nodes which are not there.
        of_nodes = np.vstack([self._bins, np.full_like(self._bins[:1], -1)])
        bins[(of_nodes[members] < 0).all(axis=1)] = -1
        reach = int(np.sqrt(2) * half / DISTANCE_STEP_KM) + 1
        return members.astype(np.int32), bins.astype(np.int16), reach

    def _distances(self, places: np.ndarray) -> np.ndarray:
        """(places, stations), km."""
        return np.hypot(*(places.T[:, :, None] - self.network.xy[:, None]))

    def candidates(
        self, begin: float, end: float, pool: ThreadPoolExecutor, first: bool
    ) -> Candidates:
        """See :py:class:`.Greedy`."""
        step = self.settings.step_s
        firsts = range(0, int(np.ceil((end - begin) / step)), _TOGETHER)
        found = pool.map(lambda first: self._score(begin + first * step), firsts)
        origins, scores = map(np.concatenate, zip(*found, strict=True))
        return origins, scores

    def _score(self, begin: float) -> Candidates:
        """Origin times from `begin` on, with one more before and after to compare with."""
        s = self.settings
        members, near, reach = self._blocks
        _, depths, distances, _ = self._density.shape
        sites, number = len(self.network.stations), _TOGETHER + 2
        gains = np.empty((sites, depths, distances, number), dtype=np.float32)
        most = np.empty((sites, distances, number), dtype=np.float32)
        active = link_gains(
            self.problem,
            begin - s.step_s,
            s.step_s,
            self._density,
            self._spans,
            reach,
            gains,
            most,
        )
        if 2 * active.sum() < s.min_picks:
            return np.empty((0, 4)), np.empty(0)
        scores = np.empty((len(self._nodes), number), dtype=np.float32)
        layers = np.empty((len(self._nodes), number), dtype=np.uint16)
        least = _GAIN * s.min_picks
        add_links(self._bins, near, members, gains, most, active, least, scores, layers)
        node, k = find_peaks(scores, self._columns, least, s.peaks)
        x, y = self._nodes[node].T
        depth = self._depths[layers[node, k]]
        time = begin + (k - 1) * s.step_s
        return np.stack([x, y, depth, time], axis=1), scores[node, k].astype(float)


def find_peaks(
    scores: np.ndarray, columns: int, least: float, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """
    Nodes and times with a score that no neighbour exceeds.

    :param scores: (nodes, times); the nodes are a grid with ``columns`` columns
    :param columns: Its columns
    :param least: Smallest score
    :param most: Largest number of peaks of one time; the best ones are kept
    :return: Nodes and times, without the first and last time
    """
    node, k = np.nonzero(scores[:, 1:-1] >= least)
    k += 1
    value = scores[node, k]
    best = (scores[node, k - 1] <= value) & (scores[node, k + 1] < value)
    y, x = node // columns, node % columns
    for dy, dx in itertools.product((-1, 0, 1), repeat=2):
        v = (y + dy).clip(0, len(scores) // columns - 1)
        u = (x + dx).clip(0, columns - 1)
        best &= scores[v * columns + u, k] <= value
    node, k, value = node[best], k[best], value[best]
    order = np.lexsort((-value, k))
    node, k = node[order], k[order]
    first = np.arange(len(k)) - np.searchsorted(k, k) < most
    return node[first], k[first]


@compiled
def link_gains(problem, begin, step, density, spans, reach, gains, most):
    """
    Computes what each station adds to the score of an origin, by distance and time.

    :param begin: First origin time, and ``step`` of the others
    :param density: (2, depths, distances, times) Density of picks of an origin, 1/s
    :param spans: (2, depths, distances, 2) First and last time where it is not 0
    :param reach: For how many distances to both sides ``most`` holds the largest
    :param gains: (stations, depths, distances, number) float32; is written
    :param most: (stations, distances, number) float32: the largest of near distances and
        all depths; is written
    :return: (stations,) Mask of the stations with picks; values of others are undefined
    """
    time, start, claimed = problem.time, problem.start, problem.claimed
    stations, depths, distances, number = gains.shape
    end = begin + number * step + (density.shape[3] - 1) * TIME_STEP_S
    active = np.zeros(stations, dtype=np.bool_)
    of_phase = np.empty((depths, distances, number), dtype=np.float32)
    largest = np.empty((distances, number), dtype=np.float32)
    for row in range(2 * stations):
        station, phase = row // 2, row % 2
        gain = gains[station]
        picks = time[start[row] : start[row + 1]]
        first = start[row] + np.searchsorted(picks, begin)
        last = start[row] + np.searchsorted(picks, end - step)
        if first < last:
            count = 0
            after = start[row] + np.searchsorted(picks, begin - BACKGROUND_S)
            while after < start[row + 1] and time[after] < end:
                count += not claimed[after]
                after += 1
            rate = max(count / (end - begin + BACKGROUND_S), LEAST_RATE)
            of_phase[:] = 0.0
            for one in range(first, last):
                if claimed[one]:
                    continue
                since = time[one] - begin
                for depth in range(depths):
                    for i in range(distances):
                        low, high = spans[phase, depth, i]
                        if high < low:
                            continue
                        early = np.ceil((since - (high + 0.5) * TIME_STEP_S) / step)
                        late = np.floor((since - (low - 0.5) * TIME_STEP_S) / step)
                        for k in range(max(int(early), 0), min(int(late) + 1, number)):
                            sample = int((since - k * step) / TIME_STEP_S + 0.5)
                            if low <= sample <= high:
                                of_phase[depth, i, k] += density[
                                    phase, depth, i, sample
                                ]
            if not active[station]:
                gain[:] = 0.0
                active[station] = True
            scale = np.float32(DETECTED / (1 - DETECTED) / rate)
            for depth in range(depths):
                for i in range(distances):
                    for k in range(number):
                        if of_phase[depth, i, k] > 0.0:
                            gain[depth, i, k] += np.log(
                                np.float32(1) + scale * of_phase[depth, i, k]
                            )
        if phase == 0 or not active[station]:
            continue
        largest[:] = gain[0]
        for depth in range(1, depths):
            largest[:] = np.maximum(largest, gain[depth])
        for i in range(distances):
            most[station, i] = largest[i]
            for j in range(max(i - reach, 0), min(i + reach + 1, distances)):
                for k in range(number):
                    most[station, i, k] = max(most[station, i, k], largest[j, k])
    return active


@compiled
def add_links(bins, near, members, gains, most, active, least, scores, depths):
    """
    Scores nodes, block by block. Blocks in which no node can reach the smallest score are
    skipped; they are most of them.

    :param bins: (nodes, stations) int16: distance of each node to each station, in bins;
        -1 where it is too far
    :param near: (blocks, stations) The same of the blocks' middles
    :param members: (blocks, 4) int32 Nodes of each block, or -1
    :param gains: Of :py:func:`link_gains`, and ``most`` and ``active``
    :param least: Smallest score; lower scores may be any lower number
    :param scores: (nodes, times) float32: those of the best depth; is written
    :param depths: (nodes, times) uint16: which one that is; is written
    """
    number = gains.shape[3]
    total = np.empty(number, dtype=np.float32)
    for block in range(len(near)):
        total[:] = 0.0
        for station in range(bins.shape[1]):
            place = near[block, station]
            if place >= 0 and active[station]:
                gain = most[station, place]
                for k in range(number):
                    total[k] += gain[k]
        possible = total.max() >= least
        for node in members[block]:
            if node < 0:
                continue
            scores[node] = 0.0
            if not possible:
                continue
            for depth in range(gains.shape[1]):
                total[:] = 0.0
                for station in range(bins.shape[1]):
                    place = bins[node, station]
                    if place >= 0 and active[station]:
                        gain = gains[station, depth, place]
                        for k in range(number):
                            total[k] += gain[k]
                for k in range(number):
                    if depth == 0 or total[k] > scores[node, k]:
                        scores[node, k] = total[k]
                        depths[node, k] = depth
