"""Locations: how far off they are, how large they say their errors are, and their picks."""

import numpy as np
import obspy
import pandas as pd
import pytest
from made_networks import VELOCITY, made_network

from seisbench_diting.association import associate, compare
from seisbench_diting.tables import (
    read_station_terms,
    write_association,
    write_station_terms,
)

OPTIONS = {"velocity": VELOCITY, "max_depth_km": 30.0, "max_spread_s": 3.0}


@pytest.fixture(scope="module")
def made():
    return made_network(1, 150, duration_s=9000.0, noise_s=0.1, false=0.05)


@pytest.fixture(scope="module")
def located(made):
    """Events, their picks, and for each event the true one."""
    result = associate(made.picks, made.stations, **OPTIONS)
    pairs = compare(result.events, made.events, max_time_s=3, max_distance_km=15).common
    events = result.events.set_index("event_id").loc[pairs["a_event_id"]]
    return result, events.reset_index(), pairs


def test_intervals_cover_the_truth(located):
    _, events, pairs = located
    assert len(pairs) >= 140
    away = pairs["east_km"], pairs["north_km"]
    azimuth = np.radians(events["max_error_azimuth_deg"])
    along = away[0] * np.sin(azimuth) + away[1] * np.cos(azimuth)
    across = away[0] * np.cos(azimuth) - away[1] * np.sin(azimuth)
    in_ellipse = np.hypot(
        along / events["max_horizontal_error_km"],
        across / events["min_horizontal_error_km"],
    )
    assert 0.6 <= (in_ellipse < 1).mean() <= 0.8
    for column, error in (
        ("depth_difference_km", "depth_error_km"),
        ("north_km", "latitude_error_km"),
        ("east_km", "longitude_error_km"),
        ("time_difference_s", "time_error_s"),
    ):
        assert 0.6 <= (pairs[column].abs() < events[error]).mean() <= 0.8, column
    assert (
        events["min_horizontal_error_km"] <= events["max_horizontal_error_km"]
    ).all()


def test_an_outlier_does_not_pull_an_event(made):
    one = made.picks[made.truth == 20]
    picks = pd.concat([one, made.picks[made.truth == 21]])
    late = picks.copy()
    late.loc[one.index[0], "time"] += pd.Timedelta(seconds=1.2)
    before, after = (
        associate(table, made.stations, p_window_s=2.0, s_window_s=2.0, **OPTIONS)
        for table in (picks, late)
    )
    moved = compare(before.events, after.events).common.iloc[0]
    assert moved["distance_km"] < 0.3
    weights = after.picks.set_index(["station_id", "phase", "time"])["weight"]
    outlier = late.loc[one.index[0], ["station_id", "phase", "time"]]
    assert weights.get(tuple(outlier), 0.0) < 0.2
    assert weights.median() > 0.7


def test_picks_that_fit_are_added(made):
    """Narrow windows leave out true picks, and these come back."""
    result = associate(
        made.picks, made.stations, p_window_s=0.1, s_window_s=0.2, **OPTIONS
    )
    true = made.picks.assign(truth=made.truth).merge(
        result.picks, on=["station_id", "phase", "time"]
    )
    found = true.groupby("event_id")["truth"].agg(lambda t: t.mode()[0])
    right = true["truth"] == true["event_id"].map(found)
    of_found = made.truth[np.isin(made.truth, found)]
    assert right.sum() >= 0.95 * len(of_found)
    assert right.mean() >= 0.97


def test_depths_that_are_not_known_are_flagged(made):
    deep = associate(made.picks, made.stations, **OPTIONS | {"max_depth_km": 4.0})
    at_limit = deep.events["depth_km"] >= 4
    assert at_limit.mean() > 0.5
    assert (deep.events.loc[at_limit, "depth_flag"] == "bound").all()


def test_station_terms_explain_residuals(made, tmp_path):
    """Found from residuals; given to another run, they are taken off the picks."""
    rng = np.random.default_rng(3)
    terms = dict(zip(made.stations["station_id"], rng.normal(0, 0.3, 20), strict=True))
    late = made.picks["station_id"].map(terms)
    picks = made.picks.assign(time=made.picks["time"] + pd.to_timedelta(late, unit="s"))

    def root_mean_square(**more):
        result = associate(picks, made.stations, **OPTIONS, **more)
        return result, np.sqrt((result.picks["residual_s"] ** 2).mean())

    (_, without), (result, estimated) = (
        root_mean_square(estimate_station_terms=flag) for flag in (False, True)
    )
    assert estimated < 0.7 * without
    path = tmp_path / "terms.csv"
    write_station_terms(result.station_terms, path)
    assert root_mean_square(station_terms=str(path))[1] < 0.75 * without
    p_terms = read_station_terms(path).query("phase == 'P'")
    assert np.corrcoef(p_terms["term_s"], p_terms["station_id"].map(terms))[0, 1] > 0.8


def test_quakeml_has_uncertainties(located, made, tmp_path):
    result = located[0]
    path = tmp_path / "events.xml"
    write_association(result.events, result.picks, path)
    row = result.events.iloc[0]
    event = next(
        e
        for e in obspy.read_events(path)
        if abs(e.origins[0].time - obspy.UTCDateTime(row["time"])) < 1e-4
    )
    origin = event.origins[0]
    assert origin.depth_errors.uncertainty == pytest.approx(
        1000 * row["depth_error_km"]
    )
    assert origin.latitude_errors.uncertainty == pytest.approx(
        row["latitude_error_km"] / 111.195
    )
    assert origin.time_errors.uncertainty == pytest.approx(row["time_error_s"])
    ellipse = origin.origin_uncertainty
    assert ellipse.max_horizontal_uncertainty == pytest.approx(
        1000 * row["max_horizontal_error_km"]
    )
    assert ellipse.preferred_description == "uncertainty ellipse"
    assert 0 <= origin.arrivals[0].time_weight <= 1


@pytest.mark.parametrize("kept", ["four stations", "P only"])
def test_limits_fit_the_network(made, kept):
    picks = made.picks
    few = picks["station_id"] < "XX.S004."
    picks = picks[few] if kept == "four stations" else picks[picks["phase"] == "P"]
    result = associate(picks, made.stations, **OPTIONS)
    assert result.summary["adapted"]
    assert len(result.events) > 50
    given = associate(picks, made.stations, min_picks=9, min_s_picks=2, **OPTIONS)
    assert "min_picks" not in given.summary["adapted"]
    assert len(given.events) == 0


def test_events_of_known_picks_keep_their_names_and_are_located(made):
    names = np.where(made.truth >= 0, "e" + pd.Series(made.truth).astype(str), "")
    some = np.isin(made.truth, [-1, 3, 4, 5])
    picks = made.picks.assign(event_id=names)[some]
    # One pick whose event is not known.
    free = picks.index[picks["event_id"] == "e4"][5]
    picks.loc[free, "event_id"] = ""
    result = associate(picks, made.stations, "known", velocity=VELOCITY)
    assert list(result.events["event_id"]) == ["e3", "e4", "e5"]
    true = made.events.iloc[3:6].reset_index(drop=True)
    km = 111.19 * np.hypot(
        result.events["latitude"] - true["latitude"],
        (result.events["longitude"] - true["longitude"]) * 0.9,
    )
    assert (km < 1).all()
    own = result.picks["event_id"] == "e4"
    assert made.picks.loc[free, "time"] in set(result.picks.loc[own, "time"])
    with pytest.raises(ValueError, match="event_id"):
        associate(made.picks, made.stations, "known", velocity=VELOCITY)
