"""Which metadata columns hold arrivals of P and S, and what they say of a window."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

#: First arrivals of P and S by the names that SeisBench's datasets give them, in lower
#: case. Depth phases, core phases and the like are other onsets and not among them.
DIRECT = {
    **dict.fromkeys(("p", "p1", "pg", "pn", "pb", "p*", "pmp", "pdiff"), "P"),
    **dict.fromkeys(("s", "s1", "sg", "sn", "sb", "s*", "sms", "sdiff"), "S"),
}

#: Columns with the samples of a gap, its first and the one behind its last.
GAP = ("trace_gap_begin_sample", "trace_gap_end_sample")

#: Marks the arrivals of a superposed event: ``trace_p2_arrival_sample``.
_SECOND = "2"

_COLUMN = re.compile(r"trace_(.+)_(arrival|hidden)_sample")


class Arrival(NamedTuple):
    """
    An arrival in the metadata of a window.

    :param column: Its column
    :param phase: "P" or "S"
    :param event: 1, or 2 for a superposed event
    :param sample: Samples from the window's first, may be fractional or outside
    :param hidden: If there is no signal at it, so that nobody can pick it
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


def find_arrivals(
    columns: Iterable[str], phases: Mapping[str, str] | None = None
) -> dict[str, str]:
    """
    Columns that hold arrivals of P and S, in the form of the ``label_columns`` of
    SeisBench's labellers.

    :param columns: Names of metadata columns
    :param phases: Column to "P" or "S". Default: columns
                   ``trace_<phase>_arrival_sample`` of the phases in
                   :py:data:`DIRECT`, upper or lower case, and of superposed events.
    :return: Column to "P" or "S", for those that are there
    """
    found = {}
    for column in columns:
        entry = _look_up(column, phases)
        if entry is not None and not entry[2]:
            found[column] = entry[0]
    return found


def read_arrivals(
    metadata: Mapping[str, Any], phases: Mapping[str, str] | None = None
) -> list[Arrival]:
    """
    :param metadata: Metadata of one window or record. A column may also hold an array,
        several arrivals, with a column ``trace_<phase>_arrival_probability`` beside it.
    :param phases: See :py:func:`find_arrivals`
    :return: Arrivals that have a finite sample
    """
    arrivals = []
    for column, value in metadata.items():
        entry = _look_up(column, phases)
        if entry is None:
            continue
        if isinstance(value, np.ndarray) and value.ndim == 1:
            arrivals += _read_array(column, value, entry, metadata)
            continue
        try:
            sample = float(value)
        except (TypeError, ValueError):
            continue
        if math.isfinite(sample):
            phase, event, hidden = entry
            arrivals.append(Arrival(column, phase, event, sample, hidden))
    return arrivals


def _read_array(
    column: str,
    samples: np.ndarray,
    entry: tuple[str, int, bool],
    metadata: Mapping[str, Any],
) -> list[Arrival]:
    phase, event, hidden = entry
    probabilities = metadata.get(probability_column(column))
    if probabilities is None:
        probabilities = np.ones(len(samples))
    return [
        Arrival(
            column,
            phase,
            event,
            float(samples[place]),
            hidden,
            int(place),
            float(probabilities[place]),
        )
        for place in np.flatnonzero(np.isfinite(samples))
    ]


def probability_column(column: str) -> str:
    """Column that says how sure the arrivals of a column are."""
    return f"trace_{_COLUMN.fullmatch(column)[1]}_arrival_probability"


def second_event_column(column: str) -> str:
    """Column of the same phase of a superposed event."""
    name, kind = _COLUMN.fullmatch(column).groups()
    return f"trace_{name}{_SECOND}_{kind}_sample"


def hide(metadata: dict[str, Any], arrival: Arrival) -> None:
    """
    Takes an arrival without signal out of its column, in place. Its sample is kept in a
    column ``trace_<phase>_hidden_sample``, on which the detection depends.
    """
    hidden = f"trace_{_COLUMN.fullmatch(arrival.column)[1]}_hidden_sample"
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


def check_phases(phases: Mapping[str, str] | None) -> None:
    """:raises ValueError: If ``phases`` does not map arrival columns to P and S"""
    for column, phase in (phases or {}).items():
        match = _COLUMN.fullmatch(column)
        if match is None or match[2] != "arrival" or phase not in ("P", "S"):
            raise ValueError(
                f"phases={{{column!r}: {phase!r}}} is not possible; use columns named "
                "trace_<phase>_arrival_sample, and 'P' or 'S'."
            )


def shift_samples(metadata: dict[str, Any], samples: int) -> None:
    """Moves every column in samples, in place, as a window that begins there does."""
    for column, value in metadata.items():
        if column.endswith("_sample") and value is not None:
            try:
                metadata[column] = value - samples
            except TypeError:  # A text, which SeisBench leaves alone as well.
                continue


def scale_samples(metadata: dict[str, Any], factor: float) -> None:
    """Multiplies every column in samples, in place, as another sampling rate does."""
    for column, value in metadata.items():
        if column.endswith("_sample") and value is not None:
            try:
                metadata[column] = value * factor
            except TypeError:
                continue


def _look_up(
    column: str, phases: Mapping[str, str] | None
) -> tuple[str, int, bool] | None:
    """Phase, event, and if hidden; None for a column without arrivals."""
    for candidate, event, hidden in _readings(column):
        if phases is None:
            phase = DIRECT.get(_COLUMN.fullmatch(candidate)[1].lower())
        else:
            phase = phases.get(candidate)
        if phase is not None:
            return phase, event, hidden
    return None


@lru_cache(maxsize=4096)
def _readings(column: str) -> tuple[tuple[str, int, bool], ...]:
    """As what column of a dataset, event, and if hidden, a column can be read."""
    match = _COLUMN.fullmatch(column)
    if match is None:
        return ()
    name, kind = match.groups()
    hidden = kind == "hidden"
    readings = [(f"trace_{name}_arrival_sample", 1, hidden)]
    first = name.removesuffix(_SECOND)
    if first and first != name:
        readings.append((f"trace_{first}_arrival_sample", 2, hidden))
    return tuple(readings)
