"""Two catalogues side by side: which events are in both, and how they differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..tables import event_table
from ..travel_times import KM_PER_DEGREE
from .matching import (
    Limits,
    best_first,
    close_pairs,
    distance_km,
    picks_of_events,
    with_shared,
)

#: Columns of :py:attr:`Comparison.common` that say how the event in B differs.
DIFFERENCES = (
    "time_difference_s",
    "distance_km",
    "east_km",
    "north_km",
    "depth_difference_km",
)

#: The median of the absolute deviations of a normal distribution times this is its
#: standard deviation.
_OF_NORMAL = 1.4826


@dataclass(frozen=True)
class Comparison:
    """
    :param common: One row a pair of events: ``a_event_id``, ``b_event_id``, ``a_time``,
        ``b_time``; how much later, farther east, farther north and deeper the event in B
        is (``time_difference_s``, ``east_km``, ``north_km``, ``depth_difference_km``), and
        how far the epicentres are apart (``distance_km``); and ``a_picks``, ``b_picks``
        and ``shared_picks``, which are NA unless both catalogues have picks
    :param only_a: Events that only A has
    :param only_b: Events that only B has
    """

    common: pd.DataFrame
    only_a: pd.DataFrame
    only_b: pd.DataFrame

    @property
    def share_of_a(self) -> float:
        """Share of A's events that are in B, too; NaN if A has none."""
        return _share(len(self.common), len(self.only_a))

    @property
    def share_of_b(self) -> float:
        """Share of B's events that are in A, too; NaN if B has none."""
        return _share(len(self.common), len(self.only_b))

    def shared_share(self) -> pd.Series:
        """:return: Of each pair, the share of the picks of the event with fewer that the
        other has, too; NaN where one has none"""
        fewer = self.common[["a_picks", "b_picks"]].min(axis=1).astype("Float64")
        shared = self.common["shared_picks"].astype("Float64")
        return (shared / fewer.where(fewer > 0)).astype("float64")

    def differences(self) -> pd.DataFrame:
        """
        :return: For each of :py:data:`DIFFERENCES` the ``count`` of pairs that it is known
            of; its ``median``; its ``spread``, 1.4826 times the median of the absolute
            deviations from the median, which is a standard deviation that outliers don't
            change; and ``low`` and ``high``, between which the middle 90 % are
        """
        values = self.common[list(DIFFERENCES)]
        median = values.median()
        return pd.DataFrame(
            {
                "count": values.count(),
                "median": median,
                "spread": (values - median).abs().median() * _OF_NORMAL,
                "low": values.quantile(0.05),
                "high": values.quantile(0.95),
            }
        )


def compare(
    a: pd.DataFrame,
    b: pd.DataFrame,
    a_picks: pd.DataFrame | None = None,
    b_picks: pd.DataFrame | None = None,
    max_time_s: float = 2.0,
    max_distance_km: float = 5.0,
    min_shared: float = 0.5,
) -> Comparison:
    """
    Two events are taken for one if their origin times and their epicentres are close, or
    if they share enough of their picks, even where locations differ. Each event is in one
    pair at most. Where several are possible, those that are most alike come first: picks
    in common count more than time and place.

        compare(read_events("ours.csv"), read_events("theirs.csv")).only_b

    A pick is shared if the other event has one of P, or of S, at the same station, whatever
    its location code, within 0.1 s.

    :param a: Table of events
    :param b: Table of events
    :param a_picks: Picks with the ``event_id`` of A's events; others are left out
    :param b_picks: Picks with the ``event_id`` of B's events
    :param max_time_s: Largest difference of the origin times of close events
    :param max_distance_km: Largest distance of their epicentres
    :param min_shared: Least share of the picks of the event with fewer that must be
        shared, and never fewer than 3 picks; above 1 only what is close is common
    :raises ValueError: if a table or a limit is impossible
    :return: What is common, and what only one has
    """
    limits = Limits(max_time_s, max_distance_km, min_shared)
    a, b = event_table(a), event_table(b)
    pairs = close_pairs(a, b, limits)
    if a_picks is not None and b_picks is not None:
        used = picks_of_events(a_picks, a), picks_of_events(b_picks, b)
        if min(map(len, used)):
            pairs = with_shared(pairs, *used, limits)
    pairs = best_first(pairs)
    return Comparison(
        _describe(a, b, pairs),
        a.drop(index=pairs["a"]).reset_index(drop=True),
        b.drop(index=pairs["b"]).reset_index(drop=True),
    )


def _share(common: int, only: int) -> float:
    return common / (common + only) if common + only else np.nan


def _describe(a: pd.DataFrame, b: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    a, b = (
        table.iloc[pairs[side]].reset_index(drop=True)
        for side, table in (("a", a), ("b", b))
    )
    places = [table[["latitude", "longitude"]].to_numpy() for table in (a, b)]
    north, east = (places[1] - places[0]).T
    # The shorter way around.
    east = (east + 180) % 360 - 180
    narrow = np.cos(np.radians((places[0] + places[1])[:, 0] / 2))
    return pd.DataFrame(
        {
            "a_event_id": a["event_id"],
            "b_event_id": b["event_id"],
            "a_time": a["time"],
            "b_time": b["time"],
            "time_difference_s": (b["time"] - a["time"]).dt.total_seconds(),
            "distance_km": distance_km(*places),
            "east_km": east * narrow * KM_PER_DEGREE,
            "north_km": north * KM_PER_DEGREE,
            "depth_difference_km": b["depth_km"] - a["depth_km"],
            **{
                name: pairs.get(name, pd.Series(pd.NA, pairs.index)).astype("Int64")
                for name in ("a_picks", "b_picks", "shared_picks")
            },
        }
    )
