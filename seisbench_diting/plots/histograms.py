"""How many events and picks there are, over time and of which kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .style import COLOURS, GREY, SERIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Widths of bars over time in seconds, and what they are called.
_STEPS = {
    **{float(n): f"{n} s" for n in (1, 2, 5, 10, 30)},
    **{60.0 * n: f"{n} min" for n in (1, 2, 5, 10, 30)},
    **{3600.0 * n: f"{n} h" for n in (1, 2, 6, 12)},
    **{86400.0 * n: f"{n} d" for n in (1, 2, 5, 10, 30, 100, 365)},
}

_MOST_BARS = 60


def naive(times: pd.Series) -> np.ndarray:
    """:return: As Matplotlib takes times: in UTC, without saying so"""
    return times.dt.tz_convert(None).to_numpy()


def pick_counts(
    events: pd.DataFrame, picks: pd.DataFrame, phase: str = ""
) -> np.ndarray:
    """
    :param events: Event table
    :param picks: Their picks
    :param phase: What phases begin with
    :return: How many of them each event has
    """
    of_phase = picks[picks["phase"].str.startswith(phase)]
    found = of_phase["event_id"].value_counts()
    return events["event_id"].map(found).fillna(0).to_numpy(dtype=int)


def _date_axis(panel: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=2, maxticks=6)
    panel.xaxis.set_major_locator(locator)
    panel.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    panel.tick_params(axis="x", labelsize=8)


def draw_times(panel: Axes, events: pd.DataFrame) -> None:
    """
    :param panel: Panel of the numbers of events over time, and of their sum
    :param events: Event table
    """
    first, last = events["time"].iloc[0], events["time"].iloc[-1]
    span = (last - first).total_seconds()
    step = next((s for s in _STEPS if span / s < _MOST_BARS - 2), max(_STEPS))
    width = pd.Timedelta(seconds=step)
    place = (events["time"] - first.floor(width)) // width
    height = np.bincount(place)
    begins = first.floor(width) + pd.to_timedelta(np.arange(len(height)) * step, "s")
    panel.bar(
        begins.tz_convert(None).to_numpy(),
        height,
        width.to_timedelta64(),
        align="edge",
        color=SERIES[4],
        zorder=2,
    )
    panel.set_ylabel(f"Events in {_STEPS[step]}")
    _whole_numbers(panel)
    _date_axis(panel)
    # On the left, as the date is on the right.
    panel.set_xlabel("Origin time (UTC)", loc="left")
    total = panel.twinx()
    times = naive(events["time"])
    total.step(
        np.append(times, (last + width).tz_convert(None).to_datetime64()),
        np.append(np.arange(1, len(times) + 1), len(times)),
        where="post",
        color="black",
        lw=1.2,
    )
    total.set_ylim(0, 1.05 * len(times))
    total.set_ylabel("Events up to then")
    total.tick_params(axis="y", labelsize=8)
    _whole_numbers(total)


def _whole_numbers(panel: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    panel.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    panel.tick_params(labelsize=8)


def draw_counts(panel: Axes, events: pd.DataFrame, picks: pd.DataFrame) -> None:
    """
    :param panel: Panel of how many events have how many picks
    :param events: Event table
    :param picks: Their picks
    """
    from matplotlib.ticker import MaxNLocator

    both = pick_counts(events, picks)
    panel.set_xlabel("Picks of an event")
    panel.set_ylabel("Events")
    if both.max() == 0:
        _leave_empty(panel, "no picks")
        return
    step = int(np.ceil((both.max() + 1) / 40))
    bins = np.arange(0, both.max() + 1 + step, step) - 0.5
    panel.hist(both, bins, color="#CCCCCC", label="P and S")
    for phase in "PS":
        panel.hist(
            pick_counts(events, picks, phase),
            bins,
            histtype="step",
            color=COLOURS[phase],
            lw=1.4,
            label=phase,
        )
    panel.legend(fontsize=8, frameon=False)
    _whole_numbers(panel)
    panel.xaxis.set_major_locator(MaxNLocator(7, integer=True))


def draw_residuals(panel: Axes, picks: pd.DataFrame) -> None:
    """
    :param panel: Panel of how many picks are how late
    :param picks: Pick table with ``residual_s``
    """
    known = picks[np.isfinite(picks["residual_s"])]
    panel.set_xlabel("Residual (s), positive: late")
    panel.set_ylabel("Picks")
    if len(known) == 0:
        _leave_empty(panel, "no residuals")
        return
    # Of a few outliers the others would be one bar.
    reach = max(0.1, float(known["residual_s"].abs().quantile(0.995)) * 1.1)
    bins = np.linspace(-reach, reach, 1 + int(np.clip(2 * np.sqrt(len(known)), 8, 40)))
    for phase in "PS":
        residuals = known["residual_s"][known["phase"].str.startswith(phase)]
        if len(residuals) == 0:
            continue
        middle = residuals.median()
        spread = (residuals - middle).abs().median() * 1.4826
        panel.hist(
            residuals.clip(-reach, reach),
            bins,
            histtype="stepfilled",
            facecolor=(COLOURS[phase], 0.15),
            edgecolor=COLOURS[phase],
            lw=1.4,
            # Not -0.00.
            label=f"{phase}: {round(middle, 2) + 0:.2f} ± {spread:.2f} s",
        )
    panel.axvline(0, color=GREY, lw=0.7)
    panel.set_xlim(-reach, reach)
    panel.locator_params(axis="x", nbins=7)
    panel.legend(fontsize=8, frameon=False)
    _whole_numbers(panel)


def _leave_empty(panel: Axes, reason: str) -> None:
    panel.set_xticks([])
    panel.set_yticks([])
    panel.annotate(
        reason, (0.5, 0.5), xycoords="axes fraction", ha="center", color=GREY
    )
