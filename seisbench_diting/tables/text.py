"""Picks in the published text format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from .._util import write_text
from .chunks import Picks, pick_chunks
from .picks import EVENT_COLUMNS, PHASES, pick_table
from .published import full_station, parse_time, short_station, time_texts

_HEADER = "##phase,relative_time_s,probability,time_utc,snr,amplitude,station"

# The name comes last, as it may hold commas.
_EVENT_FIELDS = (*(name for name in EVENT_COLUMNS if name != "event_id"), "event_id")

_EVENT_HEADER = ",".join([_HEADER, *_EVENT_FIELDS])

_FIELDS = 7


def write_picks_text(picks: Picks, path: str | Path) -> None:
    """
    :param picks: Table of picks, or tables in order of time
    :param path: File to write
    """
    write_text(Path(path), pick_lines(picks))


def pick_lines(picks: Picks) -> Iterator[str]:
    """
    Numbers are rounded, relative times and probabilities to a thousandth. Columns of
    event picks follow the published ones.

    :param picks: Table of picks, or tables in order of time
    :return: Lines of the text format: for each record its name and then its picks
    """
    last = None
    for number, table in enumerate(pick_chunks(picks)):
        of_events = "event_id" in table
        if number == 0:
            yield f"{_EVENT_HEADER if of_events else _HEADER}\n"
        for record, group in table.groupby("record", sort=False):
            if record != last:
                yield f"{_record_line(record)}\n"
                last = record
            times = time_texts(group["time"])
            events = _event_fields(group) if of_events else [""] * len(group)
            for row, time, event in zip(
                group.itertuples(index=False), times, events, strict=True
            ):
                yield (
                    f"{row.phase},{row.relative_time_s:.3f},{row.probability:.3f},"
                    f"{time},{row.snr:.3f},{row.amplitude:.6g},"
                    f"{short_station(row.station_id)}{event}\n"
                )


def _record_line(record: str) -> str:
    # Two of # would be a comment.
    return f"# {record}" if record.startswith("#") else f"#{record}"


def _event_fields(group: pd.DataFrame) -> Iterator[str]:
    for row, time in zip(
        group.itertuples(index=False),
        time_texts(group["theoretical_time"]).fillna(""),
        strict=True,
    ):
        yield (
            f",{row.epicentral_distance_km:.3f},{row.azimuth_deg:.3f},{time},"
            f"{row.residual_s:.6f},{row.event_id}"
        )


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
    of_events = False
    rows = []
    for number, line in enumerate(lines, start=1):
        line = line.strip()
        if not line:
            continue
        if line.startswith("##"):
            of_events |= line == _EVENT_HEADER
            continue
        if line.startswith("#"):
            record = line[1:].strip()
            continue
        try:
            rows.append(_parse_pick(line, record, of_events))
        except ValueError as error:
            raise ValueError(
                f"Line {number} of {name} is no pick ({error}): {line[:80]!r}. A pick "
                "is phase,relative_time_s,probability,time_utc,snr,amplitude,station."
            ) from error
    if of_events and not rows:
        return pick_table(pd.DataFrame(columns=["event_id"]))
    return pick_table(rows)


def _parse_pick(line: str, record: str, of_events: bool) -> dict[str, object]:
    fields = [field.strip() for field in line.split(",")]
    if len(fields) < _FIELDS:
        raise ValueError(f"{len(fields)} fields instead of {_FIELDS}")
    phase, relative, probability, time, snr, amplitude, station = fields[:_FIELDS]
    if phase not in PHASES:
        raise ValueError(f"phase {phase!r} is none of {', '.join(PHASES)}")
    row = {
        "station_id": full_station(station),
        "phase": phase,
        "time": parse_time(time),
        "probability": float(probability),
        "snr": float(snr),
        "amplitude": float(amplitude),
        "record": record,
        "relative_time_s": float(relative),
    }
    return row | _parse_event(line) if of_events else row


def _parse_event(line: str) -> dict[str, object]:
    fields = line.split(",", maxsplit=_FIELDS + len(_EVENT_FIELDS) - 1)[_FIELDS:]
    if len(fields) < len(_EVENT_FIELDS):
        raise ValueError(f"{len(fields)} fields of an event, not {len(_EVENT_FIELDS)}")
    distance, azimuth, time, residual, event_id = (field.strip() for field in fields)
    return {
        "event_id": event_id,
        "epicentral_distance_km": float(distance),
        "azimuth_deg": float(azimuth),
        "theoretical_time": parse_time(time),
        "residual_s": float(residual),
    }
