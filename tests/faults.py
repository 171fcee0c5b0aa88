"""Faults at commit points: the moments at which something becomes durable."""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

#: Ways to fail at a point, before it takes effect. After it is before the next one.
KINDS = ("power off", "disk full")

_connect, _open = sqlite3.connect, open


class Dead(BaseException):
    """The process is gone: nothing that it does afterwards reaches the disk."""


class CommitPoints:
    """
    Counts the commit points of what runs, and fails at one of them. With the power, files
    that were not synced lose their content.

    :param at: Number of the point, from 0; None to only count
    :param kind: One of :py:data:`KINDS`, or "Ctrl-C"
    """

    def __init__(self, at: int | None = None, kind: str = "") -> None:
        self.seen: list[str] = []
        self._at, self._kind = at, kind
        self._is_dead = False
        self._names: dict[int, str] = {}
        self._is_synced: dict[str, bool] = {}
        self._connections: list[sqlite3.Connection] = []

    def reach(self, name: str) -> None:
        """Called before a point takes effect."""
        self._need_life()
        self.seen.append(name)
        if len(self.seen) - 1 != self._at:
            return
        if self._kind == "Ctrl-C":
            # Ignored where it has to wait.
            signal.raise_signal(signal.SIGINT)
            return
        if self._kind == "disk full":
            if name == "COMMIT":
                raise sqlite3.OperationalError("disk full")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._is_dead = True
        for path, is_synced in self._is_synced.items():
            if not is_synced and os.path.isfile(path):
                os.truncate(path, 0)
        raise Dead(name)

    def _need_life(self, *_) -> None:
        if self._is_dead:
            raise Dead

    def _opened(self, path, mode="r", *args, **kwargs):
        if not set(mode) & set("wax+") or isinstance(path, int):
            return _open(path, mode, *args, **kwargs)
        self._need_life()
        file = _open(path, mode, *args, **kwargs)
        self._names[file.fileno()] = str(path)
        self._is_synced[str(path)] = False
        return file

    def _moved(self, source, target) -> None:
        self._is_synced[str(target)] = self._is_synced.pop(str(source), False)

    def _fsync(self, number: int) -> None:
        # Nothing waits for the disk.
        self.reach("fsync")
        self._is_synced[self._names.get(number, "")] = True

    def _connected(self, *args, **kwargs) -> sqlite3.Connection:
        points = self

        class Connection(sqlite3.Connection):
            def execute(self, sql, *values):
                if sql == "COMMIT":
                    points.reach(sql)
                return super().execute(sql, *values)

            def executescript(self, script):
                # Nothing waits for the disk.
                return super().executescript(script.replace("= FULL", "= OFF"))

        self._connections.append(_connect(*args, factory=Connection, **kwargs))
        return self._connections[-1]

    @contextmanager
    def watching(self) -> Iterator[CommitPoints]:
        def around(name, before, after=lambda *_: None):
            act = getattr(os, name)

            def call(*args, **kwargs):
                before(name)
                result = act(*args, **kwargs)
                after(*args)
                return result

            return os, name, call

        with ExitStack() as stack:
            for owner, name, new in (
                around("mkdir", self.reach),
                around("rename", self.reach, self._moved),
                around("replace", self.reach, self._moved),
                # The dead do not clean up.
                around("unlink", self._need_life),
                around("rmdir", self._need_life),
                (os, "fsync", self._fsync),
                (io, "open", self._opened),
                (builtins, "open", self._opened),
                (sqlite3, "connect", self._connected),
            ):
                stack.enter_context(mock.patch.object(owner, name, new))
            try:
                yield self
            finally:
                # As the system does for a dead process.
                for connection in self._connections:
                    connection.close()


@dataclass(frozen=True)
class Subsystem:
    """
    Something that writes files.

    :param run: Takes a folder in which it writes
    :param outcome: Takes the folder, gives what must be equal after every way there
    :param check: Takes the folder after a fault; raises if something is half there
    :param prepare: Takes the folder before the first run
    """

    run: Callable[[Path], object]
    outcome: Callable[[Path], object]
    check: Callable[[Path], object] = lambda folder: None
    prepare: Callable[[Path], object] = lambda folder: None

    def fail_at_each_point(self, place: Path, kind: str) -> list[str]:
        """
        Runs once without faults. Then for each commit point, and once at the end: runs
        until it fails there, checks what is there, and runs again.

        :param place: Folder for the folders of all runs
        :param kind: One of :py:data:`KINDS`, or "Ctrl-C"
        :return: Names of the points
        """

        def attempt(name: str, points: CommitPoints) -> Path:
            folder = place / name
            folder.mkdir()
            self.prepare(folder)
            with points.watching():
                self.run(folder)
                points.reach("end")
            return folder

        place.mkdir()
        points = CommitPoints()
        expected = self.outcome(attempt("whole", points))
        for number, name in enumerate(points.seen):
            folder = place / f"{number}-{name}"
            with suppress(Dead, KeyboardInterrupt, Exception):
                attempt(folder.name, CommitPoints(number, kind))
            self.check(folder)
            with CommitPoints().watching():
                self.run(folder)
            assert self.outcome(folder) == expected, f"{kind} at {number} ({name})"
        return points.seen

    def assert_a_second_run_is_refused(self, folder: Path) -> None:
        """Runs the same once more while the first run writes a file."""
        folder.mkdir()

        def meanwhile(_):
            with mock.patch.object(os, "fsync"):
                self.run(folder)
            pytest.fail("Two runs write at once.")

        with (
            mock.patch.object(os, "fsync", meanwhile),
            pytest.raises(ValueError, match="output="),
        ):
            self.run(folder)
