"""Pictures: what they show, and that they are whole or absent."""

import itertools

import numpy as np
import obspy
import pandas as pd
import pytest
import seisbench.util as sbu

from seisbench_diting.plots import plot_picks, plot_record, save_figure


@pytest.fixture
def picked(example):
    start = example[0].stats.starttime
    curve = example[0].copy()
    curve.stats.channel = "LPPNM_P"
    curve.data = curve.data * 0 + 0.5
    pick = sbu.Pick("BW.RJOB.", start + 4, start + 5, start + 4.7, 0.98, "P")
    return example, [pick], obspy.Stream([curve])


def test_a_panel_for_each_component_and_one_for_the_curves(picked):
    figure = plot_picks(*picked, title="Title")

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


def test_a_table_of_picks_without_curves(picked):
    stream, picks, _ = picked
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


def test_picks_of_another_time_are_left_out(picked):
    stream, picks, curves = picked

    figure = plot_picks(stream.slice(endtime=picks[0].peak_time - 1), picks, curves)

    assert list(figure.axes[0].texts) == []
    assert len(figure.axes[0].lines) == 1


def test_an_empty_stream_can_not_be_drawn():
    with pytest.raises(ValueError, match="stream holds no traces"):
        plot_picks(obspy.Stream(), [])


def test_gaps_and_missing_curves(picked):
    stream = picked[0].copy()
    middle = stream[0].stats.starttime + 15
    stream = stream.slice(endtime=middle) + stream.slice(starttime=middle + 3)

    figure = plot_picks(stream.merge(), [], obspy.Stream())

    assert len(figure.axes) == 4


def test_labels_cover_no_others(picked):
    stream, picks, _ = picked
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


def test_a_failed_save_leaves_nothing(picked, tmp_path):
    figure = plot_picks(*picked)
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
    assert figure.get_suptitle() == "event 000014 0100 distance 12.5 km"


def test_a_notebook_shows_figures_without_pyplot(example):
    assert plot_picks(example, [])._repr_png_().startswith(b"\x89PNG")
