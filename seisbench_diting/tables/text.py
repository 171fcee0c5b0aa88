"""Picks in the published text format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ..files import write_text
from .picks import PHASES, pick_table

_HEADER = "##phase,relative_time_s,probability,time_utc,snr,amplitude,station\n"

_FIELDS = 7


def write_picks_text(picks: pd.DataFrame, path: str | Path) -> None:
    """
    :param picks: Table of picks
    :param path: File to write
    """
    write_text(Path(path), pick_lines(pick_table(picks)))


def pick_lines(picks: pd.DataFrame) -> Iterator[str]:
    """
    :param picks: Table of picks
    :return: Lines of the text format: for each record its name and then its picks
    """
    yield _HEADER
    for record, group in picks.groupby("record", sort=False):
        yield f"#{record}\n"
        times = group["time"].dt.strftime("%Y-%m-%d %H:%M:%S.%f")
        for row, time in zip(group.itertuples(index=False), times, strict=True):
            yield (
                f"{row.phase},{row.relative_time_s:.3f},{row.probability:.3f},{time},"
                f"{row.snr:.3f},{row.amplitude:.6g},{_short(row.station_id)}\n"
            )


def _short(station_id: str) -> str:
    """As in the published files, which know no location code."""
    return station_id.removesuffix(".")


def read_picks_text(source: str | Path | Iterable[str]) -> pd.DataFrame:
    """
    Reads the published text format, also with further fields, and with or without a
    location code.

    :param source: File, or its lines
    :raises ValueError: if a line is neither a comment, nor a record, nor a pick
    :return: Table of picks
    """
    if isinstance(source, str | Path):
        path = Path(source)
        with path.open(encoding="utf-8", errors="replace") as file:
            return _parse(file, str(path))
    return _parse(source, "the text")


def _parse(lines: Iterable[str], name: str) -> pd.DataFrame:
    record = ""
    rows = []
    for number, line in enumerate(lines, start=1):
        line = line.strip()
        if not line or line.startswith("##"):
            continue
        if line.startswith("#"):
            record = line[1:].strip()
            continue
        try:
            rows.append(_parse_pick(line, record))
        except ValueError as error:
            raise ValueError(
                f"Line {number} of {name} is no pick ({error}): {line[:80]!r}. A pick "
                "is phase,relative_time_s,probability,time_utc,snr,amplitude,station."
            ) from error
    return pick_table(rows)


def _parse_pick(line: str, record: str) -> dict[str, object]:
    fields = [field.strip() for field in line.split(",")]
    if len(fields) < _FIELDS:
        raise ValueError(f"{len(fields)} fields instead of {_FIELDS}")
    phase, relative, probability, time, snr, amplitude, station = fields[:_FIELDS]
    if phase not in PHASES:
        raise ValueError(f"phase {phase!r} is none of {', '.join(PHASES)}")
    return {
        "station_id": _full(station),
        "phase": phase,
        "time": np.datetime64(time.replace(" ", "T"), "us"),
        "probability": float(probability),
        "snr": float(snr),
        "amplitude": float(amplitude),
        "record": record,
        "relative_time_s": float(relative),
    }


def _full(station: str) -> str:
    parts = station.split(".")
    if len(parts) not in (2, 3) or not parts[1]:
        raise ValueError(f"station {station!r} is not NET.STA or NET.STA.LOC")
    return ".".join([*parts, ""][:3])
