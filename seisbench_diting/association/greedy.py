"""Base of ``real`` and ``lppn``: the best candidates become events, one by one.

Candidates of a stretch of time are located, see :py:mod:`.location`. The best one becomes an
event and claims its picks. The others are scored again without these picks.
"""

from __future__ import annotations

import heapq
import os
from abc import abstractmethod
from bisect import bisect_right, insort
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .._util import progress_bar
from .associate_settings import GreedySettings
from .core import Associator, Found, Network, largest_gap
from .location import Problem, Quality, compiled, locate, locate_all

#: Length of the stretches of time that are searched at once, s. It limits the memory.
STRETCH_S = 600.0

#: A stretch with more events than this, 1/s, is searched again, at most this often.
_MANY_PER_S, _MOST_PASSES = 0.02, 3

#: Candidates that are closer in time (s) and place (km) are the same event: before they
#: are located, and after it.
_SAME_BEFORE, _SAME_AFTER = (0.3, 3.0), (0.2, 2.0)

#: Rounds of least squares: from a grid, and when picks were taken away.
_ROUNDS_FIRST, _ROUNDS_AGAIN = 8, 3

#: Origins (candidates, 4), x, y and depth in km, and time in s; and scores that grow with
#: those of the events they may become.
Candidates = tuple[np.ndarray, np.ndarray]


class Greedy(Associator):
    """Base class of methods that find candidates; it locates and selects them."""

    settings: GreedySettings

    #: Expected errors of P and S picks at the best candidate of a grid, s.
    grid_errors_s: tuple[float, float]

    #: Longest time from an event to its first pick, s.
    before_s = 0.0

    #: Passes over each stretch that find most events, before the others.
    first_passes = 0

    def __init__(self, network: Network, settings: GreedySettings) -> None:
        super().__init__(network, settings)
        #: Step of the grid.
        self.grid_km = settings.grid_km

    @abstractmethod
    def candidates(
        self, begin: float, end: float, pool: ThreadPoolExecutor, first: bool
    ) -> Candidates:
        """
        :param begin: Start of a stretch of time
        :param end: Its end
        :param pool: Threads
        :param first: Whether this is one of the first passes
        :return: Candidates with origin times in this stretch, or near it
        """

    def find(self, progress: bool = False) -> Found:
        """See :py:class:`.Associator`."""
        s, network, table = self.settings, self.network, self.travel_times
        errors = np.array([s.p_error_s, s.s_error_s])
        self.grid_errors = np.maximum(self.grid_errors_s, errors)
        self._errors = np.stack([self.grid_errors, errors])
        # Picks closer than their errors are duplicates.
        time, self._pick, start = rows_of(network, (s.p_error_s, s.s_error_s))
        self.problem = Problem(
            time,
            start,
            np.zeros(len(time), dtype=bool),
            np.stack([*network.xy, network.elevation_km], axis=1),
            table.times,
            table.rise,
            table.step_km,
            np.array([s.p_window_s, s.s_window_s]),
            s.max_depth_km,
            s.max_distance_km,
            s.min_sp_s,
        )
        self.longest_s = float(np.nanmax(table.times)) + 5.0
        self._events: list[tuple[float, ...]] = []
        self._picks = [np.empty((2, 0), dtype=np.int64)]
        self._times: list[float] = []
        threads = s.threads or os.cpu_count() or 1
        with ThreadPoolExecutor(threads) as pool:
            for begin in self._stretches(progress):
                for number in range(self.first_passes + _MOST_PASSES):
                    before = len(self._events)
                    stretch = begin, begin + STRETCH_S
                    candidates = self.candidates(
                        *stretch, pool, number < self.first_passes
                    )
                    self._select(*self._located(*candidates, pool, 4 * threads))
                    # Many events hide others, which are found in another pass.
                    many = len(self._events) - before >= _MANY_PER_S * STRETCH_S
                    if number >= self.first_passes and not many:
                        break
        *origins, score = np.reshape(self._events, (-1, 5)).T
        event, pick = np.concatenate(self._picks, axis=1)
        return Found(np.stack(origins, axis=1), event, pick, score)

    def _stretches(self, progress: bool) -> Iterator[float]:
        """Starts of the stretches with picks; there may be none for a year."""
        since = np.sort(self.problem.time)
        first = since[0] - self.before_s
        since -= first
        before = (since - self.longest_s).clip(0)
        numbers = np.unique(np.concatenate([since, before]) // STRETCH_S)
        about = "Associating", "stretches", progress
        for number in progress_bar(*about, iterable=numbers):
            yield first + number * STRETCH_S

    def _located(
        self,
        origins: np.ndarray,
        scores: np.ndarray,
        pool: ThreadPoolExecutor,
        parts: int,
    ) -> Candidates:
        origins, scores = _different(origins, scores, *_SAME_BEFORE)
        ends = np.linspace(0, len(origins), parts + 1).astype(int)

        def locate_some(a: int, b: int) -> None:
            near_km = 2 * self.grid_km
            some = origins[a:b], scores[a:b]
            locate_all(self.problem, *some, self._errors, near_km, _ROUNDS_FIRST)

        list(pool.map(locate_some, ends[:-1], ends[1:]))
        good = scores >= self.settings.min_score
        return _different(origins[good], scores[good], *_SAME_AFTER)

    def _select(self, origins: np.ndarray, scores: np.ndarray) -> None:
        """Adds the events of these candidates."""
        problem = self.problem
        errors = self._errors[[1, 1]]
        chosen = np.empty(len(problem.start) - 1, dtype=np.int64)
        heap = [(-score, k) for k, score in enumerate(scores.tolist())]
        heapq.heapify(heap)
        while heap:
            k = heapq.heappop(heap)[1]
            origin = origins[k]
            if self._is_near(origin[3]):
                continue
            quality = locate(
                problem, origin, errors, self.grid_km, _ROUNDS_AGAIN, chosen
            )
            if not self._is_good(quality, origin, chosen):
                continue
            if heap and quality.score < -heap[0][0] - 1e-9:
                heapq.heappush(heap, (-quality.score, k))
                continue
            taken = chosen[chosen >= 0]
            problem.claimed[taken] = True
            event = np.full(len(taken), len(self._events))
            self._picks.append(np.stack([event, self._pick[taken]]))
            self._events.append((*origin.tolist(), quality.score))
            insort(self._times, float(origin[3]))

    def _is_near(self, time: float) -> bool:
        """Whether there is an event too close in time."""
        interval, times = self.settings.event_interval_s, self._times
        later = bisect_right(times, time - interval)
        return later < len(times) and times[later] < time + interval

    def _is_good(
        self, quality: Quality, origin: np.ndarray, chosen: np.ndarray
    ) -> bool:
        s = self.settings
        if (
            quality.score < s.min_score
            or quality.p + quality.s < s.min_picks
            or quality.p < s.min_p_picks
            or quality.s < s.min_s_picks
            or quality.both < s.min_both
            or quality.spread > s.max_spread_s
            or quality.nearest > (s.max_nearest_km or np.inf)
        ):
            return False
        if s.max_gap_deg >= 360:
            return True
        used = (chosen >= 0).reshape(-1, 2).any(axis=1)
        east, north = (self.problem.stations[used, :2] - origin[:2]).T
        return largest_gap(np.degrees(np.arctan2(east, north))) <= s.max_gap_deg


def rows_of(
    network: Network, closest_s: tuple[float, float] = (0.0, 0.0)
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    :param network: Picks and stations
    :param closest_s: If picks of a row are closer than this, only the most probable one is
        kept; for P and S, s
    :return: Picks by station and phase: their times, their rows in the network's picks,
        and where rows start, see :py:class:`.Problem`
    """
    order = np.lexsort((network.seconds, network.row))
    time, of = network.seconds[order], network.row[order]
    probability = network.picks["probability"].to_numpy()[order]
    close = (np.diff(of) == 0) & (
        np.diff(time) < np.where(of[1:] % 2, *closest_s[::-1])
    )
    less = probability[1:] > probability[:-1]
    # In runs of close picks, each must be more probable than its neighbours.
    keep = np.ones(len(order), dtype=bool)
    keep[:-1] &= ~(close & less)
    keep[1:] &= ~(close & ~less)
    order = order[keep]
    count = np.bincount(network.row[order], minlength=2 * len(network.stations))
    start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    return network.seconds[order], order.astype(np.int64), start


def _different(
    origins: np.ndarray, scores: np.ndarray, seconds: float, km: float
) -> Candidates:
    """Sorts candidates by time and removes duplicates of better ones."""
    order = np.lexsort((origins[:, 2], origins[:, 1], origins[:, 0], origins[:, 3]))
    origins = np.ascontiguousarray(origins[order])
    scores = np.ascontiguousarray(scores[order], dtype=float)
    keep = first_of_many(origins, scores, seconds, km)
    return origins[keep], scores[keep]


@compiled
def first_of_many(origins, scores, seconds, km):
    """
    :param origins: Candidates in order of time
    :param scores: Their scores
    :param seconds: Candidates closer than this in time
    :param km: and closer than this in place are duplicates
    :return: Mask of the candidates without duplicates
    """
    n = len(origins)
    keep = np.ones(n, dtype=np.bool_)
    for one in np.argsort(-scores):
        if not keep[one]:
            continue
        for step in (-1, 1):
            other = one + step
            while 0 <= other < n and abs(origins[other, 3] - origins[one, 3]) < seconds:
                square = 0.0
                for axis in range(3):
                    square += (origins[other, axis] - origins[one, axis]) ** 2
                if square < km * km:
                    keep[other] = False
                other += step
    return keep
