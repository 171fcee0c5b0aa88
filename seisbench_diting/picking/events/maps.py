"""The map of an event and its stations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...travel_times import KM_PER_DEGREE
from .drawing import GREY, describe, legend_below
from .picker import EventPicks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: More names than these would cover the stations.
_MOST_NAMES = 40

#: Least extent of a map in km.
_LEAST_KM = 20.0


def plot_map(result: EventPicks) -> Figure:
    """
    The epicentre, and the stations in the colours of the residuals of P, and of S. A
    degree of longitude is as long as it is at the middle of the map.

    :param result: What came of an event
    :raises ValueError: if there is no station with a window
    :return: Figure
    """
    # Not at the top of the file: it takes longer to import than picking takes.
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    if len(result.stations) == 0:
        raise ValueError(
            f"There is no station with a window around {result.event.event_id}; there is "
            "nothing to draw."
        )
    figure = Figure(figsize=(10, 5.6), layout="constrained")
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


def _draw(panel: Axes, result: EventPicks, phase: str, largest: float):
    event, stations = result.event, result.stations
    # On one side of the date line.
    longitude = event.longitude + (
        (stations["longitude"].to_numpy() - event.longitude + 180) % 360 - 180
    )
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
    ends = _extent(
        np.append(longitude, event.longitude), np.append(latitude, event.latitude)
    )
    panel.set_xlim(ends[:2])
    panel.set_ylim(ends[2:])
    panel.set_aspect(1 / np.cos(np.radians(_middle(ends))), adjustable="box")
    _name(panel, stations["station_id"], longitude, latitude, ends)
    _scale_bar(panel, ends)
    panel.set_xlabel("Longitude (°)")
    panel.tick_params(labelsize=8)
    panel.ticklabel_format(axis="y", useOffset=False)
    panel.locator_params(nbins=5)
    panel.xaxis.set_major_formatter(lambda x, _: f"{(x + 180) % 360 - 180:.6g}")
    panel.set_title(f"{phase}: {picked.sum()} of {len(stations)} stations", fontsize=10)
    return coloured


def _middle(ends: tuple[float, ...]) -> float:
    # At the poles a degree of longitude has no length.
    return float(np.clip((ends[2] + ends[3]) / 2, -85, 85))


def _extent(longitude: np.ndarray, latitude: np.ndarray) -> tuple[float, ...]:
    """A square in km around all points."""
    x, y = ((values.min() + values.max()) / 2 for values in (longitude, latitude))
    narrow = np.cos(np.radians(np.clip(y, -85, 85)))
    size = max(np.ptp(longitude) * narrow, np.ptp(latitude), _LEAST_KM / KM_PER_DEGREE)
    half = 0.68 * size
    return x - half / narrow, x + half / narrow, y - half, y + half


def _name(
    panel: Axes, names, longitude: np.ndarray, latitude: np.ndarray, ends
) -> None:
    if len(names) > _MOST_NAMES:
        return
    # Of those that would cover each other the first, which is the nearest one.
    named: list[tuple[float, float]] = []
    for name, x, y in zip(names, longitude, latitude, strict=True):
        place = (x - ends[0]) / (ends[1] - ends[0]), (y - ends[2]) / (ends[3] - ends[2])
        if any(
            abs(place[0] - other[0]) < 0.2 and abs(place[1] - other[1]) < 0.035
            for other in named
        ):
            continue
        named.append(place)
        panel.annotate(
            name.rpartition(".")[0],
            (x, y),
            (0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=7,
            zorder=6,
        )


def _scale_bar(panel: Axes, ends: tuple[float, ...]) -> None:
    """About a quarter of the map."""
    km_per_degree = KM_PER_DEGREE * np.cos(np.radians(_middle(ends)))
    width_km = (ends[1] - ends[0]) * km_per_degree
    power = 10.0 ** np.floor(np.log10(width_km / 4))
    length = max(
        factor * power for factor in (1, 2, 5) if factor * power <= width_km / 4
    )
    left = ends[0] + 0.05 * (ends[1] - ends[0])
    right = left + length / km_per_degree
    y = ends[2] + 0.05 * (ends[3] - ends[2])
    panel.plot([left, right], [y, y], color="black", lw=2.5, solid_capstyle="butt")
    panel.annotate(
        f"{length:g} km",
        ((left + right) / 2, y),
        (0, 4),
        textcoords="offset points",
        ha="center",
        fontsize=8,
    )
