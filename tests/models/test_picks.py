"""From curves to picks."""

import itertools

import numpy as np
import obspy
import pytest
import seisbench.util as sbu
from hypothesis import given, settings
from hypothesis import strategies as st
from made import START, make_trace

from seisbench_diting.models import (
    find_phase_lppn,
    find_phase_point2point,
    peak_indices,
    suppress_close,
)
from seisbench_diting.models.windows import picks_from_annotations
from seisbench_diting.weights import Reliability


def curve_trace(curve, rate=100.0, start=START, station="STA"):
    return make_trace(np.asarray(curve, np.float32), "M_P", start, rate, station, "00")


def find(traces, threshold=0.3, min_separation=0.0, **kwargs):
    return picks_from_annotations(
        obspy.Stream(traces), threshold, "P", min_separation, **kwargs
    )


def span(pick):
    return [t - START for t in (pick.start_time, pick.peak_time, pick.end_time)]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from([0.0, 0.2, 0.3, 0.5, 0.9, np.nan]), max_size=12))
def test_maxima_are_the_middles_of_what_is_highest(curve):
    runs = [(value, len(list(same))) for value, same in itertools.groupby(curve)]
    ends = np.cumsum([0] + [length for _, length in runs])
    expected = []
    for i, (value, length) in enumerate(runs):
        around = [runs[k][0] for k in (i - 1, i + 1) if 0 <= k < len(runs)]
        if value >= 0.3 and not any(other > value for other in around):
            expected.append(ends[i] + (length - 1) // 2)
    assert peak_indices(np.array(curve), 0.3).tolist() == expected


@settings(deadline=None, max_examples=200)
@given(
    picks=st.dictionaries(
        st.integers(0, 300), st.sampled_from([0.3, 0.5, 0.7, 0.9, 1.0]), max_size=25
    ),
    separation=st.integers(min_value=0, max_value=100),
)
def test_of_close_picks_the_most_probable_stays(picks, separation):
    times = np.array(sorted(picks), dtype=float)
    values = np.array([picks[time] for time in times])
    keep = suppress_close(times, values, separation)
    assert (np.diff(times[keep]) >= separation).all()
    for i in np.flatnonzero(~keep):
        near = keep & (np.abs(times - times[i]) < separation)
        # Of equally probable picks the earlier.
        as_good = values[near] + (times[near] < times[i]) * 1e-9
        assert (as_good > values[i]).any()


def test_a_pick_spans_what_is_above_half_the_threshold():
    curve = [0, 0.1, 0.2, 0.6, 0.16, 0.1, 0]
    (pick,) = find([curve_trace(curve, start=START + 0.0037)])
    assert isinstance(pick, sbu.Pick)
    assert (pick.trace_id, pick.phase) == ("XX.STA.00", "P")
    assert pick.peak_value == pytest.approx(0.6)
    assert isinstance(pick.peak_value, float)
    assert span(pick) == pytest.approx([0.0237, 0.0337, 0.0437])
    # Two may share their span, which ends where the curve is NaN.
    first, second = find([curve_trace([np.nan, 0.2, 0.9, 0.25, 0.5, np.nan])])
    assert span(first) == pytest.approx([0.01, 0.02, 0.04])
    assert span(second) == pytest.approx([0.01, 0.04, 0.04])


@pytest.mark.parametrize("place", [0, 40])
def test_the_width_of_a_peak_and_its_probability_tell_the_uncertainty(place):
    """At an end of the curve half of the peak is seen; what is elsewhere does not count."""
    seconds = np.arange(-place, 200) / 100
    curve = 0.8 * np.exp(-0.5 * (seconds / 0.04) ** 2) + 0.9 * (seconds > 0.8)
    known = Reliability(1.0, 2.0, 0.2, 2.0, -1.0)
    first, *_ = find([curve_trace(curve)], reliability=known, calibrated=True)
    plain, *_ = find([curve_trace(curve)])

    width = 0.04 if place == 40 else 0.04 * np.sqrt(1 - 2 / np.pi)
    assert first.time_uncertainty_s == pytest.approx(
        0.2 * (width * 10) ** 2 / 0.8, rel=0.2
    )
    assert first.peak_value == pytest.approx(1 / (1 + np.exp(-1) * 0.25**2))
    assert (plain.peak_time, plain.peak_value) == (first.peak_time, pytest.approx(0.8))
    assert plain.time_uncertainty_s is None
    errors = find([curve_trace(curve)], reliability=known).to_dataframe()
    assert errors["time_uncertainty_s"][0] == first.time_uncertainty_s
    assert find([]).to_dataframe().columns.empty


# Functions of the tutorial


def test_picks_of_the_tutorials_functions():
    prob = np.zeros((2, 3, 400), np.float32)
    prob[0, 1, [50, 200]] = 0.9, 0.2
    prob[0, 2, [120, 300]] = 0.5, 0.75
    first, second = find_phase_point2point(prob)
    assert first == [[1, 50, pytest.approx(0.9)], [2, 120, 0.5], [2, 300, 0.75]]
    assert second == []
    # ONNX Runtime gives a list.
    assert find_phase_point2point([prob]) == [first, second]

    prob, offset = np.zeros((2, 3, 50), np.float32), np.zeros((2, 50), np.float32)
    prob[0, 1, 5], prob[1, 1, 7], prob[1, 2, 20] = 0.75, 0.5, 1
    offset[0, 5], offset[1, 7], offset[1, 20] = 2.5, 7.75, 0.25
    first, second = find_phase_lppn([prob, offset])
    assert first == [[1, 42.5, 0.75]]
    assert second == [[1, 63.75, 0.5], [2, 160.25, 1]]
    with pytest.raises(ValueError, match="prob="):
        find_phase_lppn([prob[:, :2], offset])
