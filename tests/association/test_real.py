"""REAL: its own words, its own limits, and events whose origins are known."""

import pandas as pd
import pytest
from made_networks import VELOCITY, made_network, shares

from benchmarks.association import COARSE
from seisbench_diting.association import associate, compare, method_settings

OPTIONS = {"velocity": VELOCITY, "max_depth_km": 20.0}


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


@pytest.mark.parametrize(
    ("per_minute", "number", "least"), [(1, 30, 0.97), (10, 50, 0.97), (60, 100, 0.65)]
)
def test_events_with_known_origins_are_found(per_minute, number, least):
    size = {"stations": 50, "duration_s": 60 * number / per_minute}
    made = made_network(0, number, **size, noise_s=0.07, missing=0.3, false=2.0)
    options = {"p_error_s": 0.09, "s_error_s": 0.16, "min_score": 18.0}

    result = associate(made.picks, made.stations, **OPTIONS, **options)
    found = compare(result.events, made.events, max_time_s=1.0)

    f1 = 2 * len(found.common) / (len(result.events) + len(made.events))
    assert f1 >= least
    assert found.common["distance_km"].median() < 0.5
    assert found.common["time_difference_s"].abs().median() < 0.08


def test_false_picks_alone_are_no_events():
    size = {"stations": 50, "duration_s": 1800.0}
    made = made_network(3, 60, **size, missing=0.99, false=160.0)
    assert len(made.picks) > 5000
    assert len(associate(made.picks, made.stations, **OPTIONS).events) <= 2


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


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("max_gap_deg", 60.0),
        ("max_spread_s", 0.1),
        ("max_nearest_km", 5.0),
        ("event_interval_s", 80.0),
    ],
)
def test_events_satisfy_the_limits_that_only_real_has(name, limit):
    made = made_network(6, 10)
    events = associate(made.picks, made.stations, **OPTIONS, **{name: limit}).events
    assert len(events) < 10
    if name == "max_gap_deg":
        assert (events["azimuthal_gap_deg"] <= limit).all()
    if name == "event_interval_s":
        assert (events["time"].diff().dt.total_seconds().dropna() >= limit).all()
