"""The files of a run, written from its state."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from .._util import beside, write_text
from ..tables import pick_table, write_picks, write_real
from ..waveforms import DAY, Database, Problem
from .pick_settings import ERRORS, FORMATS, LOG, REAL, SUMMARY

#: Columns of picks in a state, beside the unit; those of events are the last five.
PICK_COLUMNS = (
    *("station_id", "phase", "time", "probability", "snr", "amplitude", "record"),
    *("relative_time_s", "event_id", "epicentral_distance_km", "azimuth_deg"),
    *("theoretical_time", "residual_s"),
)

#: Rows in memory at once; a day is only divided above the larger number.
_FEW, _MANY = 20_000, 200_000


def table_of(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """
    :param rows: Rows with times in microseconds since 1970
    :return: Table of picks
    """
    table = pd.DataFrame(list(rows))
    for name in ("time", "theoretical_time"):
        if name in table:
            table[name] = pd.to_datetime(table[name], unit="us", utc=True)
    return pick_table(table)


def pick_chunks(state: Database) -> Iterator[pd.DataFrame]:
    """:return: Tables of picks in order of time; only one is in memory at a time"""
    of_events = state.value("SELECT 1 FROM picks WHERE event_id IS NOT NULL LIMIT 1")
    columns = PICK_COLUMNS if of_events else PICK_COLUMNS[:-5]
    rows: list[dict[str, Any]] = []
    day = None
    for values in state.rows(
        f"SELECT {', '.join(columns)} FROM picks WHERE hidden = 0 "
        "ORDER BY time, station_id, phase, probability"
    ):
        row = dict(zip(columns, values, strict=True))
        of_day = row["time"] // (DAY // 1000)
        if (len(rows) >= _FEW and of_day != day) or len(rows) >= _MANY:
            yield table_of(rows)
            rows = []
        rows.append(row)
        day = of_day
    if rows:
        yield table_of(rows)


def write_outputs(
    state: Database, output: Path, formats: Iterable[str], real: bool
) -> list[Path]:
    """
    :param state: State of a run
    :param output: Name of the run
    :param formats: Of :py:data:`.pick_settings.FORMATS`
    :param real: If REAL's day folders are written
    :raises OSError: if the disk is full
    :return: Files and folders that were written
    """
    written = []
    for ending in [*(FORMATS[name] for name in formats), *([REAL] if real else [])]:
        path = beside(output, ending)
        with _reporting(path):
            (write_real if ending == REAL else write_picks)(pick_chunks(state), path)
        written.append(path)
    return written


@contextmanager
def _reporting(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OSError(
            f"{path} can't be written ({error}). Free some space and run the same "
            "command again: it continues, and nothing is lost."
        ) from error


def write_summary(output: Path, summary: dict[str, Any]) -> None:
    text = json.dumps(summary, indent=2, ensure_ascii=False)
    write_text(beside(output, SUMMARY), f"{text}\n")


def write_journals(state: Database, output: Path) -> None:
    """Writes the lists of units that were picked and of data that were not used."""
    write_text(
        beside(output, LOG),
        (
            _log_line(*row)
            for row in state.rows(
                "SELECT key, days, picks FROM units WHERE failure IS NULL ORDER BY rowid"
            )
        ),
    )
    write_text(
        beside(output, ERRORS),
        (
            _error_line(*row)
            for row in state.rows(
                "SELECT DISTINCT subject, reason FROM problems UNION ALL "
                "SELECT key, failure FROM units WHERE failure IS NOT NULL"
            )
        ),
    )


def _log_line(unit: str, days: float, picks: int) -> str:
    return f"{unit}\t{days:.6f} station days\t{picks} picks\n"


def _error_line(subject: str, reason: str) -> str:
    return f"{subject}\t{' '.join(reason.split())}\n"


class Journal:
    """Lists of picked units and of unused data, which grow during a run."""

    def __init__(self, state: Database, output: Path) -> None:
        write_journals(state, output)
        self._log = beside(output, LOG).open("a", encoding="utf-8")
        self._errors = beside(output, ERRORS).open("a", encoding="utf-8")

    def picked(self, unit: str, days: float, picks: int) -> None:
        self._log.write(_log_line(unit, days, picks))
        self._log.flush()

    def errors(self, problems: Iterable[Problem]) -> None:
        self._errors.writelines(_error_line(*problem) for problem in problems)
        self._errors.flush()

    def close(self) -> None:
        self._log.close()
        self._errors.close()
