"""Waveforms over time, with arrivals, picks and probability curves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import obspy

from .._util import band_filtered, check_type
from . import style
from .style import COLOURS, DISCARDED, GREY, colour_of, nothing, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from seisbench.util import Pick

#: A long trace is drawn as the minima and maxima of this many pieces.
_PIECES = 3_000

#: More picks of a station than these would hide its waveforms: they become short marks, of
#: this height, P at the top and S at the bottom.
_MOST_LINES, _MARK = 40, 0.15

#: Lines of labels above a panel, their height in points, and the share of the width of
#: 10 inches that a letter takes.
_LABEL_LINES, _LABEL_POINTS, _LETTER = 3, 11, 0.009

#: Smallest and largest number of seconds that a detail shows on both sides.
_DETAIL_SECONDS = (1.5, 4.0)

#: What is written beside ticks of years, months, days, hours, minutes and seconds.
_OFFSETS = ["", "%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%d", "%Y-%m-%d %H:%M"]

_MARKS: dict[str, dict[str, Any]] = {
    "theoretical": {"ls": "--", "lw": 1.2},
    "discarded": {"ls": ":", "lw": 1.8},
    "pick": {"ls": "-", "lw": 1.5},
}

#: Seconds after the begin of a panel, phase, text.
_Label = tuple[float, str, str]


@styled()
def plot_picks(
    stream: obspy.Stream,
    picks: pd.DataFrame | Iterable[Pick],
    annotations: obspy.Stream | None = None,
    title: str = "",
    band: tuple[float, float] | None = None,
    ends: tuple[obspy.UTCDateTime | None, obspy.UTCDateTime | None] = (None, None),
) -> Figure:
    """
    One panel for each channel and one for the probabilities, over the same time.

        plot_picks(stream, pick_stream(stream, model))

    :param stream: Waveforms
    :param picks: Table of picks, or picks that :py:meth:`classify` gave; those of a
        station are drawn over its channels. More than 40 are counted, and are short marks:
        P at the top of the panels, S at the bottom
    :param annotations: Curves that :py:meth:`annotate` gave
    :param title: Heading
    :param band: Lowest and highest frequency in Hz, or None to draw the waveforms as they are
    :param ends: First and last time to draw; waveforms before are for the filter
    :raises ValueError: if the stream is empty
    :return: Figure
    """
    check_type("stream", stream, obspy.Stream)
    shown = stream.slice(*ends)
    if not len(shown):
        raise nothing("stream is empty")
    start = min(trace.stats.starttime for trace in shown)
    end = max(trace.stats.endtime for trace in shown)
    length = max(end - start, shown[0].stats.delta)
    names = {trace.id for trace in shown}
    stream = obspy.Stream([trace for trace in stream if trace.id in names])
    lines = lines_of(stream, start, band, span=(0.0, length))
    curves = (
        None if annotations is None else _curves_of(annotations.slice(*ends), start)
    )
    stations = {station_of(name) for name in lines}
    figure, panels = _new_panels(
        len(lines) + (curves is not None), title, len(stations)
    )
    _draw_panels(panels, lines, curves)
    # Ticks take most of the time of a picture, and those of the last panel are enough.
    for panel in panels[:-1]:
        panel.xaxis.set_visible(False)
    found: dict[str, list[_Label]] = defaultdict(list)
    for station, phase, time, probability in _each_pick(picks):
        if start <= time <= end:
            label = time - start, phase, f"{phase} {probability:.2f}"
            found[station].append(label)
    for station, labels in found.items():
        named = zip(panels, lines, strict=False)
        own = [panel for panel, name in named if station_of(name) == station]
        _draw_picks([*own, *panels[len(lines) :]], labels, own[:1], length)
    _label_clock(panels[-1], start, length)
    return figure


def save_picks(path: Path, *arguments: Any) -> None:
    """
    Makes one of very many pictures, with few pixels, as another process can do it.

    :param path: Picture to write
    :param arguments: Of :py:func:`plot_picks`
    """
    # A little larger, and several times as fast as the usual compression.
    quick = {"compress_level": 1}
    style.save_figure(plot_picks(*arguments), path, dpi=100, pil_kwargs=quick)


def _draw_picks(
    panels: list[Any], labels: list[_Label], first: list[Any], length: float
) -> None:
    """Picks of a station in its panels, and labels or counts above the first one."""
    counts = Counter(phase for _, phase, _ in labels)
    few = len(labels) <= _MOST_LINES
    for phase in counts:
        at = [seconds for seconds, name, _ in labels if name == phase]
        ends = (0, _MARK) if phase.startswith("S") else (1 - _MARK, 1)
        style_of = {"color": colour_of(phase), "lw": 0.8, "zorder": 3}
        if few:
            ends, style_of = (0, 1), style_of | {"lw": 1, "ls": "--"}
        for panel in panels:
            panel.vlines(at, *ends, transform=panel.get_xaxis_transform(), **style_of)
    for panel in first:
        if few:
            _write_labels(panel, labels, length)
            continue
        text = ", ".join(
            f"{number} {phase}" for phase, number in sorted(counts.items())
        )
        corner = {"xycoords": "axes fraction", "ha": "right", "color": GREY}
        style.write(panel, text, 1, 1, (0, 3), **corner)


def _label_clock(panel: Any, start: obspy.UTCDateTime, length: float) -> None:
    """The clock's time on an axis of seconds after the start."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

    locator = AutoDateLocator(minticks=4, maxticks=12)
    ticks = locator.tick_values(start.datetime, (start + length).datetime)
    seconds = (ticks - date2num(start.datetime)) * 86400
    inside = (seconds > -1e-3) & (seconds < length + 1e-3)
    form = ConciseDateFormatter(locator, offset_formats=_OFFSETS)
    panel.set_xticks(seconds[inside], form.format_ticks(ticks[inside]))
    day = form.get_offset() or start.strftime("%Y-%m-%d")
    panel.set(xlim=(0, length), xlabel=f"Time (UTC), {day}")


def _each_pick(picks: Any) -> Iterator[tuple[str, str, obspy.UTCDateTime, float]]:
    if hasattr(picks, "itertuples"):
        for row in picks.itertuples(index=False):
            time = obspy.UTCDateTime(row.time.to_pydatetime())
            yield row.station_id, row.phase, time, row.probability
    else:
        for pick in picks:
            yield pick.trace_id, pick.phase, pick.peak_time, pick.peak_value


@styled()
def plot_window(
    waveform: np.ndarray,
    sampling_rate: float,
    labels: Mapping[str, float],
    picks: Iterable[tuple[str, float]] = (),
    curves: Mapping[str, np.ndarray] | None = None,
    *,
    components: str = "ZNE",
    title: str = "",
) -> Figure:
    """
    One panel for each component of a window and one for probabilities, with labels
    (dashed) and picks (solid).

    :param waveform: Waveforms, (components, samples)
    :param sampling_rate: Samples a second
    :param labels: Phases and samples of labelled arrivals
    :param picks: Phases and samples of picks
    :param curves: Phases and probabilities, which may be fewer than the samples
    :param components: Names of the components
    :param title: Heading
    :return: Figure
    """
    rows, samples = waveform.shape
    names = components if len(components) == rows else map(str, range(rows))
    seconds = np.arange(samples) / sampling_rate
    lines = {n: np.array([seconds, x]) for n, x in zip(names, waveform, strict=True)}
    steps = [
        (phase, np.array([seconds[:: samples // len(curve)][: len(curve)], curve]))
        for phase, curve in (curves or {}).items()
    ]
    figure, panels = _new_panels(rows + bool(steps), title)
    _draw_panels(panels, lines, steps or None)
    for ls, marks in (("--", labels.items()), ("-", picks)):
        for phase, sample in marks:
            for panel in panels:
                panel.axvline(sample / sampling_rate, color=colour_of(phase), ls=ls)
    length = samples / sampling_rate
    of_labels = [(sample / sampling_rate, p, p) for p, sample in labels.items()]
    _write_labels(panels[0], of_labels, length)
    panels[-1].set(xlim=(0, length), xlabel="Seconds after the first sample")
    return figure


@styled()
def plot_station(
    result: Any, station: str, band: tuple[float, float] = (1.0, 10.0)
) -> Figure:
    """
    The channels of a station and the probabilities in the window of an event, with picks
    and theoretical times: the whole window, P, and S.

    :param result: What :py:func:`~seisbench_diting.picking.pick_event` returned
    :param station: NET.STA.LOC
    :param band: Lowest and highest frequency in Hz
    :raises ValueError: if the station has no window
    :return: Figure
    """
    rows = result.stations[result.stations["station_id"] == station]
    if len(rows) == 0:
        raise ValueError(
            f"station={station!r} has no window around {result.event.event_id}; possible "
            f"are {', '.join(result.stations['station_id']) or 'none'}."
        )
    row = next(rows.itertuples(index=False))
    origin = obspy.UTCDateTime(style.utc(result.event.time).to_pydatetime())
    waveforms, annotations = (
        obspy.Stream([trace for trace in stream if station_of(trace.id) == station])
        for stream in (result.waveforms, result.curves)
    )
    lines = {
        name.rpartition(".")[2]: line
        for name, line in lines_of(waveforms, origin, band, thin=False).items()
    }
    curves = _curves_of(annotations, origin) or None
    marks = list(_marks_of(result, row))
    margin = _DETAIL_SECONDS[1]
    if np.isfinite(row.s_seconds - row.p_seconds):
        # Fewer seconds where S would make P look small.
        margin = np.clip(0.6 * (row.s_seconds - row.p_seconds), *_DETAIL_SECONDS)

    rows = len(lines) + (curves is not None)
    figure = style.new_figure(14, 1.5 * rows + 1.4)
    grid = figure.subplots(rows, 3, sharex="col", squeeze=False, width_ratios=[2, 1, 1])
    for column, phase in zip(grid.T, ("", "P", "S"), strict=True):
        ours = [mark for mark in marks if mark[1][:1] == phase]
        own = [at for kind, _, at, _ in ours if kind != "discarded"]
        begin, end = row.begin_seconds, row.end_seconds
        if own:
            begin, end = min(own) - margin, max(own) + margin
        titles = [text for kind, _, _, text in ours if kind == "pick"]
        titles.append(f"no pick of {phase}" if own else f"no theoretical {phase}")
        shown = {name: between(line, begin, end) for name, line in lines.items()}
        _draw_panels(column, shown, curves, named=not phase)
        for panel in column:
            _draw_marks(panel, marks)
        column[0].set_title(titles[0] if phase else "whole window")
        column[-1].set(xlim=(begin, end), xlabel="Time after the origin time (s)")
    figure.suptitle(
        f"{style.describe_event(result.event)}\n{station.rstrip('.')}, "
        f"{row.epicentral_distance_km:.1f} km, azimuth {row.azimuth_deg:.0f}°, "
        f"{style.band_text(band)}"
    )
    style.legend_below(figure, grid[0])
    return figure


def _marks_of(result: Any, row: Any) -> Iterator[tuple[str, str, float, str]]:
    """Kind, phase, seconds after the origin time and text."""
    for phase, seconds in (("P", row.p_seconds), ("S", row.s_seconds)):
        if np.isfinite(seconds):
            yield "theoretical", phase, seconds, ""
    origin, chosen = style.utc(result.event.time), result.picks["time"].tolist()
    for table in (result.candidates, result.picks):
        kind = "pick" if table is result.picks else "discarded"
        for pick in table[table["station_id"] == row.station_id].itertuples():
            if kind == "pick" or pick.time not in chosen:
                text = f"{pick.phase} {pick.probability:.2f}"
                if kind == "pick":
                    text += f", residual {pick.residual_s:+.2f} s"
                yield kind, pick.phase, (pick.time - origin).total_seconds(), text


def _draw_marks(panel: Any, marks: list[tuple[str, str, float, str]]) -> None:
    for kind, phase, seconds, _ in marks:
        colour = DISCARDED if kind == "discarded" else colour_of(phase)
        label = {"theoretical": f"{kind} {phase[:1]}", "pick": f"{phase[:1]} {kind}"}
        panel.axvline(
            seconds, color=colour, label=label.get(kind, kind), zorder=3, **_MARKS[kind]
        )


def station_of(trace_id: str) -> str:
    """:return: NET.STA.LOC"""
    return trace_id.rpartition(".")[0]


def lines_of(
    stream: obspy.Stream,
    zero: obspy.UTCDateTime,
    band: tuple[float, float] | None = None,
    *,
    thin: bool = True,
    span: tuple[float, float] = (-np.inf, np.inf),
) -> dict[str, np.ndarray]:
    """
    :param stream: Waveforms
    :param zero: Time that seconds count from
    :param band: Lowest and highest frequency in Hz, or None for no filter
    :param thin: If long pieces are drawn with fewer samples
    :param span: First and last second; the filter begins before
    :return: For each channel seconds and samples, (2, samples), NaN in gaps; the vertical
        channel of a station first
    """
    pieces: dict[str, list[np.ndarray]] = defaultdict(list)
    gap = np.full((2, 1), np.nan)
    for trace in sorted(stream, key=lambda trace: trace.stats.starttime):
        samples = np.ma.masked_invalid(trace.data)
        seconds = trace.times() + (trace.stats.starttime - zero)
        for part in np.ma.clump_unmasked(samples) if len(trace) else ():
            data = samples.data[part]
            if band is not None:
                data = band_filtered(data, band, trace.stats.sampling_rate)
            line = between(np.array([seconds[part], data]), *span)
            pieces[trace.id] += [_outline(line) if thin else line, gap]
        pieces[trace.id].append(gap)
    return {n: np.hstack(pieces[n]) for n in sorted(pieces, key=component_rank)}


def between(line: np.ndarray, begin: float, end: float) -> np.ndarray:
    """:return: The part of a line between two times, and its gaps"""
    return line[:, ~((line[0] < begin) | (line[0] > end))]


def _outline(line: np.ndarray) -> np.ndarray:
    """The smallest and the largest of as many pieces as a picture can show."""
    length = line.shape[1] // _PIECES
    if length < 2:
        return line
    number = line.shape[1] // length
    seconds, samples = line[:, : number * length].reshape(2, number, length)
    ends = np.stack([samples.min(axis=1), samples.max(axis=1)], axis=1)
    return np.array([np.repeat(seconds[:, 0], 2), ends.ravel()])


def component_rank(trace_id: str) -> tuple[str, int, str]:
    """:return: Order of channels: those of a station together, the vertical one first"""
    station, _, channel = trace_id.rpartition(".")
    place = "Z1N2E3".find(channel[-1:])
    return station, place if channel and place >= 0 else 6, channel


def _curves_of(
    annotations: obspy.Stream, zero: obspy.UTCDateTime
) -> list[tuple[str, np.ndarray]]:
    phases = [trace.stats.channel.rpartition("_")[2] for trace in annotations]
    return [
        (phase, np.array([trace.times() + (trace.stats.starttime - zero), trace.data]))
        for phase, trace in zip(phases, annotations, strict=True)
        if phase[:1] in COLOURS
    ]


def _new_panels(rows: int, title: str, stations: int = 1) -> tuple[Figure, Any]:
    # Placed by hand: a layout engine would take half of the time of a picture.
    height = 1.5 * rows + 1.3
    figure = style.new_figure(10, height, layout="none")
    figure.suptitle(title, y=1 - 0.1 / height, va="top")
    ends = {"bottom": 0.5 / height, "top": 1 - 0.8 / height}
    place = {"left": 0.09, "right": 0.99, "hspace": 0.1 if stations == 1 else 0.5}
    grid: Any = {"gridspec_kw": place | ends}
    return figure, figure.subplots(rows, 1, sharex=True, squeeze=False, **grid)[:, 0]


def _draw_panels(
    panels: Any,
    lines: Mapping[str, np.ndarray],
    curves: list[tuple[str, np.ndarray]] | None,
    *,
    named: bool = True,
) -> None:
    for panel, (name, line) in zip(panels, lines.items(), strict=False):
        panel.plot(*line, color="black", lw=0.5)
        panel.set_ylabel(name if named else "", fontsize=8)
        # Left of where labels of picks stand.
        panel.yaxis.get_offset_text().set_horizontalalignment("right")
    if curves is None:
        return
    panels[-1].set(ylim=(0, 1.02), ylabel="Probability" if named else "")
    handles = {}
    for phase, curve in curves:
        # One value is for a whole cell of LPPN.
        look = {"drawstyle": "steps-post", "ls": ":" if phase.endswith("n") else "-"}
        (handles[phase],) = panels[-1].plot(*curve, color=colour_of(phase), **look)
    if handles and named:
        legend = list(handles.values()), list(handles)
        panels[-1].legend(*legend, loc="upper right", frameon=True)


def _write_labels(panel: Any, labels: Iterable[_Label], length: float) -> None:
    """
    Labels in a few lines above a panel, so that they do not overlap. If there are too many,
    some are left out.
    """
    ends = [-np.inf] * _LABEL_LINES
    placed = []
    for seconds, phase, text in labels:
        # P and S of a near event stand on both sides.
        side = "right" if phase.startswith("P") else "left"
        width = _LETTER * len(text) * length
        begin = seconds - width * (side == "right")
        placed.append((begin, begin + width, seconds, phase, text, side))
    for begin, end, seconds, phase, text, side in sorted(placed):
        line = next((n for n, last in enumerate(ends) if last <= begin), None)
        if line is not None:
            ends[line] = end
            place = {"xycoords": ("data", "axes fraction"), "ha": side}
            offset = (0, 2 + _LABEL_POINTS * line)
            style.write(
                panel, text, seconds, 1, offset, color=colour_of(phase), **place
            )
