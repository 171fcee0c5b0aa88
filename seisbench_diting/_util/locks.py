"""One writer at a time, in any number of processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .settings import ArgumentError


@contextmanager
def only_writer(path: Path, kind: str) -> Iterator[None]:
    """
    Locks an output against other runs.

    :param path: Folder that is written to, or the name that files of a run begin with
    :param kind: Kind of the run, such as ``conversion``
    :raises ArgumentError: if another run of the kind writes there
    :raises PermissionError: if the lock can't be made
    """
    name = _lock_file(path, kind)
    lock = FileLock(name)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ArgumentError(
            "output",
            str(path),
            f"another {kind} is writing there. Wait for it, or choose another name",
        ) from None
    except OSError as error:
        raise type(error)(
            f"{path} can't be written: {name} can't be locked ({error.strerror}). Choose "
            "another place."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def no_writer(path: Path, kind: str) -> Iterator[None]:
    """
    Waits for nobody: for reading what a run may be writing.

    :param path: As for :py:func:`only_writer`
    :param kind: Kind of the run
    :raises ValueError: if a run of the kind writes there
    """
    name = _lock_file(path, kind)
    if not name.exists() or not os.access(name, os.W_OK):
        # Of somebody else; who may only read it can't be in its way.
        yield
        return
    lock = FileLock(name)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ValueError(
            f"{path}: a {kind} is writing there. Wait until it has ended."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _lock_file(path: Path, kind: str) -> Path:
    ending = f".{kind.split()[0]}.lock"
    return path / ending if path.is_dir() else path.with_name(f".{path.name}{ending}")
