"""How much of the truth was found."""

from seisbench_diting.association import Association, compare
from seisbench_diting.tables import event_names, event_table


def as_catalogue(events):
    """Event table of true events without names."""
    columns = events[["time", "latitude", "longitude", "depth_km"]]
    return event_table(columns.assign(event_id=event_names(events["time"])))


def shares(result: Association, events, seconds=1.0, km=5.0):
    """Precision and recall."""
    found = compare(
        result.events,
        as_catalogue(events),
        max_time_s=seconds,
        max_distance_km=km,
    )
    return found.share_of_a, found.share_of_b
