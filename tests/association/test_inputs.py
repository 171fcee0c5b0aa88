"""How picks and stations of all kinds are associated, whatever the method."""

import sys

import numpy as np
import pandas as pd
import pytest
from made_networks import VELOCITY, made_network, shares
from obspy.geodetics import gps2dist_azimuth

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
    assert not picks.duplicated(["event_id", "station_id", "phase"]).any()
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


def test_a_pick_and_a_station_count_once(made):
    """Picks that are given twice, and two sensors a few metres apart."""
    ids, latitude = made.stations["station_id"], made.stations["latitude"]
    beside = made.stations.assign(station_id=ids + "10", latitude=latitude + 5e-5)
    ids, time = made.picks["station_id"], made.picks["time"]
    again = made.picks.assign(station_id=ids + "10", time=time + pd.Timedelta("50ms"))
    picks = pd.concat([made.picks, made.picks.assign(probability=0.2), again])

    result = associate(picks, pd.concat([made.stations, beside]), **OPTIONS)

    assert len(result.events) == len(made.events)
    assert result.summary["picks_left_out"] == {"given twice": len(made.picks)}
    assert (result.picks["probability"] > 0.2).all()
    names = result.picks["station_id"].str.rsplit(".", n=1).str[0]
    one = result.picks.assign(name=names).groupby(["event_id", "name", "phase"])
    assert one.size().max() == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
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
    "place",
    [
        {"latitude": 66.0, "longitude": -179.99},
        {"start": "1968-12-31T23:58:00", "elevation_m": (3000.0, 5000.0)},
        {"elevation_m": (-4000.0, -2000.0)},
    ],
    ids=["date line", "summits before 1970", "sea floor"],
)
@pytest.mark.parametrize("method", ["real", "lppn"])
def test_events_are_found_at_all_places_and_times(method, place):
    made = made_network(2, 10, **place)

    result = associate(made.picks, made.stations, method, **OPTIONS)

    assert min(shares(result, made.events, seconds=2.0)) >= 0.9
    assert result.events["longitude"].between(-180, 180).all()


# Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "rael"}, "method='rael': .* did you mean 'real'"),
        ({"min_pick": 3}, "min_pick=3: .* did you mean 'min_picks'"),
        ({"grid_km": 0.01}, r"grid_km=0.01: .*nodes"),
        ({"velocity": "3.5/6.2"}, "velocity='3.5/6.2'"),
        ({"S": "a/b"}, "S='a/b': "),
    ],
)
def test_wrong_options(made, options, message):
    with pytest.raises(ValueError, match=message):
        associate(made.picks, made.stations, **options)


@pytest.mark.parametrize(
    ("method", "package", "extra"),
    [("real", "numba", "associate"), ("gamma", "gamma.utils", "gamma")],
)
def test_a_library_that_is_missing_is_named(monkeypatch, method, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"method='{method}'.*\[{extra}\]'"):
        find_method(method)


@pytest.mark.parametrize("latitude", [-75.0, 0.0, 42.7])
def test_distances_in_the_plane_are_those_of_the_ellipsoid(latitude, rng):
    plane = Projection(latitude, 179.9)
    x, y = rng.uniform(-150, 150, (2, 20))
    lat, lon = plane.to_degrees(x, y)
    np.testing.assert_allclose(plane.to_km(lat, lon), [x, y], atol=1e-6)
    for i, j in rng.integers(0, 20, (40, 2)):
        metres = gps2dist_azimuth(lat[i], lon[i], lat[j], lon[j])[0]
        distance = np.hypot(x[j] - x[i], y[j] - y[i])
        assert distance == pytest.approx(metres / 1000, rel=1e-3)
