"""Pick an archive, station by station and day by day."""

from __future__ import annotations

import os
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from urllib.parse import quote

import obspy
import pandas as pd
import torch
from seisbench.models import WaveformModel

from .._util import ArgumentError, beside, first_of, merged, process_pool, takes
from ..models import MIN_RATE_SHARE, names_file
from ..waveforms import (
    DAY,
    SECOND,
    TOLERANCE,
    Problem,
    Selection,
    Unit,
    covered_spans,
    is_station_of,
    read_responses,
    read_segments,
    time_span,
)
from .pick_settings import PickSettings
from .run import PICTURES, RunPicks, RunState, UnitResult, cluster, open_run, processes
from .stream_picks import load_for, pick_waveforms, rate_of, table_of, window_seconds

#: Windows before and after a day, so that its ends are picked as in an uncut record.
_MARGIN_WINDOWS = 2
_MARGIN_SECONDS = 10.0

#: Length of a picture; only the parts of longer records with picks are shown. The band of
#: its waveforms, Hz, and seconds until the filter has settled.
_PICTURE_SECONDS, _PICTURE_BAND, _SETTLING = 600, (1.0, 20.0), 10.0

#: Processes that draw; each one needs 0.2 GB of memory.
_DRAWERS = 4


@takes(PickSettings)
def pick_archive(settings: PickSettings) -> RunPicks:
    """
    Picks an archive of any size, station by station and day by day. Files are joined
    according to their headers. If it is interrupted, the same call continues. If it is
    called again later, it picks data that are new or have changed. Inputs, stations and
    times may be others then: what was picked before is kept.

    :raises ArgumentError: if an option is not possible, if another run writes there, or
        if a former run of this name had other options
    :raises OSError: if the disk is full; nothing is lost
    :raises KeyboardInterrupt: after Ctrl-C; call the same again to continue
    :return: What was written
    """
    others = settings.workers > 1 or settings.scheduler is not None
    if others and not isinstance(settings.model, str):
        reason = "must be a name, as other processes load it. Save it with "
        reason += "model.save(PATH), and give the path"
        raise ArgumentError("model", type(settings.model).__name__, reason)
    start, end = time_span(settings.start, settings.end)
    inventory = read_responses(settings.inventory)
    with open_run(settings, "station days") as run:
        seconds = _MARGIN_WINDOWS * window_seconds(run.model) + _MARGIN_SECONDS
        selection = Selection(
            settings.instruments,
            settings.stations,
            start,
            end,
            round((seconds + 5 * settings.min_separation) * SECOND),
            MIN_RATE_SHARE * rate_of(run.model),
        )
        problems: list[Problem] = []
        days = run.state.station_days(selection, problems, settings.progress)
        run.stations = run.state.write_plan(days, problems)
        if not run.stations:
            given = [n for n in ("stations", "start", "end") if getattr(settings, n)]
            name = given[0] if given else "inputs"
            value = getattr(settings, name)
            reason, there = "no waveforms match", run.state.stations()
            if not any(is_station_of(one, settings.stations or "*") for one in there):
                reason += f"; the stations are {first_of(there, 5)}"
            elif problems := [*run.state.problems(), *problems]:
                reason += f": {'; '.join(merged(problems, 'channel or file')[:5])}"
            raise ArgumentError(name, value, reason)
        if not others:
            drawers = process_pool(min(_DRAWERS, os.cpu_count() or 1))
            try:
                run.execute(StationDayPicker(settings, run.model, inventory, drawers))
            finally:
                drawers.shutdown(cancel_futures=True)
        else:
            name = settings.model
            if names_file(name):
                name = str(Path(name).expanduser().absolute())
            portable = settings.model_copy(update={"model": name})
            if settings.scheduler is not None:
                workers, threads = cluster(str(settings.scheduler)), 0
            else:
                # Together they use as many threads as this process would.
                threads = max(1, torch.get_num_threads() // settings.workers)
                workers = processes(settings.workers)
            run.execute(partial(_pick_elsewhere, portable, threads), workers)
        hide_doubles(run.state, settings.min_separation)
        return run.finish()


def _pick_elsewhere(settings: PickSettings, threads: int, unit: Unit) -> UnitResult:
    if threads:
        torch.set_num_threads(threads)
    return _loaded_picker(settings)(unit)


@lru_cache(maxsize=1)
def _loaded_picker(settings: PickSettings) -> StationDayPicker:
    """The picker of a run in another process, which loads the model once."""
    model = load_for(settings)
    return StationDayPicker(settings, model, read_responses(settings.inventory))


@dataclass(frozen=True)
class StationDayPicker:
    """
    Picks a station-day: reads, prepares, runs the network, measures.

    :param settings: Settings of the run
    :param model: Picker
    :param inventory: If given, amplitudes are in m/s
    :param drawers: Processes for pictures; without them they are drawn here
    """

    settings: PickSettings
    model: WaveformModel
    inventory: obspy.Inventory | None
    drawers: Executor | None = None

    def __call__(self, unit: Unit) -> UnitResult:
        # If clocks jump by less than a sample, a pick may have slightly different times
        # on two days. Both days keep such picks, and one is hidden later.
        begin, end = unit.begin - TOLERANCE, unit.end + TOLERANCE
        spans = covered_spans(unit.segments, begin, end)
        result = UnitResult(
            replaced=[
                ((a - TOLERANCE) // 1000, (b + TOLERANCE) // 1000) for a, b in spans
            ]
        )
        try:
            first, last = unit.begin - unit.margin, unit.end + unit.margin
            found = read_segments(
                unit.segments, first, last, self.settings.name_pattern
            )
            stream, result.problems, result.failure = found
            if len(stream):
                self._pick(unit, stream, result)
        # A failed station-day must not stop the run.
        except Exception as error:
            result.failure = f"{type(error).__name__}: {error}"
        return result

    def _pick(self, unit: Unit, stream: obspy.Stream, result: UnitResult) -> None:
        asked = self.settings.plot_stations or ("*",)
        is_asked = is_station_of(unit.segments[0].station_id, asked)
        shown = stream.copy() if self.settings.plot and is_asked else None
        picked = pick_waveforms(
            stream, self.model, self.settings, self.inventory, unit.segments
        )
        result.problems += [
            (subject or unit.key, reason) for subject, reason in picked.problems
        ]
        begin, end = unit.begin - TOLERANCE, unit.end + TOLERANCE
        start, stop = time_span(self.settings.start, self.settings.end)
        begin = begin if start is None else max(begin, start)
        end = end if stop is None else min(end, stop)
        result.picks = [r for r in picked.rows if begin <= r["time"] * 1000 < end]
        if shown is not None and result.picks:
            self._draw(unit, shown, table_of(result.picks), picked.annotations)

    def _draw(
        self,
        unit: Unit,
        stream: obspy.Stream,
        picks: pd.DataFrame,
        curves: obspy.Stream,
    ) -> None:
        """Draws all ten minutes with picks, or the whole record if it is not longer."""
        from ..plots import band_text, save_picks

        station = unit.segments[0].station_id
        folder = beside(self.settings.output, PICTURES) / quote(station)
        folder.mkdir(parents=True, exist_ok=True)
        first = min(trace.stats.starttime for trace in stream)
        parts = picks.groupby(picks["time"].dt.floor(f"{_PICTURE_SECONDS}s"))
        pictures = [(obspy.UTCDateTime(ns=t.value), rows) for t, rows in parts]
        if max(trace.stats.endtime for trace in stream) - first <= _PICTURE_SECONDS:
            pictures = [(first, picks)]
        drawn: list[Future[None]] = []
        for begin, rows in pictures:
            ends = begin, begin + _PICTURE_SECONDS
            if not len(stream.slice(*ends)):
                continue
            title = f"{station} {begin.strftime('%Y-%m-%d %H:%M:%S')}"
            title += f", {band_text(_PICTURE_BAND)}"
            name = begin.strftime("%Y-%m-%dT%H-%M-%S")
            # With the instrument, if all are picked.
            name += unit.key[len(station) + 11 :].replace(" ", ".")
            path = folder / f"{name}.png"
            shown = stream.slice(begin - _SETTLING, ends[1])
            inside = curves.slice(*ends) if len(curves) else None
            what = shown, rows, inside, title, _PICTURE_BAND, ends
            if self.drawers is None:
                save_picks(path, *what)
            else:
                drawn.append(self.drawers.submit(save_picks, path, *what))
        for picture in drawn:
            picture.result()


def hide_doubles(state: RunState, min_separation: float) -> None:
    """
    Hides picks that were found on two days.

    :param state: State of a run
    :param min_separation: Of picks of one phase that are closer than this, in seconds, the
        most probable one is kept
    """
    day, tolerance = DAY // 1000, TOLERANCE // 1000
    apart = max(round(min_separation * 1e6), 2 * tolerance)
    near = apart + tolerance
    # The end of a key is the instrument, if all are picked.
    instrument = "substr({0}.unit, length({0}.station_id) + 12)".format
    order = "({0}.probability, -{0}.time, -{0}.rowid)".format
    with state.transaction():
        state.execute(
            "UPDATE picks SET hidden = EXISTS (SELECT 1 FROM picks AS other WHERE "
            f"other.time > picks.time - {apart} AND other.time < picks.time + {apart} AND "
            "other.station_id = picks.station_id AND other.phase = picks.phase AND "
            "other.unit != picks.unit AND "
            f"{instrument('other')} = {instrument('picks')} AND "
            f"{order('other')} > {order('picks')}) "
            f"WHERE time % {day} < {near} OR time % {day} >= {day - near}"
        )
