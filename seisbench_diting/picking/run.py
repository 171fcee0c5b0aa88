"""The run engine: plan, execute, commit, export."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from .._util import (
    ArgumentError,
    beside,
    no_writer,
    only_writer,
    progress_bar,
    terminated_like_interrupted,
)
from ..models import weights_checksum
from ..tables import pick_table
from ..waveforms import Archive, Problem, StationDay
from .outputs import (
    PICK_COLUMNS,
    Journal,
    pick_chunks,
    write_journals,
    write_outputs,
    write_summary,
)
from .pick_settings import STATE, RunSettings, own_files, own_folders
from .stream_picks import load_on
from .workers import Runner, Unit, UnitResult

#: Abort after this many consecutive failures.
MOST_FAILURES = 20

#: Packages whose versions a summary tells.
_PACKAGES = ("seisbench-diting", "seisbench", "torch", "obspy", "onnxruntime")

_PENDING = (
    "FROM plan LEFT JOIN units ON units.key = plan.key WHERE (units.key IS NULL OR "
    "units.fingerprint != plan.fingerprint OR units.failure IS NOT NULL)"
)


class RunState(Archive):
    """Headers, plan, results and picks of a run."""

    SCHEMA = f"""{Archive.SCHEMA}
    CREATE TABLE IF NOT EXISTS options (name TEXT PRIMARY KEY, value TEXT);
    CREATE TABLE IF NOT EXISTS plan (
        position INTEGER PRIMARY KEY, key TEXT UNIQUE, fingerprint TEXT, days REAL,
        begin INTEGER, end INTEGER, segments TEXT);
    CREATE TABLE IF NOT EXISTS units (
        key TEXT PRIMARY KEY, fingerprint TEXT, days REAL, picks INTEGER, counts TEXT,
        failure TEXT);
    CREATE TABLE IF NOT EXISTS picks (
        unit TEXT, station_id TEXT, phase TEXT, time INTEGER, probability REAL, snr REAL,
        amplitude REAL, record TEXT, relative_time_s REAL, event_id TEXT,
        epicentral_distance_km REAL, azimuth_deg REAL, theoretical_time INTEGER,
        residual_s REAL, hidden INTEGER DEFAULT 0);
    CREATE INDEX IF NOT EXISTS picks_of_unit ON picks (unit);
    CREATE INDEX IF NOT EXISTS picks_in_time ON picks (time, station_id, phase);
    CREATE TABLE IF NOT EXISTS problems (
        unit TEXT, subject TEXT, reason TEXT, PRIMARY KEY (unit, subject, reason));
    """

    def option(self, name: str) -> Any:
        """:return: An option of the run; None if it is not set"""
        value = self.value("SELECT value FROM options WHERE name = ?", [name])
        return None if value is None else json.loads(value)

    def keep_options(self, options: dict[str, Any]) -> None:
        """
        :param options: Options that affect the picks
        :raises ArgumentError: if an earlier run of this name had other options
        """
        before = dict(self.rows("SELECT name, value FROM options"))
        new = {name: json.dumps(value) for name, value in options.items()}
        if not before:
            with self.transaction():
                self.execute_many("INSERT INTO options VALUES (?, ?)", new.items())
            return
        for name in sorted({*before, *new}):
            old = before.get(name, "null")
            if old != new.get(name, "null"):
                raise ArgumentError(
                    name,
                    options.get(name),
                    f"the run {self.path.with_suffix('')} was started with {old}. Choose "
                    f"another output, or remove {self.path.name} and the files beside it",
                )

    def write_plan(
        self, units: Iterable[Unit | StationDay], problems: list[Problem]
    ) -> None:
        """
        :param units: Units to pick; consumed one by one
        :param problems: Data that are not used, and why; complete after the last unit
        """
        with self.transaction():
            self.execute("DELETE FROM plan")
            self.execute("DELETE FROM problems WHERE unit = ''")
            for unit in units:
                self.execute(
                    "INSERT INTO plan VALUES (NULL, ?, ?, ?, ?, ?, ?)",
                    [
                        *(unit.key, unit.fingerprint, unit.days, unit.begin, unit.end),
                        self.packed(unit.segments),
                    ],
                )
            self._add_problems("", [*self.problems(), *problems])

    def pending(self) -> Iterator[Unit]:
        """:return: Units that are not picked yet, have changed, or failed"""
        position = 0
        while row := self.execute(
            "SELECT position, plan.key, plan.fingerprint, plan.days, begin, end, segments "
            f"{_PENDING} AND position > ? ORDER BY position LIMIT 1",
            [position],
        ).fetchone():
            position, key, fingerprint, days, begin, end, segments = row
            yield Unit(key, fingerprint, days, begin, end, self.unpacked(segments))

    def commit(self, unit: Unit, result: UnitResult) -> None:
        """
        Replaces the earlier result of a unit. After a failure the earlier picks are kept,
        and so are picks of times whose files are gone.
        """
        with self.transaction():
            before = self.execute(
                "SELECT failure FROM units WHERE key = ?", [unit.key]
            ).fetchone()
            if result.failure is not None and before == (None,):
                self.execute(
                    "UPDATE units SET failure = ? WHERE key = ?",
                    [result.failure, unit.key],
                )
                return
            self.execute("DELETE FROM problems WHERE unit = ?", [unit.key])
            self.execute_many(
                "DELETE FROM picks WHERE unit = ? AND time BETWEEN ? AND ?",
                [(unit.key, *span) for span in result.replaced],
            )
            self.execute_many(
                f"INSERT INTO picks (unit, {', '.join(PICK_COLUMNS)}) "
                f"VALUES ({', '.join('?' * (len(PICK_COLUMNS) + 1))})",
                [
                    (unit.key, *(pick.get(name) for name in PICK_COLUMNS))
                    for pick in result.picks
                ],
            )
            self._add_problems(unit.key, result.problems)
            self.execute(
                "INSERT OR REPLACE INTO units VALUES (?, ?, ?, ?, ?, ?)",
                [
                    *(unit.key, unit.fingerprint, unit.days, len(result.picks)),
                    *(json.dumps(result.counts), result.failure),
                ],
            )

    def _add_problems(self, unit: str, problems: Iterable[Problem]) -> None:
        self.execute_many(
            "INSERT OR IGNORE INTO problems VALUES (?, ?, ?)",
            [(unit, subject, reason) for subject, reason in problems],
        )


@dataclass(frozen=True)
class RunPicks:
    """
    Result of a run.

    :param output: Name of the run
    :param summary: Content of ``NAME.json``
    :param files: Tables that were written
    :param failures: Units that could not be picked, and why
    """

    output: Path
    summary: dict[str, Any]
    files: list[Path]
    failures: list[Problem] = field(default_factory=list)

    @property
    def picks(self) -> pd.DataFrame:
        """All picks of the run so far, as one table in memory."""
        with opened_state(self.output) as state:
            chunks = list(pick_chunks(state))
        return pd.concat(chunks, ignore_index=True) if chunks else pick_table([])


@contextmanager
def opened_state(output: Path) -> Iterator[RunState]:
    """
    :param output: Name of a run
    :raises ValueError: if the run is in progress, as only one process may open its state
    :return: Its state, for reading
    """
    with (
        no_writer(output, "picking run"),
        closing(RunState(beside(output, STATE), only_read=True)) as state,
    ):
        yield state


@contextmanager
def open_run(settings: RunSettings, what: str) -> Iterator[Run]:
    """
    :param settings: Settings of the run
    :param what: Name of the units, for messages
    :raises ArgumentError: if another run writes there, or an earlier one had other options
    :return: The run. During the run, SIGTERM acts as Ctrl-C.
    """
    output = settings.output
    path = beside(output, STATE)
    with only_writer(output, "picking run"):
        is_new = not path.exists()
        for other in sorted(own_files(output) | own_folders(output)):
            if is_new and other.exists():
                raise ArgumentError(
                    "output",
                    str(output),
                    f"{other.name} exists without the state of its run, {path.name}. "
                    "Choose another name, or remove it",
                )
        state = RunState(path)
        run = None
        try:
            with terminated_like_interrupted():
                run = Run(settings, state, what)
                yield run
        except BaseException as error:
            if run is not None and run.began:
                # What was picked is counted, also after an interruption.
                with suppress(OSError):
                    write_summary(output, run.summary("stopped"))
            elif is_new and isinstance(error, OSError | ValueError):
                # So that the name can be used again, with other options.
                state.remove()
            raise
        finally:
            state.close()


class Run:
    """
    The steps of a run, in their order.

    :param settings: Settings of the run
    :param state: Its state
    :param what: Name of the units, for messages
    """

    def __init__(self, settings: RunSettings, state: RunState, what: str) -> None:
        self.state = state
        self.model = load_on(settings.model, settings.device)
        self._settings = settings
        self._output = settings.output
        self._what = what
        self._started = time.monotonic()
        self._seconds: dict[str, float] = {}
        self._new = 0.0
        #: If a result may have been written.
        self.began = False
        #: Number of stations, if only some stations of the input are picked.
        self.stations: int | None = None
        self._options = {
            "model": self.model.name,
            "weights": weights_checksum(self.model),
            **settings.identity(),
        }
        state.keep_options(self._options)

    def index(self) -> None:
        """Reads headers. Files of the run may lie in a folder that it picks."""
        own, folders = own_files(self._output), own_folders(self._output)
        self.state.index(
            self._settings.inputs,
            self._settings.name_pattern,
            lambda path: path in own or not folders.isdisjoint(path.parents),
            self._settings.progress,
        )

    def execute(self, runner: Runner) -> None:
        """
        Picks all units that are planned and not picked yet. Each result is committed at once.

        :param runner: Picks units
        """
        state, value = self.state, self.state.value
        self.began = True
        journal = Journal(state, self._output)
        total = value("SELECT sum(days) FROM plan") or 0.0
        waiting = value(f"SELECT sum(plan.days) {_PENDING}") or 0.0
        bar = progress_bar(
            "Picking", self._what, self._settings.progress, total, total - waiting
        )
        failures = 0
        try:
            with closing(runner(state.pending())) as results:
                for unit, result in results:
                    state.commit(unit, result)
                    if result.failure is not None:
                        failures += 1
                        journal.errors([(unit.key, result.failure)])
                        if failures >= MOST_FAILURES:
                            raise ValueError(
                                f"{failures} {self._what} in a row could not be picked; "
                                f"the last one: {result.failure}"
                            )
                        continue
                    failures = 0
                    journal.errors(result.problems)
                    journal.picked(unit.key, unit.days, len(result.picks))
                    for name, seconds in result.seconds.items():
                        self._seconds[name] = self._seconds.get(name, 0.0) + seconds
                    self._new += unit.days
                    bar.update(unit.days)
        finally:
            bar.close()
            journal.close()

    def finish(self) -> RunPicks:
        """:return: What was written"""
        files = write_outputs(
            self.state, self._output, self._settings.formats, self._settings.real
        )
        write_journals(self.state, self._output)
        failures = list(
            self.state.rows("SELECT key, failure FROM units WHERE failure IS NOT NULL")
        )
        summary = self.summary("incomplete" if failures else "complete")
        write_summary(self._output, summary)
        return RunPicks(self._output, summary, files, failures)

    def summary(self, status: str) -> dict[str, Any]:
        """:return: Content of ``NAME.json``"""
        value, rows = self.state.value, self.state.rows
        seconds = time.monotonic() - self._started
        name = self._what.replace(" ", "_")
        picked = "FROM units WHERE failure IS NULL"
        counts: dict[str, int] = {}
        for (text,) in rows(f"SELECT counts {picked}"):
            for counted, number in json.loads(text).items():
                counts[counted] = counts.get(counted, 0) + number
        return {
            "status": status,
            "output": str(self._output),
            "files": value("SELECT count(*) FROM files"),
            "files_with_problems": len(self.state.problems()),
            "stations": len(self.state.stations())
            if self.stations is None
            else self.stations,
            "records": value(f"SELECT count(*) {picked}"),
            "records_failed": value(
                "SELECT count(*) FROM units WHERE failure IS NOT NULL"
            ),
            name: round(value(f"SELECT sum(days) {picked}") or 0.0, 6),
            "picks": value("SELECT count(*) FROM picks WHERE hidden = 0"),
            "picks_by_phase": dict(
                rows(
                    "SELECT phase, count(*) FROM picks WHERE hidden = 0 "
                    "GROUP BY phase ORDER BY phase"
                )
            ),
            "problems": value("SELECT count(*) FROM problems"),
            **counts,
            "this_run": {
                name: round(self._new, 6),
                "seconds": round(seconds, 3),
                f"{name}_per_hour": round(self._new / seconds * 3600, 1),
                "seconds_of_all_workers": {
                    part: round(spent, 3) for part, spent in self._seconds.items()
                },
            },
            "options": self._options,
            "versions": {
                "python": platform.python_version(),
                **{package: version(package) for package in _PACKAGES},
            },
        }
