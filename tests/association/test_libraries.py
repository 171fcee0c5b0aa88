"""Association by PyOcto and GaMMA."""

import numpy as np
import pandas as pd
import pytest
from made_networks import P_KM_S, S_KM_S, VELOCITY, made_network, shares

from benchmarks.association import LIMITS, read_italy, velocity
from seisbench_diting.association import associate, compare
from seisbench_diting.association.associate_settings import MethodSettings
from seisbench_diting.association.core import make_network
from seisbench_diting.association.libraries import make_found, pieces_of
from seisbench_diting.travel_times import KM_PER_DEGREE

METHODS = ["pyocto", "gamma"]


def run(method, made, picks=None, **options):
    if method in METHODS:
        pytest.importorskip(method, reason=f"{method} is not installed")
    picks = made.picks if picks is None else picks
    options = {"velocity": VELOCITY, "threads": 1, **options}
    return associate(picks, made.stations, method, **options)


PLACES = {
    "sea floor": {"elevation_m": (-3000, -2000)},
    "date line": {"elevation_m": (3000, 4000), "longitude": 179.9},
    "1965": {"start": "1965-12-31T23:58:00"},
}


@pytest.mark.parametrize(
    ("method", "place", "velocity"),
    [
        *(("pyocto", place, VELOCITY) for place in PLACES),
        ("pyocto", "1965", "iasp91"),
        ("gamma", "sea floor", VELOCITY),
        ("gamma", "1965", "iasp91"),
    ],
)
def test_all_events_and_their_picks_are_found(method, place, velocity):
    made = made_network(1, 4, **PLACES[place])

    result = run(method, made, velocity=velocity)

    assert shares(result, made.events, 1.5, 5.0) == (1.0, 1.0)
    true = made.picks[made.truth >= 0]
    both = true.merge(result.picks, "inner", ["station_id", "phase", "time"])
    assert len(both) > 0.95 * max(len(true), len(result.picks))


def test_travel_times_that_end_before_stations_do(tmp_path):
    made = made_network(2, 10, radius_km=50)
    x, z = np.meshgrid(np.arange(0, 61, 2.0), np.arange(0, 42, 2.0))
    length = np.hypot(x, z)
    columns = [x / KM_PER_DEGREE, z, length / P_KM_S, length / S_KM_S]
    np.savetxt(tmp_path / "ttdb.txt", np.stack(columns, axis=-1).reshape(-1, 4))

    result = run("pyocto", made, velocity=str(tmp_path / "ttdb.txt"))

    assert shares(result, made.events, 1.5, 5.0) == (1.0, 1.0)


@pytest.mark.parametrize("method", METHODS)
def test_events_satisfy_the_limits(method):
    made = made_network(4, 3, false=1.0, missed=0.3)

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


@pytest.mark.filterwarnings("ignore:No event can be found")
@pytest.mark.parametrize("method", [*METHODS, "real", "lppn"])
def test_too_few_picks_are_no_events(method):
    made = made_network(7, 5)
    of_one = made.picks["station_id"] == "XX.S003."
    for picks in (made.picks[:0], made.picks[:1], made.picks[of_one]):
        assert len(run(method, made, picks).events) == 0


@pytest.mark.filterwarnings("ignore:No event can be found")
@pytest.mark.parametrize("method", METHODS)
def test_one_phase_is_enough_where_it_may_be(method):
    made = made_network(7, 3)
    picks = made.picks[made.picks["phase"] == "S"]
    assert len(run(method, made, picks).events) == 0
    result = run(method, made, picks, min_p_picks=0, min_s_picks=0, min_both=0)
    assert shares(result, made.events, 3.0, 10.0)[1] == 1.0


@pytest.mark.parametrize(("most", "overlap_s"), [(4, 1.5), (4, 100.0), (3, 0.0)])
def test_pieces_hold_all_picks(most, overlap_s):
    seconds = np.array([1.0, 2, 3, 4, 4, 4, 4, 4, 5, 50, 51])
    rows = [
        np.arange(len(seconds))[piece] for piece in pieces_of(seconds, most, overlap_s)
    ]

    assert max(map(len, rows)) <= most
    assert np.array_equal(np.unique(np.concatenate(rows)), np.arange(len(seconds)))


@pytest.mark.parametrize(("method", "minutes"), [("pyocto", 60), ("gamma", 12)])
def test_minutes_of_a_real_sequence(reference, method, minutes):
    italy = read_italy()
    end = pd.Timestamp("2016-10-14", tz="UTC") + pd.Timedelta(minutes=minutes)
    picks = italy.picks[italy.picks["time"] < end]

    result = run(method, italy, picks, velocity=velocity(), threads=2, **LIMITS)

    golden = italy.events[italy.events["time"] < end - pd.Timedelta(minutes=1)]
    assert compare(golden, result.events).share_of_a >= 0.9
    assert len(result.events) <= 1.4 * len(golden)


@pytest.mark.parametrize(
    ("times", "pairs", "expected"),
    [
        # A pick of two events stays with the larger one, or with the earlier one.
        ([3.0, 5.0], ["1a", "1b", "1c", "0c", "0d"], ([5.0], ["0a", "0b", "0c"])),
        ([5.0, 3.0], ["1a", "1b", "0b", "0c"], ([3.0], ["0a", "0b"])),
        # Events that are too small or have no place are left out.
        ([5.0], ["0a"], ([], [])),
        ([np.nan, 3.0], ["0a", "0b", "1a", "1b"], ([3.0], ["0a", "0b"])),
    ],
)
def test_events_share_no_picks(times, pairs, expected):
    made = made_network(0, 3)
    network = make_network(made.picks, made.stations)
    # A P pick at each of four stations, in the order of the table.
    rows = sorted(
        np.flatnonzero((network.station == k) & ~network.is_s)[0] for k in range(4)
    )
    few = MethodSettings(min_picks=2, min_p_picks=0, min_s_picks=0, min_both=0)
    events = pd.DataFrame({"time_s": times, "x_km": 0.0, "y_km": 0.0, "depth_km": 0.0})
    picks = [(int(event), rows["abcd".index(pick)]) for event, pick in pairs]
    found = make_found(
        network, few, events, pd.DataFrame(picks, columns=["event", "pick"])
    )
    names = [
        f"{event}{'abcd'[rows.index(pick)]}" for event, pick in found.picks.to_numpy()
    ]
    assert (found.events["time_s"].tolist(), names) == expected
