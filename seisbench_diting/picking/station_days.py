"""Pick an archive, station by station and day by day."""

from __future__ import annotations

import glob
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import obspy
import torch
from seisbench.models import WaveformModel

from .._util import ArgumentError, beside, takes
from ..models import MIN_RATE_SHARE, find_pair
from ..waveforms import (
    DAY,
    SECOND,
    TOLERANCE,
    Problem,
    Selection,
    covered_spans,
    read_segments,
    time_span,
)
from .outputs import table_of
from .pick_settings import PICTURES, PickSettings, RunSettings
from .run import RunPicks, RunState, open_run
from .stream_picks import load_on, pick_waveforms, rate_of, window_seconds
from .workers import Runner, Unit, UnitResult, in_processes, in_threads, on_cluster

#: Windows before and after a day, so that its ends are picked as in an uncut record.
_MARGIN_WINDOWS = 2
_MARGIN_SECONDS = 10.0


@takes(PickSettings)
def pick_archive(settings: PickSettings) -> RunPicks:
    """
    Picks an archive of any size, station by station and day by day. Files are joined
    according to their headers. If it is interrupted, the same call continues. If it is
    called again later, it picks data that are new or have changed.

    :raises ArgumentError: if an option is not possible, if another run writes there, or
        if a former run of this name had other options
    :raises OSError: if the disk is full; nothing is lost
    :raises KeyboardInterrupt: after Ctrl-C or SIGTERM; call the same again to continue
    :return: What was written
    """
    others = settings.workers > 1 or settings.scheduler is not None
    if others and not isinstance(settings.model, str):
        raise ArgumentError(
            "model",
            type(settings.model).__name__,
            "must be a name, as other processes load it. Save it with model.save(PATH), and "
            "give the path",
        )
    start, end = time_span(settings.start, settings.end)
    inventory = read_inventory(settings)
    with open_run(settings, "station days") as run:
        run.index()
        selection = Selection(
            settings.instruments,
            settings.stations,
            start,
            end,
            _margin(run.model, settings),
            MIN_RATE_SHARE * rate_of(run.model),
        )
        problems: list[Problem] = []
        days = run.state.station_days(selection, problems, settings.progress)
        run.state.write_plan(days, problems)
        # Keys begin with the station.
        query = "SELECT count(DISTINCT substr(key, 1, instr(key, ' '))) FROM plan"
        run.stations = run.state.value(query)
        if not run.stations:
            given = [n for n in ("stations", "start", "end") if getattr(settings, n)]
            name = given[0] if given else "inputs"
            value = getattr(settings, name)
            raise ArgumentError(name, value, "leaves nothing of the input to pick")
        run.execute(_runner(settings, run.model, inventory))
        hide_doubles(run.state, settings.min_separation, start, end)
        return run.finish()


def read_inventory(settings: RunSettings) -> obspy.Inventory | None:
    """
    :raises ArgumentError: if it is not a file with responses
    :return: Inventory of the settings
    """
    if settings.inventory is None:
        return None
    try:
        # ObsPy takes brackets for a pattern.
        return obspy.read_inventory(glob.escape(str(settings.inventory)))
    # ObsPy raises the errors of its parsers.
    except Exception as error:
        raise ArgumentError(
            "inventory",
            str(settings.inventory),
            f"can't be read as StationXML: {error}",
        ) from error


def _margin(model: WaveformModel, settings: PickSettings) -> int:
    seconds = (
        _MARGIN_WINDOWS * window_seconds(model)
        + _MARGIN_SECONDS
        + 5 * settings.min_separation
    )
    return round(seconds * SECOND)


def _runner(
    settings: PickSettings, model: WaveformModel, inventory: obspy.Inventory | None
) -> Runner:
    if settings.scheduler is None and settings.workers == 1:
        return in_threads(StationDayPicker(settings, model, inventory))
    path = Path(settings.model).expanduser()
    name = str(path.absolute()) if find_pair(path) else settings.model
    portable = settings.model_copy(update={"model": name})
    if settings.scheduler is not None:
        return on_cluster(_OnWorker(portable), str(settings.scheduler))
    # All processes together use as many threads as this one would.
    threads = max(1, torch.get_num_threads() // settings.workers)
    return in_processes(_OnWorker(portable, threads), settings.workers)


@dataclass(frozen=True)
class StationDayPicker:
    """
    Picks a station-day: reads, prepares, runs the network, measures.

    :param settings: Settings of the run
    :param model: Picker
    :param inventory: If given, amplitudes are in m/s
    """

    settings: PickSettings
    model: WaveformModel
    inventory: obspy.Inventory | None

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
        started = time.perf_counter()
        try:
            margin = _margin(self.model, self.settings)
            stream, result.problems, result.failure = read_segments(
                unit.segments,
                unit.begin - margin,
                unit.end + margin,
                self.settings.name_pattern,
            )
            read = time.perf_counter()
            result.seconds["reading"] = read - started
            if len(stream):
                self._pick(unit, stream, result)
            rest = time.perf_counter() - read - result.seconds.get("network", 0.0)
            result.seconds["rest"] = rest
        # A failed station-day must not stop the run.
        except Exception as error:
            result.failure = f"{type(error).__name__}: {error}"
        return result

    def _pick(self, unit: Unit, stream: obspy.Stream, result: UnitResult) -> None:
        shown = stream.copy() if self.settings.plot else None
        picked = pick_waveforms(
            stream, self.model, self.settings, self.inventory, unit.segments
        )
        result.seconds["network"] = picked.network_seconds
        result.problems += [
            (subject or unit.key, reason) for subject, reason in picked.problems
        ]
        begin, end = (unit.begin - TOLERANCE) // 1000, (unit.end + TOLERANCE) // 1000
        result.picks = [row for row in picked.rows if begin <= row["time"] < end]
        if shown is not None and result.picks:
            from .day_plots import draw_station_day

            station, _, *instrument = unit.key.split(" ")
            draw_station_day(
                beside(self.settings.output, PICTURES),
                station,
                "".join(instrument),
                shown,
                table_of(result.picks),
                picked.annotations,
            )


_lock = Lock()
_picker_of: dict[str, StationDayPicker] = {}


@dataclass(frozen=True)
class _OnWorker:
    """
    Picks a station-day in another process, which loads the model once.

    :param settings: Settings of the run
    :param threads: Threads of the network, 0 for PyTorch's default
    """

    settings: PickSettings
    threads: int = 0

    def __call__(self, unit: Unit) -> UnitResult:
        with _lock:
            text = self.settings.model_dump_json()
            if text not in _picker_of:
                if self.threads:
                    torch.set_num_threads(self.threads)
                # The picker of an earlier run is no longer needed.
                _picker_of.clear()
                _picker_of[text] = StationDayPicker(
                    self.settings,
                    load_on(self.settings.model, self.settings.device),
                    read_inventory(self.settings),
                )
            picker = _picker_of[text]
        return picker(unit)


def hide_doubles(
    state: RunState, min_separation: float, start: int | None, end: int | None
) -> None:
    """
    Hides picks that were found on two days, and picks outside the requested time.

    :param state: State of a run
    :param min_separation: If two picks of one phase are closer than this, in seconds, the
        more probable one is kept
    :param start: First time, in nanoseconds since 1970
    :param end: End of the time, exclusive
    """
    day, tolerance = DAY // 1000, TOLERANCE // 1000
    apart = max(round(min_separation * 1e6), 2 * tolerance)
    near = apart + tolerance
    rows = state.execute(
        "SELECT rowid, unit, station_id, phase, time, probability FROM picks "
        "WHERE time % ? < ? OR time % ? >= ? ORDER BY station_id, phase, time",
        [day, near, day, day - near],
    ).fetchall()
    hidden = []
    last: dict[tuple[str, str, str], tuple[Any, ...]] = {}
    for row in rows:
        number, unit, station, phase, time_us, probability = row
        # With the instrument code, if all instruments are picked.
        key = (station, phase, " ".join(unit.split(" ")[2:]))
        before = last.get(key)
        if before is None or before[1] == unit or time_us - before[4] >= apart:
            last[key] = row
        elif probability > before[5]:
            hidden.append(before[0])
            last[key] = row
        else:
            hidden.append(number)
    with state.transaction():
        state.execute("UPDATE picks SET hidden = 0 WHERE hidden = 1")
        state.execute_many(
            "UPDATE picks SET hidden = 1 WHERE rowid = ?", [(n,) for n in hidden]
        )
        if start is not None:
            state.execute("UPDATE picks SET hidden = 1 WHERE time < ?", [start // 1000])
        if end is not None:
            state.execute("UPDATE picks SET hidden = 1 WHERE time >= ?", [end // 1000])
