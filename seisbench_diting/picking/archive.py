"""Picking of archives: from files to tables, whatever happens in between."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import obspy
import pandas as pd
import torch
from seisbench.models import WaveformModel

from ..files import only_writer
from ..models.backends import weights_checksum
from ..models.loading import load_model
from .index import SECOND, index_files
from .inputs import check_inputs, find_files
from .names import NamePattern
from .options import PickOptions, check_instruments, split_names
from .outputs import (
    FOLDERS,
    PICTURES,
    STATE,
    Journal,
    beside,
    check_formats,
    hide_doubles,
    own_files,
    pick_chunks,
    write_journals,
    write_outputs,
    write_summary,
)
from .outputs import FORMATS as _FORMATS
from .plan import Planner, Unit
from .progress import Progress, counting
from .setup import Setup
from .state import State
from .workers import LANES, Executor, run_here, run_in_processes, run_on_cluster

#: So many failures one after another have a cause that more of them won't mend.
MOST_FAILURES = 20

#: Windows around a block, so that those at its ends are as in an uncut record.
_MARGIN_WINDOWS = 2
_MARGIN_SECONDS = 10.0

#: Of models that do not say how long their windows are.
_USUAL_WINDOW = 60.0

#: Plans are read so many units at a time.
_PAGE = 500


@dataclass(frozen=True)
class ArchivePicks:
    """
    What a run left.

    :param output: Name of the run
    :param summary: What ``NAME.json`` holds
    :param files: Tables that were written
    """

    output: Path
    summary: dict[str, Any]
    files: list[Path]

    @property
    def picks(self) -> pd.DataFrame:
        """All picks, as one table in memory."""
        state = State(beside(self.output, STATE))
        try:
            chunks = list(pick_chunks(state))
        finally:
            state.close()
        return pd.concat(chunks, ignore_index=True) if chunks else _no_picks()


def _no_picks() -> pd.DataFrame:
    from ..tables import pick_table

    return pick_table([])


def pick_archive(
    inputs: str | Path | Iterable[str | Path],
    output: str | Path,
    model: str | WaveformModel = "LPPNM",
    device: str = "auto",
    *,
    prob: float = 0.3,
    min_separation: float = 1.0,
    overlap: float | None = None,
    snritv: float = 1.0,
    bandpass: tuple[float, float] = (1.0, 10.0),
    inventory: str | Path | None = None,
    instruments: str | Iterable[str] | None = None,
    stations: str | Iterable[str] = (),
    start: str | datetime | obspy.UTCDateTime | None = None,
    end: str | datetime | obspy.UTCDateTime | None = None,
    name_pattern: str | None = None,
    formats: Iterable[str] = ("csv", "txt"),
    ifplot: bool = False,
    ifreal: bool = False,
    workers: int = 1,
    scheduler: str | Path | None = None,
    progress: bool = True,
) -> ArchivePicks:
    """
    Picks an archive of any size, station by station and day by day. Files are joined by
    what their headers say. Interrupted at any moment, the same call continues; called
    again later, it picks what is new or has changed.

    :param inputs: Folders, waveform files and lists of files, see
        :py:func:`.inputs.find_files`
    :param output: Name that the files of the run begin with
    :param model: Name of a model, see :py:func:`seisbench_diting.models.load_model`; or
        a model, for picking in this process
    :param device: Where the network runs, as PyTorch names it; ``auto`` is a GPU if
        there is one
    :param prob: Smallest probability of a pick
    :param min_separation: Of two picks of one phase at one station closer than this, in
        seconds, the more probable one stays
    :param overlap: Of windows, as a share or in samples. Default: the model's own.
    :param snritv: Seconds before and after a pick for its SNR and amplitude
    :param bandpass: Lowest and highest frequency in Hz for SNR and amplitude
    :param inventory: StationXML file, for amplitudes in m/s. Default: the input's unit.
    :param instruments: Band and instrument codes, the preferred first, for stations with
        several; ``all`` picks each of them. Default: HH, BH, EH, SH, HN, EI, ...
    :param stations: Patterns of NET.STA or NET.STA.LOC, such as ``CX.PB*``
    :param start: First time to pick, UTC
    :param end: Time behind the last one to pick, UTC
    :param name_pattern: See :py:class:`.names.NamePattern`
    :param formats: Of :py:data:`.outputs.FORMATS`
    :param ifplot: If true, draws pictures of all picks
    :param ifreal: If true, writes day folders for REAL
    :param workers: Number of processes
    :param scheduler: Address or scheduler file of a Dask cluster, instead of processes
    :param progress: If the progress is shown
    :raises ValueError: if an option is impossible, if another run writes there, or if a
        former run of this name had other options
    :raises FileNotFoundError: if an input does not exist
    :raises OSError: if the disk is full; nothing is lost
    :raises KeyboardInterrupt: after Ctrl-C or SIGTERM; call the same again to continue
    :return: What was written
    """
    options = PickOptions(prob, min_separation, overlap, snritv, bandpass)
    names = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    names = check_inputs(names)
    output = _check_output(output)
    if own := own_files(output) & set(map(Path, names)):
        raise ValueError(
            f"output={str(output)!r} would write over the input {own.pop()}. Choose "
            "another name."
        )
    codes = check_instruments(instruments)
    patterns = split_names(stations)
    first, last = _time(start, "start"), _time(end, "end")
    if first is not None and last is not None and first >= last:
        raise ValueError(f"start={str(start)!r} must be before end={str(end)!r}.")
    pattern = NamePattern(name_pattern) if name_pattern else None
    formats = check_formats(formats)
    if inventory is not None:
        inventory = _check_inventory(inventory)
    device = _check_device(device)
    if not isinstance(workers, int) or isinstance(workers, bool) or workers < 1:
        raise ValueError(f"workers={workers!r} must be a whole number of at least 1.")
    if not isinstance(model, str) and (workers > 1 or scheduler is not None):
        raise ValueError(
            "model must be a name where other processes pick. Save it with "
            "model.save(PATH), and give the path."
        )
    with only_writer(output, "picking run"):
        _check_unfinished(output)
        loaded = load_model(model) if isinstance(model, str) else model.eval()
        loaded = loaded.to(device)
        checksum = weights_checksum(loaded)
        name = model if isinstance(model, str) else type(loaded).__name__
        kept = {
            "model": name,
            "weights": checksum,
            "prob": prob,
            "min_separation": min_separation,
            "overlap": overlap,
            "snritv": snritv,
            "bandpass": options.bandpass,
            "inventory": inventory,
            "instruments": codes,
            "stations": patterns,
            "start": None if first is None else str(obspy.UTCDateTime(ns=first)),
            "end": None if last is None else str(obspy.UTCDateTime(ns=last)),
            "name_pattern": name_pattern,
            "inputs": names,
            "ifplot": ifplot,
        }
        planner = Planner(
            codes, patterns, first, last, _margin(loaded, options), _rate(loaded)
        )
        setup = Setup(
            model=name,
            device=device,
            threads=0,
            options=options,
            inventory=inventory,
            name_pattern=name_pattern,
            pictures=str(beside(output, PICTURES)) if ifplot else None,
        )
        state = State(beside(output, STATE))
        try:
            state.keep_options(kept)
            with _terminated_like_interrupted():
                run = _Run(state, output, kept, progress)
                run.index(names, pattern)
                run.plan(planner)
                run.pick(planner, _executor(setup, loaded, workers, scheduler))
                return run.finish(options, first, last, formats, ifreal)
        finally:
            state.close()


def _check_output(output: str | Path) -> Path:
    path = Path(os.path.abspath(os.path.expanduser(str(output))))
    if not str(output) or str(output).endswith(("/", os.sep)) or path.is_dir():
        raise ValueError(
            f"output={str(output)!r} must be a name that files begin with, such as "
            "picks/2024, not a folder."
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"output={str(output)!r} can't be written: there is no folder "
            f"{path.parent}. Make it first."
        )
    return path


def _check_unfinished(output: Path) -> None:
    """Files of a run without its state are somebody's results."""
    if beside(output, STATE).exists():
        return
    for ending in (*_FORMATS.values(), PICTURES):
        if beside(output, ending).exists():
            raise ValueError(
                f"output={str(output)!r}: {beside(output, ending).name} exists, but not "
                f"the state of its run, {output.name}{STATE}. Choose another name, or "
                "remove it."
            )


def _time(value: Any, name: str) -> int | None:
    if value is None:
        return None
    try:
        return obspy.UTCDateTime(value).ns
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name}={str(value)!r} is no time; write 2014-05-01 or 2014-05-01T12:30:00."
        ) from error


def _check_device(device: str) -> str:
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    # PyTorch has an error of its own for each kind of device.
    except Exception as error:
        raise ValueError(
            f"device={device!r} is not possible here: {str(error).splitlines()[0]} Use "
            "cpu, or auto."
        ) from error
    return device


def _check_inventory(path: str | Path) -> str:
    try:
        obspy.read_inventory(str(path))
    # ObsPy raises whatever its parsers do.
    except Exception as error:
        raise ValueError(
            f"inventory={str(path)!r} is no StationXML file that can be read: {error}"
        ) from error
    return os.path.abspath(path)


def _rate(model: WaveformModel) -> float:
    return float(model.sampling_rate or 100.0)


def _margin(model: WaveformModel, options: PickOptions) -> int:
    samples = getattr(model, "in_samples", None)
    window = samples / _rate(model) if samples else _USUAL_WINDOW
    seconds = (
        _MARGIN_WINDOWS * window + _MARGIN_SECONDS + 5 * float(options.min_separation)
    )
    return round(seconds * SECOND)


def _executor(
    setup: Setup, model: WaveformModel, workers: int, scheduler: str | Path | None
) -> Executor:
    if scheduler is not None:
        return run_on_cluster(setup, str(scheduler))
    if workers > 1:
        # Together as many threads as this process would have.
        threads = max(1, torch.get_num_threads() // workers)
        return run_in_processes(Setup(**{**vars(setup), "threads": threads}), workers)
    # Those of SeisBench are not made for several threads.
    from ..models.base import PhasePicker

    lanes = LANES if isinstance(model, PhasePicker) else 1
    return run_here(setup.make(model), lanes)


class _Run:
    """The steps of a run, in their order."""

    def __init__(self, state: State, output: Path, kept: dict[str, Any], show: bool):
        self._state = state
        self._output = output
        self._kept = kept
        self._show = show
        self._started = time.monotonic()
        self._seconds: dict[str, float] = {}
        self._new = 0.0
        self._own_files = own_files(output)
        self._own_folders = {beside(output, ending) for ending in FOLDERS}

    def index(self, names: list[str], pattern: NamePattern | None) -> None:
        with counting("Reading headers", " files", self._show) as bar:
            # Files of the run may lie in a folder that it picks.
            paths = (path for path in find_files(names) if not self._is_own(path))
            index_files(self._state, paths, pattern, bar.update)
        if not self._state.value("SELECT count(*) FROM segments"):
            write_journals(self._state, self._output)
            problems = self._state.execute(
                "SELECT path, problem FROM files WHERE problem IS NOT NULL LIMIT 1"
            ).fetchone()
            found = self._state.value("SELECT count(*) FROM files")
            raise ValueError(
                f"inputs={', '.join(names)!r} hold no waveforms that can be used: "
                f"{found} files"
                + (f", such as {problems[0]}: {problems[1]}." if problems else ".")
            )

    def _is_own(self, path: Path) -> bool:
        return path in self._own_files or not self._own_folders.isdisjoint(path.parents)

    def plan(self, planner: Planner) -> None:
        with counting("Planning", " stations", self._show) as bar:
            planner.plan(self._state, bar.update)
        if not self._state.value("SELECT count(*) FROM plan"):
            raise ValueError(
                f"stations={self._kept['stations']}, start={self._kept['start']} and "
                f"end={self._kept['end']} leave nothing of the input to pick."
            )

    def pick(self, planner: Planner, executor: Executor) -> None:
        journal = Journal(self._state, self._output)
        total = self._state.value("SELECT sum(days) FROM plan") or 0.0
        waiting = self._state.value(f"SELECT sum(plan.days) {_PENDING}") or 0.0
        bar = Progress(total, total - waiting, self._show)
        units: dict[str, Unit] = {}
        failures = 0
        try:
            results = executor(self._pending(planner, units))
            with contextlib.closing(results):
                for result in results:
                    unit = units.pop(result.key)
                    problems = result.problems
                    self._state.finish_unit(
                        unit.key,
                        unit.fingerprint,
                        unit.days,
                        result.picks,
                        problems,
                        result.seconds,
                        result.failure,
                    )
                    if result.failure is not None:
                        failures += 1
                        journal.errors([(unit.key, result.failure)])
                        self._give_up(failures, result.failure)
                        continue
                    failures = 0
                    journal.errors(problems)
                    journal.picked(unit.key, unit.days, len(result.picks))
                    for name, seconds in result.seconds.items():
                        self._seconds[name] = self._seconds.get(name, 0.0) + seconds
                    self._new += unit.days
                    bar.add(unit.days)
        except BaseException:
            # Also of an interruption: what was picked is counted.
            with contextlib.suppress(OSError):
                write_summary(self._output, self._summary("stopped"))
            raise
        finally:
            bar.close()
            journal.close()

    @staticmethod
    def _give_up(failures: int, reason: str) -> None:
        if failures >= MOST_FAILURES:
            raise ValueError(
                f"{failures} station days in a row could not be picked; the last one: "
                f"{reason}"
            )

    def _pending(self, planner: Planner, units: dict[str, Unit]) -> Iterator[Unit]:
        """What is not picked yet, or has changed, or failed."""
        position = 0
        while True:
            page = self._state.execute(
                f"SELECT position, plan.key, task {_PENDING} AND position > ? "
                "ORDER BY position LIMIT ?",
                [position, _PAGE],
            ).fetchall()
            if not page:
                return
            for position, key, task in page:  # noqa: B007
                units[key] = planner.find(self._state, key, task)
                yield units[key]

    def finish(
        self,
        options: PickOptions,
        start: int | None,
        end: int | None,
        formats: Iterable[str],
        real: bool,
    ) -> ArchivePicks:
        hide_doubles(self._state, options.min_separation, start, end)
        files = write_outputs(self._state, self._output, formats, real)
        write_journals(self._state, self._output)
        summary = self._summary("complete")
        write_summary(self._output, summary)
        return ArchivePicks(self._output, summary, files)

    def _summary(self, status: str) -> dict[str, Any]:
        value = self._state.value
        seconds = time.monotonic() - self._started
        return {
            "status": status,
            "output": str(self._output),
            "files": value("SELECT count(*) FROM files"),
            "files_with_problems": value(
                "SELECT count(*) FROM files WHERE problem IS NOT NULL"
            ),
            "stations": value("SELECT count(DISTINCT station_id) FROM segments"),
            "records": value("SELECT count(*) FROM units WHERE failure IS NULL"),
            "records_failed": value(
                "SELECT count(*) FROM units WHERE failure IS NOT NULL"
            ),
            "station_days": round(
                value("SELECT sum(days) FROM units WHERE failure IS NULL") or 0.0, 6
            ),
            "picks": value("SELECT count(*) FROM picks WHERE hidden = 0"),
            "picks_by_phase": dict(
                self._state.rows(
                    "SELECT phase, count(*) FROM picks WHERE hidden = 0 "
                    "GROUP BY phase ORDER BY phase"
                )
            ),
            "problems": value("SELECT count(*) FROM problems"),
            "this_run": {
                "station_days": round(self._new, 6),
                "seconds": round(seconds, 3),
                "station_days_per_hour": round(self._new / seconds * 3600, 1),
                "seconds_of_all_workers": {
                    name: round(spent, 3) for name, spent in self._seconds.items()
                },
            },
            "options": self._kept,
            "versions": {
                "python": platform.python_version(),
                **{
                    name: version(name)
                    for name in (
                        "seisbench-diting",
                        "seisbench",
                        "torch",
                        "obspy",
                        "onnxruntime",
                    )
                },
            },
        }


_PENDING = (
    "FROM plan LEFT JOIN units ON units.key = plan.key WHERE (units.key IS NULL OR "
    "units.fingerprint != plan.fingerprint OR units.failure IS NOT NULL)"
)


@contextlib.contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM, with which schedulers of clusters end jobs, is a Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
