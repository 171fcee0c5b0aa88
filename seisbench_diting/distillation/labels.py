"""Labels with probabilities: what students learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..generate import STRIDE, Arrival, check_cells, draw_triangle, read_arrivals
from .arrivals import PHASES


def soft_lppn_label(
    arrivals: Sequence[Arrival], n_samples: int, stride: int = STRIDE
) -> np.ndarray:
    """
    Label of LPPN with probabilities. Of several arrivals in one cell the surest counts.
    The cells beside an arrival's are ignored, unless they hold an arrival of their own.

    :param arrivals: Arrivals with a signal
    :param n_samples: Length of the window, a multiple of ``stride``
    :param stride: Samples for one cell
    :return: (4, n_samples / stride) float32: probabilities of N, P and S, all zero where
        ignored, and place of the arrival in its cell in samples
    :raises ValueError: If the window is not a whole number of cells
    """
    check_cells(n_samples, stride)
    label = np.zeros((4, n_samples // stride), dtype=np.float32)
    label[0] = 1
    inside = [a for a in arrivals if 0 <= a.sample < n_samples]
    cells = {
        int(arrival.sample // stride): arrival
        for arrival in sorted(inside, key=lambda a: a.probability)
    }
    for cell in cells:
        label[0, max(cell - 1, 0) : cell + 2] = 0
    for cell, arrival in cells.items():
        label[0, cell] = 1 - arrival.probability
        label[PHASES[arrival.phase], cell] = arrival.probability
        label[3, cell] = arrival.sample - stride * cell
    return label


def soft_point_label(arrivals: Sequence[Arrival], n_samples: int) -> np.ndarray:
    """
    Label of the pickers with a class at every sample: triangles as high as the arrivals
    are sure.

    :param arrivals: Arrivals with a signal
    :param n_samples: Length of the window
    :return: (3, n_samples) float32: N, P, S. Scaled where P and S together would exceed 1;
        N is the rest.
    """
    label = np.zeros((3, n_samples), dtype=np.float32)
    for arrival in arrivals:
        if 0 <= arrival.sample < n_samples:
            row = label[PHASES[arrival.phase]]
            draw_triangle(row, arrival.sample, arrival.probability)
    total = label[1] + label[2]
    label[1:] /= np.maximum(total, 1)
    np.maximum(1 - label[1] - label[2], 0, out=label[0])
    return label


#: What makes each label that a student may learn.
SOFT_LABELS = {"lppn": soft_lppn_label, "point": soft_point_label}


def visible_arrivals(metadata: Mapping[str, Any]) -> list[Arrival]:
    """:return: Arrivals of a window that have a signal and are not drowned"""
    return [a for a in read_arrivals(metadata) if not a.hidden and a.probability > 0]
