"""Two catalogues side by side."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seisbench_diting import tables
from seisbench_diting.association import compare
from seisbench_diting.association.comparison import DIFFERENCES, distance_km

START = pd.Timestamp("2016-10-14", tz="UTC")
STATIONS = ["XX.A.", "XX.B.", "XX.C.", "XX.D."]


def events(*rows, name="a"):
    """Events from seconds, latitude, longitude and depth."""
    return tables.event_table(
        [
            {
                "event_id": f"{name}{number}",
                "time": START + pd.Timedelta(seconds, unit="s"),
                "latitude": latitude,
                "longitude": longitude,
                "depth_km": depth,
            }
            for number, (seconds, latitude, longitude, depth) in enumerate(rows)
        ]
    )


def picks(*rows):
    """Picks from event, station, phase and seconds."""
    return tables.assignment_table(
        [
            {
                "event_id": event_id,
                "station_id": station,
                "phase": phase,
                "time": START + pd.Timedelta(seconds, unit="s"),
                "probability": 0.9,
            }
            for event_id, station, phase, seconds in rows
        ]
    )


def pairs(comparison):
    return set(
        zip(
            comparison.common["a_event_id"],
            comparison.common["b_event_id"],
            strict=True,
        )
    )


# Coarse, so that many are at one place or time.
EVENT = st.tuples(
    st.integers(-6, 6).map(lambda n: n / 2),
    st.integers(-4, 4).map(lambda n: n / 50),
    st.sampled_from([179.96, 179.98, 180.0, -179.98, -179.94]),
    st.sampled_from([np.nan, 0.0, 7.5]),
)
PICK = st.tuples(
    st.integers(0, 7),
    st.sampled_from(STATIONS),
    st.sampled_from(["P", "S", "Pg"]),
    st.integers(0, 30).map(lambda n: n / 20),
)


@st.composite
def catalogues(draw, name):
    rows = draw(st.lists(EVENT, max_size=8))
    table = events(*rows, name=name)
    chosen = draw(st.lists(PICK, max_size=40))
    return table, picks(
        *((f"{name}{n}", *pick) for n, *pick in chosen if n < len(rows))
    )


@settings(max_examples=50, deadline=None)
@given(catalogues("a"), catalogues("b"), st.randoms(use_true_random=False))
def test_any_catalogues(first, second, random):
    (a, a_picks), (b, b_picks) = first, second
    result = compare(a, b, a_picks, b_picks)

    # One to one, and nothing is lost.
    common = result.common
    assert common["a_event_id"].is_unique
    assert common["b_event_id"].is_unique
    for side, table, only in (("a", a, result.only_a), ("b", b, result.only_b)):
        names = [*common[f"{side}_event_id"], *only["event_id"]]
        assert sorted(names) == sorted(table["event_id"])

    # The same from the other side.
    turned = compare(b, a, b_picks, a_picks)
    assert {(y, x) for x, y in pairs(turned)} == pairs(result)

    # The same in another order.
    order = random.sample(range(len(a)), len(a))
    again = compare(a.iloc[order], b, a_picks[::-1], b_picks.sample(frac=1))
    pd.testing.assert_frame_equal(again.common, common)
    pd.testing.assert_frame_equal(again.only_a, result.only_a)

    # Nobody is left alone who has somebody near.
    apart = [
        (abs((x.time - y.time).total_seconds()), x, y)
        for x in result.only_a.itertuples()
        for y in result.only_b.itertuples()
    ]
    for seconds, x, y in apart:
        places = (
            np.array([[x.latitude, x.longitude]]),
            np.array([[y.latitude, y.longitude]]),
        )
        assert seconds > 2 or distance_km(*places)[0] > 5


@settings(max_examples=50, deadline=None)
@given(catalogues("a"))
def test_a_catalogue_against_itself(catalogue):
    table, of_events = catalogue
    result = compare(
        *(table, table, of_events, of_events), max_time_s=0, max_distance_km=0
    )

    # Events that are the same in all may change places.
    assert len(result.common) == len(table)
    assert len(result.only_a) == len(result.only_b) == 0
    differences = result.common[["time_difference_s", "distance_km"]].to_numpy()
    assert np.abs(differences).max(initial=0) == 0
    assert np.isnan(result.share_of_a) if len(table) == 0 else result.share_of_a == 1


def test_differences_are_of_b_minus_a():
    a = events((0, 42.0, 13.0, 5.0), (100, 42.0, 13.0, 5.0), (200, 42.0, 13.0, 5.0))
    b = events((0.5, 42.01, 13.02, 7.0), (100.5, 42.0, 13.0, np.nan), name="b")
    result = compare(a, b)

    assert pairs(result) == {("a0", "b0"), ("a1", "b1")}
    assert result.only_a["event_id"].to_list() == ["a2"]
    assert len(result.only_b) == 0
    assert result.share_of_a == pytest.approx(2 / 3)
    assert result.share_of_b == 1
    first = result.common.iloc[0]
    assert first["time_difference_s"] == 0.5
    assert first["north_km"] == pytest.approx(1.112, abs=0.001)
    assert first["east_km"] == pytest.approx(1.652, abs=0.001)
    assert first["distance_km"] == pytest.approx(np.hypot(1.112, 1.652), abs=0.002)
    assert first["depth_difference_km"] == 2
    assert result.common[["a_picks", "b_picks", "shared_picks"]].isna().all(axis=None)
    table = result.differences()
    assert table.index.to_list() == list(DIFFERENCES)
    assert table.loc["time_difference_s"].to_list() == [2, 0.5, 0, 0.5, 0.5]
    assert table.loc["depth_difference_km", ["count", "median"]].to_list() == [1, 2]


def test_limits_are_allowed():
    a, b = events((0, 0, 0, 1)), events((2, 0, 0, 1), name="b")
    assert len(compare(a, b).common) == 1
    assert len(compare(a, b, max_time_s=1.999999).common) == 0
    b = events((0, 0.044, 0, 1), name="b")
    assert len(compare(a, b).common) == 1
    assert len(compare(a, b, max_distance_km=4.89).common) == 0


def test_the_nearest_comes_first():
    # Both pairs would be possible if a1 were b0's.
    a = events((0, 0, 0, 1), (1.5, 0, 0, 1))
    b = events((-1.5, 0, 0, 1), (0, 0, 0, 1), name="b")
    assert pairs(compare(a, b)) == {("a0", "b1")}


def test_across_the_date_line_and_at_a_pole():
    a = events((0, 10, 179.99, 1), (100, 89.999, 0, 1))
    b = events((0, 10, -179.99, 1), (100, 89.999, 180, 1), name="b")
    result = compare(a, b)

    assert pairs(result) == {("a0", "b0"), ("a1", "b1")}
    assert result.common["distance_km"].to_list() == pytest.approx(
        [2.190, 0.222], abs=0.001
    )
    assert result.common["east_km"].iloc[0] == pytest.approx(2.190, abs=0.001)


def test_events_that_share_picks_are_one_wherever_they_are():
    a, b = events((0, 42, 13, 5)), events((4, 42.2, 13, 15), name="b")
    rows = [(station, phase, n) for n, station in enumerate(STATIONS) for phase in "PS"]
    a_picks = picks(*(("a0", s, p, n + (p == "S")) for s, p, n in rows))
    near = picks(*(("b0", s, p, n + (p == "S") + 0.1) for s, p, n in rows[:5]))
    result = compare(a, b, a_picks, near)

    assert pairs(result) == {("a0", "b0")}
    numbers = result.common[["a_picks", "b_picks", "shared_picks"]].iloc[0].to_list()
    assert numbers == [8, 5, 5]
    assert result.shared_share().to_list() == [1]
    assert len(compare(a, b, a_picks).common) == 0
    assert len(compare(a, b, a_picks, near, min_shared=1.1).common) == 0
    # Two are too few, whatever their share.
    assert len(compare(a, b, a_picks, near[:2]).common) == 0
    # Other phases, stations or times are other picks.
    for column, value in (
        ("phase", near["phase"].map({"P": "S", "S": "P"})),
        ("station_id", near["station_id"].str.replace("XX", "YY")),
        ("time", near["time"] + pd.Timedelta(11, unit="ms")),
    ):
        assert len(compare(a, b, a_picks, near.assign(**{column: value})).common) == 0
    # Other names of phases, and location codes, are not.
    same = near.assign(station_id=near["station_id"] + "00", phase=near["phase"] + "g")
    assert len(compare(a, b, a_picks, same).common) == 1


def test_a_part_that_was_split_off_is_not_the_event():
    a = events((0, 42, 13, 5))
    b = events((0, 42, 13, 5), (0.5, 42, 13.01, 5), name="b")
    rows = [("XX.A.", "P", n) for n in range(10)]
    result = compare(
        a,
        b,
        picks(*(("a0", *row) for row in rows)),
        picks(*(("b0", *row) for row in rows[:3]), *(("b1", *row) for row in rows[1:])),
    )
    assert pairs(result) == {("a0", "b1")}


def test_empty_catalogues():
    none, some = events(), events((0, 42, 13, 5))
    result = compare(none, none, picks(), picks())
    assert np.isnan([result.share_of_a, result.share_of_b]).all()
    assert result.differences()["count"].to_list() == [0] * len(DIFFERENCES)
    assert len(compare(none, some).only_b) == len(compare(some, none).only_a) == 1
    assert compare(none, some).common.dtypes.equals(compare(some, some).common.dtypes)


def test_many_events_at_once_need_no_pairs_of_all():
    count = 100_000
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "event_id": [f"a{n}" for n in range(count)],
            "time": START + pd.to_timedelta(np.arange(count), unit="s"),
            "latitude": 42 + 0.05 * random.standard_normal(count),
            "longitude": 13 + 0.05 * random.standard_normal(count),
        }
    )
    moved = frame.assign(time=frame["time"] + pd.Timedelta(0.2, unit="s"))
    result = compare(frame, moved.sample(frac=0.9, random_state=1))

    assert len(result.common) >= 0.9 * count - 50
    same = result.common["a_event_id"] == result.common["b_event_id"]
    assert same.mean() > 0.99


@pytest.mark.parametrize("name", ["max_time_s", "max_distance_km", "min_shared"])
@pytest.mark.parametrize("value", [-1, np.nan, np.inf])
def test_impossible_limits(name, value):
    with pytest.raises(ValueError, match=rf"{name}={value}: "):
        compare(events(), events(), **{name: value})
