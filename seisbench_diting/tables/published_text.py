"""The published text formats of picks, events, associations and stations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd

from .._util import MissingError, write_text
from . import schema
from .schema import check, keep
from .stations import Station, find_station, station_table

_PICK = "phase,relative_time_s,probability,time_utc,snr,amplitude,station"
_EVENT = (
    "#EVENT ID TYPE YEAR MONTH DAY DAY_OF_YEAR HOUR MINUTE SECOND MICROSECOND LOC "
    "LONGITUDE LATITUDE DEP DEPTH MAG MAGNITUDE_TYPE MAGNITUDE"
)
_LOCATED = "EVENT,TIME,LAT,LON,DEP"
_PHASE = "PHASE,TIME,LAT,LON,TYPE,PROB,STATION,DIST,DELTA,ERROR"

_CODES = r"(?P<network>\S+)\s+(?P<station>\S+)\s+"
_PLACE = r"(?P<longitude>[-+\d.eE]+)\s+(?P<latitude>[-+\d.eE]+)\s+"
_HEIGHT = r"(?P<elevation>\S+)"
#: Lines of stations, in the published text and in REAL's.
_STATIONS = {
    "NET STA LOC LON LAT ELEVATION_M": rf"{_CODES}(?:(?P<location>\S+)\s+)?{_PLACE}{_HEIGHT}",
    "LON LAT NET STA COMP ELEVATION_KM": rf"{_PLACE}{_CODES}[A-Za-z]\S*\s+{_HEIGHT}",
}

#: Marks files whose values are under their headers. In others they may be swapped.
_ORDER = "##seisbench-diting: LAT before LON"


def _read_lines(path: Path) -> pd.Series:
    """:return: Lines that are not empty, by their numbers"""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    lines = pd.Series(text.split("\n"), dtype="str").str.strip()
    lines.index = pd.RangeIndex(1, len(lines) + 1, name="line")
    return lines[lines != ""]


def _extract(lines: pd.Series, pattern: str, form: str) -> pd.DataFrame:
    """
    :param lines: Lines of one kind
    :param pattern: Regular expression with a group for each column
    :param form: Explains the lines, for errors
    :raises ValueError: if no line matches
    :return: Table of text, of the lines that match
    """
    fields = lines.str.extract(f"^{pattern}$")
    fields = fields[keep(fields.isna().all(axis=1), lines.rename("text"), form, "file")]
    return pd.DataFrame({name: fields[name].str.strip() for name in fields})


def _split(lines: pd.Series, names: str, rest: str = "(?:,.*)?") -> pd.DataFrame:
    """:return: Table of text, from lines with these fields and perhaps more"""
    pattern = ",".join(f"(?P<{name}>[^,]*)" for name in names.split(","))
    return _extract(lines, pattern + rest, names)


def _code(name: str, what: str = ",%") -> str:
    """
    :param name: NET.STA.LOC
    :param what: Characters that the format needs for itself, percent-encoded like controls
    :return: The name without a location that is empty, as ``_codes`` reads it
    """
    text = (f"%{ord(c):02X}" if c in what or c < " " else c for c in name)
    return "".join(text).removesuffix(".")


def _codes(names: pd.Series) -> pd.Series:
    return names.map({name: unquote(name) for name in names.unique()})


def _time_texts(times: pd.Series) -> pd.Series:
    return times.dt.strftime("%Y-%m-%d %H:%M:%S.%f").fillna("")


# Picks


def write_picks_text(tables: Iterable[pd.DataFrame], path: Path) -> None:
    """
    For each record, its name and then its picks. Numbers are rounded, relative times and
    probabilities to a thousandth. Commas in codes are percent-encoded. Columns of event
    picks are not in this format.

    :param tables: Tables of picks in order of time
    :param path: File to write
    """
    write_text(path, _pick_lines(tables))


def _pick_lines(tables: Iterable[pd.DataFrame]) -> Iterator[str]:
    yield f"##{_PICK}\n"
    last = None
    for table in tables:
        for name, group in table.groupby("record", sort=False):
            record = " ".join(str(name).splitlines())
            if record != last:
                # Two of # would be a comment.
                yield f"# {record}\n" if record[:1] == "#" else f"#{record}\n"
                last = record
            row: Any
            for row in group.assign(at=_time_texts(group["time"])).itertuples():
                yield (
                    f"{row.phase},{row.relative_time_s:.3f},{row.probability:.3f},"
                    f"{row.at},{row.snr:.3f},{row.amplitude:.6g},"
                    f"{_code(row.station_id)}\n"
                )


def read_picks_text(path: Path) -> pd.DataFrame:
    """
    :param path: Published text, also with further fields, and with or without location
        codes
    :raises ValueError: if no line is a pick
    :return: Table of picks, of which :py:func:`~.schema.pick_table` checks the values
    """
    lines = _read_lines(path)
    is_comment = lines.str.startswith("##")
    is_record = lines.str.startswith("#") & ~is_comment
    records = lines.str[1:].str.strip().where(is_record).ffill().fillna("")
    picks = lines[~is_record & ~is_comment]
    table = _split(picks, _PICK)
    return table.rename(columns={"time_utc": "time"}).assign(
        record=records[table.index], station=_codes(table["station"])
    )


# The catalogue of events


def read_events_text(path: Path) -> pd.DataFrame:
    """
    Lines that are not events must begin with ``#`` or ``PHASE``. ``NONE`` is an unknown
    depth, magnitude or type. The day of the year is ignored.

    :param path: Published catalogue
    :raises ValueError: if a line is not an event
    :return: Table of events
    """
    lines = _read_lines(path)
    is_event = lines.str.match(r"#EVENT\s")
    lines = lines[is_event | ~lines.str.startswith(("#", "PHASE"))]
    pattern = (
        r"#EVENT (?P<event_id>\S+) (?P<event_type>\S+) (?P<year>\d+) (?P<month>\d+) "
        r"(?P<day>\d+) \S+ (?P<hour>\d+) (?P<minute>\d+) (?P<second>\d+) (?P<us>\d+) "
        r"LOC (?P<longitude>\S+) (?P<latitude>\S+) DEP (?P<depth_km>\S+) "
        r"MAG (?P<magnitude_type>\S+) (?P<magnitude>\S+)"
    )
    table = _extract(lines, pattern.replace(" ", r"\s+"), _EVENT).replace("NONE", "")
    times = pd.to_datetime(table[["year", "month", "day"]], errors="coerce")
    # Rounded seconds reach 60.
    for unit in ("hour", "minute", "second", "us"):
        parts = pd.to_timedelta(table[unit].astype("int64"), unit=unit)
        times += parts.astype("timedelta64[us]")
    return schema.event_table(table.assign(time=times))


# Associations


def write_association_text(
    events: pd.DataFrame,
    assignments: pd.DataFrame,
    path: Path,
    stations: pd.DataFrame | None = None,
) -> None:
    """
    Each event and then its picks. Values are under the headers that name them, and rounded:
    coordinates and depths to four decimals, the others but times to three. Names of events,
    magnitudes, columns of quality and azimuths are not in this format. Unknown values are
    ``nan``.

    :param events: Table of events
    :param assignments: Table of assigned picks
    :param path: File to write
    :param stations: Table of stations, for their coordinates
    """
    table = station_table([] if stations is None else stations)
    nowhere = Station("", np.nan, np.nan, np.nan)
    first = assignments.drop_duplicates("station_id")
    places = {
        name: find_station(table, name, time) or nowhere
        for name, time in zip(first["station_id"], first["time"], strict=True)
    }
    write_text(path, _association_lines(events, assignments, places))


def _association_lines(
    events: pd.DataFrame, assignments: pd.DataFrame, places: dict[str, Station]
) -> Iterator[str]:
    yield f"##{_LOCATED}\n##{_PHASE}\n{_ORDER}\n"
    assignments = assignments.assign(at=_time_texts(assignments["time"]))
    of_event = assignments.groupby("event_id", sort=False).indices
    event: Any
    pick: Any
    for event in events.assign(at=_time_texts(events["time"])).itertuples():
        yield (
            f"#EVENT,{event.at},{event.latitude:.4f},{event.longitude:.4f},"
            f"{event.depth_km:.4f}\n"
        )
        for pick in assignments.iloc[of_event.get(event.event_id, [])].itertuples():
            place = places[pick.station_id]
            yield (
                f"PHASE,{pick.at},{place.latitude:.4f},{place.longitude:.4f},"
                f"{pick.phase},{pick.probability:.3f},"
                f"{_code(pick.station_id)},{pick.epicentral_distance_km:.3f},"
                f"{(pick.time - event.time).total_seconds():.3f},{pick.residual_s:.3f}\n"
            )


def read_association_text(
    path: Path, lonlat: bool | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    Events get the names of :py:func:`~.schema.event_names`. The published files have
    longitudes under LAT. A value beyond ±90, or the header of files written here, shows
    which comes first.

    :param path: Published text
    :param lonlat: True if longitudes come first, False if latitudes do, for files in which
        nothing shows it
    :raises ValueError: if no line is an event; or if ``lonlat`` is needed and missing, or
        wrong
    :return: Table of events, and table of assigned picks
    """
    lines = _read_lines(path)
    is_event = lines.str.startswith("#EVENT,")
    is_comment = lines.str.startswith("#") & ~is_event
    is_pick = lines.str.startswith("PHASE,") & (is_event.cumsum() > 0)
    form = f"an event, #{_LOCATED}, or a pick below its event, {_PHASE}"
    keep(~(is_event | is_comment | is_pick), lines.rename("text"), form, "file")
    located = _split(lines[is_event].str[1:], _LOCATED)
    picks = _split(lines[is_pick], _PHASE)
    places = pd.concat([located, picks])[["LAT", "LON"]].sort_index()
    places.index.name = "line"
    first, second = (
        pd.to_numeric(places[name], errors="coerce").abs() > 90 for name in places
    )
    if lonlat is None:
        lonlat = bool(first.any())
        if not (lonlat or second.any() or (lines == _ORDER).any() or places.empty):
            raise MissingError(
                "lonlat",
                None,
                f"True if longitudes come first, as in published files, False if "
                f"latitudes do; no value in {path} is beyond ±90 to show it",
            )
    latitudes = places["LON" if lonlat else "LAT"]
    check(second if lonlat else first, latitudes, "a latitude, as elsewhere", "file")
    if lonlat:
        located = located.rename(columns={"LAT": "LON", "LON": "LAT"})
    events = schema.EVENTS.table(located.assign(event_id="unnamed"))
    events["event_id"] = schema.event_names(events["time"])
    of_event = events["event_id"].reindex(lines.index[is_event])
    picks["event_id"] = of_event.to_numpy()[is_event.cumsum()[picks.index] - 1]
    picks["STATION"] = _codes(picks["STATION"])
    right = keep(picks["event_id"].isna(), picks["TIME"], "of an event", "picks")
    names = {"PHASE": "", "DIST": "epicentral_distance_km", "ERROR": "residual_s"}
    found = schema.assignment_table(picks[right].rename(columns=names))
    residual = pd.to_timedelta(found["residual_s"], unit="s").dt.round("us")
    found["theoretical_time"] = found["time"] - residual.astype("timedelta64[us]")
    return schema.event_table(events), found


# Stations


def write_stations_text(stations: pd.DataFrame, path: Path) -> None:
    """
    :param stations: Table of stations; an unknown elevation is written as 0
    :param path: File to write
    """
    rows = stations.fillna({"elevation_m": 0.0}).itertuples()
    write_text(path, map(_station_line, rows))


def _station_line(row: Any) -> str:
    codes = (_code(c, " %") or "--" for c in row.station_id.split("."))
    return f"{' '.join(codes)} {row.longitude!r} {row.latitude!r} {row.elevation_m!r}\n"


def read_stations_text(path: Path) -> tuple[pd.DataFrame, str] | None:
    """
    :param path: Published text, where the location code may be ``--`` or missing, or
        REAL's text
    :return: Table of text, of which :py:func:`~.stations.station_table` checks the values,
        and the unit of heights; None if the first station is in neither form
    """
    lines = _read_lines(path)
    lines = lines[~lines.str.startswith("#")]
    for form, pattern in _STATIONS.items():
        if re.fullmatch(pattern, "".join(lines[:1])):
            table = _extract(lines, pattern, form).fillna("")
            for name in table.columns.intersection(["network", "station", "location"]):
                table[name] = _codes(table[name].replace("--", ""))
            return table, form.rpartition("_")[2].lower()
    return None
