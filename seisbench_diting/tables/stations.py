"""The table of stations, and where a station is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import obspy
import pandas as pd

from .columns import Rows, check, is_station_id, typed
from .events import coordinate_rules, eastward

#: Columns of every station table, with their types.
#:
#: ``station_id`` is NET.STA.LOC; without a location code it stands for all locations;
#: ``longitude`` is from -180 to 180; ``elevation_m`` may be NaN.
STATION_COLUMNS = {
    "station_id": "str",
    "latitude": "float64",
    "longitude": "float64",
    "elevation_m": "float64",
}

#: Coordinates that differ by no more are one place: about 100 m, which is less than
#: locations of events are wrong by, but more than instruments of a station are apart.
_SAME_DEGREES, _SAME_METRES = 0.001, 100.0

_SAC_UNDEFINED = -12345.0


class Station(NamedTuple):
    """A row of a table of stations."""

    station_id: str
    latitude: float
    longitude: float
    elevation_m: float


def station_table(stations: Rows) -> pd.DataFrame:
    """
    A table with all columns in their types, sorted by station. Rows that give one station
    the same place, within about 100 m, become one: the first.

    :param stations: Rows or a table with at least ``station_id`` (NET.STA, too),
        ``latitude`` and ``longitude``, which may reach from -180 to 360 degrees
    :raises ValueError: if one of these is missing, a value is impossible, or a station is
        at two places
    :return: New table
    """
    required = ("station_id", "latitude", "longitude")
    table = typed(stations, STATION_COLUMNS, required, "stations")
    short = table["station_id"].str.count(r"\.") == 1
    table["station_id"] = table["station_id"].where(~short, table["station_id"] + ".")
    elevation = table["elevation_m"]
    check(
        table,
        {
            "station_id": (
                is_station_id(table["station_id"])
                & (table["station_id"].str.split(".").str[1] != ""),
                "NET.STA or NET.STA.LOC",
            ),
            **coordinate_rules(table),
            "elevation_m": (
                elevation.isna() | elevation.between(-12_000, 10_000),
                "from -12000 to 10000 m, or NaN",
            ),
        },
        "stations",
    )
    table["longitude"] = eastward(table["longitude"])
    double = table[table["station_id"].duplicated(keep=False)]
    for station_id, rows in double.groupby("station_id"):
        if not _one_place(rows):
            first, other = rows.iloc[0], rows[~_near(rows, rows.iloc[0])].iloc[0]
            raise ValueError(
                f"stations holds {station_id} at two places, {_place(first)} and "
                f"{_place(other)}. Keep the one where it was when it recorded, or give "
                "each its location code."
            )
    return table.drop_duplicates("station_id").sort_values(
        "station_id", ignore_index=True
    )


def find_station(stations: pd.DataFrame, station_id: str) -> Station | None:
    """
    The station itself; or else the one of the same network and station without a location
    code, which stands for all; or else another location of it, if all of them are at one
    place, within about 100 m.

    :param stations: Table of stations
    :param station_id: NET.STA.LOC
    :raises ValueError: if only other locations of the station are known, at several places
    :return: Station, or None if it isn't known
    """
    network_station = ".".join(station_id.split(".")[:2]) + "."
    for name in (station_id, network_station):
        rows = stations[stations["station_id"] == name]
        if len(rows):
            return Station(*rows[list(STATION_COLUMNS)].iloc[0])
    rows = stations[stations["station_id"].str.startswith(network_station)]
    if len(rows) == 0:
        return None
    if not _one_place(rows):
        raise ValueError(
            f"station_id={station_id!r} is not in stations, whose "
            f"{', '.join(rows['station_id'])} are at several places. Add it."
        )
    return Station(*rows[list(STATION_COLUMNS)].iloc[0])


def stations_from_stream(stream: obspy.Stream) -> pd.DataFrame:
    """
    :param stream: Traces that were read from SAC files; those whose headers have no
        ``stla`` or ``stlo``, and traces of other files, are left out
    :raises ValueError: if a station is at two places
    :return: Table of stations; ``stel`` is in metres
    """
    rows = []
    for trace in stream:
        header = trace.stats.get("sac", {})
        values = (header.get(n, _SAC_UNDEFINED) for n in ("stla", "stlo", "stel"))
        # SAC has single precision: to a metre, and not to 1e-15 degrees.
        latitude, longitude, elevation = (
            np.nan if value == _SAC_UNDEFINED else round(float(value), 5)
            for value in values
        )
        if not np.isnan([latitude, longitude]).any():
            station_id = trace.id.rsplit(".", maxsplit=1)[0]
            rows.append(Station(station_id, latitude, longitude, elevation)._asdict())
    return station_table(rows)


def stations_from_inventory(inventory: obspy.Inventory) -> pd.DataFrame:
    """
    :param inventory: Stations, with channels or without; of a station that was moved,
        ``inventory.select(time=...)`` chooses a place
    :raises ValueError: if a station is at two places
    :return: Table of stations: the locations of those with channels, and the others
        without a location code
    """
    return station_table(
        [
            {
                "station_id": f"{network.code}.{station.code}.{code}",
                "latitude": float(place.latitude),
                "longitude": float(place.longitude),
                "elevation_m": float(place.elevation),
            }
            for network in inventory
            for station in network
            for code, place in (
                [(channel.location_code, channel) for channel in station]
                or [("", station)]
            )
        ]
    )


def _one_place(rows: pd.DataFrame) -> bool:
    return bool(_near(rows, rows.iloc[0]).all())


def _near(rows: pd.DataFrame, row: pd.Series) -> pd.Series:
    east = (rows["longitude"] - row["longitude"]).abs()
    return (
        ((rows["latitude"] - row["latitude"]).abs() <= _SAME_DEGREES)
        & ((east <= _SAME_DEGREES) | (east >= 360 - _SAME_DEGREES))
        & ~((rows["elevation_m"] - row["elevation_m"]).abs() > _SAME_METRES)
    )


def _place(row: pd.Series) -> str:
    return (
        f"(latitude {row['latitude']}, longitude {row['longitude']}, "
        f"{row['elevation_m']} m)"
    )
