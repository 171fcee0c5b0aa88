"""Picks read from QuakeML files, of this package and of others."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pandas as pd
from lxml import etree

from .picks import COLUMNS, EVENT_COLUMNS, PHASES, pick_table
from .quakeml_file import iterate
from .resources import KM_PER_DEGREE, read_notes, short_names

_KNOWN = {**COLUMNS, **EVENT_COLUMNS}


def read_picks_quakeml(path: str | Path) -> pd.DataFrame:
    """
    Reads the files written here, and those of others. QuakeML knows no probabilities:
    picks of others have 1. They have their event's ``event_id``, as in
    :py:func:`~seisbench_diting.tables.read_events`, and distance, azimuth and residual of
    their arrival at its preferred, or else its first, origin. Picks of phases that no
    table has, and without a station or a time, are left out, with a warning.

    :param path: File to read
    :raises ValueError: if it is no QuakeML file
    :return: Table of picks
    """
    rows: list[dict[str, object]] = []
    resources: set[str] = set()
    left_out: Counter[str] = Counter()
    with Path(path).open("rb") as file:
        try:
            _check_root(file, path)
            for event, picks in _events(file):
                resources.add(event)
                for row in picks:
                    if reason := _impossible(row):
                        left_out[reason] += 1
                    else:
                        rows.append(row)
        except etree.XMLSyntaxError as error:
            raise ValueError(f"{path} is no whole XML file: {error}.") from error
    if left_out:
        reasons = (f"{reason} ({number})" for reason, number in left_out.most_common())
        warnings.warn(
            f"{path}: {left_out.total()} of {len(rows) + left_out.total()} picks are "
            f"left out, as no table of picks has them: {', '.join(reasons)}.",
            stacklevel=2,
        )
    # Of all events, so that they are those of a table of events.
    names = short_names(resources)
    for row in rows:
        if "resource" in row:
            row["event_id"] = names[row.pop("resource")]
    return pick_table(rows)


def _check_root(file: BinaryIO, path: str | Path) -> None:
    _, root = next(iterate(file, events=("start",)))
    file.seek(0)
    if etree.QName(root).localname != "quakeml":
        raise ValueError(
            f"{path} is no QuakeML file: it begins with <{etree.QName(root).localname}>."
        )


def _events(file: BinaryIO) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Names of events, and their picks."""
    picks: list[tuple[str, dict[str, object]]] = []
    for _, element in iterate(file, tag=("{*}pick", "{*}event")):
        if etree.QName(element).localname == "pick":
            picks.append((element.get("publicID", ""), _row(element)))
            element.clear()
            continue
        arrivals = None
        for name, row in picks:
            if "probability" not in row:
                arrivals = _arrivals(element) if arrivals is None else arrivals
                row.update(_of_others(row, element, arrivals.get(name)))
        yield element.get("publicID", ""), [row for _, row in picks]
        picks = []
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def _row(pick: etree._Element) -> dict[str, object]:
    place = pick.find("{*}waveformID")
    codes = {} if place is None else place.attrib
    network, station = codes.get("networkCode", ""), codes.get("stationCode", "")
    location = codes.get("locationCode", "").replace("--", "")
    row: dict[str, object] = {
        "station_id": f"{network}.{station}.{location}",
        "phase": (pick.findtext("{*}phaseHint") or "").strip(),
        "time": (pick.findtext("{*}time/{*}value") or "").strip(),
    }
    for text in pick.iterfind("{*}comment/{*}text"):
        found = read_notes(text.text)
        row.update({name: value for name, value in found.items() if name in _KNOWN})
    return row


def _of_others(
    row: dict[str, object], event: etree._Element, arrival: etree._Element | None
) -> dict[str, object]:
    more: dict[str, object] = {"probability": 1.0}
    noted = [read_notes(t.text) for t in event.iterfind("{*}comment/{*}text")]
    ids = [note["event_id"] for note in noted if "event_id" in note]
    more |= {"event_id": ids[0]} if ids else {"resource": event.get("publicID", "")}
    if arrival is None:
        return more
    distance = arrival.findtext("{*}distance")
    azimuth = arrival.findtext("{*}azimuth")
    residual = arrival.findtext("{*}timeResidual")
    if distance:
        more["epicentral_distance_km"] = float(distance) * KM_PER_DEGREE
    if azimuth:
        more["azimuth_deg"] = float(azimuth)
    if residual:
        more["residual_s"] = float(residual)
        if row["time"]:
            time = pd.Timestamp(row["time"])
            more["theoretical_time"] = time - pd.Timedelta(seconds=float(residual))
    if not row["phase"]:
        more["phase"] = (arrival.findtext("{*}phase") or "").strip()
    return more


def _arrivals(event: etree._Element) -> dict[str, etree._Element]:
    origins = event.findall("{*}origin")
    preferred = (event.findtext("{*}preferredOriginID") or "").strip()
    chosen = [o for o in origins if o.get("publicID") == preferred] or origins
    return {
        (arrival.findtext("{*}pickID") or "").strip(): arrival
        for origin in chosen[:1]
        for arrival in origin.iterfind("{*}arrival")
    }


def _impossible(row: dict[str, object]) -> str:
    if not row["time"]:
        return "no time"
    if row["phase"] not in PHASES:
        return f"phase {row['phase']!r}"
    if not str(row["station_id"]).split(".")[1]:
        return "no station"
    return ""
