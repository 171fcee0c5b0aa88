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
in_window = st.floats(0, N, exclude_max=True, width=32)


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


def test_p_and_s_in_one_cell_gives_s():
    label = lppn_label([801], [806], N)
    assert label[:, 99:102].tolist() == [[-1, 2, -1], [-1, 6, -1]]


@given(arrivals, arrivals)
def test_point_is_a_distribution_at_every_sample(p, s):
    label = point_label(p, s, N)

    assert label.dtype == np.float32
    assert (label >= 0).all()
    np.testing.assert_allclose(label.sum(axis=0), 1, atol=1e-6)
    for row, samples in ((1, p), (2, s)):
        near = np.zeros(N, dtype=bool)
        for x in inside(samples):
            near |= np.abs(np.arange(N) - x) < 20
        assert not label[row, ~near].any()
        assert (label[row, near] > 0).all()


def test_two_events_have_two_detections():
    label = eqt_label([([100], [110]), ([500], [520])], N)
    assert np.flatnonzero(np.diff(label[2])).tolist() == [99, 123, 499, 547]


# Labellers


def label(labeller, **samples):
    metadata = {f"trace_{name}_sample": value for name, value in samples.items()}
    states = {"X": (np.zeros((3, N), dtype=np.float32), metadata)}
    labeller(states)
    assert states["X"][1] == metadata
    return states["y"][0]


@given(in_window, in_window)
def test_as_seisbenchs_own_labellers_in_the_window(p, s):
    options = {"label_columns": COLUMNS, "shape": "triangle", "sigma": 20, "dim": 0}
    point, eqt = (
        label(sbg.ProbabilisticLabeller(**kind, **options), p_arrival=p, s_arrival=s)
        for kind in ({"model_labels": "NPS"}, {"model_labels": "PS", "noise_column": 0})
    )
    ours = label(PointLabeller(), p_arrival=p, s_arrival=s)
    np.testing.assert_allclose(ours, point, atol=1e-6)
    ours = label(EQTLabeller(), p_arrival=p, s_arrival=s)
    np.testing.assert_allclose(ours[:2], eqt, atol=1e-6)


@given(st.floats(-2 * N, 3 * N), st.floats(-2 * N, 3 * N))
def test_the_detection_is_seisbenchs_wherever_the_arrivals_are(p, s):
    p_columns, s_columns = (list(COLUMNS)[i : i + 1] for i in (0, 1))
    theirs = sbg.DetectionLabeller(p_columns, s_columns, factor=1.4)
    detection = label(theirs, p_arrival=p, s_arrival=s)
    ours = label(EQTLabeller(), p_arrival=p, s_arrival=s)
    np.testing.assert_array_equal(ours[2:], detection)


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


@pytest.mark.parametrize("cls", [LPPNLabeller, PointLabeller, EQTLabeller])
@pytest.mark.parametrize("name", ["phases", "label_columns"])
def test_columns_as_seisbenchs_labellers_take_them(cls, name):
    samples = {"p_arrival": 80.0, "Sg_arrival": 400.0, "s_arrival": 600.0}
    columns = ["trace_p_arrival_sample", "trace_Sg_arrival_sample"]
    first, *others = (
        label(cls(**{name: given}), **samples)
        for given in (
            columns,
            dict(zip(columns, "PS", strict=True)),
            dict(zip(columns, ["p", "Sg"], strict=True)),
        )
    )
    samples["s_arrival"] = np.nan
    for other in (*others, label(cls(**{name: None}), **samples)):
        np.testing.assert_array_equal(first, other)
    own = label(cls(**{name: {"trace_x_arrival_sample": "P"}}), x_arrival=80.0)
    assert own.any()


@pytest.mark.parametrize("name", ["phases", "label_columns"])
@pytest.mark.parametrize("columns", [["trace_first_arrival_sample"], [3], {3: 4}])
def test_columns_whose_phase_is_not_told(name, columns):
    with pytest.raises(ValueError, match=f"{name}="):
        LPPNLabeller(**{name: columns})


@pytest.mark.parametrize("value", [np.nan, None, "", "none", np.inf, -np.inf])
def test_no_arrival(value):
    for labeller in (LPPNLabeller(), PointLabeller(), EQTLabeller()):
        ours = label(labeller, p_arrival=value, s_arrival=value)
        assert np.isfinite(ours).all()
        assert not ours[-1].any()


def test_several_windows():
    x = np.zeros((2, 3, N), dtype=np.float32)
    metadata = {
        "trace_p_arrival_sample": np.array([80.0, np.nan]),
        "trace_s_arrival_sample": np.array([160.0, 240.0]),
    }
    for labeller, shape in (
        (LPPNLabeller(), (2, 2, N // 8)),
        (PointLabeller(), (2, 3, N)),
        (EQTLabeller(), (2, 3, N)),
    ):
        states = {"X": (x, metadata)}
        labeller(states)
        assert states["y"][0].shape == shape
        one = label(labeller, p_arrival=np.nan, s_arrival=240.0)
        np.testing.assert_array_equal(states["y"][0][1], one)


def test_the_labeller_is_in_seisbench():
    assert sbg.LPPNLabeller is LPPNLabeller


def test_impossible_cells():
    with pytest.raises(ValueError, match="stride=0"):
        LPPNLabeller(stride=0)
    with pytest.raises(ValueError, match="stride=7"):
        label(LPPNLabeller(stride=7), p_arrival=3.0)
