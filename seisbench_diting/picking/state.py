"""What a run knows and has done so far, in one SQLite file that outlives it."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

_SCHEMA = """
CREATE TABLE IF NOT EXISTS options (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY, path TEXT UNIQUE, size INTEGER, modified INTEGER,
    walk INTEGER, problem TEXT);
CREATE TABLE IF NOT EXISTS segments (
    file INTEGER, position INTEGER, length INTEGER, format TEXT, station_id TEXT,
    channel TEXT, begin INTEGER, end INTEGER, rate REAL, stretch INTEGER);
CREATE INDEX IF NOT EXISTS segments_of_file ON segments (file);
CREATE INDEX IF NOT EXISTS segments_of_station ON segments (station_id, begin);
CREATE INDEX IF NOT EXISTS segments_by_length ON segments (station_id, end - begin);
CREATE TABLE IF NOT EXISTS plan (
    position INTEGER PRIMARY KEY, key TEXT UNIQUE, fingerprint TEXT, days REAL,
    task TEXT);
CREATE TABLE IF NOT EXISTS units (
    key TEXT PRIMARY KEY, fingerprint TEXT, days REAL, picks INTEGER, counts TEXT,
    failure TEXT);
CREATE TABLE IF NOT EXISTS picks (
    unit TEXT, station_id TEXT, phase TEXT, time INTEGER, probability REAL, snr REAL,
    amplitude REAL, record TEXT, relative_time_s REAL, event_id TEXT,
    epicentral_distance_km REAL, azimuth_deg REAL, theoretical_time INTEGER,
    residual_s REAL, hidden INTEGER DEFAULT 0);
CREATE INDEX IF NOT EXISTS picks_of_unit ON picks (unit);
CREATE INDEX IF NOT EXISTS picks_in_time ON picks (time, station_id, phase);
CREATE TABLE IF NOT EXISTS problems (
    unit TEXT, subject TEXT, reason TEXT, PRIMARY KEY (unit, subject, reason));
"""

#: Of these tables; files of others are not continued.
_VERSION = 1

#: Columns of picks as they are stored, beside the unit.
PICK_COLUMNS = (
    "station_id",
    "phase",
    "time",
    "probability",
    "snr",
    "amplitude",
    "record",
    "relative_time_s",
    "event_id",
    "epicentral_distance_km",
    "azimuth_deg",
    "theoretical_time",
    "residual_s",
)

_INSERT_PICK = (
    f"INSERT INTO picks (unit, {', '.join(PICK_COLUMNS)}) "
    f"VALUES ({', '.join('?' * (len(PICK_COLUMNS) + 1))})"
)


class State:
    """
    Files, plan, picks and problems of a run. Whatever is written in one transaction is
    there after a crash, or none of it.

    :param path: SQLite file, which is made if it does not exist
    :param only_read: If nothing will be written
    :raises ValueError: if it is something else, or damaged
    :raises FileNotFoundError: if it is only read and not there
    :raises OSError: if it can't be written, or read
    """

    def __init__(self, path: Path, only_read: bool = False):
        self.path = path
        # Without SQLite's own locks, which network file systems lack: there is another
        # one around the run.
        uri = f"file:{quote(str(path.absolute()))}?nolock=1"
        if only_read and not path.is_file():
            raise FileNotFoundError(f"{path} is not there; was its run removed?")
        # What a killed run began to write is undone by whoever may write.
        only_read = only_read and not (
            os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)
        )
        self._is_only_read = only_read
        with self._reporting():
            self._connection = sqlite3.connect(
                f"{uri}&mode=ro" if only_read else uri, uri=True, isolation_level=None
            )
            if not only_read:
                self._connection.execute("PRAGMA journal_mode = TRUNCATE")
                self._connection.execute("PRAGMA synchronous = FULL")
            version = self.value("PRAGMA user_version")
            if version not in (0, _VERSION):
                raise ValueError(
                    f"{path} was written by another version of this package. Go on with "
                    "that one, or choose another output."
                )
            if not only_read:
                self._connection.executescript(_SCHEMA)
                self._connection.execute(f"PRAGMA user_version = {_VERSION}")

    def close(self) -> None:
        self._connection.close()

    def remove(self) -> None:
        """Removes the file, once it is closed."""
        for ending in ("", "-journal"):
            self.path.with_name(f"{self.path.name}{ending}").unlink(missing_ok=True)

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if self._is_only_read:
                raise OSError(
                    f"{self.path} can't be read ({error}). If its run was killed, run it "
                    "again, which only its owner may do."
                ) from error
            raise OSError(
                f"{self.path} can't be written ({error}). Is the disk full, or is "
                "writing not allowed? Mend it and run the same command again: it "
                "continues, and nothing is lost."
            ) from error
        except sqlite3.DatabaseError as error:
            raise ValueError(
                f"{self.path} is damaged, or no file of a run ({error}). Remove it to "
                "begin again."
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside, or nothing."""
        with self._reporting():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def execute(self, statement: str, values: Iterable[Any] = ()) -> sqlite3.Cursor:
        with self._reporting():
            return self._connection.execute(statement, tuple(values))

    def execute_many(self, statement: str, rows: Iterable[Iterable[Any]]) -> None:
        with self._reporting():
            self._connection.executemany(statement, rows)

    def rows(self, statement: str, values: Iterable[Any] = ()) -> Iterator[tuple]:
        """Rows of a query, of which few are in memory at once."""
        cursor = self.execute(statement, values)
        while True:
            with self._reporting():
                some = cursor.fetchmany(1000)
            if not some:
                return
            yield from some

    def value(self, statement: str, values: Iterable[Any] = ()) -> Any:
        """First column of the first row, None if there is no row."""
        row = self.execute(statement, values).fetchone()
        return None if row is None else row[0]

    def keep_options(self, options: dict[str, Any]) -> None:
        """
        :param options: What decides about the picks
        :raises ValueError: if a former run of this name had others
        """
        before = dict(self.rows("SELECT name, value FROM options"))
        new = {name: json.dumps(value) for name, value in options.items()}
        if not before:
            with self.transaction():
                self.execute_many("INSERT INTO options VALUES (?, ?)", new.items())
            return
        for name in sorted({*before, *new}):
            old, now = before.get(name, "null"), new.get(name, "null")
            if old != now:
                raise ValueError(
                    f"{name}={now} differs from {old}, with which "
                    f"{self.path.with_suffix('')} was begun. Choose another output, or "
                    f"remove {self.path.name} and the files beside it."
                )

    def finish_unit(
        self,
        key: str,
        fingerprint: str,
        days: float,
        picks: list[dict[str, Any]],
        problems: Iterable[tuple[str, str]],
        counts: dict[str, int],
        failure: str | None = None,
        spans: Iterable[tuple[int, int]] | None = None,
    ) -> None:
        """
        Keeps what came of a unit instead of what came of it before. Where it failed, what
        came of it when it did not stays; and so do picks of times that it has no samples
        of any more.

        :param key: The unit
        :param fingerprint: What its data were
        :param days: Station days that it covers
        :param picks: Picks, with times in microseconds since 1970
        :param problems: What was not used, and why
        :param counts: What else is counted
        :param failure: Why it could not be picked: it is tried again in another run
        :param spans: Times that it has samples of, in microseconds since 1970; None for
            all
        """
        with self.transaction():
            before = self.execute(
                "SELECT picks, failure FROM units WHERE key = ?", [key]
            ).fetchone()
            if failure is not None and before is not None and before[1] is None:
                self.execute(
                    "UPDATE units SET failure = ? WHERE key = ?", [failure, key]
                )
                return
            self.execute("DELETE FROM problems WHERE unit = ?", [key])
            if spans is None:
                self.execute("DELETE FROM picks WHERE unit = ?", [key])
            else:
                self.execute_many(
                    "DELETE FROM picks WHERE unit = ? AND time BETWEEN ? AND ?",
                    [(key, *span) for span in spans],
                )
            self.execute_many(
                _INSERT_PICK,
                [(key, *(pick.get(name) for name in PICK_COLUMNS)) for pick in picks],
            )
            self.add_problems(key, problems)
            self.execute(
                "INSERT OR REPLACE INTO units VALUES (?, ?, ?, ?, ?, ?)",
                [key, fingerprint, days, len(picks), json.dumps(counts), failure],
            )

    def add_problems(self, unit: str, problems: Iterable[tuple[str, str]]) -> None:
        """Inside of a transaction."""
        self.execute_many(
            "INSERT OR IGNORE INTO problems VALUES (?, ?, ?)",
            [(unit, subject, reason) for subject, reason in problems],
        )
