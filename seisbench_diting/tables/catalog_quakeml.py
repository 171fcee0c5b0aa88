"""Events in QuakeML files."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
from lxml import etree
from obspy import UTCDateTime, read_events
from obspy.core.event import Event, Magnitude, Origin, OriginQuality
from obspy.core.event.header import EventType

from .events import QUALITY_COLUMNS, event_table
from .quakeml_file import iterate, quakeml_file
from .resources import notes, read_notes, resource, short_names

#: What is noted of events and of origins, as QuakeML restricts it, rounds it in metres, or
#: has no place for it. An origin that others add, and prefer, has no notes.
_OF_EVENT = ("event_id", "event_type")
_OF_ORIGIN = ("depth_km", *QUALITY_COLUMNS)

#: Names in QuakeML of columns of quality.
_QUALITY = {
    "used_phase_count": "pick_count",
    "used_station_count": "station_count",
    "standard_error": "rms_residual_s",
    "azimuthal_gap": "azimuthal_gap_deg",
}


def read_events_quakeml(path: str | Path) -> pd.DataFrame:
    """
    Events without a located origin are left out, with a warning. The ``event_id`` of
    others' events is what their agency calls them: 7073641 for
    ``smi:webservices.ingv.it/fdsnws/event/1/query?eventId=7073641``.

    :param path: File to read
    :raises ValueError: if it is no QuakeML file
    :return: Table of events
    """
    # As a format that is named, from an open file: ObsPy would look for others, of which
    # one runs code, and take the path for a pattern.
    with Path(path).open("rb") as file:
        try:
            catalog = read_events(_without_picks(file), format="QUAKEML")
        # Damaged files raise errors of many kinds.
        except Exception as error:
            raise ValueError(f"{path} is no whole QuakeML file: {error}.") from error
    names = short_names(event.resource_id.id for event in catalog)
    rows = [
        _row(event, origin, names)
        for event in catalog
        if (origin := _origin(event)) is not None
    ]
    if len(rows) < len(catalog):
        warnings.warn(
            f"{path}: {len(catalog) - len(rows)} of {len(catalog)} events are left out, "
            "as they have no origin with a time, a latitude and a longitude.",
            stacklevel=2,
        )
    return event_table(rows)


#: What a table of events doesn't need, and ObsPy takes its time for.
_OF_PICKS = ("{*}pick", "{*}arrival", "{*}amplitude", "{*}stationMagnitude")


def _without_picks(file: BinaryIO) -> BinaryIO:
    parser = iterate(file, tag=_OF_PICKS)
    for _, element in parser:
        element.clear(keep_tail=True)
    etree.strip_elements(parser.root, *_OF_PICKS, with_tail=False)
    return io.BytesIO(etree.tostring(parser.root))


def _origin(event: Event) -> Origin | None:
    origin = event.preferred_origin() or next(iter(event.origins), None)
    if origin is None or None in (origin.time, origin.latitude, origin.longitude):
        return None
    return origin


def _row(event: Event, origin: Origin, names: dict[str, str]) -> dict[str, object]:
    row: dict[str, object] = {
        "event_id": names[event.resource_id.id],
        "time": np.datetime64(origin.time.ns // 1000, "us"),
        "latitude": origin.latitude,
        "longitude": origin.longitude,
        "event_type": event.event_type or "",
    }
    if origin.depth is not None:
        # Back to the decimal number that it was before it was in metres.
        row["depth_km"] = round(origin.depth / 1000, 9)
    magnitude = event.preferred_magnitude() or next(iter(event.magnitudes), None)
    if magnitude is not None:
        row["magnitude"] = magnitude.mag
        row["magnitude_type"] = magnitude.magnitude_type or ""
    for noted_of, names_of in ((event, _OF_EVENT), (origin, _OF_ORIGIN)):
        for comment in noted_of.comments:
            noted = read_notes(comment.text)
            row |= {name: noted[name] for name in names_of if name in noted}
    return row


def write_events_quakeml(events: pd.DataFrame, path: str | Path) -> None:
    """
    ``event_id``, ``event_type``, depths in km and columns of quality are in comments, in
    JSON, too, so that they come back as they are. The same events give the same file.

    :param events: Table of events
    :param path: File to write
    """
    rows = event_table(events).to_dict("records")
    with quakeml_file(path, resource("events")) as file:
        for row in rows:
            event = event_object(row)
            file.write(event.resource_id, [event])


#: Of the published catalogue.
_TYPES = {"eq": "earthquake"}


def event_object(row: dict[str, object]) -> Event:
    """
    :param row: Row of a table of events
    :return: Event of ObsPy, with an origin, and a magnitude where it is known
    """
    event_id, event_type = row["event_id"], row["event_type"]
    name = resource("event", event_id)
    origin_name = resource("event", event_id, "origin")
    origin = Origin(
        resource_id=origin_name,
        time=UTCDateTime(row["time"].to_pydatetime()),
        latitude=row["latitude"],
        longitude=row["longitude"],
        depth=None if np.isnan(row["depth_km"]) else row["depth_km"] * 1000,
        quality=_quality(row),
        comments=[
            notes({key: row[key] for key in _OF_ORIGIN if key in row}, origin_name)
        ],
    )
    magnitudes = []
    if not np.isnan(row["magnitude"]):
        magnitudes.append(
            Magnitude(
                resource_id=resource("event", event_id, "magnitude"),
                mag=row["magnitude"],
                magnitude_type=row["magnitude_type"] or None,
                origin_id=origin.resource_id,
            )
        )
    known = _TYPES.get(event_type, event_type)
    event = Event(
        resource_id=name,
        event_type=known if known in EventType else None,
        origins=[origin],
        magnitudes=magnitudes,
        comments=[notes({key: row[key] for key in _OF_EVENT}, name)],
    )
    event.preferred_origin_id = origin.resource_id
    if magnitudes:
        event.preferred_magnitude_id = magnitudes[0].resource_id
    return event


def _quality(row: dict[str, object]) -> OriginQuality | None:
    known = {
        name: row[column]
        for name, column in _QUALITY.items()
        if column in row and not pd.isna(row[column])
    }
    return OriginQuality(**known) if known else None
