"""Base of ``real`` and ``lppn``: the best candidates become events, one by one.

**Origins.** Each station within some distance is expected to have a P and an S pick, with
the probability :py:data:`DETECTED`, among others that come by chance at the rate around
that time. The residual of a pick and that rate tell how likely it belongs to the event.
Least squares with these weights give the origin, and the origin the residuals, while the
expected errors shrink from those of a grid to those of picks. The score of an event is the
logarithm of how much likelier the picks are with the event than without.

**Selection.** The best candidate becomes an event and claims its picks. The other candidates
are scored again without these picks.

**Curves.** A row is a station and a phase. Its curve is high where its picks are: the
logarithm of how much likelier a pick there is with an event than without. A place and an
origin time are scored by the sum of the curves at the times that are expected there.

All compiled functions are in this file: Numba keeps what it compiled until the file of a
function changes, and does not notice changes of functions in other files that it calls.
"""

from __future__ import annotations

import heapq
import os
from abc import abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numba import njit
from tqdm import tqdm

from .associate_settings import GreedySettings
from .core import Associator, Found, Network

#: Sampling interval of curves, s.
STEP_S = 0.05

#: Probability that a station which records an event has a pick of a phase.
DETECTED = 0.6

#: Lowest rate of picks by chance, 1/s.
LEAST_RATE = 1 / 60

#: Time before and after in which picks are counted for the rate of chance picks, s.
BACKGROUND_S = 30.0

#: Errors of picks count up to this many standard deviations.
WIDTH = 3.0

#: Largest distance of picks, as a multiple of the distance with the best score.
FARTHER = 3.0

#: A pick is taken if it is this many times as likely with the event as by chance.
LEAST_GAIN = 0.8

#: Offset of a node from which nothing arrives.
UNKNOWN = -(2**31)

#: Length of the stretches of time that are searched at once, s. It limits the memory.
STRETCH_S = 600.0

#: A stretch with more events than this, 1/s, is searched again, at most this often.
_MANY_PER_S, _MOST_PASSES = 0.02, 3

#: Number of earlier passes that may have events at about the same time.
_RECENT = 2 * _MOST_PASSES

#: Candidates that are closer in time (s) and place (km) are the same event: before they
#: are improved, and after it.
_SAME_BEFORE, _SAME_AFTER = (0.3, 3.0), (0.2, 2.0)

#: Rounds of least squares: from a grid, and when picks were taken away.
_ROUNDS_FIRST, _ROUNDS_AGAIN = 8, 3

_ROOT = 1 / np.sqrt(2 * np.pi)

#: Origins (candidates, 4), x, y and depth in km, and time in s; and scores that grow with
#: those of the events they may become.
Candidates = tuple[np.ndarray, np.ndarray]


class Problem(NamedTuple):
    """
    Data for compiled functions.

    :param time: Times of picks by row, s, sorted in each row. Row ``2 * station`` holds the
        P picks of a station, the next one its S picks.
    :param start: Where rows begin in ``time``, and where the last one ends
    :param claimed: Mask of the picks that belong to events
    :param stations: (stations, 3) x, y and elevation, km
    :param times: Travel times, (2, depths, distances), s
    :param rise: How much later waves arrive with each km of elevation, the same shape
    :param step: Step of their distances and depths, km
    :param windows: Largest residuals of P and S, s
    :param max_depth: Largest depth of events, km
    :param farthest: Largest distance of stations, km
    :param least_sp: Smallest time from P to S, s
    """

    time: np.ndarray
    start: np.ndarray
    claimed: np.ndarray
    stations: np.ndarray
    times: np.ndarray
    rise: np.ndarray
    step: float
    windows: np.ndarray
    max_depth: float
    farthest: float
    least_sp: float


class Greedy(Associator[GreedySettings]):
    """Base class of methods that find candidates; it improves and selects them."""

    #: Expected errors of P and S picks at the best candidate of a grid, s.
    grid_errors_s: tuple[float, float]

    #: Longest time from an event to its first pick, s.
    before_s = 0.0

    @abstractmethod
    def candidates(
        self, begin: float, end: float, pool: ThreadPoolExecutor
    ) -> Candidates:
        """
        :param begin: Start of a stretch of time
        :param end: Its end
        :param pool: Threads
        :return: Candidates with origin times in this stretch, or near it
        """

    def find(self, progress: bool = False) -> Found:
        """See :py:class:`.Associator`."""
        settings = self.settings
        self.errors = np.array([settings.p_error_s, settings.s_error_s])
        self.grid_errors = np.maximum(self.grid_errors_s, self.errors)
        # Picks closer than their errors are duplicates.
        time, self._pick, start = rows_of(self.network, tuple(self.errors))
        table = self.travel_times
        self.problem = Problem(
            time,
            start,
            np.zeros(len(time), dtype=bool),
            np.stack([*self.network.xy, self.network.elevation_km], axis=1),
            table.times,
            table.rise,
            table.step_km,
            np.array([settings.p_window_s, settings.s_window_s]),
            settings.max_depth_km,
            settings.max_distance_km,
            settings.min_sp_s,
        )
        self.longest_s = float(np.nanmax(table.times)) + 5.0
        self._threads = settings.threads or os.cpu_count() or 1
        events: list[np.ndarray] = [np.empty((0, 5))]
        picks: list[np.ndarray] = [np.empty((0, 2), dtype=np.int64)]
        with ThreadPoolExecutor(self._threads) as pool:
            for begin in self._stretches(progress):
                for _ in range(_MOST_PASSES):
                    candidates = self.candidates(begin, begin + STRETCH_S, pool)
                    recent = np.concatenate([part[:, 3] for part in events[-_RECENT:]])
                    found, chosen = self._select(*candidates, recent, pool)
                    chosen[:, 0] += sum(map(len, events))
                    events.append(found)
                    picks.append(chosen)
                    # Many events hide others, which are found in another pass.
                    if len(found) < _MANY_PER_S * STRETCH_S:
                        break
        columns = ["x_km", "y_km", "depth_km", "time_s", "score"]
        return Found(
            pd.DataFrame(np.concatenate(events), columns=columns),
            pd.DataFrame(np.concatenate(picks), columns=["event", "pick"]),
        )

    def _stretches(self, progress: bool) -> Iterator[float]:
        """Starts of the stretches with picks; there may be none for a year."""
        since = np.sort(self.problem.time)
        first = since[0] - self.before_s
        since -= first
        before = (since - self.longest_s).clip(0)
        numbers = np.unique(np.concatenate([since, before]) // STRETCH_S)
        for number in tqdm(numbers, unit="stretch", disable=not progress, delay=1):
            yield first + number * STRETCH_S

    def curves(self, begin: float, end: float) -> tuple[np.ndarray, np.ndarray, float]:
        """
        :param begin: Begin of a stretch of time
        :param end: Its end
        :return: Curves and counts of all picks that events in it may have, see
            :py:func:`make_curves`; and the time of their first sample
        """
        first = begin - self.longest_s
        samples = int((end + self.longest_s - first) / STEP_S)
        rows = len(self.problem.start) - 1
        curves = np.empty((rows, samples), dtype=np.float32)
        counts = np.empty((rows, samples + 1), dtype=np.int32)
        make_curves(self.problem, first, self.grid_errors, curves, counts)
        return curves, counts, first

    def _select(
        self,
        origins: np.ndarray,
        scores: np.ndarray,
        recent: np.ndarray,
        pool: ThreadPoolExecutor,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Events (events, 5), and (picks, 2) event and row of the network's picks."""
        s = self.settings
        origins, scores = _different(origins, scores, *_SAME_BEFORE)
        errors = np.stack([self.grid_errors, self.errors])
        parts = np.linspace(0, len(origins), 4 * self._threads + 1).astype(int)

        def improve(a: int, b: int) -> None:
            near_km, rounds = 2 * s.grid_km, _ROUNDS_FIRST
            improve_all(
                self.problem, origins[a:b], scores[a:b], errors, near_km, rounds
            )

        list(pool.map(improve, parts[:-1], parts[1:]))
        good = scores >= s.min_score
        origins, scores = _different(origins[good], scores[good], *_SAME_AFTER)
        found = np.empty((len(origins), 5))
        chosen = np.empty((len(origins), len(self.problem.start) - 1), dtype=np.int64)
        limits = np.array(
            [
                *(s.min_score, s.min_picks, s.min_p_picks, s.min_s_picks, s.min_both),
                *(s.max_spread_s, s.max_nearest_km or np.inf, s.max_gap_deg),
            ],
            dtype=float,
        )
        number = select(
            self.problem,
            origins,
            scores,
            np.stack([self.errors, self.errors]),
            s.grid_km,
            _ROUNDS_AGAIN,
            limits,
            s.event_interval_s,
            recent,
            found,
            chosen,
        )
        event, row = np.nonzero(chosen[:number] >= 0)
        picks = self._pick[chosen[event, row]]
        return found[:number].copy(), np.stack([event, picks], axis=1)


def rows_of(
    network: Network, closest_s: tuple[float, float] = (0.0, 0.0)
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    :param network: Picks and stations
    :param closest_s: If picks of a row are closer than this, only the most probable one is
        kept; for P and S, s
    :return: Picks by station and phase: their times, their rows in the network's picks,
        and where rows start, see :py:class:`Problem`
    """
    row = 2 * network.picks["station"].to_numpy() + network.is_s
    order = np.lexsort((network.seconds, row))
    time, of = network.seconds[order], row[order]
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
    count = np.bincount(row[order], minlength=2 * len(network.stations))
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


def compiled(function: Callable[..., Any]) -> Any:
    """:return: Function compiled by Numba, cached if possible"""
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return njit(nogil=True)(function)


@compiled
def travel_time(problem, phase, distance, depth, elevation):
    """Time and its derivatives by distance and depth; NaN beyond the table."""
    times, rise = problem.times[phase], problem.rise[phase]
    step = problem.step
    x = distance / step
    z = min(max(depth / step, 0.0), times.shape[0] - 1.000001)
    i, j = int(x), int(z)
    if i >= times.shape[1] - 1:
        return np.nan, 0.0, 0.0
    u, v = x - i, z - j
    a = times[j, i] + elevation * rise[j, i]
    b = times[j, i + 1] + elevation * rise[j, i + 1]
    c = times[j + 1, i] + elevation * rise[j + 1, i]
    d = times[j + 1, i + 1] + elevation * rise[j + 1, i + 1]
    time = (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * c + u * d)
    slow = ((1 - v) * (b - a) + v * (d - c)) / step
    down = ((1 - u) * (c - a) + u * (d - b)) / step
    return time, slow, down


@compiled
def _from(time, lower, upper, value):
    """First index in [lower, upper) whose time is not below value."""
    while lower < upper:
        middle = (lower + upper) // 2
        if time[middle] < value:
            lower = middle + 1
        else:
            upper = middle
    return lower


@compiled
def expect(problem, origin, distances, travel, slopes):
    """
    Computes expected arrivals of an origin (x, y, depth, time).

    :param distances: (stations,); is written
    :param travel: (rows,) Travel times; is written, NaN where no pick can be
    :param slopes: (rows, 4) Derivatives of arrival times by the origin; is written
    """
    stations = problem.stations
    for station in range(len(stations)):
        dx = stations[station, 0] - origin[0]
        dy = stations[station, 1] - origin[1]
        distance = np.sqrt(dx * dx + dy * dy)
        distances[station] = distance
        first = 0.0
        for phase in range(2):
            row = 2 * station + phase
            travel[row] = np.nan
            if (
                distance > problem.farthest
                or problem.start[row] == problem.start[row + 1]
            ):
                continue
            time, slow, down = travel_time(
                problem, phase, distance, origin[2], stations[station, 2]
            )
            if phase == 0 and not np.isnan(time):
                first = time
            elif time - first < problem.least_sp:
                continue
            travel[row] = time
            flat = slow / distance if distance > 1e-6 else 0.0
            slopes[row, 0], slopes[row, 1] = -flat * dx, -flat * dy
            slopes[row, 2], slopes[row, 3] = down, 1.0


@compiled
def improve(problem, origin, rates, sigmas, prior_km, rounds):
    """
    Moves ``origin`` (x, y, depth in km, time in s) in place.

    :param rates: (rows,) Picks a second
    :param sigmas: Expected errors of P and S, (2, 2): at the first round and the last
    :param prior_km: How far the epicentre may be from where it was, and the depth from
        where it is, at each round
    """
    time, claimed = problem.time, problem.claimed
    rows = len(rates)
    distances, travel = np.empty(rows // 2), np.empty(rows)
    slopes = np.empty((rows, 4))
    x0, y0 = origin[0], origin[1]
    normal, right = np.empty((4, 4)), np.empty(4)
    for number in range(rounds):
        share = number / max(rounds - 1, 1)
        errors = sigmas[0] ** (1 - share) * sigmas[1] ** share
        expect(problem, origin, distances, travel, slopes)
        normal[:], right[:] = 0.0, 0.0
        for row in range(rows):
            if np.isnan(travel[row]):
                continue
            sigma = errors[row % 2]
            expected = origin[3] + travel[row]
            end = problem.start[row + 1]
            begin = _from(time, problem.start[row], end, expected - WIDTH * sigma)
            sum_of = 0.0
            place = begin
            while place < end and time[place] < expected + WIDTH * sigma:
                if not claimed[place]:
                    r = (time[place] - expected) / sigma
                    sum_of += np.exp(-0.5 * r * r)
                place += 1
            if sum_of == 0.0:
                continue
            scale = DETECTED * _ROOT / sigma / rates[row]
            whole = (1 - DETECTED) + scale * sum_of
            slope = slopes[row]
            for p in range(begin, place):
                if claimed[p]:
                    continue
                residual = time[p] - expected
                r = residual / sigma
                weight = scale * np.exp(-0.5 * r * r) / whole / (sigma * sigma)
                for i in range(4):
                    for j in range(i, 4):
                        normal[i, j] += weight * slope[i] * slope[j]
                    right[i] += weight * slope[i] * residual
        if normal[3, 3] == 0.0:
            return
        firm = 1.0 / (prior_km * prior_km)
        for i in range(3):
            normal[i, i] += firm
        normal[3, 3] += 1e-6
        right[0] += firm * (x0 - origin[0])
        right[1] += firm * (y0 - origin[1])
        origin += _solve(normal, right)
        origin[2] = min(max(origin[2], 0.0), problem.max_depth)


@compiled
def _solve(normal, right):
    """Cholesky, of the upper triangle: for 4 x 4 much faster than LAPACK."""
    low = np.zeros((4, 4))
    result = np.empty(4)
    for i in range(4):
        for j in range(i + 1):
            value = normal[j, i]
            for k in range(j):
                value -= low[i, k] * low[j, k]
            low[i, j] = value / low[j, j] if i > j else np.sqrt(max(value, 1e-12))
        value = right[i]
        for k in range(i):
            value -= low[i, k] * result[k]
        result[i] = value / low[i, i]
    for i in range(3, -1, -1):
        for k in range(i + 1, 4):
            result[i] -= low[k, i] * result[k]
        result[i] /= low[i, i]
    return result


@compiled
def judge(problem, origin, rates, sigma, chosen, result):
    """
    Chooses the best pick of each row, and finds the distance with the best score.

    :param rates: (rows,) Picks a second
    :param sigma: Expected errors of P and S, s
    :param chosen: For each row its pick, or -1; is written
    :param result: Score, P picks, S picks, stations with both, standard deviation of the
        residuals in s, distance to the nearest station in km; is written
    """
    time = problem.time
    rows = len(rates)
    n = rows // 2
    distances, travel, residuals = np.empty(n), np.empty(rows), np.empty(rows)
    gains = np.zeros(n)
    expect(problem, origin, distances, travel, np.empty((rows, 4)))
    chosen[:] = -1
    for row in range(rows):
        if np.isnan(travel[row]):
            continue
        phase = row % 2
        p_time = -np.inf
        if phase and chosen[row - 1] >= 0:
            p_time = time[chosen[row - 1]]
        window = problem.windows[phase]
        expected = origin[3] + travel[row]
        end = problem.start[row + 1]
        place = _from(time, problem.start[row], end, expected - window)
        scale = DETECTED * _ROOT / sigma[phase] / rates[row]
        sum_of, nearest = 0.0, window
        while place < end and time[place] < expected + window:
            if not problem.claimed[place] and time[place] - p_time > problem.least_sp:
                residual = abs(time[place] - expected)
                # Beyond its width a pick counts as much as it would there: models of
                # velocity are wrong by more than picks are.
                r = min(residual / sigma[phase], WIDTH)
                gain = scale * np.exp(-0.5 * r * r)
                sum_of += gain
                if residual < nearest and gain > LEAST_GAIN:
                    nearest = residual
                    chosen[row] = place
                    residuals[row] = time[place] - expected
            place += 1
        gains[row // 2] += np.log((1 - DETECTED) + sum_of)
    best, limit, total = 0.0, -1.0, 0.0
    for station in np.argsort(distances):
        total += gains[station]
        if total > best:
            best, limit = total, FARTHER * distances[station]
    count, both = np.zeros(2), 0
    nearest, sum_of, sum_of_squares = np.inf, 0.0, 0.0
    for row in range(rows):
        if distances[row // 2] > limit:
            chosen[row] = -1
        if chosen[row] >= 0:
            count[row % 2] += 1
            both += row % 2 == 1 and chosen[row - 1] >= 0
            nearest = min(nearest, distances[row // 2])
            sum_of += residuals[row]
            sum_of_squares += residuals[row] ** 2
    number = max(count[0] + count[1], 1)
    spread = max(sum_of_squares - sum_of * sum_of / number, 0.0) / max(number - 1, 1)
    result[0], result[1], result[2], result[3] = best, count[0], count[1], both
    result[4], result[5] = np.sqrt(spread), nearest


@compiled
def evaluate(problem, origin, sigmas, prior_km, rounds, chosen, result):
    """Improves an origin and scores it, with the rates of picks around it."""
    time, start = problem.time, problem.start
    rates = np.empty(len(start) - 1)
    for row in range(len(rates)):
        place = _from(time, start[row], start[row + 1], origin[3] - BACKGROUND_S)
        count = 0
        while place < start[row + 1] and time[place] <= origin[3] + 2 * BACKGROUND_S:
            count += not problem.claimed[place]
            place += 1
        rates[row] = max(count / (3 * BACKGROUND_S), LEAST_RATE)
    improve(problem, origin, rates, sigmas, prior_km, rounds)
    judge(problem, origin, rates, sigmas[1], chosen, result)


@compiled
def improve_all(problem, origins, scores, sigmas, prior_km, rounds):
    """
    :param origins: (candidates, 4) float64: x, y, depth in km, time; is changed
    :param scores: (candidates,) Their scores; is written
    """
    chosen = np.empty(len(problem.start) - 1, dtype=np.int64)
    result = np.empty(6)
    for k in range(len(origins)):
        evaluate(problem, origins[k], sigmas, prior_km, rounds, chosen, result)
        scores[k] = result[0]


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


@compiled
def gap(origin, stations, chosen):
    """Largest angle without a station, degrees."""
    azimuths = []
    for station in range(len(stations)):
        if chosen[2 * station] >= 0 or chosen[2 * station + 1] >= 0:
            east, north = stations[station, :2] - origin[:2]
            azimuths.append(np.arctan2(east, north))
    azimuths.sort()
    largest = 2 * np.pi + azimuths[0] - azimuths[-1]
    for k in range(1, len(azimuths)):
        largest = max(largest, azimuths[k] - azimuths[k - 1])
    return largest * 180 / np.pi


@compiled
def select(
    problem,
    origins,
    scores,
    sigmas,
    prior_km,
    rounds,
    limits,
    interval,
    earlier,
    accepted,
    picks,
):
    """
    Selects events. The best candidate becomes an event and claims its picks, and the
    others are scored again without these picks, until none is left.

    :param limits: Smallest score, picks, P picks, S picks, stations with both; largest
        standard deviation of residuals, distance to the nearest station, azimuthal gap
    :param interval: Shortest time between events, s
    :param earlier: Origin times of earlier events that count for it
    :param accepted: (candidates, 5): origins and scores; is written
    :param picks: (candidates, rows) Picks of each, or -1; is written
    :return: Number of events
    """
    chosen = np.empty(len(problem.start) - 1, dtype=np.int64)
    result = np.empty(6)
    heap = [(-scores[k], k) for k in range(len(origins))]
    heapq.heapify(heap)
    number = 0
    while len(heap):
        score, k = heapq.heappop(heap)
        if -score < limits[0]:
            break
        origin = origins[k]
        if (np.abs(accepted[:number, 3] - origin[3]) < interval).any():
            continue
        if (np.abs(earlier - origin[3]) < interval).any():
            continue
        evaluate(problem, origin, sigmas, prior_km, rounds, chosen, result)
        now = result[0]
        if (
            now < limits[0]
            or result[1] + result[2] < limits[1]
            or (result[1:4] < limits[2:5]).any()
            or (result[4:6] > limits[5:7]).any()
            or (limits[7] < 360.0 and gap(origin, problem.stations, chosen) > limits[7])
        ):
            continue
        if len(heap) and now < -heap[0][0] - 1e-9:
            heapq.heappush(heap, (-now, k))
            continue
        accepted[number, :4] = origin
        accepted[number, 4] = now
        picks[number] = chosen
        problem.claimed[chosen[chosen >= 0]] = True
        number += 1
    return number


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
def best_nodes(curves, counts, samples, offsets, reach, low, high, gaps, nodes, scores):
    """
    Finds the node with the highest score for each origin time. Origin times are given as
    samples of the curves at which the initiating pick lies.

    :param samples: Samples, int64
    :param offsets: (rows, nodes) int32: samples after the initiating one
    :param reach: Samples that a pick reaches before itself
    :param low: (rows,) Smallest offset of each row, and ``high`` the largest one
    :param gaps: (rows,) Mask of the rows with unknown offsets
    :param nodes: The best node of each; is written
    :param scores: Its score; is written
    """
    n = offsets.shape[1]
    total = np.empty(n, dtype=np.float32)
    length = curves.shape[1]
    for k in range(len(samples)):
        total[:] = 0.0
        shift = samples[k]
        for row in range(len(offsets)):
            first = max(shift + low[row] - 2 * reach - 2, 0)
            last = min(shift + high[row] + 1, length)
            if low[row] > high[row] or first >= last:
                continue
            if counts[row, last] == counts[row, first]:
                continue
            if shift + low[row] < 0 or shift + high[row] >= length:
                continue
            curve, offset = curves[row], offsets[row]
            if gaps[row]:
                for node in range(n):
                    if offset[node] != UNKNOWN:
                        total[node] += curve[shift + offset[node]]
            else:
                for node in range(n):
                    total[node] += curve[shift + offset[node]]
        nodes[k] = np.argmax(total)
        scores[k] = total[nodes[k]]


@compiled
def grid_offsets(problem, grid, station, offsets, low, high, gaps):
    """
    Computes arrivals of P and S from nodes around a station, relative to P at the station.

    :param grid: (nodes, 3): x and y from the station, and depth, km
    :param station: Row of the initiating station
    :param offsets: (rows, nodes) int32, samples; is written, UNKNOWN where nothing arrives
    :param low: (rows,) int64: least of each row, and ``high`` the largest; ``low`` is
        above ``high`` where there is none
    :param gaps: (rows,) Which ones have unknown offsets; is written
    :return: (nodes,): travel times of P to the station itself
    """
    stations = problem.stations
    nodes = len(grid)
    own = np.empty(nodes)
    for node in range(nodes):
        x, y, depth = grid[node]
        distance = np.sqrt(x**2 + y**2)
        own[node] = travel_time(problem, 0, distance, depth, stations[station, 2])[0]
    for row in range(len(offsets)):
        other = row // 2
        east = stations[other, 0] - stations[station, 0]
        north = stations[other, 1] - stations[station, 1]
        low[row], high[row], gaps[row] = 1, 0, False
        if np.sqrt(east * east + north * north) > problem.farthest:
            continue
        least, most = 2**31 - 1, -(2**31)
        for node in range(nodes):
            dx, dy = east - grid[node, 0], north - grid[node, 1]
            distance = np.sqrt(dx * dx + dy * dy)
            travel, _, _ = travel_time(
                problem, row % 2, distance, grid[node, 2], stations[other, 2]
            )
            delay = travel - own[node]
            if np.isnan(delay):
                offsets[row, node] = UNKNOWN
                gaps[row] = True
                continue
            value = int(np.rint(delay / STEP_S))
            offsets[row, node] = value
            least, most = min(least, value), max(most, value)
        if least <= most:
            low[row], high[row] = least, most
    return own


@compiled
def link_gains(problem, begin, step, density, spans, time_step, reach, gains, most):
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
    end = begin + number * step + (density.shape[3] - 1) * time_step
    active = np.zeros(stations, dtype=np.bool_)
    of_phase = np.empty((depths, distances, number), dtype=np.float32)
    largest = np.empty((distances, number), dtype=np.float32)
    for row in range(2 * stations):
        station, phase = row // 2, row % 2
        gain = gains[station]
        first = _from(time, start[row], start[row + 1], begin)
        last = _from(time, first, start[row + 1], end - step)
        if first < last:
            count = 0
            after = _from(time, start[row], first, begin - BACKGROUND_S)
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
                        early = np.ceil((since - (high + 0.5) * time_step) / step)
                        late = np.floor((since - (low - 0.5) * time_step) / step)
                        for k in range(max(int(early), 0), min(int(late) + 1, number)):
                            sample = int((since - k * step) / time_step + 0.5)
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
