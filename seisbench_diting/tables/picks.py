"""The table of picks: its columns, and how it is made, checked and put in order."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

#: Phases that a pick may have.
PHASES = ("P", "S", "Pg", "Sg", "Pn", "Sn")

_TIME = "datetime64[us, UTC]"

#: Columns of every pick table, with their types.
#:
#: ``station_id`` is NET.STA.LOC; ``time`` is UTC; ``probability`` from 0 to 1; ``snr``
#: and ``amplitude`` (in the unit of the record) may be NaN; ``record`` names what was
#: picked, such as a file, and ``relative_time_s`` counts from its first sample.
COLUMNS = {
    "station_id": "str",
    "phase": "str",
    "time": _TIME,
    "probability": "float64",
    "snr": "float64",
    "amplitude": "float64",
    "record": "str",
    "relative_time_s": "float64",
}

#: Columns that picks of known events have as well.
EVENT_COLUMNS = {
    "event_id": "str",
    "epicentral_distance_km": "float64",
    "azimuth_deg": "float64",
    "theoretical_time": _TIME,
    "residual_s": "float64",
}

_DEFAULTS = {"str": "", "float64": np.nan, _TIME: pd.NaT}

_REQUIRED = ("station_id", "phase", "time", "probability")


def pick_table(picks: pd.DataFrame | Iterable[dict[str, object]]) -> pd.DataFrame:
    """
    A table with all columns in their types, sorted by time, station and phase. Columns of
    event picks are there if any of them is given.

    :param picks: Rows or a table with at least ``station_id``, ``phase``, ``time`` and
        ``probability``
    :raises ValueError: if one of these is missing, or a value is impossible
    :return: New table
    """
    given = picks if isinstance(picks, pd.DataFrame) else pd.DataFrame(list(picks))
    types = dict(COLUMNS)
    if set(EVENT_COLUMNS) & set(given.columns):
        types.update(EVENT_COLUMNS)
    if len(given) == 0:
        given = given.reindex(columns=list(types))
    if missing := [name for name in _REQUIRED if name not in given.columns]:
        raise ValueError(
            f"picks has no column {', '.join(missing)}; it has "
            f"{', '.join(map(str, given.columns)) or 'none'}."
        )
    if unknown := [name for name in given.columns if name not in types]:
        raise ValueError(
            f"picks has the column {', '.join(map(str, unknown))}, which no pick table "
            f"has; leave it out. Possible are {', '.join((*COLUMNS, *EVENT_COLUMNS))}."
        )
    table = pd.DataFrame(
        {
            name: _column(given[name], kind)
            if name in given.columns
            else pd.Series([_DEFAULTS[kind]] * len(given), dtype=kind)
            for name, kind in types.items()
        }
    )
    _check(table)
    return table.sort_values(
        ["time", "station_id", "phase"], kind="stable", ignore_index=True
    )


def _column(values: pd.Series, kind: str) -> pd.Series:
    values = values.reset_index(drop=True)
    try:
        if kind == _TIME:
            return pd.to_datetime(values, utc=True, format="ISO8601").astype(kind)
        if kind == "str":
            return values.fillna("").astype("str")
        return pd.to_numeric(values).astype(kind)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"picks[{values.name!r}] holds what is no {_NAMES[kind]}: {error}."
        ) from error


_NAMES = {"str": "text", "float64": "number", _TIME: "time"}


def _check(table: pd.DataFrame) -> None:
    rules = {
        "phase": (table["phase"].isin(PHASES), f"one of {', '.join(PHASES)}"),
        "time": (table["time"].notna(), "a time"),
        "probability": (table["probability"].between(0, 1), "from 0 to 1"),
        "station_id": (
            table["station_id"].str.count(r"\.") == 2,
            "NET.STA.LOC with two points",
        ),
    }
    for name, (possible, allowed) in rules.items():
        wrong = np.flatnonzero(~possible.to_numpy(dtype=bool))
        if len(wrong):
            row = wrong[0]
            raise ValueError(
                f"picks[{name!r}] must be {allowed}, but row {row} holds "
                f"{table[name].iloc[row]!r}."
            )
