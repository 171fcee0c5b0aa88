"""Events in the published catalogue format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from .._util import write_text
from .events import event_table

_NONE = "NONE"

_FORM = (
    "#EVENT ID TYPE YEAR MONTH DAY DAY_OF_YEAR HOUR MINUTE SECOND MICROSECOND LOC "
    "LONGITUDE LATITUDE DEP DEPTH MAG MAGNITUDE_TYPE MAGNITUDE"
)


def read_events_text(source: str | Path | Iterable[str]) -> pd.DataFrame:
    """
    Other lines than those of events must begin with ``#`` or ``PHASE``. ``NONE`` is an
    unknown depth, magnitude or type. The day of the year is not looked at.

    :param source: File, or its lines
    :raises ValueError: if a line is no event
    :return: Table of events
    """
    if isinstance(source, str | Path):
        with Path(source).open(encoding="utf-8-sig", errors="replace") as file:
            return _parse(file, str(source))
    return _parse(source, "the text")


def _parse(lines: Iterable[str], name: str) -> pd.DataFrame:
    rows = []
    for number, line in enumerate(lines, start=1):
        fields = line.split()
        is_event = bool(fields) and fields[0] == "#EVENT"
        if not fields or (not is_event and line.startswith(("#", "PHASE"))):
            continue
        try:
            if not is_event:
                raise ValueError("it begins with neither #EVENT nor # nor PHASE")
            row = _parse_event(fields)
        except (ValueError, OverflowError) as error:
            raise ValueError(
                f"Line {number} of {name} is no event ({error}): {line.strip()[:120]!r}. "
                f"An event is {_FORM}."
            ) from error
        rows.append(row)
    try:
        return event_table(rows)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _parse_event(fields: list[str]) -> dict[str, object]:
    if len(fields) != len(_FORM.split()):
        raise ValueError(f"{len(fields)} fields instead of {len(_FORM.split())}")
    for position in (11, 14, 16):
        word = _FORM.split()[position]
        if fields[position] != word:
            raise ValueError(f"{fields[position]!r} is where {word} must be")
    year, month, day, _, hour, minute, second, microsecond = map(int, fields[3:11])
    # Rounded seconds reach 60.
    time = datetime(year, month, day, hour, minute) + timedelta(
        seconds=second, microseconds=microsecond
    )
    return {
        "event_id": fields[1],
        "time": np.datetime64(time, "us"),
        "longitude": float(fields[12]),
        "latitude": float(fields[13]),
        "depth_km": _parse_number(fields[15]),
        "magnitude": _parse_number(fields[18]),
        "magnitude_type": "" if fields[17] == _NONE else fields[17],
        "event_type": "" if fields[2] == _NONE else fields[2],
    }


def _parse_number(text: str) -> float:
    return np.nan if text == _NONE else float(text)


def write_events_text(events: pd.DataFrame, path: str | Path) -> None:
    """
    Coordinates, depths and magnitudes have six decimals at most.

    :param events: Table of events
    :param path: File to write
    :raises ValueError: if a name or a type holds blanks, which divide the fields
    """
    write_text(Path(path), event_lines(events))


def event_lines(events: pd.DataFrame) -> Iterator[str]:
    """
    :param events: Table of events
    :raises ValueError: if a name or a type holds blanks, which divide the fields
    :return: Lines of the published catalogue
    """
    events = event_table(events)
    for column in ("event_id", "magnitude_type", "event_type"):
        for value in events[column]:
            if len(value.split()) != 1 and value:
                raise ValueError(
                    f"events[{column!r}] holds {value!r}, whose blanks the published "
                    "catalogue can't hold. Write a .csv file."
                )
    for row in events.itertuples():
        yield (
            f"#EVENT {row.event_id} {row.event_type or _NONE} "
            f"{row.time:%Y %m %d %j %H %M %S %f} "
            f"LOC {_number(row.longitude, 3):>8} {_number(row.latitude, 3):>8} "
            f"DEP {_number(row.depth_km, 3):>8} "
            f"MAG {row.magnitude_type or _NONE:>4} {_number(row.magnitude, 1):>4}\n"
        )


def _number(value: float, decimals: int) -> str:
    """As few decimals as give the number back."""
    if np.isnan(value):
        return _NONE
    texts = (f"{value:.{n}f}" for n in range(decimals, 7))
    return next((text for text in texts if float(text) == value), f"{value:.6f}")
