"""Events in QuakeML files."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from obspy import UTCDateTime, read_events
from obspy.core.event import Catalog, Event, Magnitude, Origin
from obspy.core.event.header import EventType

from ..files import replacing
from .events import event_table
from .resources import notes, read_notes, resource, short_names


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
            catalog = read_events(io.BytesIO(file.read()), format="QUAKEML")
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
    for comment in event.comments:
        noted = read_notes(comment.text)
        row |= {
            name: noted[name] for name in ("event_id", "event_type") if name in noted
        }
    return row


def write_events_quakeml(events: pd.DataFrame, path: str | Path) -> None:
    """
    ``event_id`` and ``event_type`` are in a comment, in JSON, too, as QuakeML restricts
    both. The same events give the same file.

    :param events: Table of events
    :param path: File to write
    """
    rows = event_table(events).to_dict("records")
    catalog = Catalog([_event(row) for row in rows], resource_id=resource("events"))
    with replacing(Path(path)) as temporary:
        catalog.write(str(temporary), format="QUAKEML")


#: Of the published catalogue.
_TYPES = {"eq": "earthquake"}


def _event(row: dict[str, object]) -> Event:
    event_id, event_type = row["event_id"], row["event_type"]
    name = resource("event", event_id)
    origin = Origin(
        resource_id=resource("event", event_id, "origin"),
        time=UTCDateTime(ns=row["time"].value),
        latitude=row["latitude"],
        longitude=row["longitude"],
        depth=None if np.isnan(row["depth_km"]) else row["depth_km"] * 1000,
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
        comments=[notes({"event_id": event_id, "event_type": event_type}, name)],
    )
    event.preferred_origin_id = origin.resource_id
    if magnitudes:
        event.preferred_magnitude_id = magnitudes[0].resource_id
    return event
