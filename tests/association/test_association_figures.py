"""What the figures of associations show."""

import warnings

import numpy as np
import obspy
import pandas as pd
import pytest

from seisbench_diting import tables
from seisbench_diting.association.core import Projection
from seisbench_diting.plots import (
    plot_association,
    plot_moveout,
    plot_timeline,
    save_figure,
)
from seisbench_diting.travel_times import make_table

START = pd.Timestamp("2016-10-14", tz="UTC")
TRAVEL_TIMES = make_table("6.2/3.5", 500, 30)
#: On both sides of the date line.
MIDDLE = -17.0, 179.95


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture(scope="module")
def stations():
    plane = Projection(*MIDDLE)
    angle = np.arange(12) * np.pi / 6
    latitude, longitude = plane.to_degrees(
        *(np.linspace(8, 70, 12) * [np.cos(angle), np.sin(angle)])
    )
    return tables.station_table(
        pd.DataFrame(
            {
                "station_id": [f"XX.S{n:02d}." for n in range(12)],
                "latitude": latitude,
                "longitude": longitude,
                "elevation_m": 500.0,
            }
        )
    )


def make_events(count, span_s=86400.0):
    random = np.random.default_rng(count)
    x, y = 10 * random.standard_normal((2, count))
    latitude, longitude = Projection(*MIDDLE).to_degrees(x, y)
    seconds = np.linspace(0, span_s, count)
    return tables.event_table(
        pd.DataFrame(
            {
                "event_id": [f"e{n}" for n in range(count)],
                "time": START + pd.to_timedelta((seconds * 1e6).astype(int), unit="us"),
                "latitude": latitude,
                "longitude": longitude,
                "depth_km": random.uniform(0, 20, count),
            }
        )
    )


def make_picks(events, stations):
    """P and S of each event at all stations, 0.1 s late."""
    rows = []
    for event in events.itertuples():
        plane = Projection(event.latitude, event.longitude)
        distance = np.hypot(*plane.to_km(stations["latitude"], stations["longitude"]))
        times = TRAVEL_TIMES.at(distance, event.depth_km, 0.5)
        rows += [
            {
                "event_id": event.event_id,
                "station_id": name,
                "phase": phase,
                "time": event.time + pd.Timedelta(round(1e6 * (time + 0.1)), "us"),
                "probability": 0.9,
                "residual_s": 0.1,
            }
            for phase, of_phase in zip("PS", times, strict=True)
            for name, time in zip(stations["station_id"], of_phase, strict=True)
        ]
    return tables.assignment_table(rows)


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
    from matplotlib.colors import same_color

    return sorted(
        segment[0][0]
        for collection in panel.collections
        if hasattr(collection, "get_segments")
        and same_color(collection.get_color()[0], colour)
        for segment in collection.get_segments()
    )


def make_stream(picks):
    """Vertical components that begin to tremble at the first pick."""
    traces = []
    random = np.random.default_rng(0)
    for station_id, rows in picks.groupby("station_id"):
        network, station, location = station_id.split(".")
        samples = random.standard_normal(6000)
        first = int((rows["time"].min() - START).total_seconds() * 100) + 500
        samples[first:] *= 10
        header = {
            "network": network,
            "station": station,
            "location": location,
            "sampling_rate": 100,
            "starttime": obspy.UTCDateTime(START.to_pydatetime()) - 5,
        }
        for channel in ("HHE", "HHZ"):
            traces.append(obspy.Trace(samples.copy(), {**header, "channel": channel}))
    return obspy.Stream(traces)


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
    others = vertical_lines(panel, "#999999")
    assert 0 < len(others) <= 24
    assert sum(line.get_color() == "black" for line in panel.lines) == 12
    curve = next(line for line in panel.lines if line.get_linestyle() == "--")
    expected = TRAVEL_TIMES.at(40, events["depth_km"].iloc[0], 0.5)[0]
    assert np.interp(40, curve.get_ydata(), curve.get_xdata()) == pytest.approx(
        float(expected), abs=0.02
    )
    labels = [text.get_text() for text in figure.legends[0].texts]
    assert labels == [
        "P pick",
        "S pick",
        "theoretical P",
        "theoretical S",
        "other pick",
    ]
    assert "12 P, 12 S\nvertical components, 1\N{EN DASH}10 Hz" in panel.get_title()


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
    by_colour = {}
    for line in panel.lines:
        if line.get_marker() in "ox":
            colour = line.get_color()
            by_colour[colour] = by_colour.get(colour, 0) + len(line.get_xdata())
    assert by_colour == {"#999999": 5, "#0072B2": 24, "#D55E00": 24}
    origins = [line.get_xdata()[0] for line in panel.lines if line.get_marker() == "v"]
    assert origins == [10, 40]
    assert len(panel.collections) == 4
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


def test_real_events(reference, tmp_path):
    places = tables.read_stations(reference / "data" / "italy_stations.csv")
    found = pd.read_csv(reference / "golden" / "real_italy_coarse.csv")
    events = tables.event_table(
        found[["time", "latitude", "longitude", "depth_km"]].assign(
            event_id=[f"r{n}" for n in range(len(found))]
        )
    )
    picks = make_picks(events[:100], places)
    figure = plot_association(events, picks, places)
    save_figure(figure, tmp_path / "italy.png")
    assert figure.get_suptitle() == "1,786 events with 12,000 picks at 60 stations"
