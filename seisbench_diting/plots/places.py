"""Where stations with picks are, and what is drawn of events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
import pandas as pd

from ..tables import find_station, station_table


class TravelTimeTable(Protocol):
    """Travel times of P and S."""

    def at(
        self, distance_km: Any, depth_km: Any, elevation_km: Any = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        :param distance_km: Epicentral distances
        :param depth_km: Depths
        :param elevation_km: Elevations of the stations
        :return: Seconds of P and S
        """


def middle_of(latitude: pd.Series, longitude: pd.Series) -> tuple[float, float]:
    """
    :param latitude: Degrees
    :param longitude: Degrees
    :return: Latitude and longitude of their median, also across the date line
    """
    turn = np.exp(1j * np.radians(longitude.to_numpy(dtype=float)))
    around = np.degrees(np.angle(turn.mean()))
    east = (longitude.to_numpy(dtype=float) - around + 180) % 360 - 180
    return float(np.median(latitude)), float(around + np.median(east))


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
    from pyproj import Geod

    one = np.ones(len(places))
    *_, metres = Geod(ellps="WGS84").inv(
        longitude * one, latitude * one, places["longitude"], places["latitude"]
    )
    return np.asarray(metres) / 1000


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
