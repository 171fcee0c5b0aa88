"""How picks and stations of all kinds are associated, whatever the method."""

import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_networks import VELOCITY, made_network, shares

from seisbench_diting.association import associate
from seisbench_diting.association.core import Projection, find_method, make_network
from seisbench_diting.tables import check_association

OPTIONS = {"velocity": VELOCITY, "max_depth_km": 20.0}


@pytest.fixture(scope="module")
def made():
    return made_network(1, 12)


def test_order_of_picks_and_stations_does_not_matter(made):
    tables = made.picks, made.stations
    first = associate(*tables, **OPTIONS)
    again = associate(*(table.sample(frac=1) for table in tables), **OPTIONS)

    pd.testing.assert_frame_equal(first.events, again.events)
    pd.testing.assert_frame_equal(first.picks, again.picks)
    assert len(first.events) >= 11


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


def test_unknown_stations_are_counted_and_the_rest_goes_on(made):
    lost = made.picks["station_id"].isin(made.stations["station_id"][:2])

    result = associate(made.picks, made.stations.iloc[2:], **OPTIONS)

    assert result.summary["picks_left_out"] == {"station unknown": lost.sum()}
    assert set(result.not_used["station_id"]) == set(made.picks["station_id"][lost])
    assert shares(result, made.events)[1] > 0.9


def test_a_station_far_away_is_left_out(made):
    far = made.stations.copy()
    far.loc[3, ["latitude", "longitude"]] = -40.0, 10.0
    name = far["station_id"][3]

    result = associate(made.picks, far, **OPTIONS)

    number = (made.picks["station_id"] == name).sum()
    left_out = {"station far from the others": number}
    assert result.summary["picks_left_out"] == left_out
    assert shares(result, made.events)[1] > 0.9


def test_a_station_that_is_moved_between_its_picks(made):
    """Its picks after the middle, at a place 20 km away, are those of another station."""
    name, middle = made.stations["station_id"][3], made.picks["time"].median()
    here = made.stations[made.stations["station_id"] == name]
    rows = [
        made.stations[made.stations["station_id"] != name],
        here.assign(end_time=middle),
        here.assign(latitude=here["latitude"] + 0.2, start_time=middle),
    ]
    network = make_network(made.picks, pd.concat(rows))

    number = network.station[network.picks["station_id"] == name]
    is_late = network.picks["time"][network.picks["station_id"] == name] >= middle
    apart = network.distances_km[number[0], number[-1]]
    assert apart == pytest.approx(22.2, abs=0.2)
    assert [len(set(number[is_late == late])) for late in (False, True)] == [1, 1]
    assert len(associate(made.picks, pd.concat(rows), **OPTIONS).events) >= 10


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"min_picks": 41}, "min_picks=41"),
        ({"min_p_picks": 21}, "min_p_picks=21"),
        ({"min_s_picks": 1, "phase": "P"}, "min_s_picks=1"),
        ({"min_s_picks": 0, "min_both": 2, "phase": "P"}, "min_both=2"),
    ],
)
def test_what_cannot_be_found_is_told_before(made, options, named):
    picks = made.picks.assign(phase=options.pop("phase", made.picks["phase"]))
    with pytest.warns(UserWarning, match=named):
        result = associate(picks, made.stations, **OPTIONS, **options)
    assert len(result.events) == 0


def test_locations_of_a_station_count_once(made):
    """Two sensors a few metres apart."""
    at_10 = made.stations["station_id"] + "10", made.stations["latitude"] + 5e-5
    moved = made.stations.assign(station_id=at_10[0], latitude=at_10[1])
    later = made.picks["time"] + pd.Timedelta("50ms")
    again = made.picks.assign(station_id=made.picks["station_id"] + "10", time=later)

    result = associate(
        pd.concat([made.picks, again]), pd.concat([made.stations, moved]), **OPTIONS
    )

    assert len(result.events) == len(made.events)
    station = result.picks["station_id"].str.rsplit(".", n=1).str[0]
    one = result.picks.assign(station=station).groupby(["event_id", "station", "phase"])
    assert one.size().max() == 1


def test_picks_that_are_given_several_times(made):
    less = made.picks.assign(probability=0.2)
    picks = pd.concat([made.picks, made.picks, less])

    network = make_network(picks.sample(frac=1), made.stations)

    assert network.not_used["reason"].to_list() == ["given twice"] * 2 * len(made.picks)
    assert (network.picks["probability"] > 0.2).all()


@pytest.mark.parametrize("method", ["real", "lppn"])
def test_no_picks_or_one_station_are_no_events(made, method):
    of_one = made.picks[made.picks["station_id"] == "XX.S003."]
    for picks in (made.picks[:0], of_one):
        result = associate(picks, made.stations, method, **OPTIONS)

        assert len(result.events) == len(result.picks) == result.summary["events"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p, s: (p.assign(time=pd.NaT), s), r"picks\['time'\]"),
        (lambda p, s: (p.assign(probability=np.nan), s), r"picks\['probability'\]"),
        (lambda p, s: (p, s.iloc[:0]), "stations is empty"),
        (lambda p, s: (p, s.assign(station_id="YY.A.")[:1]), "None of the 20 stations"),
        (lambda p, s: (p, s.assign(longitude=np.arange(20) * 6)), "regional networks"),
    ],
)
def test_tables_that_cannot_be_used(made, change, message):
    with pytest.raises(ValueError, match=message):
        associate(*change(made.picks, made.stations))


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

    assert min(shares(result, made.events, seconds=2.0)) >= 0.9
    assert result.events["longitude"].between(-180, 180).all()


# Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "rael"}, "method='rael': .* did you mean 'real'"),
        ({"min_pick": 3}, "min_pick=3: .* did you mean 'min_picks'"),
        ({"min_picks": -1}, "min_picks=-1: "),
        ({"grid_km": 0.01}, r"grid_km=0.01: .*nodes"),
        ({"max_depth_km": 10_000.0}, "max_depth_km=10000.0: "),
        ({"velocity": "3.5/6.2"}, "velocity='3.5/6.2' must be P/S"),
        ({"velocity": "earth"}, "'earth'"),
        ({"S": "a/b"}, "S='a/b': "),
    ],
)
def test_wrong_options(made, options, message):
    with pytest.raises(ValueError, match=message):
        associate(made.picks, made.stations, **options)


@pytest.mark.parametrize(
    ("method", "package", "extra"),
    [
        ("real", "numba", "associate"),
        ("pyocto", "pyocto", "pyocto"),
        ("gamma", "gamma.utils", "gamma"),
    ],
)
def test_errors_of_missing_libraries(monkeypatch, method, package, extra):
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(ImportError, match=rf"method='{method}'.*\[{extra}\]'"):
        find_method(method)


# The plane


@given(st.floats(-89, 89), st.floats(-180, 180), st.floats(-300, 300))
@settings(deadline=None)
def test_there_and_back(latitude, longitude, km):
    plane = Projection(latitude, longitude)

    back = plane.to_km(*plane.to_degrees(km, 100.0))

    assert np.abs(np.subtract(back, [km, 100.0])).max() < 1e-6


@pytest.mark.parametrize("latitude", [-75.0, -20.0, 0.0, 42.7, 68.0])
def test_distances_are_those_of_the_ellipsoid(latitude):
    from obspy.geodetics import gps2dist_azimuth

    rng = np.random.default_rng(0)
    plane = Projection(latitude, 179.9)
    lat, lon = plane.to_degrees(*rng.uniform(-150, 150, (2, 20)))
    x, y = plane.to_km(lat, lon)

    for i, j in rng.integers(0, 20, (40, 2)):
        metres = gps2dist_azimuth(lat[i], lon[i], lat[j], lon[j])[0]
        distance = np.hypot(x[j] - x[i], y[j] - y[i])
        assert distance == pytest.approx(metres / 1000, rel=1e-3)
