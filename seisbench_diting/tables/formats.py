"""Files of tables: which formats there are, and what reads and writes them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from .._util import replacing
from . import published_text as text
from . import quakeml, schema
from .associators import to_gamma, to_pyocto
from .csv import read_csv, write_csv
from .parquet import read_parquet, write_parquet
from .schema import Picks, event_table, pick_chunks, pick_table
from .stations import read_sac_headers, read_stationxml, station_table

_T = TypeVar("_T")

#: With an offset: Python before 3.11, and so GaMMA, can't read Z.
_GAMMA_TIME = "%Y-%m-%dT%H:%M:%S.%f+00:00"

# Longer endings first.
_PICK_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": lambda path: pick_table(read_csv(path)),
    ".txt": text.read_picks_text,
    ".parquet": lambda path: pick_table(read_parquet(path)),
    ".xml": quakeml.read_picks_quakeml,
}

_PICK_WRITERS: dict[str, Callable[[Picks, Path], None]] = {
    ".pyocto.csv": lambda p, path: write_csv(map(to_pyocto, pick_chunks(p)), path),
    ".gamma.csv": lambda p, path: write_csv(
        map(to_gamma, pick_chunks(p)), path, _GAMMA_TIME
    ),
    ".csv": lambda picks, path: write_csv(pick_chunks(picks), path),
    ".txt": text.write_picks_text,
    ".parquet": lambda picks, path: write_parquet(pick_chunks(picks), path),
    ".xml": quakeml.write_picks_quakeml,
}

_EVENT_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": lambda path: event_table(read_csv(path)),
    ".parquet": lambda path: event_table(read_parquet(path)),
    ".txt": text.read_events_text,
    ".xml": quakeml.read_events_quakeml,
}

_EVENT_WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": lambda events, path: write_csv([event_table(events)], path),
    ".parquet": lambda events, path: write_parquet([event_table(events)], path),
    ".txt": text.write_events_text,
    ".xml": quakeml.write_events_quakeml,
}

_PAIRS = (".events.csv", ".events.parquet")


def read_picks(path: str | Path) -> pd.DataFrame:
    """
    :param path: File that ends in

        - ``.csv``: all columns of the table; or SeisBench's ``picks.to_dataframe()``
        - ``.parquet``: the same; needs pyarrow
        - ``.txt``: the published text format, which rounds
        - ``.xml``, ``.quakeml``: QuakeML
        - ``.pyocto.csv``, ``.gamma.csv``: stations, phases (P or S), times and
          probabilities for these associators

        Picks for REAL are in folders, see :py:func:`~seisbench_diting.tables.read_real`.
    :raises ValueError: for another ending, or if it is not such a file
    :raises ImportError: for ``.parquet`` without pyarrow
    :return: Table of picks
    """
    with _naming(path):
        return _choose(path, _PICK_READERS)(Path(path))


def write_picks(picks: Picks, path: str | Path) -> None:
    """
    The file is whole or not there, and of several tables one is in memory.

    :param picks: Table of picks, or any iterable of tables in order of time
    :param path: File to write, see :py:func:`read_picks`. QuakeML needs picks with an
        ``event_id``.
    :raises ValueError: for another ending, or if the picks are not such tables
    :raises ImportError: for ``.parquet`` without pyarrow
    """
    _choose(path, _PICK_WRITERS)(picks, Path(path))


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
    :param lonlat: For the text of associators: True if longitudes come first, False if
        latitudes do; only needed where no value beyond ±90 tells
    :raises ValueError: if it is none of them, or a value is not allowed
    :raises ImportError: for ``.parquet`` without pyarrow
    :return: Table of events
    """
    path = Path(path)
    with _naming(path):
        if (kind := _event_kind(path)) == "association":
            return text.read_association_text(path, lonlat)[0]
        return _EVENT_READERS[kind](path)


def write_events(events: pd.DataFrame, path: str | Path) -> None:
    """
    :param events: Table of events
    :param path: File that ends in ``.csv``, ``.parquet``, ``.txt`` for the published
        catalogue, or ``.xml`` or ``.quakeml``
    :raises ValueError: for another ending, or if the file can't hold an event
    :raises ImportError: for ``.parquet`` without pyarrow
    """
    _choose(path, _EVENT_WRITERS)(events, Path(path))


def read_association(
    path: str | Path, lonlat: bool | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    Reads the files of :py:func:`write_association`, and whatever :py:func:`read_events`
    reads; with files that have no picks there are none.

    :param path: File to read; of two, that of the events
    :param lonlat: As for :py:func:`read_events`
    :raises ValueError: if it is not such a file, or its picks belong to other events
    :raises ImportError: for ``.parquet`` without pyarrow
    :return: Table of events, and table of assigned picks
    """
    path = Path(path)
    if path.name.lower().endswith(_PAIRS):
        return _read_pair(path)
    with _naming(path):
        kind = _event_kind(path)
        if kind == "association":
            return text.read_association_text(path, lonlat)
        if kind == ".xml":
            return quakeml.read_association_quakeml(path)
        return _EVENT_READERS[kind](path), schema.assignment_table([])


def write_association(
    events: pd.DataFrame,
    assignments: pd.DataFrame,
    path: str | Path,
    stations: pd.DataFrame | None = None,
) -> None:
    """
    Each file is whole or not there.

    :param events: Table of events
    :param assignments: Table of picks with their events, of which each is in ``events``
    :param path: File to write, which ends in

        - ``.events.csv``: all columns of the events; those of the picks are in another
          file beside it, ``NAME.picks.csv`` for ``NAME.events.csv``
        - ``.events.parquet``: the same, with ``NAME.picks.parquet``; needs pyarrow
        - ``.txt``: the published text, which rounds, and leaves out much
        - ``.xml``, ``.quakeml``: QuakeML with origins, arrivals and picks
    :param stations: Table of stations; only for ``.txt``, which holds their coordinates
    :raises ValueError: for another ending, if the tables don't belong together, or if the
        file can't hold them
    :raises ImportError: for ``.parquet`` without pyarrow
    """
    path = Path(path)
    ending = _choose(path, {e: e for e in (*_PAIRS, ".txt", ".xml")})
    if ending == ".txt":
        text.write_association_text(events, assignments, path, stations)
    elif ending in _PAIRS:
        events, assignments = schema.check_association(events, assignments)
        # Both are written before either takes its place: that of the events last, as it
        # is the one that is read.
        with (
            replacing(path) as events_file,
            replacing(_picks_beside(path)) as picks_file,
        ):
            kind = ending.removeprefix(".events")
            _EVENT_WRITERS[kind](events, events_file)
            _PICK_WRITERS[kind](assignments, picks_file)
    else:
        quakeml.write_association_quakeml(events, assignments, path)


def _read_pair(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    events, beside = read_events(path), _picks_beside(path)
    if not beside.exists():
        warnings.warn(
            f"{path} is read without its picks, as there is no {beside}.", stacklevel=3
        )
        return events, schema.assignment_table([])
    with _naming(f"{beside} doesn't have the picks of {path}"):
        return schema.check_association(events, read_picks(beside))


def _picks_beside(path: Path) -> Path:
    stem, _, ending = path.name.rsplit(".", maxsplit=2)
    return path.with_name(f"{stem}.picks.{ending}")


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
    :raises ValueError: if it is none of them, a value is not allowed, or a station is at
        two places
    :return: Table of stations
    """
    path = Path(path)
    with _naming(path):
        if path.is_dir():
            return read_sac_headers(path)
        ending, start = path.suffix.lower(), _start(path)
        if ending == ".xml" or start.startswith("<"):
            return read_stationxml(path)
        if ending != ".csv" and _is_station(start):
            return text.read_stations_text(path)
        return station_table(read_csv(path))


def write_stations(stations: pd.DataFrame, path: str | Path) -> None:
    """
    :param stations: Table of stations
    :param path: File that ends in ``.csv``, or ``.txt`` for the published text, in which an
        unknown elevation is 0
    :raises ValueError: for another ending
    """
    stations = station_table(stations)
    if _choose(path, {".csv": True, ".txt": False}):
        write_csv([stations], Path(path))
    else:
        text.write_stations_text(stations, Path(path))


def stations_from(stations: str | Path | pd.DataFrame | None) -> pd.DataFrame | None:
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


def _choose(path: str | Path, known: Mapping[str, _T]) -> _T:
    name = re.sub(r"\.quakeml$", ".xml", Path(path).name.lower())
    for ending, value in known.items():
        if name.endswith(ending):
            return value
    raise ValueError(f"path={str(path)!r} must end in {' or '.join(known)}.")


@contextmanager
def _naming(path: str | Path) -> Iterator[None]:
    """Adds the name of the file to errors."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _start(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(4096).decode("utf-8-sig", errors="replace").lstrip()


def _event_kind(path: Path) -> str:
    """The format of a file with events, by its ending or else by how it begins."""
    ending = path.suffix.lower().replace("quakeml", "xml")
    if ending in (".csv", ".parquet", ".xml"):
        return ending
    start = _start(path)
    if start.startswith("<"):
        return ".xml"
    for line in start.splitlines():
        if line.startswith("#EVENT "):
            return ".txt"
        if line.startswith(("#EVENT,", "##EVENT,")):
            return "association"
    return ".csv"


def _is_station(start: str) -> bool:
    """Whether a file begins with a line of the published text of stations."""
    lines = (line for line in start.splitlines() if line.strip())
    fields = next((x for x in lines if "|" in x or not x.startswith("#")), "").split()
    try:
        return len(fields) in (5, 6) and bool(np.isfinite(float(fields[-1])))
    except ValueError:
        return False
