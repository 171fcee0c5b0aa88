"""The table of located events."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from .columns import TIME, Rows, check, typed
from .resources import moment

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

#: Columns that events of associators have as well.
#:
#: Numbers of picks, of P and of S picks, of stations and of stations with ``both``; the
#: root mean square of the residuals; the largest angle, seen from the event, without a
#: station; and the associator's own ``score``, whose meaning is its own. All may be NA or
#: NaN.
QUALITY_COLUMNS = {
    "pick_count": "Int64",
    "p_count": "Int64",
    "s_count": "Int64",
    "station_count": "Int64",
    "both_count": "Int64",
    "rms_residual_s": "float64",
    "azimuthal_gap_deg": "float64",
    "score": "float64",
}

#: Columns that must be given.
REQUIRED = ("event_id", "time", "latitude", "longitude")


def event_table(events: Rows) -> pd.DataFrame:
    """
    A table with all columns in their types, sorted by time. Columns of quality are there
    if any of them is given.

    :param events: Rows or a table with at least ``event_id``, ``time``, ``latitude`` and
        ``longitude``, which may reach from -180 to 360 degrees
    :raises ValueError: if one of these is missing, a value is impossible, or two events
        have one ``event_id``
    :return: New table
    """
    table = typed(events, EVENT_TABLE_COLUMNS, REQUIRED, "events", QUALITY_COLUMNS)
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
            **(_quality_rules(table) if "pick_count" in table else {}),
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


def _quality_rules(table: pd.DataFrame) -> dict[str, tuple[pd.Series, str]]:
    rms, gap, score = (
        table[name] for name in ("rms_residual_s", "azimuthal_gap_deg", "score")
    )
    return {
        **{
            name: (table[name].isna() | (table[name] >= 0), "0 or more, or NA")
            for name, kind in QUALITY_COLUMNS.items()
            if kind == "Int64"
        },
        "rms_residual_s": (
            rms.isna() | ((rms >= 0) & np.isfinite(rms)),
            "0 s or more, or NaN",
        ),
        "azimuthal_gap_deg": (
            gap.isna() | gap.between(0, 360),
            "from 0 to 360 degrees, or NaN",
        ),
        "score": (score.isna() | np.isfinite(score), "a number or NaN"),
    }


def event_names(times: pd.Series) -> list[str]:
    """
    :param times: Origin times, UTC
    :return: An ``event_id`` for each, such as ``20220409T022838.021000``; where times are
        the same, ``-2`` and so on follow from the second on
    """
    seen: Counter[str] = Counter()
    names = []
    for time in times:
        name = moment(time)
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return names


def coordinate_rules(table: pd.DataFrame) -> dict[str, tuple[pd.Series, str]]:
    """:return: What coordinates must be"""
    return {
        "latitude": (table["latitude"].between(-90, 90), "from -90 to 90"),
        "longitude": (table["longitude"].between(-180, 360), "from -180 to 360"),
    }


def eastward(longitude: pd.Series) -> pd.Series:
    """:return: Longitudes from -180 to 180"""
    return longitude.where(longitude <= 180, longitude - 360)
