"""Compare two catalogues: find common events and their differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .._util import make
from ..tables import assignment_table, event_table
from ..travel_times import EARTH_RADIUS_KM, KM_PER_DEGREE
from .associate_settings import CompareLimits

#: Columns of :py:attr:`Comparison.common` that say how the event in B differs.
DIFFERENCES = (
    "time_difference_s",
    "distance_km",
    "east_km",
    "north_km",
    "depth_difference_km",
)

#: Largest time between two picks of one phase at one station that are shared.
SAME_PICK_S = 0.1

#: With fewer shared picks, two events never count as the same, whatever the share.
LEAST_SHARED_PICKS = 3

#: The median of the absolute deviations of a normal distribution times this is its
#: standard deviation.
_OF_NORMAL = 1.4826

#: Longer than any catalogue; its microseconds fit 64 bits.
_LONGEST_S = 1e11


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
        """Share of A's events that are also in B; NaN if A has none."""
        return _share(len(self.common), len(self.only_a))

    @property
    def share_of_b(self) -> float:
        """Share of B's events that are also in A; NaN if B has none."""
        return _share(len(self.common), len(self.only_b))

    def shared_share(self) -> pd.Series:
        """:return: For each pair, the number of shared picks divided by the number of picks
        of the event with fewer picks; NaN if one has none"""
        fewer = self.common[["a_picks", "b_picks"]].min(axis=1).astype("Float64")
        shared = self.common["shared_picks"].astype("Float64")
        return (shared / fewer.where(fewer > 0)).astype("float64")

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


def compare(
    a: pd.DataFrame,
    b: pd.DataFrame,
    a_picks: pd.DataFrame | None = None,
    b_picks: pd.DataFrame | None = None,
    **limits: float,
) -> Comparison:
    """
    Finds the events that are in both catalogues. Two events are the same if their origin
    times and epicentres are close, or if they share enough picks, even if their locations
    differ. Each event is in at most one pair. If several pairs are possible, the most
    similar events are paired first; shared picks count more than time and place.

        compare(read_events("ours.csv"), read_events("theirs.csv")).only_b

    A pick is shared if the other event has a pick of the same phase (P or S) at the same
    station within 0.1 s. Location codes are ignored.

    :param a: Table of events
    :param b: Table of events
    :param a_picks: Picks with the ``event_id`` of A's events; others are left out
    :param b_picks: Picks with the ``event_id`` of B's events
    :param limits: ``max_time_s`` (2) and ``max_distance_km`` (5): largest differences of
        origin times and epicentres; ``min_shared`` (0.5): smallest share of the picks of
        the event with fewer picks that must be shared, and at least 3 picks; above 1, only
        time and place are compared
    :raises ValueError: if a table or a limit is invalid
    :return: Common events, and the events that only one catalogue has
    """
    checked = make(CompareLimits, limits)
    a, b = event_table(a), event_table(b)
    pairs = _close_pairs(a, b, checked)
    if a_picks is not None and b_picks is not None:
        a_picks, b_picks = _picks_of_events(a_picks, a), _picks_of_events(b_picks, b)
        if len(a_picks) and len(b_picks):
            pairs = _with_shared(pairs, a_picks, b_picks, checked.min_shared)
    pairs = _best_first(pairs)
    return Comparison(
        _describe(a.iloc[pairs["a"]], b.iloc[pairs["b"]], pairs),
        a.drop(index=pairs["a"].to_list()).reset_index(drop=True),
        b.drop(index=pairs["b"].to_list()).reset_index(drop=True),
    )


def _share(common: int, only: int) -> float:
    return common / (common + only) if common + only else np.nan


def _close_pairs(
    a: pd.DataFrame, b: pd.DataFrame, limits: CompareLimits
) -> pd.DataFrame:
    """
    Rows ``a`` and ``b`` of events that are close in time and place, and their
    ``likeness``, above 0, and 1 if they are the same.
    """
    times = [table["time"].astype("int64").to_numpy() for table in (a, b)]
    i, j = _neighbours(times[0], times[1], limits.max_time_s)
    apart_km = distance_km(_places(a)[i], _places(b)[j])
    near = apart_km <= limits.max_distance_km
    i, j, apart_km = i[near], j[near], apart_km[near]
    late_s = np.abs(times[0][i] - times[1][j]) * 1e-6
    # 1 at both limits. With limits of 0, only identical events match.
    unlike = np.hypot(
        late_s / (limits.max_time_s or 1), apart_km / (limits.max_distance_km or 1)
    ) / np.sqrt(2)
    # Squared, so that one good pair is better than two mediocre ones.
    likeness = np.maximum(1 - unlike, 0.01) ** 2
    return pd.DataFrame({"a": i, "b": j, "likeness": likeness})


def _picks_of_events(picks: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """
    Picks of these events, in order of time: ``event``, the row of the event, ``arrival``,
    NET.STA and P or S, as the published files know no location codes, and ``time`` in
    microseconds.
    """
    table = assignment_table(picks)
    station = table["station_id"].str.rsplit(".", n=1).str[0]
    found = pd.DataFrame(
        {
            "event": pd.Index(events["event_id"]).get_indexer(table["event_id"]),
            "arrival": station + " " + table["phase"].str[:1],
            "time": table["time"].astype("int64"),
        }
    )
    return found[found["event"] >= 0].drop_duplicates(ignore_index=True)


def _with_shared(
    pairs: pd.DataFrame, a_picks: pd.DataFrame, b_picks: pd.DataFrame, min_shared: float
) -> pd.DataFrame:
    """
    These pairs, and those that share enough picks, with ``a_picks``, ``b_picks`` and
    ``shared_picks``; picks in common count more for their likeness than time and place.
    """
    pairs = pairs.merge(_shared(a_picks, b_picks), "outer", ["a", "b"])
    pairs["a_picks"] = pairs["a"].map(a_picks["event"].value_counts())
    pairs["b_picks"] = pairs["b"].map(b_picks["event"].value_counts())
    counts = ["shared_picks", "a_picks", "b_picks"]
    pairs[counts] = pairs[counts].fillna(0).astype("int64")
    fewer = pairs[["a_picks", "b_picks"]].min(axis=1)
    least = np.maximum(min_shared * fewer, LEAST_SHARED_PICKS)
    pairs = pairs[pairs["likeness"].notna() | (pairs["shared_picks"] >= least)].copy()
    # Relative to all picks: three picks that were split off a large event share all of
    # their picks with it.
    both = (pairs["a_picks"] + pairs["b_picks"]).clip(lower=1)
    shared = 4 * pairs["shared_picks"] / both
    pairs["likeness"] = pairs["likeness"].fillna(0) + shared
    return pairs


def _shared(a_picks: pd.DataFrame, b_picks: pd.DataFrame) -> pd.DataFrame:
    """Pairs of events that share picks, and how many."""
    times = [table["time"].to_numpy() for table in (a_picks, b_picks)]
    a_rows, b_rows = (table.groupby("arrival").indices for table in (a_picks, b_picks))
    found = [np.zeros((2, 0), dtype=int)]
    for arrival in a_rows.keys() & b_rows.keys():
        of_a, of_b = a_rows[arrival], b_rows[arrival]
        i, j = _neighbours(times[0][of_a], times[1][of_b], SAME_PICK_S)
        found.append(np.stack([of_a[i], of_b[j]]))
    a_row, b_row = np.concatenate(found, axis=1)
    a, b = a_picks["event"].to_numpy()[a_row], b_picks["event"].to_numpy()[b_row]
    table = pd.DataFrame({"a": a, "b": b, "a_row": a_row, "b_row": b_row})
    # Two picks of the other catalogue may be near, but a pick is shared only once.
    numbers = table.groupby(["a", "b"])[["a_row", "b_row"]].nunique()
    return numbers.min(axis=1).astype("int64").rename("shared_picks").reset_index()


def _best_first(pairs: pd.DataFrame) -> pd.DataFrame:
    """
    Selects pairs so that each event is in at most one: the most similar pair, then the
    most similar of the others, and so on. Ties are broken in the same way whichever
    catalogue is called A.
    """
    pairs = pairs.sort_values(["likeness", "a", "b"], ascending=[False, True, True])
    taken: tuple[set[int], set[int]] = set(), set()
    chosen = []
    for row, (i, j) in enumerate(pairs[["a", "b"]].to_numpy().tolist()):
        if i not in taken[0] and j not in taken[1]:
            taken[0].add(i)
            taken[1].add(j)
            chosen.append(row)
    return pairs.iloc[chosen].sort_values("a", ignore_index=True)


def distance_km(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """
    On a sphere, right to half a per cent; the same from A to B as from B to A, to the
    last digit.

    :param a: Latitudes and longitudes in degrees, (places, 2)
    :param b: As many others
    :return: Distances, (places,)
    """
    a, b = np.radians(a), np.radians(b)
    north, east = np.sin((a - b).T / 2) ** 2
    sine = np.sqrt(north + np.cos(a[:, 0]) * np.cos(b[:, 0]) * east)
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(sine, 1))


def _places(events: pd.DataFrame) -> np.ndarray:
    return events[["latitude", "longitude"]].to_numpy()


def _neighbours(
    a: np.ndarray, b: np.ndarray, reach_s: float
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of all pairs of times in microseconds; ``b`` must be sorted."""
    reach = round(min(reach_s, _LONGEST_S) * 1e6)
    first = np.searchsorted(b, a - reach)
    count = np.searchsorted(b, a + reach, side="right") - first
    i = np.repeat(np.arange(len(a)), count)
    return i, np.arange(len(i)) - np.repeat(np.cumsum(count) - count - first, count)


def _describe(a: pd.DataFrame, b: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    a, b = a.reset_index(drop=True), b.reset_index(drop=True)
    north, east = (_places(b) - _places(a)).T
    # The shorter way around.
    east = (east + 180) % 360 - 180
    narrow = np.cos(np.radians((a["latitude"] + b["latitude"]) / 2))
    none = pd.Series(pd.NA, pairs.index)
    return pd.DataFrame(
        {
            "a_event_id": a["event_id"],
            "b_event_id": b["event_id"],
            "a_time": a["time"],
            "b_time": b["time"],
            "time_difference_s": (b["time"] - a["time"]).dt.total_seconds(),
            "distance_km": distance_km(_places(a), _places(b)),
            "east_km": east * narrow * KM_PER_DEGREE,
            "north_km": north * KM_PER_DEGREE,
            "depth_difference_km": b["depth_km"] - a["depth_km"],
            **{
                name: pairs.get(name, none).astype("Int64")
                for name in ("a_picks", "b_picks", "shared_picks")
            },
        }
    )
