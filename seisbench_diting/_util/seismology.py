"""Codes of stations, and spans of time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import obspy

#: Which instrument to take where several record at one station and location, by
#: band and instrument code; others follow in alphabetical order.
INSTRUMENT_PREFERENCE = ("HH", "BH", "EH", "SH", "HN", "EI", "EN", "SN", "BN")


def station_id(trace: obspy.Trace) -> str:
    """NET.STA.LOC of a trace."""
    stats = trace.stats
    return f"{stats.network}.{stats.station}.{stats.location}"


def join_spans(
    spans: Iterable[tuple[int, int]], tolerance: int = 0
) -> list[tuple[int, int]]:
    """
    :param spans: Begin and end of each
    :param tolerance: Those so far apart are one
    :return: What any of them covers, sorted, apart from each other
    """
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1] + tolerance:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((begin, end))
    return joined
