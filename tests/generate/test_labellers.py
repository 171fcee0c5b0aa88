"""Labellers beside SeisBench's own, and on what SeisBench's generators give them."""

import numpy as np
import pytest
import seisbench.generate as sbg
from hypothesis import given
from hypothesis import strategies as st

import seisbench_diting
from seisbench_diting.generate import (
    ArrivalWindow,
    EQTLabeller,
    LPPNLabeller,
    PointLabeller,
)

N = 1024
COLUMNS = {"trace_p_arrival_sample": "P", "trace_s_arrival_sample": "S"}

in_window = st.one_of(
    st.floats(0, N, exclude_max=True, width=32), st.integers(0, N - 1).map(float)
)


def state(**samples):
    x = np.zeros((3, N), dtype=np.float32)
    return {"X": (x, {f"trace_{k}_sample": v for k, v in samples.items()})}


def label(labeller, **samples):
    states = state(**samples)
    labeller(states)
    return states["y"][0]


def theirs(p, s):
    """What SeisBench's labellers give, configured for the two labels."""
    options = {"label_columns": COLUMNS, "shape": "triangle", "sigma": 20, "dim": 0}
    point = sbg.ProbabilisticLabeller(model_labels="NPS", **options)
    eqt = sbg.ProbabilisticLabeller(model_labels="PS", noise_column=False, **options)
    detection = sbg.DetectionLabeller(
        ["trace_p_arrival_sample"], ["trace_s_arrival_sample"], factor=1.4
    )
    return [label(one, p_arrival=p, s_arrival=s) for one in (point, eqt, detection)]


@given(in_window, in_window)
def test_as_seisbenchs_own_labellers_in_the_window(p, s):
    point, eqt, detection = theirs(p, s)
    ours = label(EQTLabeller(), p_arrival=p, s_arrival=s)

    np.testing.assert_allclose(
        label(PointLabeller(), p_arrival=p, s_arrival=s), point, atol=1e-6
    )
    np.testing.assert_allclose(ours[:2], eqt, atol=1e-6)
    np.testing.assert_array_equal(ours[2:], detection)


@given(st.floats(-2 * N, 3 * N), st.floats(-2 * N, 3 * N))
def test_the_detection_is_seisbenchs_wherever_the_arrivals_are(p, s):
    _, _, detection = theirs(p, s)

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

    assert label(labeller, pn_arrival=80.0, Sg_arrival=160)[0, [10, 20]].tolist() == [
        1,
        2,
    ]


def test_phases_that_are_no_direct_arrivals_have_no_label():
    assert not label(LPPNLabeller(), pP_arrival=80.0, tele_arrival=90).any()


def test_columns_of_ones_own():
    phases = {"trace_first_arrival_sample": "P"}
    ours = label(LPPNLabeller(phases=phases), first_arrival=80.0, s_arrival=400.0)

    assert ours[0].max() == 1
    assert ours[0, 10] == 1
    with pytest.raises(ValueError, match="phases="):
        LPPNLabeller(phases={"pick": "P"})
    with pytest.raises(ValueError, match="'X'"):
        PointLabeller(phases={"trace_x_arrival_sample": "X"})


@pytest.mark.parametrize("cls", [LPPNLabeller, PointLabeller, EQTLabeller])
@pytest.mark.parametrize("name", ["phases", "label_columns"])
def test_columns_as_seisbenchs_labellers_take_them(cls, name):
    samples = {"p_arrival": 80.0, "Sg_arrival": 400.0, "s_arrival": 600.0}
    columns = ["trace_p_arrival_sample", "trace_Sg_arrival_sample"]
    by_list = label(cls(**{name: columns}), **samples)
    by_dict = label(cls(**{name: dict(zip(columns, "PS", strict=True))}), **samples)
    grouped = label(
        cls(**{name: dict(zip(columns, ["p", "Sg"], strict=True))}), **samples
    )

    np.testing.assert_array_equal(by_list, by_dict)
    np.testing.assert_array_equal(by_list, grouped)
    samples["s_arrival"] = np.nan
    np.testing.assert_array_equal(by_list, label(cls(), **samples))
    np.testing.assert_array_equal(label(cls(**{name: None}), **samples), by_list)


@pytest.mark.parametrize(
    "columns", [["trace_first_arrival_sample"], ["p"], [3], {3: 4}]
)
def test_columns_whose_phase_is_not_told(columns):
    for name in ("phases", "label_columns"):
        with pytest.raises(ValueError, match=f"{name}="):
            LPPNLabeller(**{name: columns})
    with pytest.raises(ValueError, match="phases="):
        ArrivalWindow(phases=columns)


@pytest.mark.parametrize("value", [np.nan, None, "", "none", np.inf, -np.inf])
def test_what_is_no_arrival(value):
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


def test_the_input_is_not_changed():
    states = state(p_arrival=80.0)
    _, before = states["X"]
    LPPNLabeller(key=("X", "z"))(states)

    assert set(states) == {"X", "z"}
    assert states["X"][1] == before == {"trace_p_arrival_sample": 80.0}


def test_the_labeller_is_in_seisbench():
    assert sbg.LPPNLabeller is LPPNLabeller
    assert seisbench_diting.generate.LPPNLabeller is LPPNLabeller


def test_wrong_arguments():
    with pytest.raises(ValueError, match="stride=0"):
        LPPNLabeller(stride=0)
    with pytest.raises(ValueError, match="stride=7"):
        label(LPPNLabeller(stride=7), p_arrival=3.0)


def test_they_print():
    for labeller in (LPPNLabeller(), PointLabeller(), EQTLabeller()):
        assert str(labeller) == f"{type(labeller).__name__} (key=('X', 'y'))"
