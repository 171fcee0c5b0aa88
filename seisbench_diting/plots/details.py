"""The figure of one station: the whole window, and P and S in detail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import obspy

from .drawing import (
    COLOURS,
    DISCARDED,
    GREY,
    Line,
    band_text,
    describe,
    filtered_lines,
    legend_below,
    pick_seconds,
    rank,
)
from .style import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Seconds that a detail shows on both sides of what it is about: fewer where S would
#: make P look small.
_DETAIL_SECONDS = (1.5, 4.0)


def plot_station(
    result: Any, station: str, band: tuple[float, float] = (1.0, 10.0)
) -> Figure:
    """
    The components in the whole window, the probabilities, and below them what is around
    P and S, with theoretical times and picks.

    :param result: What came of an event
    :param station: NET.STA.LOC
    :param band: Lowest and highest frequency in Hz
    :raises ValueError: if it has no window
    :return: Figure
    """
    # Not at the top of the file: it takes longer to import than picking takes.
    from matplotlib.lines import Line2D

    rows = result.stations[result.stations["station_id"] == station]
    if len(rows) == 0:
        raise ValueError(
            f"station={station!r} has no window around {result.event.event_id}; possible "
            f"are {', '.join(result.stations['station_id']) or 'none'}."
        )
    row = next(rows.itertuples(index=False))
    of_station = obspy.Stream(
        trace for trace in result.waveforms if trace.id.rpartition(".")[0] == station
    )
    lines = filtered_lines(of_station, result.event, band)[station]
    lines = {name: lines[name] for name in sorted(lines, key=rank)}
    curves = _curves(result, station)
    marks = _marks(result, row)

    upper = len(lines) + bool(curves)
    figure = new_figure(figsize=(10, 1.05 * upper + 4.2), layout="constrained")
    grid = figure.add_gridspec(upper + 1, 2, height_ratios=[1] * upper + [2.6])
    whole: list[Axes] = []
    for i in range(upper):
        share = {"sharex": whole[0]} if whole else {}
        whole.append(figure.add_subplot(grid[i, :], **share))
    for panel, (name, line) in zip(whole, lines.items(), strict=False):
        panel.plot(*line, color="black", lw=0.5)
        panel.set_ylabel(name, rotation=0, va="center", ha="center")
        panel.ticklabel_format(axis="y", style="sci", scilimits=(-3, 4))
        panel.yaxis.get_offset_text().set_fontsize(8)
    if curves:
        _draw_curves(whole[-1], curves)
        whole[-1].set_ylabel("Probability", fontsize=9)
    for panel in whole:
        _draw_marks(panel, marks)
        panel.tick_params(labelsize=8, labelbottom=panel is whole[-1])
    figure.align_ylabels(whole)
    whole[0].set_xlim(row.begin_seconds, row.end_seconds)
    whole[-1].set_xlabel("Time after the origin time (s)")

    margin = _DETAIL_SECONDS[1]
    if np.isfinite(row.s_seconds - row.p_seconds):
        margin = np.clip(0.6 * (row.s_seconds - row.p_seconds), *_DETAIL_SECONDS)
    for column, phase in enumerate("PS"):
        panel = figure.add_subplot(grid[upper, column])
        _draw_detail(panel, phase, lines, curves, marks, margin)

    figure.suptitle(
        f"{describe(result.event)}\n{station.rstrip('.')}, "
        f"{row.epicentral_distance_km:.1f} km, azimuth {row.azimuth_deg:.0f}°, "
        f"{band_text(band)}",
        fontsize=10,
    )
    handles = [
        *(
            Line2D([], [], color=colour, ls="--", lw=1.2, label=f"theoretical {phase}")
            for phase, colour in COLOURS.items()
        ),
        *(
            Line2D([], [], color=colour, lw=1.8, label=f"{phase} pick")
            for phase, colour in COLOURS.items()
        ),
    ]
    if any(kind == "discarded" for kind, *_ in marks):
        handles.append(
            Line2D([], [], color=DISCARDED, ls=":", lw=1.8, label="discarded")
        )
    if curves:
        handles += [
            Line2D(
                [], [], color=colour, lw=1, alpha=0.6, label=f"probability of {phase}"
            )
            for phase, colour in COLOURS.items()
        ]
    legend_below(figure, handles)
    return figure


def _marks(result: Any, row: Any) -> list[tuple[str, str, float, str]]:
    """Kind, phase, seconds after the origin time and label of all vertical lines."""
    marks = [
        ("theory", phase, seconds, "")
        for phase, seconds in (("P", row.p_seconds), ("S", row.s_seconds))
        if np.isfinite(seconds)
    ]
    tables = []
    for table in (result.candidates, result.picks):
        table = table[table["station_id"] == row.station_id]
        tables.append((table, pick_seconds(table["time"], result.event)))
    (candidates, seconds), (picks, chosen) = tables
    marks += [
        ("discarded", phase, at, f"{phase} {probability:.2f}")
        for phase, at, probability in zip(
            candidates["phase"], seconds, candidates["probability"], strict=True
        )
        if at not in chosen
    ]
    marks += [
        ("pick", phase, at, f"{phase} {probability:.2f}, residual {residual:+.2f} s")
        for phase, at, probability, residual in zip(
            picks["phase"],
            chosen,
            picks["probability"],
            picks["residual_s"],
            strict=True,
        )
    ]
    return marks


_STYLES = {
    "theory": {"ls": "--", "lw": 1.2, "zorder": 3},
    "discarded": {"ls": ":", "lw": 1.8, "zorder": 3},
    "pick": {"ls": "-", "lw": 1.5, "zorder": 4},
}


def _draw_marks(panel: Axes, marks: list[tuple[str, str, float, str]]) -> None:
    for kind, phase, seconds, _ in marks:
        colour = DISCARDED if kind == "discarded" else COLOURS[phase[:1]]
        panel.axvline(seconds, color=colour, **_STYLES[kind])


def _curves(result: Any, station: str) -> list[tuple[str, Line]]:
    found = []
    for trace in result.curves:
        phase = trace.stats.channel.rpartition("_")[2]
        if trace.id.rpartition(".")[0] == station and phase[:1] in COLOURS:
            found.append((phase, _line(trace, result.event)))
    return found


def _line(trace: obspy.Trace, event: Any) -> Line:
    return trace.times() + (trace.stats.starttime - event.origin), trace.data


def _draw_curves(panel: Axes, curves: list[tuple[str, Line]]) -> None:
    for phase, line in curves:
        panel.plot(
            *line,
            color=COLOURS[phase[:1]],
            lw=1,
            alpha=0.6,
            drawstyle="steps-post",  # One value holds for a whole cell of LPPN.
            ls=":" if phase.endswith("n") else "-",
        )
    panel.set_ylim(0, 1.02)


def _draw_detail(
    panel: Axes,
    phase: str,
    lines: dict[str, Line],
    curves: list[tuple[str, Line]],
    marks: list[tuple[str, str, float, str]],
    margin: float,
) -> None:
    own = [mark for mark in marks if mark[1][:1] == phase and mark[0] != "discarded"]
    panel.set_yticks([])
    if not own:
        panel.set_xticks([])
        panel.set_title(f"no theoretical {phase}", fontsize=9)
        return
    begin = min(mark[2] for mark in own) - margin
    end = max(mark[2] for mark in own) + margin
    panel.set_xlim(begin, end)
    for i, (seconds, samples) in enumerate(lines.values()):
        inside = (seconds >= begin) & (seconds <= end)
        peak = np.nanmax(np.abs(samples[inside]), initial=0.0)
        panel.plot(
            seconds[inside],
            len(lines) - i + 0.45 * samples[inside] / (peak if peak > 0 else 1.0),
            color="black",
            lw=0.6,
        )
    panel.set_yticks(range(len(lines), 0, -1), list(lines))
    panel.tick_params(axis="y", length=0)
    panel.tick_params(axis="x", labelsize=8)
    panel.set_ylim(-0.6 if curves else 0.4, len(lines) + 0.6)
    if curves:
        beside = panel.inset_axes((0, 0, 1, 1 / (len(lines) + 1.2)), sharex=panel)
        _draw_curves(beside, curves)
        _draw_marks(beside, marks)
        beside.patch.set_visible(False)
        beside.set_yticks([0, 0.5, 1], ["0", "0.5", "1"], fontsize=7)
        beside.yaxis.tick_right()
        beside.tick_params(axis="x", labelbottom=False, length=0)
        beside.set_xlim(begin, end)
    _draw_marks(panel, marks)
    for kind, _, seconds, label in marks:
        if kind == "discarded":
            panel.annotate(
                label,
                (seconds, 1),
                (2, -3),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                va="top",
                fontsize=7,
                color=DISCARDED,
                annotation_clip=True,
            )
    panel.set_xlim(begin, end)
    picked = [label for kind, _, _, label in own if kind == "pick"]
    panel.set_title(
        picked[0] if picked else f"no pick of {phase}",
        fontsize=9,
        color=COLOURS[phase] if picked else GREY,
    )
    panel.set_xlabel("Time after the origin time (s)")
