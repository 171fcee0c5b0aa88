"""``seisbench-diting pick``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .._util import counted
from .common import continuing_later
from .config import read_config
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


@app.command()
def pick(
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            "-i",
            metavar="PATH",
            help="What to pick; may be repeated. A folder, walked at any depth (SDS or "
            "any other layout); a waveform file of any format that ObsPy reads; a text "
            "file with a list of files, one or `root,file1,file2,file3` a line; or - "
            "for such a list on standard input.",
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
            "picks; NAME.log, what was picked; NAME.err, what was not used and why; "
            "NAME.json, a summary; NAME.state, with which a run continues.",
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            help="LPPNT, LPPNM, LPPNL, UNet, UNetPP, RNN or EQT, with /csn for weights "
            "of 100 Hz or /diting for 50 Hz; LPPNT or LPPNM alone for those of the "
            "package, /distilled, of 100 Hz; a SeisBench model such as PhaseNet/stead; or "
            "a SeisBench pair of files.",
        ),
    ] = "LPPNM",
    device: Device = "auto",
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml",
            callback=read_config,
            is_eager=True,
            help="File with options; its keys are their names, such as `prob = 0.5`. "
            "The command line has the last word.",
        ),
    ] = None,
    prob: Probability = 0.3,
    min_separation: MinSeparation = 1.0,
    overlap: Overlap = None,
    instruments: Annotated[
        str | None,
        typer.Option(
            metavar="CODES",
            help="Which instrument to take where a station has several, by band and "
            "instrument code, the preferred first; or all, which gives picks of each under "
            "one name. Default: "
            "HH,BH,EH,SH,HN,EI,EN,SN,BN and others.",
        ),
    ] = None,
    stations: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERNS",
            help="Stations to pick, NET.STA or NET.STA.LOC, such as CX.PB*,GE.*",
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="First time to pick, UTC: 2014-05-01."),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Picks at and after it are left out."),
    ] = None,
    name_pattern: NamePattern = None,
    snritv: SnrSeconds = 1.0,
    bandpass: Annotated[
        str,
        typer.Option(
            metavar="LOW,HIGH", help="Frequencies in Hz for SNR and amplitude."
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
    ifplot: Annotated[
        bool,
        typer.Option(
            "--ifplot", help="Draw every ten minutes with picks, in NAME.figures."
        ),
    ] = False,
    ifreal: IfReal = False,
    workers: Annotated[
        int,
        typer.Option(
            help="Processes. One uses all cores as well; more help where reading takes "
            "long."
        ),
    ] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Pick on a Dask cluster: tcp://HOST:8786, or a scheduler file.",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """
    Pick continuous records, from one file to years of a network.

    Records are told apart by what their headers say, whatever their files are called,
    and joined across files and days. Interrupted at any moment, also by kill -9, the same
    command continues. Run again later, it picks what is new.

    seisbench-diting pick -i ARCHIVE -o picks -m LPPNM/csn
    """
    from ..picking import pick_archive
    from ..picking.options import split_names

    names = [*(inputs or []), *(more_inputs or [])]
    if not names:
        raise ValueError("--input is missing: a folder, a file, or a list of files.")
    if output is None:
        raise ValueError("--output is missing: a name that the files will begin with.")
    with continuing_later():
        result = pick_archive(
            names,
            output,
            model,
            device,
            prob=prob,
            min_separation=min_separation,
            overlap=overlap,
            snritv=snritv,
            bandpass=band(bandpass),
            inventory=inventory,
            instruments=instruments,
            stations=stations or (),
            start=start,
            end=end,
            name_pattern=name_pattern,
            formats=split_names(formats),
            ifplot=ifplot,
            ifreal=ifreal,
            workers=workers,
            scheduler=scheduler,
            progress=not quiet,
        )
    if not quiet:
        _print_summary(result)
    exit_if_incomplete(result)


def _print_summary(result) -> None:
    summary, run = result.summary, result.summary["this_run"]
    phases = ", ".join(
        f"{count} {phase}" for phase, count in summary["picks_by_phase"].items()
    )
    typer.echo(
        f"{counted(summary['picks'], 'pick')}{f' ({phases})' if phases else ''} in "
        f"{_days(summary['station_days'])} station days of "
        f"{counted(summary['stations'], 'station')}"
    )
    if run["station_days"]:
        typer.echo(
            f"Now picked: {_days(run['station_days'])} station days in "
            f"{run['seconds']:.1f} s, "
            f"{run['station_days_per_hour']:.0f} station days an hour"
        )
    elif not summary["records_failed"]:
        typer.echo("Nothing new to pick")
    print_files(result, "record")


def _days(number: float) -> str:
    """Of a few minutes, too."""
    return f"{number:.2f}" if number >= 0.1 else f"{number:.2g}"


def print_files(result, what: str) -> None:
    """What a run left, and what it could not pick."""
    summary = result.summary
    if summary["records_failed"]:
        typer.echo(
            f"{counted(summary['records_failed'], what)} could not be picked; the same "
            "command tries again"
        )
    if summary["problems"]:
        typer.echo(
            f"{counted(summary['problems'], 'line')} of what was not used in "
            f"{result.output}.err"
        )
    for path in result.files:
        typer.echo(f"Picks in {path}")


def exit_if_incomplete(result) -> None:
    """With a status of its own where something is to be tried again."""
    if result.summary["records_failed"]:
        sys.exit(3)
