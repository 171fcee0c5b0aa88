"""Picks of the arrivals of a known event."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import obspy
import pandas as pd
from seisbench.models import WaveformModel

from ...models import station_id
from ...tables import EVENT_COLUMNS, pick_table
from ...travel_times import TravelTimes
from ..options import PickOptions
from ..prepare import share
from ..stream import Piece, pick_waveforms, pieces_of, table_of, window_seconds
from .choosing import REASONS, Arrivals, Fit, choose_picks
from .geometry import Event, arrivals_at
from .windows import WindowOptions


@dataclass
class EventPicks:
    """
    What came of an event.

    :param event: Event
    :param picks: Table with the columns of event picks
    :param discarded: Number of other picks for each of
        :py:data:`~seisbench_diting.picking.events.choosing.REASONS`
    :param problems: Stations, channels or nothing, and what was wrong there
    :param stations: Table of the stations with a window, nearest first: station_id,
        latitude, longitude, elevation_m, epicentral_distance_km, azimuth_deg, and in
        seconds after the origin time p_seconds, s_seconds, begin_seconds, end_seconds
    :param candidates: Table of all picks in the windows
    :param waveforms: The windows
    :param curves: Probability curves in the windows; empty for models of others
    """

    event: Event
    picks: pd.DataFrame
    discarded: dict[str, int]
    problems: list[tuple[str, str]]
    stations: pd.DataFrame
    candidates: pd.DataFrame
    waveforms: obspy.Stream
    curves: obspy.Stream


def pick_event(
    stream: obspy.Stream,
    event: Any,
    stations: pd.DataFrame,
    model: WaveformModel,
    travel_times: TravelTimes,
    *,
    before: float = 30.0,
    after: float = 40.0,
    options: PickOptions | None = None,
    fit: Fit | None = None,
    inventory: obspy.Inventory | None = None,
    record: str = "",
    pieces: list[Piece] | None = None,
) -> EventPicks:
    """
    Of each station at most one P and one S: see
    :py:func:`~seisbench_diting.picking.events.choosing.choose_picks`.

    :param stream: Waveforms of any number of stations; they stay as they are
    :param event: Row of an event table, or :py:class:`Event`
    :param stations: Station table
    :param model: Picker
    :param travel_times: Travel times
    :param before: Seconds of the window before the theoretical P
    :param after: Seconds of it after the theoretical S. It is longer where the model
        needs more samples, and as short as the record.
    :param options: How picks are found and what is measured of them
    :param fit: How they are chosen
    :param inventory: If given, amplitudes are in m/s
    :param record: Name of the record, for the table of picks
    :param pieces: Records that the stream was put together from, instead of ``record``
    :raises TypeError: if the stream is none
    :raises ValueError: if an option, or a place or time of the event is impossible
    :return: What came of it
    """
    if not isinstance(stream, obspy.Stream):
        raise TypeError(
            f"stream must be an obspy.Stream, got {type(stream).__name__}. Put single "
            "traces into obspy.Stream([trace])."
        )
    event = Event.of(event)
    window = WindowOptions(before, after)
    traces: dict[str, list[obspy.Trace]] = defaultdict(list)
    for trace in stream:
        if trace.stats.npts:
            traces[station_id(trace)].append(trace)
    around, unknown = arrivals_at(event, traces, stations, travel_times)
    problems = [
        (station, "no coordinates in the table of stations") for station in unknown
    ]
    least = window_seconds(model)
    windows = [
        _cut(event, station, traces[station.station_id], window, least)
        for station in around.itertuples(index=False)
    ]
    for station, (cut, reason) in zip(around["station_id"], windows, strict=True):
        if not len(cut):
            problems.append((station, reason))
    filled = [bool(len(cut)) for cut, _ in windows]
    cuts = [cut for cut, _ in windows if len(cut)]
    around = around[filled].reset_index(drop=True)
    for name, edge, choose in (
        ("begin_seconds", "starttime", min),
        ("end_seconds", "endtime", max),
    ):
        around[name] = [
            float(choose(trace.stats[edge] - event.origin for trace in cut))
            for cut in cuts
        ]

    waveforms = obspy.Stream([trace for cut in cuts for trace in cut])
    picked = pick_waveforms(
        share(waveforms),
        model,
        options or PickOptions(),
        inventory,
        pieces or pieces_of(stream, record),
    )
    candidates = table_of(picked.rows)
    tables, discarded = [], dict.fromkeys(REASONS, 0)
    for station in around.itertuples(index=False):
        table, numbers = choose_picks(
            candidates[candidates["station_id"] == station.station_id],
            Arrivals(
                event.event_id,
                station.epicentral_distance_km,
                station.azimuth_deg,
                event.after(station.p_seconds),
                event.after(station.s_seconds),
            ),
            fit,
        )
        tables.append(table)
        for reason, number in numbers.items():
            discarded[reason] += number
    chosen = [table for table in tables if len(table)]
    return EventPicks(
        event,
        pick_table(
            pd.concat(chosen) if chosen else pd.DataFrame(columns=list(EVENT_COLUMNS))
        ),
        discarded,
        problems + picked.problems,
        around,
        candidates,
        waveforms,
        picked.annotations,
    )


def _cut(
    event: Event,
    station: Any,
    traces: list[obspy.Trace],
    window: WindowOptions,
    least: float,
) -> tuple[obspy.Stream, str]:
    """The window of a station, or an empty stream and why."""
    if pd.isna(station.p_seconds) and pd.isna(station.s_seconds):
        return obspy.Stream(), (
            f"at {station.epicentral_distance_km:.0f} km there is no theoretical arrival"
        )
    begin = min(trace.stats.starttime for trace in traces) - event.origin
    end = max(trace.stats.endtime for trace in traces) - event.origin
    found = window.around(station.p_seconds, station.s_seconds, least, (begin, end))
    if found is None:
        return obspy.Stream(), "no data in the window around the theoretical arrivals"
    cut = obspy.Stream(traces).slice(
        event.origin + found.begin, event.origin + found.end
    )
    return cut, "no data in the window around the theoretical arrivals"
