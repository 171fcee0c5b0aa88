"""One page that holds a run: figures, data, waveforms, and what draws them."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import logging
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .. import __version__
from .._util import check_place, write_text
from ..plots import COLOURS, band_text
from ..tables import find_station, stations_from
from .counts import PROBABILITY_EDGES, SNR_EDGES
from .runs import Run, read_run
from .snippets import Component, opened_index, read_snippets

_LOG = logging.getLogger("seisbench_diting")

#: More events on a map than these take a browser seconds.
_MOST_EVENTS = 8000

_NO_PLOTLY = "Reports need plotly, which is not installed: pip install 'seisbench-diting[report]'."


def write_report(
    name: str | Path,
    output: str | Path | None = None,
    *,
    stations: str | Path | pd.DataFrame | None = None,
    waveforms: str | Path | Iterable[str | Path] = (),
    snippets: int = 500,
    max_picks: int = 100_000,
    band: tuple[float, float] | None = (1.0, 20.0),
    name_pattern: str | None = None,
    progress: bool = True,
) -> Path:
    """
    Writes one HTML file that shows a run, and needs nothing else, no network either: picks
    over time and stations, histograms, a map, and waveforms around picks that are clicked.

    :param name: NAME of a picking run or of an association; or a file of picks, or of
        events with their picks
    :param output: File to write. Default: ``NAME.html``.
    :param stations: Station table, or file with one, for the map
    :param waveforms: Folders, waveform files and lists of files, as for picking. Default:
        those that a picking run has read.
    :param snippets: Most picks whose waveforms are part of the page, 5 kB each at 100 Hz; 0 for
        none
    :param max_picks: Most picks that are part of the page, 50 bytes each; histograms and
        counts are of all
    :param band: Lowest and highest frequency of waveforms in Hz; None for no filter
    :param name_pattern: What names of waveform files say, for headers that lack codes
    :param progress: If progress is shown
    :raises FileNotFoundError: if there is no such run, or no such file
    :raises ValueError: if an option is impossible, a file is damaged, or a run goes on
    :raises ImportError: without plotly
    :return: The page
    """
    plotly = _plotly()
    for option, value, least in (
        ("snippets", snippets, 0),
        ("max_picks", max_picks, 1),
    ):
        if value < least:
            raise ValueError(f"{option}={value} is too small.")
    if band is not None and not 0 < band[0] < band[1]:
        raise ValueError(
            f"band={band!r} must be two frequencies in Hz, the lower one first."
        )
    path = Path(name)
    target = Path(output) if output is not None else path.with_name(f"{path.name}.html")
    if target.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"output={str(target)!r} must end in .html.")
    check_place(target, f"output={str(target)!r}")
    places = stations_from(stations)
    run = read_run(path, max_picks)
    shown_places = _stations(places, run)
    if (
        shown_places is not None
        and run.counts.stations
        and not any(shown_places["picks"])
    ):
        _LOG.warning(
            "None of the %d stations of picks, such as %r, is in stations=%s.",
            len(run.counts.stations),
            next(iter(run.counts.stations)),
            "the table" if isinstance(stations, pd.DataFrame) else repr(str(stations)),
        )
    chosen = _with_snippets(run, snippets)
    shown: dict[int, list[Component]] = {}
    one = isinstance(waveforms, str | Path)
    sources = list(map(str, [waveforms] if one else waveforms))
    with opened_index(run, sources, name_pattern, progress) as index:
        if index is not None and len(chosen):
            shown = read_snippets(chosen, index, band, progress)
    text = _page(
        run, shown_places, shown, None if band is None else band_text(band), plotly
    )
    write_text(target, text)
    return target


def _plotly() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise ImportError(_NO_PLOTLY) from error
    return get_plotlyjs()


def _with_snippets(run: Run, most: int) -> pd.DataFrame:
    """Picks spread over all that are shown."""
    number = min(most, len(run.picks))
    places = np.linspace(0, max(0, len(run.picks) - 1), number).round().astype(int)
    return run.picks.iloc[np.unique(places)]


def _page(
    run: Run,
    stations: dict[str, Any] | None,
    snippets: dict[int, list[Component]],
    band: str | None,
    plotly: str,
) -> str:
    folder = files(__package__)
    events = _largest(run.events)
    payload = json.dumps(
        {
            "picks": _picks(run.picks, events),
            "counts": _counts(run),
            "events": _events(events),
            "stations": stations,
            "snippets": {
                str(label): [component.to_json() for component in components]
                for label, components in snippets.items()
            },
            "band": band,
            "colours": COLOURS,
        },
        allow_nan=False,
        separators=(",", ":"),
    )
    script = (folder / "page.js").read_text(encoding="utf-8")
    values = {
        "TITLE": html.escape(run.name),
        "FACTS": "".join(
            f"<tr><th>{html.escape(key)}</th><td>{html.escape(value)}</td></tr>"
            for key, value in _facts(run, len(snippets))
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


def _facts(run: Run, snippets: int) -> list[tuple[str, str]]:
    counts = run.counts
    facts = []
    if run.events is not None:
        number = f"{len(run.events):,}"
        if len(run.events) > _MOST_EVENTS:
            number += f", of which {_MOST_EVENTS:,} are on this page"
        facts.append(("events", number))
    number = f"{counts.total:,}"
    if len(run.picks) < counts.total:
        number += f", of which {len(run.picks):,}, drawn at random, are on this page"
    facts.append(("picks", number))
    facts.append(("with waveforms", f"{snippets:,}"))
    facts.append(("stations", f"{len(counts.stations):,}"))
    if counts.first is not None and counts.last is not None:
        form = "%Y-%m-%d %H:%M:%S"
        facts.append(
            (
                "time",
                f"{counts.first.strftime(form)} to {counts.last.strftime(form)} UTC",
            )
        )
    options = run.summary.get("options", {})
    for key, value in (
        ("method", run.summary.get("method")),
        ("status", run.summary.get("status")),
        ("model", options.get("model")),
        ("smallest probability", options.get("threshold")),
    ):
        if value is not None:
            facts.append((key, str(value)))
    return facts


def _picks(picks: pd.DataFrame, events: pd.DataFrame | None) -> dict[str, Any]:
    stations = sorted(picks["station_id"].unique())
    number = {name: place for place, name in enumerate(stations)}
    phases = sorted(picks["phase"].unique())
    found: dict[str, Any] = {
        "names": stations,
        "phases": phases,
        "station": [number[name] for name in picks["station_id"]],
        "phase": [phases.index(name) for name in picks["phase"]],
        "time": _milliseconds(picks["time"]),
        "probability": _rounded(picks["probability"], 3),
        "snr": _rounded(picks["snr"], 2),
    }
    if events is not None and "event_id" in picks:
        places = {name: place for place, name in enumerate(events["event_id"])}
        found["event"] = [places.get(name, -1) for name in picks["event_id"]]
        found["distance"] = _rounded(picks["epicentral_distance_km"], 2)
        found["residual"] = _rounded(picks["residual_s"], 3)
    return found


def _largest(events: pd.DataFrame | None) -> pd.DataFrame | None:
    """Of very many events those with the most picks, in order of time."""
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
    found = {
        "name": list(events["event_id"].astype(str)),
        "time": _milliseconds(events["time"]),
        "latitude": _rounded(events["latitude"], 4),
        "longitude": _rounded(events["longitude"], 4),
        "depth": _rounded(events["depth_km"], 2),
    }
    if "pick_count" in events:
        found["picks"] = _rounded(events["pick_count"], 0)
    return found


def _stations(stations: pd.DataFrame | None, run: Run) -> dict[str, Any] | None:
    if stations is None:
        return None
    picks: dict[str, int] = {}
    for station_id, number in run.counts.stations.items():
        # As in association, so that both have the same picks.
        if found := find_station(stations, station_id):
            picks[found.station_id] = picks.get(found.station_id, 0) + number
    return {
        "name": list(stations["station_id"]),
        "latitude": _rounded(stations["latitude"], 4),
        "longitude": _rounded(stations["longitude"], 4),
        "picks": [picks.get(name, 0) for name in stations["station_id"]],
    }


def _counts(run: Run) -> dict[str, Any]:
    return {
        "probability": {
            "edges": _rounded(PROBABILITY_EDGES, 3),
            **{k: v.tolist() for k, v in sorted(run.counts.probability.items())},
        },
        "snr": {
            "edges": _rounded(SNR_EDGES, 4),
            **{k: v.tolist() for k, v in sorted(run.counts.snr.items())},
        },
    }


def _milliseconds(times: pd.Series) -> list[float]:
    return (times.astype("int64") / 1000).tolist()


def _rounded(values: Sequence[float] | pd.Series, digits: int) -> list[float | None]:
    numbers = np.round(np.asarray(values, dtype=float), digits)
    return [float(x) if np.isfinite(x) else None for x in numbers]
