"""Compiled functions, and what chooses candidates, against plain Python."""

import itertools

import numpy as np
import pytest
from made_networks import TRAVEL_TIMES as TABLE
from made_networks import made_network

from seisbench_diting.association.core import largest_gap, make_network

pytest.importorskip("numba", reason="Numba is not installed")

from seisbench_diting.association import greedy, location, real
from seisbench_diting.association.lppn_linker import find_peaks


@pytest.fixture
def problem(rng):
    made = made_network(1, 5, stations=6)
    network = make_network(made.picks, made.stations)
    time, _, start = greedy.rows_of(network)
    stations = np.stack([*network.xy, network.elevation_km], axis=1)
    claimed, windows = rng.random(len(time)) < 0.2, np.array([1.0, 1.5])
    tables = TABLE.times, TABLE.rise, TABLE.step_km
    picks = time, start, claimed, stations
    return location.Problem(*picks, *tables, windows, 20.0, 60.0, 0.2)


def test_travel_times_are_those_of_the_table(problem, rng):
    for distance, depth, height in rng.uniform(0, [150, 20, 3], (50, 3)):
        # In the middle of a cell, where slopes are defined.
        distance, depth = int(distance) + 0.25, int(depth) + 0.25
        expected = TABLE.first_arrivals(distance, depth, height)
        for phase in range(2):

            def at(x, z, phase=phase, height=height):
                return location.travel_time(problem, phase, x, z, height)

            time, slow, down = at(distance, depth)
            assert time == pytest.approx(expected[phase], rel=1e-6)
            farther, deeper = at(distance + 0.1, depth)[0], at(distance, depth + 0.1)[0]
            assert (farther - time) / 0.1 == pytest.approx(slow, abs=1e-6)
            assert (deeper - time) / 0.1 == pytest.approx(down, abs=1e-6)
    assert np.isnan(location.travel_time(problem, 0, 500.0, 5.0, 0.0)[0])


def test_offsets_are_differences_of_travel_times(problem):
    grid = np.array([[3.0, 4.0, 5.0], [-6.0, 8.0, 10.0]])
    rows = len(problem.start) - 1
    offsets = np.zeros((rows, 2), dtype=np.int32)
    span = np.empty((2, rows), dtype=np.int64)

    problem = problem._replace(farthest=140.0)
    used = np.ones(rows, dtype=bool)
    own = location.grid_offsets(problem, grid, 0, 0.05, used, offsets, span)

    for row, node in itertools.product(range(rows), range(2)):
        x, y, height = problem.stations[row // 2]
        nodes = problem.stations[0, :2] + grid[node, :2]
        distance = np.hypot(*(nodes - [x, y]))
        time = TABLE.first_arrivals(distance, grid[node, 2], height)[row % 2]
        assert abs(offsets[row, node] * 0.05 - (time - own[node])) <= 0.026
    assert np.array_equal(span, [offsets.min(axis=1), offsets.max(axis=1)])
    near = problem._replace(farthest=1.0)
    location.grid_offsets(near, grid, 0, 0.05, used, offsets, span)
    assert (span[0] > span[1]).tolist() == [False] * 2 + [True] * (rows - 2)


def test_curves_are_sums_over_picks(problem):
    sigmas = np.array([0.3, 0.5])
    begin, samples = problem.time.min() - 5, 4000
    rows = len(problem.start) - 1
    curves = np.empty((rows, samples), dtype=np.float32)
    counts = np.empty((rows, samples + 1), dtype=np.int32)

    real.make_curves(problem, begin, sigmas, curves, counts)

    axis = begin + np.arange(samples) * real.STEP_S
    for row in range(rows):
        sigma = sigmas[row % 2]
        picks = slice(problem.start[row], problem.start[row + 1])
        times = problem.time[picks][~problem.claimed[picks]]
        total = np.zeros(samples)
        for time in times:
            near = (np.abs(times - time) <= location.BACKGROUND_S).sum()
            rate = max(near / 2 / location.BACKGROUND_S, location.LEAST_RATE)
            odds = location.DETECTED / (1 - location.DETECTED)
            r = (axis - time) / sigma
            total += odds * np.exp(-(r**2) / 2) / np.sqrt(2 * np.pi) / sigma / rate
        # Picks end at some standard deviations.
        far = np.abs(axis[:, None] - times).min(axis=1) > location.WIDTH * sigma
        found = np.where(far, 0, curves[row])
        np.testing.assert_allclose(found, np.where(far, 0, np.log1p(total)), atol=0.1)


def test_least_squares_find_the_origin(problem):
    true = np.array([3.0, -4.0, 8.0, 0.0])
    rows = len(problem.start) - 1
    distances = np.hypot(*(problem.stations[:, :2] - true[:2]).T)
    travel = TABLE.first_arrivals(distances, true[2], problem.stations[:, 2])
    exact = problem._replace(
        time=np.stack(travel, axis=1).ravel(),
        start=np.arange(rows + 1),
        claimed=np.zeros(rows, dtype=bool),
    )
    origin = true + np.array([2.0, -1.5, 3.0, 0.3])
    sigmas = np.array([[0.5, 0.7], [0.1, 0.1]])
    chosen = np.empty(rows, dtype=np.int64)

    quality = location.locate(exact, origin, sigmas, 4.0, 20, chosen)

    np.testing.assert_allclose(origin, true, atol=0.1)
    assert list(chosen) == list(range(rows))
    assert quality[1:4] == (rows / 2, rows / 2, rows / 2)
    assert quality.spread < 0.01
    nearest = np.hypot(*(problem.stations[:, :2] - origin[:2]).T).min()
    assert quality.nearest == pytest.approx(nearest)


def test_the_best_node_has_the_largest_sum(rng):
    rows, nodes, length = 4, 50, 300
    curves = rng.random((rows, length), dtype=np.float32)
    counts = np.tile(np.arange(length + 1, dtype=np.int32), (rows, 1))
    offsets = rng.integers(-20, 100, (rows, nodes)).astype(np.int32)
    span = np.stack([offsets.min(axis=1), offsets.max(axis=1)]).astype(np.int64)
    span[:, 1] = 1, 0  # Not used.
    shifts = np.array([30, 100, 150])

    best, scores = real.best_nodes(curves, counts, shifts, offsets, 5, span)

    for k, shift in enumerate(shifts):
        used = [0, 2, 3]
        sums = curves[used, shift + offsets[used].T].sum(axis=1)
        assert best[k] == np.argmax(sums)
        assert scores[k] == pytest.approx(sums.max(), rel=1e-5)


def test_the_gap_is_the_largest_angle():
    assert largest_gap([350.0, 20.0, 100.0]) == 250
    assert largest_gap([-170.0, 10.0, 100.0]) == 180


def test_of_near_candidates_the_best_stays(rng):
    origins = np.sort(rng.uniform(0, 4, (40, 4)), axis=0)
    scores = rng.random(40)

    keep = greedy.first_of_many(origins, scores, 0.3, 2.0)

    kept: list[int] = []
    for k in np.argsort(-scores):
        apart = np.abs(origins[kept] - origins[k]).reshape(-1, 4)
        near = np.linalg.norm(apart[:, :3], axis=1) < 2
        if not (near & (apart[:, 3] < 0.3)).any():
            kept.append(k)
    assert set(np.flatnonzero(keep)) == set(kept)


def test_peaks_exceed_all_neighbours(rng):
    rows, columns, times = 6, 5, 8
    scores = rng.integers(0, 6, (rows * columns, times)).astype(np.float32)
    grid = scores.reshape(rows, columns, times)
    expected = set()
    for y, x, k in itertools.product(range(rows), range(columns), range(1, times - 1)):
        near = grid[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2, k]
        before, value, after = grid[y, x, k - 1 : k + 2]
        if value >= 3 and near.max() <= value and before <= value and after < value:
            expected.add((y * columns + x, k))

    few = find_peaks(scores, columns, 3, 1)

    assert set(zip(*find_peaks(scores, columns, 3, 100), strict=True)) == expected
    for node, k in zip(*few, strict=True):
        assert scores[node, k] == max(scores[n, j] for n, j in expected if j == k)
    assert sorted(few[1]) == sorted({k for _, k in expected})
