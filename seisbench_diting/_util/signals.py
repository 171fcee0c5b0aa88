"""Treat SIGTERM as Ctrl-C, or ignore both for a moment."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


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
