"""Events and their picks in QuakeML files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from obspy.core.event import Arrival, Pick, ResourceIdentifier

from .assignments import assignment_table, check_association
from .catalog_quakeml import event_object, read_events_quakeml
from .quakeml import pick_objects
from .quakeml_file import quakeml_file
from .quakeml_reading import read_picks_quakeml
from .resources import KM_PER_DEGREE, resource


def write_association_quakeml(
    events: pd.DataFrame, assignments: pd.DataFrame, path: str | Path
) -> None:
    """
    Each event has an origin with its quality, its picks, and for each of them an arrival.
    What QuakeML has no place for is in comments, in JSON. Of ObsPy's objects those of one
    event are in memory. The same tables give the same file.

    :param events: Table of events
    :param assignments: Table of assigned picks
    :param path: File to write
    :raises ValueError: if the tables don't belong together
    """
    events, assignments = check_association(events, assignments)
    rows = assignments.groupby("event_id", sort=False).indices
    none = np.zeros(0, dtype=int)
    with quakeml_file(path, resource("association")) as file:
        for row in events.to_dict("records"):
            event = event_object(row)
            picks = assignments.iloc[rows.get(row["event_id"], none)]
            event.picks = list(pick_objects(picks))
            event.origins[0].arrivals = [
                _arrival(pick, found)
                for pick, found in zip(
                    event.picks, picks.to_dict("records"), strict=True
                )
            ]
            file.write(event.resource_id, [event])


def _arrival(pick: Pick, row: dict[str, object]) -> Arrival:
    distance, azimuth, residual = (
        None if np.isnan(row[name]) else row[name]
        for name in ("epicentral_distance_km", "azimuth_deg", "residual_s")
    )
    return Arrival(
        resource_id=ResourceIdentifier(f"{pick.resource_id.id}/arrival"),
        pick_id=pick.resource_id,
        phase=row["phase"],
        azimuth=azimuth,
        distance=None if distance is None else distance / KM_PER_DEGREE,
        time_residual=residual,
    )


def read_association_quakeml(path: str | Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    Reads the files written here, and those of others, of which all picks of an event count
    as assigned to it. Events without a located origin are left out, with a warning, and
    their picks with them.

    :param path: File to read
    :raises ValueError: if it is no QuakeML file
    :return: Table of events, and table of assigned picks
    """
    events, picks = (
        read_events_quakeml(path),
        assignment_table(read_picks_quakeml(path)),
    )
    known = picks["event_id"].isin(events["event_id"])
    return events, picks[known].reset_index(drop=True)
