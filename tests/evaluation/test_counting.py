"""Precision, recall and residuals, in the correct and in the published way."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seisbench_diting.evaluation import Window, measure, read_validation


@pytest.fixture(scope="module")
def published_windows(reference):
    return read_validation(reference / "data" / "diting_rnn_validation.txt")


@pytest.mark.parametrize(
    ("phase", "figures"),
    [
        ("P", ("0.939", "0.906", "0.922", "-15.019", "206.790")),
        ("S", ("0.900", "0.806", "0.850", "-19.561", "277.530")),
    ],
)
def test_the_published_figures(published_windows, phase, figures):
    m = measure(published_windows, phase, 50, counting="published", bootstraps=0)

    assert (
        f"{m.precision.value:.3f}",
        f"{m.recall.value:.3f}",
        f"{m.f1.value:.3f}",
        f"{m.mean_ms.value:.3f}",
        f"{m.deviation_ms.value:.3f}",
    ) == figures


@pytest.mark.parametrize(
    ("phase", "figures"),
    [("P", ("0.939", "0.923", "0.930")), ("S", ("0.900", "0.821", "0.859"))],
)
def test_the_correct_figures(published_windows, phase, figures):
    m = measure(published_windows, phase, 50)

    assert (
        f"{m.precision.value:.3f}",
        f"{m.recall.value:.3f}",
        f"{m.f1.value:.3f}",
    ) == figures
    for interval in (m.precision, m.recall, m.f1, m.deviation_ms):
        assert interval.low < interval.value < interval.high
    assert m.f1.high - m.f1.low < 0.02


def window(p=math.nan, s=math.nan, **picks):
    rows = [(phase, sample, 0.5) for phase in picks for sample in picks[phase]]
    return Window(p, s, picks=rows)


WINDOWS = [
    window(p=1000, P=[1010, 1020, 3000]),  # Right, neither, false.
    window(p=1000, P=[]),  # Missed.
    window(P=[500]),  # False: there is nothing.
    window(P=[]),
    window(p=1000, P=[1025], S=[1000]),  # 0.5 s is not near; S is another phase.
    window(p=1000, P=[980]),
]


def test_by_hand():
    m = measure(WINDOWS, "P", 50)

    assert (m.arrivals, m.picks, m.right) == (4, 6, 2)
    assert m.precision.value == pytest.approx(2 / 5)
    assert m.recall.value == pytest.approx(2 / 4)
    assert m.f1.value == pytest.approx(2 * 0.4 * 0.5 / 0.9)
    assert m.mean_ms.value == pytest.approx((-200 + 400) / 2)
    assert m.deviation_ms.value == pytest.approx(300)
    assert m.mad_ms.value == pytest.approx(300)


def test_by_hand_as_published():
    m = measure(WINDOWS, "P", 50, counting="published")

    assert m.right == 3
    assert m.precision.value == pytest.approx(3 / 6)
    assert m.recall.value == pytest.approx(3 / 6)
    assert m.mean_ms.value == pytest.approx(np.mean([-200, -400, -500, 400]))


def test_the_tolerance_and_the_threshold():
    assert measure(WINDOWS, "P", 50, tolerance=0.51).right == 3
    assert measure(WINDOWS, "P", 50, tolerance=0.1).right == 0
    assert measure(WINDOWS, "P", 50, threshold=0.6).picks == 0
    assert measure(WINDOWS, "P", 100).right == 3


def test_nothing_to_count():
    m = measure([window(p=100)], "S", 50)
    assert math.isnan(m.recall.value)
    assert math.isnan(m.precision.value)
    m = measure([window(p=100)], "P", 50)
    assert m.recall.value == m.f1.value == 0
    assert math.isnan(m.mean_ms.value)


@given(
    st.lists(
        st.tuples(
            st.one_of(st.just(math.nan), st.floats(0, 6000)),
            st.lists(st.floats(0, 6000), max_size=4),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_figures_are_in_their_range(rows):
    windows = [window(p=p, P=picks) for p, picks in rows]
    m = measure(windows, "P", 50, counting="published", bootstraps=20)
    # Recall is not: several picks near one arrival are all right.
    assert math.isnan(m.precision.value) or 0 <= m.precision.value <= 1
    assert m.right <= m.picks
    m = measure(windows, "P", 50, bootstraps=20)
    for interval in (m.precision, m.recall, m.f1):
        assert math.isnan(interval.value) or 0 <= interval.value <= 1
    assert m.right <= min(m.picks, m.arrivals)
    assert not abs(m.mean_ms.value) > 500


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"counting": "kind"}, "counting='kind'"),
        ({"phase": "Q"}, "phase='Q'"),
        ({"tolerance": 0}, "tolerance=0"),
        ({"sampling_rate": -1}, "sampling_rate=-1"),
    ],
)
def test_wrong_arguments(options, word):
    with pytest.raises(ValueError, match=word):
        measure(WINDOWS, **{"phase": "P", "sampling_rate": 50, **options})
    with pytest.raises(ValueError, match="windows"):
        measure([], "P", 50)
