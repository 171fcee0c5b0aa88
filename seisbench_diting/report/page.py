"""Write a run as one HTML page, with data, waveforms and scripts."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import logging
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .. import __version__
from .._util import check_place, takes, write_text
from ..plots import COLOURS, band_text
from ..tables import find_station, read_stations
from .report_settings import ReportSettings
from .run_data import EDGES, Run, opened_source, read_run, read_snippets

_LOG = logging.getLogger("seisbench_diting")

#: More events on a map than these take a browser seconds.
_MOST_EVENTS = 8000

_NO_PLOTLY = "Reports need plotly, which is not installed: pip install 'seisbench-diting[report]'."


@takes(ReportSettings)
def write_report(settings: ReportSettings) -> Path:
    """
    Writes one HTML file that shows a run and opens offline: picks over time and stations,
    histograms, a map, and waveforms around picks that are clicked.

    :raises ValueError: if the run does not exist, an option is invalid, a file is
        damaged, or the run is not finished
    :raises ImportError: without plotly
    :return: The page
    """
    plotly = _plotly()
    path = settings.name
    target = settings.output or path.with_name(f"{path.name}.html")
    check_place(target, f"output={str(target)!r}")
    given = settings.stations
    stations = None if given is None else read_stations(given)
    run = read_run(path, settings.max_picks)
    places = None if stations is None else _stations(stations, run)
    if places is not None and run.counts.stations and not any(places["picks"]):
        _LOG.warning(
            "None of the %d stations of picks, such as %r, is in stations=%s.",
            len(run.counts.stations),
            next(iter(run.counts.stations)),
            "the table" if stations is settings.stations else f"{settings.stations!s}",
        )
    chosen = _with_snippets(run.counts.sample, settings.snippets)
    shown: dict[int, list[list[Any]]] = {}
    options = settings.waveforms, settings.name_pattern, settings.progress
    with opened_source(run, *options) as source:
        if source is not None and len(chosen):
            shown = read_snippets(chosen, source, settings.band, settings.progress)
    write_text(target, _page(run, places, shown, settings.band, plotly))
    return target


def _plotly() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise ImportError(_NO_PLOTLY) from error
    return get_plotlyjs()


def _with_snippets(picks: pd.DataFrame, most: int) -> pd.DataFrame:
    """Picks spread over all that are shown."""
    number = min(most, len(picks))
    places = np.linspace(0, max(0, len(picks) - 1), number).round().astype(int)
    return picks.iloc[np.unique(places)]


def _page(
    run: Run,
    stations: dict[str, Any] | None,
    snippets: dict[int, list[list[Any]]],
    band: tuple[float, float] | None,
    plotly: str,
) -> str:
    folder = files(__package__)
    events = _largest(run.events)
    data = {
        "picks": _picks(run.counts.sample, events),
        "counts": _counts(run),
        "events": _events(events),
        "stations": stations,
        "snippets": {str(label): channels for label, channels in snippets.items()},
        "band": None if band is None else band_text(band),
        "colours": COLOURS,
    }
    payload = json.dumps(data, allow_nan=False, separators=(",", ":"))
    script = (folder / "page.js").read_text(encoding="utf-8")
    values = {
        "TITLE": html.escape(run.name),
        "FACTS": "".join(
            f"<tr><th>{key}</th><td>{html.escape(str(value))}</td></tr>"
            for key, value in _facts(run, len(snippets)).items()
        ),
        "VERSION": html.escape(__version__),
        # No text in it can end the element that it is in.
        "DATA": payload.replace("<", "\\u003c"),
        "STYLE": (folder / "page.css").read_text(encoding="utf-8"),
        "SCRIPT": script,
        "PLOTLY": plotly,
        # Of these two and no others.
        "SCRIPTS": " ".join(map(_hash, (plotly, script))),
    }
    pieces = (folder / "page.html").read_text(encoding="utf-8").split("@@")
    return "".join(
        values[piece] if number % 2 else piece for number, piece in enumerate(pieces)
    )


def _hash(script: str) -> str:
    """As a content security policy names a script."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _facts(run: Run, snippets: int) -> dict[str, Any]:
    counts, number, picks = run.counts, "", f"{run.counts.total:,}"
    if run.events is not None:
        number = f"{len(run.events):,}"
        if len(run.events) > _MOST_EVENTS:
            number += f", of which {_MOST_EVENTS:,} are on this page"
    if len(counts.sample) < counts.total:
        shown = f"{len(counts.sample):,}"
        picks += f", of which {shown}, drawn at random, are on this page"
    times = [time.strftime("%Y-%m-%d %H:%M:%S") for time in counts.span]
    options = run.summary.get("options", {})
    facts = {
        "events": number,
        "picks": picks,
        "with waveforms": f"{snippets:,}",
        "stations": f"{len(counts.stations):,}",
        "time": f"{' to '.join(times)} UTC" if times else None,
        "method": run.summary.get("method"),
        "status": run.summary.get("status"),
        "model": options.get("model"),
        "smallest probability": options.get("threshold"),
    }
    return {key: value for key, value in facts.items() if value not in (None, "")}


def _picks(picks: pd.DataFrame, events: pd.DataFrame | None) -> dict[str, Any]:
    stations, names = pd.factorize(picks["station_id"], sort=True)
    of_phase, phases = pd.factorize(picks["phase"], sort=True)
    found: dict[str, Any] = {
        "names": list(names),
        "phases": list(phases),
        "station": stations.tolist(),
        "phase": of_phase.tolist(),
        "time": _milliseconds(picks["time"]),
        "probability": _rounded(picks["probability"], 3),
        "snr": _rounded(picks["snr"], 2),
    }
    if events is not None and "event_id" in picks:
        places = pd.Index(events["event_id"]).get_indexer(picks["event_id"])
        found["event"] = places.tolist()
        found["distance"] = _rounded(picks["epicentral_distance_km"], 2)
        found["residual"] = _rounded(picks["residual_s"], 3)
    return found


def _largest(events: pd.DataFrame | None) -> pd.DataFrame | None:
    """If there are too many events, those with the most picks, in order of time."""
    if events is None or len(events) <= _MOST_EVENTS:
        return events
    if "pick_count" in events:
        events = events.nlargest(_MOST_EVENTS, "pick_count")
    else:
        events = events.sample(_MOST_EVENTS, random_state=0)
    return events.sort_values("time").reset_index(drop=True)


def _events(events: pd.DataFrame | None) -> dict[str, Any] | None:
    if events is None:
        return None
    found = {"name": list(events["event_id"].astype(str)), **_places(events)}
    found["time"] = _milliseconds(events["time"])
    found["depth"] = _rounded(events["depth_km"], 2)
    if "pick_count" in events:
        found["picks"] = _rounded(events["pick_count"], 0)
    return found


def _stations(stations: pd.DataFrame, run: Run) -> dict[str, Any]:
    picks: Counter[str] = Counter()
    for station_id, number in run.counts.stations.items():
        # As in association, so that both have the same picks.
        if found := find_station(stations, station_id):
            picks[found.station_id] += number
    names = list(stations["station_id"])
    return {"name": names, "picks": [picks[x] for x in names], **_places(stations)}


def _places(table: pd.DataFrame) -> dict[str, Any]:
    return {name: _rounded(table[name], 4) for name in ("latitude", "longitude")}


def _counts(run: Run) -> dict[str, Any]:
    return {
        column: {
            "edges": _rounded(edges, 4),
            **{k: v.tolist() for k, v in sorted(run.counts.classes[column].items())},
        }
        for column, edges in EDGES.items()
    }


def _milliseconds(times: pd.Series) -> list[float]:
    return (times.astype("int64") / 1000).tolist()


def _rounded(values: Any, digits: int) -> list[float | None]:
    numbers = np.round(np.asarray(values, dtype=float), digits)
    return [float(x) if np.isfinite(x) else None for x in numbers]
