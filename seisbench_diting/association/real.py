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

from .associate_settings import RealSettings
from .core import SAME_PLACE_KM, Found, check_size
from .greedy import Candidates, Greedy
from .location import BACKGROUND_S, DETECTED, LEAST_RATE, WIDTH, compiled, grid_offsets

#: Sampling interval of curves, s.
STEP_S = 0.05

#: Nodes lie this share of a step beside the station, where azimuths are defined.
_BESIDE = 0.012

#: Error of travel times to a node for each km of the grid's step. It is small, as the origin
#: time absorbs what all stations have in common.
_ERROR_S_PER_KM = 0.1

#: Largest number of nodes, which limits the memory, and what the default step aims at.
_MOST_NODES, _NODES = 100_000, 20_000

#: Steps in depth grow to this share of the depth.
_DEPTH_STEP = 1 / 15

#: By default, the search reaches as far as this share of stations is from its nearest
#: neighbour, within these limits.
_MOST_STATIONS, _SEARCH_KM = 0.9, (10.0, 60.0)

#: If there are at most this many P picks a station, only first arrivals start a search in the
#: first pass.
_FEW = 3

#: Slowest P wave along the surface, km/s, and how long it needs to the next stations, s.
_SLOW_KM_S, _BEFORE_S = 4.0, 20.0

#: A pick at a grid's node adds about this much to its score where picks are rare.
_GAIN = 2.0


class Real(Greedy):
    """
    Each P pick starts a search around its station: for every node of a grid the origin
    time follows, and P and S picks at the expected times are counted, by how well they
    fit. The best node of each becomes a candidate.

    Each station and phase has a curve, which is high where its picks are: the logarithm of
    how much likelier a pick there is with an event than without. A node is scored by the
    sum of the curves at the expected times.
    """

    settings: RealSettings
    first_passes = 1

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
        deep = [0.0]
        while (
            z := deep[-1] + max(s.depth_grid_km, deep[-1] * _DEPTH_STEP)
        ) <= s.max_depth_km:
            deep.append(z)
        if "grid_km" not in s.model_fields_set:
            side = (_NODES / len(deep)) ** 0.5
            self.grid_km = max(self.grid_km, round(2 * self._search_km / side, 1))
        error = _ERROR_S_PER_KM * self.grid_km
        self.grid_errors_s = min(error, s.p_window_s / 2), min(error, s.s_window_s / 2)
        number = int(self._search_km / self.grid_km + 1e-6)
        nodes = (2 * number + 1) ** 2 * len(deep)
        check_size("grid_km", s.grid_km, nodes, _MOST_NODES, "nodes around a station")
        side = (np.arange(-number, number + 1) + _BESIDE) * self.grid_km
        axes = np.meshgrid(side, side, deep, indexing="ij")
        # x and y from the station, and depth.
        self._grid = np.stack([axis.ravel() for axis in axes], axis=1)
        return super().find(progress)

    def candidates(
        self, begin: float, end: float, pool: ThreadPoolExecutor, first: bool
    ) -> Candidates:
        """See :py:class:`.Greedy`. At first only first arrivals start a search."""
        problem, grid = self.problem, self._grid
        # The picks that events in this stretch may have begin here.
        zero = begin - self.longest_s
        samples = int((end + self.longest_s - zero) / STEP_S)
        rows = len(problem.start) - 1
        curves = np.empty((rows, samples), dtype=np.float32)
        counts = np.empty((rows, samples + 1), dtype=np.int32)
        make_curves(problem, zero, self.grid_errors, curves, counts)
        has_picks = counts[:, -1] > 0
        reach = int(WIDTH * self.grid_errors.max() / STEP_S) + 1

        starts = self._starts(begin, end, first)

        def search(station: int) -> Candidates:
            """Around a station."""
            times = starts[1][starts[0] == station]
            if len(times) == 0:
                return np.empty((0, 4)), np.empty(0)
            offsets = np.empty((rows, len(grid)), dtype=np.int32)
            span = np.empty((2, rows), dtype=np.int64)
            own = grid_offsets(problem, grid, station, STEP_S, has_picks, offsets, span)
            shifts = np.rint((times - zero) / STEP_S).astype(np.int64)
            nodes, scores = best_nodes(curves, counts, shifts, offsets, reach, span)
            places = grid[nodes]
            places[:, :2] += problem.stations[station, :2]
            return np.column_stack([places, times - own[nodes]]), scores

        found = pool.map(search, range(rows // 2))
        origins, scores = map(np.concatenate, zip(*found, strict=True))
        good = scores >= _GAIN * self.settings.min_picks
        return origins[good], scores[good]

    def _starts(
        self, begin: float, end: float, first: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """:return: Stations and times of the P picks that start a search"""
        problem = self.problem
        row = np.repeat(np.arange(len(problem.start) - 1), np.diff(problem.start))
        used = (row % 2 == 0) & ~problem.claimed
        used &= (problem.time >= begin - _BEFORE_S * first) & (problem.time < end)
        order = np.argsort(problem.time[used], kind="stable")
        station, time = row[used][order] // 2, problem.time[used][order]
        later = time < begin
        if first and len(time) > _FEW * len(np.unique(station)):
            return station[:0], time[:0]
        apart, back = self.network.distances_km, 1
        # Another station near had it earlier, so a search around that one finds the event.
        while (
            first
            and back < len(time)
            and (late := time[back:] - time[:-back]).min() < _BEFORE_S
        ):
            km = apart[station[back:], station[:-back]]
            later[back:] |= (
                (km <= self._search_km) & (late > 0) & (late < km / _SLOW_KM_S)
            )
            back += 1
        return station[~later], time[~later]


@compiled
def make_curves(problem, begin, sigmas, curves, counts):
    """
    :param begin: Time of the curves' first sample
    :param sigmas: Widths for P and S, s
    :param curves: (rows, samples) float32; is written
    :param counts: (rows, samples + 1) int32: picks near samples before each; is written
    """
    time, claimed = problem.time, problem.claimed
    rows, samples = curves.shape
    curves[:], counts[:] = 0.0, 0
    for row in range(rows):
        sigma = sigmas[row % 2]
        reach = int(WIDTH * sigma / STEP_S) + 1
        curve, count = curves[row], counts[row]
        first, end = problem.start[row], problem.start[row + 1]
        low, high, near = first, first, 0
        for place in range(first, end):
            middle = (time[place] - begin) / STEP_S
            while high < end and time[high] <= time[place] + BACKGROUND_S:
                near += not claimed[high]
                high += 1
            while time[low] < time[place] - BACKGROUND_S:
                near -= not claimed[low]
                low += 1
            if claimed[place] or middle < -reach or middle > samples + reach:
                continue
            rate = max(near / (2 * BACKGROUND_S), LEAST_RATE)
            scale = DETECTED / (1 - DETECTED) / np.sqrt(2 * np.pi) / sigma / rate
            left = max(int(middle) - reach, 0)
            right = min(int(middle) + reach + 2, samples)
            for k in range(left, right):
                r = (k - middle) * STEP_S / sigma
                curve[k] += scale * np.exp(-0.5 * r * r)
            if left < right:
                count[left + 1] += 1
        for k in range(samples):
            count[k + 1] += count[k]
            if curve[k] > 0.0:
                curve[k] = np.log(1.0 + curve[k])


@compiled
def best_nodes(curves, counts, shifts, offsets, reach, span):
    """
    Finds the node with the highest score for each initiating pick.

    :param shifts: Samples of the curves at which the initiating picks lie, int64
    :param offsets: (rows, nodes) int32: samples after the initiating one
    :param reach: Samples that a pick reaches before itself
    :param span: (2, rows) Smallest and largest offset of each row; the first one is larger
        for rows that are not used
    :return: The best node of each, and its score
    """
    n = offsets.shape[1]
    nodes = np.empty(len(shifts), dtype=np.int64)
    scores = np.empty(len(shifts), dtype=np.float32)
    total = np.empty(n, dtype=np.float32)
    length = curves.shape[1]
    for k in range(len(shifts)):
        total[:] = 0.0
        shift = shifts[k]
        for row in range(len(offsets)):
            low, high = shift + span[0, row], shift + span[1, row]
            first, last = max(low - 2 * reach - 2, 0), min(high + 1, length)
            if low > high or first >= last or low < 0 or high >= length:
                continue
            if counts[row, last] == counts[row, first]:
                continue
            curve, offset = curves[row], offsets[row]
            for node in range(n):
                total[node] += curve[shift + offset[node]]
        nodes[k] = np.argmax(total)
        scores[k] = total[nodes[k]]
    return nodes, scores
