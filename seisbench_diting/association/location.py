"""Locate events: least squares on picks that may belong to an event or come by chance.

Each station within some distance is expected to have a P and an S pick, with the probability
:py:data:`DETECTED`, among others that come by chance at the rate around that time. The
residual of a pick and that rate tell how likely it belongs to the event. Least squares with
these weights give the origin, and the origin the residuals, while the expected errors shrink
from those of a grid to those of picks. The score of an event is the logarithm of how much
likelier the picks are with the event than without.

Numba keeps what it compiled until the file of a function changes, and does not notice changes
in other files: compiled functions call none of other files. After changing a constant here,
delete the folder ``__pycache__``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit

#: Probability that a station which records an event has a pick of a phase.
DETECTED = 0.6

#: Lowest rate of picks by chance, 1/s.
LEAST_RATE = 1 / 60

#: Time before and after in which picks are counted for the rate of chance picks, s.
BACKGROUND_S = 30.0

#: Errors of picks count up to this many standard deviations.
WIDTH = 3.0

#: Largest distance of picks, as a multiple of the distance with the best score.
_FARTHER = 3.0

#: A pick is taken if it is this many times as likely with the event as by chance.
_LEAST_GAIN = 0.8

_ROOT = 1 / np.sqrt(2 * np.pi)


class Problem(NamedTuple):
    """
    Picks, stations and travel times for compiled functions.

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


class Quality(NamedTuple):
    """
    Quality of a location.

    :param score: Log-likelihood ratio of the picks with and without the event
    :param p: Number of P picks, and ``s`` of S picks
    :param both: Number of stations with both
    :param spread: Standard deviation of the residuals, s
    :param nearest: Distance of the nearest station with a pick, km
    """

    score: float
    p: int
    s: int
    both: int
    spread: float
    nearest: float


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
def grid_offsets(problem, grid, station, step_s, used, offsets, span):
    """
    Computes arrivals of P and S from nodes around a station, relative to P at the station.

    :param grid: (nodes, 3): x and y from the station, and depth, km
    :param station: Row of the station
    :param step_s: Sampling interval
    :param used: (rows,) Mask of the rows that are needed
    :param offsets: (rows, nodes) int32, samples; is written
    :param span: (2, rows) int64: smallest and largest of each row, in wrong order where
        the row is not used or the station is too far; is written
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
        span[0, row], span[1, row] = 1, 0
        if not used[row] or np.sqrt(east * east + north * north) > problem.farthest:
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
                break
            value = int(np.rint(delay / step_s))
            offsets[row, node] = value
            least, most = min(least, value), max(most, value)
        else:
            span[0, row], span[1, row] = least, most
    return own


@compiled
def _expect(problem, origin, distances, travel, slopes):
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
def _move(problem, origin, rates, sigmas, prior_km, rounds):
    """Moves an origin in place, by least squares; see :py:func:`locate`."""
    time, claimed = problem.time, problem.claimed
    rows = len(rates)
    distances, travel = np.empty(rows // 2), np.empty(rows)
    slopes = np.empty((rows, 4))
    x0, y0 = origin[0], origin[1]
    normal, right = np.empty((4, 4)), np.empty(4)
    for number in range(rounds):
        share = number / max(rounds - 1, 1)
        errors = sigmas[0] ** (1 - share) * sigmas[1] ** share
        _expect(problem, origin, distances, travel, slopes)
        normal[:], right[:] = 0.0, 0.0
        for row in range(rows):
            if np.isnan(travel[row]):
                continue
            sigma = errors[row % 2]
            expected = origin[3] + travel[row]
            begin, end = problem.start[row], problem.start[row + 1]
            begin += np.searchsorted(time[begin:end], expected - WIDTH * sigma)
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
def _rate(problem, origin, rates, sigma, chosen):
    """Chooses the best pick of each row, and finds the distance with the best score."""
    time = problem.time
    rows = len(rates)
    n = rows // 2
    distances, travel, residuals = np.empty(n), np.empty(rows), np.empty(rows)
    gains = np.zeros(n)
    _expect(problem, origin, distances, travel, np.empty((rows, 4)))
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
        place, end = problem.start[row], problem.start[row + 1]
        place += np.searchsorted(time[place:end], expected - window)
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
                if residual < nearest and gain > _LEAST_GAIN:
                    nearest = residual
                    chosen[row] = place
                    residuals[row] = time[place] - expected
            place += 1
        gains[row // 2] += np.log((1 - DETECTED) + sum_of)
    best, limit, total = 0.0, -1.0, 0.0
    for station in np.argsort(distances):
        total += gains[station]
        if total > best:
            best, limit = total, _FARTHER * distances[station]
    p, s, both = 0, 0, 0
    nearest, sum_of, sum_of_squares = np.inf, 0.0, 0.0
    for row in range(rows):
        if distances[row // 2] > limit:
            chosen[row] = -1
        if chosen[row] >= 0:
            p += row % 2 == 0
            s += row % 2 == 1
            both += row % 2 == 1 and chosen[row - 1] >= 0
            nearest = min(nearest, distances[row // 2])
            sum_of += residuals[row]
            sum_of_squares += residuals[row] ** 2
    number = max(p + s, 1)
    spread = max(sum_of_squares - sum_of * sum_of / number, 0.0) / max(number - 1, 1)
    return Quality(best, p, s, both, np.sqrt(spread), nearest)


@compiled
def locate(problem, origin, sigmas, prior_km, rounds, chosen):
    """
    Locates an event, beginning at an origin, and chooses its picks.

    :param origin: x, y, depth in km, time in s; is changed
    :param sigmas: Expected errors of P and S, (2, 2): at the first round and the last
    :param prior_km: How far the epicentre may be from where it was, and the depth from
        where it is, at each round
    :param rounds: Rounds of least squares
    :param chosen: For each row its pick, or -1; is written
    :return: :py:class:`Quality`
    """
    time, start = problem.time, problem.start
    rates = np.empty(len(start) - 1)
    for row in range(len(rates)):
        count, place, end = 0, start[row], start[row + 1]
        place += np.searchsorted(time[place:end], origin[3] - BACKGROUND_S)
        while place < end and time[place] <= origin[3] + 2 * BACKGROUND_S:
            count += not problem.claimed[place]
            place += 1
        rates[row] = max(count / (3 * BACKGROUND_S), LEAST_RATE)
    _move(problem, origin, rates, sigmas, prior_km, rounds)
    return _rate(problem, origin, rates, sigmas[1], chosen)


@compiled
def locate_all(problem, origins, scores, sigmas, prior_km, rounds):
    """
    Locates several events, each as if it were the only one; see :py:func:`locate`.

    :param origins: (candidates, 4) float64; is changed
    :param scores: (candidates,) Their scores; is written
    """
    chosen = np.empty(len(problem.start) - 1, dtype=np.int64)
    for k in range(len(origins)):
        quality = locate(problem, origins[k], sigmas, prior_km, rounds, chosen)
        scores[k] = quality.score
