"""The files of a run, written from its state."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import lxml.etree
import pandas as pd

from .._util import beside, write_text
from ..tables import write_picks, write_real
from .plan import DAY, TOLERANCE
from .state import PICK_COLUMNS, State
from .stream import table_of

#: Formats of the table of picks, and how their files end.
FORMATS = {
    "csv": ".csv",
    "parquet": ".parquet",
    "txt": ".txt",
    "quakeml": ".xml",
    "pyocto": ".pyocto.csv",
    "gamma": ".gamma.csv",
}

#: Endings of the other files and folders of a run.
STATE, LOG, ERRORS, SUMMARY = ".state", ".log", ".err", ".json"
REAL, PICTURES = ".real", ".figures"
FOLDERS = (REAL, PICTURES)

#: Rows that are in memory at once; a day is not divided before the larger number.
_FEW, _MANY = 20_000, 200_000

_DAY_US = DAY // 1000


def own_files(output: Path) -> set[Path]:
    """All files that a run of this name may write, beside those in folders."""
    endings = (*FORMATS.values(), STATE, f"{STATE}-journal", LOG, ERRORS, SUMMARY)
    return {beside(output, ending) for ending in endings}


def check_formats(formats: Iterable[str]) -> tuple[str, ...]:
    """
    :raises ValueError: if there is no such format
    :return: The formats, each once
    """
    names = tuple(dict.fromkeys(str(name).lower() for name in formats))
    for name in names:
        if name not in FORMATS:
            raise ValueError(
                f"formats={name!r} is not possible; use {', '.join(FORMATS)}."
            )
    if "parquet" in names:
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise ValueError(
                "formats='parquet' needs pyarrow: "
                "pip install 'seisbench-diting[parquet]'."
            ) from error
    return names


def hide_doubles(
    state: State, min_separation: float, start: int | None, end: int | None
) -> None:
    """
    Hides picks that two blocks found, and those outside of the time asked for.

    :param state: State of a run
    :param min_separation: Of two picks of one phase closer than this, in seconds, the
        more probable one stays
    :param start: First time, in nanoseconds since 1970
    :param end: Time behind the last one
    """
    apart = max(round(min_separation * 1e6), 2 * TOLERANCE // 1000)
    near = apart + TOLERANCE // 1000
    rows = state.execute(
        "SELECT rowid, unit, station_id, phase, time, probability FROM picks "
        "WHERE time % ? < ? OR time % ? >= ? ORDER BY station_id, phase, time",
        [_DAY_US, near, _DAY_US, _DAY_US - near],
    ).fetchall()
    hidden = []
    last: dict[tuple[str, str, str], tuple] = {}
    for row in rows:
        number, unit, station, phase, time, probability = row
        # With the instrument, where all are picked.
        key = (station, phase, " ".join(unit.split(" ")[2:]))
        before = last.get(key)
        if before is None or before[1] == unit or time - before[4] >= apart:
            last[key] = row
        elif probability > before[5]:
            hidden.append(before[0])
            last[key] = row
        else:
            hidden.append(number)
    with state.transaction():
        state.execute("UPDATE picks SET hidden = 0 WHERE hidden = 1")
        state.execute_many(
            "UPDATE picks SET hidden = 1 WHERE rowid = ?", [(n,) for n in hidden]
        )
        if start is not None:
            state.execute("UPDATE picks SET hidden = 1 WHERE time < ?", [start // 1000])
        if end is not None:
            state.execute("UPDATE picks SET hidden = 1 WHERE time >= ?", [end // 1000])


def pick_chunks(state: State) -> Iterator[pd.DataFrame]:
    """:return: Tables of picks in order of time, of which one is in memory"""
    of_events = state.value(
        "SELECT count(*) FROM (SELECT 1 FROM picks WHERE event_id IS NOT NULL LIMIT 1)"
    )
    table = table_of if of_events else _without_events
    columns = ", ".join(PICK_COLUMNS)
    rows: list[dict[str, Any]] = []
    day = None
    for values in state.rows(
        f"SELECT {columns} FROM picks WHERE hidden = 0 "
        "ORDER BY time, station_id, phase, probability"
    ):
        row = dict(zip(PICK_COLUMNS, values, strict=True))
        of_day = row["time"] // _DAY_US
        if (len(rows) >= _FEW and of_day != day) or len(rows) >= _MANY:
            yield table(rows)
            rows = []
        rows.append(row)
        day = of_day
    if rows:
        yield table(rows)


def _without_events(rows: list[dict[str, Any]]) -> pd.DataFrame:
    names = PICK_COLUMNS[: PICK_COLUMNS.index("event_id")]
    return table_of([{name: row[name] for name in names} for row in rows])


def write_outputs(
    state: State, output: Path, formats: Iterable[str], real: bool
) -> list[Path]:
    """
    :param state: State of a run
    :param output: Name of the run
    :param formats: Of :py:data:`FORMATS`
    :param real: If REAL's day folders are written
    :return: What was written
    """
    written = []
    for name in formats:
        written.append(beside(output, FORMATS[name]))
        with _reporting(written[-1]):
            write_picks(pick_chunks(state), written[-1])
    if real:
        written.append(beside(output, REAL))
        with _reporting(written[-1]):
            write_real(pick_chunks(state), written[-1])
    return written


@contextmanager
def _reporting(path: Path) -> Iterator[None]:
    try:
        yield
    # That of lxml, which is none of these, is a full disk's as well.
    except (OSError, lxml.etree.SerialisationError) as error:
        raise OSError(
            f"{path} can't be written ({error}). Make room for it and run the same "
            "command again: it continues, and nothing is lost."
        ) from error


def write_summary(output: Path, summary: dict[str, Any]) -> None:
    text = json.dumps(summary, indent=2, ensure_ascii=False)
    write_text(beside(output, SUMMARY), f"{text}\n")


def write_journals(state: State, output: Path) -> None:
    """Writes the files of what was picked and of what was not used."""
    write_text(
        beside(output, LOG),
        (
            log_line(*row)
            for row in state.rows(
                "SELECT key, days, picks FROM units WHERE failure IS NULL ORDER BY rowid"
            )
        ),
    )
    write_text(
        beside(output, ERRORS),
        (
            error_line(*row)
            for row in state.rows(
                "SELECT DISTINCT subject, reason FROM problems UNION ALL "
                "SELECT key, failure FROM units WHERE failure IS NOT NULL"
            )
        ),
    )


def log_line(unit: str, days: float, picks: int) -> str:
    """One record that was picked."""
    return f"{unit}\t{days:.6f} station days\t{picks} picks\n"


def error_line(subject: str, reason: str) -> str:
    """One record and why it, or something of it, was not used."""
    return f"{subject}\t{' '.join(reason.split())}\n"


class Journal:
    """Files of what was picked and what was not, followed while a run goes on."""

    def __init__(self, state: State, output: Path):
        write_journals(state, output)
        self._log = _open(beside(output, LOG))
        self._errors = _open(beside(output, ERRORS))

    def picked(self, unit: str, days: float, picks: int) -> None:
        self._log.write(log_line(unit, days, picks))
        self._log.flush()

    def errors(self, problems: Iterable[tuple[str, str]]) -> None:
        self._errors.writelines(error_line(*problem) for problem in problems)
        self._errors.flush()

    def close(self) -> None:
        self._log.close()
        self._errors.close()


def _open(path: Path) -> TextIO:
    return path.open("a", encoding="utf-8")
