"""Tables of picks, events and stations: their columns, and the checks where they enter.

Each kind of table is a :py:class:`Schema`: columns with type, unit, limits and the names
that they have in tables of other programs. To read the tables of one more program, add its
names there. Columns that a schema does not know are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

#: Type of times.
TIME = "datetime64[us, UTC]"

#: Phases that a pick may have.
PHASES = ("P", "S", "Pg", "Sg", "Pn", "Sn")

#: Rows of a table, or a table.
Rows = pd.DataFrame | Iterable[Mapping[str, object]]

#: A table of picks, or tables in order of time that together are one.
Picks = pd.DataFrame | Iterable[pd.DataFrame]

_UNKNOWN = {"str": "", "float64": np.nan, "Int64": pd.NA, TIME: pd.NaT}
_MISSING = ("", "nan", "NaN", "NaT", "NA", "<NA>", "None", "NONE", "null")
_KINDS = {"str": "text", "float64": "a number", "Int64": "a whole number"}
_KINDS[TIME] = "a time"

_Convert = Callable[[pd.Series], pd.Series]


class Column(NamedTuple):
    """
    A column of a table.

    :param kind: Type
    :param names: Names of the column in other programs' tables, divided by blanks
    :param required: Whether a table must have it, with a value in each row
    :param least: Smallest value
    :param most: Largest value
    :param allowed: Allowed values, for errors
    :param check: Tells which values are allowed, beyond these limits
    :param convert: Converts values to the form of the table, before they are checked
    :param default: Value of all rows if the column is missing
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
    """

    name: str
    columns: Mapping[str, Column]
    further: Mapping[str, Column]

    def table(self, given: Rows) -> pd.DataFrame:
        """
        :param given: Rows, or a table; case, blanks and punctuation in names of columns
            do not matter
        :raises ValueError: if a column is missing or a value is not allowed
        :return: New table, in the same order
        """
        given = as_frame(given)
        found = self.found(given)
        further = {} if found.keys().isdisjoint(self.further) else self.further
        table = {}
        for name, column in {**self.columns, **further}.items():
            if name in found:
                table[name] = self._values(found[name], name, column)
            elif column.required and column.default is None and len(given):
                names = " or ".join([name, *column.names.split()])
                heads = ", ".join(map(str, given.columns))
                raise ValueError(f"{self.name} has no column {names}; it has {heads}.")
            else:
                default = (
                    _UNKNOWN[column.kind] if column.default is None else column.default
                )
                table[name] = pd.Series([default] * len(given), dtype=column.kind)
        return pd.DataFrame(table)

    def found(self, given: pd.DataFrame) -> dict[str, pd.Series]:
        """:return: Our columns in a table, whatever their names there"""
        heads = {_plain(str(h)): i for i, h in reversed([*enumerate(given.columns)])}
        return {
            name: given.iloc[:, heads[known[0]]]
            for name, column in {**self.columns, **self.further}.items()
            if (known := [n for n in _names(name, column.names) if n in heads])
        }

    def _values(self, given: pd.Series, name: str, column: Column) -> pd.Series:
        given = given.rename(name)
        values = given.reset_index(drop=True)
        if column.kind == "str":
            values = values.fillna("").astype("str")
        elif str(values.dtype) != column.kind:
            if pd.api.types.is_string_dtype(values):
                values = values.where(~values.isin(_MISSING))
            typed = _typed(values, column.kind)
            wrong = typed.isna() & values.notna()
            check(wrong, given, _KINDS[column.kind], self.name)
            values = typed
        if column.convert is not None:
            values = column.convert(values)
        check(column.is_wrong(values), given, column.describe(), self.name)
        return values


def as_frame(given: Rows) -> pd.DataFrame:
    """:return: Rows, or a table, as a table"""
    return given if isinstance(given, pd.DataFrame) else pd.DataFrame(list(given))


@lru_cache
def _names(name: str, others: str) -> list[str]:
    return [_plain(name) for name in (name, *others.split())]


@lru_cache
def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def _typed(values: pd.Series, kind: str) -> pd.Series:
    """:return: Values of this type, and unknown where they can't be converted"""
    if kind == TIME:
        return _times(values)
    # Where numbers are Python's, pandas takes NaN for one, but not NA.
    typed = pd.to_numeric(values.where(values.notna(), np.nan), errors="coerce")
    if kind == "Int64":
        typed = typed.where((typed % 1 == 0) & (typed.abs() < 2**53))
    return typed.astype(pd.api.types.pandas_dtype(kind))


def _times(values: pd.Series) -> pd.Series:
    first = next(iter(values[values.notna()].head(1)), None)
    if isinstance(first, float) or re.fullmatch(r"\d+\.\d*", str(first)):
        # Seconds since 1970, as PyOcto has them.
        seconds = pd.to_numeric(values, errors="coerce")
        values = pd.to_datetime((seconds * 1e6).round(), unit="us", errors="coerce")
    times = pd.to_datetime(values, utc=True, format="ISO8601", errors="coerce")
    return times.astype(pd.api.types.pandas_dtype(TIME))


def check(is_wrong: pd.Series, values: pd.Series, allowed: str, name: str) -> None:
    """
    :param is_wrong: Tells which values are not allowed
    :param values: Column of a table
    :param allowed: Allowed values, for the error
    :param name: Name of the table, for the error
    :raises ValueError: if a value is not allowed
    """
    if is_wrong.any():
        wrong = np.flatnonzero(is_wrong.fillna(False))
        where = f"{values.index.name or 'row'} {values.index[wrong[0]]}"
        value = repr(values.iloc[wrong[:1]].tolist()[0])
        raise ValueError(
            f"{name}[{values.name!r}] must be {allowed}, but {where} holds {value:.120}."
        )


def _full_ids(values: pd.Series) -> pd.Series:
    """NET.STA becomes NET.STA. with an empty location code."""
    short = [name for name in values.unique() if name.count(".") == 1]
    return values.where(~values.isin(short), values + ".") if short else values


def _matching(pattern: str) -> _Convert:
    """A check of text that looks once at each different value."""

    def check(values: pd.Series) -> pd.Series:
        return values.isin([x for x in values.unique() if re.fullmatch(pattern, x)])

    return check


def _full_phases(values: pd.Series) -> pd.Series:
    """GaMMA has p and s."""
    return values if values.isin(PHASES).all() else values.str.capitalize()


def _eastward(values: pd.Series) -> pd.Series:
    """Longitudes up to 360 degrees become those from -180 to 180."""
    return values.where(~((values > 180) & (values <= 360)), values - 360)


_TEXT, _NUMBER, _COUNT = Column("str"), Column("float64"), Column("Int64", least=0)
_LATITUDE = Column("float64", "lat evla stla", True, -90, 90)
_LONGITUDE = Column("float64", "lon lng long evlo stlo", True, -180, 180)
_LONGITUDE = _LONGITUDE._replace(allowed="from -180 to 360", convert=_eastward)
_STATION_ID = Column("str", "id station", True, allowed="NET.STA or NET.STA.LOC")
_STATION_ID = _STATION_ID._replace(
    check=_matching(r"[^.]*\.[^.]*\.[^.]*"), convert=_full_ids
)
_PHASE = Column("str", "type", True, allowed=f"one of {', '.join(PHASES)}")
_PHASE = _PHASE._replace(check=lambda x: x.isin(PHASES), convert=_full_phases)

#: Picks. ``station_id`` is NET.STA.LOC; ``time`` is UTC; ``probability`` is from 0 to 1, and
#: 1 where a table of others has none; ``snr`` and ``amplitude`` (in the unit of the record)
#: may be NaN; ``record`` names what was picked, such as a file, and ``relative_time_s``
#: counts from its first sample. Picks of known events also have the further columns:
#: ``azimuth_deg`` is from the event to the station, ``residual_s`` is ``time`` minus
#: ``theoretical_time``.
PICKS = Schema(
    "picks",
    {
        "station_id": _STATION_ID,
        "phase": _PHASE,
        "time": Column(TIME, "timestamp", True),
        "probability": Column("float64", "prob", True, 0, 1, default=1.0),
        "snr": _NUMBER,
        "amplitude": Column("float64", "amp"),
        "record": _TEXT,
        "relative_time_s": _NUMBER,
    },
    {
        "event_id": _TEXT,
        "epicentral_distance_km": _NUMBER,
        "azimuth_deg": _NUMBER,
        "theoretical_time": Column(TIME),
        "residual_s": _NUMBER,
    },
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
        "event_id": Column("str", "id ev_id evid event", True, allowed="a name"),
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
    },
)

#: Stations. ``station_id`` is NET.STA.LOC; without a location code it stands for all
#: locations; ``longitude`` is from -180 to 180; ``elevation_m`` may be NaN.
STATIONS = Schema(
    "stations",
    {
        "station_id": _STATION_ID._replace(
            names="id seed_id", check=_matching(r"[^.]*\.[^.]+\.[^.]*")
        ),
        "latitude": _LATITUDE,
        "longitude": _LONGITUDE,
        "elevation_m": Column(
            "float64", "elevation elv elv_m elev elev_m stel", False, -12_000, 10_000
        ),
    },
    {},
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

    :param picks: Rows or a table with at least ``station_id`` (NET.STA or NET.STA.LOC),
        ``phase``, ``time`` and ``probability``. If the whole column ``probability`` is
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

    :param events: Rows or a table with at least ``event_id``, ``time``, ``latitude`` and
        ``longitude`` (from -180 to 360 degrees)
    :raises ValueError: if one of these is missing, a value is not allowed, or two events
        have the same ``event_id``
    :return: New table
    """
    table = EVENTS.table(events)
    names = table["event_id"]
    check(names.duplicated(), names, "different in each row", EVENTS.name)
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
