"""
Labels of one window from its arrivals.

An arrival at sample ``t`` lies in a window of ``T`` samples if ``0 <= t < T``. Only
those have a label of their own; NaN is no arrival.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ..models import LPPNM

#: Samples for one cell of LPPN's labels.
STRIDE = LPPNM.stride

#: Half the width of the triangles of the labels at every sample, in samples.
TRIANGLE = 20

#: A detection ends this many times the time from P to S after S.
DETECTION_FACTOR = 1.4


def check_cells(n_samples: int, stride: int) -> None:
    """:raises ValueError: If the window is not a whole number of cells"""
    if n_samples % stride:
        raise ValueError(
            f"n_samples={n_samples} is not possible with stride={stride}; use a "
            "multiple of it."
        )


def lppn_label(
    p: Iterable[float], s: Iterable[float], n_samples: int, stride: int = STRIDE
) -> np.ndarray:
    """
    Label of LPPN. Of several arrivals in one cell S goes before P, and the earliest
    of a phase before the others. The cells beside an arrival's are ignored by the
    loss, unless they hold an arrival of their own.

    :param p: Samples of arrivals of P
    :param s: Samples of arrivals of S
    :param n_samples: Length of the window, a multiple of ``stride``
    :param stride: Samples for one cell
    :return: (2, n_samples / stride) float32. Class of the cell: 0 none, 1 P, 2 S,
             -1 ignored; and place of the arrival in its cell in samples, 0 to below
             ``stride``, -1 beside it, 0 elsewhere.
    :raises ValueError: If the window is not a whole number of cells
    """
    check_cells(n_samples, stride)
    label = np.zeros((2, n_samples // stride), dtype=np.float32)
    # What is written later stays.
    cells = {
        int(sample // stride): (phase, sample)
        for phase, samples in ((1, p), (2, s))
        for sample in sorted(_inside(samples, n_samples), reverse=True)
    }
    for cell in cells:
        label[:, max(cell - 1, 0) : cell + 2] = -1
    for cell, (phase, sample) in cells.items():
        offset = np.float32(sample - stride * cell)
        label[0, cell] = phase
        # Rounding to float32 may lead out of the cell.
        label[1, cell] = min(offset, np.nextafter(np.float32(stride), np.float32(0)))
    return label


def point_label(p: Iterable[float], s: Iterable[float], n_samples: int) -> np.ndarray:
    """
    Label of the pickers with a softmax over noise, P and S at every sample.

    :param p: Samples of arrivals of P
    :param s: Samples of arrivals of S
    :param n_samples: Length of the window
    :return: (3, n_samples) float32: N, P, S. Triangles, scaled where P and S together
             would exceed 1; N is the rest.
    """
    label = np.zeros((3, n_samples), dtype=np.float32)
    draw_triangles(label[1], p)
    draw_triangles(label[2], s)
    total = label[1] + label[2]
    if total.max(initial=0) > 1:
        label[1:] /= np.maximum(total, 1)
        total = label[1] + label[2]
    np.maximum(1 - total, 0, out=label[0])
    return label


def eqt_label(
    events: Iterable[tuple[Iterable[float], Iterable[float]]],
    n_samples: int,
) -> np.ndarray:
    """
    Label of the original EQTransformer, with a sigmoid for each of P, S, detection.

    :param events: P and S arrivals of each event, also those outside of the window,
                   on which the detection depends
    :param n_samples: Length of the window
    :return: (3, n_samples) float32: P and S, triangles that are not scaled; detection,
             1 from the earliest P to 1.4 times the time from P to S after the earliest
             S, for events that have both in this order
    """
    label = np.zeros((3, n_samples), dtype=np.float32)
    for p, s in events:
        draw_triangles(label[0], p)
        draw_triangles(label[1], s)
        draw_detection(label[2], p, s)
    return label


def draw_detection(row: np.ndarray, p: Iterable[float], s: Iterable[float]) -> None:
    """
    Writes ones where an event is, in place.

    :param row: (samples,)
    :param p: Arrivals of P, also those outside of the window
    :param s: Arrivals of S
    """
    first_p = min((x for x in p if math.isfinite(x)), default=math.nan)
    first_s = min((x for x in s if math.isfinite(x)), default=math.nan)
    if first_s >= first_p:
        end = int(first_s + DETECTION_FACTOR * (first_s - first_p))
        row[max(int(first_p), 0) : max(end, 0)] = 1


def _inside(samples: Iterable[float], n_samples: int) -> list[float]:
    return [sample for sample in samples if 0 <= sample < n_samples]


def draw_triangles(row: np.ndarray, samples: Iterable[float]) -> None:
    """
    Writes a triangle where an arrival is in the window, the larger value where they
    overlap, in place.

    :param row: (samples,)
    :param samples: Arrivals of one phase
    """
    for sample in _inside(samples, len(row)):
        draw_triangle(row, sample)


def draw_triangle(row: np.ndarray, sample: float, height: float = 1.0) -> None:
    """
    Writes a triangle, the larger value where there is one already, in place.

    :param row: (samples,)
    :param sample: Arrival, which lies in the window
    :param height: Value at the arrival
    """
    begin = max(0, math.ceil(sample - TRIANGLE))
    end = min(len(row), math.floor(sample + TRIANGLE) + 1)
    values = height * (1 - np.abs(np.arange(begin, end) - sample) / TRIANGLE)
    np.maximum(row[begin:end], values, out=row[begin:end])
