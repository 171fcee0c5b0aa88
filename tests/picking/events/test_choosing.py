"""Which picks of a station are those of an event."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seisbench_diting.picking import REASONS, Arrivals, Fit, choose_picks
from seisbench_diting.tables import COLUMNS, EVENT_COLUMNS, pick_table

ORIGIN = pd.Timestamp("2020-01-01", tz="UTC")


def after(seconds):
    return ORIGIN + pd.Timedelta(seconds, unit="s") if seconds is not None else pd.NaT


def arrivals(p=34.0, s=60.0, distance=220.0):
    return Arrivals("event", distance, 230.0, after(p), after(s))


def table(*picks, station="XX.ABC."):
    return pick_table(
        [
            {
                "station_id": station,
                "phase": phase,
                "time": after(seconds),
                "probability": probability,
            }
            for phase, seconds, probability in picks
        ]
    )


def chosen(picks, expected=None, fit=None):
    """Phases and seconds of the chosen picks, and the counts that aren't zero."""
    found, counts = choose_picks(picks, expected or arrivals(), fit)
    pairs = [
        (row.phase, pytest.approx((row.time - ORIGIN).total_seconds()))
        for row in found.itertuples()
    ]
    return pairs, {reason: number for reason, number in counts.items() if number}


def test_one_p_and_one_s_with_what_belongs_to_them():
    found, counts = choose_picks(table(("P", 36.2, 0.4), ("S", 62.5, 0.5)), arrivals())

    assert list(found.columns) == [*COLUMNS, *EVENT_COLUMNS]
    assert found["residual_s"].to_list() == pytest.approx([2.2, 2.5])
    assert found["theoretical_time"].to_list() == [after(34.0), after(60.0)]
    assert set(found["event_id"]) == {"event"}
    assert set(found["epicentral_distance_km"]) == {220.0}
    assert set(found["azimuth_deg"]) == {230.0}
    assert counts == dict.fromkeys(REASONS, 0)


def test_probability_and_distance_count():
    near_and_likely = table(("P", 33.0, 0.4), ("P", 35.0, 0.5), ("P", 37.5, 0.6))
    assert chosen(near_and_likely) == ([("P", 35.0)], {"not_best": 2})


def test_the_formula():
    fit = Fit()
    assert fit.width("P", 0) == 0.5
    assert fit.width("Pn", 220) == pytest.approx(1.6)
    assert fit.width("Sg", 220) == pytest.approx(1.6 * 3**0.5)
    assert fit.width("P", 5000) == fit.width("P", 1000) == pytest.approx(5.5)
    weights = fit.weight(np.array([0, 1.6, -4.79, 4.81, np.nan]), 1.6)
    assert weights == pytest.approx([1, np.exp(-0.5), np.exp(-4.48), 0, 0], abs=1e-3)


def test_picks_of_the_wrong_phase():
    picks = table(
        ("P", 34.2, 0.5), ("S", 34.3, 0.9), ("P", 60.1, 0.9), ("S", 61.0, 0.4)
    )
    assert chosen(picks) == ([("P", 34.2), ("S", 61.0)], {"wrong_phase": 2})


def test_picks_far_from_both():
    picks = table(("P", 10.0, 0.9), ("S", 47.0, 0.9), ("P", 100.0, 0.9))
    assert chosen(picks) == ([], {"too_far": 3})


def test_two_names_of_one_arrival_near_the_source():
    expected = arrivals(p=1.5, s=2.6, distance=5.0)
    both = table(("P", 2.5, 0.5), ("S", 2.55, 0.6))
    assert chosen(both, expected) == ([("S", 2.55)], {"not_best": 1})
    # A late event is no reason to take its P for S.
    late = table(("P", 2.1, 0.5), ("S", 3.2, 0.5))
    assert chosen(late, expected) == ([("P", 2.1), ("S", 3.2)], {})


def test_crust_and_mantle_count_as_the_phase():
    picks = table(
        ("Pn", 34.5, 0.4), ("Pg", 37.9, 0.6), ("Sn", 60.5, 0.3), ("Sg", 64, 0.5)
    )
    assert chosen(picks) == ([("Pn", 34.5), ("Sn", 60.5)], {"not_best": 2})
    assert chosen(table(("Pg", 36.1, 0.4))) == ([("Pg", 36.1)], {})


def test_without_a_theoretical_s():
    picks = table(("P", 34.0, 0.5), ("S", 60.0, 0.5), ("S", 34.1, 0.9))
    assert chosen(picks, arrivals(s=None)) == (
        [("P", 34.0)],
        {"too_far": 1, "wrong_phase": 1},
    )


def test_nothing_to_choose_from():
    found, counts = choose_picks(table(), arrivals())
    assert list(found.columns) == [*COLUMNS, *EVENT_COLUMNS]
    assert len(found) == 0
    assert sum(counts.values()) == 0


def test_own_widths():
    picks = table(("P", 36.2, 0.4))
    assert chosen(picks, fit=Fit(p_width=0.2, p_width_per_km=0.001))[0] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("p_width", 0), ("limit", -1), ("p_width_per_km", np.nan), ("confusion", 1)],
)
def test_impossible_options(name, value):
    with pytest.raises(ValueError, match=name):
        Fit(**{name: value})


def test_one_station_at_a_time():
    picks = pd.concat([table(("P", 34, 0.5)), table(("P", 34, 0.5), station="XX.B.")])
    with pytest.raises(ValueError, match="2 stations"):
        choose_picks(picks, arrivals())


PICKS = st.lists(
    st.tuples(
        st.sampled_from(["P", "S", "Pg", "Sn"]),
        st.integers(-200, 1200).map(lambda tenths: tenths / 10),
        st.integers(1, 100).map(lambda hundredths: hundredths / 100),
    ),
    max_size=12,
)
EXPECTED = st.builds(
    lambda p, gap, distance: arrivals(p, p + gap, distance),
    st.floats(0.5, 60).map(lambda seconds: round(seconds, 3)),
    st.floats(0.5, 40).map(lambda seconds: round(seconds, 3)),
    st.floats(0, 2000),
)


@settings(max_examples=60, deadline=None)
@given(PICKS, EXPECTED)
def test_what_always_holds(picks, expected):
    picks = table(*picks)
    found, counts = choose_picks(picks, expected)

    assert len(found) + sum(counts.values()) == len(picks)
    letters = found["phase"].str[:1].to_list()
    assert letters in ([], ["P"], ["S"], ["P", "S"])
    fit = Fit()
    for row in found.itertuples():
        width = fit.width(row.phase, expected.distance_km)
        assert abs(row.residual_s) <= fit.limit * width
        assert row.time == row.theoretical_time + pd.Timedelta(row.residual_s, unit="s")
    if letters == ["P", "S"]:
        span = (expected.s_time - expected.p_time).total_seconds()
        between = (found["time"].iloc[1] - found["time"].iloc[0]).total_seconds()
        assert between >= fit.least_separation * span - 1e-6


@settings(max_examples=40, deadline=None)
@given(PICKS, EXPECTED, st.randoms(use_true_random=False))
def test_neither_order_nor_date_matter(picks, expected, random):
    before = table(*picks)
    shuffled = before.sample(frac=1, random_state=random.randint(0, 2**31))
    day = pd.Timedelta(1, unit="D")
    moved = shuffled.assign(time=shuffled["time"] + day)
    later = Arrivals(
        "event",
        expected.distance_km,
        expected.azimuth_deg,
        expected.p_time + day,
        expected.s_time + day,
    )
    found, counts = choose_picks(before, expected)
    again, recounted = choose_picks(moved, later)
    again["time"] -= day
    again["theoretical_time"] -= day
    scores = [
        list(zip(one["phase"], one["time"], one["probability"], strict=True))
        for one in (found, again)
    ]
    assert scores[0] == scores[1] or _tied(found, again, expected)
    assert counts == recounted


def _tied(one, other, expected):
    fit = Fit()
    sums = [
        sum(
            row.probability
            * fit.weight(row.residual_s, fit.width(row.phase, expected.distance_km))
            for row in picks.itertuples()
        )
        for picks in (one, other)
    ]
    return sums[0] == pytest.approx(sums[1])
