"""Places of stations, from tables, SAC headers and inventories."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from .schema import STATION_COLUMNS, STATIONS, Column, Rows, Schema, as_frame

if TYPE_CHECKING:
    import obspy

#: Coordinates that differ by no more are one place: about 100 m, which is less than the
#: error of locations of events, but more than the distance of instruments of one station.
_SAME_DEGREES, _SAME_METRES = 0.001, 100.0

_SAC_UNDEFINED = -12345.0

#: Columns from which those of the table can be made.
_PARTS = Schema(
    "stations",
    {
        "network": Column("str", "net network_code"),
        "station": Column("str", "sta station_code"),
        "location": Column("str", "loc location_code"),
        "elevation_km": Column("float64", "elv_km elev_km"),
    },
    {},
)


class Station(NamedTuple):
    """A row of a table of stations."""

    station_id: str
    latitude: float
    longitude: float
    elevation_m: float


def station_table(stations: Rows) -> pd.DataFrame:
    """
    A table of stations, sorted by name; see :py:data:`~.schema.STATIONS`. Of rows that give
    one station the same place, within about 100 m, the first stays.

    :param stations: Rows or a table with at least ``latitude``, ``longitude`` (from -180 to
        360 degrees), and ``station_id`` (NET.STA or NET.STA.LOC); or instead ``station``,
        which may be NET.STA with more behind it, or have a ``network`` and a ``location``
        beside it. ``elevation_m`` may be ``elevation_km``.
    :raises ValueError: if one of these is missing, a value is not allowed, or a station is
        at two places
    :return: New table
    """
    table = STATIONS.table(_composed(stations))
    names = table["station_id"]
    for name, rows in table[names.duplicated(keep=False)].groupby("station_id"):
        far = ~_near(rows)
        if far.any():
            first, other = (row.iloc[0, 1:].to_dict() for row in (rows, rows[far]))
            raise ValueError(
                f"stations holds {name} at two places: {first} and {other}. Keep the one "
                "where it recorded, or give each its location code."
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
    :return: Station, or None if its place isn't known
    """
    names = stations["station_id"]
    network_station = ".".join(station_id.split(".")[:2]) + "."
    for matches in (
        names == station_id,
        names == network_station,
        names.str.startswith(network_station),
    ):
        rows = stations[matches]
        if len(rows) and _near(rows).all():
            return Station(*rows[list(STATION_COLUMNS)].iloc[0])
    return None


def _near(rows: pd.DataFrame) -> pd.Series:
    """:return: Which rows are at the place of the first"""
    first = rows.iloc[0]
    east = (rows["longitude"] - first["longitude"]).abs()
    return (
        ((rows["latitude"] - first["latitude"]).abs() <= _SAME_DEGREES)
        & ((east <= _SAME_DEGREES) | (east >= 360 - _SAME_DEGREES))
        & ~((rows["elevation_m"] - first["elevation_m"]).abs() > _SAME_METRES)
    )


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
        values = [header.get(name, _SAC_UNDEFINED) for name in ("stla", "stlo", "stel")]
        # SAC has single precision: to a metre, and not to 1e-15 degrees.
        place = [np.nan if x == _SAC_UNDEFINED else round(float(x), 5) for x in values]
        if not np.isnan(place[:2]).any():
            rows.append(Station(trace.id.rpartition(".")[0], *place))
    return station_table(pd.DataFrame(rows, columns=Station._fields))


def stations_from_inventory(inventory: obspy.Inventory) -> pd.DataFrame:
    """
    :param inventory: Stations, with channels or without; of a station that was moved,
        ``inventory.select(time=...)`` chooses a place
    :raises ValueError: if a station is at two places
    :return: Table of stations: the locations of those with channels, and the others
        without a location code
    """
    rows = [
        Station(
            f"{network.code}.{station.code}.{getattr(place, 'location_code', '')}",
            *map(float, (place.latitude, place.longitude, place.elevation)),
        )
        for network in inventory
        for station in network
        for place in station.channels or [station]
    ]
    return station_table(pd.DataFrame(rows, columns=Station._fields))


def _composed(stations: Rows) -> pd.DataFrame:
    """:return: Table with station_id and elevation_m, made from other columns if needed"""
    table = as_frame(stations)
    known, given = STATIONS.found(table), _PARTS.found(table)
    parts = _PARTS.table(table)
    if "station" in given and "station_id" not in known:
        names = parts["station"]
        if "network" in given:
            names = parts["network"] + "." + names + "." + parts["location"]
        table = table.assign(station_id=names.map(_station_name).to_numpy())
    if "elevation_km" in given and "elevation_m" not in known:
        # Rounded, to get the decimal number.
        metres = (parts["elevation_km"] * 1000).round(6)
        table = table.assign(elevation_m=metres.to_numpy())
    return table


def _station_name(name: str) -> str:
    """NET.STA, NET.STA.LOC or NET.STA.LOC.CHA becomes NET.STA.LOC; -- is no location."""
    parts = name.split(".")
    if len(parts) not in (2, 3, 4):
        return name
    network, station, location = [*parts, ""][:3]
    return f"{network}.{station}.{'' if location in ('--', '-') else location}"


def read_inventory(path: Path) -> pd.DataFrame:
    """
    :param path: StationXML file, or another inventory in XML that ObsPy reads
    :raises ValueError: if it is not a whole one
    :return: Table of stations
    """
    import obspy

    with path.open("rb") as file:
        try:
            inventory = obspy.read_inventory(file)
        # Damaged files raise errors of many kinds.
        except Exception as error:
            raise ValueError(f"not a whole StationXML file: {error}") from error
    return stations_from_inventory(inventory)


def read_sac_headers(folder: Path) -> pd.DataFrame:
    """
    :param folder: Folder with SAC files, at any depth
    :raises ValueError: if none of them tells where its station is
    :return: Table of stations
    """
    import obspy

    stream = obspy.Stream()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        # Files of other kinds raise errors of many kinds.
        with suppress(Exception):
            stream += obspy.read(path, format="SAC", headonly=True)
    stations = stations_from_stream(stream)
    if len(stations) == 0:
        raise ValueError("no SAC file in it has coordinates in its header.")
    return stations
