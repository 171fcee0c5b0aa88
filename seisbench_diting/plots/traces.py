"""Pictures of waveforms, arrivals, probability curves and picks."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import obspy

from .style import COLOURS, colour_of, new_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from seisbench.util import Pick

#: Lines of labels above a panel, their height in points, and about how much of a panel's
#: width a letter takes.
_LABEL_LINES, _LABEL_POINTS, _LETTER = 3, 11, 0.009

#: Pieces that a long trace is drawn in: more than a picture has pixels.
_PIECES = 10_000


def plot_picks(
    stream: obspy.Stream,
    picks: pd.DataFrame | Iterable[Pick],
    annotations: obspy.Stream | None = None,
    title: str = "",
) -> Figure:
    """
    One panel for each trace and one for the probabilities, over the same time.

        plot_picks(stream, pick_stream(stream, model))

    :param stream: Waveforms
    :param picks: Table of picks, or picks that :py:meth:`classify` gave; those of a
        station are drawn over its traces
    :param annotations: Curves that :py:meth:`annotate` gave
    :param title: Heading
    :raises ValueError: if the stream is empty
    :return: Figure
    """
    if not len(stream):
        raise ValueError("stream holds no traces; there is nothing to draw.")
    start = min(trace.stats.starttime for trace in stream)
    end = max(trace.stats.endtime for trace in stream)
    ids = sorted({trace.id for trace in stream}, key=_component_rank)
    rows = len(ids) + (annotations is not None)
    figure = new_figure(figsize=(10, 1.5 * rows + 0.7), layout="constrained")
    panels = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
    for panel, trace_id in zip(panels, ids, strict=False):
        for trace in stream.select(id=trace_id):
            seconds, data = outline(trace)
            panel.plot(seconds + (trace.stats.starttime - start), data, "k", lw=0.5)
        panel.set_ylabel(trace_id, fontsize=8)
        panel.ticklabel_format(axis="y", style="sci", scilimits=(-3, 4))
        # Left of where labels of picks stand.
        panel.yaxis.get_offset_text().set_horizontalalignment("right")
    if annotations is not None:
        _plot_curves(
            panels[-1],
            [
                trace
                for trace in annotations
                if trace.stats.channel.rpartition("_")[2][:1] in COLOURS
            ],
            start,
        )
    length = max(end - start, stream[0].stats.delta)
    panels[-1].set_xlim(0, length)
    labels: dict[Axes, list[_Label]] = {}
    for station, phase, time, probability in _each_pick(picks):
        if not start <= time <= end:
            continue
        of_station = [
            panel
            for panel, trace_id in zip(panels, ids, strict=False)
            if trace_id.rpartition(".")[0] == station
        ]
        for panel in [*of_station, *panels[len(ids) :]]:
            panel.axvline(time - start, color=colour_of(phase), lw=1, ls="--")
        if of_station:
            label = _Label(time - start, phase, f"{phase} {probability:.2f}")
            labels.setdefault(of_station[0], []).append(label)
    for panel, of_panel in labels.items():
        _write_labels(panel, of_panel, length)
    begin = start.strftime("%Y-%m-%d %H:%M:%S.%f")[:-4].removesuffix(".00")
    panels[-1].set_xlabel(f"Seconds after {begin} UTC")
    figure.suptitle(title)
    return figure


def outline(trace: obspy.Trace) -> tuple[np.ndarray, np.ndarray]:
    """
    :param trace: Waveform of any length
    :return: Seconds after its begin, and samples, NaN where there are none; of long ones
        the smallest and the largest of as many pieces as a picture can show
    """
    data = np.ma.filled(trace.data.astype(float), np.nan)
    if len(data) <= 2 * _PIECES:
        return np.arange(len(data)) * trace.stats.delta, data
    length = len(data) // _PIECES
    number = len(data) // length
    pieces = data[: number * length].reshape(number, length)
    with warnings.catch_warnings():
        # Of pieces without samples.
        warnings.simplefilter("ignore", RuntimeWarning)
        ends = np.stack([np.nanmin(pieces, axis=1), np.nanmax(pieces, axis=1)], axis=1)
    begins = np.arange(number) * length * trace.stats.delta
    return np.repeat(begins, 2), ends.ravel()


def _each_pick(
    picks: pd.DataFrame | Iterable[Pick],
) -> Iterator[tuple[str, str, obspy.UTCDateTime, float]]:
    if hasattr(picks, "itertuples"):
        for row in picks.itertuples(index=False):
            time = obspy.UTCDateTime(row.time.to_pydatetime())
            yield row.station_id, row.phase, time, row.probability
    else:
        for pick in picks:
            yield pick.trace_id, pick.phase, pick.peak_time, pick.peak_value


class _Label(NamedTuple):
    seconds: float
    phase: str
    text: str


def _write_labels(panel: Axes, labels: list[_Label], length: float) -> None:
    """In a few lines above a panel, so that none covers another; not all of very many."""
    ends = [-np.inf] * _LABEL_LINES
    # P and S of a near event stand on both sides.
    is_left = [label.phase[:1] == "P" for label in labels]
    widths = [_LETTER * len(label.text) * length for label in labels]
    begins = [
        label.seconds - width * left
        for label, width, left in zip(labels, widths, is_left, strict=True)
    ]
    for i in np.argsort(begins, kind="stable"):
        free = [line for line, end in enumerate(ends) if end <= begins[i]]
        if not free:
            continue
        ends[free[0]] = begins[i] + widths[i]
        panel.annotate(
            labels[i].text,
            (labels[i].seconds, 1),
            (0, 2 + _LABEL_POINTS * free[0]),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            color=colour_of(labels[i].phase),
            fontsize=9,
            ha="right" if is_left[i] else "left",
        )


def plot_record(
    waveform: np.ndarray, metadata: Mapping[str, Any], title: str | None = None
) -> Figure:
    """
    One panel for each component of a record of a SeisBench dataset, with its arrivals.

        plot_record(*dataset.get_sample(0))

    :param waveform: Waveforms, (components, samples)
    :param metadata: Metadata of the record
    :param title: Heading. Default: what is known of event and station.
    :return: Figure
    """

    rate = float(metadata["trace_sampling_rate_hz"])
    names = list(metadata.get("trace_component_order") or range(len(waveform)))
    if len(names) != len(waveform):
        names = list(range(len(waveform)))
    figure = new_figure(figsize=(10, 1.5 * len(waveform) + 1), layout="constrained")
    panels = figure.subplots(len(waveform), 1, sharex=True, squeeze=False)[:, 0]
    seconds = np.arange(waveform.shape[1]) / rate
    for panel, data, name in zip(panels, waveform, names, strict=True):
        panel.plot(seconds, data, "k", lw=0.5)
        panel.set_ylabel(name)
        panel.ticklabel_format(axis="y", style="sci", scilimits=(-3, 4))
    for column, sample in metadata.items():
        match = re.fullmatch(r"trace_(.+)_arrival_sample", column)
        if match is None or not np.isfinite(sample):
            continue
        phase = match[1].upper() if len(match[1]) == 1 else match[1]
        colour = colour_of(phase.upper())
        for panel in panels:
            panel.axvline(sample / rate, color=colour, lw=1, ls="--")
        panels[0].annotate(
            phase,
            (sample / rate, 1.02),
            xycoords=("data", "axes fraction"),
            color=colour,
            fontsize=9,
            ha="center",
        )
    panels[-1].set_xlim(0, waveform.shape[1] / rate)
    panels[-1].set_xlabel("Seconds after the first sample")
    figure.suptitle(_describe(metadata) if title is None else title)
    return figure


def _describe(metadata: Mapping[str, Any]) -> str:
    parts = (
        ("event", "source_id", ""),
        ("", "source_magnitude_type", ""),
        ("", "source_magnitude", ""),
        ("at", "station_network_code", ""),
        ("", "station_code", ""),
        ("distance", "path_ep_distance_km", " km"),
    )
    words = []
    for before, column, unit in parts:
        value = metadata.get(column)
        if value is not None and value == value:
            words += [before, f"{value}{unit}"]
    return " ".join(word for word in words if word)


def _plot_curves(panel, curves: list[obspy.Trace], start: obspy.UTCDateTime) -> None:
    labelled = set()
    for trace in curves:
        phase = trace.stats.channel.rpartition("_")[2]
        panel.plot(
            trace.times() + (trace.stats.starttime - start),
            trace.data,
            color=colour_of(phase),
            drawstyle="steps-post",  # One value holds for a whole cell of LPPN.
            ls="-" if len(phase) == 1 or phase.endswith("g") else ":",
            label=None if phase in labelled else phase,
        )
        labelled.add(phase)
    panel.set_ylim(0, 1.02)
    panel.set_ylabel("Probability")
    if labelled:
        panel.legend(loc="upper right", fontsize=8)


def _component_rank(trace_id: str) -> tuple[str, int, str]:
    order = "ZNE123"
    component = order.find(trace_id[-1]) % len(order) if trace_id else 0
    return trace_id.rpartition(".")[0], component, trace_id
