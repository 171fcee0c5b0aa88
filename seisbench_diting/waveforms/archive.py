"""An index of waveforms, in an SQLite file."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import obspy

from .._util import ArgumentError, merged, progress_bar
from .reading import Part, Problem, Segment, UnreadableError, read_headers
from .selection import (
    DAY,
    TOLERANCE,
    NamePattern,
    choose_segments,
    covered_spans,
    find_files,
    is_station_of,
)

_FILES_A_TRANSACTION = 200


@dataclass(frozen=True)
class Selection:
    """
    Part of an archive. Times are in nanoseconds since 1970.

    :param instruments: Codes in order of preference, or all
    :param stations: Patterns of NET.STA or NET.STA.LOC; none for all
    :param start: First time
    :param end: End, exclusive
    :param margin: Time around a day whose samples are needed as well
    :param min_rate: Lowest sampling rate in Hz
    """

    instruments: tuple[str, ...]
    stations: tuple[str, ...] = ()
    start: int | None = None
    end: int | None = None
    margin: int = 0
    min_rate: float = 0.0


@dataclass(frozen=True)
class Unit:
    """
    Waveforms that are processed as a whole: of a station, or one of its instruments, on a
    day of UTC, or of an event. Times are in nanoseconds since 1970.

    :param key: Name
    :param begin: Start of the day, or of the part of it that is picked
    :param end: Its end
    :param margin: Time before and after it whose samples are needed
    :param days: Share of the day that its samples cover; 1 for an event
    :param segments: What to read
    :param fingerprint: Changes with the files
    """

    key: str
    begin: int
    end: int
    margin: int
    days: float
    segments: tuple[Segment, ...]
    fingerprint: str


def fingerprint_of(segments: Iterable[Segment], *texts: str) -> str:
    """:return: Text that changes with the files of segments, and with other texts"""
    digest = hashlib.sha256()
    for text in (*(f"{segment}\n" for segment in segments), *texts):
        digest.update(text.encode())
    return digest.hexdigest()[:32]


class Database:
    """
    An SQLite file. Transactions are atomic, even in a crash.

    :param path: File; it is created if it does not exist
    :param only_read: If nothing will be written
    :raises ValueError: if it is something else, damaged, or of another version
    :raises FileNotFoundError: if it is only to be read, and does not exist
    :raises OSError: if it can't be written or read
    """

    SCHEMA: ClassVar[str] = ""

    #: Version of the schema; files with another one are refused.
    VERSION: ClassVar[int] = 4

    def __init__(self, path: Path, only_read: bool = False) -> None:
        self.path = path
        if only_read and not path.is_file():
            raise FileNotFoundError(f"{path} does not exist; was its run removed?")
        # A reader that may write rolls back what a killed run began to write.
        is_ours = os.access(path.parent, os.W_OK | os.X_OK) and (
            not path.exists() or os.access(path, os.W_OK)
        )
        mode = "ro" if only_read and not is_ours else "rwc"
        # Without SQLite's own locks, which network file systems lack: the run has a lock.
        uri = f"file:{quote(str(path.absolute()))}?nolock=1&mode={mode}"
        with self._reporting():
            self._connection = sqlite3.connect(uri, uri=True, isolation_level=None)
            version = self.value("PRAGMA user_version")
            if version not in (0, self.VERSION):
                raise ValueError(
                    f"{path} was written by another version of this package. Continue "
                    "with that version, or choose another output."
                )
            if mode == "rwc":
                self._connection.executescript(
                    "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL;"
                    f"{self.SCHEMA}; PRAGMA user_version = {self.VERSION};"
                )

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise OSError(
                f"{self.path} can't be written or read ({error}). Is the disk full, or are "
                "rights missing? Run the same command again afterwards: it continues."
            ) from error
        except sqlite3.DatabaseError as error:
            raise ValueError(
                f"{self.path} is damaged, or not the file of a run ({error}). Remove it."
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction: commits everything written inside, or nothing."""
        with self._reporting():
            self._connection.execute("BEGIN IMMEDIATE")
            # This rolls it back after an error.
            with self._connection:
                yield
                self._connection.execute("COMMIT")

    def execute(self, statement: str, values: Iterable[Any] = ()) -> sqlite3.Cursor:
        with self._reporting():
            return self._connection.execute(statement, tuple(values))

    def execute_many(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        with self._reporting():
            self._connection.executemany(statement, rows)

    def rows(
        self, statement: str, values: Iterable[Any] = ()
    ) -> Iterator[tuple[Any, ...]]:
        """Rows of a query, one by one."""
        with self._reporting():
            yield from self._connection.execute(statement, tuple(values))

    def value(self, statement: str, values: Iterable[Any] = ()) -> Any:
        """First column of the first row; None if there is no row."""
        return next(self.rows(statement, values), (None,))[0]


class Archive(Database):
    """Headers of waveform files."""

    SCHEMA = """
    CREATE TABLE IF NOT EXISTS files (
        id INTEGER PRIMARY KEY, path TEXT UNIQUE, size INTEGER, modified INTEGER,
        walk INTEGER, problem TEXT);
    CREATE TABLE IF NOT EXISTS segments (
        id INTEGER PRIMARY KEY, file INTEGER, position INTEGER, length INTEGER,
        format TEXT, station_id TEXT, channel TEXT, begin INTEGER, end INTEGER,
        rate REAL, stretch INTEGER);
    CREATE INDEX IF NOT EXISTS segments_of_file ON segments (file);
    CREATE INDEX IF NOT EXISTS segments_of_station ON segments (station_id, begin);
    CREATE INDEX IF NOT EXISTS segments_by_length ON segments (station_id, end - begin);
    """

    def index(
        self,
        inputs: Iterable[str | Path],
        pattern: NamePattern | None = None,
        skipped: Callable[[Path], bool] = lambda path: False,
        progress: bool = True,
        argument: str = "inputs",
    ) -> None:
        """
        Reads the headers of new and changed files, and forgets files that are gone.

        :param inputs: As of :py:func:`find_files`
        :param pattern: Gives codes that headers lack
        :param skipped: Whether a file is not wanted
        :param progress: If progress is shown
        :param argument: Name of the inputs in errors
        :raises ArgumentError: if there are no waveforms
        """
        inputs = list(inputs)
        walk = (self.value("SELECT max(walk) FROM files") or 0) + 1
        paths = (path for path in find_files(inputs) if not skipped(path))
        with progress_bar("Reading headers", "files", progress) as bar:
            while some := list(islice(paths, _FILES_A_TRANSACTION)):
                with self.transaction():
                    for path in some:
                        self._index_file(path, pattern, walk)
                        bar.update(1)
        with self.transaction():
            gone = "SELECT id FROM files WHERE walk < ?"
            self.execute(f"DELETE FROM segments WHERE file IN ({gone})", [walk])
            self.execute("DELETE FROM files WHERE walk < ?", [walk])
        if not self.value("SELECT count(*) FROM segments"):
            reasons = merged(self.problems(), "file")[:3] or ["there are no files"]
            reason = f"no waveforms that can be used: {'; '.join(reasons)}"
            raise ArgumentError(argument, ",".join(map(str, inputs)), reason)

    def _index_file(self, path: Path, pattern: NamePattern | None, walk: int) -> None:
        segments: list[Segment] = []
        problem = None
        size = modified = -1
        name = os.fsencode(path).decode("utf-8", "replace")
        try:
            if name != str(path) or any(ord(letter) < 32 for letter in name):
                raise UnreadableError("its name is not plain text; rename it")
            status = os.stat(path)
            size, modified = status.st_size, status.st_mtime_ns
            same = "SELECT id FROM files WHERE path = ? AND size = ? AND modified = ?"
            known = self.value(same, [name, size, modified])
            if known is not None:
                self.execute("UPDATE files SET walk = ? WHERE id = ?", [walk, known])
                return
            if stat.S_ISDIR(status.st_mode):
                raise UnreadableError(
                    "it is a folder: empty, unreadable or named in a list"
                )
            # Reading a pipe would never end.
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableError("it is not a regular file")
            segments, problems = read_headers(path, pattern)
            problem = "\n".join(problems) or None
        except UnreadableError as error:
            problem = str(error)
        except (OSError, MemoryError) as error:
            reason = getattr(error, "strerror", None) or error
            problem = f"it can't be read now: {reason}"
            # The next run tries again.
            size = modified = -1
        old = self.value("SELECT id FROM files WHERE path = ?", [name])
        self.execute("DELETE FROM segments WHERE file = ?", [old])
        file = self.execute(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)",
            [old, name, size, modified, walk, problem],
        ).lastrowid
        self.execute_many(
            "INSERT INTO segments VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(file, s.part.offset, s.part.length, s.part.format),
                    *(s.station_id, s.channel, s.begin, s.end, s.rate, s.stretch),
                )
                for s in segments
            ],
        )

    def problems(self) -> list[Problem]:
        """:return: Files that could not be read, or only partly, or as something else"""
        rows = self.rows("SELECT path, problem FROM files WHERE problem IS NOT NULL")
        return [(path, reason) for path, text in rows for reason in text.split("\n")]

    def stations(self) -> list[str]:
        """:return: NET.STA.LOC of all segments, sorted"""
        query = "SELECT DISTINCT station_id FROM segments ORDER BY station_id"
        return [row[0] for row in self.rows(query)]

    def segments(self, station: str, begin: int, end: int) -> list[Segment]:
        """
        :param station: NET.STA.LOC
        :param begin: Nanoseconds since 1970
        :param end: The same
        :return: Segments of the station with samples in this time, in order of their begin
        """
        # No index is on the ends, so limit the starts by the longest segment.
        longest = self.value(
            "SELECT max(end - begin) FROM segments WHERE station_id = ?", [station]
        )
        return self._segments_where(
            "station_id = ? AND begin BETWEEN ? AND ? AND end >= ?",
            [station, begin - (longest or 0), end, begin],
        )

    def segments_below(self, folder: Path) -> list[Segment]:
        """
        :param folder: Folder
        :return: Segments of the files in it, at any depth, in order of their begin
        """
        # 0 is the character after the slash.
        return self._segments_where(
            "path > ? AND path < ?", [f"{folder}/", f"{folder}0"]
        )

    def _segments_where(self, condition: str, values: Iterable[Any]) -> list[Segment]:
        rows = self.rows(
            "SELECT path, format, position, length, station_id, channel, begin, end, "
            "rate, stretch, size || '-' || modified, segments.id FROM segments "
            f"JOIN files ON files.id = segments.file WHERE {condition} "
            "ORDER BY begin, path, position",
            values,
        )
        return [
            Segment(Part(*row[:4]), *row[4:11], row=row[11])  # type: ignore[misc]
            for row in rows
        ]

    @staticmethod
    def packed(segments: Iterable[Segment]) -> str:
        """:return: Short text, from which :py:meth:`unpacked` makes the segments"""
        return json.dumps([(s.row, s.begin, s.end, s.cut) for s in segments])

    def unpacked(self, text: str) -> tuple[Segment, ...]:
        where = "segments.id IN (SELECT json_extract(value, '$[0]') FROM json_each(?))"
        found = {s.row: s for s in self._segments_where(where, [text])}
        return tuple(
            replace(found[row], begin=begin, end=end, cut=cut)
            for row, begin, end, cut in json.loads(text)
        )

    def station_days(
        self, selection: Selection, problems: list[Problem], progress: bool = True
    ) -> Iterator[Unit]:
        """
        :param selection: What is wanted
        :param problems: Channels that are not used, and why, are added here
        :param progress: If progress is shown
        :return: Station-days with their segments, station by station
        """
        with progress_bar("Planning", "stations", progress) as bar:
            for station in self.stations():
                patterns = selection.stations
                if not patterns or is_station_of(station, patterns):
                    yield from self._days_of(station, selection, problems)
                bar.update(1)

    def _days_of(
        self, station: str, selection: Selection, problems: list[Problem]
    ) -> Iterator[Unit]:
        query = "SELECT min(begin) FROM segments WHERE station_id = ? AND end >= ?"
        begin = self.value(query, [station, -(1 << 63)])
        while begin is not None:
            day = begin // DAY
            while days := self._on_day(station, day, selection, problems):
                yield from days
                day += 1
            # Years may lie between two files.
            begin = self.value(query, [station, (day + 1) * DAY])
            if begin is not None:
                begin = max(begin, (day + 1) * DAY)

    def _on_day(
        self, station: str, day: int, selection: Selection, problems: list[Problem]
    ) -> list[Unit]:
        begin, end, margin = day * DAY, (day + 1) * DAY, selection.margin
        begin = max(begin, selection.start) if selection.start is not None else begin
        end = min(end, selection.end) if selection.end is not None else end
        if begin >= end:
            return []
        near = self.segments(station, begin - margin, end + margin)
        chosen, wrong = choose_segments(near, selection.instruments, selection.min_rate)
        problems += wrong
        date = obspy.UTCDateTime(ns=day * DAY).strftime("%Y-%m-%d")
        found = []
        for code, segments in chosen.items():
            covered = sum(b - a for a, b in covered_spans(segments, begin, end))
            # The next day also picks this far beyond its own limits.
            if covered <= TOLERANCE and covered < end - begin:
                continue
            key = " ".join([station, date, code]).strip()
            about = key, begin, end, margin, covered / DAY
            found.append(Unit(*about, tuple(segments), fingerprint_of(segments)))
        return found
