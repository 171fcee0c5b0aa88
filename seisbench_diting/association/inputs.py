"""Picks and stations as associators take them: checked, sorted, on a plane."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ..tables import Station, find_station, pick_table, station_table
from ..travel_times import KM_PER_DEGREE
from .projection import MOST_KM, Projection

#: Picks of one phase at one station that are closer are one.
SAME_PICK_S = 0.01

#: Locations of a station that are closer are one place: picks there tell nothing new.
SAME_PLACE_KM = 0.5


@dataclass(frozen=True)
class Network:
    """
    :param picks: Pick table, sorted by time, of the picks that can be used, with
        ``station``, the row of its station, and ``seconds`` after the reference time
    :param stations: Stations with picks: ``station_id``, ``latitude``, ``longitude``,
        ``elevation_m`` (0 where it isn't known), ``x_km`` and ``y_km``
    :param reference: Time that seconds count from
    :param projection: Plane that ``x_km`` and ``y_km`` are on
    :param not_used: Picks that can't be used, with ``reason``
    """

    picks: pd.DataFrame
    stations: pd.DataFrame
    reference: pd.Timestamp
    projection: Projection
    not_used: pd.DataFrame

    @property
    def reasons(self) -> dict[str, int]:
        """How many picks can't be used, by reason."""
        return dict(Counter(self.not_used["reason"]).most_common())

    def seconds(self) -> np.ndarray:
        """Times of the picks after the reference time, float64."""
        return self.picks["seconds"].to_numpy()

    @cached_property
    def diameter_km(self) -> float:
        """Largest distance between stations."""
        x, y = self.stations["x_km"].to_numpy(), self.stations["y_km"].to_numpy()
        return float(np.hypot(x[:, None] - x, y[:, None] - y).max())

    def is_s(self) -> np.ndarray:
        """Which picks are S, Sg or Sn."""
        return self.picks["phase"].str.startswith("S").to_numpy(dtype=bool)


def make_network(picks: pd.DataFrame, stations: pd.DataFrame) -> Network:
    """
    Picks may come in any order. Those without a station in the table, and all but the
    most probable one of those that are the same, are left out and listed.

    :param picks: Table of picks, see :py:func:`~seisbench_diting.tables.pick_table`
    :param stations: Table of stations
    :raises ValueError: if a value is impossible, no pick has a station that is known, or
        stations are farther apart than a regional network's
    :return: What associators take
    """
    table = pick_table(picks)
    places = station_table(stations)
    if len(places) == 0:
        raise ValueError(
            "stations is empty; association needs to know where stations are."
        )
    ids = table["station_id"].unique()
    known = {name: place for name in ids if (place := find_station(places, name))}
    if len(ids) and not known:
        raise ValueError(
            f"None of the {len(ids)} stations of picks, such as {ids[0]!r}, is in "
            f"stations, which has {places['station_id'].iloc[0]!r} and "
            f"{len(places) - 1} others. Are network and location codes the same?"
        )
    unknown = ~table["station_id"].isin(known)
    double = _doubles(table[~unknown])
    reason = pd.Series("", index=table.index)
    reason[unknown] = "station unknown"
    reason[double] = "given twice"
    used = reason == ""
    not_used = table[~used].assign(reason=reason[~used]).reset_index(drop=True)
    table = table[used].reset_index(drop=True)

    frame, row_of = _one_row_a_place(known)
    if len(frame) == 0:
        # No picks at all, as on a quiet day.
        frame = places.assign(elevation_m=places["elevation_m"].fillna(0.0))
    projection = Projection.around(frame["latitude"], frame["longitude"])
    x, y = projection.to_km(frame["latitude"], frame["longitude"])
    if (farthest := float(np.hypot(x, y).max())) > MOST_KM:
        raise ValueError(
            f"stations reach {farthest:.0f} km from their middle; association here is "
            f"for regional networks of at most {MOST_KM:.0f} km. Split them."
        )
    frame = frame.assign(x_km=x, y_km=y)
    first = table["time"].min() if len(table) else pd.Timestamp(0, tz="UTC")
    reference = first.floor("D")
    microseconds = (table["time"] - reference) // pd.Timedelta("1us")
    table["station"] = table["station_id"].map(row_of).astype(np.int64).to_numpy()
    table["seconds"] = microseconds.to_numpy(dtype=np.float64) * 1e-6
    return Network(table, frame, reference, projection, not_used)


def _doubles(table: pd.DataFrame) -> pd.Index:
    """Rows of picks that are another, more probable one."""
    by_station = table.assign(kind=table["phase"].str[0]).sort_values(
        ["station_id", "kind", "time"], kind="stable"
    )
    same = (
        by_station["station_id"].eq(by_station["station_id"].shift())
        & by_station["kind"].eq(by_station["kind"].shift())
        & (by_station["time"].diff() < pd.Timedelta(seconds=SAME_PICK_S))
    )
    chain = (~same).cumsum()
    # However many there are in a row, each is compared with one that is kept.
    since = by_station["time"] - by_station["time"].groupby(chain).transform("first")
    group = [chain, since // pd.Timedelta(seconds=SAME_PICK_S)]
    first = by_station["probability"].groupby(group).transform("idxmax")
    return by_station.index[by_station.index.to_numpy() != first.to_numpy()]


def _one_row_a_place(known: dict) -> tuple[pd.DataFrame, dict[str, int]]:
    """Locations of a station that are as good as at one place are one station."""
    rows: list[dict] = []
    row_of: dict[str, int] = {}
    rows_of_station: dict[str, list[int]] = {}
    for name, place in sorted(known.items()):
        others = rows_of_station.setdefault(name.rsplit(".", 1)[0], [])
        same = [row for row in others if _apart_km(rows[row], place) < SAME_PLACE_KM]
        if not same:
            same = [len(rows)]
            others += same
            rows.append(
                {
                    "station_id": name,
                    "latitude": place.latitude,
                    "longitude": place.longitude,
                    "elevation_m": np.nan_to_num(place.elevation_m),
                }
            )
        row_of[name] = same[0]
    return pd.DataFrame(rows), row_of


def _apart_km(row: dict, place: Station) -> float:
    north = (place.latitude - row["latitude"]) * KM_PER_DEGREE
    turn = (place.longitude - row["longitude"] + 180) % 360 - 180
    east = turn * KM_PER_DEGREE * np.cos(np.radians(place.latitude))
    return float(np.hypot(north, east))
