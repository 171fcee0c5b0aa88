import numpy as np
import obspy
import pytest
import seisbench.util as sbu
from hypothesis import given, settings
from hypothesis import strategies as st
from obspy import UTCDateTime

from seisbench_diting.models.windows import (
    find_phase_lppn,
    find_phase_point2point,
    peak_indices,
    picks_from_annotations,
    suppress_close,
)

START = UTCDateTime(2024, 1, 1)


def curve_trace(curve, rate=100.0, start=START, station="STA", channel="M_P"):
    return obspy.Trace(
        np.asarray(curve, dtype=np.float32),
        {
            "network": "XX",
            "station": station,
            "location": "00",
            "channel": channel,
            "starttime": start,
            "sampling_rate": rate,
        },
    )


def find(traces, threshold=0.3, min_separation=0.0, **kwargs):
    return picks_from_annotations(
        obspy.Stream(traces), threshold, "P", min_separation, **kwargs
    )


# Maxima


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ([0, 1, 0], [1]),
        ([1, 0, 0], [0]),
        ([0, 0, 1], [2]),
        ([1, 0, 1], [0, 2]),
        ([1], [0]),
        ([], []),
        ([0.5, 0.4, 0.6, 0.5, 0.9], [0, 2, 4]),
        ([0, 1, 1, 1, 0], [2]),
        ([1, 1, 1, 0, 0], [1]),
        ([0, 0, 1, 1, 1], [3]),
        ([1, 1, 1], [1]),
        ([0, 0.5, 0.5, 0.8, 0], [3]),
        ([0, 0.2, 0], []),
        ([0, 0.3, 0], [1]),
        ([np.nan, 0.9, np.nan], [1]),
        ([0.2, 0.9, np.nan], [1]),
        ([np.nan, 0.9, 0.4, np.nan, 0.8], [1, 4]),
        ([np.nan, np.nan], []),
    ],
)
def test_maxima(curve, expected):
    assert peak_indices(np.array(curve, dtype=float), 0.3).tolist() == expected


# Minimum separation


picks_and_separation = st.tuples(
    st.lists(
        st.tuples(
            st.integers(min_value=0, max_value=300),
            st.sampled_from([0.3, 0.5, 0.7, 0.9, 1.0]),
        ),
        max_size=25,
        unique_by=lambda pick: pick[0],
    ),
    st.integers(min_value=0, max_value=100),
)


@settings(deadline=None, max_examples=200)
@given(picks_and_separation)
def test_of_close_picks_the_most_probable_stays(drawn):
    picks, separation = drawn
    picks = sorted(picks)
    times = np.array([time for time, _ in picks], dtype=float)
    values = np.array([value for _, value in picks], dtype=float)
    keep = suppress_close(times, values, separation)
    assert keep.dtype == bool
    assert keep.shape == times.shape
    assert (np.diff(times[keep]) >= separation).all()
    for i in np.flatnonzero(~keep):
        near = keep & (np.abs(times - times[i]) < separation)
        assert (values[near] >= values[i]).any()


def test_a_pick_that_was_dropped_drops_no_other():
    times = np.array([0.0, 0.8, 1.6])
    assert suppress_close(times, np.array([0.9, 0.8, 0.7]), 1).tolist() == [1, 0, 1]
    assert suppress_close(times, np.array([0.7, 0.9, 0.8]), 1).tolist() == [0, 1, 0]


def test_the_earlier_of_two_equally_probable_picks_stays():
    assert suppress_close(np.array([0.0, 0.5]), np.array([0.6, 0.6]), 1).tolist() == [
        1,
        0,
    ]


# Picks from curves


def test_times_and_values_of_a_pick():
    (pick,) = find(
        [curve_trace([0, 0.1, 0.2, 0.6, 0.16, 0.1, 0], start=START + 0.0037)]
    )
    assert isinstance(pick, sbu.Pick)
    assert pick.trace_id == "XX.STA.00"
    assert pick.phase == "P"
    assert pick.peak_value == pytest.approx(0.6)
    assert isinstance(pick.peak_value, float)
    assert pick.start_time == START + 0.0237
    assert pick.peak_time == START + 0.0337
    assert pick.end_time == START + 0.0437


def test_two_maxima_above_half_the_threshold_share_start_and_end():
    first, second = find([curve_trace([0, 0.2, 0.9, 0.25, 0.5, 0.2, 0])])
    assert first.peak_time == START + 0.02
    assert second.peak_time == START + 0.04
    assert first.start_time == second.start_time == START + 0.01
    assert first.end_time == second.end_time == START + 0.05


def test_a_pick_ends_where_the_curve_is_nan():
    (pick,) = find([curve_trace([np.nan, 0.5, 0.9, np.nan, 0.5])], threshold=0.6)
    assert pick.start_time == START + 0.01
    assert pick.end_time == START + 0.02


def test_the_separation_is_in_seconds_and_by_station():
    curve = np.zeros(400)
    curve[[100, 150, 350]] = 0.5, 0.9, 0.4
    traces = [curve_trace(curve, station=station) for station in ("A", "B")]
    picks = find(traces, min_separation=1.0)
    assert [(pick.trace_id, pick.peak_time - START) for pick in picks] == [
        ("XX.A.00", 1.5),
        ("XX.B.00", 1.5),
        ("XX.A.00", 3.5),
        ("XX.B.00", 3.5),
    ]
    assert len(find(traces, min_separation=0.5)) == 6
    assert len(find(traces, min_separation=2.5)) == 2


def test_the_separation_holds_across_gaps():
    before = curve_trace([0, 0.5])
    after = curve_trace([0.9, 0], start=START + 0.5)
    (pick,) = find([before, after], min_separation=1.0)
    assert pick.peak_time == START + 0.5
    assert len(find([before, after], min_separation=0.4)) == 2


@pytest.mark.parametrize("rate", [50.0, 100.0, 99.95])
@pytest.mark.parametrize("offset", [0.0, 3.25, 7.999, 8.0])
def test_the_offset_places_the_pick_inside_its_cell(rate, offset):
    curve = np.zeros(20)
    curve[[4, 12]] = 0.9
    (first, second) = find(
        [curve_trace(curve, rate / 8)],
        offsets=obspy.Stream([curve_trace(np.full(20, offset), rate / 8)]),
        stride=8,
    )
    for pick, cell in ((first, 4), (second, 12)):
        assert abs(pick.peak_time - (START + (8 * cell + offset) / rate)) < 2e-6
        assert abs(pick.start_time - (START + 8 * cell / rate)) < 2e-6
        assert abs(pick.end_time - (START + 8 * (cell + 1) / rate)) < 2e-6


def test_an_offset_at_the_end_of_its_cell_is_not_behind_it():
    curve = np.zeros(12)
    curve[7] = 0.9
    start = START + 0.919190
    (pick,) = find(
        [curve_trace(curve, 100.0983 / 8, start)],
        offsets=obspy.Stream([curve_trace(np.full(12, 8.0), 100.0983 / 8, start)]),
        stride=8,
    )
    assert pick.start_time <= pick.peak_time <= pick.end_time


# Functions of the tutorial


def batch_of_windows(peaks, samples=400):
    """Probabilities (windows, 3, samples) with maxima {(window, phase): {at: value}}."""
    prob = np.zeros((2, 3, samples), dtype=np.float32)
    for (window, phase), places in peaks.items():
        for place, value in places.items():
            prob[window, phase, place] = value
    prob[:, 0] = 1 - prob[:, 1:].sum(axis=1)
    return prob


def test_point_to_point_picks():
    prob = batch_of_windows(
        {(0, 1): {50: 0.9, 200: 0.2}, (0, 2): {120: 0.5, 300: 0.75}}
    )
    result = find_phase_point2point(prob)
    assert len(result) == 2
    assert result[1] == []
    assert [entry[:2] for entry in result[0]] == [[1, 50], [2, 120], [2, 300]]
    assert [entry[2] for entry in result[0]] == pytest.approx([0.9, 0.5, 0.75])


def test_lppn_picks():
    prob = batch_of_windows({(0, 1): {5: 0.9}, (1, 1): {7: 0.5}, (1, 2): {20: 0.8}}, 50)
    offset = np.zeros((2, 50), dtype=np.float32)
    offset[0, 5], offset[1, 7], offset[1, 20] = 2.5, 7.75, 0.25
    result = find_phase_lppn([prob, offset])
    assert [[e[:2] for e in w] for w in result] == [
        [[1, 42.5]],
        [[1, 63.75], [2, 160.25]],
    ]
    assert [e[2] for e in result[1]] == pytest.approx([0.5, 0.8])


@pytest.mark.parametrize("shape", [(3, 400), (2, 2, 400), (400,), (1, 2, 3, 4)])
def test_probabilities_of_a_wrong_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"shape"):
        find_phase_point2point(np.zeros(shape))
    with pytest.raises(ValueError, match=r"shape"):
        find_phase_lppn([np.zeros(shape), np.zeros((2, 400))])
