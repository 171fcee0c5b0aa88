"""Options of reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import field_validator

from .._util import OptionalBand, Settings, option


class ReportSettings(Settings):
    """Settings of writing a page of a run."""

    name: Path = option(
        ...,
        "What was given to -o of pick, pick-events or associate; or a file of picks, or "
        "of events with their picks.",
        metavar="NAME",
        positional=True,
    )
    output: Path | None = option(
        None, "Page to write. Default: NAME.html.", "-o", metavar="FILE.html"
    )
    stations: Any = option(
        None,
        "Stations, for the map: the published text, StationXML, CSV, or a table.",
        "-s",
        metavar="FILE",
    )
    waveforms: list[str] = option(
        [],
        "Folder, waveform file, or list of files; may be repeated. Default: what a picking "
        "run has read.",
        "-w",
        metavar="PATH",
        many=True,
    )
    snippets: int = option(
        500,
        "Most picks whose waveforms are part of the page; 5 kB each at 100 Hz.",
        ge=0,
        metavar="NUMBER",
    )
    max_picks: int = option(
        100_000,
        "Most picks that are part of the page; counts and histograms are of all.",
        ge=1,
        metavar="NUMBER",
    )
    band: OptionalBand = option(
        (1.0, 20.0),
        "Band of the waveforms in Hz, or none.",
        "--bandpass",
        metavar="LOW,HIGH",
    )
    name_pattern: str | None = option(
        None,
        "Ends of file names, for files whose headers lack codes: "
        "{network}.{station}.{location}.{channel}.*",
        metavar="PATTERN",
    )
    progress: bool = option(True, "Show the progress.", off="--quiet")

    @field_validator("waveforms", mode="before")
    @classmethod
    def _may_be_one(cls, value: Any) -> list[str]:
        return [str(x) for x in ([value] if isinstance(value, str | Path) else value)]

    @field_validator("output")
    @classmethod
    def _is_a_page(cls, value: Path | None) -> Path | None:
        if value is not None and value.suffix.lower() not in (".html", ".htm"):
            raise ValueError("must end in .html")
        return value
