"""``seisbench-diting pick-events``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .._util import counted
from .common import continuing_later
from .config import read_config
from .pick import exit_if_incomplete, print_files
from .picking_options import (
    Device,
    Formats,
    IfReal,
    MinSeparation,
    MoreInputs,
    NamePattern,
    Overlap,
    Probability,
    Quiet,
    SnrSeconds,
    band,
)
from .typer_app import app


@app.command("pick-events")
def pick_events(
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            "-i",
            metavar="PATH",
            help="Waveforms; may be repeated. A folder with a folder for each event, "
            "named after its id (SAC, MiniSEED or any format of ObsPy); or any archive, "
            "as for `pick`.",
        ),
    ] = None,
    more_inputs: MoreInputs = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="NAME",
            help="Name that the files of the run begin with: NAME.csv and NAME.txt, the "
            "picks with event, distance, azimuth, theoretical time and residual; "
            "NAME.log, NAME.err, NAME.json, and NAME.state, with which a run continues.",
        ),
    ] = None,
    catalog: Annotated[
        Path | None,
        typer.Option(
            "--catalog",
            "-c",
            metavar="FILE",
            help="Events: the published format (#EVENT ID eq YEAR ...), QuakeML, or CSV "
            "with id, time, latitude, longitude and depth in km.",
        ),
    ] = None,
    stations: Annotated[
        Path | None,
        typer.Option(
            "--stations",
            "-s",
            metavar="FILE",
            help="Stations: the published format (NET STA LOC LON LAT ELEVATION_M), "
            "StationXML, or CSV. Default: the places in the headers of SAC files.",
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            help="LPPNT, LPPNM, LPPNL, UNet, UNetPP, RNN or EQT, with /csn for weights "
            "of 100 Hz or /diting for 50 Hz; LPPNT or LPPNM alone for those of the "
            "package; RNN/csn_pnsn tells Pg and Pn apart; a SeisBench model, or pair of "
            "files.",
        ),
    ] = "LPPNM",
    device: Device = "auto",
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml",
            callback=read_config,
            is_eager=True,
            help="File with options; its keys are their names.",
        ),
    ] = None,
    velocity: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="Velocity model: iasp91, ak135 or another one of ObsPy's, or a .nd or "
            ".tvel file.",
        ),
    ] = "iasp91",
    default_depth: Annotated[
        float, typer.Option(metavar="KM", help="Depth of events without one.")
    ] = 10.0,
    before: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", help="Begin of the window before the theoretical P."
        ),
    ] = 30.0,
    after: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            help="End of it after the theoretical S. It is longer where the model needs "
            "more samples and the record has them.",
        ),
    ] = 40.0,
    p_width: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            help="A pick that is off by dt has the weight exp(-(dt / width)^2 / 2), and "
            "none beyond 3 widths. Width of P at the epicentre; that of S is 1.7 times "
            "as large.",
        ),
    ] = 0.5,
    p_width_per_km: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", help="What it is wider for each km, to 1000 km."
        ),
    ] = 0.005,
    prob: Probability = 0.3,
    min_separation: MinSeparation = 1.0,
    overlap: Overlap = None,
    instruments: Annotated[
        str | None,
        typer.Option(
            metavar="CODES",
            help="Which instrument to take where a station has several, the preferred "
            "first. Default: HH,BH,EH,SH,HN,EI,EN,SN,BN and others.",
        ),
    ] = None,
    name_pattern: NamePattern = None,
    snritv: SnrSeconds = 1.0,
    bandpass: Annotated[
        str,
        typer.Option(
            metavar="LOW,HIGH",
            help="Frequencies in Hz for SNR, amplitude and figures.",
        ),
    ] = "1,10",
    inventory: Annotated[
        Path | None,
        typer.Option(
            metavar="STATIONXML",
            help="Responses, for amplitudes in m/s. Default: the input's unit.",
        ),
    ] = None,
    formats: Formats = "csv,txt",
    plot: Annotated[
        bool,
        typer.Option(
            "--plot",
            help="Draw for each event, in NAME.figures/ID, the record section, a map, "
            "and every station.",
        ),
    ] = False,
    ifreal: IfReal = False,
    quiet: Quiet = False,
) -> None:
    """
    Pick the P and S arrivals of known events.

    At each station, of each phase, the pick that fits the theoretical time best: its
    probability is weighted by the distance from it. Interrupted at any moment, the same
    command continues.

    seisbench-diting pick-events -c CATALOG -s STATIONS -i FOLDER -o NAME -m RNN/csn --plot
    """
    from ..picking import pick_events as run
    from ..picking.events import Fit
    from ..picking.options import split_names

    names = [*(inputs or []), *(more_inputs or [])]
    if not names:
        raise ValueError("--input is missing: folders of events, or an archive.")
    if output is None:
        raise ValueError("--output is missing: a name that the files will begin with.")
    if catalog is None:
        raise ValueError("--catalog is missing: a file of events.")
    with continuing_later():
        result = run(
            names,
            output,
            catalog,
            stations,
            model,
            device,
            velocity=velocity,
            default_depth=default_depth,
            before=before,
            after=after,
            fit=Fit(p_width=p_width, p_width_per_km=p_width_per_km),
            prob=prob,
            min_separation=min_separation,
            overlap=overlap,
            snritv=snritv,
            bandpass=band(bandpass),
            inventory=inventory,
            instruments=instruments,
            name_pattern=name_pattern,
            formats=split_names(formats),
            plot=plot,
            ifreal=ifreal,
            progress=not quiet,
        )
    if not quiet:
        _print_summary(result)
    exit_if_incomplete(result)


def _print_summary(result) -> None:
    summary = result.summary
    typer.echo(
        f"{counted(summary['picks'], 'pick')} of "
        f"{counted(round(summary['events']), 'event')}; not taken: "
        f"{summary.get('discarded_wrong_phase', 0)} of the wrong phase, "
        f"{summary.get('discarded_too_far', 0)} too far from their theoretical time, "
        f"{summary.get('discarded_not_best', 0)} with a better one beside them"
    )
    print_files(result, "event")
