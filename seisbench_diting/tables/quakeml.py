"""Events and their picks in QuakeML, written and read event by event."""

from __future__ import annotations

import json
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd
from lxml import etree

from .._util import write_text
from . import schema
from .schema import Picks

_ROOT = "http://quakeml.org/xmlns/quakeml/1.2"
_BODY = "http://quakeml.org/xmlns/bed/1.2"

#: QuakeML has epicentral distances in degrees, of 1/360 of the Earth's mean circumference.
_KM_PER_DEGREE = 111.195

#: Name of our notes: comments in JSON with values that QuakeML has no place for, restricts,
#: or rounds, as depths in metres. An origin that others add, and prefer, has no notes.
_NOTES = "seisbench_diting"
_OF_EVENT = ("event_id", "event_type")
_OF_ORIGIN = ("depth_km", *schema.QUALITY_COLUMNS)
_OF_PICK = (
    *("probability", "snr", "amplitude", "relative_time_s"),
    *(*schema.EVENT_COLUMNS, "record"),
)

_QUALITY = {
    "usedPhaseCount": "pick_count",
    "usedStationCount": "station_count",
    "standardError": "rms_residual_s",
    "azimuthalGap": "azimuthal_gap_deg",
}

#: Event types of the published catalogue.
_TYPES = {"eq": "earthquake"}

#: Time after an event's last pick at which it is written. P and S of one event are less
#: than half an hour apart.
_WAIT = pd.Timedelta(hours=1)

#: Rows that are Python's values at once.
_FEW = 10_000

#: Characters that XML can't hold.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# Event services name events in a query, others in the last part of a path.
_QUERY = re.compile(r"(?:event_?id|evid)=([^&#]+)", re.IGNORECASE)


# Writing: text, as it is ten times faster than ObsPy's objects or lxml's elements


def write_events_quakeml(events: pd.DataFrame, path: Path) -> None:
    """
    :param events: Table of events
    :param path: File to write; it holds all columns, and comes back as it is
    """
    rows = _rows(schema.event_table(events))
    write_text(path, _document("events", (_event(row, ()) for row in rows)))


def write_association_quakeml(
    events: pd.DataFrame, assignments: pd.DataFrame, path: Path
) -> None:
    """
    Each event has an origin with its quality, its picks, and an arrival for each of them.

    :param events: Table of events
    :param assignments: Table of assigned picks
    :param path: File to write; it holds all columns, and comes back as it is
    :raises ValueError: if the tables don't belong together
    """
    events, assignments = schema.check_association(events, assignments)
    place = pd.Index(events["event_id"]).get_indexer(assignments["event_id"])
    counts = np.bincount(place, minlength=len(events))
    picks = _rows(assignments.iloc[np.argsort(place, kind="stable")])
    each = zip(_rows(events), counts, strict=True)
    texts = (_event(row, islice(picks, count)) for row, count in each)
    write_text(path, _document("association", texts))


def write_picks_quakeml(picks: Picks, path: Path) -> None:
    """
    Picks of an event make up an event without an origin; where they are hours apart, there
    may be several.

    :param picks: Table of picks of events, or tables in order of time
    :param path: File to write
    :raises ValueError: if a pick belongs to no event
    """
    texts = (_unlocated(*event) for event in _events_of_picks(picks))
    write_text(path, _document("picks", texts))


def _events_of_picks(picks: Picks) -> Iterator[tuple[str, list[Any]]]:
    """:return: Names of events, and rows of their picks, which may be in several tables"""
    waiting: dict[str, list[Any]] = {}
    for table in schema.pick_chunks(picks):
        if len(table) and not ("event_id" in table and (table["event_id"] != "").all()):
            raise ValueError(
                "QuakeML can't hold picks without an event. Write a .csv file."
            )
        for row in _rows(table):
            waiting.setdefault(row.event_id, []).append(row)
        ended = [name for name, of in waiting.items() if row.time - of[-1].time > _WAIT]
        for name in ended:
            yield name, waiting.pop(name)
    yield from waiting.items()


def _rows(table: pd.DataFrame) -> Iterator[Any]:
    """:return: Rows as tuples of Python's values, with None for unknown numbers and times"""
    for start in range(0, len(table), _FEW):
        part = table.iloc[start : start + _FEW].astype(object)
        yield from part.where(part.notna(), None).itertuples(index=False)


def _document(kind: str, events: Iterable[str]) -> Iterator[str]:
    yield "<?xml version='1.0' encoding='utf-8'?>\n"
    yield f'<q:quakeml xmlns="{_BODY}" xmlns:q="{_ROOT}">'
    yield f'<eventParameters publicID="{_name(kind)}">\n'
    yield from events
    yield "</eventParameters></q:quakeml>\n"


def _unlocated(event_id: str, picks: list[Any]) -> str:
    text = _escaped(f"Automatic picks of event {event_id}, without its location")
    name = _name("event", event_id, _moment(picks[0].time))
    content = [f"<description><text>{text}</text></description>"]
    return _named("event", name, *content, *(_pick(*p) for p in _with_names(picks)))


def _event(row: Any, picks: Iterable[Any]) -> str:
    name = _name("event", row.event_id)
    origin_name, magnitude_name = f"{name}/origin", f"{name}/magnitude"
    preferred, magnitude = {"preferredOriginID": origin_name}, ""
    if row.magnitude is not None:
        preferred["preferredMagnitudeID"] = magnitude_name
        parts = {"type": _escaped(row.magnitude_type), "originID": origin_name}
        content = _values(mag=row.magnitude) + _tags(**parts)
        magnitude = _named("magnitude", magnitude_name, content)
    named = [*_with_names(picks)]
    quality = {tag: getattr(row, column, None) for tag, column in _QUALITY.items()}
    origin = _named(
        "origin",
        origin_name,
        _values(time=_time(row.time), latitude=row.latitude, longitude=row.longitude),
        _values(depth=None if row.depth_km is None else row.depth_km * 1000),
        _tags(quality=_tags(**quality)),
        _comment(origin_name, row, _OF_ORIGIN),
        *(_arrival(*pick) for pick in named),
    )
    head = _tags(**preferred, type=_allowed_type(row.event_type))
    head += _comment(name, row, _OF_EVENT)
    return _named("event", name, head, origin, magnitude, *(_pick(*p) for p in named))


@cache
def _allowed_type(event_type: str) -> str:
    """:return: Event type as QuakeML knows it, or nothing"""
    if not event_type:
        return ""
    from obspy.core.event.header import EventType

    return EventType(_TYPES.get(event_type, event_type)) or ""


def _with_names(picks: Iterable[Any]) -> Iterator[tuple[Any, str]]:
    """:return: Picks of an event, with names that differ"""
    seen: Counter[str] = Counter()
    for row in picks:
        name = _name("pick", row.event_id, row.station_id, row.phase, _moment(row.time))
        seen[name] += 1
        yield row, name if seen[name] == 1 else f"{name}/{seen[name]}"


def _pick(row: Any, name: str) -> str:
    network, station, location = map(_escaped, row.station_id.split("."))
    return _named(
        "pick",
        name,
        _values(time=_time(row.time)),
        f'<waveformID networkCode="{network}" stationCode="{station}" '
        f'locationCode="{location}"/>',
        _tags(phaseHint=row.phase, evaluationMode="automatic"),
        _comment(name, row, _OF_PICK),
    )


def _arrival(row: Any, pick_name: str) -> str:
    distance = row.epicentral_distance_km
    content = _tags(
        pickID=pick_name,
        phase=row.phase,
        azimuth=row.azimuth_deg,
        distance=None if distance is None else distance / _KM_PER_DEGREE,
        timeResidual=row.residual_s,
    )
    return _named("arrival", f"{pick_name}/arrival", content)


def _comment(name: str, row: Any, columns: Iterable[str]) -> str:
    """:return: A comment in JSON, without unknown values"""
    values = {column: getattr(row, column, None) for column in columns}
    known = {
        column: value.isoformat() if isinstance(value, pd.Timestamp) else value
        for column, value in values.items()
        if value is not None and (column != "record" or value)
    }
    text = _escaped(json.dumps({_NOTES: known}, default=int))
    return f'<comment id="{name}/notes"><text>{text}</text></comment>\n'


def _named(tag: str, name: str, *content: str) -> str:
    return f'<{tag} publicID="{name}">{"".join(content)}</{tag}>\n'


def _tags(**values: object) -> str:
    """:return: An element for each known value"""
    return "".join(
        f"<{tag}>{value}</{tag}>"
        for tag, value in values.items()
        if value is not None and value != ""
    )


def _values(**values: object) -> str:
    return "".join(_tags(**{tag: _tags(value=value)}) for tag, value in values.items())


def _time(time: pd.Timestamp) -> str:
    return f"{time.isoformat(timespec='microseconds')[:26]}Z"


def _moment(time: pd.Timestamp) -> str:
    return _time(time).translate({ord("-"): None, ord(":"): None, ord("Z"): None})


def _name(*parts: str) -> str:
    """:return: The same name in any run, of the characters that QuakeML allows"""
    return "/".join(["smi:local/seisbench-diting", *map(_quoted, parts)])


@lru_cache(10_000)
def _quoted(part: str) -> str:
    return quote(part, safe="").replace("~", "%7E").replace("%", "~")


def _escaped(text: str) -> str:
    """:return: Text as XML may hold it"""
    return escape(_NOT_XML.sub("\ufffd", text), {'"': "&quot;"})


# Reading


def read_events_quakeml(path: Path) -> pd.DataFrame:
    """
    Reads the preferred, or else the first, origin and magnitude of each event. Events
    without a located origin are left out, with a warning. The ``event_id`` of others'
    events is what their agency calls them: 7073641 for
    ``smi:webservices.ingv.it/fdsnws/event/1/query?eventId=7073641``.

    :param path: File to read
    :raises ValueError: if it is not a whole QuakeML file
    :return: Table of events
    """
    rows = [_event_row(event) for event in _events(path)]
    names = _short_names(row["name"] for row in rows)
    for row in rows:
        row["event_id"] = row["event_id"] or names[row["name"]]
    place = ("time", "latitude", "longitude")
    located = [row for row in rows if pd.notna([row[name] for name in place]).all()]
    _warn(path, "events", rows, located, "they have no time, latitude or longitude")
    return schema.event_table(located)


def _event_row(event: etree._Element) -> dict[str, Any]:
    origin = _preferred(event, "origin")
    magnitude = _preferred(event, "magnitude")
    noted, of_origin = _notes(event), _notes(origin)
    return {
        "name": event.get("publicID", ""),
        "event_id": noted.get("event_id"),
        "time": _moment_of(origin),
        "latitude": _number(origin, "latitude", "value"),
        "longitude": _number(origin, "longitude", "value"),
        # Rounded, to get the decimal number that it was before it was in metres.
        "depth_km": round(_number(origin, "depth", "value") / 1000, 9),
        "magnitude": _number(magnitude, "mag", "value"),
        "magnitude_type": _text(magnitude, "type"),
        "event_type": noted.get("event_type", _text(event, "type")),
        **{name: of_origin[name] for name in _OF_ORIGIN if name in of_origin},
    }


def read_picks_quakeml(path: Path) -> pd.DataFrame:
    """
    QuakeML knows no probabilities: picks of others have 1. They have their event's
    ``event_id``, as in a table of events, and distance, azimuth and residual of their
    arrival at its preferred, or else its first, origin. Picks of phases that no table has,
    and without a station or a time, are left out, with a warning.

    :param path: File to read
    :raises ValueError: if it is not a whole QuakeML file
    :return: Table of picks
    """
    rows: list[dict[str, Any]] = []
    names: list[str] = []
    for event in _events(path):
        names.append(event.get("publicID", ""))
        found = _children(_preferred(event, "origin"), "arrival")
        arrivals = {_text(arrival, "pickID"): arrival for arrival in found}
        event_id = _notes(event).get("event_id")
        for pick in _children(event, "pick"):
            row = _pick_row(pick)
            if "probability" not in row:
                row |= {"event_id": event_id, "name": names[-1]}
                arrival = arrivals.get(pick.get("publicID", ""))
                row |= _of_arrival(arrival, row["phase"], _moment_of(pick))
            rows.append(row)
    # Of all events, so that they are those of a table of events.
    short = _short_names(names)
    for row in rows:
        if "name" in row:
            row["event_id"] = row["event_id"] or short[row["name"]]
    known = [
        row
        for row in rows
        if row["time"] and row["phase"] in schema.PHASES
        if row["station_id"].split(".")[1]
    ]
    phases = f"they have no time, no station, or none of {', '.join(schema.PHASES)}"
    _warn(path, "picks", rows, known, phases)
    return schema.pick_table(known)


def _warn(path: Path, what: str, rows: list, kept: list, reason: str) -> None:
    if left := len(rows) - len(kept):
        text = f"{path}: {left} of {len(rows)} {what} are left out: {reason}."
        warnings.warn(text, stacklevel=3)


def read_association_quakeml(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    :param path: File to read; all picks of an event count as assigned to it. Events without
        a located origin are left out, with a warning, and their picks with them.
    :raises ValueError: if it is not a whole QuakeML file
    :return: Table of events, and table of assigned picks
    """
    events = read_events_quakeml(path)
    picks = schema.assignment_table(read_picks_quakeml(path))
    known = picks["event_id"].isin(events["event_id"])
    return events, picks[known].reset_index(drop=True)


def _events(path: Path) -> Iterator[etree._Element]:
    """:return: Events of a file, of which one is in memory"""
    # Files come from anywhere: nothing that they refer to is opened.
    safe = {"resolve_entities": False, "no_network": True, "load_dtd": False}
    with path.open("rb") as file:
        try:
            _, root = next(etree.iterparse(file, events=("start",), **safe))
            if (tag := etree.QName(root).localname) != "quakeml":
                raise ValueError(f"it is not a QuakeML file: it begins with <{tag}>.")
            file.seek(0)
            for _, event in etree.iterparse(file, tag="{*}event", **safe):
                yield event
                event.clear()
                while event.getprevious() is not None:
                    del event.getparent()[0]
        except etree.XMLSyntaxError as error:
            raise ValueError(f"it is not a whole QuakeML file: {error}.") from error


def _children(parent: etree._Element | None, tag: str) -> list[etree._Element]:
    return [] if parent is None else parent.findall(f"{{*}}{tag}")


def _preferred(event: etree._Element, tag: str) -> etree._Element | None:
    """:return: The preferred, or else the first, origin or magnitude"""
    found = _children(event, tag)
    name = _text(event, f"preferred{tag.title()}ID")
    chosen = [element for element in found if element.get("publicID") == name]
    return next(iter(chosen or found), None)


def _text(element: etree._Element | None, *path: str) -> str:
    if element is None:
        return ""
    return (element.findtext("/".join(f"{{*}}{tag}" for tag in path)) or "").strip()


def _number(element: etree._Element | None, *path: str) -> float:
    try:
        return float(_text(element, *path))
    except ValueError:
        return np.nan


def _moment_of(element: etree._Element | None) -> Any:
    try:
        return pd.Timestamp(_text(element, "time", "value"))
    except ValueError:
        return pd.NaT


def _notes(element: etree._Element | None) -> dict[str, Any]:
    """:return: What comments of ours say about it"""
    found: dict[str, Any] = {}
    for comment in _children(element, "comment"):
        try:
            found |= json.loads(_text(comment, "text"))[_NOTES]
        except (KeyError, TypeError, ValueError):
            continue  # Of others.
    return found


def _pick_row(pick: etree._Element) -> dict[str, Any]:
    place = pick.find("{*}waveformID")
    codes = {} if place is None else place.attrib
    network, station = codes.get("networkCode", ""), codes.get("stationCode", "")
    location = codes.get("locationCode", "").replace("--", "")
    return {
        "station_id": f"{network}.{station}.{location}",
        "phase": _text(pick, "phaseHint"),
        "time": _text(pick, "time", "value"),
        **_notes(pick),
    }


def _of_arrival(
    arrival: etree._Element | None, phase: str, time: Any
) -> dict[str, Any]:
    residual = _number(arrival, "timeResidual")
    return {
        "phase": phase or _text(arrival, "phase"),
        "epicentral_distance_km": _number(arrival, "distance") * _KM_PER_DEGREE,
        "azimuth_deg": _number(arrival, "azimuth"),
        "residual_s": residual,
        "theoretical_time": time - pd.Timedelta(residual, "s"),
    }


def _short_names(names: Iterable[str]) -> dict[str, str]:
    """
    :param names: Names of all events of a file
    :return: What their agency calls them, if that differs from event to event
    """
    short = {}
    for name in names:
        query = _QUERY.search(name)
        short[name] = (
            query[1] if query else name.rstrip("/").rsplit("/", maxsplit=1)[-1]
        )
    differ = len(set(short.values())) == len(short)
    return short if differ else {name: name for name in short}
