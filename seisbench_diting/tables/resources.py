"""What QuakeML files are written with: names that stay, and notes that are read back."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

import pandas as pd
from obspy.core.event import Comment, ResourceIdentifier

#: QuakeML has epicentral distances in degrees, of 1/360 of the Earth's mean circumference.
KM_PER_DEGREE = 111.195

_NOTES = "seisbench_diting"

# Event services name events in a query, others in the last part of a path.
_QUERY = re.compile(r"(?:event_?id|evid)=([^&#]+)", re.IGNORECASE)


def resource(*parts: str) -> ResourceIdentifier:
    """
    :param parts: What names something
    :return: The same name in any run, of the characters that QuakeML allows
    """
    safe = (
        quote(part, safe="").replace("~", "%7E").replace("%", "~") for part in parts
    )
    return ResourceIdentifier("/".join(["smi:local/seisbench-diting", *safe]))


def moment(time: pd.Timestamp) -> str:
    """:return: Time as part of a name"""
    return f"{time:%Y%m%dT%H%M%S.%f}"


def short_names(resource_ids: Iterable[str]) -> dict[str, str]:
    """
    :param resource_ids: Names of all events in a QuakeML file
    :return: What their agency calls them, such as 7073641 for
        ``smi:webservices.ingv.it/fdsnws/event/1/query?eventId=7073641``, if that differs
        from event to event; otherwise the whole names
    """
    names = {resource_id: _short_name(resource_id) for resource_id in resource_ids}
    if len(set(names.values())) < len(names):
        return {resource_id: resource_id for resource_id in names}
    return names


def _short_name(resource_id: str) -> str:
    if match := _QUERY.search(resource_id):
        return match[1]
    return resource_id.rstrip("/").rsplit("/", maxsplit=1)[-1]


def notes(values: Mapping[str, object], of: ResourceIdentifier) -> Comment:
    """
    :param values: What QuakeML has no place for; NaN, NA and NaT are left out
    :param of: What it is about
    :return: Comment in JSON
    """
    known = {
        name: value.isoformat() if isinstance(value, pd.Timestamp) else value
        for name, value in values.items()
        if not (
            value is pd.NaT
            or value is pd.NA
            or (isinstance(value, float) and math.isnan(value))
        )
    }
    return Comment(
        text=json.dumps({_NOTES: known}),
        resource_id=ResourceIdentifier(f"{of.id}/notes"),
    )


def read_notes(text: str | None) -> dict[str, object]:
    """
    :param text: Text of any comment
    :return: What was noted, nothing if it is someone else's
    """
    try:
        found = json.loads(text or "")[_NOTES]
    except (KeyError, TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
