"""``seisbench-diting plot``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._util import counted
from .paths import check_picture, read_files
from .picking_options import optional_band
from .typer_app import app

if TYPE_CHECKING:
    import obspy
    import pandas as pd
    from seisbench.models import WaveformModel

    Ends = tuple[obspy.UTCDateTime | None, obspy.UTCDateTime | None]


@app.command()
def plot(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE", help="Waveform files, in any format that ObsPy reads."
        ),
    ],
    picks: Annotated[
        Path | None,
        typer.Option(
            "--picks",
            "-p",
            help="Table of picks to draw: .csv, .parquet, .txt, .xml.",
        ),
    ] = None,
    model_name: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Model, or MODEL/WEIGHTS, whose probabilities are drawn, and whose picks "
            "where there are no --picks.",
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="Picture to write; of several stations one each, such as "
            "plot.CX.PB01.png.",
        ),
    ] = Path("plot.png"),
    stations: Annotated[
        str | None,
        typer.Option(help="Patterns of stations to draw, such as 'CX.PB*,GE.*'."),
    ] = None,
    start: Annotated[str | None, typer.Option(help="First time to draw, UTC.")] = None,
    end: Annotated[str | None, typer.Option(help="Last time to draw, UTC.")] = None,
    bandpass: Annotated[
        str, typer.Option(metavar="LOW,HIGH", help="Band to draw in Hz, or none.")
    ] = "none",
) -> None:
    """
    Draw waveforms, with picks over them.

    seisbench-diting plot day.mseed --picks picks.csv --start 2014-05-01T03:00
    """
    import obspy

    from .._util import station_id
    from ..models import load_model

    check_picture(output)
    band = optional_band(bandpass)
    ends = _check_times(start, end)
    table = _read_picks(picks)
    stream = _of_stations(read_files(files), stations)
    model = None if model_name is None else load_model(model_name)
    drawn = [t for t in stream if len(t.slice(*ends))]
    if not drawn:
        raise ValueError(
            f"start={start} and end={end} leave nothing of the files to draw: they reach "
            f"from {min(trace.stats.starttime for trace in stream)} to "
            f"{max(trace.stats.endtime for trace in stream)}."
        )
    names = sorted({station_id(trace) for trace in drawn})
    total = 0
    for name in names:
        of_station = obspy.Stream([t for t in drawn if station_id(t) == name])
        path = output
        if len(names) > 1:
            path = output.with_name(f"{output.stem}.{name.strip('.')}{output.suffix}")
        number = _draw(of_station, name, ends, table, model, band, path)
        has_picks = table is not None or model is not None
        typer.echo(f"{path}: {counted(number, 'pick')}" if has_picks else str(path))
        total += number
    if table is not None and len(table) and not total:
        typer.echo(
            f"--picks={str(picks)!r} holds {counted(len(table), 'pick')}, but none of these "
            f"stations ({', '.join(names)}) and times.",
            err=True,
        )


def _read_picks(path: Path | None) -> pd.DataFrame | None:
    from ..tables import read_picks

    if path is None:
        return None
    if not path.is_file():
        raise ValueError(f"--picks={str(path)!r} is no file of picks.")
    return read_picks(path)


def _check_times(start: str | None, end: str | None) -> Ends:
    import obspy

    from ..waveforms import time_span

    first, last = time_span(start, end)
    return (
        None if first is None else obspy.UTCDateTime(ns=first),
        None if last is None else obspy.UTCDateTime(ns=last),
    )


def _of_stations(stream: obspy.Stream, stations: str | None) -> obspy.Stream:
    from .._util import split_names, station_id
    from ..waveforms import is_station_of

    if stations:
        found = sorted({station_id(trace) for trace in stream})
        patterns = split_names(stations)
        stream.traces = [t for t in stream if is_station_of(station_id(t), patterns)]
        if not len(stream):
            raise ValueError(
                f"stations={stations!r} are none of the files: {', '.join(found[:10])}."
            )
    return stream


def _draw(
    stream: obspy.Stream,
    name: str,
    ends: Ends,
    table: pd.DataFrame | None,
    model: WaveformModel | None,
    band: tuple[float, float] | None,
    path: Path,
) -> int:
    """:return: Number of picks drawn"""
    from .._util import band_filtered
    from ..plots import band_text, plot_picks, save_figure

    annotations = None
    picks = [] if table is None else table[table["station_id"] == name]
    if model is not None:
        annotations = model.annotate(stream)
        if table is None:
            picks = model.classify_aggregate(annotations, model.default_args).picks
        annotations = annotations.slice(*ends)
    title, shown = name.rstrip("."), stream
    if band is not None:
        title += f", {band_text(band)}"
        # Before it is cut: filters need a while at the begin.
        shown = stream.split()
        for trace in shown:
            rate = trace.stats.sampling_rate
            trace.data = band_filtered(trace.data, band, rate)
    shown = shown.slice(*ends)
    first = min(trace.stats.starttime for trace in shown)
    last = max(trace.stats.endtime for trace in shown)
    if table is None:
        picks = [pick for pick in picks if first <= pick.peak_time <= last]
    else:
        picks = picks[picks["time"].between(str(first), str(last))]
    save_figure(plot_picks(shown, picks, annotations, title), path)
    return len(picks)
