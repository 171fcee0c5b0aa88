"""Labels of one window, and labellers beside SeisBench's own."""

import math

import numpy as np
import pytest
import seisbench.generate as sbg
from hypothesis import given
from hypothesis import strategies as st

from seisbench_diting.generate import (
    EQTLabeller,
    LPPNLabeller,
    PointLabeller,
    eqt_label,
    lppn_label,
    point_label,
)

N = 1024
COLUMNS = {"trace_p_arrival_sample": "P", "trace_s_arrival_sample": "S"}

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
    pairs = zip(golden["p_in_window"], golden["s_in_window"], strict=True)
    for i, (p, s) in enumerate(pairs):
        lppn = lppn_label([p], [s], n, stride)
        point, eqt = point_label([p], [s], n), eqt_label([([p], [s])], n)
        np.testing.assert_array_equal(lppn, golden["lppn"][i])
        np.testing.assert_allclose(point, golden["point"][i], atol=1e-6)
        np.testing.assert_allclose(eqt, golden["eqt"][i], atol=1e-6)


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


def test_two_events_have_two_detections():
    label = eqt_label([([100], [110]), ([500], [520])], N)
    assert np.flatnonzero(np.diff(label[2])).tolist() == [99, 123, 499, 547]


# Labellers


def label(labeller, shape=(3, N), **samples):
    metadata = {f"trace_{name}_sample": value for name, value in samples.items()}
    states = {"X": (np.zeros(shape, dtype=np.float32), metadata)}
    labeller(states)
    return states["y"][0]


@given(st.floats(-2 * N, 3 * N), st.floats(-2 * N, 3 * N))
def test_labels_are_those_of_seisbenchs_own_labellers(p, s):
    arrivals = {"p_arrival": p, "s_arrival": s}
    eqt = label(EQTLabeller(), **arrivals)
    p_columns, s_columns = ([name] for name in COLUMNS)
    theirs = sbg.DetectionLabeller(p_columns, s_columns, factor=1.4)
    np.testing.assert_array_equal(eqt[2:], label(theirs, **arrivals))
    if inside([p, s]) != [p, s]:
        # Theirs may be of arrivals outside of the window.
        return
    options = {"label_columns": COLUMNS, "shape": "triangle", "sigma": 20, "dim": 0}
    theirs = sbg.ProbabilisticLabeller(model_labels="NPS", **options)
    point = label(PointLabeller(), **arrivals)
    np.testing.assert_allclose(point, label(theirs, **arrivals), atol=1e-6)
    theirs = sbg.ProbabilisticLabeller(model_labels="PS", noise_column=0, **options)
    np.testing.assert_allclose(eqt[:2], label(theirs, **arrivals), atol=1e-6)


def test_the_detection_goes_by_the_earliest_s_even_if_it_is_hidden():
    samples = {"p_arrival": 100.0, "s_hidden": 150.0, "Sn_arrival": 200.0}
    ours = label(EQTLabeller(), **samples)
    assert ours[2].sum() == 120
    assert ours[1].argmax() == 200


def test_a_column_that_the_first_window_had_not():
    # SeisBench's labellers look for columns in the first window only.
    labeller = LPPNLabeller()
    assert not label(labeller, p_arrival=np.nan).any()
    later = label(labeller, pn_arrival=80.0, Sg_arrival=160, pP_arrival=400)
    assert np.flatnonzero(later[0] > 0).tolist() == [10, 20]


LABELLERS = [LPPNLabeller, PointLabeller, EQTLabeller]


@pytest.mark.parametrize("cls", LABELLERS)
@pytest.mark.parametrize("name", ["phases", "label_columns"])
def test_columns_are_given_as_to_seisbenchs_labellers(cls, name):
    samples = {"p_arrival": 80.0, "Sg_arrival": 400.0, "s_arrival": 600.0}
    columns = ["trace_p_arrival_sample", "trace_Sg_arrival_sample"]
    by_names = label(cls(**{name: columns}), **samples)
    by_phases = label(cls(**{name: dict(zip(columns, "PS", strict=True))}), **samples)
    samples["s_arrival"] = np.nan
    found = label(cls(), **samples)
    for other in (by_phases, found):
        np.testing.assert_array_equal(by_names, other)


@pytest.mark.parametrize("cls", LABELLERS)
@pytest.mark.parametrize("value", [np.nan, None, "", "none", -np.inf])
def test_no_arrival_has_no_label(cls, value):
    ours = label(cls(), p_arrival=value, s_arrival=value)
    assert np.isfinite(ours).all()
    assert not ours[-1].any()


@pytest.mark.parametrize("cls", LABELLERS)
def test_several_windows_have_a_label_each(cls):
    p, s = np.array([80.0, np.nan]), np.array([160.0, 240.0])
    both = label(cls(), (2, 3, N), p_arrival=p, s_arrival=s)
    one_by_one = [label(cls(), p_arrival=p[row], s_arrival=s[row]) for row in range(2)]
    np.testing.assert_array_equal(both, one_by_one)
