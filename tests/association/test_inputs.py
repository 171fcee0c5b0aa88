"""How picks and stations of all kinds are associated, whatever the method."""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_networks import P_KM_S, S_KM_S, VELOCITY, associate_by, made_network, shares

from benchmarks.association import COARSE, LIMITS, read_italy, velocity
from seisbench_diting.association import associate, compare
from seisbench_diting.association.core import find_method, make_network
from seisbench_diting.tables import check_association

OPTIONS = {"velocity": VELOCITY, "max_depth_km": 20.0}
METHODS = ["real", "lppn", "pyocto", "gamma"]


def write_table(path, deepest_km=20.0):
    """As REAL's taup_tt.py writes them."""
    degrees, depth = np.meshgrid(
        np.arange(0, 1.001, 0.01), np.arange(0, deepest_km + 0.1)
    )
    way = np.hypot(degrees * 111.195, depth)
    columns = degrees, depth, way / P_KM_S, way / S_KM_S, 0 * way
    np.savetxt(path, np.stack(columns, axis=-1).reshape(-1, 5), "%.4f", footer="p s")
    return str(path)


@pytest.fixture(scope="module")
def made():
    return made_network(1, 12)


def test_stations_unknown_and_far_away_are_counted_and_the_rest_goes_on(made):
    stations = made.stations.iloc[2:].copy()
    stations.loc[3, ["latitude", "longitude"]] = -40.0, 10.0

    result = associate(made.picks, stations, **OPTIONS)

    counts = made.picks["station_id"].value_counts()[made.stations["station_id"]]
    unknown, far = counts.iloc[:2].sum(), counts.iloc[3]
    left_out = sorted(result.summary["picks_left_out"].values())
    assert left_out == sorted([unknown, far])
    assert len(result.not_used) == unknown + far
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
    "change",
    [
        lambda stations: stations.iloc[:0],
        lambda stations: stations.assign(station_id="YY.A.")[:1],
        lambda stations: stations.assign(longitude=np.arange(20) * 6),
    ],
    ids=["none", "none of the picks", "far apart"],
)
def test_stations_that_cannot_be_used_are_refused(made, change):
    with pytest.raises(ValueError, match="stations"):
        associate(made.picks, change(made.stations))


@pytest.mark.parametrize(
    "place",
    [
        {"latitude": 66.0, "longitude": -179.99},
        {"start": "1968-12-31T23:58:00", "elevation_m": (3000.0, 5000.0)},
        {"elevation_m": (-4000.0, -2000.0)},
    ],
    ids=["date line", "summits before 1970", "sea floor"],
)
@pytest.mark.parametrize("method", METHODS)
def test_events_are_found_at_all_places_and_times(method, place):
    made = made_network(2, 5, **place)

    result = associate_by(method, made)

    assert shares(result, made.events, seconds=2.0) == (1, 1)
    assert result.events["longitude"].between(-180, 180).all()
    true = made.picks[made.truth != ""]
    both = true.merge(result.picks, "inner", ["station_id", "phase", "time"])
    assert len(both) > 0.95 * max(len(true), len(result.picks))


@pytest.mark.parametrize("method", METHODS)
def test_events_satisfy_the_limits(method):
    made = made_network(4, 5, false=1.0, missing=0.3)
    limits = {"min_picks": 9, "min_p_picks": 4, "min_s_picks": 3, "min_both": 2}

    result = associate_by(method, made, **limits)

    events, picks = check_association(result.events, result.picks)
    assert len(events) > 0
    columns = ["pick_count", "p_count", "s_count", "both_count"]
    assert (events[columns] >= list(limits.values())).all(axis=None)
    counts = picks.groupby("event_id").size()
    assert (events.set_index("event_id")["pick_count"] == counts).all()
    assert np.isfinite(events[["depth_km", "rms_residual_s"]]).all(axis=None)
    assert events["azimuthal_gap_deg"].between(0, 360).all()
    assert not picks.duplicated(["station_id", "phase", "time"]).any()
    assert not picks.duplicated(["event_id", "station_id", "phase"]).any()
    residual = (picks["time"] - picks["theoretical_time"]).dt.total_seconds()
    np.testing.assert_allclose(residual, picks["residual_s"], atol=2e-6)


@pytest.mark.parametrize("method", METHODS)
def test_threads_and_the_order_of_rows_do_not_matter(method, capfd):
    made = made_network(5, 4)
    options = {"max_cluster_picks": 100} if method == "gamma" else {}
    mixed = replace(made, stations=made.stations.sample(frac=1))
    one = associate_by(method, made, **options)
    again = associate_by(method, mixed, made.picks.sample(frac=1), threads=2, **options)

    assert shares(one, made.events, 1.0, 3.0) == (1.0, 1.0)
    pd.testing.assert_frame_equal(one.events, again.events)
    pd.testing.assert_frame_equal(one.picks, again.picks)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("method", ["pyocto", "gamma"])
@pytest.mark.filterwarnings("ignore:No event can be found")
def test_one_phase_is_enough_where_it_may_be(method):
    made = made_network(7, 3)
    picks = made.picks[made.picks["phase"] == "S"]
    assert len(associate_by(method, made, picks).events) == 0
    none = {"min_p_picks": 0, "min_s_picks": 0, "min_both": 0}
    result = associate_by(method, made, picks, **none)
    assert shares(result, made.events, 3.0, 10.0)[1] == 1.0


@pytest.mark.filterwarnings("ignore:No event can be found")
@pytest.mark.parametrize("method", METHODS)
def test_too_few_picks_are_no_events(method, made):
    of_one = made.picks["station_id"] == "XX.S003."
    for picks in (made.picks[:0], made.picks[:1], made.picks[of_one]):
        assert len(associate_by(method, made, picks).events) == 0


def test_dense_picks_are_told_before_the_work():
    pytest.importorskip("pyocto")
    made = made_network(5, 8, duration_s=30)
    many = {"min_picks": 25, "min_p_picks": 12, "min_s_picks": 12}
    with pytest.warns(UserWarning, match="method='real'"):
        associate_by("pyocto", made, **many)


@pytest.mark.parametrize("method", ["real", "lppn", "pyocto"])
def test_a_table_of_travel_times_gives_the_same_events(tmp_path, method):
    """Also one that is no deeper than events are searched."""
    made = made_network(6, 5, elevation_m=(0.0, 1.0))
    constant = associate_by(method, made)
    table = associate_by(method, made, velocity=write_table(tmp_path / "ttdb.txt"))
    assert len(constant.events) >= 4
    assert shares(table, constant.events, 0.1, 0.5) == (1, 1)


@pytest.mark.parametrize(
    ("method", "minutes", "options", "share"),
    [
        ("real", 60, COARSE, 0.93),
        ("pyocto", 60, LIMITS, 0.9),
        ("gamma", 12, LIMITS, 0.9),
    ],
)
def test_the_first_minutes_of_central_italy(reference, method, minutes, options, share):
    italy = read_italy()
    end = italy.picks["time"].dt.floor("D")[0] + pd.Timedelta(minutes=minutes)
    picks = italy.picks[italy.picks["time"] < end]
    golden = italy.events[italy.events["time"] < end - pd.Timedelta(minutes=1)]

    result = associate_by(method, italy, picks, velocity=velocity(), **options)

    found = compare(golden, result.events)
    assert found.share_of_a >= share
    assert len(result.events) <= 1.4 * len(golden)
    if method == "real":
        assert found.common["distance_km"].median() < 2
        spread = result.picks.groupby(result.picks["phase"])["residual_s"].std()
        assert spread["P"] < 0.2
        assert spread["S"] < 0.4


# Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "rael"}, "method='rael'.*'real'"),
        ({"min_pick": 3}, "min_pick=3.*'min_picks'"),
        ({"method": "lppn", "grid_km": 0.1, "margin_km": 100.0}, r"grid_km=0\.1"),
        ({"velocity": "3.5/6.2"}, "velocity='3.5/6.2'"),
        ({"velocity": "shallow.txt"}, "shallow.txt"),
    ],
)
def test_wrong_options_are_named(made, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_table("shallow.txt", deepest_km=15.0)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        associate(made.picks, made.stations, **options)


def test_a_library_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(ImportError, match=r"method='real'.*\[associate\]'"):
        find_method("real")
