"""Arguments of annotate and classify, their defaults and what is refused."""

import pickle
import re

import numpy as np
import obspy
import pytest
import torch
from made import START, Amplitude, at, make_stream, make_trace


def phases(model, stream, **kwargs):
    return [pick[1] for pick in model.picks(stream, **kwargs)]


def test_an_empty_stream_gives_nothing(amplitude):
    for stream in (obspy.Stream(), obspy.Stream([make_trace(np.array([]))])):
        assert len(amplitude.annotate(stream)) == 0
        assert len(amplitude.classify(stream).picks) == 0


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("overlap", (6144, np.nan, None)),
        ("batch_size", (0, 2.5)),
        ("blinding", (5, (-1, 0), (3072, 3072))),
        ("P_threshold", (1.1, "low")),
        ("*_threshold", (2,)),
    ],
)
def test_impossible_values_are_refused_and_misspelt_arguments_warn(
    amplitude, warned, argument, values
):
    for value in values:
        with pytest.raises(ValueError, match=re.escape(f"{argument}=")):
            amplitude.annotate(make_stream(seconds=20), **{argument: value})
    amplitude.annotate(make_stream(seconds=10), overlpa=0.3)
    assert "overlpa" in warned()[0]


@pytest.mark.parametrize("method", ["annotate", "classify"])
def test_the_input_is_left_alone(amplitude, method):
    stream = make_stream([20.0], [30.0], rate=50, codes="Z12")
    stream += make_stream([20.0], kind="HN")
    stream[0].data = np.round(1e6 * stream[0].data).astype(np.int32)
    stream[1].data = np.ma.masked_less(stream[1].data, 0)
    stream[2].data[300:310] = np.nan
    before = pickle.dumps(stream)
    expected = getattr(amplitude, method)(stream)
    assert pickle.dumps(stream) == before
    # Unless it may be used up, with the same result.
    assert str(getattr(amplitude, method)(stream, copy=False)) == str(expected)


class Regional(Amplitude):
    """Pg and Sg at the first maximum, half as probable Pn and Sn at the same time."""

    def forward(self, x):
        n, p, s = super().forward(x).unbind(1)
        return torch.stack([n, p, s, p / 2, s / 2], dim=1)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, ["Pg", "Pn", "Sg", "Sn"]),
        ({"P_threshold": 0.6}, ["Pg", "Sg", "Sn"]),
        ({"P_threshold": 0.6, "Pn_threshold": 0.2}, ["Pg", "Pn", "Sg", "Sn"]),
        ({"*_threshold": 0.6, "Sn_threshold": 0.2}, ["Pg", "Sg", "Sn"]),
    ],
)
def test_a_threshold_serves_all_phases_of_its_kind(arguments, expected):
    model = Regional(phases=["N", "Pg", "Sg", "Pn", "Sn"])
    stream = make_stream([20.0], [30.0])
    assert sorted(phases(model, stream, **arguments)) == expected


def test_of_close_picks_of_a_phase_the_more_probable_stays(model):
    stream = make_stream([20.0, 20.6, 40.0], [20.9])
    stream[0].data[:2030] *= 0.85
    for separation, expected in ((0.5, at(20, 20.6, 40)), (60, at(40))):
        p, s = model.times(stream, min_separation=separation)
        assert p == expected
        assert s == at(20.9)
    assert model.times(stream)[0] == at(20.6, 40)


def test_blinded_samples_have_no_prediction(model):
    stream = make_stream([2.0, 30.0, 98.0], seconds=100)
    blinding = (400 // model.stride, 400 // model.stride)
    assert model.times(stream, blinding=blinding)[0] == at(30)
    curve = model.curve(stream, blinding=blinding)
    assert curve.stats.starttime - START == pytest.approx(4, abs=0.1)
    assert curve.stats.endtime - START == pytest.approx(96, abs=0.1)
