"""Pick units: in threads, in processes, or on a Dask cluster."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from .._util import ArgumentError, process_pool, stop_pool
from ..waveforms import Problem, Segment

#: Units in progress per process, so that one is read while another is picked.
LANES = 2

#: A unit is given up after this many processes died on it.
_MOST_DEATHS = 2

#: Timeout for the answer of a scheduler, in seconds.
CONNECT_SECONDS = 30


@dataclass(frozen=True)
class Unit:
    """
    A station-day or an event, which is picked and written as a whole.

    :param key: Name
    :param fingerprint: Changes with the files, and with the event
    :param days: Share of the day that its samples cover; 1 for an event
    :param begin: Begin in nanoseconds since 1970
    :param end: End in nanoseconds since 1970
    :param segments: What to read
    """

    key: str
    fingerprint: str
    days: float
    begin: int
    end: int
    segments: tuple[Segment, ...]


@dataclass
class UnitResult:
    """
    Result of picking one unit.

    :param picks: Rows of a pick table, with times in microseconds since 1970
    :param problems: Data that were not used, and why
    :param seconds: Time for each part of the work
    :param failure: Why the unit could not be picked completely; it is tried again
    :param counts: Other numbers
    :param replaced: Time range in which earlier picks of the unit are replaced, in
        microseconds since 1970
    """

    picks: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    failure: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    replaced: list[tuple[int, int]] = field(default_factory=list)


#: Picks a unit. Problems with its data are reported, not raised.
Picker: TypeAlias = Callable[[Unit], UnitResult]

#: Takes units and returns their results in any order.
Results: TypeAlias = Generator[tuple[Unit, UnitResult], None, None]
Runner: TypeAlias = Callable[[Iterator[Unit]], Results]


def in_threads(picker: Picker) -> Runner:
    """
    :param picker: Picks units in threads of this process
    """
    return lambda units: _run(
        units, picker, lambda: ThreadPoolExecutor(LANES), lambda: LANES + 1
    )


def in_processes(picker: Picker, workers: int) -> Runner:
    """
    Picks in processes. If one dies, it is replaced and its unit is picked again.

    :param picker: Can be pickled
    :param workers: Number of processes
    """
    return lambda units: _run(
        units, picker, lambda: process_pool(workers), lambda: 2 * workers
    )


def on_cluster(picker: Picker, scheduler: str) -> Runner:
    """
    Picks on a Dask cluster. If a worker dies, others pick its units.

    :param picker: Can be pickled; paths must be the same for all workers
    :param scheduler: Address such as ``tcp://host:8786``, or a scheduler file
    :raises ArgumentError: if Dask is missing, or the scheduler does not answer
    """
    try:
        from distributed import Client
    except ImportError:
        raise ArgumentError(
            "scheduler",
            scheduler,
            "needs Dask: pip install 'seisbench-diting[cluster]'",
        ) from None
    name = "scheduler_file" if Path(scheduler).suffix == ".json" else "address"
    place = {name: scheduler}
    try:
        client = Client(**place, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ArgumentError(
            "scheduler",
            scheduler,
            f"does not answer ({error}). Start one with `dask scheduler` and workers with "
            "`dask worker`, or give its --scheduler-file",
        ) from error

    def run(units: Iterator[Unit]) -> Results:
        with client:
            yield from _run(
                units,
                picker,
                lambda: client.get_executor(pure=False),
                # Enough for all workers, including those that join later.
                lambda: max(4, 3 * sum(client.nthreads().values())),
            )

    return run


def _run(
    units: Iterator[Unit],
    picker: Picker,
    make_pool: Callable[[], Executor],
    ahead: Callable[[], int],
) -> Results:
    deaths: Counter[str] = Counter()
    again: deque[Unit] = deque()
    waiting: dict[Future[UnitResult], Unit] = {}
    pool = make_pool()
    try:
        while True:
            # After a death, one at a time, to find the unit that caused it.
            most = 1 if again else ahead()
            while len(waiting) < most:
                unit = again.popleft() if again else next(units, None)
                if unit is None:
                    break
                try:
                    waiting[pool.submit(picker, unit)] = unit
                except BrokenExecutor:
                    again.append(unit)
                    break
            if not waiting and not again:
                return
            broken = not waiting
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                unit = waiting.pop(future)
                try:
                    yield unit, future.result()
                except BrokenExecutor as error:
                    broken = True
                    deaths[unit.key] += 1
                    if deaths[unit.key] < _MOST_DEATHS:
                        again.append(unit)
                    else:
                        yield unit, UnitResult(failure=_died(error))
                # Dask's error for a unit whose workers died.
                except Exception as error:
                    yield unit, UnitResult(failure=f"its worker failed: {error}")
            if broken and not waiting:
                pool.shutdown(wait=False)
                pool = make_pool()
    finally:
        # The results of units in progress are no longer needed.
        for future in waiting:
            future.cancel()
        if isinstance(pool, ProcessPoolExecutor):
            stop_pool(pool)
        else:
            pool.shutdown(wait=False)


def _died(error: Exception) -> str:
    return (
        f"the process that picked it died {_MOST_DEATHS} times ({error}) Was it killed, or "
        "was there too little memory?"
    )
