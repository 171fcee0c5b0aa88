"""``seisbench-diting associate``."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .._util import counted
from .common import leaving_nothing
from .config import OTHERS, read_config_of_method
from .typer_app import app


@app.command()
def associate(
    context: typer.Context,
    inputs: Annotated[
        list[Path] | None,
        typer.Option(
            "--input",
            "-i",
            metavar="PICKS",
            help="Picks; may be repeated: .csv, .parquet, .txt (the published text), .xml "
            "(QuakeML), .pyocto.csv, .gamma.csv, or a folder of REAL's.",
        ),
    ] = None,
    more_inputs: Annotated[
        list[Path] | None, typer.Argument(metavar="PICKS", help="More of them.")
    ] = None,
    stations: Annotated[
        Path | None,
        typer.Option(
            "--stations",
            "-s",
            metavar="FILE",
            help="Stations: the published format (NET STA LOC LON LAT ELEVATION_M), "
            "StationXML, CSV, or a folder with SAC files, whose headers tell.",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="NAME",
            help="Name that the files begin with: NAME.events.csv and NAME.picks.csv, "
            "NAME.txt (the published text), NAME.xml (QuakeML), NAME.png, NAME.json (a "
            "summary), and NAME.err, the picks that could not be used.",
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            "-m",
            help="real: grid searches around stations, as in REAL. lppn: the network of "
            "the LPPN linker. pyocto, gamma: these libraries.",
        ),
    ] = "real",
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml",
            callback=read_config_of_method,
            is_eager=True,
            help="File with options; its keys are their names, also those of --set.",
        ),
    ] = None,
    velocity: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="P/S in km/s, such as 6.2/3.5; iasp91, ak135 or another model of "
            "ObsPy's; a .nd or .tvel file; or a table of travel times of REAL's (.txt).",
        ),
    ] = "iasp91",
    max_depth: Annotated[
        float | None,
        typer.Option(
            metavar="KM", help="Depth that events are searched to. Default: 30."
        ),
    ] = None,
    min_picks: Annotated[
        int | None, typer.Option(help="Least picks of an event.")
    ] = None,
    min_p: Annotated[int | None, typer.Option(help="Least P picks.")] = None,
    min_s: Annotated[int | None, typer.Option(help="Least S picks.")] = None,
    min_both: Annotated[
        int | None, typer.Option(help="Least stations with P and S.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any other option of the method; may be repeated. --list-options shows "
            "them. REAL's own are R, G, V and S: --set R=0.1/20/0.04/2/5",
        ),
    ] = None,
    list_options: Annotated[
        bool,
        typer.Option(
            "--list-options", help="Print the method's options and their defaults."
        ),
    ] = False,
    formats: Annotated[
        str, typer.Option(help="Files to write: csv, parquet, txt, quakeml.")
    ] = "csv,txt,quakeml",
    plot: Annotated[
        bool, typer.Option(help="Draw map, depths, times, picks and residuals.")
    ] = True,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Show no progress and no summary.")
    ] = False,
) -> None:
    """
    Find the events that picks belong to, and locate them.

    seisbench-diting associate -i picks.csv -s STATIONS -o events --velocity 6.2/3.5
    """
    from .. import association
    from ..association.outputs import check_formats, check_output, write_outputs
    from ..tables import read_stations

    if list_options:
        for name, value in association.options_of(method).items():
            typer.echo(f"{name} = {value!r}")
        return
    with leaving_nothing():
        names = [*(inputs or []), *(more_inputs or [])]
        if not names:
            raise ValueError("--input is missing: tables of picks.")
        if stations is None:
            raise ValueError("--stations is missing: a file of stations.")
        if output is None:
            raise ValueError(
                "--output is missing: a name that the files will begin with."
            )
        given = {
            "velocity": velocity,
            "max_depth_km": max_depth,
            "min_picks": min_picks,
            "min_p_picks": min_p,
            "min_s_picks": min_s,
            "min_both": min_both,
        }
        options = _options(context, given, _settings(settings or [], method))
        # What is wrong is said before the work, not after it.
        association.make_options(method, **options)
        kinds = check_formats(
            name.strip() for name in formats.split(",") if name.strip()
        )
        check_output(output, kinds, [*names, stations])
        for name, path in (
            *(("input", path) for path in names),
            ("stations", stations),
        ):
            if not path.exists():
                raise FileNotFoundError(f"{name}={str(path)!r}: there is no such file.")
        places = read_stations(stations)
        picks = _read(names)
        result = association.associate(
            picks,
            places,
            method,
            progress=not quiet and sys.stderr.isatty(),
            **options,
        )
        written = write_outputs(result, output, places, kinds, plot)
        if not quiet:
            _print_summary(result.summary)
            typer.echo("\n".join(map(str, written)))


#: Options of the command that are options of methods under other names.
_PARAMETERS = {
    "max_depth_km": "max_depth",
    "min_p_picks": "min_p",
    "min_s_picks": "min_s",
}


def _options(
    context: typer.Context, given: dict[str, Any], settings: dict[str, Any]
) -> dict[str, Any]:
    """The command line, with its --set, has the last word, then comes the file."""
    on_line, in_file = {}, dict(context.meta.get(OTHERS, {}))
    for name, value in given.items():
        # By its name: Typer may have a Click of its own.
        source = context.get_parameter_source(_PARAMETERS.get(name, name)).name
        if source == "COMMANDLINE":
            on_line[name] = value
        elif source != "DEFAULT":
            in_file[name] = value
    if twice := sorted(on_line.keys() & settings.keys()):
        raise ValueError(
            f"{', '.join(twice)}: given twice, by --set and by an option of the command. "
            "Leave one out."
        )
    return in_file | settings | on_line


def _read(paths: list[Path]):
    import pandas as pd

    from ..tables import pick_table, read_picks, read_real

    tables = [read_real(path) if path.is_dir() else read_picks(path) for path in paths]
    return tables[0] if len(tables) == 1 else pick_table(pd.concat(tables))


def _settings(texts: list[str], method: str) -> dict[str, Any]:
    """Values in the types of the method's options; unknown names are told later."""
    from ..association.associate import find_method

    types = {
        field.name: str(field.type)
        for field in dataclasses.fields(find_method(method).options_type)
    }
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise ValueError(f"--set={text!r} must be NAME=VALUE.")
        try:
            values[name] = _value(value.strip(), types.get(name, "str"))
        except ValueError as error:
            raise ValueError(
                f"--set={text!r}: {name} must be of the type {types[name]}."
            ) from error
    return values


def _value(text: str, kind: str) -> Any:
    if kind.startswith("bool"):
        if text.lower() not in ("true", "false"):
            raise ValueError(text)
        return text.lower() == "true"
    if kind.startswith("int"):
        return int(text)
    if kind.startswith("float"):
        return float(text)
    return text


def _print_summary(summary: dict[str, Any]) -> None:
    left_out = ", ".join(
        f"{number} {reason}" for reason, number in summary["picks_left_out"].items()
    )
    typer.echo(
        f"{counted(summary['events'], 'event')} with {summary['picks_used']} of "
        f"{counted(summary['picks'], 'pick')} at "
        f"{counted(summary['stations'], 'station')}, {summary['seconds']:.1f} s"
        + (f"; left out: {left_out}" if left_out else "")
    )
