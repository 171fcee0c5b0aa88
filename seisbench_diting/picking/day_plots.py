"""Pictures of the picks of an archive."""

from __future__ import annotations

from pathlib import Path

import obspy
import pandas as pd

from ..plots import plot_picks, save_figure

#: Length of a picture; only the parts of longer records with picks are shown.
PICTURE_SECONDS = 600


def draw_station_day(
    folder: Path,
    station: str,
    instrument: str,
    stream: obspy.Stream,
    picks: pd.DataFrame,
    annotations: obspy.Stream,
) -> None:
    """
    Writes ``FOLDER/NET.STA.LOC/TIME.png`` for all ten minutes with picks, or for the whole
    record if it is not longer.

    :param folder: Folder for pictures
    :param station: NET.STA.LOC
    :param instrument: Band and instrument code for names, if all are picked
    :param stream: Waveforms
    :param picks: Picks
    :param annotations: Probability curves
    """
    length = pd.Timedelta(PICTURE_SECONDS, unit="s")
    first = pd.Timestamp(min(t.stats.starttime for t in stream).ns, tz="UTC")
    last = pd.Timestamp(max(t.stats.endtime for t in stream).ns, tz="UTC")
    is_short = last - first <= length
    begins = picks["time"].dt.floor(length)
    for begin, inside in [(first, picks)] if is_short else picks.groupby(begins):
        start = obspy.UTCDateTime(ns=begin.value)
        shown = stream.slice(start, start + PICTURE_SECONDS)
        if len(shown):
            place = folder / station
            place.mkdir(parents=True, exist_ok=True)
            curves = annotations.slice(start, start + PICTURE_SECONDS)
            figure = plot_picks(
                shown,
                inside,
                curves if len(annotations) else None,
                title=f"{station} {start.strftime('%Y-%m-%d %H:%M:%S')}",
            )
            name = start.strftime("%Y-%m-%dT%H-%M-%S")
            ending = f".{instrument}" if instrument else ""
            save_figure(figure, place / f"{name}{ending}.png")
