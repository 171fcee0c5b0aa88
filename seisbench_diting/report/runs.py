"""What a name stands for: a picking run, an association, or a table in a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ..association.outputs import FORMATS as ASSOCIATION_FORMATS
from ..files import only_writer
from ..picking.outputs import STATE, SUMMARY, beside, pick_chunks
from ..picking.state import State
from ..tables import read_association, read_picks
from .counts import PickCounts

#: Formats of associations that hold all columns, the best first.
_EVENTS = [ASSOCIATION_FORMATS[name] for name in ("parquet", "csv", "quakeml", "txt")]

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
    :param state: Where its headers are, if it is a picking run
    """

    name: str
    picks: pd.DataFrame
    counts: PickCounts
    events: pd.DataFrame | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    state: Path | None = None


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
        return _of_file(path, max_picks)
    if beside(path, STATE).is_file():
        return _of_picking(path, max_picks)
    for endings, read in ((_EVENTS, _of_association), (_PICKS, _of_table)):
        for ending in endings:
            file = beside(path, ending)
            if file.is_file() and (endings is _EVENTS) == _holds_events(file):
                return read(file, path.name, _summary(path), max_picks)
    raise FileNotFoundError(
        f"name={str(name)!r}: there is no run of this name, and no such file. Give the NAME "
        "of `pick -o NAME` or `associate -o NAME`, or a file of picks or of events."
    )


@contextmanager
def opened_state(path: Path) -> Iterator[State]:
    """The state of a picking run, while no run writes it."""
    output = path.with_name(path.name.removesuffix(STATE))
    with only_writer(output, "picking run"):
        state = State(path)
        try:
            yield state
        finally:
            state.close()


def _of_picking(path: Path, max_picks: int) -> Run:
    counts = PickCounts(max_picks)
    with opened_state(beside(path, STATE)) as state:
        for table in pick_chunks(state):
            counts.add(table)
    return Run(
        path.name,
        counts.sample(),
        counts,
        summary=_summary(path),
        state=beside(path, STATE),
    )


def _of_file(path: Path, max_picks: int) -> Run:
    read = _of_association if _holds_events(path) else _of_table
    return read(path, path.name, {}, max_picks)


def _of_association(
    path: Path, name: str, summary: dict[str, Any], max_picks: int
) -> Run:
    events, picks = read_association(path)
    counts = _counted([picks], max_picks)
    return Run(name, counts.sample(), counts, events, summary)


def _of_table(path: Path, name: str, summary: dict[str, Any], max_picks: int) -> Run:
    counts = _counted([read_picks(path)], max_picks)
    return Run(name, counts.sample(), counts, summary=summary)


def _counted(tables: Iterable[pd.DataFrame], max_picks: int) -> PickCounts:
    counts = PickCounts(max_picks)
    for table in tables:
        counts.add(table)
    return counts


def _holds_events(path: Path) -> bool:
    """Whether a file holds events; those of picks may have the same endings."""
    if ".events." in path.name.lower():
        return True
    if path.suffix.lower() not in (".txt", ".xml", ".quakeml"):
        return False
    try:
        events, _ = read_association(path)
    except ValueError:
        return False
    return len(events) > 0


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
