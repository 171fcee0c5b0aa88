"""Places of stations, from tables, SAC headers and inventories."""

from __future__ import annotations

import glob
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from .._util import check_type
from . import schema
from .schema import STATION_COLUMNS, STATIONS, Rows, find_column, id_of

if TYPE_CHECKING:
    import obspy

#: Coordinates that differ by no more are one place: about 100 m, which is less than the
#: error of locations of events, but more than the distance of instruments of one station.
_SAME_DEGREES, _SAME_METRES = 0.001, 100.0

_SAC_UNDEFINED = -12345.0

_EPOCH = ("start_time", "end_time")


class Station(NamedTuple):
    """A row of a table of stations."""

    station_id: str
    latitude: float
    longitude: float
    elevation_m: float


def station_table(stations: Rows) -> pd.DataFrame:
    """
    A table of stations, sorted by name; see :py:data:`~.schema.STATIONS`. If several rows
    give a station the same place, within about 100 m, the first with a height is kept.

    :param stations: Rows or a table with at least ``latitude``, ``longitude`` (from -180 to
        360 degrees), and ``station_id`` (NET.STA or NET.STA.LOC); or instead ``station``,
        which may be NET.STA with more behind it, or have a ``network`` and a ``location``
        beside it. ``elevation_m`` may be ``elevation_km`` or ``elevation_ft``. A station may
        have several places with ``start_time`` and ``end_time``.
    :raises ValueError: if one of these is missing, a value is not allowed, or a station is
        at 0/0, or at two places at once
    :return: New table
    """
    check_type("stations", stations, Iterable)
    table = STATIONS.table(stations)
    table = table.sort_values("elevation_m", kind="stable", key=pd.isna)
    names = table["station_id"]
    nowhere = (table["latitude"] == 0) & (table["longitude"] == 0)
    places = ("0/0, as of " + names.str.strip(".")).rename("place")
    table = table[schema.keep(nowhere, places, "known", STATIONS.name)]
    names = table["station_id"]
    wrong = pd.Series(False, table.index)
    moved = wrong.copy()
    for name, rows in table[names.duplicated(keep=False)].groupby("station_id"):
        is_far = ~_near(rows)
        if is_far.any() and _are_at_once(rows):
            places = rows[list(Station._fields[1:])]
            first, other = places.iloc[0].to_dict(), places[is_far].iloc[0].to_dict()
            allowed = f"at one place at a time, not at {first} and {other}"
            wrong |= ~schema.keep(names == name, names, allowed, STATIONS.name)
        elif is_far.any():
            moved |= names == name
    table = table[~wrong & (moved | ~names.duplicated())]
    if not moved.any():
        return table[list(STATION_COLUMNS)].sort_values("station_id", ignore_index=True)
    # A place that did not change serves for all times.
    table.loc[~moved, list(_EPOCH)] = pd.NaT
    order = ["station_id", "start_time"]
    return table.sort_values(order, na_position="first", ignore_index=True)


def _are_at_once(rows: pd.DataFrame) -> bool:
    """:return: If rows of one station give it two places at the same time"""
    if "start_time" not in rows:
        return True
    begin = rows["start_time"].fillna(pd.Timestamp.min.tz_localize("UTC"))
    end = rows["end_time"].fillna(pd.Timestamp.max.tz_localize("UTC"))
    return any(
        (~_near(rows.iloc[i:]) & (begin < end.iloc[i]) & (end > begin.iloc[i])).any()
        for i in range(len(rows))
    )


def in_metres(
    table: pd.DataFrame, path: Path, unit: str | None, usual: str
) -> pd.DataFrame:
    """
    :param table: Table of stations of a file
    :param path: The file
    :param unit: m or km, for columns of heights without a unit in their name. None for
        metres, or for the usual unit if all heights are small and some are fractions
    :param usual: Usual unit of such files
    :return: Table with ``elevation_km``, or heights in metres
    """
    found = find_column(table, schema.HEIGHTS)
    if found is None or find_column(table, "elevation_m elv_m elev_m") is not None:
        return table
    heights = pd.to_numeric(found, errors="coerce")
    if unit is None and heights.abs().max() < 10 and (heights.dropna() % 1 != 0).any():
        unit = usual
        text = (
            f"{path}: elevations are taken as {unit}; if they are not, use "
            "--elevation-unit (in Python elevation_unit)."
        )
        warnings.warn(text, stacklevel=3)
    return table.rename(columns={found.name: "elevation_km"}) if unit == "km" else table


def stations_at(stations: pd.DataFrame, time: pd.Timestamp | None) -> pd.DataFrame:
    """
    :param stations: Table of stations
    :param time: UTC; None for the last place of stations that were moved
    :return: Table without places of other times
    """
    if "start_time" not in stations:
        return stations
    if time is None:
        return stations[~stations["station_id"].duplicated(keep="last")]
    begin, end = stations["start_time"], stations["end_time"]
    return stations[~(begin > time) & ~(end <= time)]


def find_station(
    stations: pd.DataFrame, station_id: str, time: pd.Timestamp | None = None
) -> Station | None:
    """
    Finds a station. If it isn't in the table, the entry of its network and station without
    a location code is taken, which stands for all; else another location of it; else, if
    one of both has no network, a station of the same code. All entries that fit must be
    at one place, within about 100 m.

    :param stations: Table of stations
    :param station_id: NET.STA.LOC
    :param time: When, for stations that were moved; None for their last place
    :return: Station, or None if its place isn't known
    """
    stations = stations_at(stations, time)
    names = stations["station_id"]
    network, code, _ = station_id.split(".")
    whole = f"{network}.{code}."
    same = names.str.split(".").str[1] == code
    for matches in (
        names == station_id,
        names == whole,
        names.str.startswith(whole),
        same & (names.str.startswith(".") | (network == "")),
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
            codes = map(trace.stats.get, ("network", "station", "location"))
            rows.append(Station(id_of(*codes), *place))
    return station_table(pd.DataFrame(rows, columns=Station._fields))


def stations_from_inventory(inventory: obspy.Inventory) -> pd.DataFrame:
    """
    :param inventory: Stations, with channels or without
    :raises ValueError: if a station is at two places at once
    :return: Table of stations: the locations of those with channels, and the others
        without a location code
    """
    rows = [
        (
            id_of(network.code, station.code, getattr(place, "location_code", "")),
            *map(float, (place.latitude, place.longitude, place.elevation)),
            *(str(t) if t else None for t in (place.start_date, place.end_date)),
        )
        for network in inventory
        for station in network
        for place in station.channels or [station]
    ]
    return station_table(pd.DataFrame(rows, columns=[*STATION_COLUMNS, *_EPOCH]))


def read_inventory(path: Path) -> pd.DataFrame:
    """
    :param path: StationXML file, or another inventory in XML that ObsPy reads
    :raises ValueError: if it is not a whole one
    :return: Table of stations
    """
    import obspy

    try:
        # ObsPy takes brackets for a pattern.
        inventory = obspy.read_inventory(glob.escape(str(path)))
    # Damaged files raise errors of many kinds.
    except Exception as error:
        raise ValueError(f"not a whole StationXML file: {error}") from error
    return stations_from_inventory(inventory)


def read_sac_headers(folder: Path) -> pd.DataFrame:
    """
    :param folder: Folder with SAC files, at any depth
    :raises ValueError: if none of them has coordinates of its station
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
