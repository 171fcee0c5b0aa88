"""What is made of events and picks that libraries give."""

import numpy as np
import pandas as pd
import pytest
from made_networks import made_network

from seisbench_diting.association.associate_settings import MethodSettings
from seisbench_diting.association.core import make_found, make_network

FEW = MethodSettings(min_picks=2, min_p_picks=0, min_s_picks=0, min_both=0)


@pytest.fixture(scope="module")
def network():
    made = made_network(0, 3)
    return make_network(made.picks, made.stations)


def events(*times):
    zeros = np.zeros(len(times))
    return pd.DataFrame(
        {"time_s": times, "x_km": zeros, "y_km": zeros, "depth_km": zeros}
    )


def picks(*pairs):
    return pd.DataFrame(pairs, columns=["event", "pick"])


def rows_of(network, station, s):
    right = (network.picks["station"] == station) & (network.is_s == s)
    return np.flatnonzero(right)


def test_a_pick_of_two_events_stays_with_the_larger_one(network):
    a, b, c, d = (int(rows_of(network, station, False)[0]) for station in range(4))

    found = make_found(
        network,
        FEW,
        events(5.0, 3.0),
        picks((1, a), (1, b), (1, c), (0, c), (0, d), (0, a)),
    )
    none = make_found(network, FEW, events(5.0), picks((0, a)))

    # As many picks: the earlier event has both.
    assert found.events["time_s"].tolist() == [3.0]
    assert found.picks.to_numpy().tolist() == [[0, row] for row in sorted([a, b, c])]
    assert len(none.events) == len(none.picks) == 0


def test_a_station_has_one_pick_of_a_phase_the_most_probable(network):
    first, second = rows_of(network, 0, False)[:2]
    other = int(rows_of(network, 1, True)[0])

    found = make_found(
        network, FEW, events(5.0), picks((0, first), (0, second), (0, other))
    )

    probability = network.picks["probability"]
    best = first if probability[first] >= probability[second] else second
    assert set(found.picks["pick"]) == {best, other}


def test_limits_hold_after_picks_were_taken_away(network):
    p, s = (int(rows_of(network, 0, phase)[0]) for phase in (False, True))
    both = MethodSettings(min_picks=2, min_p_picks=1, min_s_picks=1, min_both=1)
    more = MethodSettings(min_picks=2, min_p_picks=1, min_s_picks=1, min_both=2)

    assert (
        len(make_found(network, both, events(1.0), picks((0, p), (0, s))).events) == 1
    )
    assert (
        len(make_found(network, more, events(1.0), picks((0, p), (0, s))).events) == 0
    )


def test_events_without_a_place_are_left_out(network):
    a, b = (int(rows_of(network, station, False)[0]) for station in range(2))

    found = make_found(
        network,
        FEW,
        events(np.nan, 3.0),
        picks((0, a), (0, b), (1, a), (1, b)),
    )

    assert found.events["time_s"].tolist() == [3.0]
    assert found.picks["event"].tolist() == [0, 0]
