"""Networks, events and scores: what pictures show."""

import numpy as np
import pandas as pd
import pytest
from made_network import START, TRAVEL_TIMES, make_events, make_picks, make_stream
from matplotlib.colors import same_color, to_hex

from seisbench_diting import plots, tables
from seisbench_diting.plots import (
    plot_association,
    plot_map,
    plot_moveout,
    plot_section,
    plot_timeline,
    save_figure,
)


def panel_of(figure, label):
    (panel,) = [axes for axes in figure.axes if axes.get_ylabel() == label]
    return panel


@pytest.mark.parametrize(("count", "span_s"), [(1, 0), (2, 0), (20, 900), (300, 4e7)])
def test_overview(stations, count, span_s, tmp_path):
    events = make_events(count, span_s)
    picks = make_picks(events, stations)
    figure = plot_association(events, picks, stations)
    save_figure(figure, tmp_path / "overview.png")

    place = panel_of(figure, "Latitude (°)")
    west, east = place.get_xlim()
    south, north = place.get_ylim()
    narrow = np.cos(np.radians((south + north) / 2))
    assert (east - west) * narrow == pytest.approx(north - south)
    assert east - west < 5
    *_, dots = place.collections
    drawn = dots.get_offsets()
    assert len(drawn) == count
    assert ((drawn[:, 0] > west) & (drawn[:, 0] < east)).all()
    below = panel_of(figure, "Depth (km)")
    assert below.get_xlim() == (west, east)
    assert below.get_ylim()[0] > below.get_ylim()[1]
    assert below.collections[0].norm.vmin == dots.norm.vmin

    (over_time,) = [axes for axes in figure.axes if "Events in" in axes.get_ylabel()]
    assert sum(bar.get_height() for bar in over_time.patches) == count
    total = panel_of(figure, "Events up to then")
    assert total.lines[0].get_ydata()[-1] == count
    residuals = panel_of(figure, "Picks")
    texts = [text.get_text() for text in residuals.get_legend().texts]
    assert texts == ["P: 0.10 ± 0.00 s", "S: 0.10 ± 0.00 s"]
    stations_word = f"{24 * count:,} picks at 12 stations"
    assert figure.get_suptitle().endswith(stations_word)


def test_many_events_are_not_drawn_one_by_one(stations, tmp_path):
    events = make_events(20_000)
    figure = plot_association(events, tables.assignment_table([]), stations, "Many")

    assert figure.get_suptitle() == "Many"
    dots = panel_of(figure, "Latitude (°)").collections[-1]
    assert dots.get_rasterized()
    assert dots.get_alpha() < 0.5
    save_figure(figure, tmp_path / "many.pdf")
    assert (tmp_path / "many.pdf").stat().st_size < 2e6


def test_overview_without_depths_residuals_and_places(stations, tmp_path):
    events = make_events(5)
    picks = make_picks(events, stations).assign(residual_s=np.nan)
    elsewhere = stations.assign(
        station_id=stations["station_id"].str.replace("XX", "YY")
    )
    for number, (table, of_events, places) in enumerate(
        [
            (events.assign(depth_km=np.nan), picks, stations),
            (events.assign(depth_km=[*[np.nan] * 4, 5.0]), picks, stations),
            (events, picks, elsewhere),
            (events, picks, stations[:0]),
            (events, picks[:0], stations),
        ]
    ):
        figure = plot_association(table, of_events, places)
        save_figure(figure, tmp_path / f"{number}.png")
        of_map, below = (
            panel_of(figure, name).collections[-1]
            for name in ("Latitude (°)", "Depth (km)")
        )
        assert of_map.get_clim() == below.get_clim()
        assert of_map.get_clim()[0] < of_map.get_clim()[1]
    with pytest.raises(ValueError, match="events is empty"):
        plot_association(events[:0], picks[:0], stations)


def test_events_in_a_corner_of_a_network(stations):
    events = make_events(30)
    places = pd.concat(
        [
            stations,
            stations.assign(
                station_id=stations["station_id"].str.replace("S", "T"),
                latitude=stations["latitude"] + 8,
            ),
        ]
    )
    figure = plot_association(events, make_picks(events, stations), places)

    south, north = panel_of(figure, "Latitude (°)").get_ylim()
    assert north - south < 2


def vertical_lines(panel, colour):
    return sorted(
        segment[0][0]
        for collection in panel.collections
        if hasattr(collection, "get_segments")
        and same_color(collection.get_color()[0], colour)
        for segment in collection.get_segments()
    )


def test_moveout(stations, tmp_path):
    events = make_events(2, 10)
    picks = make_picks(events, stations)
    own = picks[picks["event_id"] == "e0"]
    stream = make_stream(own)
    before = stream.copy()
    figure = plot_moveout(
        events.iloc[0], picks, stations, stream, TRAVEL_TIMES, other_picks=picks
    )
    save_figure(figure, tmp_path / "moveout.png")

    assert stream == before
    (panel,) = figure.axes
    for phase, colour in (("P", "#0072B2"), ("S", "#D55E00")):
        times = own["time"][own["phase"] == phase]
        seconds = sorted((times - events["time"].iloc[0]).dt.total_seconds())
        assert vertical_lines(panel, colour) == pytest.approx(seconds)
    (others,) = [line for line in panel.lines if line.get_marker() == "x"]
    assert len(others.get_xdata()) == 24
    assert sum(line.get_color() == "black" for line in panel.lines) == 12
    curve = next(line for line in panel.lines if line.get_linestyle() == "--")
    expected = TRAVEL_TIMES.first_arrivals(40, events["depth_km"].iloc[0], 0.5)[0]
    assert np.interp(40, curve.get_ydata(), curve.get_xdata()) == pytest.approx(
        float(expected), abs=0.02
    )
    labels = [text.get_text() for text in figure.legends[0].texts]
    assert sorted(labels) == [
        "P pick",
        "S pick",
        "other pick",
        "theoretical P",
        "theoretical S",
    ]
    assert "12 P, 12 S\nvertical channels, 1\N{EN DASH}10 Hz" in panel.get_title()


def test_moveout_with_gaps_dead_traces_and_little_else(stations, tmp_path):
    events = make_events(1, 0)
    picks = make_picks(events, stations)
    stream = make_stream(picks).select(component="Z")
    stream[0].data = stream[0].data * 0
    stream[1].data = np.ma.masked_array(stream[1].data, np.arange(6000) // 100 == 7)
    stream[2].stats.sampling_rate = 1.0
    stream[3].data = stream[3].data[:0]
    row = next(events.assign(depth_km=np.nan).itertuples())
    save_figure(
        plot_moveout(row, picks, stations, stream[:4], TRAVEL_TIMES),
        tmp_path / "gaps.png",
    )
    figure = plot_moveout(row, picks[:1], stations)
    save_figure(figure, tmp_path / "one.png")
    assert "P, 0 S" in figure.axes[0].get_title()
    with pytest.raises(ValueError, match="none of the event 'e0' at a station"):
        plot_moveout(row, picks, stations[:0])
    with pytest.raises(ValueError, match="none of the event 'e0'"):
        plot_moveout(row, picks.assign(event_id="e1"), stations)


def test_timeline(stations, tmp_path):
    events = make_events(3, 60)
    picks = make_picks(events, stations)
    noise = picks[:5].assign(time=picks["time"][:5] + pd.Timedelta(9, unit="s"))
    every = pd.concat([picks, noise])[list(tables.COLUMNS)]
    start, end = "2016-10-13T23:59:50", START + pd.Timedelta(59, unit="s")
    figure = plot_timeline(events, picks, every, stations, start, end, TRAVEL_TIMES)
    save_figure(figure, tmp_path / "timeline.png")

    (panel,) = figure.axes
    assert panel.get_xlim() == (0, 69)
    assert panel.get_xlabel() == "Seconds after 2016-10-13 23:59:50 UTC"
    assert panel.get_title() == "2 events, 48 of 53 picks"
    colours = []
    for marked in panel.collections[:2]:
        colours += [to_hex(colour).upper() for colour in marked.get_facecolor()]
    assert {name: colours.count(name) for name in set(colours)} == {
        "#999999": 5,
        "#0072B2": 24,
        "#D55E00": 24,
    }
    origins = [float(np.ravel(line.get_xdata())[0]) for line in panel.lines[:2]]
    assert origins == [10, 40]
    assert len(panel.collections) == 2 + 4
    # The nearest station to the events is the lowest.
    assert panel.texts[0].get_text() == "XX.S00"


def test_timeline_without_events_and_without_picks(stations, tmp_path):
    events = make_events(1, 0)
    picks = make_picks(events, stations)
    end = START + pd.Timedelta(60, unit="s")
    none = tables.assignment_table([])
    figure = plot_timeline(
        events[:0], none, picks[list(tables.COLUMNS)], stations, START, end
    )
    assert figure.axes[0].get_title() == "0 events, 0 of 24 picks"
    save_figure(figure, tmp_path / "none.png")
    with pytest.raises(ValueError, match="all_picks has none from start=2016"):
        plot_timeline(events, none, none, stations, START, end)
    with pytest.raises(ValueError, match=r"end=.* must be after start="):
        plot_timeline(events, picks, picks, stations, end, START)


@pytest.mark.parametrize("seconds", [0.5, 50, 5e3, 5e5, 5e6, 5e7, 5e8, 3e9])
def test_dates_of_any_span(stations, seconds, tmp_path):
    events = make_events(3, seconds)
    figure = plot_association(events, make_picks(events, stations), stations)
    save_figure(figure, tmp_path / "span.png")


def test_record_section(picked, tmp_path):
    class Fit:
        limit = 3.0

        def width(self, phase, distance_km):
            return 0.5 + 0.005 * distance_km

    figure = plot_section(picked, TRAVEL_TIMES, Fit())
    save_figure(figure, tmp_path / "section.png")

    (panel,) = figure.axes
    for phase, colour in (("P", "#0072B2"), ("S", "#D55E00")):
        times = picked.picks["time"][picked.picks["phase"] == phase]
        seconds = sorted((times - picked.event.time).dt.total_seconds())
        assert vertical_lines(panel, colour) == pytest.approx(seconds)
    (discarded,) = [line for line in panel.lines if line.get_marker() == "x"]
    assert len(discarded.get_xdata()) == 1
    assert sum(line.get_color() == "black" for line in panel.lines) == 12
    labels = {text.get_text() for text in figure.legends[0].texts}
    assert {
        "P pick",
        "theoretical S",
        "window",
        "range of picks",
        "discarded",
    } <= labels
    assert panel.texts[0].get_text() == picked.stations["station_id"].iloc[0].rstrip(
        "."
    )


def test_map_of_residuals(picked, tmp_path):
    picked.picks = picked.picks[:18]
    figure = plot_map(picked)
    save_figure(figure, tmp_path / "map.png")

    for panel, number in zip(figure.axes[:2], (12, 6), strict=True):
        south, north = panel.get_ylim()
        narrow = np.cos(np.radians((south + north) / 2))
        assert panel.get_aspect() == pytest.approx(1 / narrow)
        coloured = panel.collections[-1]
        assert coloured.get_array().tolist() == pytest.approx([0.1] * number)
        assert any(text.get_text().endswith(" km") for text in panel.texts)
    picked.picks = picked.picks[:0]
    save_figure(plot_map(picked), tmp_path / "none.png")


def test_an_event_without_stations(picked):
    picked.stations = picked.stations[:0]
    for draw in (plot_map, lambda result: plot_section(result, TRAVEL_TIMES)):
        with pytest.raises(ValueError, match="no station has a window around e0"):
            draw(picked)


def test_losses(tmp_path):
    figure = plots.plot_losses({"loss": [(1, 2.0), (2, 1.0)]}, "A")
    save_figure(figure, tmp_path / "losses.png")
    assert len(figure.axes) == 2
