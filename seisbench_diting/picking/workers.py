"""Units picked here, in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Protocol, TypeVar

from ..processes import start_worker
from .block import UnitResult
from .plan import Unit
from .setup import Setup, block_picker

#: Units that a process works at: while the network has one, the next is read.
LANES = 2

#: Units that end this many processes are given up.
_MOST_DEATHS = 2


#: How long a scheduler may take to answer.
CONNECT_SECONDS = 30


class Work(Protocol):
    """What a unit of any kind has."""

    key: str
    fingerprint: str
    days: float

    @property
    def spans(self) -> list[tuple[int, int]] | None: ...


_Unit = TypeVar("_Unit", bound=Work)


class Executor(Protocol[_Unit]):
    """Takes units, and gives their results in any order."""

    def __call__(self, units: Iterator[_Unit]) -> Iterator[UnitResult]: ...


def run_here(
    picker: Callable[[_Unit], UnitResult], lanes: int = LANES
) -> Executor[_Unit]:
    """
    :param picker: What picks a unit
    :param lanes: Units that are worked at
    :return: What runs units in threads of this process
    """

    def run(units: Iterator[_Unit]) -> Iterator[UnitResult]:
        pool = ThreadPoolExecutor(lanes, thread_name_prefix="picking")
        waiting: set[Future[UnitResult]] = set()
        try:
            for unit in units:
                waiting.add(pool.submit(picker, unit))
                # One more, so that none waits while a result is written.
                if len(waiting) > lanes:
                    yield from _finished(waiting)
            while waiting:
                yield from _finished(waiting)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    return run


def _finished(waiting: set[Future[UnitResult]]) -> Iterator[UnitResult]:
    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
    waiting -= done
    for future in done:
        yield future.result()


def run_in_processes(setup: Setup, workers: int) -> Executor[Unit]:
    """
    A process that dies is replaced, and what it worked at is done again.

    :param setup: What they need
    :param workers: Number of processes
    :return: What runs units in them
    """

    def run(units: Iterator[Unit]) -> Iterator[UnitResult]:
        answers: queue.SimpleQueue[tuple[_Process, str | None]] = queue.SimpleQueue()
        processes = [_Process(setup, answers) for _ in range(workers)]
        deaths: dict[str, int] = {}
        again: list[Unit] = []

        def supply(process: _Process) -> None:
            while len(process.units) < LANES:
                unit = again.pop() if again else next(units, None)
                if unit is None:
                    return
                process.give(unit)

        try:
            for process in processes:
                supply(process)
            while any(process.units for process in processes):
                process, line = answers.get()
                if line is not None:
                    result = UnitResult(**json.loads(line))
                    process.units.pop(result.key)
                    yield result
                    supply(process)
                    continue
                processes.remove(process)
                for unit in process.units.values():
                    deaths[unit.key] = deaths.get(unit.key, 0) + 1
                    if deaths[unit.key] < _MOST_DEATHS:
                        again.append(unit)
                    else:
                        yield UnitResult(unit.key, failure=_died(process))
                processes.append(_Process(setup, answers))
                supply(processes[-1])
        finally:
            for process in processes:
                process.kill()

    return run


def _died(process: _Process) -> str:
    return (
        f"the process that picked it died {_MOST_DEATHS} times (exit status "
        f"{process.status()}). Was it killed, or was there too little memory?"
    )


class _Process:
    """A worker, and the units that it has been given."""

    def __init__(self, setup: Setup, answers: queue.SimpleQueue):
        self.units: dict[str, Unit] = {}
        self._process = start_worker(__name__)
        self._write(setup.to_text())
        threading.Thread(target=self._listen, args=(answers,), daemon=True).start()

    def _listen(self, answers: queue.SimpleQueue) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            # Of a process that is killed while it writes, half a line may come.
            if line.endswith("\n"):
                answers.put((self, line))
        self._process.wait()
        answers.put((self, None))

    def give(self, unit: Unit) -> None:
        self.units[unit.key] = unit
        self._write(json.dumps(unit.to_json()))

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except OSError:
            # It is dead, which its listener tells.
            pass

    def status(self) -> int:
        return self._process.wait()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def main() -> None:
    """The worker: reads its setup and units from standard input, a line each."""
    # What libraries print must not come between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    lock = threading.Lock()
    picker = Setup.from_text(sys.stdin.readline()).make()

    def work(unit: Unit) -> None:
        # Without an answer the parent would wait for ever.
        try:
            text = json.dumps(picker(unit).to_json())
        except BaseException as error:
            failure = f"{type(error).__name__}: {error}"
            text = json.dumps(UnitResult(unit.key, failure=failure).to_json())
        try:
            with lock:
                answers.write(text + "\n")
                answers.flush()
        except BaseException:
            os._exit(1)

    with ThreadPoolExecutor(LANES) as pool:
        for line in sys.stdin:
            pool.submit(work, Unit.from_json(json.loads(line)))


def run_on_cluster(setup: Setup, scheduler: str) -> Executor[Unit]:
    """
    Units of a worker that dies are done again by others.

    :param setup: What the workers need; paths must be the same for all of them
    :param scheduler: Address such as ``tcp://host:8786``, or a scheduler file
    :raises ValueError: if Dask is missing, or there is no such scheduler
    :return: What runs units on a Dask cluster
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError(
            f"scheduler={scheduler!r} needs Dask: "
            "pip install 'seisbench-diting[cluster]'."
        ) from error
    place = (
        {"scheduler_file": scheduler}
        if scheduler.endswith(".json")
        else {"address": scheduler}
    )
    try:
        client = Client(**place, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(
            f"scheduler={scheduler!r} does not answer ({error}). Start one with `dask "
            "scheduler` and workers with `dask worker`, or give its --scheduler-file."
        ) from error

    def run(units: Iterator[Unit]) -> Iterator[UnitResult]:
        with client:
            yield from _on_cluster(client, setup.to_text(), units)

    return run


def _on_cluster(client: Any, text: str, units: Iterator[Unit]) -> Iterator[UnitResult]:
    from distributed import as_completed

    running = as_completed(loop=client.loop)
    keys: dict[str, str] = {}

    def submit() -> bool:
        unit = next(units, None)
        if unit is None:
            return False
        future = client.submit(pick_on_worker, text, unit.to_json(), pure=False)
        keys[future.key] = unit.key
        running.add(future)
        return True

    def supply() -> None:
        # Enough that no worker waits, also of those that join later.
        enough = max(4, 3 * sum(client.nthreads().values()))
        while len(keys) < enough and submit():
            pass

    supply()
    for future in running:
        key = keys.pop(future.key)
        if future.status == "finished":
            yield UnitResult(**future.result())
        else:
            yield UnitResult(key, failure=f"its worker failed: {future.exception()}")
        future.release()
        supply()


def pick_on_worker(setup: str, unit: dict[str, Any]) -> dict[str, Any]:
    """
    :param setup: Of :py:meth:`Setup.to_text`
    :param unit: Of :py:meth:`Unit.to_json`
    :return: Of :py:meth:`UnitResult.to_json`
    """
    return block_picker(setup)(Unit.from_json(unit)).to_json()
