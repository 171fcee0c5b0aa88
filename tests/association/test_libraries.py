"""Association by PyOcto and GaMMA."""

import numpy as np
import pandas as pd
import pytest
from made_networks import P_KM_S, S_KM_S, VELOCITY, made_network, shares

from benchmarks.association import LIMITS, read_italy, velocity
from seisbench_diting.association import associate, compare
from seisbench_diting.association.associate_settings import MethodSettings
from seisbench_diting.association.core import make_network
from seisbench_diting.association.libraries import (
    cut,
    equivalent_velocities,
    make_found,
)
from seisbench_diting.travel_times import KM_PER_DEGREE, make_table

METHODS = ["pyocto", "gamma"]


def run(method, made, picks=None, **options):
    pytest.importorskip(method, reason=f"{method} is not installed")
    picks = made.picks if picks is None else picks
    options = {"velocity": VELOCITY, "threads": 1, **options}
    return associate(picks, made.stations, method, **options)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "place",
    [
        {"elevation_m": (-3000, -2000)},
        {"elevation_m": (3000, 4000), "longitude": 179.9},
        {"start": "1965-12-31T23:58:00"},
    ],
    ids=["sea floor", "summits at the date line", "before 1970, over midnight"],
)
def test_all_events_and_their_picks_are_found(method, place):
    made = made_network(1, 4, **place)

    result = run(method, made)

    assert shares(result, made.events, 1.0, 3.0) == (1.0, 1.0)
    true = made.picks[made.truth >= 0]
    both = true.merge(result.picks, "inner", ["station_id", "phase", "time"])
    assert len(both) > 0.95 * max(len(true), len(result.picks))


@pytest.mark.parametrize("method", METHODS)
def test_models_with_layers(method):
    made = made_network(3, 2)

    result = run(method, made, velocity="iasp91")

    assert shares(result, made.events, 1.5, 5.0) == (1.0, 1.0)


def test_travel_times_that_end_before_stations_do(tmp_path):
    made = made_network(2, 10, radius_km=50)
    x, z = np.meshgrid(np.arange(0, 61, 2.0), np.arange(0, 42, 2.0))
    length = np.hypot(x, z)
    columns = [x / KM_PER_DEGREE, z, length / P_KM_S, length / S_KM_S]
    np.savetxt(tmp_path / "ttdb.txt", np.stack(columns, axis=-1).reshape(-1, 4))

    result = run("pyocto", made, velocity=str(tmp_path / "ttdb.txt"))

    assert shares(result, made.events, 1.5, 5.0) == (1.0, 1.0)


def test_equivalent_velocities_of_constant_ones():
    made = made_network(3, 1)
    times = make_table(VELOCITY, 100, 30)
    times.times[:, :, 60:] = np.nan

    found = equivalent_velocities(times, make_network(made.picks, made.stations), 20.0)

    assert found == pytest.approx((P_KM_S, S_KM_S))


@pytest.mark.parametrize("method", METHODS)
def test_events_satisfy_the_limits(method):
    made = made_network(4, 6, false=1.0, missed=0.3)

    result = run(method, made, min_picks=9, min_p_picks=4, min_s_picks=3, min_both=2)

    events, picks = result.events, result.picks
    assert len(events) > 0
    columns = ["pick_count", "p_count", "s_count", "both_count"]
    assert (events[columns] >= [9, 4, 3, 2]).all(axis=None)
    assert np.isfinite(events[["depth_km", "rms_residual_s"]]).all(axis=None)
    assert not picks.duplicated(["station_id", "phase", "time"]).any()
    assert not picks.duplicated(["event_id", "station_id", "phase"]).any()


@pytest.mark.parametrize("method", METHODS)
def test_processes_and_the_order_of_picks_do_not_matter(method, capfd):
    made = made_network(5, 4)
    options = {"max_cluster_picks": 100} if method == "gamma" else {}
    one = run(method, made, **options)
    again = run(method, made, made.picks.sample(frac=1), threads=2, **options)

    assert shares(one, made.events, 1.0, 3.0) == (1.0, 1.0)
    pd.testing.assert_frame_equal(one.events, again.events)
    pd.testing.assert_frame_equal(one.picks, again.picks)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("most", "overlap_s"), [(4, 1.5), (4, 100.0), (3, 0.0)])
def test_pieces_hold_all_picks(most, overlap_s):
    seconds = np.array([1.0, 2, 3, 4, 4, 4, 4, 4, 5, 50, 51])
    rows = [np.arange(len(seconds))[piece] for piece in cut(seconds, most, overlap_s)]

    assert max(map(len, rows)) <= most
    assert np.array_equal(np.unique(np.concatenate(rows)), np.arange(len(seconds)))


@pytest.mark.parametrize("method", METHODS)
def test_too_few_picks_are_no_events(method):
    made = made_network(7, 5)
    station = made.picks["station_id"]
    for picks in (
        made.picks[made.picks["phase"] == "P"],
        made.picks[:1],
        made.picks[:0],
        made.picks[station == "XX.S003."],
        made.picks[station.isin(["XX.S003.", "XX.S004."])],
    ):
        assert len(run(method, made, picks).events) == 0


@pytest.mark.parametrize("method", METHODS)
def test_one_phase_is_enough_where_it_may_be(method):
    made = made_network(7, 5)
    picks = made.picks[made.picks["phase"] == "S"]

    result = run(method, made, picks, min_p_picks=0, min_s_picks=0, min_both=0)

    assert shares(result, made.events, 3.0, 10.0)[1] == 1.0


@pytest.mark.parametrize(("method", "minutes"), [("pyocto", 60), ("gamma", 12)])
def test_minutes_of_a_real_sequence(reference, method, minutes):
    italy = read_italy()
    end = pd.Timestamp("2016-10-14", tz="UTC") + pd.Timedelta(minutes=minutes)
    picks = italy.picks[italy.picks["time"] < end]

    result = run(method, italy, picks, velocity=velocity(), threads=2, **LIMITS)

    golden = italy.events[italy.events["time"] < end - pd.Timedelta(minutes=1)]
    assert compare(golden, result.events).share_of_a >= 0.9
    assert len(result.events) <= 1.4 * len(golden)


# Results are cleaned


@pytest.fixture(scope="module")
def network():
    made = made_network(0, 3)
    return make_network(made.picks, made.stations)


def cleaned(network, times, pairs, **limits):
    """Times of events, and pairs of events and picks, that are left."""
    none = {"min_picks": 2, "min_p_picks": 0, "min_s_picks": 0, "min_both": 0}
    events = pd.DataFrame({"time_s": times, "x_km": 0.0, "y_km": 0.0, "depth_km": 0.0})
    picks = pd.DataFrame(pairs, columns=["event", "pick"])
    found = make_found(network, MethodSettings(**none | limits), events, picks)
    return found.events["time_s"].tolist(), found.picks.to_numpy().tolist()


def rows_of(network, station, s=False):
    return np.flatnonzero((network.station == station) & (network.is_s == s)).tolist()


def test_a_pick_of_two_events_stays_with_the_larger_one(network):
    a, b, c, d = sorted(rows_of(network, station)[0] for station in range(4))
    both = [(1, a), (1, b), (1, c), (0, c), (0, d), (0, a)]

    # As many picks: the earlier event has both.
    assert cleaned(network, [5.0, 3.0], both) == ([3.0], [[0, a], [0, b], [0, c]])
    assert cleaned(network, [5.0], [(0, a)]) == ([], [])


def test_a_station_has_one_pick_of_a_phase_the_most_probable(network):
    first, second = rows_of(network, 0)[:2]
    other = rows_of(network, 1, True)[0]
    best = max(first, second, key=network.picks["probability"].get)

    _, pairs = cleaned(network, [5.0], [(0, first), (0, second), (0, other)])

    assert {pick for _, pick in pairs} == {best, other}


def test_limits_hold_after_picks_were_taken_away(network):
    pairs = [(0, rows_of(network, 0)[0]), (0, rows_of(network, 0, True)[0])]
    assert cleaned(network, [1.0], pairs, min_p_picks=1, min_both=1)[0] == [1.0]
    assert cleaned(network, [1.0], pairs, min_both=2)[0] == []


def test_events_without_a_place_are_left_out(network):
    a, b = sorted(rows_of(network, station)[0] for station in range(2))
    pairs = [(event, pick) for event in (0, 1) for pick in (a, b)]
    assert cleaned(network, [np.nan, 3.0], pairs) == ([3.0], [[0, a], [0, b]])
