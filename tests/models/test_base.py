"""annotate and classify: times, gaps, instruments, arguments, modes."""

import asyncio
import inspect
import json
import pickle
import re

import numpy as np
import obspy
import pytest
import seisbench.models as sbm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made import START, make_trace, warnings_of
from torch import nn

from seisbench_diting.models import LPPNM, PICKERS, PhasePicker, load_model

WIDTH = 0.1
RATES = (20, 40, 50, 62.5, 100, 125, 128, 200, 250)


class Amplitude(PhasePicker):
    """P is the cubed amplitude of Z and S that of N and E, if a pulse stands out."""

    length_multiple = 1

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        order = [self.component_order.index(c) for c in "ZNE"]
        x = x[:, order].abs()
        level = x.square().mean(dim=(1, 2), keepdim=True).sqrt()
        x = 0.9 * x**3 * (x.amax(dim=(1, 2), keepdim=True) > 16 * level)
        p, s = x[:, 0], x[:, 1:].amax(dim=1)
        return torch.stack([(1 - p - s).clamp(min=0), p, s], dim=1)


class Cells(Amplitude):
    """The same in cells of eight samples."""

    stride = 8
    regression = True
    length_multiple = 8

    def forward(self, x):
        curves = super().forward(x)
        cells = curves.reshape(*curves.shape[:2], -1, 8)
        offset = cells[:, 1:].amax(dim=1).argmax(dim=-1)
        probabilities = cells.amax(dim=-1)
        probabilities[:, 0] = (1 - probabilities[:, 1:].sum(dim=1)).clamp(min=0)
        return probabilities, offset.to(x.dtype)


class Everywhere(Amplitude):
    """Sees an arrival at every sample."""

    def forward(self, x):
        answer = torch.tensor([0.1, 0.5, 0.4])
        return answer[None, :, None].expand(len(x), 3, x.shape[-1]).clone()


class EverywhereCells(Everywhere):
    """The same in cells of eight samples, at their ends."""

    stride = 8
    regression = True
    length_multiple = 8

    def forward(self, x):
        curves = super().forward(x[..., ::8])
        return curves, torch.full_like(curves[:, 0], 7.75)


MODELS = [Amplitude, Cells]


def make_stream(
    p=(),
    s=(),
    start=START,
    seconds=150.0,
    rate=100.0,
    codes="ZNE",
    station="STA",
    seed=0,
    instrument="HH",
):
    """Gaussian pulses of height 1 on the vertical at the times p and on the others at
    the times s, in seconds after START, on weak noise."""
    rng = np.random.default_rng(seed)
    n_samples = round(seconds * rate)
    t = start - START + np.arange(n_samples) / rate
    stream = obspy.Stream()
    for i, code in enumerate(codes):
        data = 1e-5 * rng.normal(size=n_samples)
        for moment in s if i else p:
            data += np.exp(-(((t - moment) / WIDTH) ** 2))
        stream += make_trace(data, instrument + code, start, rate, station)
    return stream


def scale(stream, factor):
    stream = stream.copy()
    for trace in stream:
        trace.data = trace.data * factor
    return stream


def cut_out(stream, begin, end):
    """The stream without what lies between two times after START."""
    before = stream.copy().trim(endtime=START + begin)
    return before + stream.copy().trim(starttime=START + end)


def picks_of(model, stream, **kwargs):
    return [
        (pick.trace_id, pick.phase, pick.peak_time - START, pick.peak_value)
        for pick in model.classify(stream, **kwargs).picks
    ]


def times_of(model, stream, phase, **kwargs):
    return [time for _, p, time, _ in picks_of(model, stream, **kwargs) if p == phase]


def same_picks(found, expected, tolerance=1e-6):
    assert [pick[:2] for pick in found] == [pick[:2] for pick in expected]
    for one, other in zip(found, expected, strict=True):
        assert one[2] == pytest.approx(other[2], abs=tolerance)
        assert one[3] == pytest.approx(other[3], abs=1e-3)


def curve_of(annotations, label="P"):
    (trace,) = annotations.select(channel=f"*_{label}")
    return trace


def seconds_of(trace):
    return trace.stats.starttime - START + trace.times()


def refined(trace, moment):
    """Time of the maximum of a sampled Gaussian curve near a moment, to a small part
    of a sample."""
    k = round((moment - (trace.stats.starttime - START)) * trace.stats.sampling_rate)
    k += int(np.argmax(trace.data[k - 3 : k + 4])) - 3
    before, peak, after = np.log(trace.data[k - 1 : k + 2].astype(float))
    shift = 0.5 * (before - after) / (before - 2 * peak + after)
    return trace.stats.starttime - START + (k + shift) / trace.stats.sampling_rate


# Pick times


@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize("rate", RATES)
def test_pick_times_at_every_sampling_rate(model_class, rate):
    p, s = [20.2, 61.0, 105.4], [30.6, 73.8, 120.2]
    stream = make_stream(p, s, rate=rate)
    model = model_class()
    assert times_of(model, stream, "P") == pytest.approx(p, abs=0.0051)
    assert times_of(model, stream, "S") == pytest.approx(s, abs=0.0051)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("start", [0.0, 0.998393, 0.123456, 0.005])
def test_curves_lie_where_the_pulses_are_to_a_part_of_a_sample(rate, start):
    p, s = [20.2034, 61.0071], [30.6, 73.8017]
    stream = make_stream(p, s, START + start, seconds=100, rate=rate)
    annotations = Amplitude().annotate(stream)
    for label, moments in (("P", p), ("S", s)):
        curve = curve_of(annotations, label)
        assert curve.stats.sampling_rate == pytest.approx(100)
        for moment in moments:
            assert abs(refined(curve, moment) - moment) < 0.1 * 0.01


@settings(deadline=None, max_examples=15)
@given(
    start=st.integers(min_value=0, max_value=10**7),
    place=st.integers(min_value=500, max_value=6000),
)
def test_start_times_of_any_microsecond(start, place):
    start = start / 1e6
    moment = start + place / 100
    stream = make_stream([moment], [moment + 2], START + start, seconds=70)
    for model in (Amplitude(), Cells()):
        assert times_of(model, stream, "P") == pytest.approx([moment], abs=2e-6)
        assert times_of(model, stream, "S") == pytest.approx([moment + 2], abs=2e-6)


@pytest.mark.parametrize("model_class", MODELS)
def test_times_follow_a_rate_that_is_nearly_that_of_the_model(model_class):
    p = [20.0, 400.0]
    stream = make_stream(p, [30.0], seconds=500, rate=99.95)
    model = model_class()
    assert times_of(model, stream, "P") == pytest.approx(p, abs=0.0051)
    curve = curve_of(model.annotate(stream))
    assert curve.stats.sampling_rate == pytest.approx(99.95 / model.stride, rel=1e-12)


@pytest.mark.parametrize("codes", ["ZNE", "Z12", "Z23", "123"])
@pytest.mark.parametrize("order", ["ZNE", "ENZ", "NZE"])
@pytest.mark.parametrize("model_class", MODELS)
def test_component_names_and_orders(caplog, codes, order, model_class):
    stream = make_stream([20.0], [30.0], seconds=62, codes=codes)
    stream.traces = stream.traces[::-1]
    model = model_class(component_order=order)
    found = [(phase, time) for _, phase, time, _ in picks_of(model, stream)]
    assert found == [("P", pytest.approx(20)), ("S", pytest.approx(30))]
    assert warnings_of(caplog) == []


def test_each_horizontal_goes_to_its_place():
    class North(Amplitude):
        def forward(self, x):
            return super().forward(x[:, [1, 0, 0]])

    for codes in ("ZNE", "Z12", "Z23", "123"):
        stream = make_stream([20.0], seconds=62, codes=codes)
        data = [trace.data for trace in stream]
        stream[0].data, stream[1].data = data[1], data[0]
        assert times_of(North(), stream, "P") == pytest.approx([20.0])


def test_numbered_components_can_be_left_alone(caplog):
    stream = make_stream([20.0], [30.0], seconds=62, codes="Z12")
    found = picks_of(Amplitude(), stream, flexible_horizontal_components=False)
    assert [pick[1] for pick in found] == ["P"]
    assert len(warnings_of(caplog)) == 1


@pytest.mark.parametrize("rate", [50, 62.5, 200])
def test_resampling_with_a_causal_filter_works(rate):
    stream = make_stream([20.0], [30.0], seconds=80, rate=rate)
    found = times_of(Amplitude(), stream, "P", zerophase_resample=False)
    assert found == pytest.approx([20.0], abs=0.1)


# What an annotation covers


@pytest.mark.parametrize("n_samples", [1, 16, 99, 3000, 6143, 6144, 6145, 20_000])
@pytest.mark.parametrize("start", [0.0, 0.998393, 0.03])
@pytest.mark.parametrize("model_class", MODELS)
def test_an_annotation_covers_just_the_record(n_samples, start, model_class):
    stream = make_stream(start=START + start, seconds=n_samples / 100)
    model = model_class()
    annotations = model.annotate(stream)
    # Of cells those that lie in the record as a whole.
    room = (model.stride - 1) / 100 + 1e-6
    for trace in annotations:
        assert trace.stats.sampling_rate == 100 / model.stride
        assert trace.id.startswith("XX.STA..")
        assert -1e-6 <= trace.stats.starttime - (START + start) <= room
        end = trace.stats.endtime + trace.stats.delta
        assert abs(end - (START + start + n_samples / 100)) <= room
        assert np.isfinite(trace.data).all()
    labels = ["N", "P", "S", "off"][: 4 if model.regression else 3]
    if n_samples >= 16:
        found = [trace.stats.channel.partition("_")[2] for trace in annotations]
        assert found == labels


@pytest.mark.parametrize("n_samples", [1, 2, 3, 7, 9])
@pytest.mark.parametrize("rate", [40, 100, 200])
@pytest.mark.parametrize("model_class", [*MODELS, Everywhere, EverywhereCells])
def test_the_shortest_records_do_no_harm(n_samples, rate, model_class):
    stream = make_stream(seconds=n_samples / rate, rate=rate)
    model = model_class()
    for trace in model.annotate(stream):
        assert np.isfinite(trace.data).all()
    model.classify(stream)


@pytest.mark.parametrize("model_class", [Everywhere, EverywhereCells])
@pytest.mark.parametrize("start", [0.0, 0.03, 0.998393])
@pytest.mark.parametrize("n_samples", [101, 3003, 7001])
def test_no_pick_lies_in_the_padding(model_class, start, n_samples):
    stream = make_stream(start=START + start, seconds=n_samples / 100)
    model = model_class()
    annotations = model.annotate(stream)
    # So that every cell has a pick.
    for label in "PS":
        curve = curve_of(annotations, label)
        curve.data = np.where(np.arange(curve.stats.npts) % 2 == 0, 0.9, 0.0)
        curve.data[-1] = 1.0
    picks = model.classify_aggregate(annotations, {"min_separation": 0}).picks
    last = START + start + (n_samples - 1) / 100
    assert min(pick.peak_time for pick in picks) >= START + start
    assert max(pick.peak_time for pick in picks) <= last + 0.01


def test_the_values_of_the_curves():
    stream = make_stream([20.0], [30.0], seconds=61.44)
    annotations = Amplitude().annotate(stream)
    t = seconds_of(curve_of(annotations))
    for label, moment in (("P", 20), ("S", 30)):
        expected = 0.9 * np.exp(-3 * ((t - moment) / WIDTH) ** 2)
        assert np.abs(curve_of(annotations, label).data - expected).max() < 0.02
    assert curve_of(annotations).data.dtype == np.float32


def test_offsets_are_in_samples_and_label_their_class():
    p = [20.03, 30.07, 40.0]
    annotations = Cells().annotate(make_stream(p, seconds=61.44))
    curve, offset = curve_of(annotations), curve_of(annotations, "off")
    assert offset.stats.channel == "Cells_off"
    for moment in p:
        cell = int((moment - (curve.stats.starttime - START)) * 12.5 + 1e-6)
        assert curve.data[cell] == curve.data[cell - 3 : cell + 4].max() > 0.85
        found = seconds_of(curve)[cell] + offset.data[cell] / 100
        assert found == pytest.approx(moment, abs=1e-6)


# Independence of what must not matter


@pytest.mark.parametrize("model_class", MODELS)
def test_the_batch_size_does_not_matter(model_class):
    stream = make_stream([20.0, 61.0, 190.0], [30.0, 193.0], seconds=300)
    stream += make_stream([3.0], [11.0], seconds=20, station="SHORT")
    model = model_class()
    expected = model.annotate(stream)
    expected_picks = picks_of(model, stream)
    assert len(expected_picks) == 7
    for batch_size in (1, 2, 5, 1000):
        annotations = model.annotate(stream, batch_size=batch_size)
        for trace, other in zip(annotations, expected, strict=True):
            assert trace.id == other.id
            assert trace.stats.starttime == other.stats.starttime
            assert np.allclose(trace.data, other.data, rtol=0, atol=1e-6)
        same_picks(picks_of(model, stream, batch_size=batch_size), expected_picks)


@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize("rate", [40, 100])
@pytest.mark.parametrize("unit", [1e-12, 1e-9, 3e-7, 1e12])
def test_the_unit_does_not_matter(model_class, rate, unit):
    stream = make_stream([20.0, 61.0], [30.0, 93.0], seconds=130, rate=rate)
    model = model_class()
    expected = picks_of(model, stream)
    assert len(expected) == 4
    same_picks(picks_of(model, scale(stream, unit)), expected)


@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize("stacking", ["avg", "max", "taper"])
@pytest.mark.parametrize("overlap", [0, 0.25, 0.7, 1, 3000])
def test_stacking_and_overlap_keep_the_times(model_class, stacking, overlap):
    p, s = [20.0, 71.0], [24.0, 75.0]
    stream = make_stream(p, s, seconds=100)
    model = model_class()
    args = {"stacking": stacking, "overlap": overlap}
    assert times_of(model, stream, "P", **args) == pytest.approx(p, abs=1e-6)
    assert times_of(model, stream, "S", **args) == pytest.approx(s, abs=1e-6)


@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize("cut", [0.01, 3.33, 40.27])
def test_a_record_cut_at_another_start_gives_the_same_picks(model_class, cut):
    stream = make_stream([20.0, 131.0, 170.5], [30.0, 138.0, 177.3], seconds=200)
    model = model_class()
    expected = [pick for pick in picks_of(model, stream) if pick[2] > 110]
    assert len(expected) == 4
    found = picks_of(model, stream.copy().trim(starttime=START + cut))
    same_picks([pick for pick in found if pick[2] > 110], expected)


@pytest.mark.parametrize(
    "arguments", [{"overlap": 300}, {"overlap": 0.3, "window_origin": "record"}]
)
def test_windows_can_be_placed_from_the_first_sample(arguments):
    class Position(Amplitude):
        """P is the place in the window."""

        def forward(self, x):
            p = torch.linspace(0, 1, x.shape[-1]).expand(len(x), -1)
            return torch.stack([1 - p, p, torch.zeros_like(p)], dim=1)

    curves = [
        curve_of(
            Position(in_samples=1024).annotate(
                make_stream(seconds=50, start=START + shift), **arguments
            )
        )
        for shift in (0, 1.23, 77.777)
    ]
    for curve in curves:
        assert np.array_equal(curve.data, curves[0].data)


# Gaps and overlaps


@pytest.mark.parametrize("rate", [50, 100, 200])
@pytest.mark.parametrize("component", [0, 1, 2])
def test_the_return_of_a_component_does_not_fire(rate, component):
    stream = make_stream(rate=rate)
    gappy = cut_out(stream[component : component + 1], 50, 80)
    stream = stream[:component] + stream[component + 1 :] + gappy
    for model in (Everywhere(), EverywhereCells()):
        curve = curve_of(model.annotate(stream))
        t = seconds_of(curve)
        silent = (t > 79.6) & (t < 80.2)
        assert (curve.data[silent] == 0).all()
        assert (curve.data[(t < 79) | (t > 81)] == 0.5).all()


@pytest.mark.parametrize("rate", [40, 50, 62.5, 100, 125, 200, 250])
@pytest.mark.parametrize("value", [0.0, 1000.3])
def test_nothing_is_picked_where_all_components_are_constant(rate, value):
    stream = scale(make_stream([20.0], [30.0], rate=rate), 1000)
    for trace in stream:
        trace.data += 500
        trace.data[round(50 * rate) : round(100 * rate)] = value
    for model in (Everywhere(), EverywhereCells()):
        for curve in model.annotate(stream).select(channel="*_P"):
            assert np.isfinite(curve.data).all()
            t = seconds_of(curve)
            assert (curve.data[(t > 51) & (t < 99)] == 0).all()
            assert (curve.data[(t < 49) | (t > 101)] == 0.5).all()


@pytest.mark.parametrize("rate", [40, 50, 62.5, 100, 125, 200, 250])
@pytest.mark.parametrize("value", [0.0, 1000.3])
def test_the_return_of_a_dead_component_does_not_fire(rate, value):
    stream = scale(make_stream(rate=rate), 1e8)
    stream[1].data[round(50 * rate) : round(100 * rate)] = value
    for model in (Everywhere(), EverywhereCells()):
        curve = curve_of(model.annotate(stream))
        t = seconds_of(curve)
        assert (curve.data[(t > 99.7) & (t < 100.1)] == 0).all()
        assert (curve.data[(t < 99) | (t > 101)] == 0.5).all()


@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize("rate", [40, 50, 62.5, 100, 125, 200, 250])
@pytest.mark.parametrize("value", [0.0, 1000.3, 1e-15, 2**23])
def test_constant_records_have_no_picks(model_class, rate, value):
    stream = make_stream(seconds=130, rate=rate)
    for trace in stream:
        trace.data[:] = value
    model = model_class()
    for trace in model.annotate(stream):
        noise = trace.stats.channel.endswith("_N")
        assert (trace.data == (1 if noise else 0)).all()
    assert len(model.classify(stream).picks) == 0


@pytest.mark.parametrize("rate", [50, 62.5, 100, 200])
def test_a_constant_after_a_signal_has_no_picks(rate):
    stream = scale(make_stream([20.0], [30.0], seconds=400, rate=rate), 1000)
    for trace in stream:
        trace.data += 5000
        trace.data[round(60 * rate) :] = 5000.3
    for phase, moment in (("P", 20.0), ("S", 30.0)):
        found = times_of(Amplitude(), stream, phase)
        assert found == pytest.approx([moment], abs=0.0051)


@pytest.mark.parametrize("kind", ["nan", "inf", "mask"])
@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize("rate", [50, 100])
def test_missing_samples_are_gaps(kind, model_class, rate):
    stream = make_stream([20.0, 101.0], [30.0, 110.0], rate=rate)
    with_gap = cut_out(stream, 50 - 1 / rate, 80)
    for trace in stream:
        bad = slice(round(50 * rate), round(80 * rate))
        if kind == "mask":
            mask = np.zeros(trace.stats.npts, dtype=bool)
            mask[bad] = True
            trace.data = np.ma.masked_array(trace.data, mask=mask)
        else:
            trace.data[bad] = np.nan if kind == "nan" else np.inf
    model = model_class()
    expected = model.annotate(with_gap)
    for trace, other in zip(model.annotate(stream), expected, strict=True):
        assert trace.stats.starttime == other.stats.starttime
        assert np.isfinite(trace.data).all()
        assert np.array_equal(trace.data, other.data)
    assert len(picks_of(model, stream)) == 4


def test_one_missing_sample_in_one_component_stays_small():
    stream = make_stream([20.0, 101.0], [30.0, 110.0])
    expected = picks_of(Amplitude(), stream)
    stream[2].data[6000] = np.nan
    annotations = Amplitude().annotate(stream)
    assert np.isfinite(curve_of(annotations).data).all()
    same_picks(picks_of(Amplitude(), stream), expected)


@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize("first_type", [np.float64, np.float32])
def test_identical_overlaps_are_joined(caplog, model_class, first_type):
    stream = make_stream([20.0, 101.0], [30.0, 110.0])
    for trace in stream:
        trace.data = trace.data.astype(np.float32).astype(np.float64)
    expected = picks_of(model_class(), stream)
    first = stream.copy().trim(endtime=START + 90)
    for trace in first:
        trace.data = trace.data.astype(first_type)
    second = stream.copy().trim(starttime=START + 60)
    found = picks_of(model_class(), second + first)
    same_picks(found, expected)
    assert warnings_of(caplog) == []


@pytest.mark.parametrize("other_type", [np.float64, np.float32, ">f8"])
def test_mismatching_overlaps_are_dropped(caplog, other_type):
    stream = make_stream([20.0, 101.0], [30.0, 110.0])
    first = stream.copy().trim(endtime=START + 90)
    second = make_stream([75.0], [80.0], START + 60, seconds=90, seed=1)
    for trace in second:
        trace.data = trace.data.astype(other_type)
    assert picks_of(Amplitude(), first + second) == []
    assert len(warnings_of(caplog)) == 1
    assert "did not agree" in warnings_of(caplog)[0]


def test_mismatching_overlaps_of_other_rates_are_dropped(caplog):
    first = make_stream([20.0], [30.0], seconds=90)
    second = make_stream([75.0], [80.0], START + 60, seconds=90, rate=50, seed=1)
    assert picks_of(Amplitude(), first + second) == []
    assert len(warnings_of(caplog)) == 1


def test_mismatching_overlaps_of_one_component_leave_the_others(caplog):
    stream = make_stream([20.0, 101.0], [30.0, 110.0])
    other = make_stream([75.0], [80.0], START + 60, seconds=90, seed=1)
    found = picks_of(Amplitude(), stream + other[:1])
    assert [pick[1] for pick in found] == ["S", "S"]


# Stations, instruments, components


@pytest.mark.parametrize("model_class", MODELS)
def test_several_stations_are_independent_of_each_other(model_class):
    streams = [
        make_stream([20.0], [30.0], seconds=100, station="A"),
        make_stream([21.0], [31.0], seconds=70, station="B", rate=50, codes="123"),
        make_stream([20.0], [33.0], START + 0.5, seconds=80, station="C", rate=125),
    ]
    model = model_class()
    apart = [pick for stream in streams for pick in picks_of(model, stream)]
    together = streams[2] + streams[0] + streams[1]
    found = picks_of(model, together)
    assert len(found) == 6
    same_picks(sorted(found), sorted(apart))
    assert [pick[2] for pick in found] == sorted(pick[2] for pick in found)


@pytest.mark.parametrize("rates", [(100, 100), (100, 200), (50, 100)])
def test_several_instruments_are_not_mixed(caplog, rates):
    stream = make_stream([20.0], [30.0], seconds=62, rate=rates[0])
    expected = picks_of(Amplitude(), stream)
    stream += make_stream([40.0], [50.0], seconds=62, rate=rates[1], instrument="HN")
    model = Amplitude()
    same_picks(picks_of(model, stream), expected)
    assert len(warnings_of(caplog)) == 1


def test_instruments_one_after_the_other_are_picked_by_themselves():
    stream = make_stream([20.0], [30.0], seconds=70)
    after = make_stream([100.0], [110.0], START + 70, seconds=70, instrument="BH")
    stream += scale(after, 1e-6)
    found = [(phase, time) for _, phase, time, _ in picks_of(Amplitude(), stream)]
    expected = [("P", 20), ("S", 30), ("P", 100), ("S", 110)]
    assert found == [(phase, pytest.approx(time)) for phase, time in expected]
    assert len(Amplitude().annotate(stream).select(channel="*_P")) == 2


@pytest.mark.parametrize("codes", ["ZN", "ZE", "Z1", "Z2", "Z3", "Z"])
@pytest.mark.parametrize("model_class", MODELS)
def test_missing_horizontals_warn_once(caplog, codes, model_class):
    stream = make_stream([20.0], [30.0], seconds=62, codes=codes)
    model = model_class()
    for call in (1, 2):
        assert times_of(model, stream, "P") == pytest.approx([20.0], abs=1e-6)
        # Once in a call.
        assert len(warnings_of(caplog)) == call
    assert "XX.STA." in warnings_of(caplog)[0]
    found = times_of(model, stream, "S")
    assert found == pytest.approx([30.0] if len(codes) > 1 else [], abs=1e-6)


def test_each_station_warns_by_itself(caplog):
    stream = make_stream([20.0], seconds=62, codes="Z", station="A")
    stream += make_stream([20.0], seconds=62, codes="Z", station="B")
    stream += make_stream([20.0], seconds=62, station="C")
    Amplitude().classify(stream)
    messages = warnings_of(caplog)
    assert [sum(f"XX.{s}." in message for message in messages) for s in "ABC"] == [
        1,
        1,
        0,
    ]


def test_strict_leaves_out_what_is_incomplete(caplog):
    stream = make_stream([20.0, 101.0], [30.0, 110.0])
    stream[2].trim(starttime=START + 60)
    model = Amplitude()
    found = picks_of(model, stream, strict=True)
    assert [(pick[1], round(pick[2], 6)) for pick in found] == [("P", 101), ("S", 110)]
    curve = curve_of(model.annotate(stream, strict=True))
    assert curve.stats.starttime == START + 60
    assert len(picks_of(model, stream)) == 4

    assert warnings_of(caplog) == []
    assert picks_of(model, stream[:2], strict=True) == []
    assert len(warnings_of(caplog)) == 1


def test_normalization_of_each_component_by_itself():
    stream = make_stream([20.0], [30.0], seconds=62)
    for trace in stream[1:]:
        trace.data *= 0.1
    model = Amplitude()
    assert [pick[1] for pick in picks_of(model, stream)] == ["P"]
    found = picks_of(model, stream, norm_amp_per_comp=True)
    assert [pick[1] for pick in found] == ["P", "S"]


# Arguments


def test_an_empty_stream():
    model = Amplitude()
    assert len(model.annotate(obspy.Stream())) == 0
    output = model.classify(obspy.Stream())
    assert len(output.picks) == 0
    no_samples = obspy.Stream([make_trace(np.array([]))])
    assert len(model.annotate(no_samples)) == 0


@pytest.mark.parametrize("method", ["annotate", "classify"])
@pytest.mark.parametrize("value", [make_trace(np.zeros(100)), np.zeros(100), None, []])
def test_what_is_no_stream_is_refused(method, value):
    with pytest.raises(TypeError, match=rf"obspy\.Stream.*{type(value).__name__}"):
        getattr(Amplitude(), method)(value)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *(("overlap", value) for value in (-0.1, 6144, "half", np.nan, None)),
        *(("stacking", value) for value in ("mean", None)),
        ("window_origin", "start"),
        *(("batch_size", value) for value in (0, 2.5, "many")),
        *(("min_separation", value) for value in (-1, np.nan)),
        *(("blinding", value) for value in (5, (-1, 0), (3072, 3072), (0.5, 0))),
        *(("P_threshold", value) for value in (1.1, np.nan, "low", None)),
        ("*_threshold", 2),
    ],
)
@pytest.mark.parametrize("method", ["annotate", "classify"])
def test_impossible_arguments_are_refused(argument, value, method):
    stream = make_stream(seconds=20)
    with pytest.raises(ValueError, match=re.escape(f"{argument}=")):
        getattr(Amplitude(), method)(stream, **{argument: value})


@pytest.mark.parametrize("method", ["annotate", "classify"])
def test_unknown_arguments_warn(caplog, method):
    stream = make_stream([3.0], [5.0], seconds=10)
    model = Amplitude()
    getattr(model, method)(stream, overlpa=0.3)
    assert len(warnings_of(caplog)) == 1
    assert "overlpa" in warnings_of(caplog)[0]


@pytest.mark.parametrize("method", ["annotate", "classify"])
def test_the_input_is_left_alone(method):
    stream = make_stream([20.0], [30.0], seconds=70, rate=50, codes="Z12")
    stream += make_stream([20.0], seconds=70, instrument="HN")
    mask = np.zeros(stream[1].stats.npts, dtype=bool)
    mask[100:200] = True
    stream[1].data = np.ma.masked_array(stream[1].data, mask=mask)
    stream[2].data[300:310] = np.nan
    stream[0].data = np.round(1e6 * stream[0].data).astype(np.int32)
    before = pickle.dumps(stream)
    getattr(Amplitude(), method)(stream)
    assert pickle.dumps(stream) == before


@pytest.mark.parametrize("model_class", MODELS)
def test_without_a_copy_the_result_is_the_same(model_class):
    stream = make_stream([20.0], [30.0], seconds=70, rate=50, codes="Z12")
    model = model_class()
    expected = picks_of(model, stream)
    same_picks(picks_of(model, stream, copy=False), expected)


def test_default_arguments_are_used_and_can_be_overridden():
    stream = make_stream([20.0], [30.0], seconds=62)
    model = Amplitude(default_args={"P_threshold": 0.95})
    assert [pick[1] for pick in picks_of(model, stream)] == ["S"]
    found = picks_of(model, stream, P_threshold=0.5)
    assert [pick[1] for pick in found] == ["P", "S"]
    assert model.default_args == {"P_threshold": 0.95}


class Regional(Amplitude):
    """Pg and Sg at the first maximum, half as probable Pn and Sn at the same time."""

    def forward(self, x):
        n, p, s = super().forward(x).unbind(1)
        return torch.stack([n, p, s, p / 2, s / 2], dim=1)


@pytest.mark.parametrize(
    ("thresholds", "expected"),
    [
        ({}, ["Pg", "Pn", "Sg", "Sn"]),
        ({"P_threshold": 0.6}, ["Pg", "Sg", "Sn"]),
        ({"P_threshold": 0.95}, ["Sg", "Sn"]),
        ({"P_threshold": 0.6, "Pn_threshold": 0.2}, ["Pg", "Pn", "Sg", "Sn"]),
        ({"Pn_threshold": 0.6, "S_threshold": 0.95}, ["Pg"]),
        ({"*_threshold": 0.6, "Sn_threshold": 0.2}, ["Pg", "Sg", "Sn"]),
    ],
)
def test_a_threshold_serves_all_phases_of_its_kind(thresholds, expected):
    stream = make_stream([20.0], [30.0], seconds=62)
    model = Regional(phases=["N", "Pg", "Sg", "Pn", "Sn"])
    found = picks_of(model, stream, **thresholds)
    assert sorted(pick[1] for pick in found) == expected


@pytest.mark.parametrize("model_class", MODELS)
def test_of_close_picks_the_more_probable_stays(model_class):
    stream = make_stream([20.0, 20.6, 40.0], seconds=62)
    t = np.arange(stream[0].stats.npts) / 100
    stream[0].data *= np.where(t < 20.3, 0.85, 1)
    model = model_class()
    every = times_of(model, stream, "P", min_separation=0.5)
    assert every == pytest.approx([20.0, 20.6, 40.0], abs=1e-6)
    assert times_of(model, stream, "P") == pytest.approx([20.6, 40.0], abs=1e-6)
    found = times_of(model, stream, "P", min_separation=60)
    assert len(found) == 1


def test_p_does_not_suppress_s():
    stream = make_stream([20.0], [20.3], seconds=62)
    assert [pick[1] for pick in picks_of(Amplitude(), stream)] == ["P", "S"]


@pytest.mark.parametrize("model_class", MODELS)
def test_blinded_samples_have_no_prediction(model_class):
    model = model_class()
    stream = make_stream([2.0, 30.0, 98.0], seconds=100)
    blinding = (400 // model.stride, 400 // model.stride)
    found = times_of(model, stream, "P", blinding=blinding)
    assert found == pytest.approx([30.0], abs=1e-6)
    curve = curve_of(model.annotate(stream, blinding=blinding))
    assert curve.stats.starttime - START == pytest.approx(4, abs=0.1)
    assert curve.stats.endtime - START == pytest.approx(96, abs=0.1)


def test_blinding_a_dead_start_leaves_no_nan_in_the_annotation():
    stream = make_stream([30.0], seconds=61.44)
    for trace in stream:
        trace.data[:150] = 0
    curve = curve_of(Everywhere().annotate(stream, blinding=(400, 400)))
    assert np.isfinite(curve.data).all()


def test_traces_of_other_calibration_are_taken():
    stream = make_stream([20.0, 101.0], [30.0, 110.0])
    later = stream.copy().trim(starttime=START + 80)
    for trace in later:
        trace.stats.calib = 2.0
    stream.trim(endtime=START + 70)
    found = times_of(Amplitude(), stream + later, "P")
    assert found == pytest.approx([20.0, 101.0], abs=1e-6)


# Modes, threads and event loops


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_of_the_model_stays(training):
    modes = []

    class Watched(Amplitude):
        def forward(self, x):
            modes.append((self.training, torch.is_grad_enabled()))
            return super().forward(x)

    model = Watched()
    model.train(training)
    model.classify(make_stream([3.0], seconds=10), backend="torch")
    assert modes == [(False, False)]
    assert model.training == training
    assert torch.is_grad_enabled()


def test_asynchronous_calls_run_side_by_side_with_arguments():
    streams = [make_stream([20.0 + k], [30.0], seconds=62) for k in range(3)]
    model = Amplitude()

    async def main():
        # The others work inside of an event loop, too.
        assert model.classify(streams[0]).picks
        calls = (model.classify_async(one, S_threshold=0.95) for one in streams)
        return await model.annotate_async(streams[0]), await asyncio.gather(*calls)

    annotations, outputs = asyncio.run(main())
    expected = model.annotate(streams[0])
    assert [trace.id for trace in annotations] == [trace.id for trace in expected]
    for k, output in enumerate(outputs):
        (pick,) = output.picks
        assert pick.peak_time - START == pytest.approx(20 + k, abs=1e-6)


def test_the_output_names_its_creator():
    output = Amplitude().classify(make_stream([3.0], seconds=10))
    assert output.creator == "Amplitude"
    assert output.picks[0].trace_id == "XX.STA."


# As SeisBench's own models


def test_an_annotation_can_be_written(tmp_path):
    annotations = LPPNM().annotate(make_stream(seconds=70))
    assert [trace.stats.channel for trace in annotations][-1] == "LPPNM_off"
    annotations.write(str(tmp_path / "curves.mseed"), format="MSEED")
    read = obspy.read(str(tmp_path / "curves.mseed"))
    for trace, other in zip(read, annotations, strict=True):
        assert np.array_equal(trace.data, other.data)


@pytest.mark.parametrize("strategy", ["clone", "pad"])
@pytest.mark.parametrize("blinding", [(0, 0), (100, 200)])
@pytest.mark.parametrize("model_class", [Amplitude, Cells, LPPNM])
def test_the_wrapper_for_das(strategy, blinding, model_class):
    model = model_class()
    wrapper = sbm.DASWaveformModelWrapper(model, strategy)
    argdict = {"blinding": blinding, "overlap_samples": 1000}
    patches = wrapper.get_patching_structure((20_000, 2), argdict)
    x = np.stack([make_stream([t], seconds=61.44)[0].data for t in (20.03, 30.07)])
    x = torch.from_numpy(x.T[None].copy())
    with torch.no_grad():
        curves = wrapper.eval()(x, argdict)
    assert set(curves) == {"P", "S"}
    for curve in curves.values():
        assert curve.shape == (1, patches.out_samples, 2)
        assert torch.isfinite(curve).all()
        assert 0 <= curve.min() <= curve.max() <= 1
    if model_class is not LPPNM and strategy == "pad":
        samples = curves["P"][0].argmax(dim=0) + blinding[0]
        assert samples.tolist() == [2003, 3007]


@pytest.mark.parametrize("model_class", MODELS)
def test_arguments_may_be_arrays(model_class):
    stream = make_stream([30.0], seconds=61.44)
    model = model_class()
    expected = model.annotate(stream, blinding=(10, 10), overlap=0.5)
    given = {"blinding": np.array([10, 10]), "overlap": np.float32(0.5)}
    for trace, other in zip(model.annotate(stream, **given), expected, strict=True):
        assert np.array_equal(trace.data, other.data)


def test_the_constructor_takes_what_seisbenchs_take():
    model = LPPNM(phases=None, component_order=None, in_samples=np.int64(1024))
    assert list(model.labels) == ["N", "P", "S"]
    assert model.component_order == "ZNE"
    json.dumps(model.get_model_args())


@pytest.mark.parametrize("name", PICKERS)
def test_help(name):
    cls = getattr(sbm, name)
    parameters = inspect.signature(cls).parameters
    for known in ("in_samples", "phases", "sampling_rate", "component_order"):
        assert known in parameters
        assert f":param {known}:" in cls.__doc__
    assert cls.__doc__.startswith(name[:4])
    for argument in cls._annotate_args:
        assert f"- ``{argument}`` (" in cls.__doc__
    assert len(cls.__doc__.splitlines()) < 50


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("LPPMM", "'LPPNM'"),
        ("phasenett/stead", "'PhaseNet'"),
        ("LPPNM/distiled", "'distilled'"),
        ("PhaseNet", "PhaseNet/NAME"),
    ],
)
def test_misspelt_models_get_a_suggestion(name, words):
    with pytest.raises(ValueError, match=words):
        load_model(name)
