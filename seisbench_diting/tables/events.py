"""The table of located events."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .columns import TIME, Rows, check, typed

#: Columns of every event table, with their types.
#:
#: ``event_id`` names one event; ``time`` is the origin time, UTC; ``longitude`` is from
#: -180 to 180; ``depth_km``, ``magnitude``, ``magnitude_type`` and ``event_type`` (such as
#: ``eq`` or ``earthquake``, as the source has it) may be NaN or empty.
EVENT_TABLE_COLUMNS = {
    "event_id": "str",
    "time": TIME,
    "latitude": "float64",
    "longitude": "float64",
    "depth_km": "float64",
    "magnitude": "float64",
    "magnitude_type": "str",
    "event_type": "str",
}

#: Columns that must be given.
REQUIRED = ("event_id", "time", "latitude", "longitude")


def event_table(events: Rows) -> pd.DataFrame:
    """
    A table with all columns in their types, sorted by time.

    :param events: Rows or a table with at least ``event_id``, ``time``, ``latitude`` and
        ``longitude``, which may reach from -180 to 360 degrees
    :raises ValueError: if one of these is missing, a value is impossible, or two events
        have one ``event_id``
    :return: New table
    """
    table = typed(events, EVENT_TABLE_COLUMNS, REQUIRED, "events")
    depth, magnitude = table["depth_km"], table["magnitude"]
    check(
        table,
        {
            "event_id": (table["event_id"] != "", "a name"),
            "time": (table["time"].notna(), "a time"),
            **coordinate_rules(table),
            "depth_km": (
                depth.isna() | depth.between(-10, 1000),
                "from -10 to 1000 km, or NaN",
            ),
            "magnitude": (magnitude.isna() | np.isfinite(magnitude), "a number or NaN"),
        },
        "events",
    )
    table["longitude"] = eastward(table["longitude"])
    double = table[table["event_id"].duplicated(keep=False)]
    if len(double):
        event_id = double["event_id"].iloc[0]
        rows = double.index[double["event_id"] == event_id]
        raise ValueError(
            f"events['event_id'] must name one event, but rows {rows[0]} and {rows[1]} "
            f"hold {event_id!r}. Keep one of them."
        )
    return table.sort_values(["time", "event_id"], kind="stable", ignore_index=True)


def coordinate_rules(table: pd.DataFrame) -> dict[str, tuple[pd.Series, str]]:
    """:return: What coordinates must be"""
    return {
        "latitude": (table["latitude"].between(-90, 90), "from -90 to 90"),
        "longitude": (table["longitude"].between(-180, 360), "from -180 to 360"),
    }


def eastward(longitude: pd.Series) -> pd.Series:
    """:return: Longitudes from -180 to 180"""
    return longitude.where(longitude <= 180, longitude - 360)
