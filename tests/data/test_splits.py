"""Splits by event and by order."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seisbench_diting.data import ConvertSettings
from seisbench_diting.data.chunks import split_at, split_of_event

SPLITS = ("train", "dev", "test")


def split_of_place(place, number, shares):
    return split_at((place + 0.5) / number, shares)


def test_shares_by_event_are_what_was_asked_for():
    events = [f"{i:06d}" for i in range(20_000)]
    counts = Counter(split_of_event(event, (0.7, 0.1, 0.2), 1) for event in events)

    assert counts["train"] / 20_000 == pytest.approx(0.7, abs=0.01)
    assert counts["dev"] / 20_000 == pytest.approx(0.1, abs=0.01)
    assert counts["test"] / 20_000 == pytest.approx(0.2, abs=0.01)


def test_another_seed_gives_another_split():
    events = [f"{i:06d}" for i in range(200)]
    splits = [
        [split_of_event(event, (0.5, 0, 0.5), seed) for event in events]
        for seed in (1, 1, 2)
    ]

    assert splits[0] == splits[1] != splits[2]


def test_the_split_is_the_same_on_every_machine():
    shares = (0.8, 0.1, 0.1)
    splits = [split_of_event(f"{i:06d}", shares, 42) for i in range(12)]

    # Written down once: a change would put test events of old datasets into training.
    assert splits == (
        [
            "dev",
            "dev",
            "train",
            "dev",
            "test",
            "train",
            "train",
            "train",
            "train",
            "train",
            "test",
            "train",
        ]
    )


def test_by_order_the_first_records_train():
    splits = [split_of_place(i, 10, (0.9, 0.0, 0.1)) for i in range(10)]
    assert splits == ["train"] * 9 + ["test"]

    splits = [split_of_place(i, 10, (0.6, 0.2, 0.2)) for i in range(10)]
    assert splits == ["train"] * 6 + ["dev"] * 2 + ["test"] * 2


@given(
    st.integers(1, 1000).flatmap(
        lambda n: st.tuples(st.integers(0, n - 1), st.just(n))
    ),
    st.sampled_from([(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.1, 0.2, 0.7), (0.7, 0.3, 0)]),
)
def test_a_share_of_nothing_gets_nothing(place, shares):
    for split in (
        split_of_place(*place, shares),
        split_of_event("1", shares, place[0]),
    ):
        assert shares[SPLITS.index(split)] > 0


@pytest.mark.parametrize(
    "shares", [(0.8, 0.1), (0.8, 0.1, 0.2), (1.1, -0.1, 0), (float("nan"), 0, 1)]
)
def test_shares_that_are_none(shares):
    with pytest.raises(ValueError, match="split"):
        ConvertSettings(source="in", output="out", split=shares)
