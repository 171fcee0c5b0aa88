"""Events and their picks in QuakeML, written and read event by event."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import compress, groupby, islice
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd
from lxml import etree

from .._util import write_text
from . import schema

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
    *("probability", "snr", "amplitude", "relative_time_s", "time_uncertainty_s"),
    *(*schema.EVENT_COLUMNS, "record"),
)

#: Polarities of picks.
_POLARITIES = {"U": "positive", "D": "negative"}

#: Event types of the published catalogue.
_TYPES = {"eq": "earthquake"}

#: Rows that are converted to Python's values at once.
_FEW = 10_000

#: Characters that XML can't hold.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

#: Quotes, and blanks that attributes would lose.
_ENTITIES = {'"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}

#: Stands for an element that is missing.
_NOTHING = etree.Element("none")

# Event services name events in a query, others in the last part of a path.
_QUERY = re.compile(r"(?:event_?id|evid)=([^&#]+)", re.IGNORECASE)


# Writing: text, as it is ten times faster than ObsPy's objects or lxml's elements


def write_quakeml(
    events: pd.DataFrame,
    assignments: pd.DataFrame | None,
    path: Path,
    amplitudes: pd.DataFrame | None = None,
) -> None:
    """
    Each event has an origin with its quality, its picks, and an arrival for each of them.
    All columns are in the file, and come back as they are.

    :param events: Table of events
    :param assignments: Table of assigned picks, or None
    :param path: File to write
    :param amplitudes: Table of amplitudes of local magnitudes, or None
    """
    each = zip(
        with_picks(events, assignments), with_picks(events, amplitudes), strict=True
    )
    write_text(path, _document(_event(*one, rows) for one, (_, rows) in each))


def text_of_quakeml(events: Iterable[tuple[Any, Iterable[Any]]]) -> Iterator[str]:
    """
    :param events: Rows of events, each with the rows of its picks
    :return: Pieces of a document
    """
    return _document(_event(*each) for each in events)


def with_picks(
    events: pd.DataFrame, assignments: pd.DataFrame | None
) -> Iterator[tuple[Any, Iterator[Any]]]:
    """
    :param events: Table of events
    :param assignments: Table of assigned picks, or None
    :return: Rows of events, each with the rows of its picks, of which all must be taken
    """
    picks, counts = iter(()), np.zeros(len(events), dtype=int)
    if assignments is not None:
        place = pd.Index(events["event_id"]).get_indexer(assignments["event_id"])
        counts = np.bincount(place, minlength=len(events))
        picks = _rows(assignments.iloc[np.argsort(place, kind="stable")])
    for row, number in zip(_rows(events), counts, strict=True):
        yield row, islice(picks, number)


def write_picks_quakeml(tables: Iterable[pd.DataFrame], path: Path) -> None:
    """
    Picks of an event make up an event without an origin.

    :param tables: Tables of picks of events
    :param path: File to write
    :raises ValueError: if a pick belongs to no event
    """
    picks = pd.concat(tables, ignore_index=True)
    if len(picks) and not ("event_id" in picks and picks["event_id"].all()):
        raise ValueError(
            "QuakeML can't hold picks without an event; write a .csv file."
        )
    rows = _rows(picks.sort_values("event_id", kind="stable") if len(picks) else picks)
    each = groupby(rows, lambda row: _name(row.event_id))
    write_text(path, _document(_unlocated(name, picks) for name, picks in each))


def _unlocated(name: str, rows: Iterable[Any]) -> str:
    picks = (_pick(row, f"{name}/pick/{n}") for n, row in enumerate(rows, 1))
    return _named("event", name, *picks)


def _rows(table: pd.DataFrame) -> Iterator[Any]:
    """:return: Rows as tuples of Python's values, with None for unknown numbers and times"""
    for start in range(0, len(table), _FEW):
        part = table.iloc[start : start + _FEW].astype(object)
        yield from part.where(part.notna(), None).itertuples(index=False)


def _document(events: Iterable[str]) -> Iterator[str]:
    yield "<?xml version='1.0' encoding='utf-8'?>\n"
    yield f'<q:quakeml xmlns="{_BODY}" xmlns:q="{_ROOT}">'
    yield '<eventParameters publicID="smi:local/seisbench-diting">\n'
    yield from events
    yield "</eventParameters></q:quakeml>\n"


def _event(row: Any, rows: Iterable[Any], measured: Iterable[Any] = ()) -> str:
    name = _name(row.event_id)
    picks, arrivals = [], []
    for number, pick in enumerate(rows, 1):
        picks.append(_pick(pick, f"{name}/pick/{number}"))
        arrivals.append(_arrival(pick, f"{name}/pick/{number}"))
    of_stations, parts = [], ""
    for number, amplitude in enumerate(measured, 1):
        of_stations.append(_station_magnitude(amplitude, name, number))
        value = _tags(stationMagnitudeID=f"{name}/station_magnitude/{number}")
        parts += _tags(stationMagnitudeContribution=value)
    preferred, magnitude = {"preferredOriginID": f"{name}/origin"}, ""
    if row.magnitude is not None:
        preferred["preferredMagnitudeID"] = f"{name}/magnitude"
        kind = _tags(type=_escaped(row.magnitude_type), originID=f"{name}/origin")
        values = _value("mag", row.magnitude, _scaled(row, "magnitude_error", 1))
        values += kind + parts
        values += _tags(stationCount=getattr(row, "magnitude_station_count", None))
        magnitude = _named("magnitude", f"{name}/magnitude", values)
    quality = _tags(
        usedPhaseCount=getattr(row, "pick_count", None),
        usedStationCount=getattr(row, "station_count", None),
        standardError=getattr(row, "rms_residual_s", None),
        azimuthalGap=getattr(row, "azimuthal_gap_deg", None),
        minimumDistance=_scaled(row, "nearest_station_km", 1 / _KM_PER_DEGREE),
    )
    east_km = _KM_PER_DEGREE * max(np.cos(np.radians(row.latitude)), 1e-3)
    ellipse = _tags(
        maxHorizontalUncertainty=_scaled(row, "max_horizontal_error_km", 1000),
        minHorizontalUncertainty=_scaled(row, "min_horizontal_error_km", 1000),
        azimuthMaxHorizontalUncertainty=_scaled(row, "max_error_azimuth_deg", 1),
    )
    if ellipse:
        ellipse += _tags(preferredDescription="uncertainty ellipse", confidenceLevel=68)
    place = [
        _value(tag, _scaled(row, name, unit), _scaled(row, error, per_km))
        for tag, name, unit, error, per_km in (
            ("latitude", "latitude", 1, "latitude_error_km", 1 / _KM_PER_DEGREE),
            ("longitude", "longitude", 1, "longitude_error_km", 1 / east_km),
            ("depth", "depth_km", 1000, "depth_error_km", 1000),
        )
    ]
    origin = _named(
        "origin",
        f"{name}/origin",
        _value("time", _time(row.time), _scaled(row, "time_error_s", 1)),
        *place,
        _tags(originUncertainty=ellipse, quality=quality),
        _comment(f"{name}/origin", row, _OF_ORIGIN),
        *arrivals,
    )
    head = _tags(**preferred, type=_allowed_type(row.event_type))
    head += _comment(name, row, _OF_EVENT)
    return _named("event", name, head, origin, magnitude, *of_stations, *picks)


def _station_magnitude(row: Any, name: str, number: int) -> str:
    """
    :return: An amplitude on a Wood-Anderson seismogram, in m, and the magnitude that is
        made from it
    """
    at, amplitude = _waveform(row.station_id, row.channel), f"{name}/amplitude/{number}"
    window = _tags(begin=0.0, end=0.0, reference=_time(row.time))
    # QuakeML has no infinity, which is the ratio to a record without noise.
    snr = None if row.snr == np.inf else row.snr
    about = _tags(type="AML", category="point", unit="m", snr=snr, timeWindow=window)
    value = _value("genericAmplitude", row.amplitude_mm / 1000)
    of = _tags(originID=f"{name}/origin", type="ML", amplitudeID=amplitude)
    magnitude = _value("mag", row.magnitude) + of + at
    return _named("amplitude", amplitude, value + about + at) + _named(
        "stationMagnitude", f"{name}/station_magnitude/{number}", magnitude
    )


def _waveform(station_id: str, channel: str = "") -> str:
    network, station, location = map(_escaped, station_id.split("."))
    last = f' channelCode="{_escaped(channel)}"' if channel else ""
    return (
        f'<waveformID networkCode="{network}" stationCode="{station}" '
        f'locationCode="{location}"{last}/>'
    )


@cache
def _allowed_type(event_type: str) -> str:
    """:return: Event type as QuakeML knows it, or nothing"""
    from obspy.core.event.header import EventType

    return EventType(_TYPES.get(event_type, event_type)) or "" if event_type else ""


def _pick(row: Any, name: str) -> str:
    return _named(
        "pick",
        name,
        _value("time", _time(row.time), _scaled(row, "time_uncertainty_s", 1)),
        _waveform(row.station_id),
        _tags(phaseHint=row.phase, evaluationMode="automatic"),
        _tags(polarity=_POLARITIES.get(getattr(row, "polarity", ""))),
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
        timeWeight=row.weight,
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


def _value(tag: str, value: object, uncertainty: object = None) -> str:
    known = None if value is None else _tags(value=value, uncertainty=uncertainty)
    return _tags(**{tag: known})


def _scaled(row: Any, name: str, factor: float) -> float | None:
    """:return: The value of a column that a row may not have, in another unit"""
    value = getattr(row, name, None)
    return None if value is None else value * factor


def _time(time: pd.Timestamp) -> str:
    return f"{time.isoformat(timespec='microseconds')[:26]}Z"


def _name(event_id: str) -> str:
    """:return: The same name in any run, of the characters that QuakeML allows"""
    allowed = quote(event_id, safe="").replace("~", "%7E").replace("%", "~")
    return f"smi:local/seisbench-diting/event/{allowed}"


def _escaped(text: str) -> str:
    """:return: Text as XML may hold it"""
    return escape(_NOT_XML.sub("\ufffd", text), _ENTITIES)


# Reading


def read_events_quakeml(path: Path) -> pd.DataFrame:
    """
    Reads the preferred, or else the first, origin and magnitude of each event. Events
    without a located origin are left out, with a warning. The ``event_id`` of events from
    elsewhere is the name that their agency gave them: 7073641 for
    ``smi:webservices.ingv.it/fdsnws/event/1/query?eventId=7073641``.

    :param path: File to read
    :raises ValueError: if it is not a whole QuakeML file
    :return: Table of events
    """
    return _event_table(_read(path, with_picks=False)[0])


def read_picks_quakeml(path: Path) -> pd.DataFrame:
    """
    QuakeML has no probabilities: picks of other programs get 1. They have the
    ``event_id`` of their event, and distance, azimuth and residual of their arrival at
    its preferred, or else its first, origin. Picks of phases that no table has,
    and without a station or a time, are left out, with a warning.

    :param path: File to read
    :raises ValueError: if it is not a whole QuakeML file
    :return: Table of picks
    """
    return _pick_table(_read(path)[1])


def read_association_quakeml(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    :param path: File to read; all picks of an event count as assigned to it. Events without
        a located origin are left out, with a warning, and their picks with them.
    :raises ValueError: if it is not a whole QuakeML file
    :return: Table of events, and table of assigned picks
    """
    rows, picks = _read(path)
    events = _event_table(rows)
    table = schema.assignment_table(_pick_table(picks))
    known = table["event_id"].isin(events["event_id"])
    return events, table[known].reset_index(drop=True)


def _read(path: Path, with_picks: bool = True) -> tuple[list[dict], list[dict]]:
    """:return: Rows of events, and of their picks"""
    rows, picks = [], []
    for event in _events(path):
        row = {"name": event.get("publicID", ""), "event_id": None, "time": ""}
        rows.append(_noting(row, _event_row, event))
        of_event = list(_pick_rows(event)) if with_picks else []
        picks.append(of_event)
    names = _short_names(row["name"] for row in rows)
    for row, of_event in zip(rows, picks, strict=True):
        row["event_id"] = row["event_id"] or names[row["name"]]
        for pick in of_event:
            pick.setdefault("event_id", row["event_id"])
    return rows, [pick for of_event in picks for pick in of_event]


def _event_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    good = [x["time"] and pd.notna(x["latitude"] + x["longitude"]) for x in rows]
    reason = "it has no time, latitude or longitude"
    return schema.event_table(_kept(rows, good, "event", reason))


def _pick_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    good = [
        x["time"]
        and x["station_id"].split(".")[1]
        # GaMMA and others have p and s.
        and x["phase"].capitalize() in schema.PHASES
        for x in rows
    ]
    reason = f"it has no time, no station, or none of {', '.join(schema.PHASES)}"
    return schema.pick_table(_kept(rows, good, "pick", reason))


def _kept(rows: list[Any], good: list[Any], noun: str, reason: str) -> pd.DataFrame:
    names = [f"{n}, {row['name']}" for n, row in enumerate(rows, 1)]
    each = zip(names, rows, good, strict=True)
    wrong = ((f"{noun} {n}", x.get("wrong", reason)) for n, x, ok in each if not ok)
    schema.set_aside(wrong)
    index = pd.Index(list(compress(names, good)), name=noun)
    return pd.DataFrame(list(compress(rows, good)), index=index)


def _event_row(event: etree._Element) -> dict[str, Any]:
    origin = _preferred(event, "origin")
    magnitude = _preferred(event, "magnitude")
    noted, of_origin = _notes(event), _notes(origin)
    return {
        "event_id": noted.get("event_id"),
        "time": _text(origin, "time", "value"),
        "latitude": _number(origin, "latitude", "value"),
        "longitude": _number(origin, "longitude", "value"),
        # Rounded, to get the decimal number that it was before it was in metres.
        "depth_km": round(_number(origin, "depth", "value") / 1000, 9),
        "magnitude": _number(magnitude, "mag", "value"),
        "magnitude_type": _text(magnitude, "type"),
        "event_type": noted.get("event_type", _text(event, "type")),
        **{name: of_origin[name] for name in _OF_ORIGIN if name in of_origin},
    }


def _pick_rows(event: etree._Element) -> Iterator[dict[str, Any]]:
    found = _preferred(event, "origin").findall("{*}arrival")
    arrivals = {_text(arrival, "pickID"): arrival for arrival in found}
    for pick in event.findall("{*}pick"):
        codes = next(pick.iterfind("{*}waveformID"), _NOTHING).attrib
        network, station = codes.get("networkCode", ""), codes.get("stationCode", "")
        location = codes.get("locationCode", "").replace("--", "")
        arrival = arrivals.get(pick.get("publicID"), _NOTHING)
        motion = {v: k for k, v in _POLARITIES.items()}.get(_text(pick, "polarity"))
        row = {
            **({"polarity": motion} if motion else {}),
            "name": pick.get("publicID", ""),
            "station_id": f"{network}.{station}.{location}",
            "phase": _text(pick, "phaseHint") or _text(arrival, "phase"),
            "time": _text(pick, "time", "value"),
        }
        yield _noting(row, _of_arrival, pick, arrival)


def _noting(
    row: dict[str, Any], more: Callable[..., dict[str, Any]], *about: Any
) -> dict[str, Any]:
    """:return: The row with more values; if one is wrong, without a time, and with the reason"""
    try:
        return row | more(*about)
    except ValueError as error:
        return row | {"time": "", "wrong": str(error)}


def _of_arrival(pick: etree._Element, arrival: etree._Element) -> dict[str, Any]:
    return _notes(pick) or {
        "epicentral_distance_km": _number(arrival, "distance") * _KM_PER_DEGREE,
        "azimuth_deg": _number(arrival, "azimuth"),
        "residual_s": _number(arrival, "timeResidual"),
        "time_uncertainty_s": _number(pick, "time", "uncertainty"),
        "probability": 1.0,
    }


def _events(path: Path) -> Iterator[etree._Element]:
    """:return: Events of a file, of which one is in memory"""
    # Files come from anywhere: nothing that they refer to is opened.
    safe = {"resolve_entities": False, "no_network": True, "load_dtd": False}
    with path.open("rb") as file:
        try:
            _, root = next(etree.iterparse(file, events=("start",), **safe))
            if (tag := etree.QName(root).localname) != "quakeml":
                raise ValueError(f"not a QuakeML file: it begins with <{tag}>.")
            file.seek(0)
            for _, event in etree.iterparse(file, tag="{*}event", **safe):
                yield event
                event.clear()
                while event.getprevious() is not None:
                    del event.getparent()[0]
        except etree.XMLSyntaxError as error:
            raise ValueError(f"not a whole QuakeML file: {error}.") from error


def _preferred(event: etree._Element, tag: str) -> etree._Element:
    """:return: The preferred, or else the first, origin or magnitude; or an empty one"""
    found = event.findall(f"{{*}}{tag}")
    name = _text(event, f"preferred{tag.title()}ID")
    chosen = [element for element in found if element.get("publicID") == name]
    return next(iter(chosen or found), _NOTHING)


def _text(element: etree._Element, *path: str) -> str:
    return (element.findtext("/".join(f"{{*}}{tag}" for tag in path)) or "").strip()


def _number(element: etree._Element, *path: str) -> float:
    return float(_text(element, *path) or "nan")


def _notes(element: etree._Element) -> dict[str, Any]:
    """:return: Values of our comment, if there is one"""
    texts = (_text(comment, "text") for comment in element.findall("{*}comment"))
    ours = (text for text in texts if text.startswith(f'{{"{_NOTES}"'))
    return next((json.loads(text)[_NOTES] for text in ours), {})


def _short_names(names: Iterable[str]) -> dict[str, str]:
    """
    :param names: Names of all events of a file
    :return: What their agency calls them, if that differs from event to event
    """
    short = {
        name: query[1] if (query := _QUERY.search(name)) else name.split("/")[-1]
        for name in names
    }
    differ = len(set(short.values()) - {""}) == len(short)
    return short if differ else {name: name for name in short}
