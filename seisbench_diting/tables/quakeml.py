"""Picks written to QuakeML files, event by event."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pandas as pd
from obspy import UTCDateTime
from obspy.core.event import (
    Event,
    EventDescription,
    Pick,
    ResourceIdentifier,
    WaveformStreamID,
)

from .chunks import Picks, pick_chunks
from .picks import EVENT_COLUMNS
from .quakeml_file import quakeml_file
from .resources import moment, notes, resource

#: Rows that wait for more of their day, before what there is becomes an event.
_MOST = 200_000

#: Picks that are ObsPy's objects at once.
_FEW = 1_000

#: Behind an event's last pick, more are not waited for. P and S of one event are less
#: than half an hour apart.
_WAIT = pd.Timedelta(hours=1)

_NOTED = ("probability", "snr", "amplitude", "relative_time_s", *EVENT_COLUMNS)


def write_picks_quakeml(picks: Picks, path: str | Path) -> None:
    """
    Picks of a known event make up an event of the file. The others of a UTC day make up
    one as well, whose description says so: QuakeML knows no picks without an event. Where
    a day has more than 200,000 picks, or those of an event are hours apart, there may be
    several. There are no origins. What QuakeML has no place for, such as probabilities, is
    in a comment of each pick, in JSON. The same picks give the same file.

    :param picks: Table of picks, or tables in order of time
    :param path: File to write
    """
    with quakeml_file(path, resource("picks")) as file:
        for day, event_id, rows in _events(pick_chunks(picks)):
            name = resource("event", event_id or day, moment(rows["time"].iloc[0]))
            file.write(name, _parts(rows, name, _description(day, event_id)))


def _events(
    chunks: Iterator[pd.DataFrame],
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Days, names of events or nothing, and the rows of picks that belong together."""
    waiting: dict[tuple[str, str], list[pd.DataFrame]] = {}
    for chunk in chunks:
        if len(chunk) == 0:
            continue
        days = chunk["time"].dt.strftime("%Y-%m-%d")
        ids = chunk["event_id"] if "event_id" in chunk else pd.Series("", chunk.index)
        # The picks of one event may lie on two days.
        for key, part in chunk.groupby([days.where(ids == "", ""), ids], sort=False):
            waiting.setdefault(key, []).append(part)
        now, today = chunk["time"].iloc[-1], days.iloc[-1]
        for key, parts in list(waiting.items()):
            day, _ = key
            last = parts[-1]["time"].iloc[-1]
            done = day < today if day else now - last > _WAIT
            if done or sum(map(len, parts)) >= _MOST:
                yield (*key, pd.concat(waiting.pop(key)))
    for key, parts in waiting.items():
        yield (*key, pd.concat(parts))


def _description(day: str, event_id: str) -> str:
    if event_id:
        return f"Automatic picks of event {event_id}, without its location"
    return (
        f"Automatic picks of {day} (UTC), which belong to no known event: this is a list "
        "of picks and no earthquake, and has no location"
    )


def _parts(
    rows: pd.DataFrame, name: ResourceIdentifier, description: str
) -> Iterator[Event]:
    picks = pick_objects(rows)
    descriptions = [EventDescription(text=description)]
    while some := list(islice(picks, _FEW)):
        yield Event(resource_id=name, event_descriptions=descriptions, picks=some)
        descriptions = []


def pick_objects(rows: pd.DataFrame) -> Iterator[Pick]:
    """
    :param rows: Picks that belong together, rows of a table of picks
    :return: Picks of ObsPy, whose names differ
    """
    same = rows.groupby(["time", "station_id", "phase"]).cumcount()
    for row, number in zip(rows.itertuples(index=False), same, strict=True):
        yield _pick(row._asdict(), number)


def _pick(row: dict[str, object], number: int) -> Pick:
    time: pd.Timestamp = row["time"]
    station_id = row["station_id"]
    network, station, location = station_id.split(".")
    event = [row["event_id"]] if row.get("event_id") else []
    again = [str(number + 1)] if number else []
    name = resource("pick", *event, station_id, row["phase"], moment(time), *again)
    noted = {key: row[key] for key in _NOTED if key in row}
    if row["record"]:
        noted["record"] = row["record"]
    return Pick(
        resource_id=name,
        time=UTCDateTime(time.to_pydatetime()),
        waveform_id=WaveformStreamID(network, station, location, None),
        phase_hint=row["phase"],
        evaluation_mode="automatic",
        comments=[notes(noted, name)],
    )
