"""Compiled functions, and what chooses candidates, against plain Python."""

import itertools

import numpy as np
import pytest
from made_networks import VELOCITY, made_network

from seisbench_diting.association.core import make_network
from seisbench_diting.travel_times import STEP_KM, make_table

pytest.importorskip("numba", reason="Numba is not installed")

from seisbench_diting.association import greedy
from seisbench_diting.association.lppn_linker import find_peaks


@pytest.fixture
def problem(rng):
    made = made_network(1, 5, stations=6)
    network = make_network(made.picks, made.stations)
    time, _, start = greedy.rows_of(network)
    table = make_table(VELOCITY, 150.0, 20.0)
    stations = np.stack([*network.xy, network.elevation_km], axis=1)
    return greedy.Problem(
        *(time, start, rng.random(len(time)) < 0.2, stations),
        *(table.times, table.rise, STEP_KM, np.array([1.0, 1.5]), 20.0, 60.0, 0.2),
    )


def test_travel_times_are_those_of_the_table(problem, rng):
    table = make_table(VELOCITY, 150.0, 20.0)
    for distance, depth, height in rng.uniform(0, [150, 20, 3], (50, 3)):
        expected = table.at(distance, depth, height)
        for phase in range(2):
            time, slow, down = greedy.travel_time(
                problem, phase, distance, depth, height
            )
            assert time == pytest.approx(expected[phase], rel=1e-6)
            near = 1e-4
            for slope, more in ((slow, (near, 0)), (down, (0, near))):
                other = greedy.travel_time(
                    problem, phase, distance + more[0], depth + more[1], height
                )[0]
                # Unless a step of the table is between.
                if int(2 * distance) == int(2 * (distance + near)) and int(
                    2 * depth
                ) == int(2 * (depth + near)):
                    assert (other - time) / near == pytest.approx(slope, abs=1e-6)
    assert np.isnan(greedy.travel_time(problem, 0, 500.0, 5.0, 0.0)[0])


def test_curves_are_sums_over_picks(problem):
    sigmas = np.array([0.3, 0.5])
    begin, samples = problem.time.min() - 5, 4000
    rows = len(problem.start) - 1
    curves = np.empty((rows, samples), dtype=np.float32)
    counts = np.empty((rows, samples + 1), dtype=np.int32)

    greedy.make_curves(problem, begin, sigmas, curves, counts)

    axis = begin + np.arange(samples) * greedy.STEP_S
    for row in range(rows):
        sigma = sigmas[row % 2]
        picks = slice(problem.start[row], problem.start[row + 1])
        times = problem.time[picks][~problem.claimed[picks]]
        total = np.zeros(samples)
        for time in times:
            near = (np.abs(times - time) <= greedy.BACKGROUND_S).sum()
            rate = max(near / 2 / greedy.BACKGROUND_S, greedy.LEAST_RATE)
            odds = greedy.DETECTED / (1 - greedy.DETECTED)
            r = (axis - time) / sigma
            total += odds * np.exp(-(r**2) / 2) / np.sqrt(2 * np.pi) / sigma / rate
        # Picks end at some standard deviations.
        far = np.abs(axis[:, None] - times).min(axis=1) > greedy.WIDTH * sigma
        found = np.where(far, 0, curves[row])
        np.testing.assert_allclose(found, np.where(far, 0, np.log1p(total)), atol=0.1)


def test_least_squares_find_the_origin(problem):
    true = np.array([3.0, -4.0, 8.0, 0.0])
    rows = len(problem.start) - 1
    travel = [
        greedy.travel_time(
            problem,
            row % 2,
            np.hypot(*(problem.stations[row // 2, :2] - true[:2])),
            true[2],
            problem.stations[row // 2, 2],
        )[0]
        for row in range(rows)
    ]
    exact = problem._replace(
        time=np.array(travel),
        start=np.arange(rows + 1),
        claimed=np.zeros(rows, dtype=bool),
    )
    origin = true + np.array([2.0, -1.5, 3.0, 0.3])
    sigmas = np.array([[0.5, 0.7], [0.1, 0.1]])
    chosen, result = np.empty(rows, dtype=np.int64), np.empty(6)

    greedy.evaluate(exact, origin, sigmas, 4.0, 20, chosen, result)

    np.testing.assert_allclose(origin, true, atol=0.1)
    assert list(chosen) == list(range(rows))
    assert list(result[1:4]) == [rows / 2] * 3
    assert result[4] < 0.01
    distances = np.hypot(*(problem.stations[:, :2] - origin[:2]).T)
    assert result[5] == pytest.approx(distances.min())


def test_the_best_node_has_the_largest_sum(problem, rng):
    rows, nodes, length = 4, 50, 300
    curves = rng.random((rows, length), dtype=np.float32)
    counts = np.tile(np.arange(length + 1, dtype=np.int32), (rows, 1))
    offsets = rng.integers(-20, 100, (rows, nodes)).astype(np.int32)
    low, high = offsets.min(axis=1).astype(int), offsets.max(axis=1).astype(int)
    offsets[1, 7] = greedy.UNKNOWN
    samples = np.array([30, 100, 150])
    best, scores = np.empty(3, dtype=np.int64), np.empty(3, dtype=np.float32)
    gaps = np.array([False, True, False, False])

    greedy.best_nodes(
        curves, counts, samples, offsets, 5, low, high, gaps, best, scores
    )

    for k, sample in enumerate(samples):
        sums = [
            sum(
                curves[row, sample + offsets[row, node]]
                for row in range(rows)
                if offsets[row, node] != greedy.UNKNOWN
            )
            for node in range(nodes)
        ]
        assert best[k] == np.argmax(sums)
        assert scores[k] == pytest.approx(max(sums), rel=1e-5)


def test_the_gap_is_the_largest_angle(rng):
    stations = rng.uniform(-50, 50, (7, 3))
    chosen = np.where(np.arange(14) < 10, 0, -1)
    angles = np.sort(np.degrees(np.arctan2(stations[:5, 0], stations[:5, 1])) % 360)
    largest = max(np.diff([*angles, angles[0] + 360]))

    assert greedy.gap(np.zeros(4), stations, chosen) == pytest.approx(largest)


def test_of_near_candidates_the_best_stays(rng):
    origins = np.sort(rng.uniform(0, 4, (40, 4)), axis=0)
    scores = rng.random(40)

    keep = greedy.first_of_many(origins, scores, 0.3, 2.0)

    kept: list[int] = []
    for k in np.argsort(-scores):
        apart = [
            (abs(origins[k, 3] - origins[j, 3]), np.linalg.norm(d[:3]))
            for j in kept
            for d in [origins[k] - origins[j]]
        ]
        if not any(seconds < 0.3 and km < 2 for seconds, km in apart):
            kept.append(k)
    assert set(np.flatnonzero(keep)) == set(kept)


def test_peaks_surpass_all_neighbours(rng):
    rows, columns, times = 6, 5, 8
    scores = rng.integers(0, 6, (rows * columns, times)).astype(np.float32)
    grid = scores.reshape(rows, columns, times)
    expected = set()
    for y, x, k in itertools.product(range(rows), range(columns), range(1, times - 1)):
        near = grid[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2, k]
        value = grid[y, x, k]
        before, after = grid[y, x, k - 1], grid[y, x, k + 1]
        if value >= 3 and near.max() <= value and before <= value and after < value:
            expected.add((y * columns + x, k))

    found = set(zip(*find_peaks(scores, columns, 3, 100), strict=True))
    few = find_peaks(scores, columns, 3, 1)

    assert found == expected
    for node, k in zip(*few, strict=True):
        assert scores[node, k] == max(scores[n, j] for n, j in expected if j == k)
    assert sorted(few[1]) == sorted({k for _, k in expected})
