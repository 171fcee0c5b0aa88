"""Association by PyOcto."""

import struct

import numpy as np
import pandas as pd
import pytest
from made_networks import P_KM_S, S_KM_S, VELOCITY, made_network
from scoring import shares

from benchmarks.association import read_italy
from seisbench_diting.association import associate, compare, method_settings
from seisbench_diting.travel_times import KM_PER_DEGREE, make_table

pytest.importorskip("pyocto", reason="PyOcto is not installed")

from seisbench_diting.association.pyocto import write_model


def run(made, picks=None, **options):
    picks = made.picks if picks is None else picks
    options = {"velocity": VELOCITY, "threads": 1, **options}
    return associate(picks, made.stations, "pyocto", **options)


def table_of_constant_velocities(path, farthest_km):
    """REAL's, which PyOcto gets as a layered model."""
    x, z = np.meshgrid(np.arange(0, farthest_km + 1, 2.0), np.arange(0, 42, 2.0))
    length = np.hypot(x, z)
    columns = [x / KM_PER_DEGREE, z, length / P_KM_S, length / S_KM_S]
    np.savetxt(path, np.stack(columns, axis=-1).reshape(-1, 4))
    return str(path)


@pytest.mark.parametrize("elevation_m", [(-300, 2000), (-3000, -2000), (3000, 4000)])
def test_it_finds_all_events_and_their_picks(elevation_m):
    made = made_network(1, 10, elevation_m=elevation_m)

    result = run(made)

    assert shares(result, made.events, 1.0, 3.0) == (1.0, 1.0)
    true = made.picks[made.truth >= 0]
    columns = ["station_id", "phase", "time"]
    both = true.merge(result.picks, "inner", columns)
    assert len(both) > 0.95 * max(len(true), len(result.picks))


@pytest.mark.parametrize("farthest_km", [300, 60])
def test_tables_of_travel_times_give_the_same_as_velocities(tmp_path, farthest_km):
    """Also where they end before stations do."""
    made = made_network(2, 10, radius_km=50)
    velocity = table_of_constant_velocities(tmp_path / "ttdb.txt", farthest_km)

    result = run(made, velocity=velocity)

    assert shares(result, made.events, 1.5, 5.0) == (1.0, 1.0)


def test_models_of_obspy_serve():
    made = made_network(3, 5)

    result = run(made, velocity="iasp91")

    assert shares(result, made.events, 1.5, 5.0) == (1.0, 1.0)


def test_pyocto_reads_the_file_as_it_is_meant(tmp_path):
    times = make_table(VELOCITY, 30, 10)

    write_model(times, tmp_path / "model")

    content = (tmp_path / "model").read_bytes()
    distances, depths, step = struct.unpack("iid", content[:16])
    p, s = np.frombuffer(content[16:]).reshape(2, distances, depths)
    assert (distances, depths, step) == (62, 22, 0.5)
    assert p[20, 10] == pytest.approx(np.hypot(10, 5) / P_KM_S)
    assert s[20, 10] == pytest.approx(np.hypot(10, 5) / S_KM_S)


def test_events_have_what_is_asked_of_them():
    made = made_network(4, 12, false=1.0, missed=0.4)

    result = run(made, min_picks=9, min_p_picks=4, min_s_picks=3, min_both=2)

    events, picks = result.events, result.picks
    assert (events["pick_count"] >= 9).all()
    assert (events["p_count"] >= 4).all()
    assert (events["s_count"] >= 3).all()
    assert (events["both_count"] >= 2).all()
    assert np.isfinite(events[["depth_km", "rms_residual_s"]]).all(axis=None)
    assert not picks.duplicated(["station_id", "phase", "time"]).any()
    assert not picks.duplicated(["event_id", "station_id", "phase"]).any()


def test_the_result_is_the_same_with_more_threads_and_picks_in_another_order():
    made = made_network(5, 10)
    one = run(made)
    two = run(made, threads=2)
    three = run(made, made.picks.sample(frac=1, random_state=0))

    for other in (two, three):
        pd.testing.assert_frame_equal(one.events, other.events)
        pd.testing.assert_frame_equal(one.picks, other.picks)


@pytest.mark.parametrize("start", ["1965-12-31T23:58:00", "2022-04-09T23:58:00"])
def test_times_may_be_before_1970_and_pass_midnight(start):
    made = made_network(6, 5, start=start)

    result = run(made)

    assert shares(result, made.events, 1.0, 3.0) == (1.0, 1.0)


@pytest.mark.parametrize("which", ["P", "S", "first", "none", "station"])
def test_too_few_picks_are_no_events(which):
    made = made_network(7, 5)
    picks = {
        "P": made.picks[made.picks["phase"] == "P"],
        "S": made.picks[made.picks["phase"] == "S"],
        "first": made.picks[:1],
        "none": made.picks[:0],
        "station": made.picks[made.picks["station_id"] == "XX.S003."],
    }[which]

    result = run(made, picks)

    assert len(result.events) == len(result.picks) == 0


@pytest.mark.parametrize("phase", ["P", "S"])
def test_one_phase_is_enough_where_it_may_be(phase):
    made = made_network(7, 5)
    picks = made.picks[made.picks["phase"] == phase]

    result = run(made, picks, min_p_picks=0, min_s_picks=0, min_both=0)

    assert shares(result, made.events, 3.0, 10.0) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("margin_km", 0.0),
        ("tolerance_s", float("nan")),
        ("threads", -1),
        ("min_pick_fraction", 1.5),
        ("location_split_return", 6),
        ("time_slicing_s", -1.0),
    ],
)
def test_options_are_checked(option, value):
    with pytest.raises(ValueError, match=f"{option}={value}: "):
        method_settings("pyocto", **{option: value})


def test_an_hour_of_a_real_sequence(reference):
    italy = read_italy()
    hour = italy.picks[italy.picks["time"] < "2016-10-14T01:00"]
    result = associate(
        hour,
        italy.stations,
        "pyocto",
        velocity=str(reference / "data" / "italy_velocity.nd"),
        max_depth_km=20.0,
        min_picks=12,
        min_both=3,
        threads=2,
    )
    golden = italy.events[italy.events["time"] < "2016-10-14T00:59"]
    found = compare(golden, result.events, max_time_s=2.0, max_distance_km=5.0)

    assert found.share_of_a >= 0.93
    assert len(result.events) <= 1.2 * len(golden)
