"""What several teachers say together, and what of a long record is kept."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("lightning")

from seisbench_diting.distillation.labels import (
    confident,
    make_arrivals,
    merge_arrivals,
    soft_lppn_label,
    soft_point_label,
)
from seisbench_diting.distillation.teacher_cache import choose_pieces
from seisbench_diting.distillation.teachers import find_peaks
from seisbench_diting.generate import Arrival, lppn_label, point_label
from seisbench_diting.training.module import count_matches

rows = st.lists(
    st.tuples(
        st.sampled_from((1, 2)),
        st.floats(0, 5000),
        st.floats(0.0625, 1, width=32),
    ),
    max_size=12,
)


def test_teachers_that_agree_and_one_that_sees_nothing():
    first = make_arrivals([(1, 100.0, 0.9), (2, 400.0, 0.6)])
    second = make_arrivals([(1, 110.0, 0.3), (1, 700.0, 0.8)])
    merged = merge_arrivals([first, second], 30)
    assert merged["phase"].tolist() == [1, 2, 1]
    np.testing.assert_allclose(merged["sample"], [102.5, 400, 700])
    np.testing.assert_allclose(merged["probability"], [0.6, 0.3, 0.4], rtol=1e-6)


def test_two_arrivals_of_one_teacher_stay_two():
    one = make_arrivals([(1, 100.0, 0.9), (1, 120.0, 0.8)])
    merged = merge_arrivals([one], 30)
    assert merged.tolist() == one.tolist()


@given(first=rows, second=rows, tolerance=st.floats(1, 100))
def test_nothing_is_lost_or_made_up(first, second, tolerance):
    opinions = [make_arrivals(first), make_arrivals(second)]
    merged = merge_arrivals(opinions, tolerance)
    assert len(merged) <= len(first) + len(second)
    assert len(merged) >= max(len(first), len(second))
    assert (np.diff(merged["sample"]) >= 0).all()
    expected = sum(a["probability"].sum(dtype=float) for a in opinions) / 2
    assert merged["probability"].sum(dtype=float) == pytest.approx(expected, abs=1e-5)
    for phase in (1, 2):
        given_here = [s for rows in (first, second) for p, s, _ in rows if p == phase]
        for sample in merged["sample"][merged["phase"] == phase]:
            assert min(abs(sample - other) for other in given_here) <= tolerance


def test_cautious_teachers_are_made_confident():
    values = confident(np.array([0.0, 0.09, 0.18, 0.36, 1.0]), 0.18)
    np.testing.assert_allclose(values, [0, 1 / 9, 0.5, 8 / 9, 0.994], atol=1e-3)


def test_a_peak_lies_between_samples():
    place = 500.3
    values = np.exp(-0.5 * ((np.arange(1000) - place) / 8) ** 2) * 0.8
    begin = 1_400_000_000_000_000_000
    ((time, probability),) = find_peaks(values, begin, 50.0, 0.1)
    assert (time - begin) * 1e-9 * 50 == pytest.approx(place, abs=0.02)
    assert probability == pytest.approx(0.8, abs=0.01)
    assert not find_peaks(values, begin, 50.0, 0.9)


@given(
    lengths=st.lists(st.integers(1, 200_000), min_size=1, max_size=4),
    places=st.lists(st.floats(0, 0.999), max_size=20),
    most=st.integers(1000, 300_000),
    seed=st.integers(0, 100),
)
def test_what_is_kept_is_bounded(lengths, places, most, seed):
    records = [
        (n_samples, make_arrivals([(1, place * n_samples, 0.5) for place in places]))
        for n_samples in lengths
    ]
    rng = np.random.default_rng(seed)
    pieces = choose_pieces(records, 1000, most, rng)
    if sum(lengths) <= most:
        assert pieces == [(i, 0, n_samples) for i, n_samples in enumerate(lengths)]
    assert pieces == sorted(pieces)
    for number, begin, end in pieces:
        assert 0 <= begin < end <= lengths[number]
    for first, second in pairwise(pieces):
        assert first[0] < second[0] or first[2] < second[1]
    kept = sum(end - begin for _, begin, end in pieces)
    # The last piece of a record may be half as long again; one is kept where none fits.
    assert kept <= most or (len(pieces) == 1 and kept <= 6000)


def test_as_much_is_kept_of_many_days_as_there_is_room_for():
    rng = np.random.default_rng(1)
    record = (100_000, make_arrivals([(1, 5000.0, 0.9)]))
    kept = [
        sum(end - begin for _, begin, end in choose_pieces([record], 1000, 400, rng))
        for _ in range(1000)
    ]
    assert set(kept) == {0, 4000}
    assert np.mean(kept) == pytest.approx(400, rel=0.3)


def test_sure_arrivals_are_kept_and_noise_as_well():
    arrivals = make_arrivals([(1, 50_500.0, 0.9), (2, 51_000.0, 0.9), (1, 9000.0, 0.1)])
    rng = np.random.default_rng(0)
    chosen = choose_pieces([(100_000, arrivals)], 1000, 12_000, rng)
    pieces = [(begin, end) for _, begin, end in chosen]
    assert any(begin <= 50_500 < end for begin, end in pieces)
    assert sum(end - begin for begin, end in pieces) == 12_000
    without = [p for p in pieces if not any(p[0] <= s < p[1] for s in (50_500, 9000))]
    assert without


def test_who_has_not_looked_does_not_count():
    first = make_arrivals([(1, 100.0, 0.8), (1, 900.0, 0.8)])
    second = make_arrivals([(1, 110.0, 0.4)])
    known = [np.array([[0, 1000]]), np.array([[0, 500], [950, 1000]])]
    merged = merge_arrivals([first, second], 30, known)
    np.testing.assert_allclose(merged["probability"], [0.6, 0.8])
    merged = merge_arrivals([first, second], 30)
    np.testing.assert_allclose(merged["probability"], [0.6, 0.4])


samples = st.lists(st.floats(-100, 6300), max_size=6)


@given(p=samples, s=samples)
def test_sure_labels_are_those_of_an_analyst(p, s):
    arrivals = [
        Arrival(f"trace_{phase}_arrival_sample", phase, 1, sample, False)
        for phase, of_phase in (("P", p), ("S", s))
        for sample in of_phase
    ]
    np.testing.assert_allclose(
        soft_point_label(arrivals, 6144), point_label(p, s, 6144), atol=1e-6
    )
    hard, soft = lppn_label(p, s, 6144), soft_lppn_label(arrivals, 6144)
    ignored = hard[0] == -1
    np.testing.assert_array_equal(soft[:3].sum(axis=0) == 0, ignored)
    cells = [int(x // 8) for x in (*p, *s) if 0 <= x < 6144]
    if len(set(cells)) == len(cells):
        np.testing.assert_array_equal(
            soft[:3].argmax(axis=0)[~ignored], hard[0][~ignored]
        )
        inside = hard[0] > 0
        np.testing.assert_allclose(soft[3][inside], hard[1][inside], atol=1e-3)


def test_labels_are_as_sure_as_the_arrivals():
    arrivals = [
        Arrival("trace_P_arrival_sample", "P", 1, 1000.0, False, 0, 0.6),
        Arrival("trace_S_arrival_sample", "S", 1, 1003.0, False, 0, 0.9),
        Arrival("trace_S_arrival_sample", "S", 1, 3000.0, False, 1, 0.3),
    ]
    soft = soft_lppn_label(arrivals, 6144)
    np.testing.assert_allclose(soft[:, 125], [0.1, 0, 0.9, 3.0], atol=1e-6)
    np.testing.assert_allclose(soft[:, 375], [0.7, 0, 0.3, 0.0], atol=1e-6)
    assert not soft[:3, [124, 126, 374, 376]].any()
    point = soft_point_label(arrivals, 6144)
    assert point[2, 3000] == pytest.approx(0.3)
    np.testing.assert_allclose(point.sum(axis=0), 1, atol=1e-6)


def test_each_pick_is_right_once():
    truth, found = np.array([100.0, 130.0, 900.0]), np.array([104.0, 110.0, 500.0])
    assert count_matches(truth, found, 50) == 2
    assert count_matches(truth, found, 5) == 1
    assert count_matches(truth[:0], found, 5) == 0
