from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example as case
from hypothesis import given, settings
from hypothesis import strategies as st
from made import RATES, START, make_stream, make_trace, noise, warnings_of

from seisbench_diting.models import streams

# Traces that no picker can use


@pytest.mark.parametrize(
    ("trace", "words"),
    [
        (make_trace(noise(10), ""), "no channel code"),
        (make_trace(noise(10) + 1j), "complex"),
        (make_trace(noise(10), rate=1), "1 Hz are too few"),
    ],
)
def test_unusable_traces_are_dropped_with_one_warning(caplog, trace, words):
    stream = make_stream(make_trace(noise(10), "HHN"), trace, trace.copy())
    streams.drop_unusable(stream, 100)
    assert [trace.stats.channel for trace in stream] == ["HHN"]
    (warning,) = warnings_of(caplog)
    assert words in warning


# Masked and missing samples


def test_split_at_missing_joins_mask_and_nan():
    data = np.arange(12.0)
    data[3] = np.nan
    mask = np.zeros(12, dtype=bool)
    mask[8] = True
    stream = make_stream(make_trace(np.ma.masked_array(data, mask=mask)))
    streams.split_at_missing(stream)
    assert [trace.stats.npts for trace in stream] == [3, 4, 3]


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
    streams.split_at_missing(stream)
    assert [trace.stats.channel for trace in stream] == ["HHN"]


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_split_at_missing_keeps_every_good_sample_at_its_time(bad):
    data = np.arange(float(len(bad)))
    data[bad] = np.nan
    stream = make_stream(make_trace(data))
    streams.split_at_missing(stream)
    kept = {}
    for trace in stream:
        for k, value in enumerate(trace.data):
            kept[round((trace.stats.starttime - START) * 100) + k] = value
    assert kept == {i: float(i) for i, is_bad in enumerate(bad) if not is_bad}


# Several instruments at one station


@pytest.mark.parametrize("codes", [("HH", "HN"), ("BH", "BN"), ("EH", "XX"), ("", "L")])
@pytest.mark.parametrize("reverse", [False, True])
def test_the_preferred_instrument_is_kept_where_several_record(caplog, codes, reverse):
    traces = [make_trace(noise(100), code + c) for code in codes for c in "ZNE"]
    # Another one that begins later stays.
    traces += [make_trace(noise(100), "HJ" + c, START + 10) for c in "ZNE"]
    stream = make_stream(*(traces[::-1] if reverse else traces))
    streams.select_instruments(stream)
    assert {trace.stats.channel[:-1] for trace in stream} == {codes[0], "HJ"}
    (warning,) = warnings_of(caplog)
    assert "XX.STA." in warning


def test_instruments_at_several_locations_and_stations_are_all_kept(caplog):
    stream = make_stream(
        make_trace(noise(50), "HHZ", location="00"),
        make_trace(noise(50), "BHZ", location="10"),
        make_trace(noise(50), "HNZ", station="OTHER"),
    )
    streams.select_instruments(stream)
    assert len(stream) == 3
    assert warnings_of(caplog) == []


# Component codes


NAMES = "ZNE-ZNE Z12-ZNE Z23-ZNE 123-ZNE Z1-ZN Z2-ZE Z3-ZE 12-NE 23-NE 13-ZE 1-N 2-E 3-E Z-Z"


@pytest.mark.parametrize(
    ("codes", "expected"), [pair.split("-") for pair in NAMES.split()]
)
@pytest.mark.parametrize("reverse", [False, True])
def test_components_are_renamed(caplog, codes, expected, reverse):
    traces = [make_trace(np.full(3, i), "HH" + code) for i, code in enumerate(codes)]
    stream = make_stream(*(traces[::-1] if reverse else traces))
    streams.rename_components(stream)
    found = {trace.data[0]: trace.stats.channel for trace in stream}
    assert found == {i: "HH" + code for i, code in enumerate(expected)}
    assert warnings_of(caplog) == []


def test_components_are_renamed_for_each_instrument_by_itself():
    """A borehole sensor with 123 was replaced by another one with ZNE."""
    stream = make_stream(
        *(make_trace(noise(5), "HH" + c) for c in "123"),
        *(make_trace(noise(5), "BH" + c, START + 10) for c in "ZNE"),
    )
    streams.select_instruments(stream)
    streams.rename_components(stream)
    found = [trace.stats.channel for trace in stream]
    assert found == ["HHZ", "HHN", "HHE", "BHZ", "BHN", "BHE"]


def test_letters_and_numbers_at_one_station_warn_once(caplog):
    stream = make_stream(*(make_trace(noise(5), "HH" + c) for c in "ZNE12"))
    streams.rename_components(stream)
    assert len(warnings_of(caplog)) == 1
    assert "XX.STA." in warnings_of(caplog)[0]


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
    streams.warn_about_components(stream, "ZNE", strict)
    messages = warnings_of(caplog)
    assert len(messages) == 1
    assert all(word in messages[0] for word in words)


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
    ratio = streams.resampling_ratio(rate, target)
    assert isinstance(ratio, Fraction)
    assert ratio > 0
    error = abs(rate * float(ratio) / target - 1)
    assert error <= streams.RATE_TOLERANCE * (1 + 1e-9)
    assert max(ratio.numerator, ratio.denominator) <= streams.MAX_RATIO_TERM


@pytest.mark.parametrize("rate", [100.0, 99.9998, 100.05])
def test_traces_of_about_the_target_rate_are_not_touched(rate):
    data = np.arange(50, dtype=np.int32)
    trace = make_trace(data, rate=rate)
    streams.resample_trace(trace, 100)
    assert trace.data is data
    assert trace.stats.sampling_rate == rate


@pytest.mark.parametrize("rate", [*RATES, 80, 333, 500])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.35])
def test_a_sine_below_nyquist_keeps_phase_and_amplitude(rate, share):
    frequency = share * min(rate, 100)
    t = np.arange(int(30 * rate)) / rate
    trace = make_trace(np.sin(2 * np.pi * frequency * t + 0.7), rate=rate)
    streams.resample_trace(trace, 100)
    t = trace.times() + (trace.stats.starttime - START)
    expected = np.sin(2 * np.pi * frequency * t + 0.7)
    inner = (t > 2) & (t < 28)
    assert np.abs(trace.data - expected)[inner].max() < 5e-3


@pytest.mark.parametrize("rate", [125, 200, 250, 500, 1000])
def test_a_sine_above_the_new_nyquist_is_removed(rate):
    frequency = min(70, 0.49 * rate)
    t = np.arange(int(20 * rate)) / rate
    trace = make_trace(np.sin(2 * np.pi * frequency * t), rate=rate)
    streams.resample_trace(trace, 100)
    assert np.abs(trace.data[200:-200]).max() < 0.02


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("target", [50, 100])
def test_the_time_of_a_pulse_is_kept(rate, target):
    moment = 10.0
    t = np.arange(int(20 * rate)) / rate
    trace = make_trace(np.exp(-(((t - moment) / 0.12) ** 2)), rate=rate)
    streams.resample_trace(trace, target)
    t = trace.times() + (trace.stats.starttime - START)
    near = np.abs(t - moment) < 0.6
    centre = np.sum(t[near] * trace.data[near]) / np.sum(trace.data[near])
    assert abs(centre - moment) * target < 0.02
    assert abs(t[np.argmax(trace.data)] - moment) * target < 0.51


@pytest.mark.parametrize("n_samples", [1, 2, 3])
@pytest.mark.parametrize("rate", [40, 62.5, 200])
def test_the_shortest_traces_are_resampled(n_samples, rate):
    trace = make_trace(np.full(n_samples, 7.0), rate=rate)
    streams.resample_trace(trace, 100)
    assert np.isfinite(trace.data).all()
    assert np.abs(trace.data - 7).max() < 1e-9
