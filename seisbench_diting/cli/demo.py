"""``seisbench-diting demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .._util import counted
from .paths import check_picture, read_files
from .typer_app import app


@app.command()
def demo(
    files: Annotated[
        list[Path] | None,
        typer.Option(
            "--input",
            "-i",
            metavar="PATH",
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

    from .._util import station_id
    from ..models import load_model
    from ..plots import plot_picks, save_figure

    check_picture(output)
    paths = [*(files or []), *(more_files or [])]
    stream = read_files(paths) if paths else obspy.read()
    model = load_model(model_name)
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
    typer.echo(counted(len(picks), "pick"))

    stations = sorted({station_id(trace) for trace in stream})
    counts = {name: sum(p.trace_id == name for p in picks) for name in stations}
    shown = max(stations, key=lambda name: counts[name])
    if len(stations) > 1:
        typer.echo(f"The picture shows {shown}, the station with the most picks.")
    figure = plot_picks(
        obspy.Stream(trace for trace in stream if station_id(trace) == shown),
        [pick for pick in picks if pick.trace_id == shown],
        obspy.Stream(trace for trace in annotations if station_id(trace) == shown),
        title=f"{model.name} picks at {shown.rstrip('.')}",
    )
    save_figure(figure, output)
    typer.echo(f"Picture saved as {output}")
