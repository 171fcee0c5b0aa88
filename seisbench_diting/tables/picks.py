"""The table of picks: its columns, and how it is made, checked and put in order."""

from __future__ import annotations

import pandas as pd

from .columns import TIME, Rows, check, is_station_id, typed

#: Phases that a pick may have.
PHASES = ("P", "S", "Pg", "Sg", "Pn", "Sn")

#: Columns of every pick table, with their types.
#:
#: ``station_id`` is NET.STA.LOC; ``time`` is UTC; ``probability`` from 0 to 1; ``snr``
#: and ``amplitude`` (in the unit of the record) may be NaN; ``record`` names what was
#: picked, such as a file, and ``relative_time_s`` counts from its first sample.
COLUMNS = {
    "station_id": "str",
    "phase": "str",
    "time": TIME,
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
    "theoretical_time": TIME,
    "residual_s": "float64",
}

_REQUIRED = ("station_id", "phase", "time", "probability")


def pick_table(picks: Rows) -> pd.DataFrame:
    """
    A table with all columns in their types, sorted by time, station and phase. Columns of
    event picks are there if any of them is given.

    :param picks: Rows or a table with at least ``station_id``, ``phase``, ``time`` and
        ``probability``
    :raises ValueError: if one of these is missing, or a value is impossible
    :return: New table
    """
    table = typed(picks, COLUMNS, _REQUIRED, "picks", EVENT_COLUMNS)
    check(
        table,
        {
            "phase": (table["phase"].isin(PHASES), f"one of {', '.join(PHASES)}"),
            "time": (table["time"].notna(), "a time"),
            "probability": (table["probability"].between(0, 1), "from 0 to 1"),
            "station_id": (
                is_station_id(table["station_id"]),
                "NET.STA.LOC with two points",
            ),
        },
        "picks",
    )
    return table.sort_values(
        ["time", "station_id", "phase"], kind="stable", ignore_index=True
    )
