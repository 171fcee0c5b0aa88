"""Station tables in files."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import obspy
import pandas as pd

from .._util import write_text
from .columns import with_gaps
from .comma import read_any, write_csv
from .files import choose
from .stations import (
    STATION_COLUMNS,
    station_table,
    stations_from_inventory,
    stations_from_stream,
)

_NAMES = {
    "station_id": ("station_id", "id", "seed_id"),
    "network": ("network", "net", "network_code"),
    "station": ("station", "sta", "station_code"),
    "location": ("location", "loc", "location_code"),
    "latitude": ("latitude", "lat", "stla"),
    "longitude": ("longitude", "lon", "lng", "long", "stlo"),
    "elevation_m": (
        "elevation_m",
        "elevation",
        "elv",
        "elv_m",
        "elev",
        "elev_m",
        "stel",
    ),
    "elevation_km": ("elevation_km", "elv_km", "elev_km"),
}

_REQUIRED = {
    "station_id": (*_NAMES["station_id"], *_NAMES["station"]),
    "latitude": _NAMES["latitude"],
    "longitude": _NAMES["longitude"],
}


def read_stations(path: str | Path) -> pd.DataFrame:
    """
    Reads

    - tables of comma, tab, semicolon or bar separated values, with a header, whose columns
      may have names of the field: ``station_id`` or ``network``, ``station`` and
      ``location``, ``lat``, ``lon``, ``elevation`` (in m) or ``elevation_km``, and others.
      A ``station`` alone may be NET.STA, with more behind it
    - the published text: ``NET STA LOC LON LAT ELEVATION_M``, where ``LOC`` may be ``--``
      or missing
    - StationXML
    - the headers of the SAC files in a folder, at any depth

    :param path: Folder, or file; one that ends neither in ``.csv`` nor in ``.xml`` may be
        any of these
    :raises ValueError: if it is none of them, or a station is impossible or at two places
    :return: Table of stations
    """
    path = Path(path)
    if path.is_dir():
        return _read_headers(path)
    ending = path.suffix.lower()
    if ending == ".csv":
        return _read_csv(path)
    if ending == ".xml":
        return _read_stationxml(path)
    with path.open("rb") as file:
        start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<"):
        return _read_stationxml(path)
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        lines = (line for line in file if line.strip())
        first = next(lines, "")
        while first.startswith("#") and "|" not in first:
            first = next(lines, "")
    is_text = len(first.split()) in (5, 6) and _is_number(first.split()[-1])
    return _read_text(path) if is_text else _read_csv(path)


def write_stations(stations: pd.DataFrame, path: str | Path) -> None:
    """
    :param stations: Table of stations
    :param path: File that ends in ``.csv``, or ``.txt`` for the published text, in which an
        unknown elevation is 0
    :raises ValueError: for another ending
    """
    choose(path, _WRITERS)(station_table(stations), Path(path))


def _read_csv(path: Path) -> pd.DataFrame:
    table = read_any(path, _NAMES)
    for column, names in _REQUIRED.items():
        if not table.columns.intersection([column, *names]).size:
            raise ValueError(
                f"{path} has no column {column}, which may be called "
                f"{', '.join(names)}; it must be a table of stations with a header, the "
                "published text, or StationXML."
            )
    table = with_gaps(table, STATION_COLUMNS | {"elevation_km": "float64"})
    try:
        if "elevation_m" not in table and "elevation_km" in table:
            # Back to the decimal number.
            kilometres = pd.to_numeric(table["elevation_km"])
            table["elevation_m"] = (kilometres * 1000).round(6)
        if "station_id" not in table:
            table["station_id"] = _station_ids(table)
        return station_table(table.filter(list(STATION_COLUMNS)))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _station_ids(table: pd.DataFrame) -> pd.Series:
    station = table["station"]
    if "network" in table:
        location = table["location"].fillna("") if "location" in table else ""
        station = table["network"] + "." + station + "." + location
    return station.map(_station_id)


def _station_id(name: str) -> str:
    """Without a channel, and with a location even where there is none."""
    parts = name.split(".")
    if len(parts) not in (2, 3, 4):
        return name
    network, station, location = [*parts, ""][:3]
    return f"{network}.{station}.{_location(location)}"


def _location(code: str) -> str:
    return "" if code in ("--", "-") else code


def _read_text(path: Path) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        rows = list(_parse(file, path))
    try:
        return station_table(rows)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _parse(lines: Iterable[str], path: Path) -> Iterator[dict[str, object]]:
    for number, line in enumerate(lines, start=1):
        fields = line.split()
        if not fields or line.startswith("#"):
            continue
        if len(fields) == 5:
            fields.insert(2, "")
        try:
            if len(fields) != 6:
                raise ValueError(f"{len(fields)} fields instead of 6")
            network, station, location, *place = fields
            longitude, latitude, elevation = map(float, place)
        except ValueError as error:
            raise ValueError(
                f"Line {number} of {path} is no station ({error}): "
                f"{line.strip()[:80]!r}. A station is NET STA LOC LON LAT ELEVATION_M."
            ) from error
        yield {
            "station_id": f"{network}.{station}.{_location(location)}",
            "latitude": latitude,
            "longitude": longitude,
            "elevation_m": elevation,
        }


def _read_stationxml(path: Path) -> pd.DataFrame:
    # As a format that is named, from an open file: ObsPy would look for others.
    with path.open("rb") as file:
        try:
            inventory = obspy.read_inventory(io.BytesIO(file.read()), "STATIONXML")
        # Damaged files raise errors of many kinds.
        except Exception as error:
            raise ValueError(f"{path} is no whole StationXML file: {error}.") from error
    return stations_from_inventory(inventory)


def _read_headers(folder: Path) -> pd.DataFrame:
    stream = obspy.Stream()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            # Of a format that is named: ObsPy would look for others.
            stream += obspy.read(path, format="SAC", headonly=True)
        # Files of other kinds raise errors of many.
        except Exception:
            continue
    try:
        stations = stations_from_stream(stream)
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from error
    if len(stations) == 0:
        raise ValueError(
            f"{folder} has no SAC file whose header tells where its station is; give a "
            "table of stations, the published text, or StationXML."
        )
    return stations


def _write_csv(stations: pd.DataFrame, path: Path) -> None:
    write_csv([stations], path)


def _write_text(stations: pd.DataFrame, path: Path) -> None:
    write_text(path, map(_line, stations.to_dict("records")))


def _line(row: dict[str, object]) -> str:
    network, station, location = row["station_id"].split(".")
    elevation = 0.0 if np.isnan(row["elevation_m"]) else row["elevation_m"]
    return (
        f"{network} {station} {location or '--'} {row['longitude']!r} "
        f"{row['latitude']!r} {elevation!r}\n"
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


_WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": _write_csv,
    ".txt": _write_text,
}


def stations_from(
    stations: str | Path | pd.DataFrame | None,
) -> pd.DataFrame | None:
    """
    :param stations: Table of stations, or file with one, or None
    :raises ValueError: see :py:func:`read_stations`
    :return: Table of stations; None for None
    """
    if stations is None:
        return None
    if isinstance(stations, pd.DataFrame):
        return station_table(stations)
    return read_stations(stations)
