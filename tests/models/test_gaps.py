"""Gaps, dead components and records of the same time."""

import numpy as np
import pytest
from made import START, at, make_stream, same_picks, scale, seconds_of

RATES = [40, 62.5, 100, 250]


def overwrite(stream, value, begin, end):
    """Sets the samples between two times to a value, which may be "masked"."""
    for trace in stream:
        rate = trace.stats.sampling_rate
        samples = slice(round(begin * rate), round(end * rate))
        if value == "masked":
            trace.data = np.ma.masked_array(trace.data, mask=np.zeros(len(trace)))
            trace.data[samples] = np.ma.masked
        else:
            trace.data[samples] = value


@pytest.mark.parametrize("value", [np.nan, np.inf, "masked"])
@pytest.mark.parametrize("rate", [50, 100])
def test_missing_samples_are_gaps_and_a_single_one_is_bridged(model, rate, value):
    stream = make_stream([20.0, 101.0], [30.0, 110.0], seconds=150, rate=rate)
    with_gap = stream.copy().trim(endtime=START + 50 - 1 / rate)
    with_gap += stream.copy().trim(starttime=START + 80)
    overwrite(stream, value, 50, 80)
    expected = model.annotate(with_gap)
    for trace, other in zip(model.annotate(stream), expected, strict=True):
        assert trace.stats.starttime == other.stats.starttime
        assert np.isfinite(trace.data).all()
        assert np.array_equal(trace.data, other.data)
    assert model.times(stream) == (at(20, 101), at(30, 110))
    whole = make_stream(seconds=150)
    overwrite([whole[2]], value, 60, 60.01)
    assert len(model.annotate(whole, strict=True).select(channel="*_P")) == 1


@pytest.mark.parametrize("value", [1e12, -1e38])
@pytest.mark.parametrize("rate", [50, 100])
def test_absurd_samples_are_missing_and_named(warned, model, rate, value):
    stream = make_stream([20.0, 101.0], [30.0, 110.0], seconds=150, rate=rate)
    expected = model.times(stream)
    overwrite(stream, value, 60, 60 + 1 / rate)
    assert model.times(stream) == expected
    assert [any(t.id in text for text in warned()) for t in stream] == 3 * [True]


@pytest.mark.parametrize("value", [np.nan, 0.0, 1000.3])
@pytest.mark.parametrize("rate", RATES)
def test_the_return_of_a_component_does_not_fire(everywhere, rate, value):
    for component in range(3):
        stream = scale(make_stream(seconds=120, rate=rate), 1e8)
        overwrite([stream[component]], value, 50, 80)
        curve = everywhere.curve(stream)
        t = seconds_of(curve)
        assert (curve.data[(t > 79.7) & (t < 80.1)] == 0).all()
        assert (curve.data[(t < 79) | (t > 81)] == 0.5).all()


@pytest.mark.parametrize("offset", [0, 5000, -(2**23)])
@pytest.mark.parametrize("unit", [1.0, 3e-7, 1e12])
@pytest.mark.parametrize("step", [1, 10])
def test_a_quiet_coarse_digitizer_is_not_dead(everywhere, offset, unit, step):
    counts = np.zeros(1000)
    counts[300:] += np.tile([1, 0], 350)
    counts[250:300] = np.tile([0, 1], 25)
    counts[400:600] = 0
    counts[600:700] = step
    stream = make_stream(seconds=10, codes="Z")
    stream[0].data = (counts + offset) * unit
    assert (everywhere.curve(stream).data == 0.5).all()


@pytest.mark.parametrize("begin_end", [(40, 80), (40, 120), (0, 120)])
@pytest.mark.parametrize("value", [0.0, 1000.3, 1e-15])
@pytest.mark.parametrize("rate", RATES)
def test_nothing_is_picked_where_all_components_are_constant(
    everywhere, rate, value, begin_end
):
    begin, end = begin_end
    stream = scale(make_stream(seconds=120, rate=rate), 1000, 500)
    overwrite(stream, value, begin, end)
    for curve in everywhere.annotate(stream).select(channel="*_P"):
        assert np.isfinite(curve.data).all()
        t = seconds_of(curve)
        assert (curve.data[(t > begin + 1) & (t < end - 1)] == 0).all()
        assert (curve.data[(t < begin - 1) | (t > end + 1)] == 0.5).all()


# Records that overlap


@pytest.mark.parametrize("second_begins", [60, 90.01])
@pytest.mark.parametrize("first_type", [np.float64, np.float32])
def test_records_that_agree_are_joined(warned, model, first_type, second_begins):
    stream = make_stream([20.0, 101.0], [30.0, 110.0], seconds=150)
    for trace in stream:
        trace.data = trace.data.astype(np.float32).astype(np.float64)
    expected = model.picks(stream)
    first = stream.copy().trim(endtime=START + 90)
    for trace in first:
        trace.data = trace.data.astype(first_type)
    second = stream.copy().trim(starttime=START + second_begins)
    assert len(model.annotate(second + first).select(channel="*_P")) == 1
    same_picks(model.picks(second + first), expected)
    assert warned() == []


@pytest.mark.parametrize(
    ("rate", "data_type"),
    [(100, np.float64), (100, np.float32), (100, ">f8"), (50, np.float64)],
)
def test_records_that_do_not_agree_are_dropped(warned, amplitude, rate, data_type):
    first = make_stream([20.0], [30.0], seconds=90)
    second = make_stream([75.0], [80.0], START + 60, seconds=90, rate=rate)
    for trace in second:
        trace.data = trace.data.astype(data_type)
    assert amplitude.picks(first + second) == []
    assert len(warned()) == 1
    # The components that agree are left.
    assert amplitude.times(first + second[:1]) == ([], at(30))
