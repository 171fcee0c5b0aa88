"""What the figures of an event show."""

import numpy as np
import pandas as pd
import pytest

from seisbench_diting.picking.events import (
    pick_event,
    plot_map,
    plot_section,
    plot_station,
)
from seisbench_diting.plots import save_figure


def vertical_lines(panel):
    """Places of all vertical lines over the whole height."""
    return [
        float(line.get_xdata()[0])
        for line in panel.lines
        if len(line.get_xdata()) == 2 and line.get_xdata()[0] == line.get_xdata()[1]
    ]


def seconds(result):
    return (result.picks["time"] - result.event.time).dt.total_seconds().to_list()


def test_record_section(picked, travel_times, tmp_path):
    figure = plot_section(picked, travel_times)

    (panel,) = figure.axes
    drawn = [
        segment[0][0]
        for collection in panel.collections
        if hasattr(collection, "get_segments")
        for segment in collection.get_segments()
    ]
    assert drawn == pytest.approx(seconds(picked))
    low, high = panel.get_ylim()
    assert low < 218.7 < high
    assert [text.get_text() for text in panel.texts] == ["X1.53085.01"]
    labels = [text.get_text() for text in figure.legends[0].texts]
    assert {"P pick", "S pick", "theoretical P", "window"} <= set(labels)
    assert "discarded" not in labels
    save_figure(figure, tmp_path / "section.png")


def test_record_section_with_theoretical_lines(picked, travel_times):
    (panel,) = plot_section(picked, travel_times).axes
    dashed = [line for line in panel.lines if line.get_linestyle() == "--"]
    for line, expected in zip(
        dashed, travel_times.first_arrivals(218.686, 5.5), strict=True
    ):
        found = np.interp(218.686, line.get_ydata(), line.get_xdata())
        assert found == pytest.approx(float(expected), abs=0.01)


def test_map(picked, tmp_path):
    figure = plot_map(picked)

    p, s = figure.axes[:2]
    latitude = np.mean(p.get_ylim())
    assert p.get_aspect() == pytest.approx(1 / np.cos(np.radians(latitude)))
    for panel, residual in zip((p, s), picked.picks["residual_s"], strict=True):
        coloured = panel.collections[-1]
        assert coloured.get_array().tolist() == pytest.approx([residual])
        assert any(text.get_text().endswith(" km") for text in panel.texts)
    save_figure(figure, tmp_path / "map.png")


def test_station(picked, tmp_path):
    figure = plot_station(picked, "X1.53085.01")

    labels = [panel.get_ylabel() for panel in figure.axes[:4]]
    assert labels == ["Z", "N", "E", "Probability"]
    station = picked.stations.iloc[0]
    expected = [station["p_seconds"], station["s_seconds"], *seconds(picked)]
    for panel in figure.axes[:4]:
        assert vertical_lines(panel) == pytest.approx(expected)
    titles = [panel.get_title() for panel in figure.axes[4:]]
    assert [title[:4] for title in titles if title] == ["P 0.", "S 0."]
    save_figure(figure, tmp_path / "station.png")


def test_discarded_picks_are_shown(
    event_record, x1_event, x1_stations, model, travel_times
):
    early = x1_event.assign(time=x1_event["time"] - pd.Timedelta(26.0, unit="s"))
    result = pick_event(event_record, early.iloc[0], x1_stations, model, travel_times)

    for figure in (
        plot_section(result, travel_times),
        plot_station(result, "X1.53085.01"),
    ):
        labels = [text.get_text() for text in figure.legends[0].texts]
        assert "discarded" in labels


def test_gaps_missing_components_and_stations_without_picks(
    event_record, x1_event, x1_stations, model, travel_times, tmp_path
):
    stream = event_record.copy().select(channel="BH[NE]")
    start = stream[0].stats.starttime
    stream = stream.slice(endtime=start + 80) + stream.slice(starttime=start + 200)
    for trace in stream:
        trace.data = trace.data * 0
    result = pick_event(stream, x1_event.iloc[0], x1_stations, model, travel_times)

    assert len(result.picks) == 0
    for i, figure in enumerate(
        (
            plot_section(result, travel_times),
            plot_map(result),
            plot_station(result, "X1.53085.01"),
        )
    ):
        save_figure(figure, tmp_path / f"{i}.png")


def test_nothing_to_draw(event_record, x1_event, x1_stations, model, travel_times):
    later = x1_event.assign(time=x1_event["time"] + pd.Timedelta(1, unit="h"))
    result = pick_event(event_record, later.iloc[0], x1_stations, model, travel_times)
    with pytest.raises(ValueError, match=r"no station with a window around X1\.2012"):
        plot_section(result, travel_times)
    with pytest.raises(ValueError, match="no station with a window"):
        plot_map(result)
    with pytest.raises(ValueError, match=r"station='XX\.A\.' has no window"):
        plot_station(result, "XX.A.")
