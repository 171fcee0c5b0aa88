"""Tables of picks, events and stations: their columns, and the checks where they enter.

Each kind of table is a :py:class:`Schema`: columns with type, unit, limits and the names
that they have in tables of other programs. To read the tables of one more program, add its
names there. Columns that a schema does not know are ignored.

A table that is made in Python must be right. Wrong rows of a file are set aside and
reported, see :py:func:`reading`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from .._util import ArgumentError, check_type, counted, first_of, quoted

#: Type of times.
TIME = "datetime64[us, UTC]"

#: Phases that a pick may have.
PHASES = ("P", "S", "Pg", "Sg", "Pn", "Sn")

#: Standard deviation of a pick without ``time_uncertainty_s``, s.
PICK_ERROR_S = {"P": 0.15, "S": 0.25}

#: Rows of a table, or a table.
Rows = pd.DataFrame | Iterable[Mapping[str, object]]

#: A table of picks, or tables in order of time that together are one.
Picks = pd.DataFrame | Iterable[pd.DataFrame]

#: Text of unknown values.
MISSING = ("", "nan", "NaN", "NaT", "NA", "<NA>", "None", "NONE", "null")
_KINDS = {"str": "text", "float64": "a number", "Int64": "a whole number"}
_KINDS[TIME] = "a time, such as 2024-02-29T23:59:59.5Z, or seconds since 1970, to 2030"

#: Names of the columns that name a station, the preferred first.
_CODES = ("station_id", "station sta station_code", "id seed_id trace_id", "name")
_NETWORK, _LOCATION = "network net network_code", "location loc location_code"

#: Names of heights without a unit in the name.
HEIGHTS = "elevation elv elev ele station_elv height altitude"

#: Columns in other units, and factors. A confidence is a probability if all its values are.
#: Other columns that begin with the same four letters cause a warning.
_UNITS = {
    "elevation_m": {"elevation_km elv_km elev_km": 1e3, "elevation_ft": 0.3048},
    "depth_km": {"depth_m": 1e-3},
    "probability": {"probability": 1.0, "confidence": 1.0},
}

_CHANNEL = re.compile("[A-Z][A-Z0-9][A-Z0-9*?]?")
#: Seconds since 1970: from 1973 to 2030, and no dates, such as 2031010112.
_POSIX = r"([1-9]\d{8}|1[0-8]\d{8})(\.\d*)?"
#: Text of a day, and the time of day after it. pandas also knows ``now`` and ``2020-02``.
_DAY, _OF_DAY = r"\s*(\d{4}([-/])\d{1,2}\2\d{1,2}|\d{8})", r"[T ].+"

_Convert = Callable[[pd.Series], pd.Series]


class LeftOut(UserWarning):
    """
    Rows of a file that were left out of its table.

    :param path: File
    :param rows: Where they are, such as ``line 2``, and why they are left out
    """

    def __init__(self, path: str | Path, rows: Mapping[str, str]) -> None:
        super().__init__(path, rows)
        self.path, self.rows = path, rows

    def __str__(self) -> str:
        few = first_of(self.lines(), between="; ")
        return f"{self.path}: {counted(len(self.rows), 'row')} left out: {few}"

    def lines(self) -> list[str]:
        """:return: A line for each row"""
        rows = sorted(self.rows.items(), key=lambda row: (len(row[0]), row[0]))
        return [f"{where}: {why}" for where, why in rows]


#: Rows that were set aside, while a file is read.
_aside: ContextVar[dict[str, str] | None] = ContextVar("_aside", default=None)

#: What was left out, while it is collected.
_told: ContextVar[list[LeftOut] | None] = ContextVar("_told", default=None)


class FileError(ArgumentError):
    """A file of the wrong kind or content; the command line names its option."""

    def __str__(self) -> str:
        _, path, reason = self.problems[0]
        return f"{path}: {reason}"


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """
    Sets wrong rows aside, and reports them at the end. If no row would be left, the first
    wrong one is an error. Adds the name of the file to errors.

    :param path: File that is read
    """
    rows: dict[str, str] = {}
    token = _aside.set(rows)
    try:
        yield
    except ArgumentError:
        raise
    except ValueError as error:
        raise FileError("path", str(path), str(error)) from error
    finally:
        _aside.reset(token)
    if rows:
        tell(LeftOut(path, rows), stacklevel=5)


def tell(left_out: LeftOut, stacklevel: int = 4) -> None:
    """
    Collects what was left out, or warns of it.

    :param left_out: Rows
    :param stacklevel: Place of the warning
    """
    if (told := _told.get()) is not None:
        told.append(left_out)
    else:
        warnings.warn(left_out, stacklevel=stacklevel)


@contextmanager
def collected() -> Iterator[list[LeftOut]]:
    """:return: What was left out of the files that are read meanwhile, instead of warnings"""
    told: list[LeftOut] = []
    token = _told.set(told)
    try:
        yield told
    finally:
        _told.reset(token)


class Column(NamedTuple):
    """
    A column of a table.

    :param kind: Type
    :param names: Names of the column in other programs' tables, divided by blanks
    :param required: Whether a table must have it, with a value in each row
    :param least: Smallest value
    :param most: Largest value
    :param allowed: Allowed values, for errors
    :param check: Finds the values that are allowed, instead of these limits
    :param convert: Converts values to the form of the table, before they are checked
    :param default: Value of all rows if the column is missing; text is empty then
    """

    kind: str
    names: str = ""
    required: bool = False
    least: float = -np.inf
    most: float = np.inf
    allowed: str = ""
    check: _Convert | None = None
    convert: _Convert | None = None
    default: object = None

    def find(self, given: pd.DataFrame, name: str) -> pd.Series | None:
        """:return: The column of a table, in this unit; None if there is none"""
        for names, factor in _UNITS.get(name, {}).items():
            values = find_column(given, names)
            if values is not None and find_column(given, name) is None:
                # Rounded, to get the decimal number.
                scaled = (pd.to_numeric(values, errors="coerce") * factor).round(9)
                if factor != 1 or scaled.between(self.least, self.most).all():
                    is_known = scaled.notna() | values.isin(MISSING)
                    return scaled.astype(object).where(is_known, values)
        return find_column(given, f"{name} {self.names}")

    def is_wrong(self, values: pd.Series) -> pd.Series:
        """:return: Which values are not allowed"""
        if self.check is not None:
            return ~self.check(values)
        wrong = pd.Series(False, values.index)
        if np.isfinite(self.least):
            wrong = (values < self.least) | (values > self.most)
        return wrong | values.isna() | (values == "") if self.required else wrong

    def describe(self) -> str:
        """:return: Allowed values"""
        limits = f"from {self.least:g} to {self.most:g}"
        return self.allowed or (_KINDS[self.kind] if np.isinf(self.least) else limits)


@dataclass(frozen=True)
class Schema:
    """
    A kind of table.

    :param name: Name in errors
    :param columns: Columns of each table
    :param further: More columns; a table has all of them if any is given
    :param optional: Columns of tables in which they are given
    """

    name: str
    columns: Mapping[str, Column]
    further: Mapping[str, Column] = field(default_factory=dict)
    optional: Mapping[str, Column] = field(default_factory=dict)

    def table(self, given: Rows) -> pd.DataFrame:
        """
        :param given: Rows, or a table; case, blanks and punctuation in names of columns
            do not matter
        :raises ValueError: if a column is missing or a value is not allowed
        :return: New table, in the same order and with the same index
        """
        check_type(self.name, given, Iterable)
        given = as_frame(given)
        if "station_id" in self.columns:
            given = _named(given)
        found = self.found(given)
        further = {} if found.keys().isdisjoint(self.further) else self.further
        table, kept = {}, pd.Series(True, range(len(given)))
        missing = [
            " or ".join([name, *column.names.split()])
            for name, column in self.columns.items()
            if name not in found and column.required and column.default is None
        ]
        if missing and len(given.columns):
            text = f"{self.name} have no column {', and no column '.join(missing)}; they have "
            raise ValueError(f"{text}{', '.join(map(str, given.columns))}.")
        for name in self.columns.keys() & _UNITS.keys() - found.keys():
            starts = tuple(other[:4] for other in _UNITS[name])
            if odd := [x for x in map(str, given) if _plain(x).startswith(starts)]:
                text = (
                    f"{self.name} have no {name}: {', '.join(odd)} is not understood."
                )
                warnings.warn(text, stacklevel=3)
        optional = {n: column for n, column in self.optional.items() if n in found}
        for name, column in {**self.columns, **optional, **further}.items():
            if name in found:
                table[name], right = self._values(found[name], name, column)
                kept &= right
            else:
                default = "" if column.kind == "str" else column.default
                table[name] = pd.Series([default] * len(given), dtype=column.kind)
        if len(given) and not kept.any():
            where, why = next(iter((_aside.get() or {}).items()))
            raise ValueError(f"{self.name} has no row that can be used; {where}: {why}")
        return pd.DataFrame(table)[kept].set_axis(given.index[kept])

    def found(self, given: pd.DataFrame) -> dict[str, pd.Series]:
        """:return: Our columns in a table, whatever their names there"""
        known = {**self.columns, **self.further, **self.optional}
        each = ((name, column.find(given, name)) for name, column in known.items())
        return {name: values for name, values in each if values is not None}

    def _values(
        self, given: pd.Series, name: str, column: Column
    ) -> tuple[pd.Series, pd.Series]:
        given = given.rename(name)
        values = given.reset_index(drop=True)
        right = pd.Series(True, values.index)
        if column.kind == "str":
            values = values.fillna("").astype("str")
            is_file = _aside.get() is not None
            if is_file and values.str.contains("\ufffd", regex=False).any():
                text = (
                    f"{self.name}: {name} is not UTF-8; \ufffd stands for what is lost."
                )
                warnings.warn(text, stacklevel=4)
        elif str(values.dtype) != column.kind:
            if pd.api.types.is_string_dtype(values):
                values = values.where(~values.isin(MISSING))
            typed = _typed(values, column)
            wrong = typed.isna() & values.notna()
            right = keep(wrong, given, _KINDS[column.kind], self.name)
            values = typed
        if column.convert is not None:
            values = column.convert(values)
        wrong = column.is_wrong(values) & right
        return values, right & keep(wrong, given, column.describe(), self.name)


def as_frame(given: Rows) -> pd.DataFrame:
    """:return: Rows, or a table, as a table"""
    return given if isinstance(given, pd.DataFrame) else pd.DataFrame(list(given))


def find_column(given: pd.DataFrame, names: str) -> pd.Series | None:
    """
    :param given: Table
    :param names: Names that a column may have, divided by blanks, the preferred first;
        case and punctuation do not matter
    :return: The column; None if there is none
    """
    heads = {_plain(str(h)): i for i, h in reversed([*enumerate(given.columns)])}
    known = [n for n in map(_plain, names.split()) if n in heads]
    return given.iloc[:, heads[known[0]]] if known else None


def _named(given: pd.DataFrame) -> pd.DataFrame:
    """:return: The table with ``station_id``, from the columns that name its stations"""

    def text(names: str) -> pd.Series | None:
        found = find_column(given, names)
        return None if found is None else found.fillna("").astype("str").str.strip()

    found = {names: values for names in _CODES if (values := text(names)) is not None}
    network, location = text(_NETWORK), text(_LOCATION)
    if not found or (_CODES[0] in found and network is None):
        return given
    source, names = next(iter(found.items()))
    is_whole = names.str.contains(".", regex=False).any()
    if network is not None and (source == _CODES[1] or not is_whole):
        places = [""] * len(names) if location is None else location
        names = pd.Series(map(_whole_id, network, names, places), names.index)
    return given.assign(station_id=names)


def _whole_id(network: str, station: str, location: str) -> str:
    is_whole = "." in station and network in ("", station.partition(".")[0])
    return station if is_whole else id_of(network, station, location)


def id_of(*codes: str) -> str:
    """:return: NET.STA.LOC of these codes, escaped as those of waveforms are"""
    return ".".join(quoted(code, safe="%") for code in codes)


@lru_cache
def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def _typed(values: pd.Series, column: Column) -> pd.Series:
    """:return: Values of this type, and unknown where they can't be converted"""
    kind = column.kind
    if kind == TIME:
        # A station may begin on a day, but a wave arrives at a time.
        return _times(values, _DAY + (_OF_DAY if column.required else f"({_OF_DAY})?"))
    # Where numbers are Python's, pandas takes NaN for one, but not NA.
    typed = pd.to_numeric(values.where(values.notna(), np.nan), errors="coerce")
    if kind == "Int64":
        typed = typed.where((typed % 1 == 0) & (typed.abs() < 2**53))
    return typed.astype(pd.api.types.pandas_dtype(kind))


def _times(values: pd.Series, pattern: str) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(values):
        return pd.to_datetime(values, utc=True).astype(pd.api.types.pandas_dtype(TIME))
    text = values.astype("str")
    is_posix = text.str.fullmatch(_POSIX)
    seconds = pd.to_numeric(values.where(is_posix))
    posix = pd.to_datetime((seconds * 1e6).round(), unit="us", utc=True)
    others = values.where(text.str.fullmatch(pattern))
    times = pd.to_datetime(others, utc=True, format="ISO8601", errors="coerce")
    return times.astype(pd.api.types.pandas_dtype(TIME)).where(~is_posix, posix)


def check(is_wrong: pd.Series, values: pd.Series, allowed: str, name: str) -> None:
    """
    :param is_wrong: Which values are not allowed
    :param values: Column of a table
    :param allowed: Allowed values, for the error
    :param name: Name of the table, for the error
    :raises ValueError: if a value is not allowed
    """
    for where, value in _wrong(is_wrong, values):
        raise ValueError(
            f"{name}[{values.name!r}] must be {allowed}, but {where} holds {value}."
        )


def _wrong(is_wrong: pd.Series, values: pd.Series) -> Iterator[tuple[str, str]]:
    """:return: Rows of wrong values, and the values"""
    for i in np.flatnonzero(is_wrong.fillna(False)).tolist():
        where = f"{values.index.name or 'row'} {values.index[i]}"
        yield where, f"{values.iloc[[i]].tolist()[0]!r:.120}"


def keep(is_wrong: pd.Series, values: pd.Series, allowed: str, name: str) -> pd.Series:
    """
    Like :py:func:`check`, but sets wrong rows aside while a file is read, if others are left.

    :return: Which rows are right
    """
    aside, is_wrong = _aside.get(), is_wrong.fillna(False).astype(bool)
    if aside is None or is_wrong.all():
        check(is_wrong, values, allowed, name)
    else:
        for where, value in _wrong(is_wrong, values):
            aside.setdefault(where, f"{values.name} must be {allowed}, not {value}")
    return ~is_wrong


def set_aside(rows: Iterable[tuple[str, str]]) -> None:
    """
    :param rows: Rows of the file that is read, and why they are not used
    """
    if (aside := _aside.get()) is not None:
        aside.update(rows)


def _full_ids(values: pd.Series) -> pd.Series:
    return values.map({name: _full_id(name) for name in values.unique()})


def _full_id(name: str) -> str:
    """
    STA, NET.STA, NET.STA.LOC and NET.STA.LOC.CHA become NET.STA.LOC; -- is no location.
    """
    parts = name.strip().split(".")
    if len(parts) == 4 and _CHANNEL.fullmatch(parts[3]):
        parts.pop()
    if len(parts) == 1 and parts[0]:
        parts.insert(0, "")
    if len(parts) == 2:
        parts.append("")
    if len(parts) == 3 and parts[2] in ("--", "-"):
        parts[2] = ""
    return ".".join(parts)


def _matching(pattern: str) -> _Convert:
    """A check of text that looks once at each different value."""

    def check(values: pd.Series) -> pd.Series:
        return values.isin([x for x in values.unique() if re.fullmatch(pattern, x)])

    return check


def _full_phases(values: pd.Series) -> pd.Series:
    """Converts p and s, as in GaMMA."""
    return values if values.isin(PHASES).all() else values.str.capitalize()


def _eastward(values: pd.Series) -> pd.Series:
    """Longitudes up to 360 degrees become those from -180 to 180."""
    return values.where(~((values > 180) & (values <= 360)), values - 360)


_TEXT, _NUMBER, _COUNT = Column("str"), Column("float64"), Column("Int64", least=0)
_LATITUDE = Column("float64", "lat evla stla station_lat", True, -90, 90)
_LONGITUDE = Column("float64", "lon lng long evlo stlo station_lon", True, -180, 180)
_LONGITUDE = _LONGITUDE._replace(allowed="from -180 to 360", convert=_eastward)
_STATION_ID = Column("str", "station id", True, allowed="NET.STA or NET.STA.LOC")
_STATION_ID = _STATION_ID._replace(
    check=_matching(r"[^.]*\.[^.]*\.[^.]*"), convert=_full_ids
)
_PHASE = Column(
    "str", "phase_type phase_hint type", True, allowed=f"one of {', '.join(PHASES)}"
)
_PHASE = _PHASE._replace(check=lambda x: x.isin(PHASES), convert=_full_phases)

#: Picks. ``station_id`` is NET.STA.LOC; ``time`` is UTC; ``probability`` is from 0 to 1, and
#: 1 in tables of other programs without one; ``snr`` and ``amplitude`` (in the unit of the record)
#: may be NaN; ``record`` names what was picked, such as a file, and ``relative_time_s``
#: counts from its first sample; ``time_uncertainty_s`` is one standard deviation, or NaN.
#: Picks of known events also have the further columns: ``azimuth_deg`` is from the event to
#: the station, ``residual_s`` is ``time`` minus ``theoretical_time``.
#: ``polarity`` is U, D or unknown.
PICKS = Schema(
    "picks",
    {
        "station_id": _STATION_ID,
        "phase": _PHASE,
        "time": Column(TIME, "timestamp phase_time pick_time arrival_time", True),
        "probability": Column("float64", "prob phase_score", True, 0, 1, default=1.0),
        "snr": _NUMBER,
        "amplitude": Column("float64", "amp phase_amplitude phase_amp"),
        "record": _TEXT,
        "relative_time_s": _NUMBER,
        "time_uncertainty_s": Column("float64", least=0),
    },
    {
        "event_id": _TEXT,
        "epicentral_distance_km": _NUMBER,
        "azimuth_deg": _NUMBER,
        "theoretical_time": Column(TIME),
        "residual_s": _NUMBER,
        "weight": _NUMBER,
    },
    {"polarity": _TEXT._replace(convert=lambda x: x.where(x.isin(["U", "D"]), ""))},
)

#: Located events. ``event_id`` names one event; ``time`` is the origin time, UTC;
#: ``longitude`` is from -180 to 180; ``depth_km``, ``magnitude``, ``magnitude_type`` and
#: ``event_type`` (such as ``eq`` or ``earthquake``, as in the source) may be unknown.
#: Events of associators also have the further columns: numbers of picks, of P and of S
#: picks, of stations and of stations with both; the root mean square of the residuals; the
#: largest angle without a station, seen from the event; and the associator's own score.
EVENTS = Schema(
    "events",
    {
        "event_id": Column(
            "str",
            "id ev_id evid event event_index event_idx idx",
            True,
            allowed="a name",
        ),
        "time": Column(TIME, "origin_time datetime event_time time_utc", True),
        "latitude": _LATITUDE,
        "longitude": _LONGITUDE,
        "depth_km": Column("float64", "depth dep evdp", least=-10, most=1000),
        "magnitude": Column("float64", "mag", least=-20, most=20),
        "magnitude_type": Column("str", "mag_type"),
        "event_type": Column("str", "type"),
    },
    {
        "pick_count": _COUNT,
        "p_count": _COUNT,
        "s_count": _COUNT,
        "station_count": _COUNT,
        "both_count": _COUNT,
        "rms_residual_s": Column("float64", least=0, most=1e6),
        "azimuthal_gap_deg": Column("float64", least=0, most=360),
        "score": _NUMBER,
        "nearest_station_km": _NUMBER,
        "latitude_error_km": _NUMBER,
        "longitude_error_km": _NUMBER,
        "depth_error_km": _NUMBER,
        "time_error_s": _NUMBER,
        "max_horizontal_error_km": _NUMBER,
        "min_horizontal_error_km": _NUMBER,
        "max_error_azimuth_deg": _NUMBER,
        "depth_flag": _TEXT,
        "magnitude_error": _NUMBER,
        "magnitude_station_count": _COUNT,
    },
)

#: Stations. ``station_id`` is NET.STA.LOC; without a location code it stands for all
#: locations, and without a network for any; ``longitude`` is from -180 to 180;
#: ``elevation_m`` may be NaN. A station that was moved has a row for each of its places,
#: with ``start_time`` and ``end_time``, which may be unknown.
STATIONS = Schema(
    "stations",
    {
        "station_id": _STATION_ID._replace(check=_matching(r"[^.]*\.[^.]+\.[^.]*")),
        "latitude": _LATITUDE,
        "longitude": _LONGITUDE,
        "elevation_m": Column(
            "float64", f"elv_m elev_m stel {HEIGHTS}", False, -12_000, 10_000
        ),
    },
    {"start_time": Column(TIME), "end_time": Column(TIME)},
)

#: Terms of stations: how much later than expected P and S arrive there.
TERMS = Schema(
    "station terms",
    {
        "station_id": _STATION_ID,
        "phase": _PHASE,
        "term_s": Column("float64", "term", True, -60, 60, allowed="seconds"),
        "pick_count": _COUNT,
    },
)

_NEEDED_NUMBER = _NUMBER._replace(required=True)
_DISTANCE = Column("float64", "distance", True, 0, 20_000)
#: What is added to magnitudes of stations, and -log A0 of local magnitudes.
CORRECTIONS = Schema(
    "station corrections", {"station_id": _STATION_ID, "correction": _NEEDED_NUMBER}
)
CURVE = Schema(
    "distance curve", {"distance_km": _DISTANCE, "minus_log_a0": _NEEDED_NUMBER}
)


def _types(columns: Mapping[str, Column]) -> dict[str, str]:
    return {name: column.kind for name, column in columns.items()}


#: Columns and their types: of picks, and what picks of events have in addition; of events,
#: and what those of associators have in addition; of stations.
COLUMNS, EVENT_COLUMNS = _types(PICKS.columns), _types(PICKS.further)
EVENT_TABLE_COLUMNS, QUALITY_COLUMNS = _types(EVENTS.columns), _types(EVENTS.further)
STATION_COLUMNS = _types(STATIONS.columns)


def pick_table(picks: Rows) -> pd.DataFrame:
    """
    A table of picks, sorted by time, station and phase; see :py:data:`PICKS`.

    :param picks: Rows or a table with at least ``station_id`` (NET.STA or NET.STA.LOC; or
        ``network``, ``station`` and perhaps ``location``), ``phase``, ``time`` and
        ``probability``. If the whole column ``probability`` is
        missing, as in tables of analysts' picks, each pick has the probability 1.
    :raises ValueError: if another one of these is missing, or a value is not allowed
    :return: New table
    """
    return PICKS.table(picks).sort_values(
        ["time", "station_id", "phase"], kind="stable", ignore_index=True
    )


def pick_chunks(picks: Picks) -> Iterator[pd.DataFrame]:
    """
    :param picks: Table of picks, or tables in order of time, so that years of picks are
        never in memory at once
    :return: Tables of picks; at least one
    """
    chunks = iter([picks] if isinstance(picks, pd.DataFrame) else picks)
    yield pick_table(next(chunks, []))
    yield from map(pick_table, chunks)


def event_table(events: Rows) -> pd.DataFrame:
    """
    A table of events, sorted by time; see :py:data:`EVENTS`.

    :param events: Rows or a table with at least ``time``, ``latitude`` and ``longitude``
        (from -180 to 360 degrees). Events without ``event_id`` are named by
        :py:func:`event_names`.
    :raises ValueError: if one of these is missing, a value is not allowed, or two events
        have the same ``event_id``
    :return: New table
    """
    events = as_frame(events)
    is_unnamed = "event_id" not in EVENTS.found(events) and len(events.columns) > 0
    table = EVENTS.table(events.assign(event_id="-") if is_unnamed else events)
    table = table.sort_values("time", kind="stable")
    if is_unnamed:
        table["event_id"] = event_names(table["time"])
    names = table["event_id"]
    table = table[keep(names.duplicated(), names, "different in each row", EVENTS.name)]
    return table.sort_values(["time", "event_id"], kind="stable", ignore_index=True)


def event_names(times: pd.Series) -> list[str]:
    """
    :param times: Origin times, UTC
    :return: An ``event_id`` for each, such as ``20220409T022838.021000``; events of the
        same time are numbered: ``-2`` and so on, from the second on
    """
    names = pd.Series(times).dt.strftime("%Y%m%dT%H%M%S.%f")
    number = names.groupby(names).cumcount() + 1
    return [f"{x}-{n}" if n > 1 else x for x, n in zip(names, number, strict=True)]


def assignment_table(assignments: Rows) -> pd.DataFrame:
    """
    A table of picks that were assigned to events.

    :param assignments: Rows or a table of picks, with ``event_id``
    :raises ValueError: if it is not a table of picks, or has no ``event_id``
    :return: New table, with the columns of event picks even where it is empty
    """
    table = pick_table(assignments)
    if "event_id" not in table:
        if len(table):
            raise ValueError("assignments has no column event_id.")
        table = pick_table(table.reindex(columns=[*COLUMNS, *EVENT_COLUMNS]))
    return table


def check_association(
    events: Rows, assignments: Rows
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    :param events: Rows or a table of events
    :param assignments: Rows or a table of picks, with ``event_id``
    :raises ValueError: if one of them is not such a table, or an assigned pick names an
        event that the table doesn't have
    :return: New table of events, and new table of assigned picks
    """
    events, picks = event_table(events), assignment_table(assignments)
    names = picks["event_id"]
    allowed = "the name of an event in events; leave out picks without an event"
    check(~names.isin(events["event_id"]), names, allowed, "assignments")
    return events, picks
