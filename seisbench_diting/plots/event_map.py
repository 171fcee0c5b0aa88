"""The map of an event and its stations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .drawing import GREY, describe, legend_below
from .maps import aspect, name_stations, on_one_side, scale_bar, set_extent, square
from .style import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_map(result: Any) -> Figure:
    """
    The epicentre, and the stations in the colours of the residuals of P, and of S. A
    degree of longitude is as long as it is at the middle of the map.

    :param result: What came of an event
    :raises ValueError: if there is no station with a window
    :return: Figure
    """
    # Not at the top of the file: it takes longer to import than picking takes.
    from matplotlib.lines import Line2D

    if len(result.stations) == 0:
        raise ValueError(
            f"There is no station with a window around {result.event.event_id}; there is "
            "nothing to draw."
        )
    figure = new_figure(figsize=(10, 5.6), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    largest = result.picks["residual_s"].abs().max() if len(result.picks) else np.nan
    largest = max(0.5, float(np.nan_to_num(largest)))
    for panel, phase in zip(panels, "PS", strict=True):
        coloured = _draw(panel, result, phase, largest)
    panels[0].set_ylabel("Latitude (°)")
    figure.colorbar(
        coloured, ax=list(panels), label="Residual (s), positive: late", shrink=0.8
    )
    figure.suptitle(describe(result.event), fontsize=10)
    picked = {"color": "white", "markeredgecolor": "black", "ls": ""}
    legend_below(
        figure,
        [
            Line2D([], [], marker="*", ms=13, label="epicentre", **_STAR, ls=""),
            Line2D([], [], marker="^", ms=9, label="station with pick", **picked),
            Line2D([], [], marker="x", ms=6, label="without", color=GREY, ls=""),
        ],
    )
    return figure


_STAR = {"color": "gold", "markeredgecolor": "black", "markeredgewidth": 0.8}


def _draw(panel: Axes, result: Any, phase: str, largest: float):
    event, stations = result.event, result.stations
    longitude = on_one_side(stations["longitude"], event.longitude)
    latitude = stations["latitude"].to_numpy()
    of_phase = result.picks[result.picks["phase"].str.startswith(phase)]
    residual = (
        of_phase.drop_duplicates("station_id")
        .set_index("station_id")["residual_s"]
        .reindex(stations["station_id"])
        .to_numpy()
    )
    picked = np.isfinite(residual)
    for x, y in zip(longitude, latitude, strict=True):
        panel.plot([event.longitude, x], [event.latitude, y], color="#DDDDDD", lw=0.6)
    panel.scatter(
        longitude[~picked],
        latitude[~picked],
        35,
        color=GREY,
        linewidth=1.2,
        marker="x",
        zorder=3,
    )
    coloured = panel.scatter(
        longitude[picked],
        latitude[picked],
        75,
        c=residual[picked],
        cmap="RdBu_r",
        vmin=-largest,
        vmax=largest,
        edgecolor="black",
        linewidth=0.7,
        marker="^",
        zorder=4,
    )
    panel.plot(
        event.longitude, event.latitude, marker="*", ms=16, ls="", zorder=5, **_STAR
    )
    ends = square(
        np.append(longitude, event.longitude), np.append(latitude, event.latitude)
    )
    set_extent(panel, ends)
    panel.set_aspect(aspect(ends), adjustable="box")
    # Of names that would cover each other that of the nearest station.
    name_stations(panel, stations["station_id"], longitude, latitude, ends)
    scale_bar(panel, ends)
    panel.set_xlabel("Longitude (°)")
    panel.set_title(f"{phase}: {picked.sum()} of {len(stations)} stations", fontsize=10)
    return coloured
