from itertools import pairwise

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
    sort_picks,
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


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.31, 0.5, 0.9, 1.0, np.nan]), max_size=40)
)
def test_maxima_are_high_and_no_lower_than_their_neighbours(values):
    curve = np.array(values, dtype=np.float32)
    peaks = peak_indices(curve, 0.3)
    assert (np.diff(peaks) > 0).all()
    filled = np.concatenate([[-1], np.nan_to_num(curve, nan=-1), [-1]])
    for peak in peaks:
        assert curve[peak] >= np.float32(0.3)
        assert filled[peak] <= filled[peak + 1] >= filled[peak + 2]
    if len(curve) and np.nanmax(np.append(curve, 0)) >= np.float32(0.3):
        assert np.nanargmax(curve) in peaks or np.isclose(
            curve[peaks].max(), np.nanmax(curve)
        )


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


@settings(deadline=None)
@given(picks_and_separation)
def test_the_most_probable_pick_always_stays(drawn):
    picks, separation = drawn
    if not picks:
        return
    picks = sorted(picks)
    values = np.array([value for _, value in picks])
    keep = suppress_close(
        np.array([float(time) for time, _ in picks]), values, separation
    )
    assert keep[np.argmax(values)]


@settings(deadline=None)
@given(
    st.lists(
        st.integers(min_value=0, max_value=10**5), min_size=1, max_size=15, unique=True
    ),
    st.floats(min_value=0, max_value=20),
    st.randoms(use_true_random=False),
)
def test_picks_do_not_depend_on_the_order_of_the_curves(samples, separation, random):
    traces = []
    for k, sample in enumerate(sorted(samples)):
        traces.append(curve_trace([0, 0.4 + 0.03 * k, 0], start=START + sample / 100))
    shuffled = list(traces)
    random.shuffle(shuffled)
    expected = find(traces, min_separation=separation)
    found = find(shuffled, min_separation=separation)
    assert [pick.peak_time for pick in found] == [pick.peak_time for pick in expected]
    assert [pick.peak_value for pick in found] == [pick.peak_value for pick in expected]


def test_a_pick_that_was_dropped_drops_no_other():
    times = np.array([0.0, 0.8, 1.6])
    assert suppress_close(times, np.array([0.9, 0.8, 0.7]), 1).tolist() == [1, 0, 1]
    assert suppress_close(times, np.array([0.7, 0.9, 0.8]), 1).tolist() == [0, 1, 0]


def test_the_earlier_of_two_equally_probable_picks_stays():
    assert suppress_close(np.array([0.0, 0.5]), np.array([0.6, 0.6]), 1).tolist() == [
        1,
        0,
    ]


def test_picks_as_far_apart_as_the_separation_both_stay():
    keep = suppress_close(np.array([0.0, 1.0, 2.0]), np.array([0.5, 0.9, 0.5]), 1.0)
    assert keep.all()


def test_no_separation_keeps_everything():
    times = np.array([0.0, 0.01, 0.02])
    assert suppress_close(times, np.array([0.5, 0.9, 0.5]), 0).all()
    assert suppress_close(np.array([]), np.array([]), 1).shape == (0,)


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


def test_a_pick_at_the_first_and_at_the_last_sample():
    first, last = find([curve_trace([0.9, 0, 0, 0.2, 0.8])])
    assert first.start_time == first.peak_time == first.end_time == START
    assert last.start_time == START + 0.03
    assert last.peak_time == last.end_time == START + 0.04


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


def test_a_curve_below_the_threshold_has_no_pick():
    picks = find([curve_trace([0, 0.29, 0]), curve_trace([np.nan] * 3)])
    assert isinstance(picks, sbu.PickList)
    assert len(picks) == 0
    assert len(find([])) == 0


@pytest.mark.parametrize("rate", [100.0, 99.9998, 50.0, 62.5, 12.5])
def test_times_follow_the_rate_of_the_curve(rate):
    curve = np.zeros(100_000)
    curve[[5, 99_990]] = 0.9
    picks = find([curve_trace(curve, rate)])
    for pick, sample in zip(picks, (5, 99_990), strict=True):
        assert abs(pick.peak_time - (START + sample / rate)) < 2e-6


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


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    threshold=st.floats(min_value=0.01, max_value=1),
    separation=st.floats(min_value=0, max_value=2),
    stride=st.sampled_from([1, 8]),
    rate=st.floats(min_value=1, max_value=250),
)
def test_picks_are_in_order_inside_their_spans(
    seed, threshold, separation, stride, rate
):
    rng = np.random.default_rng(seed)
    curves, offsets = [], []
    for i in range(4):
        curve = rng.uniform(size=60) ** 3
        curve[rng.integers(0, 60, 3)] = np.nan
        label = {"start": START + 7.77 * (i // 2), "station": "AB"[i % 2]}
        curves.append(curve_trace(curve, rate / stride, **label))
        offset = rng.choice([0, stride, 0.3 * stride], 60)
        offsets.append(curve_trace(offset, rate / stride, **label))
    extra = {"offsets": obspy.Stream(offsets), "stride": stride} if stride > 1 else {}
    picks = find(curves, threshold, separation, **extra)
    times = [pick.peak_time for pick in picks]
    assert times == sorted(times)
    for pick in picks:
        assert pick.start_time <= pick.peak_time <= pick.end_time
        assert pick.peak_value >= np.float32(threshold) - 1e-7
    for station in "AB":
        own = [pick.peak_time for pick in picks if f".{station}." in pick.trace_id]
        gaps = [later - earlier for earlier, later in pairwise(own)]
        assert all(gap >= separation - 1e-6 for gap in gaps)


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


def test_each_curve_has_its_own_offsets():
    curve = [0, 0.9, 0]
    label = [{"station": "A"}, {"station": "B"}, {"station": "A", "start": START + 9}]
    picks = find(
        [curve_trace(curve, 12.5, **entry) for entry in label],
        offsets=obspy.Stream(
            curve_trace(np.full(3, value), 12.5, **entry)
            for value, entry in zip((1, 5, 3), label, strict=True)
        ),
        stride=8,
    )
    found = {pick.peak_time - START: pick.trace_id for pick in picks}
    assert {round(time, 6) for time in found} == {0.09, 0.13, 9.11}
    assert [pick.trace_id for pick in picks] == ["XX.A.00", "XX.B.00", "XX.A.00"]


def test_offsets_count_for_the_separation():
    curve = [0, 0.9, 0, 0.8, 0]
    apart = obspy.Stream([curve_trace([0, 0, 0, 7, 0], 12.5)])
    close = obspy.Stream([curve_trace([0, 7, 0, 0, 0], 12.5)])
    for offsets, count in ((apart, 2), (close, 1)):
        picks = find([curve_trace(curve, 12.5)], 0.3, 0.2, offsets=offsets, stride=8)
        assert len(picks) == count


def test_picks_are_sorted_by_time_station_and_phase():
    def pick(seconds, station, phase):
        time = START + seconds
        return sbu.Pick(f"XX.{station}.", time, time, time, 0.5, phase)

    expected = [
        pick(0, "B", "S"),
        pick(1, "A", "P"),
        pick(1, "A", "S"),
        pick(1, "B", "P"),
        pick(2, "A", "P"),
    ]
    for seed in range(5):
        shuffled = np.random.default_rng(seed).permutation(len(expected))
        result = sort_picks([expected[i] for i in shuffled])
        assert isinstance(result, sbu.PickList)
        assert list(result) == expected


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


def test_point_to_point_picks_keep_their_distance():
    prob = batch_of_windows(
        {(0, 1): {100: 0.6, 130: 0.9}, (1, 2): {100: 0.6, 130: 0.9}}
    )
    assert [[e[:2] for e in w] for w in find_phase_point2point(prob)] == [
        [[1, 130]],
        [[2, 130]],
    ]
    assert [len(w) for w in find_phase_point2point(prob, dist=20)] == [2, 2]
    assert [len(w) for w in find_phase_point2point(prob, height=0.95)] == [0, 0]


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


@pytest.mark.parametrize("shape", [(2, 50), (2, 1, 50), (2, 50, 1)])
def test_lppn_offsets_of_several_shapes(shape):
    prob = batch_of_windows({(0, 1): {5: 0.9}, (1, 2): {9: 0.9}}, 50)
    offset = np.arange(100, dtype=np.float32).reshape(2, 50) / 16
    result = find_phase_lppn((prob, offset.reshape(shape)))
    assert result[0][0][1] == 40 + 5 / 16
    assert result[1][0][1] == 72 + 59 / 16


def test_lppn_distance_is_in_cells_and_the_stride_can_be_chosen():
    prob = batch_of_windows({(0, 1): {10: 0.9, 14: 0.8}}, 50)
    offset = np.ones((2, 50))
    assert len(find_phase_lppn([prob, offset])[0]) == 1
    found = find_phase_lppn([prob, offset], dist=3, stride=4)[0]
    assert [entry[1] for entry in found] == [41, 57]


@pytest.mark.parametrize("shape", [(3, 400), (2, 2, 400), (400,), (1, 2, 3, 4)])
def test_probabilities_of_a_wrong_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"shape"):
        find_phase_point2point(np.zeros(shape))
    with pytest.raises(ValueError, match=r"shape"):
        find_phase_lppn([np.zeros(shape), np.zeros((2, 400))])


def test_lppn_output_of_a_wrong_form_is_refused():
    prob = np.zeros((2, 3, 50))
    for output in ([prob, prob, prob], [prob, np.zeros((2, 49))], [prob]):
        with pytest.raises(ValueError, match=r"unpack|reshape"):
            find_phase_lppn(output)


def test_no_windows_give_no_picks():
    assert find_phase_point2point(np.zeros((0, 3, 400))) == []


def test_no_windows_give_no_picks_for_lppn():
    assert find_phase_lppn([np.zeros((0, 3, 50)), np.zeros((0, 50))]) == []
