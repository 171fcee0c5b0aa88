"""Which picks of a station are those of an event."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seisbench_diting.picking.events import LEAST_SEPARATION, choose_picks
from seisbench_diting.picking.pick_settings import EventOptions

ORIGIN = 1_577_836_800_000_000


def after(seconds):
    return ORIGIN + round(seconds * 1e6) if seconds is not None else np.nan


def choose(picks, p=34.0, s=60.0, distance=220.0, **options):
    """Chosen picks, and the counts that aren't zero."""
    rows = [
        {"phase": phase, "time": after(seconds), "probability": probability}
        for phase, seconds, probability in picks
    ]
    options = EventOptions(**options)
    found, counts = choose_picks(rows, after(p), after(s), distance, options)
    return found, {reason: number for reason, number in counts.items() if number}


def chosen(*picks, **options):
    found, counts = choose(picks, **options)
    return [(row["phase"], (row["time"] - ORIGIN) / 1e6) for row in found], counts


def test_of_a_phase_the_pick_of_most_probability_near_its_time_is_chosen():
    assert chosen() == ([], {})
    p = ("P", 33.0, 0.4), ("P", 35.0, 0.5), ("P", 37.5, 0.6)
    assert chosen(*p) == ([("P", 35.0)], {"not_best": 2})
    # Pn and Pg count as P.
    both = ("Pn", 34.5, 0.4), ("Pg", 37.9, 0.6), ("Sn", 60.5, 0.3), ("Sg", 64.0, 0.5)
    assert chosen(*both) == ([("Pn", 34.5), ("Sn", 60.5)], {"not_best": 2})
    wrong = ("P", 34.2, 0.5), ("S", 34.3, 0.9), ("P", 60.1, 0.9), ("S", 61.0, 0.4)
    assert chosen(*wrong) == ([("P", 34.2), ("S", 61.0)], {"wrong_phase": 2})
    far = ("P", 10.0, 0.9), ("S", 47.0, 0.9), ("P", 100.0, 0.9)
    assert chosen(*far) == ([], {"too_far": 3})


def test_without_a_theoretical_s():
    picks = ("P", 34.0, 0.5), ("S", 60.0, 0.5), ("S", 34.1, 0.9)
    expected = [("P", 34.0)], {"too_far": 1, "wrong_phase": 1}
    assert chosen(*picks, s=None) == expected


PICKS = st.lists(
    st.tuples(
        st.sampled_from(["P", "S", "Pg", "Sn"]),
        st.integers(-200, 1200).map(lambda tenths: tenths / 10),
        st.integers(1, 100).map(lambda hundredths: hundredths / 100),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(PICKS, st.floats(0.5, 60), st.floats(0.5, 40), st.floats(0, 2000))
def test_what_always_holds(picks, p, gap, distance):
    found, counts = choose(picks, p, p + gap, distance)

    assert len(found) + sum(counts.values()) == len(picks)
    letters = [row["phase"][0] for row in found]
    assert letters in ([], ["P"], ["S"], ["P", "S"])
    options = EventOptions()
    for row in found:
        width = options.width(row["phase"], distance)
        assert abs(row["residual_s"]) <= options.limit * width
        residual = (row["time"] - row["theoretical_time"]) / 1e6
        assert row["residual_s"] == pytest.approx(residual)
    if letters == ["P", "S"]:
        between = (found[1]["time"] - found[0]["time"]) / 1e6
        assert between >= LEAST_SEPARATION * gap - 1e-5
