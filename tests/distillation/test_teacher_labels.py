"""Arrivals of several teachers, what is kept of long records, and labels of windows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("lightning")

from seisbench_diting.distillation.corpus import soft_lppn_label, soft_point_label
from seisbench_diting.distillation.labels import (
    Stretch,
    confident,
    make_arrivals,
    merge_opinions,
)
from seisbench_diting.distillation.teachers import Opinion
from seisbench_diting.generate import Arrival, lppn_label, point_label

MS = 1_000_000
rows = st.lists(
    st.tuples(st.sampled_from((1, 2)), st.integers(0, 10_000), st.floats(0.06, 1)),
    max_size=12,
)


def opinion(*arrivals):
    """Opinion with times in milliseconds."""
    return Opinion([(phase, t * MS, p) for phase, t, p in arrivals], [(0, 20_000 * MS)])


def test_arrivals_of_two_teachers_become_one():
    first = opinion((1, 1000, 0.9), (2, 4000, 0.6))
    second = opinion((1, 1100, 0.3), (1, 7000, 0.8))
    found = merge_opinions([first, second])
    merged = [(1, 1025, 0.6), (1, 7000, 0.4), (2, 4000, 0.3)]
    assert found == [(k, t * MS, pytest.approx(p)) for k, t, p in merged]


@given(first=rows, second=rows)
def test_merging_keeps_the_sum_of_probabilities(first, second):
    found = merge_opinions([opinion(*first), opinion(*second)])
    assert max(len(first), len(second)) <= len(found) <= len(first) + len(second)
    expected = sum(one[2] for one in first + second) / 2
    assert sum(one[2] for one in found) == pytest.approx(expected)


def test_cautious_teachers_are_made_confident():
    values = [confident(p, 0.18) for p in (0.0, 0.09, 0.18, 0.36, 1.0)]
    np.testing.assert_allclose(values, [0, 1 / 9, 0.5, 8 / 9, 0.994], atol=1e-3)


def stretch(n_samples, *rows):
    return Stretch(
        "XX.A.", "", np.zeros((n_samples, 3)), 0, n_samples, make_arrivals(rows)
    )


samples = st.lists(st.floats(-100, 6300), max_size=6)


@given(p=samples, s=samples)
def test_sure_labels_are_those_of_an_analyst(p, s):
    arrivals = [
        Arrival(f"trace_{phase}_arrival_sample", phase, 1, sample, False)
        for phase, of_phase in (("P", p), ("S", s))
        for sample in of_phase
    ]
    soft, hard = soft_point_label(arrivals, 6144), point_label(p, s, 6144)
    np.testing.assert_allclose(soft, hard, atol=1e-6)
    soft, hard = soft_lppn_label(arrivals, 6144), lppn_label(p, s, 6144)
    ignored = hard[0] == -1
    np.testing.assert_array_equal(soft[:3].sum(axis=0) == 0, ignored)
    cells = [int(x // 8) for x in (*p, *s) if 0 <= x < 6144]
    if len(set(cells)) == len(cells):
        classes = soft[:3].argmax(axis=0)
        np.testing.assert_array_equal(classes[~ignored], hard[0][~ignored])
        inside = hard[0] > 0
        np.testing.assert_allclose(soft[3][inside], hard[1][inside], atol=1e-3)


def test_labels_are_as_sure_as_the_arrivals():
    rows = ("P", 0, 1000.0, 0.6), ("S", 0, 1003.0, 0.9), ("S", 1, 3000.0, 0.3)
    arrivals = [
        Arrival(f"trace_{phase}_arrival_sample", phase, 1, sample, False, number, sure)
        for phase, number, sample, sure in rows
    ]
    soft = soft_lppn_label(arrivals, 6144)
    np.testing.assert_allclose(soft[:, 125], [0.1, 0, 0.9, 3.0], atol=1e-6)
    np.testing.assert_allclose(soft[:, 375], [0.7, 0, 0.3, 0.0], atol=1e-6)
    assert not soft[:3, [124, 126, 374, 376]].any()
    point = soft_point_label(arrivals, 6144)
    assert point[2, 3000] == pytest.approx(0.3)
    np.testing.assert_allclose(point.sum(axis=0), 1, atol=1e-6)
