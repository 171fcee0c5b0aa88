import numpy as np
import obspy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import START, cut, make_stream, make_trace, noise

from seisbench_diting.models import streams

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
        assert list(record.codes.values()) == ["XX", "STA", ""]
        assert record.start_time == START
        assert record.sampling_rate == 100
        assert record.returns == []
        assert not record.silent().any()


def test_a_gap_in_all_components_makes_two_records():
    stream = make_stream(
        *(make_trace(noise(300), "HH" + c) for c in "ZNE"),
        *(make_trace(noise(200), "HH" + c, START + 5) for c in "ZNE"),
    )
    first, second = cut(stream)
    assert (first.start_time, first.data.shape) == (START, (3, 300))
    assert (second.start_time, second.data.shape) == (START + 5, (3, 200))
    assert first.returns == second.returns == []


@pytest.mark.parametrize("strict", [False, True])
def test_a_single_missing_sample_is_interpolated(strict):
    data = np.sin(np.arange(501) / 10)
    stream = make_stream(
        *(make_trace(data[:300], "HH" + c) for c in "ZNE"),
        *(make_trace(data[301:], "HH" + c, START + 3.01) for c in "ZN"),
        make_trace(data[300:], "HHE", START + 3),
    )
    (record,) = cut(stream, strict=strict)
    assert record.data.shape == (3, 501)
    assert record.returns == []
    for row in record.data[:2]:
        assert row[300] == pytest.approx((row[299] + row[301]) / 2, abs=1e-6)


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
    before, after = streams.RETURN_SECONDS
    expected = np.arange(1500 - round(100 * before), 1500 + round(100 * after))
    assert np.array_equal(np.flatnonzero(record.silent()), expected)


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


def test_records_are_sorted_by_station_and_time():
    stream = make_stream(
        make_trace(noise(50), station="B", start=START + 100),
        make_trace(noise(50), station="B"),
        make_trace(noise(50), station="A", start=START + 50, location="10"),
        make_trace(noise(50), station="A", start=START + 60, location="00"),
    )
    found = [
        (r.codes["station"], r.codes["location"], r.start_time - START)
        for r in cut(stream)
    ]
    assert found == [("A", "00", 60), ("A", "10", 50), ("B", "", 0), ("B", "", 100)]


def test_codes_may_hold_dots():
    (record,) = cut(make_stream(make_trace(noise(50), station="A.1", location="0.0")))
    assert list(record.codes.values()) == ["XX", "A.1", "0.0"]


def test_channels_that_are_no_component_are_left_out():
    stream = make_stream(make_trace(noise(50), "LOG"), make_trace(noise(50), ""))
    assert cut(stream) == []
    assert cut(obspy.Stream()) == []


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
    assert np.isfinite(record.data).any(axis=0).all()
    assert record.returns == []


def test_an_all_zero_record_is_silent_without_nan_warnings(recwarn):
    stream = make_stream(*(make_trace(np.zeros(500), "HH" + c) for c in "ZNE"))
    (record,) = cut(stream)
    assert np.isnan(record.data).all()
    assert record.silent().all()
    assert record.returns == []
    assert not [w for w in recwarn if issubclass(w.category, RuntimeWarning)]


# Offsets and units


def test_a_huge_offset_does_not_hide_the_signal():
    signal = noise(3000)
    (record,) = cut(make_stream(make_trace(signal + 1e9)))
    expected = (signal - signal.mean()) / np.abs(signal - signal.mean()).max()
    assert np.allclose(record.data[0], expected, rtol=0, atol=1e-5)


def test_integers_of_24_bit_keep_their_last_bit():
    data = np.tile(np.array([0, 1], dtype=np.int32), 500) + 2**23 - 2
    (record,) = cut(make_stream(make_trace(data)))
    assert set(record.data[0].tolist()) == {-1.0, 1.0}
