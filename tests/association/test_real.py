"""REAL: its own words, real picks, and events whose origins are known."""

import numpy as np
import pandas as pd
import pytest
from made_networks import P_KM_S, S_KM_S, VELOCITY, made_network
from scoring import as_catalogue, shares

from benchmarks.association_truth import make_sequence
from seisbench_diting.association import associate, compare, method_settings
from seisbench_diting.tables import pick_table, station_table

WORDS = {
    "R": "0.1/20/0.04/2/5",
    "G": "1.4/20/0.01/1",
    "V": "6.2/3.3",
    "S": "3/2/12/3/0.5/0.2/1/0.25/0.2/4",
}


@pytest.fixture(scope="session")
def italy(reference):
    from benchmarks import association

    return association.read_italy()


def test_the_words_of_the_program():
    options = method_settings("real", **WORDS)

    assert options.min_p_picks == 3
    assert options.min_s_picks == 2
    assert options.min_picks == 12
    assert options.min_both == 3
    assert options.max_spread_s == 0.5
    assert options.event_interval_s == 5
    assert options.max_depth_km == 20
    assert options.depth_grid_km == 2
    assert options.grid_km == pytest.approx(4.4476)
    assert options.search_km == pytest.approx(11.119)
    # The program prints 1.06 and 2.00 s for whole windows with these.
    assert 2 * options.p_window_s == pytest.approx(1.06, abs=0.005)
    assert 2 * options.s_window_s == pytest.approx(2.00, abs=0.005)
    assert options.max_nearest_km == pytest.approx(0.2 * 1.35 * 111.19)


def test_an_hour_of_central_italy(italy, reference):
    hour = italy.picks[italy.picks["time"] < "2016-10-14T01:00"]
    result = associate(
        hour,
        italy.stations,
        velocity=str(reference / "data" / "italy_velocity.nd"),
        **WORDS,
    )
    golden = italy.events[italy.events["time"] < "2016-10-14T00:59"]
    found = compare(golden, result.events)

    assert found.share_of_a >= 0.93
    assert len(result.events) <= 1.2 * len(golden)
    assert found.common["distance_km"].median() < 2
    spread = result.picks.groupby(result.picks["phase"])["residual_s"].std()
    assert spread["P"] < 0.2
    assert spread["S"] < 0.4


@pytest.mark.parametrize(("per_minute", "least"), [(1, 0.97), (10, 0.97), (60, 0.7)])
def test_events_with_known_origins(per_minute, least):
    stations = _made_stations()
    velocity = "iasp91"
    truth = make_sequence(stations, velocity, per_minute, number=100)

    result = associate(
        truth.picks,
        stations,
        velocity=velocity,
        max_depth_km=20.0,
        p_error_s=0.12,
        s_error_s=0.12,
        min_score=18.0,
    )
    found = compare(result.events, truth.events, max_time_s=1.0, max_distance_km=5.0)

    f1 = 2 * len(found.common) / (len(result.events) + len(truth.events))
    assert f1 >= least
    assert found.common["distance_km"].median() < 0.5
    assert found.common["time_difference_s"].abs().median() < 0.05


def _made_stations() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    return station_table(
        pd.DataFrame(
            {
                "station_id": [f"XX.A{number:02d}." for number in range(50)],
                "latitude": rng.uniform(42.45, 43.15, 50),
                "longitude": rng.uniform(12.8, 13.7, 50),
                "elevation_m": rng.uniform(0, 1500, 50),
            }
        )
    )


def test_threads_do_not_matter():
    made = made_network(3, 20)
    results = [
        associate(made.picks, made.stations, velocity=VELOCITY, threads=threads)
        for threads in (1, 3)
    ]

    pd.testing.assert_frame_equal(results[0].events, results[1].events)
    pd.testing.assert_frame_equal(results[0].picks, results[1].picks)


def test_where_stretches_meet():
    """An hour and a half of events: none is lost or doubled where stretches meet."""
    made = made_network(4, 90, duration_s=5400.0)
    result = associate(made.picks, made.stations, velocity=VELOCITY, max_depth_km=20.0)

    precision, recall = shares(result, made.events)
    assert precision >= 0.98
    assert recall >= 0.98


def test_a_year_of_silence_costs_nothing():
    first = made_network(5, 3)
    later = first.picks.assign(time=first.picks["time"] + pd.Timedelta(days=365))
    result = associate(
        pd.concat([first.picks, later]), first.stations, velocity=VELOCITY
    )

    assert len(result.events) == 6
    assert result.summary["seconds"] < 60


def test_limits():
    made = made_network(6, 10)
    common = {"velocity": VELOCITY, "max_depth_km": 20.0}
    all_of_them = associate(made.picks, made.stations, **common)
    assert len(all_of_them.events) == 10
    strict = {
        "min_picks": 36,
        "min_p_picks": 18,
        "min_s_picks": 18,
        "min_both": 17,
        "max_spread_s": 0.1,
        "max_gap_deg": 60.0,
        "max_nearest_km": 5.0,
    }
    for name, limit in strict.items():
        events = associate(made.picks, made.stations, **common, **{name: limit}).events
        assert len(events) < 10, name
        if name == "max_gap_deg":
            assert (events["azimuthal_gap_deg"] <= limit).all()
        elif name in ("min_picks", "min_p_picks", "min_s_picks"):
            column = name.removeprefix("min_").removesuffix("s").replace("picks", "")
            column = {"pick": "pick_count", "p_pick": "p_count", "s_pick": "s_count"}[
                column
            ]
            assert (events[column] >= limit).all()


def test_events_that_are_too_close():
    made = made_network(6, 10, duration_s=100.0)
    events = associate(
        made.picks, made.stations, velocity=VELOCITY, event_interval_s=8.0
    ).events

    assert (events["time"].diff().dropna().dt.total_seconds() >= 8).all()
    assert 3 <= len(events) < 10


def _write_table(path, farthest_deg=1.0, deepest_km=20.0):
    """As REAL's taup_tt.py writes them, with the made networks' velocities."""
    degrees = np.arange(0, farthest_deg + 0.001, 0.01)
    depths = np.arange(0, deepest_km + 0.1, 1.0)
    with path.open("w") as file:
        for depth in depths:
            for degree in degrees:
                way = np.hypot(degree * 111.195, depth)
                file.write(
                    f"{degree:.2f} {depth:.1f} {way / P_KM_S:.4f} {way / S_KM_S:.4f} "
                    "0 0 0 0 p s\n"
                )
    return str(path)


@pytest.mark.parametrize("method", ["real", "lppn"])
def test_a_table_of_travel_times(tmp_path, method):
    """Also one that is no deeper than events are searched."""
    made = made_network(6, 10, elevation_m=(0.0, 1.0))
    velocity = _write_table(tmp_path / "ttdb.txt")
    options = {"method": method, "max_depth_km": 20.0}

    table = associate(made.picks, made.stations, velocity=velocity, **options)
    constant = associate(made.picks, made.stations, velocity=VELOCITY, **options)

    assert len(constant.events) >= 9
    found = compare(table.events, constant.events, max_time_s=0.05, max_distance_km=0.2)
    assert found.share_of_a == found.share_of_b == 1


def test_a_table_that_is_too_shallow(tmp_path):
    made = made_network(6, 1)
    velocity = _write_table(tmp_path / "ttdb.txt", deepest_km=15.0)
    with pytest.raises(ValueError, match="depth of 15 km; max_depth_km=20 must be"):
        associate(made.picks, made.stations, velocity=velocity, max_depth_km=20.0)


def test_a_table_that_does_not_reach_all_stations(tmp_path):
    """Those within its reach are enough."""
    made = made_network(6, 10, elevation_m=(0.0, 1.0))
    velocity = _write_table(tmp_path / "ttdb.txt", farthest_deg=0.45)

    result = associate(made.picks, made.stations, velocity=velocity, max_depth_km=20.0)

    precision, recall = shares(result, made.events, 0.5, 3.0)
    assert precision == 1
    assert recall >= 0.8
    assert result.picks["residual_s"].notna().all()
    assert result.picks["epicentral_distance_km"].max() <= 0.45 * 111.3


def test_a_model_that_ends_in_the_crust(tmp_path):
    path = tmp_path / "local.nd"
    path.write_text("0 5.5 3.1 2.6\n10 6 3.5 2.7\n30 8 4.5 3.3\n")
    made = made_network(6, 1)
    with pytest.raises(ValueError, match="no layer below the crust"):
        associate(made.picks, made.stations, velocity=str(path))


def test_residuals_follow_the_model():
    """Those of the whole Earth's models are larger in a region."""
    region, earth = (method_settings("real", velocity=v) for v in ("6.2/3.5", "iasp91"))
    assert region.p_error_s < earth.p_error_s
    assert region.s_window_s < earth.s_window_s
    options = method_settings("lppn", p_error_s=0.3, s_window_s=0.9)
    assert options.p_window_s == pytest.approx(1.0)
    assert options.s_window_s == 0.9


def test_a_file_that_is_no_table(tmp_path):
    path = tmp_path / "ttdb.txt"
    path.write_text("this is no table\n")
    made = made_network(6, 1)

    with pytest.raises(ValueError, match="is not a table of travel times"):
        associate(made.picks, made.stations, velocity=str(path))


def test_false_picks_alone_are_no_events():
    rng = np.random.default_rng(0)
    stations = _made_stations()
    picks = pick_table(
        pd.DataFrame(
            {
                "station_id": rng.choice(stations["station_id"], 20_000),
                "phase": rng.choice(["P", "S"], 20_000),
                "time": pd.Timestamp("2020-01-01", tz="UTC")
                + pd.to_timedelta(rng.integers(0, 3600 * 10**6, 20_000), unit="us"),
                "probability": 0.5,
            }
        )
    )

    assert len(associate(picks, stations).events) <= 2


def test_truth_is_read_as_a_catalogue():
    made = made_network(6, 3)
    assert len(as_catalogue(made.events)) == 3
