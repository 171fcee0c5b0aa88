"""Which events of two catalogues are one event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..tables import assignment_table
from ..travel_times import EARTH_RADIUS_KM

#: Picks of one phase at one station are one pick up to this.
SAME_PICK_S = 0.1

#: Fewer shared picks don't tell that two events are one, whatever their share.
LEAST_SHARED_PICKS = 3

#: Pairs of neighbours in time that are looked at together, to bound memory.
_PAIRS_AT_ONCE = 4_000_000

#: Longer than any catalogue; its microseconds fit 64 bits.
_LONGEST_S = 1e11


@dataclass(frozen=True)
class Limits:
    """
    :param max_time_s: Largest difference of the origin times
    :param max_distance_km: Largest distance of the epicentres
    :param min_shared: Least share of the picks of the event with fewer that are shared
    :raises ValueError: if a limit is impossible
    """

    max_time_s: float
    max_distance_km: float
    min_shared: float

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value < np.inf:
                raise ValueError(f"{name}={value} must be 0 or a positive number.")


def close_pairs(a: pd.DataFrame, b: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    """
    :param a: Event table
    :param b: Event table
    :param limits: How close is close
    :return: Rows ``a`` and ``b`` of events that are close in time and place, and their
        ``likeness``, above 0, and 1 if they are the same
    """
    found = []
    times = tuple(table["time"].astype("int64").to_numpy() for table in (a, b))
    places = tuple(table[["latitude", "longitude"]].to_numpy() for table in (a, b))
    for i, j in _neighbours(*times, limits.max_time_s):
        apart_km = distance_km(places[0][i], places[1][j])
        near = apart_km <= limits.max_distance_km
        i, j, apart_km = i[near], j[near], apart_km[near]
        late_s = np.abs(times[0][i] - times[1][j]) * 1e-6
        # 1 at both limits. Limits of 0 allow nothing that differs.
        unlike = np.hypot(
            late_s / (limits.max_time_s or 1), apart_km / (limits.max_distance_km or 1)
        ) / np.sqrt(2)
        # Squared, so that one pair that fits is better than two that half fit.
        likeness = np.maximum(1 - unlike, 0.01) ** 2
        found.append(pd.DataFrame({"a": i, "b": j, "likeness": likeness}))
    return pd.concat(found, ignore_index=True)


def picks_of_events(picks: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """
    :param picks: Table of picks with ``event_id``
    :param events: Event table
    :return: Picks of these events, in order of time: ``event``, the row of the event,
        ``arrival``, NET.STA and P or S, as the published files know no location codes,
        and ``time`` in microseconds
    """
    table = assignment_table(picks)
    stations = table["station_id"]
    short = {name: name.rpartition(".")[0] for name in stations.unique()}
    found = pd.DataFrame(
        {
            "event": pd.Index(events["event_id"]).get_indexer(table["event_id"]),
            "arrival": stations.map(short) + " " + table["phase"].str[:1],
            "time": table["time"].astype("int64"),
        }
    )
    return found[found["event"] >= 0].drop_duplicates(ignore_index=True)


def with_shared(
    pairs: pd.DataFrame, a_picks: pd.DataFrame, b_picks: pd.DataFrame, limits: Limits
) -> pd.DataFrame:
    """
    :param pairs: Of :py:func:`close_pairs`
    :param a_picks: Of :py:func:`picks_of_events`
    :param b_picks: The same of the other catalogue
    :param limits: How many picks must be shared
    :return: These pairs, and those that share enough picks, with ``a_picks``, ``b_picks``
        and ``shared_picks``; picks in common count more for their likeness than time and
        place do
    """
    pairs = pairs.merge(_shared(a_picks, b_picks), "outer", ["a", "b"])
    pairs["shared_picks"] = pairs["shared_picks"].fillna(0).astype("int64")
    for side, picks in (("a", a_picks), ("b", b_picks)):
        count = picks.groupby("event").size()
        pairs[f"{side}_picks"] = pairs[side].map(count).fillna(0).astype("int64")
    fewer = pairs[["a_picks", "b_picks"]].min(axis=1)
    enough = (pairs["shared_picks"] >= LEAST_SHARED_PICKS) & (
        pairs["shared_picks"] >= limits.min_shared * fewer
    )
    pairs = pairs[pairs["likeness"].notna() | enough].reset_index(drop=True)
    # Of all picks, not of the fewer: three picks that were split off a large event share
    # all that they have with it.
    both = pairs["a_picks"] + pairs["b_picks"]
    pairs["likeness"] = pairs["likeness"].fillna(0) + (
        4 * pairs["shared_picks"] / both.where(both > 0, 1)
    )
    return pairs


def best_first(pairs: pd.DataFrame) -> pd.DataFrame:
    """
    :param pairs: Rows ``a`` and ``b``, and ``likeness``
    :return: Pairs of which each event is in one at most: the most alike, then the most
        alike of the others, and so on. Of those that are equally alike the first, which
        is the same whichever catalogue is called A.
    """
    order = np.lexsort((pairs["b"], pairs["a"], -pairs["likeness"]))
    taken: tuple[set[int], set[int]] = set(), set()
    chosen = []
    a, b = pairs["a"].to_numpy()[order].tolist(), pairs["b"].to_numpy()[order].tolist()
    for row, i, j in zip(order.tolist(), a, b, strict=True):
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


def _shared(a_picks: pd.DataFrame, b_picks: pd.DataFrame) -> pd.DataFrame:
    """Pairs of events that share picks, and how many."""
    times = tuple(table["time"].to_numpy() for table in (a_picks, b_picks))
    a_rows, b_rows = (table.groupby("arrival").indices for table in (a_picks, b_picks))
    found: list[tuple[np.ndarray, np.ndarray]] = [(np.zeros(0, int), np.zeros(0, int))]
    for arrival in a_rows.keys() & b_rows.keys():
        of_a, of_b = a_rows[arrival], b_rows[arrival]
        found += [
            (of_a[i], of_b[j])
            for i, j in _neighbours(times[0][of_a], times[1][of_b], SAME_PICK_S)
        ]
    a_row, b_row = map(np.concatenate, zip(*found, strict=True))
    table = pd.DataFrame(
        {
            "a": a_picks["event"].to_numpy()[a_row],
            "b": b_picks["event"].to_numpy()[b_row],
            "a_row": a_row,
            "b_row": b_row,
        }
    )
    # A pick may have two of the other catalogue near it, but is shared once.
    counts = [
        table.drop_duplicates(["a", "b", row]).groupby(["a", "b"]).size()
        for row in ("a_row", "b_row")
    ]
    least = np.minimum(*counts) if len(table) else counts[0]
    return least.rename("shared_picks").reset_index()


def _neighbours(
    a: np.ndarray, b: np.ndarray, reach_s: float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """
    :param a: Times in microseconds
    :param b: Times in microseconds, ascending
    :param reach_s: Largest difference
    :return: Rows of all pairs, in one or more pieces
    """
    reach = round(min(reach_s, _LONGEST_S) * 1e6)
    first = np.searchsorted(b, a - reach)
    count = np.searchsorted(b, a + reach, side="right") - first
    before = np.concatenate([[0], np.cumsum(count)])
    begin = 0
    while True:
        end = int(np.searchsorted(before, before[begin] + _PAIRS_AT_ONCE, "right")) - 1
        end = min(max(end, begin + 1), len(a))
        i = np.repeat(np.arange(begin, end), count[begin:end])
        yield i, first[i] + np.arange(before[begin], before[end]) - before[i]
        begin = end
        if begin >= len(a):
            return
