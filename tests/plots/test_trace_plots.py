"""Waveforms of one station: what pictures show, and that they are whole or absent."""

import itertools

import numpy as np
import obspy
import pandas as pd
import pytest
import seisbench.util as sbu

from seisbench_diting._util import band_filtered
from seisbench_diting.plots import plot_picks, plot_station, save_figure


def pick_rows(stream, seconds, phases="P"):
    """A table of picks at a station, seconds after the begin of its records."""
    start = pd.Timestamp(stream[0].stats.starttime.datetime, tz="UTC")
    table = pd.DataFrame({"time": start + pd.to_timedelta(seconds, unit="s")})
    table["phase"] = list(itertools.islice(itertools.cycle(phases), len(table)))
    return table.assign(station_id="BW.RJOB.", probability=0.98)


def test_a_picture_is_for_notebooks_and_a_failed_save_leaves_nothing(example, tmp_path):
    start = example[0].stats.starttime + 4.7
    figure = plot_picks(example, [sbu.Pick("BW.RJOB.", start, start, start, 0.98, "P")])
    for axes in figure.axes:
        assert [x.get_segments()[0][0][0] for x in axes.collections] == [4.7]
    assert figure._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(ValueError):
        save_figure(figure, tmp_path / "picture.xyz")
    assert list(tmp_path.iterdir()) == []


def test_a_table_of_picks_is_drawn_at_its_station(example):
    other = example[:1].copy()
    other[0].stats.station = "OTHER"

    figure = plot_picks(example + other, pick_rows(example, [4.7]))

    marked = [axes for axes in figure.axes if axes.collections]
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
    # Very many picks have short marks and are counted.
    crowded = plot_picks(example, pd.concat([table] * 20))
    for axes in crowded.axes:
        marks = [marks.get_segments() for marks in axes.collections]
        assert [len(of_phase) for of_phase in marks] == [60, 60]
    assert [text.get_text() for text in crowded.axes[0].texts] == ["60 P, 60 S"]


def test_a_part_of_the_time_filtered(example):
    start = example[0].stats.starttime
    ends = start + 2, start + 7
    figure = plot_picks(example, [], band=(1.0, 10.0), ends=ends)

    seconds, shown = figure.axes[0].lines[0].get_data()
    assert (seconds[0], seconds[500]) == pytest.approx((0, 5))
    # The filter began before: there is no jump where the picture begins.
    whole = band_filtered(example[0].data, (1.0, 10.0), 100.0)
    assert shown[:501] == pytest.approx(whole[200:701])


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


@pytest.mark.parametrize("is_bare", [False, True])
def test_a_station_of_an_event(picked, is_bare):
    name = picked.picks["station_id"].iloc[0]
    if is_bare:
        picked.picks, picked.candidates = picked.picks[:0], picked.candidates[:0]
        picked.curves = obspy.Stream()
        picked.stations["s_seconds"] = np.nan
        for trace in picked.waveforms:
            trace.data = trace.data * 0
    plot_station(picked, name).draw_without_rendering()
    with pytest.raises(ValueError, match=r"station=.XX\.A\."):
        plot_station(picked, "XX.A.")
