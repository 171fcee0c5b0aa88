"""Options of reports."""

from __future__ import annotations

from pathlib import Path

from pydantic import field_validator

from .._util import FileOrTable, OptionalBand, Paths, Settings, option
from ..waveforms import NamePatternOption


class ReportSettings(Settings):
    """Settings of a report."""

    positional = ("name", "output")

    name: Path = option(
        ...,
        "Name of a run: the -o of pick, pick-events or associate. Or a file of picks, or "
        "of events with their picks.",
        positional=True,
    )
    output: Path | None = option(
        None, "Page to write. Default: NAME.html.", "-o", metavar="FILE.html"
    )
    stations: FileOrTable = option(
        None,
        "Stations, for the map: the published text, StationXML, CSV, or a table.",
        "-s",
    )
    waveforms: Paths = option(
        [],
        "Waveforms, as for `pick`; may be repeated. Default: those of the picking run.",
        "-w",
        metavar="PATH",
        many=True,
    )
    snippets: int = option(
        500, "Maximum number of picks shown with waveforms; 5 kB each at 100 Hz.", ge=0
    )
    max_picks: int = option(
        100_000,
        "Maximum number of picks in the page; counts and histograms include all.",
        ge=1,
    )
    band: OptionalBand = option(
        (1.0, 20.0), "Passband of the waveforms in Hz, or none.", "--bandpass"
    )
    name_pattern: NamePatternOption = None
    progress: bool = option(True, "Show the progress.", off="--quiet")

    @field_validator("output")
    @classmethod
    def _is_a_page(cls, value: Path | None) -> Path | None:
        if value is not None and value.suffix.lower() not in (".html", ".htm"):
            raise ValueError("must end in .html")
        return value
