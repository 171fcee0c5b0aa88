"""What record sections share: room for each line, thinned lines, names of stations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Labels of stations need so many inches each.
_LABEL_INCHES = 0.16

#: More samples of a line than this can't be told apart.
_MOST_POINTS = 6000


def room_of_lines(distances: np.ndarray) -> tuple[float, float, float]:
    """
    :param distances: Epicentral distances of stations in km
    :return: Half the height of a line in km, and the ends of the axis
    """
    nearest, farthest = distances.min(), distances.max()
    spread = farthest - nearest
    if spread < 1:
        spread = max(10.0, 0.1 * farthest)
    room = float(np.clip(0.9 * spread / len(distances), spread / 40, spread / 4))
    return room, nearest - 1.4 * room, farthest + 1.4 * room


def thin(seconds: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    :param seconds: Times of samples
    :param samples: Samples of a line
    :return: Least and largest of many samples, which look the same
    """
    step = len(seconds) // _MOST_POINTS * 2
    if step < 4:
        return seconds, samples
    count = len(samples) // step
    blocks = samples[: count * step].reshape(count, step)
    thinned = np.stack([blocks.min(axis=1), blocks.max(axis=1)], axis=1).ravel()
    return np.repeat(seconds[: count * step : step], 2), thinned


def label_stations(
    panel: Axes, names: Iterable[str], places: Iterable[float], inches: float
) -> None:
    """
    On the right; of those that would cover each other the first.

    :param panel: Panel whose ends are set
    :param names: NET.STA.LOC
    :param places: Where they are on its axis, ascending
    :param inches: Height of the panel
    """
    bottom, top = panel.get_ylim()
    apart = abs(top - bottom) * _LABEL_INCHES / inches
    last = -np.inf
    for name, place in zip(names, places, strict=True):
        if place - last < apart:
            continue
        last = place
        panel.annotate(
            name.rstrip("."),
            (1, place),
            (4, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            fontsize=8,
            annotation_clip=False,
        )
