"""Waveforms of one station: what pictures show, and that they are whole or absent."""

import itertools

import numpy as np
import obspy
import pandas as pd
import pytest
import seisbench.util as sbu

from seisbench_diting.plots import (
    plot_picks,
    plot_record,
    plot_station,
    plot_window,
    save_figure,
)


@pytest.fixture
def demo(example):
    start = example[0].stats.starttime
    curve = example[0].copy()
    curve.stats.channel = "LPPNM_P"
    curve.data = curve.data * 0 + 0.5
    pick = sbu.Pick("BW.RJOB.", start + 4, start + 5, start + 4.7, 0.98, "P")
    return example, [pick], obspy.Stream([curve])


def test_a_panel_for_each_component_and_one_for_the_curves(demo):
    figure = plot_picks(*demo, title="Title")

    assert [axes.get_ylabel() for axes in figure.axes] == [
        "BW.RJOB..EHZ",
        "BW.RJOB..EHN",
        "BW.RJOB..EHE",
        "Probability",
    ]
    for axes in figure.axes:
        assert 4.7 in [line.get_xdata()[0] for line in axes.lines]
    assert figure.axes[0].texts[0].get_text() == "P 0.98"
    # It stands above the axes, where a clipped one would not be drawn.
    assert not figure.axes[0].texts[0].get_annotation_clip()


def test_a_table_of_picks_without_curves(demo):
    stream, picks, _ = demo
    other = stream[:1].copy()
    other[0].stats.station = "OTHER"
    table = pd.DataFrame(
        {
            "station_id": ["BW.RJOB."],
            "phase": ["P"],
            "time": [pd.Timestamp(picks[0].peak_time.datetime, tz="UTC")],
            "probability": [0.98],
        }
    )

    figure = plot_picks(stream + other, table)

    assert len(figure.axes) == 4
    marked = [axes for axes in figure.axes if len(axes.lines) == 2]
    assert {axes.get_ylabel().split(".")[1] for axes in marked} == {"RJOB"}
    assert len(marked) == 3


def test_picks_of_another_time_are_left_out(demo):
    stream, picks, curves = demo

    figure = plot_picks(stream.slice(endtime=picks[0].peak_time - 1), picks, curves)

    assert list(figure.axes[0].texts) == []
    assert len(figure.axes[0].lines) == 1


def test_an_empty_stream_can_not_be_drawn():
    with pytest.raises(ValueError, match="stream is empty"):
        plot_picks(obspy.Stream(), [])


def test_gaps_and_missing_curves(demo):
    stream = demo[0].copy()
    middle = stream[0].stats.starttime + 15
    stream = stream.slice(endtime=middle) + stream.slice(starttime=middle + 3)

    figure = plot_picks(stream.merge(), [], obspy.Stream())

    assert len(figure.axes) == 4


def test_labels_cover_no_others(demo):
    stream, picks, _ = demo
    begin = pd.Timestamp(picks[0].peak_time.datetime, tz="UTC")
    seconds = [0, 0.3, 0.31, 0.5, 0.6, 2.0]
    table = pd.DataFrame(
        {
            "station_id": "BW.RJOB.",
            "phase": ["P", "S", "P", "S", "P", "S"],
            "time": [begin + pd.Timedelta(seconds=s) for s in seconds],
            "probability": 0.5,
        }
    )

    figure = plot_picks(stream, table)

    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 6
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    # Of very many not all; but each is a line.
    many = pd.concat([table] * 20)
    crowded = plot_picks(stream, many)
    assert len(crowded.axes[0].texts) < 40
    assert len(crowded.axes[0].lines) >= 120


def test_a_failed_save_leaves_nothing(demo, tmp_path):
    figure = plot_picks(*demo)
    with pytest.raises(ValueError, match="not supported"):
        save_figure(figure, tmp_path / "picture.xyz")
    assert list(tmp_path.iterdir()) == []

    save_figure(figure, tmp_path / "picture.png")
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


def test_a_record_with_its_arrivals(rng):
    metadata = {
        "trace_sampling_rate_hz": 50,
        "trace_component_order": "ZNE",
        "trace_p_arrival_sample": 1000.0,
        "trace_s_arrival_sample": np.nan,
        "trace_Sg_arrival_sample": 2000,
        "source_id": "000014",
        "source_magnitude": np.nan,
        "station_code": "0100",
        "path_ep_distance_km": 12.5,
    }
    figure = plot_record(rng.normal(size=(3, 9000)), metadata)

    assert [axes.get_ylabel() for axes in figure.axes] == ["Z", "N", "E"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["P", "Sg"]
    for axes in figure.axes:
        assert [line.get_xdata()[0] for line in axes.lines[1:]] == [20, 40]
    assert "source_id 000014" in figure.get_suptitle()


def test_a_notebook_shows_figures_without_pyplot(example):
    assert plot_picks(example, [])._repr_png_().startswith(b"\x89PNG")


def test_long_traces_keep_their_extremes_and_gaps():
    data = np.random.default_rng(0).standard_normal(86_400)
    data[50_000] = 50
    data[60_000:70_000] = np.nan
    stream = obspy.Stream([obspy.Trace(data, {"sampling_rate": 10.0})])

    seconds, shown = plot_picks(stream, []).axes[0].lines[0].get_data()

    assert len(shown) < 45_000
    assert seconds[np.nanargmax(shown)] == pytest.approx(5000, abs=1)
    assert (np.nanmax(shown), np.nanmin(shown)) == (50, np.nanmin(data))
    assert not ((seconds > 6002) & (seconds < 6998)).any()
    # No line goes across the gap.
    assert np.isnan(shown[np.searchsorted(np.nan_to_num(seconds, nan=6000), 6000)])
    (_, short) = (
        plot_picks(stream.slice(endtime=stream[0].stats.starttime + 90), [])
        .axes[0]
        .lines[0]
        .get_data()
    )
    assert np.array_equal(short[:901], data[:901])


def test_a_window_with_labels_picks_and_curves(rng):
    curves = {"P": np.full(500, 0.5), "S": np.full(500, 0.1)}
    figure = plot_window(
        rng.normal(size=(3, 4000)), 50.0, {"P": 1000}, [("S", 2000)], curves, title="T"
    )

    assert [axes.get_ylabel() for axes in figure.axes] == ["Z", "N", "E", "Probability"]
    for axes in figure.axes[:3]:
        styles = [
            (line.get_xdata()[0], line.get_linestyle()) for line in axes.lines[1:]
        ]
        assert styles == [(20, "--"), (40, "-")]
    assert figure.axes[3].lines[0].get_xdata()[-1] == pytest.approx(79.84)


def test_a_station_of_an_event(picked, tmp_path):
    name = picked.picks["station_id"].iloc[0]
    figure = plot_station(picked, name)
    save_figure(figure, tmp_path / "station.png")

    whole, p, s = (figure.axes[column::3] for column in range(3))
    assert [axes.get_ylabel() for axes in whole] == ["HHZ", "HHE", "Probability"]
    labels = [text.get_text() for text in figure.legends[0].texts]
    assert {"theoretical P", "theoretical S", "P pick", "discarded"} <= set(labels)
    assert whole[0].get_xlim() == (-5, 54.99)
    for column, phase in ((p, "P"), (s, "S")):
        assert column[0].get_title() == f"{phase} 0.90, residual +0.10 s"
        rows = picked.picks[picked.picks["phase"] == phase]
        at = (
            rows.set_index("station_id")["time"][name] - picked.event.time
        ).total_seconds()
        begin, end = column[0].get_xlim()
        assert begin < at < end
        assert at in [line.get_xdata()[0] for line in column[0].lines]
    with pytest.raises(ValueError, match=r"station='XX\.A\.' has no window"):
        plot_station(picked, "XX.A.")


def test_a_station_without_picks_and_arrivals(picked):
    picked.picks = picked.picks[:0]
    picked.candidates = picked.candidates[:0]
    picked.curves = obspy.Stream()
    picked.stations["s_seconds"] = np.nan
    for trace in picked.waveforms:
        trace.data = trace.data * 0
    figure = plot_station(picked, picked.stations["station_id"].iloc[0])

    titles = [axes.get_title() for axes in figure.axes[:3]]
    assert titles[1:] == ["no pick of P", "no theoretical S"]
