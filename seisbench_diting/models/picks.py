"""Peaks of probability curves, and picks from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import compress

import numpy as np
import obspy
import seisbench.util as sbu
from scipy.signal import find_peaks

from .._util import ArgumentError

#: Where a curve is zero nothing arrives, whatever the threshold.
_LEAST = float(np.finfo(np.float32).tiny)


def peak_indices(curve: np.ndarray, height: float) -> np.ndarray:
    """
    Local maxima of a probability curve, the first and last sample included.

    :param curve: Probabilities, (samples,); NaN counts as no probability
    :param height: Smallest value of a maximum; zero is none
    :return: Indices of the maxima, ascending
    """
    padded = np.full(len(curve) + 2, -1.0)
    padded[1:-1] = np.where(np.isnan(curve), -1.0, curve)
    return find_peaks(padded, height=max(height, _LEAST))[0] - 1


def suppress_close(
    times: np.ndarray, values: np.ndarray, min_separation: float
) -> np.ndarray:
    """
    Of any two picks closer than ``min_separation`` the more probable one stays, the
    earlier one where both are equally probable.

    :param times: Times of the picks, ascending
    :param values: Probabilities of the picks
    :param min_separation: In the unit of the times
    :return: Mask of the picks that stay
    """
    keep = np.ones(len(times), dtype=bool)
    for i in np.lexsort((times, -values)):
        if not keep[i]:
            continue
        begin = np.searchsorted(times, times[i] - min_separation, side="right")
        end = np.searchsorted(times, times[i] + min_separation, side="left")
        keep[begin:end] = False
        keep[i] = True
    return keep


def picks_from_annotations(
    annotations: obspy.Stream,
    threshold: float,
    phase: str,
    min_separation: float,
    offsets: obspy.Stream | None = None,
    stride: int = 1,
) -> sbu.PickList:
    """
    Picks of one phase: maxima of at least ``threshold``. A pick starts and ends where
    the curve falls below half the threshold.

    :param annotations: Probability curves of the phase, any number of stations
    :param threshold: Smallest probability of a pick
    :param phase: Phase of the picks
    :param min_separation: Of two picks of a station closer than this, in seconds, the
                           more probable one stays
    :param offsets: For curves with one value for several samples: the position of an
                    arrival in its cell in samples, one trace for each of the
                    annotations
    :param stride: Samples for one value of the curves
    :return: Picks, sorted by time
    :raises ValueError: If there are offsets, but not one for each of the annotations
    """
    if offsets is not None and len(offsets) != len(annotations):
        raise ValueError(
            f"annotations holds {len(annotations)} curves of {phase}, but "
            f"{len(offsets)} offsets; pass all that annotate gave."
        )
    by_station: dict[str, list[sbu.Pick]] = defaultdict(list)
    for i, trace in enumerate(annotations):
        stats, curve = trace.stats, trace.data
        peaks = peak_indices(curve, threshold)
        if len(peaks) == 0:
            continue
        below = np.flatnonzero(~(curve >= threshold / 2))
        place = np.searchsorted(below, peaks)
        edges = np.concatenate([[-1], below, [stats.npts]])
        seconds = peaks * stats.delta
        starts = (edges[place] + 1) * stats.delta
        ends = (edges[place + 1] - 1) * stats.delta
        if offsets is not None:
            seconds = seconds + offsets[i].data[peaks] / stride * stats.delta
            # An offset of a whole cell may be rounded to behind its end.
            ends = np.maximum(ends + stats.delta, seconds)
        station = f"{stats.network}.{stats.station}.{stats.location}"
        by_station[station] += [
            sbu.Pick(
                trace_id=station,
                start_time=stats.starttime + float(starts[k]),
                end_time=stats.starttime + float(ends[k]),
                peak_time=stats.starttime + float(seconds[k]),
                peak_value=float(curve[peak]),
                phase=phase,
            )
            for k, peak in enumerate(peaks)
        ]

    kept: list[sbu.Pick] = []
    for picks in by_station.values():
        picks.sort(key=lambda pick: pick.peak_time)
        times = np.array([pick.peak_time - picks[0].peak_time for pick in picks])
        values = np.array([pick.peak_value for pick in picks])
        kept += compress(picks, suppress_close(times, values, min_separation))
    return sort_picks(kept)


def sort_picks(picks: Sequence[sbu.Pick]) -> sbu.PickList:
    """Picks in the order of their times, then stations and phases."""
    return sbu.PickList(
        sorted(picks, key=lambda pick: (pick.peak_time, pick.trace_id, pick.phase))
    )


def find_phase_point2point(
    prob: np.ndarray, height: float = 0.3, dist: int = 50
) -> list[list[list[float]]]:
    """
    Picks of a batch of windows from class probabilities at every sample, as in the
    tutorial of the published models.

    :param prob: Probabilities of N, P and S, (windows, 3, samples)
    :param height: Smallest probability of a pick
    :param dist: Smallest distance of two picks of one phase, in samples
    :return: For each window a list of ``[type, sample, probability]``; type 1 is P
             and 2 is S
    """
    prob = np.asarray(prob)
    if prob.ndim != 3 or prob.shape[1] < 3:
        raise ArgumentError(
            "prob", prob.shape, "its shape must be (windows, classes N, P, S, samples)"
        )
    return [
        [
            [phase, int(peak), float(window[phase, peak])]
            for phase in (1, 2)
            for peak in find_peaks(window[phase], height=height, distance=dist)[0]
        ]
        for window in prob
    ]


def find_phase_lppn(
    output: Sequence[np.ndarray], height: float = 0.3, dist: int = 6, stride: int = 8
) -> list[list[list[float]]]:
    """
    Picks of a batch of windows from LPPN's two outputs, as in the tutorial of the
    published models.

    :param output: Probabilities of N, P and S, (windows, 3, cells), and the position
                   of the arrival in its cell in samples, (windows, cells)
    :param height: Smallest probability of a pick
    :param dist: Smallest distance of two picks of one phase, in cells
    :param stride: Samples in a cell
    :return: For each window a list of ``[type, sample, probability]``; type 1 is P
             and 2 is S
    """
    prob, offset = map(np.asarray, output)
    found = find_phase_point2point(prob, height, dist)
    offset = offset.reshape(prob.shape[0], prob.shape[2])
    return [
        [
            [phase, stride * cell + float(inside[int(cell)]), value]
            for phase, cell, value in window
        ]
        for window, inside in zip(found, offset, strict=True)
    ]
