"""Where stations with picks are, and what is drawn of events."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ...tables import find_station, station_table
from ..projection import Projection


def places_of(names: Iterable[str], stations: pd.DataFrame) -> pd.DataFrame:
    """
    :param names: NET.STA.LOC of stations
    :param stations: Table of stations
    :raises ValueError: if a station is at two places
    :return: ``latitude``, ``longitude`` and ``elevation_km``, 0 where it isn't known, by
        ``station_id``; without the stations that the table hasn't
    """
    table = station_table(stations)
    found = (find_station(table, name) for name in sorted(set(names)))
    rows = {
        name: (place.latitude, place.longitude, np.nan_to_num(place.elevation_m) / 1000)
        for name, place in zip(sorted(set(names)), found, strict=True)
        if place is not None
    }
    columns = ["latitude", "longitude", "elevation_km"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns, dtype=float)


def distances_km(latitude: float, longitude: float, places: pd.DataFrame) -> np.ndarray:
    """
    :param latitude: Of an epicentre
    :param longitude: Of an epicentre
    :param places: Table with ``latitude`` and ``longitude``
    :return: Epicentral distances
    """
    plane = Projection(latitude, longitude)
    return np.hypot(*plane.to_km(places["latitude"], places["longitude"]))


def not_among(picks: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """
    :param picks: Table of picks
    :param others: Table of picks
    :return: Picks with another station, phase or time than any of the others
    """
    same = ["station_id", "phase", "time"]
    known = pd.MultiIndex.from_frame(others[same])
    return picks[~pd.MultiIndex.from_frame(picks[same]).isin(known)]


def seconds_after(times: pd.Series, start: pd.Timestamp) -> np.ndarray:
    """
    :param times: Column of times
    :param start: Time that seconds count from
    :return: Seconds
    """
    return (times - start).dt.total_seconds().to_numpy(dtype=float)


def utc(time: object) -> pd.Timestamp:
    """
    :param time: Time; UTC if it has no time zone
    :return: Time in UTC
    """
    stamp = pd.Timestamp(getattr(time, "datetime", time))
    return stamp.tz_localize("UTC") if stamp.tz is None else stamp.tz_convert("UTC")
