"""Event tables in files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from .association_text import read_association_text
from .catalog_quakeml import read_events_quakeml, write_events_quakeml
from .catalog_text import read_events_text, write_events_text
from .columns import with_gaps
from .comma import read_any, write_csv
from .events import EVENT_TABLE_COLUMNS, QUALITY_COLUMNS, REQUIRED, event_table
from .files import choose
from .parquet import read_parquet, write_parquet

_TYPES = {**EVENT_TABLE_COLUMNS, **QUALITY_COLUMNS}

_NAMES = {
    "event_id": ("event_id", "id", "ev_id", "evid", "event"),
    "time": ("time", "origin_time", "datetime", "event_time", "time_utc"),
    "latitude": ("latitude", "lat", "evla"),
    "longitude": ("longitude", "lon", "lng", "long", "evlo"),
    "depth_km": ("depth_km", "depth", "dep", "evdp"),
    "magnitude": ("magnitude", "mag"),
    "magnitude_type": ("magnitude_type", "mag_type"),
    "event_type": ("event_type", "type"),
    # Only as they are called here: others count and score in ways of their own.
    **{name: (name,) for name in QUALITY_COLUMNS},
}


def read_events(path: str | Path, lonlat: bool | None = None) -> pd.DataFrame:
    """
    Reads

    - tables of comma, tab, semicolon or bar separated values, with a header, whose columns
      may have names of the field: ``id``, ``origin_time``, ``lat``, ``lon``, ``depth`` (in
      km), ``mag``, and others, as in the files of USGS and of FDSN services
    - the published catalogue (``#EVENT YN.202001312039.0002 eq 2020 01 31 ...``)
    - the published text of associators (``#EVENT,2022-04-09 02:28:38.021000,...``)
    - QuakeML: the preferred, or else the first, origin and magnitude
    - Parquet files of :py:func:`write_events`

    :param path: File; one that ends neither in ``.csv``, ``.parquet``, ``.xml`` nor
        ``.quakeml`` may be any of these but Parquet
    :param lonlat: For the text of associators, see
        :py:func:`~seisbench_diting.tables.read_association_text`
    :raises ValueError: if it is none of them, or an event is impossible
    :raises ImportError: for ``.parquet`` without pyarrow
    :return: Table of events
    """
    path = Path(path)
    if (kind := event_file_kind(path)) == "association":
        events, _ = read_association_text(path, lonlat)
        return events
    return _READERS[kind](path)


def event_file_kind(path: Path) -> str:
    """
    :param path: File with events
    :return: ``table``, ``parquet``, ``quakeml``, ``catalogue`` or ``association``, by its
        ending or else by how it begins
    """
    ending = path.suffix.lower()
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    with path.open("rb") as file:
        start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<"):
        return "quakeml"
    for line in start.splitlines():
        if line.startswith(b"#EVENT "):
            return "catalogue"
        if line.startswith((b"#EVENT,", b"##EVENT,")):
            return "association"
    return "table"


def write_events(events: pd.DataFrame, path: str | Path) -> None:
    """
    :param events: Table of events
    :param path: File that ends in ``.csv``, ``.parquet``, ``.txt`` for the published
        catalogue, or ``.xml`` or ``.quakeml``
    :raises ValueError: for another ending, or if the file can't hold an event
    :raises ImportError: for ``.parquet`` without pyarrow
    """
    choose(path, _WRITERS)(events, Path(path))


def _read_csv(path: Path) -> pd.DataFrame:
    table = read_any(path, _NAMES)
    if missing := [name for name in REQUIRED if name not in table]:
        raise ValueError(
            f"{path} has no column {missing[0]}, which may be called "
            f"{', '.join(_NAMES[missing[0]])}; it must be a table of events with a "
            "header, the published catalogue, or QuakeML."
        )
    try:
        return event_table(with_gaps(table, _TYPES))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _read_parquet(path: Path) -> pd.DataFrame:
    table = read_parquet(path)
    try:
        return event_table(table)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def write_events_csv(events: pd.DataFrame, path: Path) -> None:
    """
    :param events: Table of events
    :param path: File to write
    """
    write_csv([event_table(events)], path)


def write_events_parquet(events: pd.DataFrame, path: Path) -> None:
    """
    :param events: Table of events
    :param path: File to write
    :raises ImportError: without pyarrow
    """
    write_parquet([event_table(events)], _TYPES, path)


_ENDINGS = {
    ".csv": "table",
    ".parquet": "parquet",
    ".xml": "quakeml",
    ".quakeml": "quakeml",
}

_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "table": _read_csv,
    "parquet": _read_parquet,
    "quakeml": read_events_quakeml,
    "catalogue": read_events_text,
}


_WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": write_events_csv,
    ".parquet": write_events_parquet,
    ".txt": write_events_text,
    ".xml": write_events_quakeml,
    ".quakeml": write_events_quakeml,
}
