"""
Compiled functions that associators share.

They are in one file, as Numba keeps what it compiled until the file of a function changes,
and would not see that a function which it calls from another file did.

**Curves.** A row is a station and a phase. Its curve is high where its picks are: the
logarithm of how much likelier a pick there is with an event than without. A place and an
origin time are scored by adding up the curves at the times that are expected there.

**Origins.** Each station within some distance is expected to have a P and an S pick, with
the probability :py:data:`DETECTED`, among others that come by chance at the rate around
that time. Whether a pick belongs to the event is a matter of degree, which its residual and
that rate tell; weighted so, least squares gives the origin, and the origin the residuals,
while the expected errors shrink from those of a grid to those of picks. What remains is the
logarithm of how much likelier the picks are with the event than without: its score.

**Selection.** The best candidate is taken, its picks are claimed, and the others are judged
again without them.
"""

from __future__ import annotations

import heapq

import numpy as np
from numba import njit

#: Sampling interval of curves, s.
STEP_S = 0.05

#: Probability that a station which records an event has a pick of a phase.
DETECTED = 0.6

#: Rates of picks by chance are no lower than this, 1/s.
LEAST_RATE = 1 / 60

#: Picks this far before and after a time tell how many come by chance, s.
BACKGROUND_S = 30.0

#: Errors of picks count up to this many standard deviations.
WIDTH = 3.0

#: Picks this many times farther away than the distance with the best score are not taken.
FARTHER = 3.0

#: A pick is taken if it is this many times as likely with the event as by chance.
LEAST_GAIN = 0.8

#: Offset of a node from which nothing arrives.
UNKNOWN = -(2**31)

_ROOT = 1 / np.sqrt(2 * np.pi)


@njit(cache=True, nogil=True, inline="always")
def travel_time(times, rise, phase, distance, depth, elevation, step, depth_step):
    """Time and its derivatives by distance and depth; NaN beyond the table."""
    n_depth, n_distance = times.shape[1], times.shape[2]
    x = distance / step
    z = min(max(depth / depth_step, 0.0), n_depth - 1.000001)
    i, j = int(x), int(z)
    if i >= n_distance - 1:
        return np.nan, 0.0, 0.0
    u, v = x - i, z - j
    a = times[phase, j, i] + elevation * rise[phase, j, i]
    b = times[phase, j, i + 1] + elevation * rise[phase, j, i + 1]
    c = times[phase, j + 1, i] + elevation * rise[phase, j + 1, i]
    d = times[phase, j + 1, i + 1] + elevation * rise[phase, j + 1, i + 1]
    time = (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * c + u * d)
    slow = ((1 - v) * (b - a) + v * (d - c)) / step
    down = ((1 - u) * (c - a) + u * (d - b)) / depth_step
    return time, slow, down


@njit(cache=True, nogil=True)
def _from(time, lower, upper, value):
    """First place in [lower, upper) whose time isn't below value."""
    while lower < upper:
        middle = (lower + upper) // 2
        if time[middle] < value:
            lower = middle + 1
        else:
            upper = middle
    return lower


@njit(cache=True, nogil=True)
def rates_around(time, start, claimed, origin, out):
    """Picks a second of each row around an origin time."""
    reach = BACKGROUND_S
    for row in range(len(start) - 1):
        place = _from(time, start[row], start[row + 1], origin - reach)
        count = 0
        while place < start[row + 1] and time[place] <= origin + 2 * reach:
            count += not claimed[place]
            place += 1
        out[row] = max(count / (3 * reach), LEAST_RATE)


@njit(cache=True, nogil=True)
def improve(
    origin,
    time,
    start,
    claimed,
    rates,
    stations,
    table,
    sigmas,
    prior_km,
    max_depth,
    farthest,
    least_sp,
    rounds,
):
    """
    Moves ``origin`` (x, y, depth in km, time in s) in place.

    :param sigmas: Expected errors of P and S, (2, 2): at the first round and the last
    :param prior_km: How far the epicentre may be from where it was, and the depth from
        where it is, at each round
    """
    times, rise, step, depth_step = table
    x0, y0 = origin[0], origin[1]
    normal = np.empty((4, 4))
    right = np.empty(4)
    for number in range(rounds):
        share = number / max(rounds - 1, 1)
        normal[:] = 0.0
        right[:] = 0.0
        total = 0.0
        for station in range(stations.shape[0]):
            dx = stations[station, 0] - origin[0]
            dy = stations[station, 1] - origin[1]
            distance = np.sqrt(dx * dx + dy * dy)
            if distance > farthest:
                continue
            first = 0.0
            for phase in range(2):
                row = 2 * station + phase
                if start[row] == start[row + 1]:
                    continue
                travel, slow, down = travel_time(
                    times,
                    rise,
                    phase,
                    distance,
                    origin[2],
                    stations[station, 2],
                    step,
                    depth_step,
                )
                if np.isnan(travel):
                    continue
                if phase == 0:
                    first = travel
                elif travel - first < least_sp:
                    continue
                sigma = sigmas[0, phase] ** (1 - share) * sigmas[1, phase] ** share
                expected = origin[3] + travel
                place = _from(
                    time, start[row], start[row + 1], expected - WIDTH * sigma
                )
                begin = place
                sum_of = 0.0
                while place < start[row + 1] and time[place] < expected + WIDTH * sigma:
                    if not claimed[place]:
                        r = (time[place] - expected) / sigma
                        sum_of += np.exp(-0.5 * r * r)
                    place += 1
                if sum_of == 0.0:
                    continue
                scale = DETECTED * _ROOT / sigma / rates[row]
                whole = (1 - DETECTED) + scale * sum_of
                if distance > 1e-6:
                    gx, gy = -slow * dx / distance, -slow * dy / distance
                else:
                    gx, gy = 0.0, 0.0
                for p in range(begin, place):
                    if claimed[p]:
                        continue
                    residual = time[p] - expected
                    r = residual / sigma
                    weight = scale * np.exp(-0.5 * r * r) / whole / (sigma * sigma)
                    g0, g1, g2, g3 = gx, gy, down, 1.0
                    normal[0, 0] += weight * g0 * g0
                    normal[0, 1] += weight * g0 * g1
                    normal[0, 2] += weight * g0 * g2
                    normal[0, 3] += weight * g0 * g3
                    normal[1, 1] += weight * g1 * g1
                    normal[1, 2] += weight * g1 * g2
                    normal[1, 3] += weight * g1 * g3
                    normal[2, 2] += weight * g2 * g2
                    normal[2, 3] += weight * g2 * g3
                    normal[3, 3] += weight
                    right[0] += weight * g0 * residual
                    right[1] += weight * g1 * residual
                    right[2] += weight * g2 * residual
                    right[3] += weight * g3 * residual
                    total += weight
        if total == 0.0:
            return
        firm = 1.0 / (prior_km * prior_km)
        normal[0, 0] += firm
        normal[1, 1] += firm
        normal[2, 2] += firm
        normal[3, 3] += 1e-6
        right[0] += firm * (x0 - origin[0])
        right[1] += firm * (y0 - origin[1])
        change = _solve(normal, right)
        for k in range(4):
            origin[k] += change[k]
        origin[2] = min(max(origin[2], 0.0), max_depth)


@njit(cache=True, nogil=True)
def _solve(normal, right):
    """Cholesky, of the upper triangle."""
    low = np.zeros((4, 4))
    for i in range(4):
        for j in range(i + 1):
            value = normal[j, i]
            for k in range(j):
                value -= low[i, k] * low[j, k]
            if i == j:
                low[i, i] = np.sqrt(max(value, 1e-12))
            else:
                low[i, j] = value / low[j, j]
    result = np.empty(4)
    for i in range(4):
        value = right[i]
        for k in range(i):
            value -= low[i, k] * result[k]
        result[i] = value / low[i, i]
    for i in range(3, -1, -1):
        value = result[i]
        for k in range(i + 1, 4):
            value -= low[k, i] * result[k]
        result[i] = value / low[i, i]
    return result


@njit(cache=True, nogil=True)
def judge(
    origin,
    time,
    start,
    claimed,
    rates,
    stations,
    table,
    sigmas,
    windows,
    farthest,
    least_sp,
    chosen,
    result,
):
    """
    Chooses of each row the pick that fits best, and finds the distance with the best score.

    :param windows: Largest residuals of P and S, s
    :param chosen: For each row its pick, or -1; is written
    :param result: Score, P picks, S picks, stations with both, standard deviation of the
        residuals in s, distance to the nearest station in km; is written
    """
    times, rise, step, depth_step = table
    n = stations.shape[0]
    distances = np.empty(n)
    gains = np.zeros(n)
    residuals = np.empty(2 * n)
    for station in range(n):
        dx = stations[station, 0] - origin[0]
        dy = stations[station, 1] - origin[1]
        distance = np.sqrt(dx * dx + dy * dy)
        distances[station] = distance
        chosen[2 * station] = -1
        chosen[2 * station + 1] = -1
        if distance > farthest:
            continue
        first = 0.0
        p_time = -np.inf
        for phase in range(2):
            row = 2 * station + phase
            if start[row] == start[row + 1]:
                continue
            travel, _, _ = travel_time(
                times,
                rise,
                phase,
                distance,
                origin[2],
                stations[station, 2],
                step,
                depth_step,
            )
            if np.isnan(travel):
                continue
            if phase == 0:
                first = travel
            elif travel - first < least_sp:
                continue
            sigma = sigmas[1, phase]
            window = windows[phase]
            expected = origin[3] + travel
            place = _from(time, start[row], start[row + 1], expected - window)
            scale = DETECTED * _ROOT / sigma / rates[row]
            sum_of = 0.0
            nearest = window
            while place < start[row + 1] and time[place] < expected + window:
                if not claimed[place] and time[place] - p_time > least_sp:
                    residual = abs(time[place] - expected)
                    # Beyond its width a pick counts as much as it would there: models of
                    # velocity are wrong by more than picks are.
                    r = min(residual / sigma, WIDTH)
                    gain = scale * np.exp(-0.5 * r * r)
                    sum_of += gain
                    if residual < nearest and gain > LEAST_GAIN:
                        nearest = residual
                        chosen[row] = place
                        residuals[row] = time[place] - expected
                place += 1
            gains[station] += np.log((1 - DETECTED) + sum_of)
            if phase == 0 and chosen[row] >= 0:
                p_time = time[chosen[row]]
    order = np.argsort(distances)
    best, best_at, total = 0.0, -1, 0.0
    for k in range(n):
        total += gains[order[k]]
        if total > best:
            best, best_at = total, k
    p_count, s_count, both = 0, 0, 0
    nearest = np.inf
    sum_of, sum_of_squares = 0.0, 0.0
    limit = FARTHER * distances[order[best_at]] if best_at >= 0 else -1.0
    for station in range(n):
        if distances[station] > limit:
            chosen[2 * station] = -1
            chosen[2 * station + 1] = -1
        has_p = chosen[2 * station] >= 0
        has_s = chosen[2 * station + 1] >= 0
        p_count += has_p
        s_count += has_s
        both += has_p and has_s
        for phase in range(2):
            if chosen[2 * station + phase] >= 0:
                nearest = min(nearest, distances[station])
                sum_of += residuals[2 * station + phase]
                sum_of_squares += residuals[2 * station + phase] ** 2
    count = max(p_count + s_count, 1)
    spread = max(sum_of_squares - sum_of * sum_of / count, 0.0) / max(count - 1, 1)
    result[0], result[1], result[2], result[3] = best, p_count, s_count, both
    result[4], result[5] = np.sqrt(spread), nearest


@njit(cache=True, nogil=True)
def make_curves(time, start, claimed, begin, sigmas, curves, counts):
    """
    :param begin: Time of the curves' first sample
    :param sigmas: Widths for P and S, s
    :param curves: (rows, samples) float32; is written
    :param counts: (rows, samples + 1) int32: picks near samples before each; is written
    """
    rows, samples = curves.shape
    for row in range(rows):
        sigma = sigmas[row % 2]
        reach = int(WIDTH * sigma / STEP_S) + 1
        curve = curves[row]
        curve[:] = 0.0
        count = counts[row]
        count[:] = 0
        low, high, near = start[row], start[row], 0
        for place in range(start[row], start[row + 1]):
            middle = (time[place] - begin) / STEP_S
            while high < start[row + 1] and time[high] <= time[place] + BACKGROUND_S:
                near += not claimed[high]
                high += 1
            while time[low] < time[place] - BACKGROUND_S:
                near -= not claimed[low]
                low += 1
            if claimed[place] or middle < -reach or middle > samples + reach:
                continue
            rate = max(near / (2 * BACKGROUND_S), LEAST_RATE)
            scale = DETECTED / (1 - DETECTED) / np.sqrt(2 * np.pi) / sigma / rate
            first = max(int(middle) - reach, 0)
            last = min(int(middle) + reach + 2, samples)
            for k in range(first, last):
                r = (k - middle) * STEP_S / sigma
                curve[k] += scale * np.exp(-0.5 * r * r)
            if first < last:
                count[first + 1] += 1
        for k in range(samples):
            count[k + 1] += count[k]
            if curve[k] > 0.0:
                curve[k] = np.log(1.0 + curve[k])


@njit(cache=True, nogil=True)
def best_nodes(curves, counts, samples, offsets, reach, low, high, gaps, nodes, scores):
    """
    For each of some origin times, given as samples of the curves at which the initiating
    pick lies, the node with the highest score.

    :param samples: Samples, int64
    :param offsets: (rows, nodes) int32: samples after the initiating one
    :param reach: Samples that a pick reaches before itself
    :param low: (rows,) Least offset of each row, and ``high`` the largest one
    :param gaps: (rows,) Which ones have unknown offsets
    :param nodes: The best node of each; is written
    :param scores: Its score; is written
    """
    n = offsets.shape[1]
    total = np.empty(n, dtype=np.float32)
    length = curves.shape[1]
    for k in range(len(samples)):
        total[:] = 0.0
        for row in range(offsets.shape[0]):
            if low[row] > high[row]:
                continue
            first = max(samples[k] + low[row] - 2 * reach - 2, 0)
            last = min(samples[k] + high[row] + 1, length)
            if first >= last or counts[row, last] == counts[row, first]:
                continue
            curve = curves[row]
            shift = samples[k]
            offset = offsets[row]
            if shift + low[row] < 0 or shift + high[row] >= length:
                continue
            if gaps[row]:
                for node in range(n):
                    if offset[node] != UNKNOWN:
                        total[node] += curve[shift + offset[node]]
                continue
            for node in range(n):
                total[node] += curve[shift + offset[node]]
        best = 0
        for node in range(1, n):
            if total[node] > total[best]:
                best = node
        nodes[k] = best
        scores[k] = total[best]


@njit(cache=True, nogil=True)
def grid_offsets(grid, station, stations, table, farthest, offsets, low, high, gaps):
    """
    When P and S arrive from nodes around a station, after P at the station itself.

    :param grid: (nodes, 3): x and y from the station, and depth, km
    :param station: Row of the initiating station
    :param offsets: (rows, nodes) int32, samples; is written, UNKNOWN where nothing arrives
    :param low: (rows,) int64: least of each row, and ``high`` the largest; ``low`` is
        above ``high`` where there is none
    :param gaps: (rows,) Which ones have unknown offsets; is written
    :return: (nodes,): travel times of P to the station itself
    """
    times, rise, step, depth_step = table
    nodes = grid.shape[0]
    own = np.empty(nodes)
    for node in range(nodes):
        distance = np.sqrt(grid[node, 0] ** 2 + grid[node, 1] ** 2)
        own[node], _, _ = travel_time(
            times,
            rise,
            0,
            distance,
            grid[node, 2],
            stations[station, 2],
            step,
            depth_step,
        )
    for other in range(stations.shape[0]):
        east = stations[other, 0] - stations[station, 0]
        north = stations[other, 1] - stations[station, 1]
        for phase in range(2):
            row = 2 * other + phase
            low[row], high[row] = 1, 0
            gaps[row] = False
            if np.sqrt(east * east + north * north) > farthest:
                continue
            least, most = 2**31 - 1, -(2**31)
            for node in range(nodes):
                dx, dy = east - grid[node, 0], north - grid[node, 1]
                travel, _, _ = travel_time(
                    times,
                    rise,
                    phase,
                    np.sqrt(dx * dx + dy * dy),
                    grid[node, 2],
                    stations[other, 2],
                    step,
                    depth_step,
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


@njit(cache=True, nogil=True)
def improve_all(
    origins,
    scores,
    time,
    start,
    claimed,
    stations,
    table,
    sigmas,
    windows,
    prior_km,
    max_depth,
    farthest,
    least_sp,
    rounds,
):
    """
    :param origins: (candidates, 4) float64: x, y, depth in km, time; is changed
    :param scores: (candidates,) Their scores; is written
    """
    rates = np.empty(len(start) - 1)
    chosen = np.empty(len(start) - 1, dtype=np.int64)
    result = np.empty(6)
    for k in range(len(origins)):
        rates_around(time, start, claimed, origins[k, 3], rates)
        improve(
            origins[k],
            time,
            start,
            claimed,
            rates,
            stations,
            table,
            sigmas,
            prior_km,
            max_depth,
            farthest,
            least_sp,
            rounds,
        )
        judge(
            origins[k],
            time,
            start,
            claimed,
            rates,
            stations,
            table,
            sigmas,
            windows,
            farthest,
            least_sp,
            chosen,
            result,
        )
        scores[k] = result[0]


@njit(cache=True, nogil=True)
def first_of_many(origins, scores, seconds, km):
    """
    :param origins: Candidates in order of time
    :param scores: Their scores
    :param seconds: Candidates closer in time
    :param km: and in place are the same
    :return: Which ones no better one is the same as
    """
    n = len(origins)
    keep = np.ones(n, dtype=np.bool_)
    order = np.argsort(-scores)
    for k in range(n):
        one = order[k]
        if not keep[one]:
            continue
        for step in (-1, 1):
            other = one + step
            while 0 <= other < n and abs(origins[other, 3] - origins[one, 3]) < seconds:
                dx = origins[other, 0] - origins[one, 0]
                dy = origins[other, 1] - origins[one, 1]
                dz = origins[other, 2] - origins[one, 2]
                if dx * dx + dy * dy + dz * dz < km * km:
                    keep[other] = False
                other += step
        keep[one] = True
    return keep


@njit(cache=True, nogil=True)
def _gap(origin, stations, chosen):
    """Largest angle without a station, degrees."""
    azimuths = []
    for station in range(stations.shape[0]):
        if chosen[2 * station] >= 0 or chosen[2 * station + 1] >= 0:
            east = stations[station, 0] - origin[0]
            north = stations[station, 1] - origin[1]
            azimuths.append(np.arctan2(east, north))
    azimuths.sort()
    largest = 2 * np.pi + azimuths[0] - azimuths[-1]
    for k in range(1, len(azimuths)):
        largest = max(largest, azimuths[k] - azimuths[k - 1])
    return largest * 180 / np.pi


@njit(cache=True, nogil=True)
def select(
    origins,
    scores,
    time,
    start,
    claimed,
    stations,
    table,
    sigmas,
    windows,
    prior_km,
    max_depth,
    farthest,
    least_sp,
    rounds,
    limits,
    interval,
    earlier,
    accepted,
    picks,
):
    """
    The best candidate is taken, its picks are claimed, and the others are judged again
    without them, until none is left.

    :param claimed: Which picks belong to events; is changed
    :param limits: Least score, picks, P picks, S picks, stations with both; largest
        standard deviation of residuals, distance to the nearest station, azimuthal gap
    :param interval: Shortest time between events, s
    :param earlier: Origin times of earlier events that count for it
    :param accepted: (candidates, 5): origins and scores; is written
    :param picks: (candidates, rows) Picks of each, or -1; is written
    :return: How many
    """
    rows = len(start) - 1
    rates = np.empty(rows)
    chosen = np.empty(rows, dtype=np.int64)
    result = np.empty(6)
    heap = [(-scores[k], k) for k in range(len(origins))]
    heapq.heapify(heap)
    number = 0
    while len(heap):
        score, k = heapq.heappop(heap)
        if -score < limits[0]:
            break
        origin = origins[k]
        near = False
        for other in range(number):
            near = near or abs(accepted[other, 3] - origin[3]) < interval
        for other in range(len(earlier)):
            near = near or abs(earlier[other] - origin[3]) < interval
        if near:
            continue
        rates_around(time, start, claimed, origin[3], rates)
        improve(
            origin,
            time,
            start,
            claimed,
            rates,
            stations,
            table,
            sigmas,
            prior_km,
            max_depth,
            farthest,
            least_sp,
            rounds,
        )
        judge(
            origin,
            time,
            start,
            claimed,
            rates,
            stations,
            table,
            sigmas,
            windows,
            farthest,
            least_sp,
            chosen,
            result,
        )
        now = result[0]
        if now < limits[0] or result[1] + result[2] < limits[1]:
            continue
        if result[1] < limits[2] or result[2] < limits[3] or result[3] < limits[4]:
            continue
        if result[4] > limits[5] or result[5] > limits[6]:
            continue
        if limits[7] < 360.0 and _gap(origin, stations, chosen) > limits[7]:
            continue
        if len(heap) and now < -heap[0][0] - 1e-9:
            heapq.heappush(heap, (-now, k))
            continue
        accepted[number, :4] = origin
        accepted[number, 4] = now
        picks[number] = chosen
        for row in range(rows):
            if chosen[row] >= 0:
                claimed[chosen[row]] = True
        number += 1
    return number


@njit(cache=True, nogil=True)
def link_gains(
    time,
    start,
    claimed,
    begin,
    step,
    density,
    spans,
    time_step,
    reach,
    gains,
    most,
    active,
):
    """
    What each station adds to the score of an origin at each of some distances and times.

    :param begin: First origin time, and ``step`` of the others
    :param density: (2, depths, distances, times) Of picks of an origin, 1/s
    :param spans: (2, depths, distances, 2) First and last time where it is not 0
    :param reach: For how many distances to both sides ``most`` holds the largest
    :param gains: (stations, depths, distances, number) float32; is written
    :param most: (stations, distances, number) float32: the largest of near distances and
        all depths; is written
    :param active: (stations,) Which ones have picks; is written
    """
    _, depths, distances, number = gains.shape
    longest = (density.shape[3] - 1) * time_step
    end = begin + number * step + longest
    of_phase = np.empty((depths, distances, number), dtype=np.float32)
    largest = np.empty((distances, number), dtype=np.float32)
    for station in range(gains.shape[0]):
        gain = gains[station]
        active[station] = False
        for phase in range(2):
            row = 2 * station + phase
            first = _from(time, start[row], start[row + 1], begin)
            last = _from(time, first, start[row + 1], end - step)
            if first == last:
                continue
            before = _from(time, start[row], first, begin - BACKGROUND_S)
            count, after = 0, before
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
                        earliest = max(
                            int(np.ceil((since - (high + 0.5) * time_step) / step)), 0
                        )
                        latest = min(
                            int(np.floor((since - (low - 0.5) * time_step) / step)),
                            number - 1,
                        )
                        for k in range(earliest, latest + 1):
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
        if not active[station]:
            continue
        largest[:] = gain[0]
        for depth in range(1, depths):
            for i in range(distances):
                for k in range(number):
                    largest[i, k] = max(largest[i, k], gain[depth, i, k])
        for i in range(distances):
            near = max(i - reach, 0)
            most[station, i] = largest[near]
            for j in range(near + 1, min(i + reach + 1, distances)):
                for k in range(number):
                    most[station, i, k] = max(most[station, i, k], largest[j, k])


@njit(cache=True, nogil=True)
def add_links(bins, near, members, gains, most, active, least, scores, depths):
    """
    Scores of nodes, block by block: blocks where no node and depth can have the least
    score, which are most of them, cost little.

    :param bins: (nodes, stations) int16: distance of each node to each station, in bins;
        -1 where it is too far
    :param near: (blocks, stations) The same of the blocks' middles
    :param members: (blocks, 4) int32 Nodes of each block, or -1
    :param gains: Of :py:func:`link_gains`, and ``most`` and ``active``
    :param least: Least score; scores below are any number below
    :param scores: (nodes, times) float32: those of the best depth; is written
    :param depths: (nodes, times) uint16: which one that is; is written
    """
    number = gains.shape[3]
    total = np.empty(number, dtype=np.float32)
    for block in range(near.shape[0]):
        total[:] = 0.0
        for station in range(bins.shape[1]):
            place = near[block, station]
            if place >= 0 and active[station]:
                gain = most[station, place]
                for k in range(number):
                    total[k] += gain[k]
        possible = total.max() >= least
        for member in range(members.shape[1]):
            node = members[block, member]
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


@njit(cache=True, nogil=True)
def peaks(scores, columns, least, most, found):
    """
    Nodes and times that no neighbour surpasses; of one time the best ones.

    :param scores: (nodes, times); the nodes are a grid with ``columns`` columns
    :param least: Least score
    :param most: Most peaks of one time
    :param found: (peaks, 2) int64 node and time; is written
    :return: How many
    """
    nodes, number = scores.shape
    rows = nodes // columns
    here = np.empty(nodes, dtype=np.int64)
    total = 0
    for k in range(1, number - 1):
        count = 0
        for node in range(nodes):
            value = scores[node, k]
            if (
                value < least
                or scores[node, k - 1] > value
                or scores[node, k + 1] >= value
            ):
                continue
            y, x = node // columns, node % columns
            best = True
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    v, u = y + dy, x + dx
                    if 0 <= v < rows and 0 <= u < columns:
                        best = best and scores[v * columns + u, k] <= value
            if best:
                here[count] = node
                count += 1
        if count > most:
            order = np.argsort(-scores[here[:count], k])
            here[:most] = here[:count][order[:most]]
            count = most
        for one in range(count):
            if total < len(found):
                found[total, 0], found[total, 1] = here[one], k
                total += 1
    return total
