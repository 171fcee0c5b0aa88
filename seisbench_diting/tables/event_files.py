"""Event tables in files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from .catalog_quakeml import read_events_quakeml, write_events_quakeml
from .catalog_text import read_events_text, write_events_text
from .columns import with_gaps
from .comma import read_any, write_csv
from .events import EVENT_TABLE_COLUMNS, REQUIRED, event_table
from .files import choose

_NAMES = {
    "event_id": ("event_id", "id", "ev_id", "evid", "event"),
    "time": ("time", "origin_time", "datetime", "event_time", "time_utc"),
    "latitude": ("latitude", "lat", "evla"),
    "longitude": ("longitude", "lon", "lng", "long", "evlo"),
    "depth_km": ("depth_km", "depth", "dep", "evdp"),
    "magnitude": ("magnitude", "mag"),
    "magnitude_type": ("magnitude_type", "mag_type"),
    "event_type": ("event_type", "type"),
}


def read_events(path: str | Path) -> pd.DataFrame:
    """
    Reads

    - tables of comma, tab, semicolon or bar separated values, with a header, whose columns
      may have names of the field: ``id``, ``origin_time``, ``lat``, ``lon``, ``depth`` (in
      km), ``mag``, and others, as in the files of USGS and of FDSN services
    - the published catalogue (``#EVENT YN.202001312039.0002 eq 2020 01 31 ...``)
    - QuakeML: the preferred, or else the first, origin and magnitude

    :param path: File; one that ends neither in ``.csv`` nor in ``.xml`` or ``.quakeml`` may
        be any of these
    :raises ValueError: if it is none of them, or an event is impossible
    :return: Table of events
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending == ".csv":
        return _read_csv(path)
    if ending in (".xml", ".quakeml"):
        return read_events_quakeml(path)
    with path.open("rb") as file:
        start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<"):
        return read_events_quakeml(path)
    if any(line.startswith(b"#EVENT ") for line in start.splitlines()):
        return read_events_text(path)
    return _read_csv(path)


def write_events(events: pd.DataFrame, path: str | Path) -> None:
    """
    :param events: Table of events
    :param path: File that ends in ``.csv``, ``.txt`` for the published catalogue, or
        ``.xml`` or ``.quakeml``
    :raises ValueError: for another ending, or if the file can't hold an event
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
        return event_table(with_gaps(table, EVENT_TABLE_COLUMNS))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _write_csv(events: pd.DataFrame, path: Path) -> None:
    write_csv([event_table(events)], path)


_WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": _write_csv,
    ".txt": write_events_text,
    ".xml": write_events_quakeml,
    ".quakeml": write_events_quakeml,
}
