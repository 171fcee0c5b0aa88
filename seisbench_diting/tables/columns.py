"""What all tables share: columns in their types, and checks that name what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

#: Type of times.
TIME = "datetime64[us, UTC]"

_DEFAULTS = {"str": "", "float64": np.nan, "Int64": pd.NA, TIME: pd.NaT}

_NAMES = {"str": "text", "float64": "number", "Int64": "whole number", TIME: "time"}

Rows = pd.DataFrame | Iterable[Mapping[str, object]]


def typed(
    given: Rows,
    types: Mapping[str, str],
    required: Iterable[str],
    name: str,
    further: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """
    :param given: Rows, or a table
    :param types: Columns of the result and their types
    :param required: Columns that must be given; the others are empty, NaN, NA or NaT
    :param name: What the table is called in errors
    :param further: More columns and their types, of which all are there if any is given
    :raises ValueError: if a column is missing, unknown, or holds what is not of its type
    :return: New table
    """
    given = given if isinstance(given, pd.DataFrame) else pd.DataFrame(list(given))
    # All, where there is a column of neither kind: the error names what is possible.
    if further and not set(given.columns) <= set(types):
        types = {**types, **further}
    if len(given) == 0:
        given = given.reindex(columns=list(types))
    if missing := [column for column in required if column not in given.columns]:
        raise ValueError(
            f"{name} has no column {', '.join(missing)}; it has "
            f"{', '.join(map(str, given.columns)) or 'none'}."
        )
    if unknown := [column for column in given.columns if column not in types]:
        raise ValueError(
            f"{name} has the column {', '.join(map(str, unknown))}, which no such table "
            f"has; leave it out. Possible are {', '.join(types)}."
        )
    return pd.DataFrame(
        {
            column: _column(given[column], kind, name)
            if column in given.columns
            else pd.Series([_DEFAULTS[kind]] * len(given), dtype=kind)
            for column, kind in types.items()
        }
    )


def _column(values: pd.Series, kind: str, name: str) -> pd.Series:
    values = values.reset_index(drop=True)
    try:
        if kind == TIME:
            return pd.to_datetime(values, utc=True, format="ISO8601").astype(kind)
        if kind == "str":
            return values.fillna("").astype("str")
        # NA is no number to pandas where numbers are Python's.
        return pd.to_numeric(values.where(values.notna(), np.nan)).astype(kind)
    except (OverflowError, TypeError, ValueError) as error:
        raise ValueError(
            f"{name}[{values.name!r}] holds what is no {_NAMES[kind]}: {error}."
        ) from error


def check(
    table: pd.DataFrame, rules: Mapping[str, tuple[pd.Series, str]], name: str
) -> None:
    """
    :param table: Table
    :param rules: For columns, which rows are right, and what is allowed
    :param name: What the table is called in errors
    :raises ValueError: if a row is wrong
    """
    for column, (right, allowed) in rules.items():
        wrong = np.flatnonzero(~right.to_numpy(dtype=bool))
        if len(wrong):
            row = wrong[0]
            raise ValueError(
                f"{name}[{column!r}] must be {allowed}, but row {row} holds "
                f"{table[column].iloc[row]!r}."
            )


def with_gaps(table: pd.DataFrame, types: Mapping[str, str]) -> pd.DataFrame:
    """
    :param table: Text that was read
    :param types: Columns and their types
    :return: Table in which empty text is a missing number or time
    """
    table = table.copy()
    for column, kind in types.items():
        if column in table and kind != "str":
            table[column] = table[column].where(table[column] != "")
    return table


def is_station_id(values: pd.Series) -> pd.Series:
    """:return: Where text is NET.STA.LOC"""
    return values.str.count(r"\.") == 2
