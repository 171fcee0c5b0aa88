"""REAL: its own words, real picks, and events whose origins are known."""

import numpy as np
import pandas as pd
import pytest
from made_networks import P_KM_S, S_KM_S, VELOCITY, made_network, shares

from benchmarks.association import COARSE, read_italy, velocity
from benchmarks.association_truth import make_sequence
from seisbench_diting.association import associate, compare, method_settings
from seisbench_diting.tables import station_table

OPTIONS = {"velocity": VELOCITY, "max_depth_km": 20.0}


@pytest.fixture(scope="module")
def stations():
    rng = np.random.default_rng(7)
    columns = {
        "station_id": [f"XX.A{number:02d}." for number in range(50)],
        "latitude": rng.uniform(42.45, 43.15, 50),
        "longitude": rng.uniform(12.8, 13.7, 50),
        "elevation_m": rng.uniform(0, 1500, 50),
    }
    return station_table(pd.DataFrame(columns))


def test_the_words_of_the_program():
    options = method_settings("real", **COARSE).model_dump()

    expected = {"min_p_picks": 3, "min_s_picks": 2, "min_picks": 12, "min_both": 3}
    expected |= {"max_spread_s": 0.5, "min_sp_s": 0.2, "event_interval_s": 5}
    expected |= {"max_depth_km": 20, "depth_grid_km": 2, "max_gap_deg": 360}
    degrees = {"grid_km": 0.04, "search_km": 0.1, "max_distance_km": 1.35}
    expected |= {name: value * 111.19 for name, value in degrees.items()}
    assert {name: options[name] for name in expected} == pytest.approx(expected)
    # The program prints 1.06 and 2.00 s for whole windows with these.
    assert options["p_window_s"] == pytest.approx(1.06 / 2, abs=0.0025)
    assert options["s_window_s"] == pytest.approx(2.00 / 2, abs=0.0025)
    assert method_settings("real", R="1/20/0.1/2/5/120/0.5").max_gap_deg == 120


def test_an_hour_of_central_italy(reference):
    italy = read_italy()
    hour = italy.picks[italy.picks["time"] < "2016-10-14T01:00"]
    result = associate(hour, italy.stations, velocity=velocity(), **COARSE)
    golden = italy.events[italy.events["time"] < "2016-10-14T00:59"]
    found = compare(golden, result.events)

    assert found.share_of_a >= 0.93
    assert len(result.events) <= 1.2 * len(golden)
    assert found.common["distance_km"].median() < 2
    spread = result.picks.groupby(result.picks["phase"])["residual_s"].std()
    assert spread["P"] < 0.2
    assert spread["S"] < 0.4


@pytest.mark.parametrize(
    ("per_minute", "number", "least"), [(1, 30, 0.97), (10, 50, 0.97), (60, 100, 0.7)]
)
def test_events_with_known_origins_are_found(stations, per_minute, number, least):
    truth = make_sequence(stations, "iasp91", per_minute, number=number)
    options = {"p_error_s": 0.12, "s_error_s": 0.12, "min_score": 18.0}

    result = associate(truth.picks, stations, max_depth_km=20.0, **options)
    found = compare(result.events, truth.events, max_time_s=1.0)

    f1 = 2 * len(found.common) / (len(result.events) + len(truth.events))
    assert f1 >= least
    assert found.common["distance_km"].median() < 0.5
    assert found.common["time_difference_s"].abs().median() < 0.05


def test_threads_and_silence_do_not_matter():
    """Nor do events where stretches of time meet: none is lost or doubled."""
    made = made_network(3, 90, duration_s=5400.0)
    later = made.picks.assign(time=made.picks["time"] + pd.Timedelta(days=365))
    both = pd.concat([made.picks, later])
    one, three = (
        associate(picks, made.stations, threads=threads, **OPTIONS)
        for picks, threads in ((made.picks, 1), (both, 3))
    )

    assert min(shares(one, made.events)) >= 0.98
    assert len(three.events) == 2 * len(one.events)
    # Expected errors follow from the residuals of the run, and so differ a little.
    apart = one.events["time"] - three.events["time"][: len(one.events)]
    assert apart.abs().max() < pd.Timedelta("1ms")
    columns = ["latitude", "longitude", "depth_km", "pick_count"]
    few = three.events[columns][: len(one.events)]
    pd.testing.assert_frame_equal(one.events[columns], few, rtol=0.01)


@pytest.mark.parametrize(
    ("name", "limit", "column"),
    [
        ("min_picks", 36, "pick_count"),
        ("min_p_picks", 18, "p_count"),
        ("min_s_picks", 18, "s_count"),
        ("min_both", 17, "both_count"),
        ("max_gap_deg", 60.0, "azimuthal_gap_deg"),
        ("max_spread_s", 0.1, ""),
        ("max_nearest_km", 5.0, ""),
        ("event_interval_s", 80.0, "seconds apart"),
    ],
)
def test_events_satisfy_the_limits(name, limit, column):
    made = made_network(6, 10)
    events = associate(made.picks, made.stations, **OPTIONS, **{name: limit}).events
    events["seconds apart"] = events["time"].diff().dt.total_seconds()
    assert len(events) < 10
    if column:
        values = events[column].dropna() - limit
        assert ((values <= 0) if name.startswith("max") else (values >= 0)).all()


def test_false_picks_alone_are_no_events(stations, rng):
    number = 10_000
    seconds = pd.to_timedelta(rng.uniform(0, 1800, number), unit="s").round("us")
    columns = {
        "station_id": rng.choice(stations["station_id"], number),
        "phase": rng.choice(["P", "S"], number),
        "time": pd.Timestamp("2020-01-01", tz="UTC") + seconds,
        "probability": 0.5,
    }
    assert len(associate(pd.DataFrame(columns), stations).events) <= 2


def write_table(path, farthest_deg=1.0, deepest_km=20.0):
    """As REAL's taup_tt.py writes them."""
    degrees, depth = np.meshgrid(
        np.arange(0, farthest_deg + 0.001, 0.01), np.arange(0, deepest_km + 0.1)
    )
    way = np.hypot(degrees * 111.195, depth)
    columns = degrees, depth, way / P_KM_S, way / S_KM_S, 0 * way
    np.savetxt(path, np.stack(columns, axis=-1).reshape(-1, 5), "%.4f", footer="p s")
    return str(path)


@pytest.mark.parametrize("method", ["real", "lppn"])
def test_a_table_of_travel_times_gives_the_same_events(tmp_path, method):
    """Also one that is no deeper than events are searched."""
    made = made_network(6, 5, elevation_m=(0.0, 1.0))
    table, constant = (
        associate(made.picks, made.stations, method, **OPTIONS | {"velocity": velocity})
        for velocity in (write_table(tmp_path / "ttdb.txt"), VELOCITY)
    )
    assert len(constant.events) >= 4
    assert shares(table, constant.events, 0.05, 0.2) == (1, 1)


def test_stations_beyond_the_table_are_not_needed(tmp_path):
    made = made_network(6, 10, elevation_m=(0.0, 1.0))
    velocity = write_table(tmp_path / "ttdb.txt", farthest_deg=0.45)

    result = associate(made.picks, made.stations, velocity=velocity, max_depth_km=20.0)

    precision, recall = shares(result, made.events, 0.5, 3.0)
    assert precision == 1
    assert recall >= 0.8
    assert result.picks["epicentral_distance_km"].max() <= 0.45 * 111.3


@pytest.mark.parametrize("name", ["shallow.txt", "no_table.txt", "nowhere.nd"])
def test_velocity_files_that_cannot_be_used_are_named(tmp_path, name):
    made = made_network(6, 1)
    write_table(tmp_path / "shallow.txt", deepest_km=15.0)
    (tmp_path / "no_table.txt").write_text("this is no table\n")
    with pytest.raises((ValueError, FileNotFoundError), match=name):
        associate(made.picks, made.stations, velocity=str(tmp_path / name))
