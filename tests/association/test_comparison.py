"""Two catalogues side by side."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seisbench_diting.association import compare
from seisbench_diting.tables import event_table

START = pd.Timestamp("2016-10-14", tz="UTC")


def events(*rows, name="a"):
    """Events from seconds, latitude, longitude and depth."""
    table = pd.DataFrame(rows, columns=["s", "latitude", "longitude", "depth_km"])
    table["event_id"] = [f"{name}{number}" for number in range(len(rows))]
    table["time"] = START + pd.to_timedelta(table["s"].astype(float), unit="s")
    return event_table(table)


def pairs(comparison):
    names = comparison.common[["a_event_id", "b_event_id"]]
    return set(names.itertuples(index=False, name=None))


# Coarse, so that many are at one place or time.
EVENT = st.tuples(
    st.integers(-6, 6).map(lambda n: n / 2),
    st.integers(-4, 4).map(lambda n: n / 50),
    st.sampled_from([179.96, 179.98, 180.0, -179.98, -179.94]),
    st.sampled_from([np.nan, 0.0, 7.5]),
)
CATALOGUE = st.lists(EVENT, max_size=8)


@settings(max_examples=20, deadline=None)
@given(CATALOGUE, CATALOGUE, st.randoms(use_true_random=False))
def test_what_holds_for_any_two_catalogues(first, second, random):
    a, b = events(*first), events(*second, name="b")
    result = compare(a, b)

    # One to one, and nothing is lost.
    for side, table, only in (("a", a, result.only_a), ("b", b, result.only_b)):
        names = [*result.common[f"{side}_event_id"], *only["event_id"]]
        assert sorted(names) == sorted(table["event_id"])
    # The same from the other side and in another order.
    assert {(y, x) for x, y in pairs(compare(b, a))} == pairs(result)
    order = random.sample(range(len(a)), len(a))
    pd.testing.assert_frame_equal(compare(a.iloc[order], b).common, result.common)
    # No two events that are close are left.
    assert len(compare(result.only_a, result.only_b).common) == 0
    # Each event is in the catalogue itself; identical ones may change places.
    same = compare(a, a, max_time_s=0, max_distance_km=0)
    assert len(same.common) == len(a)
    assert not same.common[["time_difference_s", "distance_km"]].any(axis=None)


def test_differences_are_of_b_minus_a():
    a = events((0, 42, 13, 5), (100, 42, 13, 5), (200, 42, 13, 5))
    b = events((0.5, 42.01, 13.02, 7), (100.5, 42, 13, np.nan), name="b")
    result = compare(a, b)

    assert pairs(result) == {("a0", "b0"), ("a1", "b1")}
    assert result.only_a["event_id"].to_list() == ["a2"]
    assert result.share_of_a == pytest.approx(2 / 3)
    assert result.share_of_b == 1
    columns = ["time_difference_s", "north_km", "east_km", "distance_km"]
    expected = [0.5, 1.111, 1.657, np.hypot(1.111, 1.657)]
    assert result.common[columns].iloc[0].to_list() == pytest.approx(expected, abs=2e-3)
    table = result.differences()
    assert table.loc["depth_difference_km", ["count", "median"]].to_list() == [1, 2]


def test_across_the_date_line_and_at_a_pole():
    a = events((0, 10, 179.99, 1), (100, 89.999, 0, 1))
    b = events((0, 10, -179.99, 1), (100, 89.999, 180, 1), name="b")
    common = compare(a, b).common

    assert common["distance_km"].to_list() == pytest.approx([2.193, 0.223], abs=0.001)
    assert common["east_km"].iloc[0] == pytest.approx(2.193, abs=0.001)
