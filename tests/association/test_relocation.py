"""Locations: how far off they are, how large they say their errors are, and their picks."""

import numpy as np
import pandas as pd
import pytest
from made_networks import VELOCITY, made_network

from seisbench_diting.association import associate, compare
from seisbench_diting.tables import write_station_terms

OPTIONS = {"velocity": VELOCITY, "max_depth_km": 30.0, "max_spread_s": 3.0}


@pytest.fixture(scope="module")
def made():
    return made_network(1, 150, duration_s=9000.0, false=0.05)


def test_intervals_cover_the_truth(made):
    result = associate(made.picks, made.stations, **OPTIONS)
    pairs = compare(result.events, made.events, max_time_s=3, max_distance_km=15).common
    events = result.events.set_index("event_id").loc[pairs["a_event_id"]].reset_index()
    assert len(pairs) >= 140
    longest, shortest = (
        events[f"{name}_horizontal_error_km"] for name in ("max", "min")
    )
    assert (shortest <= longest).all()
    turn = np.exp(1j * np.radians(events["max_error_azimuth_deg"]))
    away = (pairs["north_km"] + 1j * pairs["east_km"]) / turn
    in_ellipse = np.hypot(np.real(away) / longest, np.imag(away) / shortest) < 1
    # 68 %, and by chance as much as 12 % more or less.
    assert 0.56 <= in_ellipse.mean() <= 0.8
    for column, error in (
        ("depth_difference_km", "depth_error_km"),
        ("north_km", "latitude_error_km"),
        ("east_km", "longitude_error_km"),
        ("time_difference_s", "time_error_s"),
    ):
        assert 0.56 <= (pairs[column].abs() < events[error]).mean() <= 0.8, column


def test_an_outlier_does_not_pull_an_event(made):
    one, other = (made.picks[made.truth == x] for x in made.events["event_id"][20:22])
    picks = pd.concat([one, other])
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
    windows = {"p_window_s": 0.1, "s_window_s": 0.2}
    result = associate(made.picks, made.stations, **windows, **OPTIONS)
    picks = made.picks.assign(truth=made.truth)
    picks = picks.merge(result.picks, on=["station_id", "phase", "time"])
    found = picks.groupby("event_id")["truth"].agg(lambda truth: truth.mode()[0])
    right = picks["truth"] == picks["event_id"].map(found)
    assert right.sum() >= 0.95 * np.isin(made.truth, found).sum()
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
    p_terms = result.station_terms.query("phase == 'P'")
    assert np.corrcoef(p_terms["term_s"], p_terms["station_id"].map(terms))[0, 1] > 0.8


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
    known = ["e" + name for name in made.events["event_id"][3:6]]
    names = np.where(made.truth == "", "", "e" + made.truth)
    picks = made.picks.assign(event_id=names)[np.isin(names, ["", *known])]
    # One pick whose event is not known.
    free = picks.index[picks["event_id"] == known[1]][5]
    picks.loc[free, "event_id"] = ""
    result = associate(picks, made.stations, "known", velocity=VELOCITY)
    assert list(result.events["event_id"]) == known
    limits = {"max_time_s": 1.0, "max_distance_km": 1.0}
    assert len(compare(result.events, made.events[3:6], **limits).common) == 3
    own = result.picks["event_id"] == known[1]
    assert made.picks.loc[free, "time"] in set(result.picks.loc[own, "time"])
    with pytest.raises(ValueError, match="event_id"):
        associate(made.picks, made.stations, "known", velocity=VELOCITY)


def test_picks_that_almost_fit_at_the_nearest_stations_are_told(made):
    one = made.picks[made.truth == made.events["event_id"][20]]
    located = associate(one, made.stations, **OPTIONS).picks
    near = located[located["phase"] == "P"].nsmallest(1, "epicentral_distance_km")
    others = made.picks[np.isin(made.truth, made.events["event_id"][15:20])]
    late = pd.concat([one, others])
    at = late["time"].isin(one["time"]) & (late["phase"] == "P")
    at &= late["station_id"].isin(near["station_id"])
    late.loc[at, "time"] += pd.Timedelta(seconds=1.5)

    # The name of the event.
    with pytest.warns(UserWarning, match="20220409T"):
        result = associate(late, made.stations, **OPTIONS)

    assert result.summary["picks_that_almost_fit"] == 1
    assert list(result.not_used["time"]) == list(late["time"][at])
    # The last one by time is not the last one by score.
    assert result.events["event_id"].iloc[-1] in result.not_used["reason"].iloc[0]
