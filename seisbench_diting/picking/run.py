"""The run engine: plan, execute, commit, export."""

from __future__ import annotations

import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pandas as pd

from .._util import (
    EXPORTS,
    USED,
    ArgumentError,
    beside,
    map_unordered,
    no_writer,
    only_writer,
    process_pool,
    progress_bar,
    told_files,
    write_text,
)
from ..models import weights_checksum
from ..tables import pick_table, write_association, write_picks, write_real
from ..waveforms import Archive, Problem, Unit
from .pick_settings import RunSettings
from .stream_picks import load_for, table_of

#: Endings of the files and folders of a run.
STATE, LOG, ERRORS, SUMMARY = ".state", ".log", ".err", ".json"
REAL, PICTURES = ".real", ".figures"

#: Formats of the table of picks, and the endings of their files.
FORMATS = {
    "csv": ".csv",
    "parquet": ".parquet",
    "txt": ".txt",
    "quakeml": ".xml",
    "pyocto": ".pyocto.csv",
    "gamma": ".gamma.csv",
    **EXPORTS,
}

#: Abort after this many consecutive failures.
MOST_FAILURES = 20

#: Timeout for the answer of a scheduler, in seconds.
CONNECT_SECONDS = 30

#: Packages whose versions are in the summary.
_PACKAGES = ("seisbench-diting", "seisbench", "torch", "obspy", "onnxruntime")

#: Columns of picks in a state, beside the unit; those of events are the last five.
_COLUMNS = (
    *("station_id", "phase", "time", "probability", "snr", "amplitude", "record"),
    *("relative_time_s", "time_uncertainty_s", "polarity"),
    *("event_id", "epicentral_distance_km", "azimuth_deg"),
    *("theoretical_time", "residual_s"),
)

#: Picks in memory at once.
_ROWS = 50_000

_PENDING = (
    "FROM plan LEFT JOIN units ON units.key = plan.key WHERE (units.key IS NULL OR "
    "units.fingerprint != plan.fingerprint OR units.failure IS NOT NULL)"
)
_PICKED = "FROM units WHERE failure IS NULL"
_TOLD = (
    "FROM (SELECT DISTINCT subject, reason FROM problems WHERE unit = '' OR unit IN "
    f"(SELECT key FROM plan)) WHERE reason {{}} LIKE '{USED}%'"
)
_NOT_USED, _NOTES = _TOLD.format("NOT"), _TOLD.format("")
_FAILED = "FROM units WHERE failure IS NOT NULL AND key IN (SELECT key FROM plan)"


@dataclass
class UnitResult:
    """
    Result of picking one unit.

    :param picks: Rows of a pick table, with times in microseconds since 1970
    :param problems: Data that were not used, and why
    :param failure: Why the unit could not be picked completely; it is tried again
    :param counts: Other numbers
    :param replaced: Time range in which earlier picks of the unit are replaced, in
        microseconds since 1970
    """

    picks: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    failure: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    replaced: list[tuple[int, int]] = field(default_factory=list)


class RunState(Archive):
    """Headers, plan, results and picks of a run."""

    VERSION = 5

    SCHEMA = f"""{Archive.SCHEMA}
    CREATE TABLE IF NOT EXISTS options (name TEXT PRIMARY KEY, value TEXT);
    CREATE TABLE IF NOT EXISTS plan (
        position INTEGER PRIMARY KEY, key TEXT UNIQUE, fingerprint TEXT, days REAL,
        begin INTEGER, end INTEGER, margin INTEGER, segments TEXT);
    CREATE TABLE IF NOT EXISTS units (
        key TEXT PRIMARY KEY, fingerprint TEXT, days REAL, picks INTEGER, counts TEXT,
        failure TEXT);
    CREATE TABLE IF NOT EXISTS picks (
        unit TEXT, station_id TEXT, phase TEXT, time INTEGER, probability REAL, snr REAL,
        amplitude REAL, record TEXT, relative_time_s REAL, time_uncertainty_s REAL,
        polarity TEXT, event_id TEXT, epicentral_distance_km REAL, azimuth_deg REAL,
        theoretical_time INTEGER,
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
        before = {n: json.loads(v) for n, v in self.rows("SELECT * FROM options")}
        for name in sorted({*before, *options}) if before else ():
            old, new = before.get(name), options.get(name)
            if old != new:
                reason = (
                    f"the run {self.path.with_suffix('')} was started with {old!r}. "
                    f"Choose another output, or remove {self.path.stem}.*"
                )
                raise ArgumentError(name, new, reason)
        rows = [(name, json.dumps(value)) for name, value in options.items()]
        with self.transaction():
            self.execute_many("INSERT OR IGNORE INTO options VALUES (?, ?)", rows)

    def write_plan(self, units: Iterable[Unit], problems: list[Problem]) -> set[str]:
        """
        :param units: Units to pick; consumed one by one
        :param problems: Data that are not used, and why; complete after the last unit
        :return: Stations of the units
        """
        stations: set[str] = set()
        with self.transaction():
            self.execute("DELETE FROM plan")
            self.execute("DELETE FROM problems WHERE unit = ''")
            for unit in units:
                stations.update(segment.station_id for segment in unit.segments)
                # With other times, a day is another one.
                fingerprint = f"{unit.fingerprint} {unit.begin} {unit.end}"
                values = (unit.key, fingerprint, unit.days, unit.begin, unit.end)
                more = unit.margin, self.packed(unit.segments)
                insert = "INSERT INTO plan VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)"
                self.execute(insert, (*values, *more))
            self._add_problems("", [*self.problems(), *problems])
        return stations

    def pending(self) -> Iterator[Unit]:
        """:return: Units that are not picked yet, have changed, or failed"""
        # Results are written while this goes on.
        for (position,) in list(self.rows(f"SELECT position {_PENDING}")):
            query = "SELECT * FROM plan WHERE position = ?"
            (row,) = self.rows(query, [position])
            _, key, fingerprint, days, begin, end, margin, text = row
            segments = self.unpacked(text)
            yield Unit(key, begin, end, margin, days, segments, fingerprint)

    def commit(self, unit: Unit, result: UnitResult) -> None:
        """
        Replaces the earlier result of a unit. After a failure the earlier picks are kept,
        and so are picks at times whose files are gone.
        """
        with self.transaction():
            picked = f"SELECT 1 {_PICKED} AND key = ?"
            if result.failure is not None and self.value(picked, [unit.key]):
                update = "UPDATE units SET failure = ? WHERE key = ?"
                self.execute(update, [result.failure, unit.key])
                return
            self.execute("DELETE FROM problems WHERE unit = ?", [unit.key])
            self.execute_many(
                "DELETE FROM picks WHERE unit = ? AND time BETWEEN ? AND ?",
                [(unit.key, *span) for span in result.replaced],
            )
            marks = ", ".join("?" * len(_COLUMNS))
            self.execute_many(
                f"INSERT INTO picks (unit, {', '.join(_COLUMNS)}) VALUES (?, {marks})",
                [(unit.key, *map(pick.get, _COLUMNS)) for pick in result.picks],
            )
            self._add_problems(unit.key, result.problems)
            counts = json.dumps(result.counts)
            values = unit.fingerprint, unit.days, len(result.picks), counts
            insert = "INSERT OR REPLACE INTO units VALUES (?, ?, ?, ?, ?, ?)"
            self.execute(insert, (unit.key, *values, result.failure))

    def _add_problems(self, unit: str, problems: Iterable[Problem]) -> None:
        self.execute_many(
            "INSERT OR IGNORE INTO problems VALUES (?, ?, ?)",
            [(unit, subject, reason) for subject, reason in problems],
        )


def chunks_of_run(state: RunState) -> Iterator[pd.DataFrame]:
    """:return: Tables of picks in order of time; only one is in memory at a time"""
    of_events = state.value("SELECT 1 FROM picks WHERE event_id IS NOT NULL LIMIT 1")
    columns = list(_COLUMNS if of_events else _COLUMNS[:-5])
    if not state.option("polarity"):
        columns.remove("polarity")
    rows = state.rows(
        f"SELECT {', '.join(columns)} FROM picks WHERE hidden = 0 "
        "ORDER BY time, station_id, phase, probability"
    )
    while some := list(islice(rows, _ROWS)):
        yield table_of(pd.DataFrame(some, columns=columns))


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
            chunks = list(chunks_of_run(state))
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
    :return: The run
    """
    output, path = settings.output, beside(settings.output, STATE)
    with only_writer(output, "picking run"):
        is_new = not path.exists()
        for other in sorted(_own_paths(output)):
            if is_new and other.exists():
                reason = (
                    f"{other.name} exists without the state of its run, {path.name}. "
                    "Choose another name, or remove it"
                )
                raise ArgumentError("output", str(output), reason)
        with closing(RunState(path)) as state:
            run = None
            try:
                run = Run(settings, state, what)
                yield run
            except BaseException as error:
                if run is not None and run.began:
                    # The summary is also written after an interruption.
                    with suppress(OSError):
                        run.write_lists("stopped")
                elif is_new and isinstance(error, Exception):
                    # So that the name can be used again, with other options.
                    state.close()
                    for file in (path, path.with_name(f"{path.name}-journal")):
                        file.unlink(missing_ok=True)
                raise


def _own_paths(output: Path) -> set[Path]:
    """Files and folders that a run of this name may write."""
    endings = (*FORMATS.values(), STATE, f"{STATE}-journal", LOG, ERRORS, SUMMARY)
    return {beside(output, ending) for ending in (*endings, REAL, PICTURES)}


#: Picks a unit. Problems with its data are reported, not raised.
Picker: TypeAlias = Callable[[Unit], UnitResult]


class Workers(NamedTuple):
    """
    Threads or processes that pick.

    :param make_pool: Starts them
    :param ahead: Gives the number of units in progress
    :param close: Called at the end
    """

    make_pool: Callable[[], Executor]
    ahead: Callable[[], int]
    close: Callable[[], object] = lambda: None


#: Threads of this process, so that one unit is read while another is picked.
THREADS = Workers(lambda: ThreadPoolExecutor(2), lambda: 3)


def processes(number: int) -> Workers:
    """Processes of this machine; the picker can be pickled."""
    return Workers(lambda: process_pool(number), lambda: 2 * number)


def cluster(scheduler: str) -> Workers:
    """
    The workers of a Dask cluster; the picker can be pickled, and paths are the same for
    all. If a worker dies, others pick its units.

    :param scheduler: Address such as ``tcp://host:8786``, or a scheduler file
    :raises ArgumentError: if Dask is missing, or the scheduler does not answer
    """
    name = "scheduler_file" if Path(scheduler).suffix == ".json" else "address"
    place: dict[str, Any] = {name: scheduler}
    try:
        from distributed import Client

        client = Client(**place, timeout=CONNECT_SECONDS, set_as_default=False)
    except ImportError:
        reason = "needs Dask: pip install 'seisbench-diting[cluster]'"
        raise ArgumentError("scheduler", scheduler, reason) from None
    except (OSError, ValueError, TypeError) as error:
        reason = f"does not answer ({error}). Start `dask scheduler` and `dask worker`"
        raise ArgumentError("scheduler", scheduler, reason) from error
    return Workers(
        lambda: client.get_executor(pure=False),
        # Enough for all workers, including those that join later.
        lambda: max(4, 3 * sum(client.nthreads().values())),
        client.close,
    )


def pick_units(
    units: Iterable[Unit], picker: Picker, workers: Workers
) -> Generator[tuple[Unit, UnitResult], None, None]:
    """
    Picks units. If a process dies, all are replaced, and their units are picked again, one
    at a time, to find the one that caused it.

    :param units: Units, consumed only as needed
    :param picker: Picks one
    :param workers: Where it does
    :return: Results in any order
    """
    alone: Executor | None = None
    tasks = ((unit,) for unit in units)
    try:
        for (unit,), future in map_unordered(
            workers.make_pool, picker, tasks, workers.ahead
        ):
            try:
                result = future.result()
            except BrokenExecutor:
                alone = alone or process_pool(1)
                try:
                    result = alone.submit(picker, unit).result()
                except BrokenExecutor as error:
                    alone = None
                    reason = f"the process that picked it died twice ({error}) Was it "
                    reason += "killed, or was there too little memory?"
                    result = UnitResult(failure=reason)
            # Dask's error for a unit whose workers died.
            except Exception as error:
                result = UnitResult(failure=f"its worker failed: {error}")
            yield unit, result
    finally:
        workers.close()


class Run:
    """
    The steps of a run, in their order. First, its options are checked and headers read.

    :param settings: Settings of the run
    :param state: Its state
    :param what: Name of the units, for messages
    """

    def __init__(self, settings: RunSettings, state: RunState, what: str) -> None:
        self.state = state
        self.model = load_for(settings)
        #: If a result may have been written.
        self.began = False
        self._settings = settings
        self._output = settings.output
        self._what = what
        self._started = time.monotonic()
        #: Stations of the plan.
        self.stations: set[str] = set()
        self._new = 0.0
        self._options = {
            "model": self.model.name,
            "weights": weights_checksum(self.model),
            **settings.identity(),
        }
        state.keep_options(self._options)
        #: Tables to write: also those of an earlier call, which lack what is new.
        possible = {beside(self._output, e): e for e in (*FORMATS.values(), REAL)}
        earlier = told_files(beside(self._output, SUMMARY), "tables", possible)
        endings = [FORMATS[name] for name in settings.formats] + [REAL] * settings.real
        endings += [possible[path] for path in earlier]
        self._tables = [beside(self._output, e) for e in dict.fromkeys(endings)]
        # Files of the run may lie in a folder that it picks.
        own = _own_paths(self._output)
        state.index(
            settings.inputs,
            settings.name_pattern,
            lambda path: not own.isdisjoint((path, *path.parents)),
            settings.progress,
        )

    def execute(self, picker: Picker, workers: Workers = THREADS) -> None:
        """
        Picks all units that are planned and not picked yet. Each result is committed at once.

        :param picker: Picks a unit
        :param workers: Where it does
        """
        self.began = True
        total = self.state.value("SELECT sum(days) FROM plan")
        waiting = self.state.value(f"SELECT sum(plan.days) {_PENDING}") or 0.0
        about = "Picking", self._what, self._settings.progress
        bar = progress_bar(*about, total=total, initial=total - waiting)
        failures = 0
        units = self.state.pending()
        with bar, closing(pick_units(units, picker, workers)) as results:
            for unit, result in results:
                self.state.commit(unit, result)
                if result.failure is None:
                    failures = 0
                    self._new += unit.days
                    bar.update(unit.days)
                    continue
                failures += 1
                bar.set_postfix_str(f"failed: {unit.key}")
                if failures >= MOST_FAILURES:
                    raise ValueError(
                        f"{failures} {self._what} in a row failed; the last: {result.failure}"
                    )

    def finish(self, events: Any = ()) -> RunPicks:
        """
        :param events: Table of events, for formats that hold them
        :return: What was written
        """
        for path in self._tables:
            if path.suffix in EXPORTS.values():
                picks = pd.concat(chunks_of_run(self.state), ignore_index=True)
                # A run keeps the picks of events that its catalogue no longer has.
                picks = picks[picks["event_id"].isin(events["event_id"])]
                write_association(events, picks, path)
                continue
            write = write_real if path.name.endswith(REAL) else write_picks
            write(chunks_of_run(self.state), path)
        failures = list(self.state.rows(f"SELECT key, failure {_FAILED}"))
        summary = self.write_lists("incomplete" if failures else "complete")
        return RunPicks(self._output, summary, self._tables, failures)

    def write_lists(self, status: str) -> dict[str, Any]:
        """
        Writes the lists of units that were picked and of data that were not used, and the
        summary.

        :param status: For the summary
        :return: The summary
        """
        rows = self.state.rows
        picked = rows(f"SELECT key, days, picks {_PICKED} ORDER BY rowid")
        lines = (f"{k}\t{days:.6f} station days\t{n} picks\n" for k, days, n in picked)
        write_text(beside(self._output, LOG), lines)
        told = rows(
            f"SELECT * {_NOT_USED} UNION ALL SELECT key, failure {_FAILED} "
            f"UNION ALL SELECT * {_NOTES}"
        )
        lines = (f"{subject}\t{' '.join(why.split())}\n" for subject, why in told)
        write_text(beside(self._output, ERRORS), lines)
        summary = self._summary(status)
        text = json.dumps(summary, indent=2, ensure_ascii=False)
        write_text(beside(self._output, SUMMARY), f"{text}\n")
        return summary

    def _summary(self, status: str) -> dict[str, Any]:
        value, rows = self.state.value, self.state.rows
        seconds = time.monotonic() - self._started
        name = self._what.replace(" ", "_")
        counts: Counter[str] = Counter()
        for (text,) in rows(f"SELECT counts {_PICKED}"):
            counts.update(json.loads(text))
        by_reason = f"SELECT reason, count(*) {_NOT_USED} GROUP BY reason "
        by_reason += "ORDER BY count(*) DESC LIMIT 3"
        by_phase = "SELECT phase, count(*) FROM picks WHERE hidden = 0 GROUP BY phase"
        return {
            "status": status,
            "output": str(self._output),
            "files": value("SELECT count(*) FROM files"),
            "files_with_problems": len({path for path, _ in self.state.problems()}),
            "stations": len(self.stations),
            "records": value(f"SELECT count(*) {_PICKED}"),
            "records_failed": value(f"SELECT count(*) {_FAILED}"),
            name: round(value(f"SELECT sum(days) {_PICKED}") or 0.0, 6),
            "picks": value("SELECT count(*) FROM picks WHERE hidden = 0"),
            "picks_by_phase": dict(sorted(rows(by_phase))),
            "problems": value(f"SELECT count(*) {_NOT_USED}"),
            "problems_by_reason": dict(rows(by_reason)),
            "notes": value(f"SELECT count(*) {_NOTES}"),
            **counts,
            "this_run": {
                name: round(self._new, 6),
                "seconds": round(seconds, 3),
                f"{name}_per_hour": round(self._new / seconds * 3600, 1),
            },
            "tables": [path.name for path in self._tables],
            "options": self._options,
            "versions": {
                "python": platform.python_version(),
                **{package: version(package) for package in _PACKAGES},
            },
        }
