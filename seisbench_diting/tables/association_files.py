"""Associations in files: events, and the picks that were assigned to them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from .._util import replacing
from .assignments import assignment_table, check_association
from .association_quakeml import read_association_quakeml, write_association_quakeml
from .association_text import read_association_text, write_association_text
from .chunks import Picks
from .comma import write_picks_csv
from .event_files import (
    event_file_kind,
    read_events,
    write_events_csv,
    write_events_parquet,
)
from .files import choose, read_picks
from .parquet import write_picks_parquet


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
        - ``.txt``: the published text, which rounds, and leaves out much, see
          :py:func:`~seisbench_diting.tables.association_lines`
        - ``.xml``, ``.quakeml``: QuakeML with origins, arrivals and picks
    :param stations: Table of stations; only for ``.txt``, which holds their coordinates
    :raises ValueError: for another ending, if the tables don't belong together, or if the
        file can't hold them
    :raises ImportError: for ``.parquet`` without pyarrow
    """
    choose(path, _WRITERS)(events, assignments, Path(path), stations)


def read_association(
    path: str | Path, lonlat: bool | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    Reads the files of :py:func:`write_association`, and whatever
    :py:func:`~seisbench_diting.tables.read_events` reads; with files that have no picks
    there are none.

    :param path: File to read; of two, that of the events
    :param lonlat: For the published text, see
        :py:func:`~seisbench_diting.tables.read_association_text`
    :raises ValueError: if it is no such file, or its picks belong to other events
    :raises ImportError: for ``.parquet`` without pyarrow
    :return: Table of events, and table of assigned picks
    """
    path = Path(path)
    if path.name.lower().endswith(tuple(_PAIRS)):
        return _read_pair(path)
    kind = event_file_kind(path)
    if kind == "association":
        return read_association_text(path, lonlat)
    if kind == "quakeml":
        return read_association_quakeml(path)
    return read_events(path), assignment_table([])


def _read_pair(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    events, beside = read_events(path), _picks_beside(path)
    if not beside.exists():
        warnings.warn(
            f"{path} is read without its picks, as there is no {beside}.", stacklevel=3
        )
        return events, assignment_table([])
    try:
        return check_association(events, read_picks(beside))
    except ValueError as error:
        raise ValueError(f"{beside} has not the picks of {path}: {error}") from error


def _picks_beside(path: Path) -> Path:
    stem, _, ending = path.name.rsplit(".", maxsplit=2)
    return path.with_name(f"{stem}.picks.{ending}")


class _Pair(NamedTuple):
    """What writes the two files."""

    events: Callable[[pd.DataFrame, Path], None]
    picks: Callable[[Picks, Path], None]


_PAIRS = {
    ".events.csv": _Pair(write_events_csv, write_picks_csv),
    ".events.parquet": _Pair(write_events_parquet, write_picks_parquet),
}


def _write_pair(
    events: pd.DataFrame,
    assignments: pd.DataFrame,
    path: Path,
    stations: pd.DataFrame | None,
) -> None:
    events, assignments = check_association(events, assignments)
    pair = choose(path, _PAIRS)
    # Both are written before either takes its place: that of the events last, as it is
    # the one that is read.
    with (
        replacing(path) as events_file,
        replacing(_picks_beside(path)) as picks_file,
    ):
        pair.events(events, events_file)
        pair.picks(assignments, picks_file)


def _write_quakeml(
    events: pd.DataFrame,
    assignments: pd.DataFrame,
    path: Path,
    stations: pd.DataFrame | None,
) -> None:
    write_association_quakeml(events, assignments, path)


_WRITERS: dict[
    str,
    Callable[[pd.DataFrame, pd.DataFrame, Path, pd.DataFrame | None], None],
] = {
    **dict.fromkeys(_PAIRS, _write_pair),
    ".txt": write_association_text,
    ".xml": _write_quakeml,
    ".quakeml": _write_quakeml,
}
