"""Labels of one window."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seisbench_diting.generate import eqt_label, lppn_label, point_label

N = 1024

anywhere = st.one_of(
    st.floats(-3 * N, 4 * N, allow_nan=False, width=32),
    st.integers(-N, 2 * N).map(float),
    # At and near the edges, and where two cells meet.
    st.sampled_from([0.0, 7.999999, 8.0, N - 1.0, N - 0.001, float(N), -0.0, -1e-9]),
    st.just(math.nan),
)
arrivals = st.lists(anywhere, max_size=4)


def inside(samples):
    return [x for x in samples if 0 <= x < N]


def test_the_golden_labels(reference):
    golden = np.load(reference / "golden" / "labels.npz")
    n, stride = int(golden["n_samples"]), int(golden["stride"])
    pairs = list(zip(golden["p_in_window"], golden["s_in_window"], strict=True))
    assert len(pairs) == 9
    for i, (p, s) in enumerate(pairs):
        expected = golden["lppn"][i]
        np.testing.assert_array_equal(lppn_label([p], [s], n, stride), expected)
        expected = golden["point"][i]
        np.testing.assert_allclose(point_label([p], [s], n), expected, atol=1e-6)
        expected = golden["eqt"][i]
        np.testing.assert_allclose(eqt_label([([p], [s])], n), expected, atol=1e-6)


@given(arrivals, arrivals, st.sampled_from([1, 4, 8, 16]))
def test_lppn_has_every_arrival_in_its_cell_and_no_other(p, s, stride):
    label = lppn_label(p, s, N, stride)
    classes, offset = label

    assert label.shape == (2, N // stride)
    assert label.dtype == np.float32
    s_cells = {int(x // stride) for x in inside(s)}
    p_cells = {int(x // stride) for x in inside(p)} - s_cells
    assert set(np.flatnonzero(classes == 1)) == p_cells
    assert set(np.flatnonzero(classes == 2)) == s_cells
    cells = p_cells | s_cells
    beside = {c + d for c in cells for d in (-1, 1)} & set(range(N // stride))
    assert set(np.flatnonzero(classes == -1)) == beside - cells
    np.testing.assert_array_equal(classes == -1, offset == -1)
    assert not offset[classes == 0].any()
    assert ((offset[classes > 0] >= 0) & (offset[classes > 0] < stride)).all()
    for samples, own in ((p, p_cells), (s, s_cells)):
        for cell in own:
            first = min(x for x in inside(samples) if x // stride == cell)
            assert cell * stride + offset[cell] == pytest.approx(first, abs=1e-3)


def test_lppn_needs_whole_cells():
    with pytest.raises(ValueError, match="n_samples=1025"):
        lppn_label([], [], 1025)


@given(arrivals, arrivals)
def test_point_is_a_distribution_at_every_sample(p, s):
    label = point_label(p, s, N)

    assert label.shape == (3, N)
    assert label.dtype == np.float32
    assert (label >= 0).all()
    np.testing.assert_allclose(label.sum(axis=0), 1, atol=1e-6)
    for row, samples in ((1, p), (2, s)):
        near = np.zeros(N, dtype=bool)
        for x in inside(samples):
            near |= np.abs(np.arange(N) - x) < 20
        assert not label[row, ~near].any()
        assert (label[row, near] > 0).all()


@given(arrivals, arrivals)
def test_eqt_is_the_triangles_as_they_are(p, s):
    label = eqt_label([(p, s)], N)

    for row, samples in ((0, p), (1, s)):
        for x in inside(samples):
            if x.is_integer():
                assert label[row, int(x)] == 1
        assert label[row].any() == bool(inside(samples))
    assert set(np.unique(label[2])) <= {0, 1}


@given(anywhere, anywhere)
def test_eqt_detects_from_p_to_after_s(p, s):
    detection = eqt_label([([p], [s])], N)[2]

    expected = np.zeros(N)
    if s >= p:
        samples = np.arange(N)
        end = int(s + 1.4 * (s - p))
        expected = ((samples >= int(p)) & (samples < end)).astype(float)
    np.testing.assert_array_equal(detection, expected)


def test_two_events_have_two_detections():
    label = eqt_label([([100], [110]), ([500], [520])], N)

    assert np.flatnonzero(np.diff(label[2])).tolist() == [99, 123, 499, 547]


def test_p_and_s_in_one_cell_gives_s():
    label = lppn_label([801], [806], N)

    assert label[0, 99:102].tolist() == [-1, 2, -1]
    assert label[1, 100] == 6


def test_arrivals_in_the_cells_at_the_edges():
    label = lppn_label([3], [N - 1], N)

    assert label[0, :2].tolist() == [1, -1]
    assert label[0, -2:].tolist() == [-1, 2]
    assert label[1, [0, -1]].tolist() == [3, 7]
