"""``seisbench-diting demo``, ``plot`` and ``report``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from .._util import (
    ArgumentError,
    Existing,
    Names,
    NetworkFileSettings,
    OptionalBand,
    Paths,
    Settings,
    Threshold,
    counted,
    errors_of,
    option,
    station_id,
)
from ..report import ReportSettings
from ..waveforms import Time
from .app import command_of

if TYPE_CHECKING:
    import obspy
    import pandas as pd
    from seisbench.models import WaveformModel


_Inputs = Annotated[
    Paths,
    option(
        ...,
        "Waveform files, in any format that ObsPy reads; may be repeated.",
        *("--input", "-i"),
        many=True,
        positional=True,
    ),
]


class DemoSettings(Settings):
    """Settings of the command demo."""

    inputs: _Inputs = Field(default_factory=list)
    output: Path = option(Path("demo.png"), "Picture to write.", "-o")
    model: str = option("LPPNM", "Model, or MODEL/WEIGHTS.", "-m")
    threshold: Threshold = 0.3


class PlotSettings(NetworkFileSettings):
    """Settings of the command plot."""

    inputs: _Inputs
    picks: Existing | None = option(
        None, "Table of picks to draw: .csv, .parquet, .txt, .xml.", "-p"
    )
    model: str | None = option(
        None,
        "Model, MODEL/WEIGHTS, or file as for `pick`, whose probabilities are drawn, and "
        "whose picks if there are no --picks.",
        "-m",
    )
    output: Path = option(
        Path("plot.png"),
        "Picture to write; with several stations, one each, such as plot.CX.PB01.png.",
        "-o",
    )
    stations: Names = option((), "Patterns of stations to draw, such as 'CX.PB*,GE.*'.")
    start: Time = option(None, "First time to draw, UTC.")
    end: Time = option(None, "Last time to draw, UTC.")
    band: OptionalBand = option(
        (1.0, 20.0), "Band to draw in Hz, or none.", "--bandpass"
    )


def _read(paths: list[Path]) -> obspy.Stream:
    import obspy

    from ..waveforms import read_file

    stream = obspy.Stream()
    for path in paths:
        with errors_of("inputs", path, "can't be read: "):
            found, problems = read_file(path)
        for problem in problems:
            print(f"{path}: {problem}", file=sys.stderr)
        stream += found
    return stream


def _by_station(stream: obspy.Stream) -> dict[str, obspy.Stream]:
    import obspy

    stations: dict[str, obspy.Stream] = {}
    for trace in sorted(stream, key=station_id):
        stations.setdefault(station_id(trace), obspy.Stream()).append(trace)
    return stations


def _annotate(
    model: WaveformModel, stream: obspy.Stream, **arguments: float
) -> tuple[obspy.Stream, Any]:
    """Probabilities and picks."""
    annotations = model.annotate(stream, **arguments)
    given = {**model.default_args, **arguments}
    return annotations, model.classify_aggregate(annotations, given).picks


def _demo(settings: DemoSettings) -> None:
    """
    Pick an earthquake, print the picks and save a picture.

    Without files it takes ObsPy's example, 30 s of a local earthquake.
    """
    import obspy

    from ..models import load_model, thresholds
    from ..plots import check_picture, plot_picks, save_figure

    check_picture(settings.output)
    stream = _read(settings.inputs) if settings.inputs else obspy.read()
    model = load_model(settings.model)
    given = thresholds(model, settings.threshold)
    annotations, picks = _annotate(model, stream, **given)
    print(f"{'station':<16}{'phase':<7}{'time (UTC)':<29}{'probability':>11}")
    for pick in picks:
        time = str(pick.peak_time)
        print(f"{pick.trace_id:<16}{pick.phase:<7}{time:<29}{pick.peak_value:>11.3f}")
    print(counted(len(picks), "pick"))

    stations, named = _by_station(stream), [pick.trace_id for pick in picks]
    shown = max(stations, key=named.count)
    if len(stations) > 1:
        print(f"The picture shows {shown}, the station with the most picks.")
    figure = plot_picks(
        stations[shown],
        [pick for pick in picks if pick.trace_id == shown],
        _by_station(annotations).get(shown),
        f"{model.name} picks at {shown.rstrip('.')}",
    )
    save_figure(figure, settings.output)
    print(f"Picture saved as {settings.output}")


def _plot(settings: PlotSettings) -> None:
    """
    Draw waveforms, with picks over them.

    seisbench-diting plot day.mseed --picks picks.csv --start 2014-05-01T03:00
    """
    from obspy import UTCDateTime

    from ..models import load_model
    from ..plots import check_picture
    from ..tables import read_picks
    from ..waveforms import is_station_of, time_span

    times = time_span(settings.start, settings.end)
    ends = tuple(None if time is None else UTCDateTime(ns=time) for time in times)
    check_picture(settings.output)
    table = None if settings.picks is None else read_picks(settings.picks)
    model = None
    if settings.model is not None:
        model = load_model(settings.model, **settings.told)
    found = _by_station(_read(settings.inputs))
    stations = {
        name: stream
        for name, stream in found.items()
        if is_station_of(name, settings.stations or ("*",))
        and any(len(trace.slice(*ends)) for trace in stream)
    }
    if not stations:
        names = ("stations", "start", "end", "inputs")
        name = next(n for n in names if getattr(settings, n))
        traces = [trace.stats for stream in found.values() for trace in stream]
        first = min(stats.starttime for stats in traces)
        last = max(stats.endtime for stats in traces)
        reason = f"the files only have {', '.join(found)} from {first} to {last}"
        raise ArgumentError(name, getattr(settings, name), reason)
    for name, stream in stations.items():
        path = settings.output
        if len(stations) > 1:
            path = path.with_name(f"{path.stem}.{name.strip('.')}{path.suffix}")
        number = _plot_station(stream, name, table, model, settings.band, ends, path)
        without = table is None and model is None
        print(path if without else f"{path}: {counted(number, 'pick')}")


def _plot_station(
    stream: obspy.Stream,
    name: str,
    table: pd.DataFrame | None,
    model: WaveformModel | None,
    band: tuple[float, float] | None,
    ends: tuple[Any, ...],
    path: Path,
) -> int:
    """:return: Number of picks drawn"""
    from ..plots import band_text, plot_picks, save_figure

    annotations = None
    picks: Any = [] if table is None else table[table["station_id"] == name]
    if model is not None:
        annotations, found = _annotate(model, stream)
        picks = found if table is None else picks
    shown = stream.slice(*ends)
    first = min(trace.stats.starttime for trace in shown)
    last = max(trace.stats.endtime for trace in shown)
    if table is None:
        picks = [pick for pick in picks if first <= pick.peak_time <= last]
    else:
        picks = picks[picks["time"].between(str(first), str(last))]
    title = name.rstrip(".") + (f", {band_text(band)}" if band else "")
    save_figure(plot_picks(stream, picks, annotations, title, band, ends), path)
    return len(picks)


def _report(settings: ReportSettings) -> None:
    """
    Write one HTML page of a run of picking or association.

    The page is one file that opens offline. It shows picks over time and stations,
    histograms and a map. Click on a pick to see its waveforms.

    seisbench-diting report picks-2024 --stations stations.txt
    """
    from ..report import write_report

    page = write_report(**dict(settings))
    if settings.progress:
        print(f"{page}, {page.stat().st_size / 1e6:.1f} MB")


demo = command_of(DemoSettings, _demo)
plot = command_of(PlotSettings, _plot)
report = command_of(ReportSettings, _report)
