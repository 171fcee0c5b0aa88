"""Waveforms of one station: what pictures show, and that they are whole or absent."""

import itertools

import numpy as np
import obspy
import pandas as pd
import pytest
import seisbench.util as sbu

from seisbench_diting.plots import plot_picks, plot_station, plot_window, save_figure


def labels_of(figure):
    return [axes.get_ylabel() for axes in figure.axes]


def pick_rows(stream, seconds, phases="P"):
    """A table of picks at a station, seconds after the begin of its records."""
    start = pd.Timestamp(stream[0].stats.starttime.datetime, tz="UTC")
    table = pd.DataFrame({"time": start + pd.to_timedelta(seconds, unit="s")})
    table["phase"] = list(itertools.islice(itertools.cycle(phases), len(table)))
    return table.assign(station_id="BW.RJOB.", probability=0.98)


def test_a_panel_for_each_component_and_one_for_the_curves(example, tmp_path):
    start = example[0].stats.starttime
    curve = example[:1].copy()
    curve[0].stats.channel = "LPPNM_P"
    curve[0].data = curve[0].data * 0 + 0.5
    picks = [
        sbu.Pick("BW.RJOB.", start + t, start + t + 1, start + t + 0.7, 0.98, "P")
        for t in (4, 90)
    ]
    figure = plot_picks(example, picks, curve, title="Title")

    assert labels_of(figure)[::3] == ["BW.RJOB..EHZ", "Probability"]
    for axes in figure.axes:
        assert 4.7 in [line.get_xdata()[0] for line in axes.lines]
    (text,) = figure.axes[0].texts
    assert text.get_text() == "P 0.98"
    # It stands above the axes, where a clipped one would not be drawn.
    assert not text.get_annotation_clip()

    # A notebook shows it without pyplot; a failed save leaves nothing.
    assert figure._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(ValueError):
        save_figure(figure, tmp_path / "picture.xyz")
    assert list(tmp_path.iterdir()) == []


def test_a_table_of_picks_is_drawn_at_its_station(example):
    other = example[:1].copy()
    other[0].stats.station = "OTHER"

    figure = plot_picks(example + other, pick_rows(example, [4.7]))

    marked = [axes for axes in figure.axes if len(axes.lines) == 2]
    assert [axes.get_ylabel().split(".")[1] for axes in marked] == ["RJOB"] * 3


def test_gaps_and_missing_curves(example):
    middle = example[0].stats.starttime + 15
    stream = example.slice(endtime=middle) + example.slice(starttime=middle + 3)

    assert len(plot_picks(stream.merge(), [], obspy.Stream()).axes) == 4
    with pytest.raises(ValueError, match="stream"):
        plot_picks(obspy.Stream(), [])


def test_labels_cover_no_others(example):
    table = pick_rows(example, [4.7, 5.0, 5.01, 5.2, 5.3, 6.7], "PS")

    figure = plot_picks(example, table)

    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 6
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    # Of very many picks all have a line, but not all a label.
    crowded = plot_picks(example, pd.concat([table] * 20))
    assert len(crowded.axes[0].texts) < 40
    assert len(crowded.axes[0].lines) >= 120


def test_long_traces_keep_their_extremes_and_gaps():
    data = np.random.default_rng(0).standard_normal(86_400)
    data[50_000] = 50
    data[60_000:70_000] = np.nan
    stream = obspy.Stream([obspy.Trace(data, {"sampling_rate": 10.0})])

    seconds, shown = plot_picks(stream, []).axes[0].lines[0].get_data()

    assert len(shown) < 45_000
    assert seconds[np.nanargmax(shown)] == pytest.approx(5000, abs=1)
    assert (np.nanmax(shown), np.nanmin(shown)) == (50, np.nanmin(data))
    # No line goes across the gap.
    assert not ((seconds > 6002) & (seconds < 6998)).any()
    assert np.isnan(shown[np.searchsorted(np.nan_to_num(seconds, nan=6000), 6000)])
    short = stream.slice(endtime=stream[0].stats.starttime + 90)
    assert plot_picks(short, []).axes[0].lines[0].get_ydata()[:901].tolist() == (
        data[:901].tolist()
    )


def test_a_window_with_labels_picks_and_curves(rng):
    curves = {"P": np.full(500, 0.5), "S": np.full(500, 0.1)}
    waveform = rng.normal(size=(3, 4000))
    figure = plot_window(waveform, 50.0, {"P": 1000}, [("S", 2000)], curves, title="T")

    assert labels_of(figure) == ["Z", "N", "E", "Probability"]
    for axes in figure.axes[:3]:
        marks = [(line.get_xdata()[0], line.get_linestyle()) for line in axes.lines[1:]]
        assert marks == [(20, "--"), (40, "-")]
    assert figure.axes[3].lines[0].get_xdata()[-1] == pytest.approx(79.84)


def test_a_station_of_an_event(picked):
    name = picked.picks["station_id"].iloc[0]
    figure = plot_station(picked, name)
    figure.draw_without_rendering()

    whole, p, s = (figure.axes[column::3] for column in range(3))
    assert [axes.get_ylabel() for axes in whole] == ["HHZ", "HHE", "Probability"]
    labels = {text.get_text() for text in figure.legends[0].texts}
    assert {"theoretical P", "theoretical S", "P pick", "discarded"} <= labels
    assert whole[0].get_xlim() == (-5, 54.99)
    picks = picked.picks[picked.picks["station_id"] == name].set_index("phase")
    for column, phase in ((p, "P"), (s, "S")):
        assert column[0].get_title() == f"{phase} 0.80, residual +0.10 s"
        at = (picks["time"][phase] - picked.event.time).total_seconds()
        begin, end = column[0].get_xlim()
        assert begin < at < end
        assert at in [line.get_xdata()[0] for line in column[0].lines]
    with pytest.raises(ValueError, match=r"station=.XX\.A\."):
        plot_station(picked, "XX.A.")


def test_a_station_without_picks_and_arrivals(picked):
    picked.picks, picked.candidates = picked.picks[:0], picked.candidates[:0]
    picked.curves = obspy.Stream()
    picked.stations["s_seconds"] = np.nan
    for trace in picked.waveforms:
        trace.data = trace.data * 0
    figure = plot_station(picked, picked.stations["station_id"].iloc[0])

    titles = [axes.get_title() for axes in figure.axes[:3]]
    assert titles[1:] == ["no pick of P", "no theoretical S"]
