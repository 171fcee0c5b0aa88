"""The command ``seisbench-diting``: it parses, calls and prints."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ._version import __version__

app = typer.Typer(
    help="Phase pickers of the China Seismic Network benchmark, on SeisBench.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
weights_app = typer.Typer(
    help="Published weights: which there are, and how to get them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(weights_app, name="weights")


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"seisbench-diting {__version__}")
        raise typer.Exit()


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    pass


@app.command()
def demo(
    files: Annotated[
        list[Path] | None,
        typer.Option(
            "--input",
            "-i",
            help="Waveform file, in any format that ObsPy reads; may be repeated. "
            "Default: ObsPy's example, 30 s of a local earthquake.",
        ),
    ] = None,
    more_files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="More waveform files."),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Picture to write.")
    ] = Path("demo.png"),
    model_name: Annotated[
        str, typer.Option("--model", "-m", help="Model, or MODEL/WEIGHTS.")
    ] = "LPPNM",
    threshold: Annotated[
        float,
        typer.Option(help="Smallest probability of a pick.", min=0.0, max=1.0),
    ] = 0.3,
) -> None:
    """
    Pick an earthquake, print the picks and save a picture.
    """
    import obspy

    from .figures import plot_picks, save_figure
    from .models.streams import station_id

    _check_picture(output)
    stream = _read([*(files or []), *(more_files or [])])
    model = _load(model_name)
    arguments = {f"{phase}_threshold": threshold for phase in model.labels[1:]}
    annotations = model.annotate(stream, **arguments)
    picks = model.classify_aggregate(
        annotations, {**model.default_args, **arguments}
    ).picks

    typer.echo(f"{'station':<16}{'phase':<7}{'time (UTC)':<29}{'probability':>11}")
    for pick in picks:
        typer.echo(
            f"{pick.trace_id:<16}{pick.phase:<7}{pick.peak_time!s:<29}"
            f"{pick.peak_value:>11.3f}"
        )
    typer.echo(f"{len(picks)} pick{'' if len(picks) == 1 else 's'}")

    stations = sorted({station_id(trace) for trace in stream})
    counts = {name: sum(p.trace_id == name for p in picks) for name in stations}
    shown = max(stations, key=lambda name: counts[name])
    if len(stations) > 1:
        typer.echo(f"The picture shows {shown}, the station with the most picks.")
    figure = plot_picks(
        obspy.Stream(trace for trace in stream if station_id(trace) == shown),
        obspy.Stream(trace for trace in annotations if station_id(trace) == shown),
        [pick for pick in picks if pick.trace_id == shown],
        title=f"{model.name} picks at {shown}",
    )
    save_figure(figure, output)
    typer.echo(f"Picture saved as {output}")


@weights_app.command("list")
def list_weights() -> None:
    """
    List the published weight sets, and which of them are in the cache.
    """
    from .weights import DEFAULT_SETS, weight_sets

    typer.echo(
        f"{'set':<16}{'rate':>7}{'order':>7}{'size':>9}{'P F1':>7}{'S F1':>7}  "
        f"{'cached':<8}classes"
    )
    for entry in weight_sets():
        default = "*" if DEFAULT_SETS[entry.model] == entry.name else ""
        cached = entry.version in _model_class(entry.model).list_versions(
            entry.name, remote=False
        )
        size = "?" if entry.size is None else f"{entry.size / 1e6:.2f} MB"
        scores = ("-", "-")
        if entry.scores is not None:
            scores = (f"{entry.scores.p.f1:.3f}", f"{entry.scores.s.f1:.3f}")
        typer.echo(
            f"{entry.title + default:<16}{f'{entry.sampling_rate:g} Hz':>7}"
            f"{entry.component_order:>7}{size:>9}{scores[0]:>7}{scores[1]:>7}  "
            f"{'yes' if cached else 'no':<8}{' '.join(entry.labels)}"
        )
    typer.echo(
        "* is what from_pretrained() takes without a name. "
        "F1 on 115 Californian records."
    )


@weights_app.command()
def fetch(
    sets: Annotated[
        list[str] | None,
        typer.Argument(metavar="MODEL[/NAME]", help="Such as LPPNM or RNN/diting."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Fetch all sets.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Fetch also what is in the cache.")
    ] = False,
) -> None:
    """
    Fetch published weight sets into SeisBench's cache.
    """
    from .weights import WeightsError, weight_sets

    if every == bool(sets):
        raise ValueError(
            "Name the sets to fetch, such as LPPNM or RNN/diting, or --all."
        )
    entries = weight_sets() if every else [_find_set(name) for name in sets or []]
    failed = []
    for entry in entries:
        try:
            _model_class(entry.model).install_published(entry, force=force)
        except WeightsError as error:
            failed.append(entry.title)
            typer.echo(str(error), err=True)
        else:
            typer.echo(f"{entry.title} is in the cache")
    if failed:
        raise ValueError(f"Not fetched: {', '.join(failed)}.")


@weights_app.command("import")
def import_weights(
    folder: Annotated[Path, typer.Argument(help="Folder with published files.")],
) -> None:
    """
    Put published files that were copied by hand into SeisBench's cache. They are
    recognized by their content, whatever their names.
    """
    from .weights import find_in_folder

    found = find_in_folder(folder)
    for entry, path in found.matching:
        _model_class(entry.model).install_published(entry, content=path.read_bytes())
        typer.echo(f"{entry.title} from {path}")
    damaged = "; ".join(
        f"{path} is not {entry.title}: other content than the published file"
        for entry, path in found.damaged
    )
    if damaged:
        raise ValueError(f"{damaged}. Copy it again.")
    if not found.matching:
        raise ValueError(f"No published file in folder={str(folder)!r} or below.")


def _model_class(name: str):
    from . import models

    by_name = {cls: getattr(models, cls) for cls in models.PICKERS}
    for known, cls in by_name.items():
        if known.lower() == name.lower():
            return cls
    raise ValueError(f"{name!r} is no model; available: {', '.join(by_name)}.")


def _find_set(name: str):
    from .weights import find_set

    model, _, weights = name.partition("/")
    return find_set(_model_class(model).__name__, weights or None)


def _load(name: str):
    model, _, weights = name.partition("/")
    return _model_class(model).from_pretrained(weights or None)


def _read(files: list[Path]):
    import obspy

    if not files:
        return obspy.read()
    stream = obspy.Stream()
    for path in files:
        if not path.is_file():
            raise ValueError(f"--input={str(path)!r} is no file.")
        try:
            stream += obspy.read(str(path))
        except Exception as error:
            raise ValueError(
                f"--input={str(path)!r} is no waveform file that ObsPy can read: "
                f"{error}"
            ) from error
    return stream


def _check_picture(path: Path) -> None:
    suffixes = (".png", ".pdf", ".svg", ".jpg")
    if path.suffix.lower() not in suffixes:
        raise ValueError(
            f"--output={str(path)!r} must end in one of {', '.join(suffixes)}."
        )
    if not path.absolute().parent.is_dir():
        raise ValueError(f"--output={str(path)!r}: there is no such folder.")


def main() -> None:
    """Runs the command; what a user can mend is printed without a traceback."""
    from .weights import WeightsError

    try:
        app()
    except (ValueError, WeightsError, OSError) as error:
        if os.environ.get("SEISBENCH_DITING_TRACEBACK"):
            raise
        typer.echo(f"Error: {error}", err=True)
        sys.exit(1)
