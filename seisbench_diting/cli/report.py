"""``seisbench-diting report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .picking_options import NamePattern, Quiet, optional_band
from .typer_app import app


@app.command()
def report(
    name: Annotated[
        Path,
        typer.Argument(
            metavar="NAME",
            help="What was given to -o of pick, pick-events or associate; or a file of "
            "picks, or of events with their picks.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Page to write. Default: NAME.html."),
    ] = None,
    stations: Annotated[
        Path | None,
        typer.Option(
            "--stations",
            "-s",
            help="Stations, for the map: the published text, StationXML, or CSV.",
        ),
    ] = None,
    waveforms: Annotated[
        list[str] | None,
        typer.Option(
            "--waveforms",
            "-w",
            metavar="PATH",
            help="Folder, waveform file, or list of files; may be repeated. Default: what "
            "a picking run has read.",
        ),
    ] = None,
    snippets: Annotated[
        int,
        typer.Option(
            help="Most picks whose waveforms are part of the page; 5 kB each at 100 Hz.",
            min=0,
        ),
    ] = 500,
    max_picks: Annotated[
        int,
        typer.Option(
            help="Most picks that are part of the page; counts and histograms are of all.",
            min=1,
        ),
    ] = 100_000,
    bandpass: Annotated[
        str,
        typer.Option(metavar="LOW,HIGH", help="Band of the waveforms in Hz, or none."),
    ] = "1,20",
    name_pattern: NamePattern = None,
    quiet: Quiet = False,
) -> None:
    """
    Write one HTML page of a run of picking or association.

    It holds all that it needs, and opens without a network: picks over time and stations,
    histograms, a map; a click on a pick shows its waveforms.

    seisbench-diting report picks-2024 --stations stations.txt
    """
    from ..report import write_report

    page = write_report(
        name,
        output,
        stations=stations,
        waveforms=waveforms or (),
        snippets=snippets,
        max_picks=max_picks,
        band=optional_band(bandpass),
        name_pattern=name_pattern,
        progress=not quiet,
    )
    if not quiet:
        typer.echo(f"{page}, {page.stat().st_size / 1e6:.1f} MB")
