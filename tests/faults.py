"""Faults at commit points: the moments at which something becomes durable."""

from __future__ import annotations

import errno
import gc
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest import mock

#: Ways to fail at a point, before it takes effect. After it is before the next one.
KINDS = ("killed", "disk full")

_FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Killed(BaseException):
    """The process is gone: nothing that it does afterwards reaches the disk."""


class CommitPoints:
    """
    Counts the commit points of what runs, and fails at one of them.

    :param at: Number of the point, from 0; None to only count
    :param kind: One of :py:data:`KINDS`
    """

    def __init__(self, at: int | None = None, kind: str = "") -> None:
        self.at, self.kind = at, kind
        self.seen: list[str] = []
        self.is_dead = False

    def pass_by(self, name: str, act: Callable[[], object]) -> object:
        if self.is_dead:
            raise Killed(name)
        self.seen.append(name)
        if len(self.seen) - 1 != self.at:
            return act()
        if self.kind == "disk full":
            raise sqlite3.OperationalError("disk full") if name == "COMMIT" else _FULL
        self.is_dead = True
        raise Killed(name)

    def clean_up(self, act: Callable[[], object]) -> object:
        """A dead process does not clean up; this is no commit point."""
        if self.is_dead:
            raise Killed
        return act()

    @contextmanager
    def watching(self) -> Iterator[CommitPoints]:
        points = self

        class Connection(sqlite3.Connection):
            def execute(self, sql, *values):
                def act():
                    return sqlite3.Connection.execute(self, sql, *values)

                return points.pass_by(sql, act) if sql == "COMMIT" else act()

        def patched(owner, name, is_point=True):
            do = getattr(owner, name)

            def call(*args, **kwargs):
                if is_point:
                    return points.pass_by(name, lambda: do(*args, **kwargs))
                return points.clean_up(lambda: do(*args, **kwargs))

            return mock.patch.object(owner, name, call)

        connect = sqlite3.connect
        with (
            patched(os, "replace"),
            patched(os, "rename"),
            patched(os, "fsync"),
            patched(os, "mkdir"),
            patched(os, "unlink", is_point=False),
            patched(os, "rmdir", is_point=False),
            mock.patch.object(
                sqlite3,
                "connect",
                lambda *args, **kwargs: connect(*args, factory=Connection, **kwargs),
            ),
        ):
            yield self


def fail_at_each_point(
    run: Callable[[Path], object],
    outcome: Callable[[Path], object],
    folder: Path,
    kind: str,
    check: Callable[[Path], object] = lambda path: None,
    prepare: Callable[[Path], object] = lambda path: None,
) -> list[str]:
    """
    Runs once without faults. Then for each commit point: runs until it fails there, checks
    what lies there, and runs again, which must lead to the same outcome.

    :param run: Takes a folder in which it writes
    :param outcome: Takes the folder, gives what must be equal
    :param folder: Folder to make, for all runs
    :param check: Called between fault and second run
    :param prepare: Called first, without faults
    :return: Names of the points
    """

    def begin(name: str) -> Path:
        path = folder / name
        path.mkdir()
        prepare(path)
        return path

    folder.mkdir()
    whole = begin("whole")
    with CommitPoints().watching() as points:
        run(whole)
    expected = outcome(whole)
    for number, name in enumerate(points.seen):
        path = begin(f"{number}-{name}")
        with CommitPoints(number, kind).watching(), suppress(Killed, Exception):
            run(path)
        # Connections of the run are closed, as those of a dead process are.
        gc.collect()
        check(path)
        run(path)
        assert outcome(path) == expected, f"{kind} at {number} ({name})"
    return points.seen
