"""Stations, their instruments and components."""

import numpy as np
import obspy
import pytest
from made import START, at, make_stream, make_trace, noise, same_picks, scale

from seisbench_diting.models import rename_components


def test_stations_and_locations_are_picked_by_themselves(model):
    streams = [
        make_stream([20.0], [30.0], seconds=100, station="A.1"),
        make_stream([24.0], [34.0], kind="BH", station="A.1", place="10"),
        make_stream([21.0], [31.0], seconds=70, station="B", rate=50, codes="123"),
        make_stream([20.0], [33.0], START + 0.5, seconds=80, station="C", rate=125),
    ]
    apart = [pick for stream in streams for pick in model.picks(stream)]
    together = model.picks(streams[3] + streams[0] + streams[2] + streams[1])
    assert {pick[0] for pick in together} == {"XX.A.1.", "XX.A.1.10", "XX.B.", "XX.C."}
    assert [pick[2] for pick in together] == sorted(pick[2] for pick in apart)
    same_picks(sorted(together), sorted(apart))


@pytest.mark.parametrize(
    ("preferred", "other"), [("HH", "HN"), ("BH", "BN"), ("EH", "XX"), ("", "L")]
)
@pytest.mark.parametrize("rates", [(100, 100), (50, 200)])
def test_of_instruments_at_one_time_one_is_used(
    warned, amplitude, preferred, other, rates
):
    stream = make_stream([40.0], [50.0], kind=other, rate=rates[1])
    stream += make_stream([20.0], [30.0], kind=preferred, rate=rates[0])
    # Another one that records later is used, too.
    later = make_stream([110.0], [120.0], START + 70, codes="123", kind="HJ")
    stream += scale(later, 1e-6)
    assert amplitude.times(stream) == (at(20, 110), at(30, 120))
    assert len(amplitude.annotate(stream[3:]).select(channel="*_P")) == 2
    assert len(warned()) == 1
    assert "XX.STA." in warned()[0]


NAMES = "ZNE-ZNE Z12-ZNE Z23-ZNE 123-ZNE Z1-ZN Z2-ZE Z3-ZE 12-NE 23-NE 13-ZE 1-N 2-E 3-E Z-Z"


@pytest.mark.parametrize(
    ("codes", "expected"), [pair.split("-") for pair in NAMES.split()]
)
@pytest.mark.parametrize("reverse", [False, True])
def test_numbered_components_have_names(warned, codes, expected, reverse):
    traces = [make_trace(np.full(3, i), "HH" + code) for i, code in enumerate(codes)]
    stream = obspy.Stream(traces[::-1] if reverse else traces)
    rename_components(stream)
    found = {trace.data[0]: trace.stats.channel for trace in stream}
    assert found == {i: "HH" + code for i, code in enumerate(expected)}
    assert warned() == []


def test_names_of_components_can_be_left_alone_and_two_for_one_warn(warned, amplitude):
    stream = make_stream([20.0], [30.0], codes="Z12")
    found = amplitude.times(stream, flexible_horizontal_components=False)
    assert found == (at(20), [])
    assert len(warned()) == 1
    amplitude.annotate(make_stream(codes="ZNE12", station="BOTH"))
    assert len(warned()) == 2
    assert "XX.BOTH." in warned()[1]


@pytest.mark.parametrize("codes", ["ZN", "ZE", "Z1", "Z2", "Z3", "Z", "X"])
def test_missing_components_warn_at_each_call(warned, model, codes):
    stream = make_stream([20.0], [30.0], codes=codes)
    stream += make_stream(codes="Z", station="OTHER")
    stream += make_stream(station="WHOLE")
    expected = ([] if codes == "X" else at(20), at(30) if len(codes) > 1 else [])
    for call in (1, 2):
        assert model.times(stream) == expected
        messages = " ".join(warned())
        for station, times in (("STA", call), ("OTHER", call), ("WHOLE", 0)):
            assert messages.count(f"XX.{station}.") == times


def test_strict_leaves_out_what_is_incomplete(warned, amplitude):
    stream = make_stream([20.0, 101.0], [30.0, 110.0], seconds=150)
    stream[1].trim(starttime=START + 10)
    stream[2].trim(starttime=START + 60, endtime=START + 140)
    assert amplitude.times(stream) == (at(20, 101), at(30, 110))
    assert amplitude.times(stream, strict=True) == (at(101), at(110))
    curve = amplitude.curve(stream, strict=True)
    assert curve.stats.starttime == START + 60
    assert curve.stats.endtime == START + 140

    assert warned() == []
    assert amplitude.picks(stream[:2], strict=True) == []
    assert len(warned()) == 1


@pytest.mark.parametrize(
    "trace",
    [make_trace(noise(9), ""), make_trace(noise(9) + 1j), make_trace(noise(9), rate=1)],
)
def test_traces_that_no_picker_can_use_are_named_once(warned, amplitude, trace):
    stream = make_stream([20.0], [30.0]) + trace + trace.copy()
    assert amplitude.times(stream) == (at(20), at(30))
    assert len(warned()) == 1
    assert trace.id in warned()[0]
