"""Pools of processes, how they end, and the progress of their work."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import contextmanager
from itertools import islice
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, TypeVar

from tqdm import tqdm

_Task = TypeVar("_Task", bound=tuple[Any, ...])
_Result = TypeVar("_Result")


class _Process(SpawnProcess):
    """Does not import the caller's script, so that scripts need no ``__main__`` guard."""

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> Any:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            return SpawnProcess._Popen(process_obj)
        finally:
            sys.modules["__main__"] = main


class _Context(SpawnContext):
    Process = _Process


def process_pool(
    workers: int, initializer: Callable[..., None] | None = None, *args: Any
) -> ProcessPoolExecutor:
    """
    Processes that are not forked (threads of PyTorch don't survive a fork), leave Ctrl-C
    to this process, and end when it ends, even if it is killed.

    :param workers: Number of processes
    :param initializer: Called in each of them first
    :param args: Its arguments
    """
    return ProcessPoolExecutor(workers, _Context(), _begin, (initializer, args))


def _begin(initializer: Callable[..., None] | None, args: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if initializer is not None:
        initializer(*args)


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def map_unordered(
    make_pool: Callable[[], Executor],
    function: Callable[..., _Result],
    tasks: Iterable[_Task],
    ahead: Callable[[], int],
) -> Iterator[tuple[_Task, Future[_Result]]]:
    """
    If a process dies, the futures of all tasks in progress raise
    :py:class:`BrokenExecutor`, and a new pool goes on.

    :param make_pool: Starts processes or threads; processes are ended at the end
    :param function: Called with the arguments of each task
    :param tasks: Arguments, consumed only as needed, so that there may be any number
    :param ahead: Gives the largest number of tasks in progress
    :return: Tasks with their futures, as they end
    """
    remaining = iter(tasks)
    waiting: dict[Future[_Result], _Task] = {}
    pool = make_pool()
    try:
        while True:
            for task in islice(remaining, max(0, ahead() - len(waiting))):
                try:
                    future = pool.submit(function, *task)
                except BrokenExecutor:
                    pool = make_pool()
                    future = pool.submit(function, *task)
                waiting[future] = task
            if not waiting:
                return
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield waiting.pop(future), future
    finally:
        for future in waiting:
            future.cancel()
        if isinstance(pool, ProcessPoolExecutor):
            # The results of tasks in progress are no longer needed.
            for process in list((pool._processes or {}).values()):
                process.kill()
        pool.shutdown(wait=isinstance(pool, ProcessPoolExecutor))


@contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM, which the schedulers of clusters use to end jobs, acts as Ctrl-C."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    with _handling((signal.SIGTERM,), interrupt):
        yield


@contextmanager
def without_interruption() -> Iterator[None]:
    """Ctrl-C and SIGTERM are ignored."""
    with _handling((signal.SIGINT, signal.SIGTERM), signal.SIG_IGN):
        yield


@contextmanager
def _handling(numbers: tuple[int, ...], handler) -> Iterator[None]:  # type: ignore[no-untyped-def]
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [signal.signal(number, handler) for number in numbers]
    try:
        yield
    finally:
        for number, former in zip(numbers, before, strict=True):
            signal.signal(number, former)


def progress_bar(what: str, unit: str, show: bool, **options: Any) -> tqdm[Any]:
    """
    :param what: What is done
    :param unit: What is counted
    :param show: If anything is shown
    :param options: Of :py:class:`tqdm.tqdm`: ``total``, the amount of work, if it is known;
        ``initial``, the amount that is done already; ``iterable``, to advance by its items
    :return: A bar on a terminal; elsewhere, such as in the log of a job, a line every 30
        seconds
    """
    seconds = 0.1 if sys.stderr.isatty() else 30.0
    return tqdm(
        desc=what,
        unit=f" {unit}",
        unit_scale=True,
        disable=not show,
        delay=seconds,
        mininterval=seconds,
        **options,
    )
