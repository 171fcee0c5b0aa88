"""Pick units: in threads, in processes, or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import BrokenExecutor, Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from .._util import ArgumentError, map_unordered, process_pool
from ..waveforms import Problem, Unit

#: Units in progress per process, so that one is read while another is picked.
LANES = 2

#: Timeout for the answer of a scheduler, in seconds.
CONNECT_SECONDS = 30


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
    Picks in processes. If one dies, all are replaced, and their units are picked again,
    one at a time, to find the one that caused it.

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
    alone: Executor | None = None
    tasks = ((unit,) for unit in units)
    for (unit,), future in map_unordered(make_pool, picker, tasks, ahead):
        try:
            result = future.result()
        except BrokenExecutor:
            alone = alone or process_pool(1)
            try:
                result = alone.submit(picker, unit).result()
            except BrokenExecutor as error:
                alone = None
                reason = (
                    f"the process that picked it died twice ({error}) Was it killed, "
                )
                result = UnitResult(failure=f"{reason}or was there too little memory?")
        # Dask's error for a unit whose workers died.
        except Exception as error:
            result = UnitResult(failure=f"its worker failed: {error}")
        yield unit, result
