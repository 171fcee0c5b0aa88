"""What a name stands for: a picking run, an association, or a table in a file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from .._util import beside
from ..picking import STATE, SUMMARY, opened_state, pick_chunks
from ..tables import read_association, read_picks
from .counts import PickCounts

#: Formats of associations that hold all columns, the best first.
_EVENTS = (".events.parquet", ".events.csv", ".xml", ".txt")

#: Formats of picks, for runs whose state is gone.
_PICKS = (".parquet", ".csv", ".txt", ".xml")


@dataclass
class Run:
    """
    :param name: Its name, for a heading
    :param picks: Picks to show, with all columns of their table
    :param counts: What was counted of all picks
    :param events: Events, if it is an association
    :param summary: What the run says of itself
    :param output: Name of the picking run, if it is one and knows its waveforms
    """

    name: str
    picks: pd.DataFrame
    counts: PickCounts
    events: pd.DataFrame | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    output: Path | None = None


def read_run(name: str | Path, max_picks: int) -> Run:
    """
    :param name: Name of a picking run or of an association, as it was given to ``-o``; or
        a file of picks, or of events with their picks
    :param max_picks: Most picks to keep; of more, a part is drawn that is the same each
        time
    :raises FileNotFoundError: if there is nothing of this name
    :raises ValueError: if a file is damaged, or a run goes on
    :return: The run
    """
    path = Path(name)
    if path.is_file():
        return _of_file(path, path.name, {}, max_picks)
    if beside(path, STATE).is_file():
        return _of_picking(path, max_picks)
    for ending in _EVENTS:
        file = beside(path, ending)
        if file.is_file() and (found := _association_in(file)):
            return _of_tables(*found, path.name, _summary(path), max_picks)
    for ending in _PICKS:
        file = beside(path, ending)
        if file.is_file():
            return _of_file(file, path.name, _summary(path), max_picks)
    raise FileNotFoundError(
        f"name={str(name)!r}: there is no run of this name, and no such file. Give the NAME "
        "of `pick -o NAME` or `associate -o NAME`, or a file of picks or of events."
    )


def _of_picking(path: Path, max_picks: int) -> Run:
    counts = PickCounts(max_picks)
    with opened_state(path) as state:
        for table in pick_chunks(state):
            counts.add(table)
    return Run(path.name, counts.sample(), counts, summary=_summary(path), output=path)


def _of_file(path: Path, name: str, summary: dict[str, Any], max_picks: int) -> Run:
    events, picks = _association_in(path) or (None, read_picks(path))
    return _of_tables(events, picks, name, summary, max_picks)


def _of_tables(
    events: pd.DataFrame | None,
    picks: pd.DataFrame,
    name: str,
    summary: dict[str, Any],
    max_picks: int,
) -> Run:
    counts = PickCounts(max_picks)
    counts.add(picks)
    return Run(name, counts.sample(), counts, events, summary)


def _association_in(path: Path) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Events and picks of a file; None for picks alone, which may have the same ending."""
    if ".events." in path.name.lower():
        return read_association(path)
    if path.suffix.lower() not in (".txt", ".xml", ".quakeml"):
        return None
    try:
        events, picks = read_association(path)
    except ValueError:
        return None
    return (events, picks) if len(events) else None


def _summary(path: Path) -> dict[str, Any]:
    file = beside(path, SUMMARY)
    if not file.is_file():
        return {}
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{file} is damaged ({error}). Run the command that made it again."
        ) from error
