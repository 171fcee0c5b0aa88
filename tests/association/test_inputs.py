"""What is done with picks and stations of all kinds before they are associated."""

import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_networks import VELOCITY, made_network
from scoring import shares

from seisbench_diting.association import associate, method_settings, options_of
from seisbench_diting.association.core import Projection, find_method, make_network
from seisbench_diting.tables import check_association

OPTIONS = {"velocity": VELOCITY, "max_depth_km": 20.0}


@pytest.fixture(scope="module")
def made():
    return made_network(1, 12)


def test_order_of_picks_and_stations_does_not_matter(made):
    first = associate(made.picks, made.stations, **OPTIONS)
    again = associate(
        made.picks.sample(frac=1, random_state=0),
        made.stations.sample(frac=1, random_state=1),
        **OPTIONS,
    )

    pd.testing.assert_frame_equal(first.events, again.events)
    pd.testing.assert_frame_equal(first.picks, again.picks)
    assert len(first.events) >= 11


def test_unknown_stations_are_counted_and_the_rest_goes_on(made):
    stations = made.stations.iloc[2:]
    lost = made.picks[made.picks["station_id"].isin(made.stations["station_id"][:2])]

    result = associate(made.picks, stations, **OPTIONS)

    assert result.summary["picks_left_out"] == {"station unknown": len(lost)}
    assert set(result.not_used["station_id"]) == set(lost["station_id"])
    assert shares(result, made.events)[1] > 0.9


def test_no_station_known(made):
    with pytest.raises(
        ValueError, match=r"None of the 20 stations of picks, such as 'XX\.S"
    ):
        associate(
            made.picks,
            made.stations.assign(
                station_id=made.stations["station_id"].str.replace("XX", "YY")
            ),
        )


def test_a_station_without_location_stands_for_all(made):
    picks = made.picks.assign(station_id=made.picks["station_id"] + "00")

    assert len(associate(picks, made.stations, **OPTIONS).events) >= 11


def test_picks_that_are_given_twice(made):
    twice = pd.concat([made.picks, made.picks.assign(probability=0.2)])

    network = make_network(twice, made.stations)

    assert network.not_used["reason"].to_list() == ["given twice"] * len(made.picks)
    assert (network.picks["probability"] > 0.2).all()


def test_doubles_in_a_row_are_compared_with_the_one_that_stays(made):
    row = made.picks.iloc[:1]
    times = row["time"].iloc[0] + pd.to_timedelta(np.arange(100) * 5, unit="ms")
    picks = pd.concat([row] * 100).assign(time=times)

    network = make_network(picks, made.stations)

    # Half a second of picks is more than one.
    assert len(network.picks) == 50


def test_locations_of_a_station_count_once(made):
    """Two sensors a few metres apart."""
    picks, stations = made.picks, made.stations
    at_10 = stations["station_id"] + "10"
    moved = stations.assign(station_id=at_10, latitude=stations["latitude"] + 5e-5)
    again = picks.assign(
        station_id=picks["station_id"] + "10",
        time=picks["time"] + pd.Timedelta("50ms"),
    )

    result = associate(
        pd.concat([picks, again]), pd.concat([stations, moved]), velocity=VELOCITY
    )

    assert len(result.events) == len(made.events)
    station = result.picks["station_id"].str.rsplit(".", n=1).str[0]
    one = result.picks.assign(station=station).groupby(["event_id", "station", "phase"])
    assert one.size().max() == 1


def test_doubles_do_not_depend_on_their_order(made):
    picks = pd.concat([made.picks.iloc[:50]] * 3)

    network = make_network(picks.sample(frac=1, random_state=3), made.stations)

    assert len(network.picks) == 50


@pytest.mark.parametrize("column", ["time", "probability"])
def test_nan_is_refused(made, column):
    picks = made.picks.copy()
    picks.loc[3, column] = np.nan

    with pytest.raises(ValueError, match=rf"picks\['{column}'\]"):
        associate(picks, made.stations)


def test_no_picks_are_no_events(made):
    result = associate(made.picks.iloc[:0], made.stations)

    assert len(result.events) == len(result.picks) == 0
    assert result.summary["events"] == 0


def test_no_stations(made):
    with pytest.raises(ValueError, match="stations is empty"):
        associate(made.picks, made.stations.iloc[:0])


@pytest.mark.parametrize("method", ["real", "lppn"])
def test_one_station_is_no_event(made, method):
    picks = made.picks[made.picks["station_id"] == "XX.S003."]

    result = associate(picks, made.stations, method, **OPTIONS)

    assert len(result.events) == 0


def test_stations_of_the_whole_world_are_refused(made):
    far = made.stations.copy()
    far.loc[0, ["latitude", "longitude"]] = [-30.0, -80.0]

    with pytest.raises(ValueError, match="regional networks"):
        associate(made.picks, far)


@pytest.mark.parametrize(
    ("place", "start"),
    [
        ({"latitude": -17.0, "longitude": 179.95}, "2022-04-09"),
        ({"latitude": 66.0, "longitude": -179.99}, "2022-04-09"),
        ({}, "1968-12-31T23:55:00"),
        ({"elevation_m": (3000.0, 5000.0)}, "2022-04-09"),
        ({"elevation_m": (-4000.0, -2000.0)}, "2022-04-09"),
    ],
    ids=["date line", "date line, north", "before 1970", "summits", "sea floor"],
)
@pytest.mark.parametrize("method", ["real", "lppn"])
def test_places_and_times(method, place, start):
    made = made_network(2, 10, start=start, **place)

    result = associate(made.picks, made.stations, method, **OPTIONS)

    precision, recall = shares(result, made.events, seconds=2.0)
    assert precision >= 0.9
    assert recall >= 0.9
    assert result.events["longitude"].between(-180, 180).all()


def test_the_tables_belong_together(made):
    result = associate(made.picks, made.stations, **OPTIONS)
    events, picks = check_association(result.events, result.picks)

    counts = picks.groupby("event_id").size()
    assert (events.set_index("event_id")["pick_count"] == counts).all()
    assert (events["p_count"] + events["s_count"] == events["pick_count"]).all()
    assert (events["both_count"] <= events["s_count"]).all()
    assert events["azimuthal_gap_deg"].between(0, 360).all()
    doubled = picks.assign(kind=picks["phase"].str[0])
    assert not doubled.duplicated(["event_id", "station_id", "kind"]).any()
    residual = (picks["time"] - picks["theoretical_time"]).dt.total_seconds()
    np.testing.assert_allclose(residual, picks["residual_s"], atol=2e-6)


# Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "rael"}, "method='rael': .* did you mean 'real'"),
        ({"min_pick": 3}, "min_pick=3: .* did you mean 'min_picks'"),
        ({"min_picks": -1}, "min_picks=-1: "),
        ({"min_picks": "many"}, "min_picks='many': "),
        ({"grid_km": 0.0}, "grid_km=0.0: "),
        ({"grid_km": np.nan}, "grid_km=nan: "),
        ({"grid_km": 20.0, "search_km": 10.0}, "search_km=10.0: "),
        ({"grid_km": 0.01}, "nodes"),
        ({"max_depth_km": 10_000.0}, "max_depth_km=10000.0: "),
        ({"velocity": "3.5/6.2"}, "velocity='3.5/6.2' must be P/S"),
        ({"velocity": "6.2"}, "velocity='6.2' must be P/S"),
        ({"velocity": "earth"}, "'earth'"),
        ({"R": "0.1/20"}, r"R='0.1/20' must be rx/rh/tdx/tdh/tint"),
        ({"S": "a/b"}, r"S='a/b' must be np0/ns0"),
    ],
)
def test_wrong_options(made, options, message):
    with pytest.raises(ValueError, match=message):
        associate(made.picks, made.stations, **options)


def test_a_velocity_file_that_is_not_there(made):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.nd"):
        associate(made.picks, made.stations, velocity="nowhere.nd")


def test_options_have_defaults():
    assert options_of("real")["min_p_picks"] == 3
    assert options_of("lppn")["window_s"] == 30.0
    assert method_settings("real", grid_km=1).grid_km == 1


@pytest.mark.parametrize(
    ("method", "package", "extra"),
    [
        ("real", "numba", "associate"),
        ("pyocto", "pyocto", "pyocto"),
        ("gamma", "gamma.utils", "gamma"),
    ],
)
def test_without_a_library_the_error_says_what_to_install(
    monkeypatch, method, package, extra
):
    monkeypatch.setitem(sys.modules, package, None)
    for name in ("greedy", method):
        name = f"seisbench_diting.association.{name}"
        monkeypatch.delitem(sys.modules, name, raising=False)

    with pytest.raises(ImportError, match=rf"method='{method}'.*\[{extra}\]'"):
        find_method(method)


# The plane


@given(
    latitude=st.floats(-89, 89),
    longitude=st.floats(-180, 180),
    east=st.floats(-300, 300),
    north=st.floats(-300, 300),
)
@settings(deadline=None)
def test_there_and_back(latitude, longitude, east, north):
    plane = Projection(latitude, longitude)

    x, y = plane.to_km(*plane.to_degrees(east, north))

    assert abs(x - east) < 1e-6
    assert abs(y - north) < 1e-6


@pytest.mark.parametrize("latitude", [-75.0, -20.0, 0.0, 42.7, 68.0])
def test_distances_are_those_of_the_ellipsoid(latitude):
    from obspy.geodetics import gps2dist_azimuth

    rng = np.random.default_rng(0)
    plane = Projection(latitude, 179.9)
    lat, lon = plane.to_degrees(*rng.uniform(-150, 150, (2, 20)))
    x, y = plane.to_km(lat, lon)

    for i, j in rng.integers(0, 20, (40, 2)):
        metres, azimuth, _ = gps2dist_azimuth(lat[i], lon[i], lat[j], lon[j])
        distance = np.hypot(x[j] - x[i], y[j] - y[i])
        direction = np.degrees(np.arctan2(x[j] - x[i], y[j] - y[i]))
        assert abs(distance - metres / 1000) <= 1e-3 * metres / 1000 + 1e-6
        if metres > 10_000 and abs(latitude) < 60:
            assert abs((direction - azimuth + 180) % 360 - 180) < 2
