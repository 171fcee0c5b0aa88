"""What models warn about while they work, as notes of the work at hand."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import seisbench

_of_thread = threading.local()


class _Collector(logging.Filter):
    """Takes warnings of threads that collect them out of the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        notes = getattr(_of_thread, "notes", None)
        if notes is None or record.levelno < logging.WARNING:
            return True
        notes.append(record.getMessage())
        return False


_collector = _Collector()


@contextmanager
def collecting() -> Iterator[list[str]]:
    """
    :return: List that gets the warnings that SeisBench's logger is given in this thread,
        instead of the log
    """
    # Adding it again changes nothing.
    seisbench.logger.addFilter(_collector)
    before = getattr(_of_thread, "notes", None)
    notes: list[str] = []
    _of_thread.notes = notes
    try:
        yield notes
    finally:
        _of_thread.notes = before
