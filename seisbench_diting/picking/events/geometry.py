"""An event, the stations around it, and what is expected at them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import obspy
import pandas as pd
from obspy.geodetics import gps2dist_azimuth

from ...travel_times import TravelTimes


@dataclass(frozen=True)
class Event:
    """
    :param event_id: Name
    :param time: Origin time, UTC
    :param latitude: Degrees
    :param longitude: Degrees
    :param depth_km: Depth below sea level; NaN if it isn't known
    :param magnitude: Magnitude; NaN if it isn't known
    :param magnitude_type: Such as ML
    :raises ValueError: if place or time is impossible
    """

    event_id: str
    time: pd.Timestamp
    latitude: float
    longitude: float
    depth_km: float = np.nan
    magnitude: float = np.nan
    magnitude_type: str = ""

    def __post_init__(self) -> None:
        if pd.isna(self.time):
            raise ValueError(f"event {self.event_id!r} has no origin time.")
        if not (abs(self.latitude) <= 90 and abs(self.longitude) <= 360):
            raise ValueError(
                f"event {self.event_id!r} has latitude={self.latitude} and "
                f"longitude={self.longitude}; degrees of at most 90 and 360 are possible."
            )

    @classmethod
    def of(cls, row: Any) -> Event:
        """
        :param row: Row of an event table, by ``itertuples`` or ``iloc``; or an event
        :raises ValueError: if place or time is impossible
        :return: Event
        """
        if isinstance(row, cls):
            return row
        time = pd.Timestamp(row.time)
        return cls(
            str(row.event_id),
            time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC"),
            float(row.latitude),
            float(row.longitude),
            _number(getattr(row, "depth_km", None)),
            _number(getattr(row, "magnitude", None)),
            str(getattr(row, "magnitude_type", None) or ""),
        )

    @property
    def origin(self) -> obspy.UTCDateTime:
        """Origin time for ObsPy."""
        return obspy.UTCDateTime(ns=self.time.value)

    def after(self, seconds: float) -> pd.Timestamp:
        """
        :param seconds: Seconds after the origin time, or NaN
        :return: Time to the microsecond, as in pick tables; NaT for NaN
        """
        if np.isnan(seconds):
            return pd.NaT
        return (self.time + pd.Timedelta(seconds, unit="s")).round("us")


def _number(value: Any) -> float:
    return np.nan if value is None or pd.isna(value) else float(value)


def arrivals_at(
    event: Event,
    station_ids: Iterable[str],
    stations: pd.DataFrame,
    travel_times: TravelTimes,
) -> tuple[pd.DataFrame, list[str]]:
    """
    Distances and azimuths are on the WGS84 ellipsoid. A station whose location code isn't
    in the table has the place of another one of its name.

    :param event: Event
    :param station_ids: NET.STA.LOC of the stations
    :param stations: Station table with station_id, latitude, longitude and elevation_m
    :param travel_times: Travel times
    :return: Table with station_id, latitude, longitude, elevation_m,
        epicentral_distance_km, azimuth_deg, and p_seconds and s_seconds after the origin
        time, nearest station first; and the stations without coordinates
    """
    known = stations[np.isfinite(stations["latitude"] + stations["longitude"])]
    by_id = known.drop_duplicates("station_id").set_index("station_id")
    names = by_id.index.str.rpartition(".").get_level_values(0)
    by_name = by_id[~names.duplicated()].set_axis(names[~names.duplicated()])
    rows, unknown = [], []
    for station_id in station_ids:
        name = station_id.rpartition(".")[0]
        if station_id in by_id.index:
            station = by_id.loc[station_id]
        elif name in by_name.index:
            station = by_name.loc[name]
        else:
            unknown.append(station_id)
            continue
        metres, azimuth, _ = gps2dist_azimuth(
            event.latitude, event.longitude, station.latitude, station.longitude
        )
        rows.append(
            {
                "station_id": station_id,
                "latitude": float(station.latitude),
                "longitude": float(station.longitude),
                "elevation_m": float(station.elevation_m),
                "epicentral_distance_km": metres / 1000,
                "azimuth_deg": azimuth,
            }
        )
    columns = {
        "station_id": "str",
        "latitude": "float64",
        "longitude": "float64",
        "elevation_m": "float64",
        "epicentral_distance_km": "float64",
        "azimuth_deg": "float64",
    }
    table = pd.DataFrame(rows, columns=list(columns)).astype(columns)
    table["p_seconds"], table["s_seconds"] = travel_times.first_arrivals(
        table["epicentral_distance_km"].to_numpy(),
        event.depth_km,
        table["elevation_m"].to_numpy(),
    )
    order = ["epicentral_distance_km", "station_id"]
    return table.sort_values(order, ignore_index=True), unknown
