"""Events and their picks in the published text of associators."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .._util import write_text
from .assignments import assignment_table, check_association
from .columns import check
from .events import event_names, event_table
from .picks import PHASES
from .published import full_station, parse_time, short_station, time_texts
from .stations import Station, find_station, station_table

_EVENT = "EVENT,TIME,LAT,LON,DEP"
_PHASE = "PHASE,TIME,LAT,LON,TYPE,PROB,STATION,DIST,DELTA,ERROR"

#: Tells files whose values are under their headers from those that have them swapped.
_ORDER = "##seisbench-diting: LAT before LON"

_NOWHERE = Station("", np.nan, np.nan, np.nan)


def write_association_text(
    events: pd.DataFrame,
    assignments: pd.DataFrame,
    path: str | Path,
    stations: pd.DataFrame | None = None,
) -> None:
    """
    :param events: Table of events
    :param assignments: Table of assigned picks
    :param path: File to write
    :param stations: Table of stations, see :py:func:`association_lines`
    :raises ValueError: see :py:func:`association_lines`
    """
    write_text(Path(path), association_lines(events, assignments, stations))


def association_lines(
    events: pd.DataFrame,
    assignments: pd.DataFrame,
    stations: pd.DataFrame | None = None,
) -> Iterator[str]:
    """
    Values are under the headers that name them, and rounded: coordinates and depths to
    four decimals, the others but times to three. Names of events, magnitudes, columns of
    quality, azimuths, and what else picks have, are not in this format. What is unknown is
    ``nan``.

    :param events: Table of events
    :param assignments: Table of assigned picks
    :param stations: Table of stations, for their coordinates
    :raises ValueError: if the tables don't belong together, if a station's name holds
        commas or blanks, or if only other locations of a station are known, at several
        places
    :return: Lines of the published text: each event and then its picks
    """
    events, assignments = check_association(events, assignments)
    names = assignments["station_id"]
    check(
        assignments,
        {
            "station_id": (
                names.map(_can_be_written).astype(bool),
                "NET.STA.LOC without commas and blanks, which divide the fields; a .xml "
                "file can hold it",
            )
        },
        "assignments",
    )
    table = None if stations is None else station_table(stations)
    places = {
        name: (None if table is None else find_station(table, name)) or _NOWHERE
        for name in names.unique()
    }
    yield f"##{_EVENT}\n"
    yield f"##{_PHASE}\n"
    yield f"{_ORDER}\n"
    rows = assignments.groupby("event_id", sort=False).indices
    none = np.zeros(0, dtype=int)
    for event, time in zip(
        events.itertuples(), time_texts(events["time"]), strict=True
    ):
        yield (
            f"#EVENT,{time},{event.latitude:.4f},{event.longitude:.4f},"
            f"{event.depth_km:.4f}\n"
        )
        picks = assignments.iloc[rows.get(event.event_id, none)]
        for pick, time in zip(
            picks.itertuples(), time_texts(picks["time"]), strict=True
        ):
            place = places[pick.station_id]
            yield (
                f"PHASE,{time},{place.latitude:.4f},{place.longitude:.4f},{pick.phase},"
                f"{pick.probability:.3f},{short_station(pick.station_id)},"
                f"{pick.epicentral_distance_km:.3f},"
                f"{(pick.time - event.time).total_seconds():.3f},{pick.residual_s:.3f}\n"
            )


def _can_be_written(station_id: str) -> bool:
    _, station, _ = station_id.split(".")
    return bool(station) and "," not in station_id and len(station_id.split()) == 1


def read_association_text(
    source: str | Path | Iterable[str], lonlat: bool | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    Events get the names of :py:func:`~seisbench_diting.tables.event_names`. The published
    files have longitudes under LAT: which comes first is what a value beyond ±90 tells, and
    in files written here their header.

    :param source: File, or its lines
    :param lonlat: True if longitudes come first, False if latitudes do, for files in which
        nothing tells
    :raises ValueError: if a line is neither a comment, nor an event, nor a pick; or if
        ``lonlat`` isn't given where nothing tells, or is wrong
    :return: Table of events, and table of assigned picks
    """
    if isinstance(source, str | Path):
        with Path(source).open(encoding="utf-8-sig", errors="replace") as file:
            return _parse(file, str(source), lonlat)
    return _parse(source, "the text", lonlat)


class _Place(NamedTuple):
    """What stands under LAT and LON in a line."""

    line: int
    first: float
    second: float


def _parse(
    lines: Iterable[str], name: str, lonlat: bool | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    events: list[dict[str, Any]] = []
    picks: list[dict[str, Any]] = []
    places: list[_Place] = []
    is_ours = False
    for number, line in enumerate(lines, start=1):
        line = line.strip()
        is_ours |= line == _ORDER
        is_event = line.startswith("#EVENT,")
        if not line or (line.startswith("#") and not is_event):
            continue
        fields = [field.strip() for field in line.split(",")]
        try:
            if is_event:
                events.append(_parse_event(fields))
            elif fields[0] != "PHASE":
                raise ValueError("it begins with neither #EVENT, nor PHASE, nor #")
            elif not events:
                raise ValueError("no event is above it")
            else:
                picks.append({"event": len(events) - 1, **_parse_pick(fields)})
            places.append(_Place(number, *map(_number, fields[2:4])))
        except ValueError as error:
            raise ValueError(
                f"Line {number} of {name} is no event or pick ({error}): {line[:120]!r}. "
                f"An event is #{_EVENT}, a pick is {_PHASE}."
            ) from error
    longitude, latitude = (
        ("first", "second")
        if _longitude_first(places, is_ours, lonlat, name)
        else ("second", "first")
    )
    try:
        return _tables(events, picks, latitude, longitude)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _parse_event(fields: Sequence[str]) -> dict[str, Any]:
    _check_number(fields, _EVENT)
    return {
        "time": _time(fields[1]),
        "first": _number(fields[2]),
        "second": _number(fields[3]),
        "depth_km": _number(fields[4]),
    }


def _parse_pick(fields: Sequence[str]) -> dict[str, Any]:
    _check_number(fields, _PHASE)
    if fields[4] not in PHASES:
        raise ValueError(f"type {fields[4]!r} is none of {', '.join(PHASES)}")
    return {
        "station_id": full_station(fields[6]),
        "phase": fields[4],
        "time": _time(fields[1]),
        "probability": _number(fields[5]),
        "epicentral_distance_km": _number(fields[7]),
        "residual_s": _number(fields[9]),
    }


def _check_number(fields: Sequence[str], form: str) -> None:
    if len(fields) < (least := len(form.split(","))):
        raise ValueError(f"{len(fields)} fields instead of {least}")


def _time(text: str) -> np.datetime64:
    time = parse_time(text)
    if np.isnat(time):
        raise ValueError(f"{text!r} is no time")
    return time


def _number(text: str) -> float:
    value = float(text)
    if np.isinf(value):
        raise ValueError(f"{text!r} is no number")
    return value


def _longitude_first(
    places: Sequence[_Place], is_ours: bool, lonlat: bool | None, name: str
) -> bool:
    """What comes first in all lines, by those that tell."""
    told: dict[bool, int] = {}
    for place in places:
        if abs(place.first) > 90:
            told.setdefault(True, place.line)
        if abs(place.second) > 90:
            told.setdefault(False, place.line)
    if len(told) == 2:
        raise ValueError(
            f"{name}: line {told[True]} has the longitude first and line {told[False]} "
            "the latitude, as values beyond ±90 tell. Write them in one order."
        )
    if lonlat is not None:
        if (line := told.get(not lonlat)) is not None:
            raise ValueError(
                f"lonlat={lonlat} contradicts {name}, whose line {line} has a value beyond "
                f"±90 where the latitude would be. Leave lonlat out."
            )
        return lonlat
    if told:
        return next(iter(told))
    if is_ours or not places:
        return False
    raise ValueError(
        f"{name} doesn't tell whether longitudes or latitudes come first: no value is "
        "beyond ±90, and published files have longitudes under LAT. Pass lonlat=True "
        "(--lonlat) if longitudes come first, or lonlat=False (--no-lonlat)."
    )


def _tables(
    events: Sequence[dict[str, Any]],
    picks: Sequence[dict[str, Any]],
    latitude: str,
    longitude: str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    if not events:
        return event_table([]), assignment_table([])
    rows = pd.DataFrame(events).rename(
        columns={latitude: "latitude", longitude: "longitude"}
    )
    rows["event_id"] = event_names(rows["time"])
    table = event_table(rows)
    if not picks:
        return table, assignment_table([])
    found = pd.DataFrame(picks)
    found["event_id"] = rows["event_id"].to_numpy()[found.pop("event")]
    residual = pd.to_timedelta(found["residual_s"], unit="s").dt.round("us")
    found["theoretical_time"] = found["time"] - residual.astype("timedelta64[us]")
    return table, assignment_table(found)
