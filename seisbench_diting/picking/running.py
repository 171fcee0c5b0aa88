"""The steps of a run over many units, and what it leaves when it is stopped."""

from __future__ import annotations

import contextlib
import json
import platform
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from seisbench.models import WaveformModel

from .._util import beside, counted, no_writer, only_writer, terminated_like_interrupted
from ..models import weights_checksum
from ..tables import pick_table
from .checks import check_results
from .index import index_files
from .inputs import find_files
from .names import NamePattern
from .outputs import (
    ERRORS,
    FOLDERS,
    LOG,
    STATE,
    SUMMARY,
    Journal,
    own_files,
    pick_chunks,
    write_journals,
    write_outputs,
    write_summary,
)
from .progress import Progress, counting
from .state import State
from .workers import Executor, Work

#: So many failures one after another have a cause that more of them won't mend.
MOST_FAILURES = 20

#: Plans are read so many units at a time.
_PAGE = 500


_Unit = TypeVar("_Unit", bound=Work)


@dataclass(frozen=True)
class RunPicks:
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
        """All picks of the run so far, as one table in memory."""
        with opened_state(self.output) as state:
            chunks = list(pick_chunks(state))
        return pd.concat(chunks, ignore_index=True) if chunks else pick_table([])


@contextlib.contextmanager
def opened_state(output: Path) -> Iterator[State]:
    """
    :param output: Name of a run
    :raises ValueError: if the run goes on: no other process may have its state open
    :return: Its state, to be read
    """
    with no_writer(output, "picking run"):
        state = State(beside(output, STATE), only_read=True)
        try:
            yield state
        finally:
            state.close()


@contextlib.contextmanager
def open_run(
    output: Path,
    load: Callable[[], WaveformModel],
    kept: dict[str, Any],
    show: bool,
    what: str = "station days",
) -> Iterator[tuple[Run, WaveformModel]]:
    """
    :param output: Name of the run
    :param load: Loads the model
    :param kept: What, beside the model, decides about the picks
    :param show: If progress is shown
    :param what: What the run counts
    :raises ValueError: if another run writes there, or a former one had other options
    :return: The run, and the model. SIGTERM is a Ctrl-C while it goes on.
    """
    with only_writer(output, "picking run"):
        check_results(output)
        model = load()
        kept = {
            "model": model.name,
            "weights": weights_checksum(model),
            **kept,
        }
        is_new = not beside(output, STATE).exists()
        state = State(beside(output, STATE))
        is_nothing = False
        try:
            state.keep_options(kept)
            with terminated_like_interrupted():
                yield Run(state, output, kept, show, what), model
        except (OSError, ValueError):
            # A wrong word is no run: with the right one the name is free. But what has
            # begun to write its other files can go on only with its state.
            is_nothing = is_new and not any(
                beside(output, ending).exists() for ending in (LOG, ERRORS, SUMMARY)
            )
            raise
        finally:
            state.close()
            if is_nothing:
                state.remove()


class Run:
    """The steps of a run, in their order."""

    def __init__(
        self, state: State, output: Path, kept: dict[str, Any], show: bool, what: str
    ):
        self.state = state
        self.kept = kept
        self._output = output
        self._show = show
        self._what = what
        self._started = time.monotonic()
        self._seconds: dict[str, float] = {}
        self._new = 0.0
        #: How many stations are picked, where some of the input are left out.
        self.stations: int | None = None
        self._own_files = own_files(output)
        self._own_folders = {beside(output, ending) for ending in FOLDERS}

    def counting(self, what: str, unit: str) -> contextlib.AbstractContextManager:
        """A bar for what is done before the picking."""
        return counting(what, unit, self._show)

    def index(self, names: list[str], pattern: NamePattern | None) -> None:
        with self.counting("Reading headers", " files") as bar:
            # Files of the run may lie in a folder that it picks.
            paths = (path for path in find_files(names) if not self._is_own(path))
            index_files(self.state, paths, pattern, bar.update)
        if not self.state.value("SELECT count(*) FROM segments"):
            problems = self.state.execute(
                "SELECT path, problem FROM files WHERE problem IS NOT NULL "
                "GROUP BY problem ORDER BY count(*) DESC LIMIT 3"
            ).fetchall()
            found = self.state.value("SELECT count(*) FROM files")
            raise ValueError(
                f"inputs={', '.join(names)!r} hold no waveforms that can be used: "
                + counted(found, "file")
                + "".join(f"; such as {path}: {problem}" for path, problem in problems)
                + "."
            )

    def _is_own(self, path: Path) -> bool:
        return path in self._own_files or not self._own_folders.isdisjoint(path.parents)

    def pick(
        self, find: Callable[[str, str], _Unit], executor: Executor[_Unit]
    ) -> None:
        """
        :param find: Makes a unit of its key and task in the plan
        :param executor: What picks units
        """
        journal = Journal(self.state, self._output)
        total = self.state.value("SELECT sum(days) FROM plan") or 0.0
        waiting = self.state.value(f"SELECT sum(plan.days) {_PENDING}") or 0.0
        bar = Progress(total, total - waiting, self._show, self._what)
        units: dict[str, _Unit] = {}
        failures = 0
        try:
            results = executor(self._pending(find, units))
            with contextlib.closing(results):
                for result in results:
                    unit = units.pop(result.key)
                    problems = result.problems
                    self.state.finish_unit(
                        unit.key,
                        unit.fingerprint,
                        unit.days,
                        result.picks,
                        problems,
                        result.counts,
                        result.failure,
                        unit.spans,
                    )
                    if result.failure is not None:
                        failures += 1
                        journal.errors([(unit.key, result.failure)])
                        self._give_up(failures, result.failure, self._what)
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
    def _give_up(failures: int, reason: str, what: str) -> None:
        if failures >= MOST_FAILURES:
            raise ValueError(
                f"{failures} {what} in a row could not be picked; the last one: "
                f"{reason}"
            )

    def _pending(
        self, find: Callable[[str, str], _Unit], units: dict[str, _Unit]
    ) -> Iterator[_Unit]:
        """What is not picked yet, or has changed, or failed."""
        position = 0
        while True:
            page = self.state.execute(
                f"SELECT position, plan.key, task {_PENDING} AND position > ? "
                "ORDER BY position LIMIT ?",
                [position, _PAGE],
            ).fetchall()
            if not page:
                return
            for position, key, task in page:  # noqa: B007
                units[key] = find(key, task)
                yield units[key]

    def finish(self, formats: Iterable[str], real: bool) -> RunPicks:
        """
        :param formats: Of :py:data:`.outputs.FORMATS`
        :param real: If day folders for REAL are written
        :return: What was written
        """
        try:
            files = write_outputs(self.state, self._output, formats, real)
        except BaseException:
            with contextlib.suppress(OSError):
                write_summary(self._output, self._summary("stopped"))
            raise
        write_journals(self.state, self._output)
        failed = self.state.value(
            "SELECT count(*) FROM units WHERE failure IS NOT NULL"
        )
        summary = self._summary("incomplete" if failed else "complete")
        write_summary(self._output, summary)
        return RunPicks(self._output, summary, files)

    def _counts(self) -> dict[str, int]:
        """What units counted beside their picks."""
        total: dict[str, int] = {}
        for (text,) in self.state.rows(
            "SELECT counts FROM units WHERE failure IS NULL"
        ):
            for name, number in json.loads(text).items():
                total[name] = total.get(name, 0) + number
        return total

    def _summary(self, status: str) -> dict[str, Any]:
        value = self.state.value
        seconds = time.monotonic() - self._started
        name = self._what.replace(" ", "_")
        return {
            "status": status,
            "output": str(self._output),
            "files": value("SELECT count(*) FROM files"),
            "files_with_problems": value(
                "SELECT count(*) FROM files WHERE problem IS NOT NULL"
            ),
            "stations": value("SELECT count(DISTINCT station_id) FROM segments")
            if self.stations is None
            else self.stations,
            "records": value("SELECT count(*) FROM units WHERE failure IS NULL"),
            "records_failed": value(
                "SELECT count(*) FROM units WHERE failure IS NOT NULL"
            ),
            name: round(
                value("SELECT sum(days) FROM units WHERE failure IS NULL") or 0.0, 6
            ),
            "picks": value("SELECT count(*) FROM picks WHERE hidden = 0"),
            "picks_by_phase": dict(
                self.state.rows(
                    "SELECT phase, count(*) FROM picks WHERE hidden = 0 "
                    "GROUP BY phase ORDER BY phase"
                )
            ),
            "problems": value("SELECT count(*) FROM problems"),
            **self._counts(),
            "this_run": {
                name: round(self._new, 6),
                "seconds": round(seconds, 3),
                f"{name}_per_hour": round(self._new / seconds * 3600, 1),
                "seconds_of_all_workers": {
                    part: round(spent, 3) for part, spent in self._seconds.items()
                },
            },
            "options": self.kept,
            "versions": {
                "python": platform.python_version(),
                **{
                    package: version(package)
                    for package in (
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
