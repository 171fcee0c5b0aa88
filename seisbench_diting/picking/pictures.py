"""Pictures of the picks of an archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import obspy

from ..plots import plot_picks, save_figure
from .index import SECOND
from .plan import Unit
from .stream import table_of

#: Length of a picture; longer records are shown where they have picks.
PICTURE_SECONDS = 600


def draw_unit(
    folder: Path,
    unit: Unit,
    stream: obspy.Stream,
    rows: list[dict[str, Any]],
    annotations: obspy.Stream,
) -> None:
    """
    Writes ``FOLDER/NET.STA.LOC/TIME.png`` for all ten minutes with picks, or for the
    record, if it is no longer.

    :param folder: Folder for pictures
    :param unit: What was picked
    :param stream: Its waveforms
    :param rows: Its picks
    :param annotations: Its probability curves
    """
    for begin, inside in _divide(stream, unit, rows):
        start = obspy.UTCDateTime(ns=begin)
        end = start + PICTURE_SECONDS
        shown = stream.slice(start, end)
        if not len(shown):
            continue
        place = folder / unit.station_id
        place.mkdir(parents=True, exist_ok=True)
        figure = plot_picks(
            shown,
            table_of(inside),
            annotations.slice(start, end) if len(annotations) else None,
            title=f"{unit.station_id} {start.strftime('%Y-%m-%d %H:%M:%S')}",
        )
        name = unit.key.split(" ")[2:]  # The instrument, where all are picked.
        time = start.strftime("%Y-%m-%dT%H-%M-%S")
        save_figure(figure, place / f"{'.'.join([time, *name])}.png")


def _divide(
    stream: obspy.Stream, unit: Unit, rows: list[dict[str, Any]]
) -> list[tuple[int, list[dict[str, Any]]]]:
    """Begin of each picture in nanoseconds since 1970, and its picks."""
    if not rows:
        return []
    length = PICTURE_SECONDS * SECOND
    begin = min(trace.stats.starttime.ns for trace in stream)
    end = max(trace.stats.endtime.ns for trace in stream)
    if end - begin <= length:
        return [(begin, rows)]
    pieces: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        time = row["time"] * 1000
        pieces.setdefault(time // length * length, []).append(row)
    return sorted(pieces.items())
