import logging
from fractions import Fraction

import numpy as np
import obspy
import pytest
from hypothesis import example as case
from hypothesis import given, settings
from hypothesis import strategies as st
from obspy import UTCDateTime

from seisbench_diting.models import records

START = UTCDateTime(2024, 1, 1)
RATES = (20, 40, 50, 62.5, 125, 128, 200, 250)


def make_trace(
    data, channel="HHZ", start=START, rate=100.0, station="STA", location=""
):
    return obspy.Trace(
        np.ma.asarray(data) if np.ma.isMaskedArray(data) else np.asarray(data),
        {
            "network": "XX",
            "station": station,
            "location": location,
            "channel": channel,
            "starttime": start,
            "sampling_rate": rate,
        },
    )


def make_stream(*traces):
    return obspy.Stream(list(traces))


def noise(n_samples, seed=0):
    return np.random.default_rng(seed).normal(size=n_samples)


def cut(stream, order="ZNE", strict=False):
    return list(records.cut_records(stream, order, strict))


def warnings_of(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


# Masked and missing samples


def test_split_at_missing_leaves_complete_traces_alone():
    data = np.arange(10)
    stream = make_stream(make_trace(data))
    records.split_at_missing(stream)
    assert len(stream) == 1
    assert not np.ma.isMaskedArray(stream[0].data)
    assert stream[0].data.dtype == data.dtype
    assert np.array_equal(stream[0].data, data)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_split_at_missing_cuts_where_samples_are_not_finite(value):
    data = np.arange(20.0)
    data[5:8] = value
    data[15] = value
    stream = make_stream(make_trace(data))
    records.split_at_missing(stream)
    assert [trace.data.tolist() for trace in stream] == [
        list(range(5)),
        list(range(8, 15)),
        list(range(16, 20)),
    ]
    assert [trace.stats.starttime - START for trace in stream] == [0, 0.08, 0.16]
    assert not any(np.ma.isMaskedArray(trace.data) for trace in stream)


def test_split_at_missing_cuts_where_samples_are_masked():
    mask = np.zeros(20, dtype=bool)
    mask[:3] = mask[10:12] = True
    stream = make_stream(make_trace(np.ma.masked_array(np.arange(20), mask=mask)))
    records.split_at_missing(stream)
    assert [trace.data.tolist() for trace in stream] == [
        list(range(3, 10)),
        list(range(12, 20)),
    ]
    assert [trace.stats.starttime - START for trace in stream] == [0.03, 0.12]


def test_split_at_missing_joins_mask_and_nan():
    data = np.arange(12.0)
    data[3] = np.nan
    mask = np.zeros(12, dtype=bool)
    mask[8] = True
    stream = make_stream(make_trace(np.ma.masked_array(data, mask=mask)))
    records.split_at_missing(stream)
    assert [trace.stats.npts for trace in stream] == [3, 4, 3]


def test_split_at_missing_takes_a_mask_without_masked_samples():
    stream = make_stream(make_trace(np.ma.masked_array(np.arange(4), mask=[False] * 4)))
    records.split_at_missing(stream)
    assert len(stream) == 1
    assert not np.ma.isMaskedArray(stream[0].data)


@pytest.mark.parametrize(
    "data",
    [
        np.full(10, np.nan),
        np.ma.masked_all(10),
        np.ma.masked_all(10, dtype=int),
        np.array([]),
    ],
)
def test_split_at_missing_drops_traces_without_samples(data):
    stream = make_stream(make_trace(data), make_trace(np.arange(5), "HHN"))
    records.split_at_missing(stream)
    assert [trace.stats.channel for trace in stream] == ["HHN"]


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_split_at_missing_keeps_every_good_sample_at_its_time(bad):
    data = np.arange(float(len(bad)))
    data[bad] = np.nan
    stream = make_stream(make_trace(data))
    records.split_at_missing(stream)
    kept = {}
    for trace in stream:
        for k, value in enumerate(trace.data):
            kept[round((trace.stats.starttime - START) * 100) + k] = value
    assert kept == {i: float(i) for i, is_bad in enumerate(bad) if not is_bad}


# Groups that can be merged


def test_compatible_groups_share_rate_and_type():
    stream = make_stream(
        make_trace(np.arange(5, dtype=np.int32)),
        make_trace(np.arange(5, dtype=np.float64), "HHN"),
        make_trace(np.arange(5, dtype=np.int32), "HHE", rate=50),
        make_trace(np.arange(5, dtype=np.int32), "HHE"),
    )
    groups = list(records.compatible_groups(stream))
    assert [len(group) for group in groups] == [2, 1, 1]
    for group in groups:
        keys = {(trace.stats.sampling_rate, trace.data.dtype) for trace in group}
        assert len(keys) == 1


def test_compatible_groups_write_their_changes_to_the_stream():
    stream = make_stream(
        make_trace(np.arange(5, dtype=np.int32)),
        make_trace(np.arange(5, 9, dtype=np.int32), start=START + 0.05),
        make_trace(np.arange(5.0), "HHN"),
    )
    for group in records.compatible_groups(stream):
        group.merge(-1)
    assert sorted((trace.id, trace.stats.npts) for trace in stream) == [
        ("XX.STA..HHN", 5),
        ("XX.STA..HHZ", 9),
    ]


def test_compatible_groups_of_nothing():
    stream = obspy.Stream()
    assert list(records.compatible_groups(stream)) == []
    assert len(stream) == 0


# Several instruments at one station


def instruments_of(stream):
    return {trace.stats.channel[:-1] for trace in stream}


@pytest.mark.parametrize("codes", [("HH", "HN"), ("BN", "BH"), ("EH", "XX"), ("L", "")])
@pytest.mark.parametrize("reverse", [False, True])
def test_one_of_several_instruments_is_kept(caplog, codes, reverse):
    preferred = min(codes, key=records._instrument_rank)
    traces = [make_trace(noise(100), code + c) for code in codes for c in "ZNE"]
    stream = make_stream(*(traces[::-1] if reverse else traces))
    records.select_instruments(stream)
    assert instruments_of(stream) == {preferred}
    assert len(stream) == 3
    assert len(warnings_of(caplog)) == 1
    assert "XX.STA." in warnings_of(caplog)[0]


def test_the_preference_is_high_gain_broadband_first():
    stream = make_stream(
        *(make_trace(noise(50), code + "Z") for code in ("HN", "EH", "BH", "HH"))
    )
    records.select_instruments(stream)
    assert instruments_of(stream) == {"HH"}


def test_instruments_one_after_the_other_are_all_kept(caplog):
    stream = make_stream(
        make_trace(noise(100), "HHZ"), make_trace(noise(100), "BHZ", START + 10)
    )
    records.select_instruments(stream)
    assert instruments_of(stream) == {"HH", "BH"}
    assert warnings_of(caplog) == []


def test_instruments_at_several_locations_and_stations_are_all_kept(caplog):
    stream = make_stream(
        make_trace(noise(50), "HHZ", location="00"),
        make_trace(noise(50), "BHZ", location="10"),
        make_trace(noise(50), "HNZ", station="OTHER"),
    )
    records.select_instruments(stream)
    assert len(stream) == 3
    assert warnings_of(caplog) == []


# Component codes


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ("ZNE", "ZNE"),
        ("Z12", "ZNE"),
        ("Z23", "ZNE"),
        ("123", "ZNE"),
        ("Z1", "ZN"),
        ("Z2", "ZE"),
        ("Z3", "ZE"),
        ("12", "NE"),
        ("23", "NE"),
        ("13", "ZE"),
        ("1", "N"),
        ("2", "E"),
        ("3", "E"),
        ("Z", "Z"),
        ("ZN", "ZN"),
        ("NE", "NE"),
    ],
)
@pytest.mark.parametrize("reverse", [False, True])
def test_components_are_renamed(caplog, codes, expected, reverse):
    traces = [make_trace(np.full(3, i), "HH" + code) for i, code in enumerate(codes)]
    stream = make_stream(*(traces[::-1] if reverse else traces))
    records.rename_components(stream, set())
    found = {trace.data[0]: trace.stats.channel for trace in stream}
    assert found == {i: "HH" + code for i, code in enumerate(expected)}
    assert warnings_of(caplog) == []


def test_components_are_renamed_for_each_station_by_itself():
    stream = make_stream(
        *(make_trace(noise(5), "HH" + c, station="A") for c in "Z12"),
        *(make_trace(noise(5), "HH" + c, station="B") for c in "Z23"),
        *(make_trace(noise(5), "HH" + c, station="C") for c in "123"),
    )
    records.rename_components(stream, set())
    for station in "ABC":
        selected = stream.select(station=station)
        assert [trace.stats.channel for trace in selected] == ["HHZ", "HHN", "HHE"]


def test_components_are_renamed_for_each_instrument_by_itself():
    """A borehole sensor with 123 was replaced by another one with ZNE."""
    stream = make_stream(
        *(make_trace(noise(5), "HH" + c) for c in "123"),
        *(make_trace(noise(5), "BH" + c, START + 10) for c in "ZNE"),
    )
    records.select_instruments(stream)
    records.rename_components(stream, set())
    found = [trace.stats.channel for trace in stream]
    assert found == ["HHZ", "HHN", "HHE", "BHZ", "BHN", "BHE"]


def test_letters_and_numbers_at_one_station_warn_once(caplog):
    warned = set()
    for _ in range(2):
        stream = make_stream(*(make_trace(noise(5), "HH" + c) for c in "ZNE12"))
        records.rename_components(stream, warned)
    assert len(warnings_of(caplog)) == 1
    assert "XX.STA." in warnings_of(caplog)[0]
    assert warned == {"XX.STA."}


def test_traces_without_channel_code_are_left_alone():
    stream = make_stream(make_trace(noise(5), ""), make_trace(noise(5), "HH1"))
    records.rename_components(stream, set())
    assert [trace.stats.channel for trace in stream] == ["", "HHN"]


@pytest.mark.parametrize(
    ("channels", "strict", "words"),
    [
        (["HHZ", "HHN"], False, ["XX.STA.", " E", "Zeros"]),
        (["HHZ", "HHN"], True, ["XX.STA.", " E", "not used"]),
        (["HHX"], False, ["Z, N, E", "X", "not used"]),
        ([""], False, ["Z, N, E", "no channel code", "not used"]),
    ],
)
def test_missing_components_warn_once(caplog, channels, strict, words):
    stream = make_stream(*(make_trace(noise(5), channel) for channel in channels))
    warned = set()
    for _ in range(2):
        records.warn_about_components(stream, "ZNE", strict, warned)
    messages = warnings_of(caplog)
    assert len(messages) == 1
    assert all(word in messages[0] for word in words)


def test_complete_stations_do_not_warn(caplog):
    stream = make_stream(*(make_trace(noise(5), "HH" + c) for c in "ENZ"))
    records.warn_about_components(stream, "ZNE", True, set())
    assert warnings_of(caplog) == []


# Resampling


@settings(deadline=None, max_examples=300)
@given(
    rate=st.floats(min_value=1, max_value=1000),
    target=st.sampled_from([50.0, 100.0]),
)
@case(rate=99.9998, target=100.0)
@case(rate=1000.0, target=50.0)
@case(rate=1.0, target=100.0)
@case(rate=333.0, target=100.0)
def test_resampling_ratio_is_within_the_tolerance(rate, target):
    ratio = records.resampling_ratio(rate, target)
    assert isinstance(ratio, Fraction)
    assert ratio > 0
    error = abs(rate * float(ratio) / target - 1)
    assert error <= records.RATE_TOLERANCE * (1 + 1e-9)
    assert max(ratio.numerator, ratio.denominator) <= records.MAX_RATIO_TERM


@pytest.mark.parametrize(
    ("rate", "target", "ratio"),
    [
        (100, 100, Fraction(1)),
        (99.9998, 100, Fraction(1)),
        (100.0002, 100, Fraction(1)),
        (99.95, 100, Fraction(1)),
        (49.99, 50, Fraction(1)),
        (20, 100, Fraction(5)),
        (40, 100, Fraction(5, 2)),
        (50, 100, Fraction(2)),
        (62.5, 100, Fraction(8, 5)),
        (125, 100, Fraction(4, 5)),
        (128, 100, Fraction(25, 32)),
        (200, 100, Fraction(1, 2)),
        (199.9996, 100, Fraction(1, 2)),
        (250, 100, Fraction(2, 5)),
        (1000, 50, Fraction(1, 20)),
        (100, 50, Fraction(1, 2)),
        (1, 100, Fraction(100)),
    ],
)
def test_resampling_ratios_of_usual_rates(rate, target, ratio):
    assert records.resampling_ratio(rate, target) == ratio


@pytest.mark.parametrize("rate", [100.0, 99.9998, 100.05])
def test_traces_of_about_the_target_rate_are_not_touched(rate):
    data = np.arange(50, dtype=np.int32)
    trace = make_trace(data, rate=rate)
    records.resample_trace(trace, 100)
    assert trace.data is data
    assert trace.stats.sampling_rate == rate


@settings(deadline=None, max_examples=40)
@given(
    rate=st.floats(min_value=5, max_value=500), target=st.sampled_from([50.0, 100.0])
)
def test_the_new_rate_is_the_old_one_times_the_ratio(rate, target):
    trace = make_trace(noise(100), rate=rate, start=START + 0.123456)
    records.resample_trace(trace, target)
    ratio = records.resampling_ratio(rate, target)
    assert trace.stats.sampling_rate == pytest.approx(rate * float(ratio), rel=1e-14)
    assert trace.stats.npts == -(-100 * ratio.numerator // ratio.denominator)
    assert trace.stats.starttime == START + 0.123456


@pytest.mark.parametrize("rate", [*RATES, 80, 333, 500])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.35])
def test_a_sine_below_nyquist_keeps_phase_and_amplitude(rate, share):
    frequency = share * min(rate, 100)
    t = np.arange(int(30 * rate)) / rate
    trace = make_trace(np.sin(2 * np.pi * frequency * t + 0.7), rate=rate)
    records.resample_trace(trace, 100)
    t = np.arange(trace.stats.npts) / trace.stats.sampling_rate
    expected = np.sin(2 * np.pi * frequency * t + 0.7)
    inner = (t > 2) & (t < 28)
    assert np.abs(trace.data - expected)[inner].max() < 5e-3


@pytest.mark.parametrize("rate", [125, 200, 250, 500, 1000])
def test_a_sine_above_the_new_nyquist_is_removed(rate):
    frequency = min(70, 0.49 * rate)
    t = np.arange(int(20 * rate)) / rate
    trace = make_trace(np.sin(2 * np.pi * frequency * t), rate=rate)
    records.resample_trace(trace, 100)
    assert np.abs(trace.data[200:-200]).max() < 0.02


@pytest.mark.parametrize("rate", [*RATES, 333])
@pytest.mark.parametrize("offset", [1e3, 1e7, -1e9])
def test_an_offset_passes_unchanged(rate, offset):
    trace = make_trace(np.full(int(20 * rate), offset), rate=rate)
    records.resample_trace(trace, 100)
    assert np.abs(trace.data / offset - 1).max() < 1e-12


@pytest.mark.parametrize("rate", [*RATES, 333])
def test_a_large_offset_does_not_ring(rate):
    t = np.arange(int(30 * rate)) / rate
    signal = np.sin(2 * np.pi * 2 * t)
    plain = make_trace(signal, rate=rate)
    shifted = make_trace(signal + 1e7, rate=rate)
    for trace in (plain, shifted):
        records.resample_trace(trace, 100)
    difference = shifted.data - 1e7 - plain.data
    assert np.abs(difference[200:-200]).max() < 1e-6
    # At the ends, what is added behind the record may depend on the offset a little.
    assert np.abs(difference).max() < 1e-2


@pytest.mark.parametrize("rate", RATES)
def test_what_is_far_from_a_step_stays_constant(rate):
    data = np.full(int(40 * rate), 500.0)
    data[int(20 * rate) :] = 1500.0
    trace = make_trace(data, rate=rate)
    records.resample_trace(trace, 100)
    t = np.arange(trace.stats.npts) / trace.stats.sampling_rate
    assert np.abs(trace.data[(t > 2) & (t < 18)] - 500).max() < 1e-8
    assert np.abs(trace.data[(t > 22) & (t < 38)] - 1500).max() < 1e-8


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("target", [50, 100])
def test_the_time_of_a_pulse_is_kept(rate, target):
    moment = 10.0
    t = np.arange(int(20 * rate)) / rate
    trace = make_trace(np.exp(-(((t - moment) / 0.12) ** 2)), rate=rate)
    records.resample_trace(trace, target)
    t = np.arange(trace.stats.npts) * trace.stats.delta
    near = np.abs(t - moment) < 0.6
    centre = np.sum(t[near] * trace.data[near]) / np.sum(trace.data[near])
    assert abs(centre - moment) * target < 0.02
    assert abs(t[np.argmax(trace.data)] - moment) * target < 0.51


@pytest.mark.parametrize("n_samples", [1, 2, 3])
@pytest.mark.parametrize("rate", [40, 62.5, 200])
def test_the_shortest_traces_are_resampled(n_samples, rate):
    trace = make_trace(np.full(n_samples, 7.0), rate=rate)
    records.resample_trace(trace, 100)
    assert np.isfinite(trace.data).all()
    assert np.abs(trace.data - 7).max() < 1e-9


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32, ">i4"])
def test_traces_of_any_type_are_resampled(dtype):
    trace = make_trace((1000 * noise(400)).astype(dtype), rate=200)
    expected = make_trace(trace.data.astype(float), rate=200)
    for one in (trace, expected):
        records.resample_trace(one, 100)
    assert np.array_equal(trace.data, expected.data)


# Records


def test_a_record_holds_the_components_in_the_order_of_the_model():
    data = {c: noise(300, seed) for seed, c in enumerate("ZNE")}
    stream = make_stream(*(make_trace(data[c], "HH" + c) for c in "NEZ"))
    for order in ("ZNE", "ENZ"):
        (record,) = cut(stream, order)
        peak = max(np.abs(x - x.mean()).max() for x in data.values())
        for row, c in zip(record.data, order, strict=True):
            expected = (data[c] - data[c].mean()) / peak
            assert np.allclose(row, expected, rtol=0, atol=1e-6)
        assert record.data.dtype == np.float32
        assert record.trace_id == "XX.STA."
        assert record.start_time == START
        assert record.sampling_rate == 100
        assert record.returns == []
        assert not record.silent().any()


def test_first_sample_counts_from_1970():
    for start, rate in [(START, 100), (START + 12.34, 100), (START + 3600.5, 62.5)]:
        stream = make_stream(make_trace(noise(50), start=start, rate=rate))
        (record,) = cut(stream)
        assert record.first_sample == round(start.timestamp * rate)


@pytest.mark.parametrize("fraction", [0.0, 0.001, 0.25, 0.5, 0.65, 0.998])
def test_first_sample_is_the_same_wherever_a_record_begins(fraction):
    start = START + fraction / 100
    whole = make_trace(noise(2000), start=start)
    (record,) = cut(make_stream(whole))
    for cut_samples in (1, 7, 333, 1024):
        trace = whole.copy()
        trace.trim(starttime=start + cut_samples / 100)
        (later,) = cut(make_stream(trace))
        assert later.first_sample - record.first_sample == cut_samples


def test_a_gap_in_all_components_makes_two_records():
    stream = make_stream(
        *(make_trace(noise(300), "HH" + c) for c in "ZNE"),
        *(make_trace(noise(200), "HH" + c, START + 5) for c in "ZNE"),
    )
    first, second = cut(stream)
    assert (first.start_time, first.data.shape) == (START, (3, 300))
    assert (second.start_time, second.data.shape) == (START + 5, (3, 200))
    assert first.returns == second.returns == []


def test_a_gap_of_one_sample_in_all_components_makes_two_records():
    stream = make_stream(
        *(make_trace(noise(300), "HH" + c) for c in "ZNE"),
        *(make_trace(noise(200), "HH" + c, START + 3.01) for c in "ZNE"),
    )
    assert [record.data.shape[1] for record in cut(stream)] == [300, 200]


def test_traces_that_follow_each_other_make_one_record():
    stream = make_stream(
        *(make_trace(noise(300), "HH" + c) for c in "ZNE"),
        *(make_trace(noise(200), "HH" + c, START + 3) for c in "ZNE"),
    )
    (record,) = cut(stream)
    assert record.data.shape == (3, 500)
    assert np.isfinite(record.data).all()
    assert record.returns == []


def test_a_gap_in_one_component_is_nan_and_its_return_is_silent():
    stream = make_stream(
        make_trace(noise(2000), "HHZ"),
        make_trace(noise(2000), "HHN"),
        make_trace(noise(500), "HHE"),
        make_trace(noise(500), "HHE", START + 15),
    )
    (record,) = cut(stream)
    missing = np.isnan(record.data)
    assert not missing[:2].any()
    assert np.array_equal(np.flatnonzero(missing[2]), np.arange(500, 1500))
    assert record.returns == [1500]
    before, after = records.RETURN_SECONDS
    expected = np.arange(1500 - round(100 * before), 1500 + round(100 * after))
    assert np.array_equal(np.flatnonzero(record.silent()), expected)


def test_a_component_that_begins_later_is_a_return():
    stream = make_stream(
        make_trace(noise(2000), "HHZ"),
        make_trace(noise(2000), "HHN"),
        make_trace(noise(1600), "HHE", START + 4),
    )
    (record,) = cut(stream)
    assert record.start_time == START
    assert record.data.shape == (3, 2000)
    assert record.returns == [400]
    assert np.isnan(record.data[2, :400]).all()
    assert np.isfinite(record.data[2, 400:]).all()


def test_a_component_that_ends_earlier_is_no_return():
    stream = make_stream(make_trace(noise(2000), "HHZ"), make_trace(noise(1600), "HHN"))
    (record,) = cut(stream)
    assert record.returns == []
    assert not record.silent().any()
    assert np.isnan(record.data[2]).all()


def test_strict_records_are_where_all_components_are():
    stream = make_stream(
        make_trace(noise(2000), "HHZ"),
        make_trace(noise(1500), "HHN", START + 3),
        make_trace(noise(500), "HHE"),
        make_trace(noise(500), "HHE", START + 15),
        make_trace(noise(500), "HHZ", station="ZONLY"),
    )
    first, second = cut(stream, strict=True)
    assert (first.start_time, first.data.shape[1]) == (START + 3, 200)
    assert (second.start_time, second.data.shape[1]) == (START + 15, 300)
    for record in (first, second):
        assert np.isfinite(record.data).all()
        assert record.returns == []


def test_strict_records_span_traces_that_follow_each_other():
    stream = make_stream(
        make_trace(noise(300), "HHZ"),
        make_trace(noise(200), "HHZ", START + 3),
        make_trace(noise(500), "HHN"),
        make_trace(noise(100), "HHE"),
        make_trace(noise(400), "HHE", START + 1),
    )
    (record,) = cut(stream, strict=True)
    assert record.data.shape == (3, 500)


@settings(deadline=None)
@given(
    shifts=st.lists(
        st.floats(min_value=-0.49, max_value=0.49), min_size=3, max_size=3
    ).filter(lambda shifts: max(shifts) - min(shifts) < 0.49)
)
def test_start_times_that_differ_by_less_than_a_sample(shifts):
    data = noise(400)
    stream = make_stream(
        *(
            make_trace(data, "HH" + c, START + shift / 100)
            for c, shift in zip("ZNE", shifts, strict=True)
        )
    )
    (record,) = cut(stream)
    assert record.data.shape == (3, 400)
    assert np.array_equal(record.data[0], record.data[1])
    assert np.array_equal(record.data[0], record.data[2])
    assert (record.start_time - START) * 100 == pytest.approx(np.mean(shifts), abs=1e-3)


def test_a_start_time_between_samples_is_kept():
    stream = make_stream(
        *(make_trace(noise(100), "HH" + c, START + 0.998393) for c in "ZNE")
    )
    (record,) = cut(stream)
    assert record.start_time == START + 0.998393


def test_times_of_each_record_follow_its_own_rate():
    """Digitizers report rates such as 99.9998 Hz, which adds up over a day."""
    stream = make_stream(
        *(make_trace(noise(300), "HH" + c, rate=100.0) for c in "ZNE"),
        *(make_trace(noise(300), "HH" + c, START + 60, rate=99.95) for c in "ZNE"),
    )
    first, second = cut(stream)
    assert first.sampling_rate == 100.0
    assert second.sampling_rate == 99.95
    assert abs(second.start_time - (START + 60)) < 1e-6


def test_instruments_that_follow_each_other_are_not_mixed_in_one_record():
    stream = make_stream(
        *(make_trace(noise(300), "HH" + c) for c in "ZNE"),
        *(make_trace(1e6 * noise(300), "BH" + c, START + 3) for c in "ZNE"),
    )
    records.select_instruments(stream)
    assert [record.data.shape[1] for record in cut(stream)] == [300, 300]


def test_records_are_sorted_by_station_and_time():
    stream = make_stream(
        make_trace(noise(50), station="B", start=START + 100),
        make_trace(noise(50), station="B"),
        make_trace(noise(50), station="A", start=START + 50, location="10"),
        make_trace(noise(50), station="A", start=START + 60, location="00"),
    )
    found = [(record.trace_id, record.start_time - START) for record in cut(stream)]
    assert found == [("XX.A.00", 60), ("XX.A.10", 50), ("XX.B.", 0), ("XX.B.", 100)]


def test_channels_that_are_no_component_are_left_out():
    stream = make_stream(make_trace(noise(50), "LOG"), make_trace(noise(50), ""))
    assert cut(stream) == []
    assert cut(obspy.Stream()) == []


@pytest.mark.parametrize("n_samples", [1, 2])
def test_the_shortest_records(n_samples):
    stream = make_stream(*(make_trace(np.arange(n_samples), "HH" + c) for c in "ZNE"))
    (record,) = cut(stream)
    assert record.data.shape == (3, n_samples)
    assert len(record.silent()) == n_samples


# Dead stretches


@pytest.mark.parametrize("value", [0.0, 3.0, -1e6])
def test_a_dead_stretch_is_nan_and_its_return_is_silent(value):
    data = {c: 100 * noise(2000, seed) for seed, c in enumerate("ZNE")}
    data["N"][500:1200] = value
    (record,) = cut(make_stream(*(make_trace(data[c], "HH" + c) for c in "ZNE")))
    missing = np.isnan(record.data)
    assert np.array_equal(np.flatnonzero(missing[1]), np.arange(500, 1200))
    assert not missing[[0, 2]].any()
    assert record.returns == [1200]


def test_the_mean_is_taken_where_the_component_lives():
    data = 5000 + noise(2000)
    data[500:1200] = 0
    (record,) = cut(make_stream(make_trace(data)))
    assert abs(np.nanmean(record.data[0])) < 1e-6
    assert np.nanmax(np.abs(record.data[0])) == 1


def test_what_is_dead_in_all_components_is_silent():
    stream = make_stream(*(make_trace(100 * noise(2000), "HH" + c) for c in "ZNE"))
    for trace in stream:
        trace.data[500:1200] = 7
    (record,) = cut(stream)
    assert record.silent()[500:1200].all()
    assert not record.silent()[:450].any()
    assert not record.silent()[1300:].any()


def test_equal_samples_for_less_than_the_limit_are_alive():
    n = round(100 * records.DEAD_SECONDS)
    for length, dead in ((n - 1, False), (n, True)):
        data = 100 * noise(1000)
        data[300 : 300 + length] = 55.5
        (record,) = cut(make_stream(make_trace(data)))
        assert np.isnan(record.data[0]).any() == dead


@pytest.mark.parametrize("place", ["begin", "end", "everything"])
def test_dead_stretches_at_the_ends(place):
    data = 100 * noise(1000)
    dead = {
        "begin": slice(0, 300),
        "end": slice(700, 1000),
        "everything": slice(0, 1000),
    }[place]
    data[dead] = 4
    (record,) = cut(make_stream(make_trace(data)))
    assert np.array_equal(
        np.flatnonzero(np.isnan(record.data[0])), np.arange(1000)[dead]
    )
    assert record.returns == ([300] if place == "begin" else [])


@pytest.mark.parametrize("offset", [0, 5000, -(2**23)])
@pytest.mark.parametrize("unit", [1.0, 1e-9, 1e-12, 3e-7, 1e12])
@pytest.mark.parametrize("step", [1, 2, 5, 10])
def test_a_quiet_coarse_digitizer_does_not_return_with_a_jump(offset, unit, step):
    counts = np.zeros(1000)
    counts[300:] += np.tile([1, 0], 350)
    counts[250:300] = np.tile([0, 1], 25)
    counts[400:600] = 0
    counts[600:700] = step
    (record,) = cut(make_stream(make_trace((counts + offset) * unit)))
    assert np.isnan(record.data[0, 410:590]).all()
    assert record.returns == []


@pytest.mark.parametrize("unit", [1.0, 1e-9, 1e12])
def test_a_large_step_out_of_a_dead_stretch_is_a_jump(unit):
    counts = np.tile([0, 1], 500).astype(float)
    counts[400:600] = 0
    counts[600:700] += 11 * 2
    (record,) = cut(make_stream(make_trace(counts * unit)))
    assert record.returns == [600]


def test_an_all_zero_record_is_silent_without_nan_warnings(recwarn):
    stream = make_stream(*(make_trace(np.zeros(500), "HH" + c) for c in "ZNE"))
    (record,) = cut(stream)
    assert np.isnan(record.data).all()
    assert record.silent().all()
    assert record.returns == []
    assert not [w for w in recwarn if issubclass(w.category, RuntimeWarning)]


def test_a_missing_component_gives_no_warnings_of_numpy(recwarn):
    (record,) = cut(make_stream(make_trace(noise(500))))
    assert np.isnan(record.data[1:]).all()
    assert not [w for w in recwarn if issubclass(w.category, RuntimeWarning)]


# Offsets and units


def test_a_huge_offset_does_not_hide_the_signal():
    signal = noise(3000)
    (record,) = cut(make_stream(make_trace(signal + 1e9)))
    expected = (signal - signal.mean()) / np.abs(signal - signal.mean()).max()
    assert np.allclose(record.data[0], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("unit", [1e-15, 1e-30, 1e30])
def test_the_unit_does_not_matter(unit):
    data = [noise(1000, seed) for seed in range(3)]
    results = []
    for scale in (1, unit):
        stream = make_stream(
            *(make_trace(x * scale, "HH" + c) for x, c in zip(data, "ZNE", strict=True))
        )
        (record,) = cut(stream)
        results.append(record.data)
    assert np.allclose(results[0], results[1], rtol=0, atol=1e-6)
    assert np.abs(results[1]).max() == 1


def test_integers_of_24_bit_keep_their_last_bit():
    data = np.tile(np.array([0, 1], dtype=np.int32), 500) + 2**23 - 2
    (record,) = cut(make_stream(make_trace(data)))
    assert set(record.data[0].tolist()) == {-1.0, 1.0}


def test_ratios_between_components_are_kept():
    data = noise(500)
    stream = make_stream(
        make_trace(data, "HHZ"), make_trace(data / 8, "HHN"), make_trace(data, "HHE")
    )
    (record,) = cut(stream)
    assert np.allclose(record.data[0], 8 * record.data[1], rtol=1e-6)
