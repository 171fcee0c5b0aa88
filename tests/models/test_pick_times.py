"""Where picks and curves lie in time, and what must not change that."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import RATES, START, at, make_stream, same_picks, scale, seconds_of

from seisbench_diting.models import cut_records


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("start", [0.0, 0.998393, 0.005])
def test_picks_and_curves_lie_on_the_pulses_at_every_rate(model, rate, start):
    p, s = [20.2034, 61.0071], [30.6, 73.8017]
    stream = make_stream(p, s, START + start, seconds=100, rate=rate)
    found = model.times(stream)
    assert found == (at(*p, within=0.0051), at(*s, within=0.0051))
    assert model.times(stream, zerophase_resample=False)[0] == at(*p, within=0.1)
    if not model.regression:
        for label, moments in (("P", p), ("S", s)):
            curve = model.curve(stream, label)
            t = seconds_of(curve)
            expected = [0.9 * np.exp(-3 * ((t - x) / 0.1) ** 2) for x in moments]
            # To a tenth of a sample, where the curve is steepest.
            assert np.abs(curve.data - sum(expected)).max() < 0.02


@settings(deadline=None)
@given(st.lists(st.floats(-0.24, 0.24), min_size=3, max_size=3))
def test_components_may_start_a_part_of_a_sample_apart(shifts):
    stream = make_stream(seconds=4)
    for trace, shift in zip(stream, shifts, strict=True):
        trace.data = stream[0].data
        trace.stats.starttime += shift / 100
    (record,) = cut_records(stream, "ZNE", False)
    assert record.data.shape == (3, 400)
    assert (record.data == record.data[0]).all()
    assert (record.start_time - START) * 100 == pytest.approx(np.mean(shifts), abs=1e-3)


def test_times_follow_the_rate_of_each_record(model):
    """Digitizers report rates such as 99.9998 Hz, which adds up over a day."""
    stream = make_stream([20.0, 400.0], seconds=420, rate=99.95)
    stream += make_stream([620.0], start=START + 600)
    assert model.times(stream)[0] == at(20, 400, 620, within=0.0051)
    rates = [trace.stats.sampling_rate for trace in model.annotate(stream)[::-1]]
    assert rates[0] == 100 / model.stride
    assert rates[-1] == pytest.approx(99.95 / model.stride, rel=1e-12)


@pytest.mark.parametrize("stacking", ["avg", "max", "taper"])
@pytest.mark.parametrize("overlap", [0, 0.25, 0.7, 1, 3000])
def test_stacking_and_overlap_keep_the_times(model, stacking, overlap):
    stream = make_stream([20.0, 71.0], [24.0, 75.0], seconds=100)
    times = model.times(stream, stacking=stacking, overlap=overlap)
    assert times == (at(20, 71), at(24, 75))


@pytest.mark.parametrize("rate", [40, 100])
@pytest.mark.parametrize(
    ("unit", "offset"), [(1e-12, 0), (3e-7, 0), (1e12, 0), (1.0, 1e9), (1e6, -(2**31))]
)
def test_neither_unit_nor_offset_matters(model, rate, unit, offset):
    stream = make_stream([20.0, 61.0], [30.0, 93.0], seconds=100, rate=rate)
    expected = model.picks(stream)
    assert len(expected) == 4
    same_picks(model.picks(scale(stream, unit, offset)), expected)


def test_the_batch_size_does_not_matter(model):
    stream = make_stream([20.0, 61.0, 190.0], [30.0, 193.0], seconds=300)
    stream += make_stream([3.0], [11.0], seconds=20, station="SHORT")
    expected, picks = model.annotate(stream), model.picks(stream)
    assert len(picks) == 7
    for batch_size in (1, 2, 5, 1000):
        annotations = model.annotate(stream, batch_size=batch_size)
        for trace, other in zip(annotations, expected, strict=True):
            assert trace.stats == other.stats
            assert np.allclose(trace.data, other.data, rtol=0, atol=1e-6)
        same_picks(model.picks(stream, batch_size=batch_size), picks)


@pytest.mark.parametrize("cut", [0.01, 3.33, 40.27])
def test_a_record_cut_at_another_start_gives_the_same_picks(model, cut):
    stream = make_stream([20.0, 131.0, 170.5], [30.0, 138.0, 177.3], seconds=200)
    expected = [pick for pick in model.picks(stream) if pick[2] > 110]
    assert len(expected) == 4
    found = model.picks(stream.copy().trim(starttime=START + cut))
    same_picks([pick for pick in found if pick[2] > 110], expected)


# What an annotation covers


@pytest.mark.parametrize("n_samples", [1, 7, 16, 99, 3000, 6143, 6144, 6145, 20_000])
@pytest.mark.parametrize("start", [0.0, 0.998393])
def test_an_annotation_covers_just_the_record(model, n_samples, start):
    stream = make_stream(start=START + start, seconds=n_samples / 100)
    annotations = model.annotate(stream)
    if n_samples < model.stride and not annotations:
        return
    channels = [trace.stats.channel.partition("_")[2] for trace in annotations]
    assert channels == ["N", "P", "S", "off"][: 4 if model.regression else 3]
    # Of cells those that lie in the record as a whole.
    room = (model.stride - 1) / 100 + 1e-6
    for trace in annotations:
        assert trace.stats.sampling_rate == 100 / model.stride
        assert trace.id.startswith("XX.STA..")
        assert -1e-6 <= trace.stats.starttime - (START + start) <= room
        end = trace.stats.endtime + trace.stats.delta
        assert abs(end - (START + start + n_samples / 100)) <= room
        assert np.isfinite(trace.data).all()
