"""Picks that associators assigned to events."""

from __future__ import annotations

import pandas as pd

from .columns import Rows, check
from .events import event_table
from .picks import COLUMNS, EVENT_COLUMNS, pick_table


def assignment_table(assignments: Rows) -> pd.DataFrame:
    """
    A table of picks that has the columns of events even where it is empty. ``residual_s``
    is the time of the pick minus the ``theoretical_time``, ``azimuth_deg`` is from the
    event to the station.

    :param assignments: Rows or a table of picks, with ``event_id``
    :raises ValueError: if it is no table of picks, or has no ``event_id``
    :return: New table
    """
    table = pick_table(assignments)
    if "event_id" not in table:
        if len(table):
            raise ValueError(
                "assignments has no column event_id, which names the event of each pick; "
                f"it has {', '.join(table.columns)}."
            )
        table = pick_table(table.reindex(columns=[*COLUMNS, *EVENT_COLUMNS]))
    return table


def check_association(
    events: Rows, assignments: Rows
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    :param events: Rows or a table of events
    :param assignments: Rows or a table of picks, with ``event_id``
    :raises ValueError: if one of them is no such table, an assigned pick names no event of
        the table, or one pick, which is a station, P or S, and a time, is assigned to
        several events
    :return: New table of events, and new table of assigned picks
    """
    events, assignments = event_table(events), assignment_table(assignments)
    check(
        assignments,
        {
            "event_id": (
                assignments["event_id"].isin(events["event_id"]),
                "that of an event in events; picks of no event are left out",
            )
        },
        "assignments",
    )
    picks = pd.DataFrame(
        {
            "station_id": assignments["station_id"],
            "phase": assignments["phase"].str[:1],
            "time": assignments["time"],
            "event_id": assignments["event_id"],
        }
    ).drop_duplicates()
    of_several = picks.duplicated(["station_id", "phase", "time"], keep=False)
    if of_several.any():
        pick = picks[of_several].iloc[0]
        same = (picks[["station_id", "phase", "time"]] == pick.iloc[:3]).all(axis=1)
        first, second = picks.loc[same, "event_id"].iloc[:2]
        raise ValueError(
            f"assignments gives the {pick['phase']} pick of {pick['station_id']} at "
            f"{pick['time'].isoformat()} to the events {first!r} and {second!r}. Keep one "
            "of them."
        )
    return events, assignments
