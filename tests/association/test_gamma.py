"""Association by GaMMA."""

import numpy as np
import pandas as pd
import pytest
from made_networks import P_KM_S, S_KM_S, VELOCITY, made_network
from scoring import shares

from benchmarks.association import LIMITS, read_italy, velocity
from seisbench_diting.association import associate, compare, method_settings
from seisbench_diting.association.core import make_network
from seisbench_diting.tables import pick_table
from seisbench_diting.travel_times import make_table

pytest.importorskip("gamma", reason="GaMMA is not installed")

from seisbench_diting.association import gamma as module
from seisbench_diting.association.gamma import equivalent_velocities


def run(made, picks=None, **options):
    picks = made.picks if picks is None else picks
    options = {"velocity": VELOCITY, "threads": 1, **options}
    return associate(picks, made.stations, "gamma", **options)


@pytest.mark.parametrize("elevation_m", [(-300, 2000), (-3000, -2000), (3000, 4000)])
def test_it_finds_all_events_and_their_picks(elevation_m):
    made = made_network(1, 4, elevation_m=elevation_m)

    result = run(made)

    assert shares(result, made.events, 1.0, 3.0) == (1.0, 1.0)
    true = made.picks[made.truth >= 0]
    columns = ["station_id", "phase", "time"]
    both = true.merge(result.picks, "inner", columns)
    assert len(both) > 0.95 * max(len(true), len(result.picks))


def test_across_the_date_line():
    made = made_network(2, 2, longitude=179.9)

    result = run(made)

    assert shares(result, made.events, 1.0, 3.0) == (1.0, 1.0)


def test_models_with_layers_serve():
    made = made_network(3, 2)

    result = run(made, velocity="iasp91")

    assert shares(result, made.events, 1.5, 5.0) == (1.0, 1.0)


def test_equivalent_velocities_of_constant_ones_are_these():
    made = made_network(3, 1)
    network = make_network(made.picks, made.stations)

    p, s = equivalent_velocities(make_table(VELOCITY, 100, 30), network, 20.0)

    assert p == pytest.approx(P_KM_S)
    assert s == pytest.approx(S_KM_S)


def test_equivalent_velocities_do_without_times_that_are_not_known():
    made = made_network(3, 1)
    network = make_network(made.picks, made.stations)
    times = make_table(VELOCITY, 100, 30)
    times.times[:, :, 60:] = np.nan

    p, s = equivalent_velocities(times, network, 20.0)

    assert p == pytest.approx(P_KM_S)
    assert s == pytest.approx(S_KM_S)


def test_events_have_what_is_asked_of_them():
    made = made_network(4, 4, false=1.0, missed=0.3, duration_s=200.0)

    result = run(made, min_picks=9, min_p_picks=4, min_s_picks=3, min_both=2)

    events, picks = result.events, result.picks
    assert len(events) > 0
    assert (events["pick_count"] >= 9).all()
    assert (events["p_count"] >= 4).all()
    assert (events["s_count"] >= 3).all()
    assert (events["both_count"] >= 2).all()
    assert np.isfinite(events[["depth_km", "rms_residual_s"]]).all(axis=None)
    assert not picks.duplicated(["station_id", "phase", "time"]).any()
    assert not picks.duplicated(["event_id", "station_id", "phase"]).any()


def test_the_result_is_the_same_in_processes_and_with_picks_in_another_order(
    monkeypatch,
):
    monkeypatch.setattr(module, "_PICKS_A_PROCESS", 50)
    made = made_network(5, 3)
    one = run(made)
    two = run(made, threads=2)
    three = run(made, made.picks.sample(frac=1, random_state=0))

    for other in (two, three):
        pd.testing.assert_frame_equal(one.events, other.events)
        pd.testing.assert_frame_equal(one.picks, other.picks)


@pytest.mark.parametrize("threads", [1, 2])
def test_it_says_nothing_and_leaves_random_numbers_alone(monkeypatch, capfd, threads):
    monkeypatch.setattr(module, "_PICKS_A_PROCESS", 50)
    made = made_network(6, 2)
    np.random.seed(1)
    expected = np.random.uniform()
    np.random.seed(1)

    result = run(made, threads=threads)

    assert len(result.events) == 2
    assert np.random.uniform() == expected
    assert capfd.readouterr() == ("", "")


def test_clusters_that_are_cut_give_the_same_events():
    """All picks are one cluster here, and cuts are within events."""
    made = made_network(7, 4, duration_s=60.0)

    result = run(made, dbscan_eps_s=30.0, max_cluster_picks=70)

    assert shares(result, made.events, 1.0, 3.0) == (1.0, 1.0)
    assert not result.picks.duplicated(["station_id", "phase", "time"]).any()


@pytest.mark.parametrize(("most", "overlap_s"), [(4, 1.5), (4, 100.0), (3, 0.0)])
def test_what_is_cut_has_all_picks(most, overlap_s):
    seconds = np.array([0.0, 1, 2, 3, 4, 4, 4, 4, 4, 5, 50, 51])
    rows = np.arange(1, len(seconds))

    pieces = module._cut(rows, seconds, most, overlap_s)

    assert max(map(len, pieces)) <= most
    assert np.array_equal(np.unique(np.concatenate(pieces)), rows)


@pytest.mark.parametrize("start", ["1965-12-31T23:58:00", "2022-04-09T23:58:00"])
def test_times_may_be_before_1970_and_pass_midnight(start):
    made = made_network(6, 2, start=start, duration_s=240.0)

    result = run(made)

    assert shares(result, made.events, 1.0, 3.0) == (1.0, 1.0)


@pytest.mark.parametrize("which", ["P", "S", "first", "none", "station", "two"])
def test_too_few_picks_are_no_events(which):
    made = made_network(7, 5)
    station = made.picks["station_id"]
    picks = {
        "P": made.picks[made.picks["phase"] == "P"],
        "S": made.picks[made.picks["phase"] == "S"],
        "first": made.picks[:1],
        "none": made.picks[:0],
        "station": made.picks[station == "XX.S003."],
        "two": made.picks[station.isin(["XX.S003.", "XX.S004."])],
    }[which]

    result = run(made, picks)

    assert len(result.events) == len(result.picks) == 0


@pytest.mark.parametrize("phase", ["P", "S"])
def test_one_phase_is_enough_where_it_may_be(phase):
    made = made_network(7, 5)
    picks = made.picks[made.picks["phase"] == phase]

    result = run(made, picks, min_p_picks=0, min_s_picks=0, min_both=0)

    assert shares(result, made.events, 3.0, 10.0)[1] == 1.0


def test_picks_may_have_no_probability_at_all():
    made = made_network(8, 3)
    picks = pick_table(made.picks.assign(probability=0.0))

    result = run(made, picks, dbscan_min_samples=1)

    assert np.isfinite(result.events[["depth_km"]]).all(axis=None)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("margin_km", 0.0),
        ("dbscan_eps_s", -1.0),
        ("dbscan_min_samples", 0),
        ("max_sigma11_s", float("nan")),
        ("oversample_factor", 0),
        ("max_cluster_picks", 15),
        ("threads", -1),
    ],
)
def test_options_are_checked(option, value):
    with pytest.raises(ValueError, match=f"{option}={value}: "):
        method_settings("gamma", **{option: value})


def test_minutes_of_a_real_sequence(reference):
    italy = read_italy()
    begin = italy.picks[italy.picks["time"] < "2016-10-14T00:12"]
    options = {"velocity": velocity(), "threads": 1, **LIMITS}

    result = associate(begin, italy.stations, "gamma", **options)

    golden = italy.events[italy.events["time"] < "2016-10-14T00:11"]
    found = compare(golden, result.events, max_time_s=2.0, max_distance_km=5.0)
    assert found.share_of_a >= 0.9
    assert len(result.events) <= 1.4 * len(golden)
