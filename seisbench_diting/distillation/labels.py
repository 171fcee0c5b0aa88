"""Arrivals with probabilities, and the labels that students learn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..generate import Arrival, check_cells, draw_triangle
from .teachers import PHASES

#: One arrival: number of the phase, as in :py:data:`.teachers.PHASES`; sample in its
#: record, fractional; probability.
ARRIVAL = np.dtype([("phase", "u1"), ("sample", "f8"), ("probability", "f4")])

#: How steeply confidence rises.
_STEEPNESS = 3


def make_arrivals(rows: Sequence[tuple[int, float, float]]) -> np.ndarray:
    """
    :param rows: Phase, sample and probability of each
    :return: Arrivals in the order of their samples
    """
    arrivals = np.array(list(rows), dtype=ARRIVAL)
    return arrivals[np.argsort(arrivals["sample"], kind="stable")]


def between(arrivals: np.ndarray, begin: int, end: int) -> np.ndarray:
    """
    :param arrivals: Arrivals in a record
    :param begin: First sample of a part of it
    :param end: The one behind the last
    :return: Those in the part, in its samples
    """
    inside = arrivals[(arrivals["sample"] >= begin) & (arrivals["sample"] < end)]
    inside["sample"] -= begin
    return inside


def merge_arrivals(
    opinions: Sequence[np.ndarray],
    tolerance: float,
    known: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """
    Merges the arrivals of several teachers. Close arrivals of one phase, at most one from
    each teacher, become one. Its sample is the mean of their samples, weighted by their
    probabilities. Its probability is the mean over all teachers that looked there; teachers
    that do not find it count with a probability of zero.

    Arrivals are averaged instead of curves, because curves would be blurred if teachers
    pick slightly different times.

    :param opinions: Arrivals of each teacher
    :param tolerance: Largest distance in samples of arrivals that are merged
    :param known: First sample, and the one behind the last, of the stretches that each
        teacher has looked at, (stretches, 2); None if each has looked at everything
    :return: Arrivals
    """
    rows: list[tuple[int, float, float]] = []
    for phase in PHASES.values():
        # The most probable arrivals first; others are merged into them.
        candidates = sorted(
            (
                (float(one["probability"]), float(one["sample"]), teacher)
                for teacher, arrivals in enumerate(opinions)
                for one in arrivals[arrivals["phase"] == phase]
            ),
            reverse=True,
        )
        samples = np.array([sample for _, sample, _ in candidates])
        order = np.argsort(samples, kind="stable")
        free = np.ones(len(candidates), dtype=bool)
        for i, (_, sample, _) in enumerate(candidates):
            if not free[i]:
                continue
            first = np.searchsorted(samples, sample - tolerance, sorter=order)
            last = np.searchsorted(samples, sample + tolerance, "right", sorter=order)
            near = sorted(k for k in order[first:last] if free[k])
            members = {candidates[k][2]: k for k in reversed(near)}
            chosen = list(members.values())
            free[chosen] = False
            weights = np.array([candidates[k][0] for k in chosen])
            place = float(np.average(samples[chosen], weights=weights))
            asked = len(opinions)
            if known is not None:
                asked = sum(
                    teacher in members
                    or bool(((spans[:, 0] <= place) & (place < spans[:, 1])).any())
                    for teacher, spans in enumerate(known)
                )
            rows.append((phase, place, float(weights.sum() / asked)))
    return make_arrivals(rows)


def confident(probabilities: np.ndarray, even: float) -> np.ndarray:
    """
    :param probabilities: Mean probabilities of cautious teachers
    :param even: Their probability that becomes 0.5
    :return: Probabilities, steep around 0.5
    """
    powers = np.asarray(probabilities, dtype=np.float64) ** _STEEPNESS
    return powers / (powers + even**_STEEPNESS)


def soft_lppn_label(
    arrivals: Sequence[Arrival], n_samples: int, stride: int = 8
) -> np.ndarray:
    """
    Label of LPPN with probabilities. If a cell has several arrivals, the most probable one
    counts. The cells next to an arrival are ignored, unless they have an arrival.

    :param arrivals: Arrivals with a signal
    :param n_samples: Length of the window, a multiple of ``stride``
    :param stride: Samples for one cell
    :raises ValueError: if the window is not a whole number of cells
    :return: (4, n_samples / stride) float32: probabilities of N, P and S, all zero where
        ignored, and place of the arrival in its cell in samples
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
    Label of the pickers with a class at every sample: triangles whose heights are the
    probabilities of the arrivals.

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


#: Functions that make the labels.
SOFT_LABELS = {"lppn": soft_lppn_label, "point": soft_point_label}
