"""Arrivals of P and S in the metadata of a record or window."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from .._util import ArgumentError

#: Metadata of a record or window, by column.
Metadata = dict[str, Any]

#: Column to "P" or "S", or a list of columns; None for all columns of direct P and S.
Phases = Mapping[str, str] | Sequence[str] | None

#: First arrivals of P and S by the names that SeisBench's datasets give them, in lower
#: case. Depth phases, core phases and the like are other onsets and not among them.
_DIRECT = {
    **dict.fromkeys(("p", "p1", "pg", "pn", "pb", "p*", "pmp", "pdiff"), "P"),
    **dict.fromkeys(("s", "s1", "sg", "sn", "sb", "s*", "sms", "sdiff"), "S"),
}

#: Columns with the samples of a gap, its first and the one behind its last.
GAP = ("trace_gap_begin_sample", "trace_gap_end_sample")

#: Marks the arrivals of a superposed event: ``trace_p2_arrival_sample``.
_SECOND = "2"

_match = lru_cache(re.compile(r"trace_(.+)_(arrival|hidden)_sample").fullmatch)


class Arrival(NamedTuple):
    """
    An arrival in the metadata of a window.

    :param column: Its column
    :param phase: "P" or "S"
    :param event: 1, or 2 to 9 for further events in the window
    :param sample: Samples from the window's first, may be fractional or outside
    :param hidden: If the window has no signal at the arrival
    :param place: Its place in the column, if that holds an array of several arrivals
    :param probability: How sure it is
    """

    column: str
    phase: str
    event: int
    sample: float
    hidden: bool
    place: int | None = None
    probability: float = 1.0


def check_phases(phases: Phases, name: str = "phases") -> dict[str, str] | None:
    """
    :param phases: Columns of arrivals
    :param name: Name of the argument
    :raises ArgumentError: if a column or a phase is not possible
    :return: Column to "P" or "S"; None for all columns of direct P and S
    """
    if phases is None:
        return None
    if not isinstance(phases, Mapping):
        columns = [phases] if isinstance(phases, str) else phases
        matches = {column: _match(str(column)) for column in columns}
        phases = {
            column: match[1] if match else "" for column, match in matches.items()
        }
    found = {}
    for column, phase in phases.items():
        match = _match(str(column))
        known = _DIRECT.get(str(phase).lower())
        if match is None or match[2] != "arrival" or known is None:
            reason = "use {'trace_<phase>_arrival_sample': 'P'}, or 'S'"
            raise ArgumentError(name, {column: phase}, reason)
        found[column] = known
    return found


def find_arrivals(columns: Iterable[str], phases: Phases = None) -> dict[str, str]:
    """
    Columns that hold arrivals of P and S, in the form of the ``label_columns`` of
    SeisBench's labellers.

    :param columns: Names of metadata columns
    :param phases: Column to "P" or "S", or a list of columns. Default: columns
        ``trace_<phase>_arrival_sample`` of the direct phases, such as ``p``, ``Pg`` or
        ``Sn``, and of superposed events.
    :return: Column to "P" or "S", for those that are there
    """
    phases = check_phases(phases)
    entries = {column: _look_up(column, phases) for column in columns}
    return {
        column: entry[0] for column, entry in entries.items() if entry and not entry[2]
    }


def read_arrivals(metadata: Mapping[str, Any], phases: Phases = None) -> list[Arrival]:
    """
    :param metadata: Metadata of one window or record. A column may also hold an array,
        several arrivals, with a column ``trace_<phase>_arrival_probability`` beside it.
    :param phases: See :py:func:`check_phases`
    :return: Arrivals that have a finite sample
    """
    if not (phases is None or isinstance(phases, Mapping)):
        phases = check_phases(phases)
    arrivals = []
    for column, value in metadata.items():
        entry = _look_up(column, phases)
        if entry is None:
            continue
        phase, event, hidden = entry
        if isinstance(value, np.ndarray) and value.ndim == 1:
            sure = metadata.get(probability_column(column), np.ones(len(value)))
            for i in np.flatnonzero(np.isfinite(value)).tolist():
                one = column, phase, event, float(value[i]), hidden, i, float(sure[i])
                arrivals.append(Arrival(*one))
            continue
        try:
            sample = float(value)
        except (TypeError, ValueError):
            continue
        if math.isfinite(sample):
            arrivals.append(Arrival(column, phase, event, sample, hidden))
    return arrivals


def _look_up(
    column: str, phases: Mapping[str, str] | None
) -> tuple[str, int, bool] | None:
    """Phase, event, and if hidden; None for a column without arrivals."""
    match = _match(column)
    if match is None:
        return None
    names = {1: match[1]}
    if match[1][-1] in "23456789":
        names[int(match[1][-1])] = match[1][:-1]
    for event, name in names.items():
        if phases is None:
            phase = _DIRECT.get(name.lower())
        else:
            phase = phases.get(f"trace_{name}_arrival_sample")
        if phase is not None:
            return phase, event, match[2] == "hidden"
    return None


def _renamed(column: str, ending: str) -> str:
    match = _match(column)
    assert match is not None
    return f"trace_{match[1]}_{ending}"


def probability_column(column: str) -> str:
    """
    :param column: Column of arrivals
    :return: Column that says how sure they are
    """
    return _renamed(column, "arrival_probability")


def second_event_column(column: str) -> str:
    """
    :param column: Column of arrivals
    :return: Column of the same phase of a superposed event
    """
    return re.sub(r"(_arrival|_hidden)_sample$", rf"{_SECOND}\g<0>", column)


def hide(metadata: Metadata, arrival: Arrival) -> None:
    """
    Takes an arrival without signal out of its column, in place. Its sample is kept in a
    column ``trace_<phase>_hidden_sample``, on which the detection depends.

    :param metadata: Metadata
    :param arrival: Arrival in it
    """
    hidden = _renamed(arrival.column, "hidden_sample")
    if arrival.place is None:
        metadata[hidden] = arrival.sample
        metadata[arrival.column] = math.nan
        return
    # Arrays are shared with the metadata that these are a copy of.
    samples = metadata[arrival.column].copy()
    kept = metadata.get(hidden, np.full(len(samples), math.nan)).copy()
    kept[arrival.place] = arrival.sample
    samples[arrival.place] = math.nan
    metadata[hidden], metadata[arrival.column] = kept, samples


def move_samples(metadata: Metadata, factor: float = 1, shift: int = 0) -> None:
    """
    Changes every column in samples, in place, as a window or another sampling rate does.

    :param metadata: Metadata
    :param factor: New samples for one old one
    :param shift: The sample that becomes the first
    """
    for column, value in metadata.items():
        if column.endswith("_sample") and value is not None:
            try:
                metadata[column] = value * factor - shift
            except TypeError:  # A text, which SeisBench leaves alone as well.
                continue
