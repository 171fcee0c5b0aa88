"""Networks, events and scores: what pictures show."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_events import made_events, make_stream
from matplotlib.collections import LineCollection

from seisbench_diting import plots
from tests.association.made_networks import TRAVEL_TIMES


def panel_of(figure, label):
    """The first panel with this label."""
    return next(axes for axes in figure.axes if axes.get_ylabel() == label)


@pytest.mark.parametrize(("count", "span_s"), [(1, 10), (3, 0.5), (300, 4e7)])
def test_a_catalogue_shows_all_events_in_place_time_and_depth(count, span_s):
    stations, events, picks = made_events(count, span_s)
    figure = plots.plot_association(events, picks, stations)

    place = panel_of(figure, "Latitude (°)")
    west, east = place.get_xlim()
    south, north = place.get_ylim()
    narrow = np.cos(np.radians((south + north) / 2))
    assert (east - west) * narrow == pytest.approx(north - south)
    # The network is on both sides of the date line.
    assert east - west < 5
    dots = place.collections[-1]
    drawn = dots.get_offsets()
    assert len(drawn) == count
    assert ((drawn[:, 0] > west) & (drawn[:, 0] < east)).all()
    below = panel_of(figure, "Depth (km)").get_ylim()
    assert below[0] > below[1]


def test_ellipses_have_their_sizes_and_directions():
    stations, events, picks = made_events(1)
    size = {"max_horizontal_error_km": 3.0, "min_horizontal_error_km": 1.0}
    events = events.assign(**size, max_error_azimuth_deg=90.0)
    figure = plots.plot_association(events, picks, stations)

    place = panel_of(figure, "Latitude (°)")
    (ellipses,) = (x for x in place.collections if hasattr(x, "get_angles"))
    half_km = np.array([ellipses.get_widths(), ellipses.get_heights()]) * 111.195 / 2
    assert half_km.ravel() == pytest.approx([3, 1])
    # As Matplotlib turns them: from the east, against the clock.
    assert ellipses.get_angles() == pytest.approx(0)


def test_many_events_are_not_drawn_one_by_one(tmp_path):
    stations, events, picks = made_events(20_000, missing=0.999)
    figure = plots.plot_association(events, picks[:0], stations)
    plots.save_figure(figure, tmp_path / "many.pdf")
    assert (tmp_path / "many.pdf").stat().st_size < 2e6


@pytest.mark.parametrize(
    ("depth_km", "n_stations", "n_picks"),
    [(np.nan, 12, 120), ([*[np.nan] * 4, 5.0], 12, 120), (5.0, 0, 120), (5.0, 12, 0)],
)
def test_a_catalogue_may_lack_depths_residuals_places_and_picks(
    depth_km, n_stations, n_picks
):
    stations, events, picks = made_events(5)
    picks = picks[:n_picks].assign(residual_s=np.nan)
    events = events.assign(depth_km=depth_km)
    figure = plots.plot_association(events, picks, stations[:n_stations])
    figure.draw_without_rendering()
    assert len(panel_of(figure, "Latitude (°)").collections[-1].get_offsets()) == 5


def assert_shows_picks(panel, picks, origin):
    """Each pick is a short line."""
    lines = [x for x in panel.collections if isinstance(x, LineCollection)]
    shown = sorted(segment[0][0] for x in lines for segment in x.get_segments())
    expected = sorted((picks["time"] - origin).dt.total_seconds())
    assert shown == pytest.approx(expected)


def test_a_moveout_shows_picks_and_theoretical_times():
    stations, events, picks = made_events(2, 10)
    event = events.iloc[0]
    own = picks[picks["event_id"] == event["event_id"]]
    stream = make_stream(event, own)
    before = stream.copy()
    figure = plots.plot_moveout(event, picks, stations, stream, TRAVEL_TIMES, picks)

    assert stream == before
    assert_shows_picks(figure.axes[0], own, event["time"])
    curve = next(x for x in figure.axes[0].lines if x.get_linestyle() == "--")
    expected = TRAVEL_TIMES.first_arrivals(40, event["depth_km"], 0.5)[0]
    shown = np.interp(40, curve.get_ydata(), curve.get_xdata())
    assert shown == pytest.approx(float(expected), abs=0.02)


@pytest.mark.parametrize("number_s", [6, 0])
def test_an_event_has_a_record_section_and_a_map(picked, number_s):
    p, s = (picked.picks[picked.picks["phase"] == phase] for phase in "PS")
    picked.picks = pd.concat([p, s[:number_s]])
    fit = SimpleNamespace(limit=3.0, width=lambda phase, km: 0.5 + 0.005 * km)
    figure = plots.plot_section(picked, TRAVEL_TIMES, fit)
    assert_shows_picks(figure.axes[0], picked.picks, picked.event["time"])
    plots.plot_map(picked).draw_without_rendering()


def test_a_moveout_with_gaps_dead_traces_and_little_else():
    stations, events, picks = made_events(1)
    stream = make_stream(events.iloc[0], picks).select(component="Z")
    stream[0].data = stream[0].data * 0
    stream[1].data = np.ma.masked_array(stream[1].data, np.arange(6000) // 100 == 7)
    stream[2].stats.sampling_rate = 1.0
    stream[3].data = stream[3].data[:0]
    row = next(events.assign(depth_km=np.nan).itertuples())
    figure = plots.plot_moveout(row, picks, stations, stream[:4], TRAVEL_TIMES)
    figure.draw_without_rendering()
    assert_shows_picks(figure.axes[0], picks, row.time)


def test_what_can_not_be_drawn_is_named(picked):
    stations, events, picks = made_events(1)
    with pytest.raises(ValueError, match="events"):
        plots.plot_association(events[:0], picks[:0], stations)
    picked.stations = picked.stations[:0]
    for plot, *arguments in (
        (plots.plot_map, picked),
        (plots.plot_section, picked, None),
        (plots.plot_moveout, events.iloc[0], picks, stations[:0]),
    ):
        with pytest.raises(ValueError, match=events["event_id"][0]):
            plot(*arguments)
