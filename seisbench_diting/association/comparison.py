"""Compare two catalogues: find common events and their differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pyproj import Geod

from .._util import make
from ..tables import event_table
from .associate_settings import CompareLimits

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

_PLACE = ("longitude", "latitude")


@dataclass(frozen=True)
class Comparison:
    """
    :param common: One row a pair of events: ``a_event_id``, ``b_event_id``, ``a_time``,
        ``b_time``; how much later, farther east, farther north and deeper the event in B
        is (``time_difference_s``, ``east_km``, ``north_km``, ``depth_difference_km``), and
        how far the epicentres are apart (``distance_km``)
    :param only_a: Events that only A has
    :param only_b: Events that only B has
    """

    common: pd.DataFrame
    only_a: pd.DataFrame
    only_b: pd.DataFrame

    @property
    def share_of_a(self) -> float:
        """Share of A's events that are also in B; NaN if A has none."""
        return len(self.common) / ((len(self.common) + len(self.only_a)) or np.nan)

    @property
    def share_of_b(self) -> float:
        """Share of B's events that are also in A; NaN if B has none."""
        return len(self.common) / ((len(self.common) + len(self.only_b)) or np.nan)

    def differences(self) -> pd.DataFrame:
        """
        :return: For each of :py:data:`DIFFERENCES`, the ``count`` of pairs for which it is
            known; its ``median``; its ``spread``, 1.4826 times the median of the absolute
            deviations from the median, a robust standard deviation; and ``low`` and
            ``high``, the limits of the middle 90 %
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


def compare(a: pd.DataFrame, b: pd.DataFrame, **limits: float) -> Comparison:
    """
    Finds the events that are in both catalogues. Two events are the same if their origin
    times and epicentres are close. Each event is in at most one pair; if several pairs are
    possible, the closest events are paired first.

        compare(read_events("ours.csv"), read_events("theirs.csv")).only_b

    :param a: Table of events
    :param b: Table of events
    :param limits: ``max_time_s`` (2) and ``max_distance_km`` (5): largest differences of
        origin times and epicentres
    :raises ValueError: if a table or a limit is invalid
    :return: Common events, and the events that only one catalogue has
    """
    most = make(CompareLimits, limits)
    a, b = event_table(a), event_table(b)
    i, j = _neighbours(a["time"], b["time"], most.max_time_s)
    first, second = (t.iloc[k].reset_index(drop=True) for t, k in ((a, i), (b, j)))
    places = (t[name].to_numpy() for t in (first, second) for name in _PLACE)
    azimuth, _, metres = Geod(ellps="WGS84").inv(*places)
    # To the millimetre, so that distances from A to B are those from B to A.
    km = np.round(np.asarray(metres) / 1000, 6)
    late = (second["time"] - first["time"]).dt.total_seconds()
    pairs = pd.DataFrame(
        {
            "a_event_id": first["event_id"],
            "b_event_id": second["event_id"],
            "a_time": first["time"],
            "b_time": second["time"],
            "time_difference_s": late,
            "distance_km": km,
            "east_km": km * np.sin(np.radians(azimuth)),
            "north_km": km * np.cos(np.radians(azimuth)),
            "depth_difference_km": second["depth_km"] - first["depth_km"],
        }
    )
    # With limits of 0, only identical events match.
    unlike = np.hypot(late / (most.max_time_s or 1), km / (most.max_distance_km or 1))
    order = np.lexsort((j, i, unlike))
    chosen = _first_of_each(i, j, order[km[order] <= most.max_distance_km])
    return Comparison(
        pairs.iloc[chosen].reset_index(drop=True),
        a.drop(index=i[chosen].tolist()).reset_index(drop=True),
        b.drop(index=j[chosen].tolist()).reset_index(drop=True),
    )


def _neighbours(
    a: pd.Series, b: pd.Series, reach_s: float
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of all pairs of times that are close; both must be sorted."""
    times, others = (column.astype("int64").to_numpy() for column in (a, b))
    reach = round(reach_s * 1e6)
    first = np.searchsorted(others, times - reach)
    count = np.searchsorted(others, times + reach, side="right") - first
    i = np.repeat(np.arange(len(times)), count)
    return i, np.arange(len(i)) - np.repeat(np.cumsum(count) - count - first, count)


def _first_of_each(i: np.ndarray, j: np.ndarray, order: np.ndarray) -> list[int]:
    """The first pairs in this order such that each event is in at most one, sorted by A."""
    rows: dict[int, int] = {}
    taken: set[int] = set()
    for pair in order.tolist():
        if i[pair] not in rows and j[pair] not in taken:
            rows[i[pair]] = pair
            taken.add(j[pair])
    return [rows[row] for row in sorted(rows)]
