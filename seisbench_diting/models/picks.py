"""Peaks of probability curves, and picks from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import obspy
import seisbench.util as sbu
from scipy import signal

#: Where a curve is zero nothing arrives, whatever the threshold.
_LEAST = float(np.finfo(np.float32).tiny)

#: Classes as the tutorial of the published models numbers them.
_P_AND_S = (1, 2)


def peak_indices(curve: np.ndarray, height: float) -> np.ndarray:
    """
    Local maxima of a probability curve, the first and last sample included.

    :param curve: Probabilities, (samples,); NaN counts as no probability
    :param height: Smallest value of a maximum; zero is none
    :return: Indices of the maxima, ascending
    """
    padded = np.full(len(curve) + 2, -1.0)
    padded[1:-1] = np.where(np.isnan(curve), -1.0, curve)
    return signal.find_peaks(padded, height=max(height, _LEAST))[0] - 1


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
    by_station = defaultdict(list)
    for i, trace in enumerate(annotations):
        stats = trace.stats
        peaks = peak_indices(trace.data, threshold)
        if len(peaks) == 0:
            continue
        below = np.flatnonzero(~(trace.data >= threshold / 2))
        place = np.searchsorted(below, peaks)
        edges = np.concatenate([[-1], below, [stats.npts]])
        first, last = edges[place] + 1, edges[place + 1] - 1

        seconds = peaks * stats.delta
        cell = 0.0
        if offsets is not None:
            seconds = seconds + offsets[i].data[peaks] / stride * stats.delta
            cell = stats.delta
        trace_id = f"{stats.network}.{stats.station}.{stats.location}"
        for k, peak in enumerate(peaks):
            peak_time = stats.starttime + float(seconds[k])
            end_time = stats.starttime + float(last[k] * stats.delta + cell)
            by_station[trace_id].append(
                sbu.Pick(
                    trace_id=trace_id,
                    start_time=stats.starttime + float(first[k] * stats.delta),
                    # An offset of a whole cell may be rounded to behind its end.
                    end_time=max(end_time, peak_time),
                    peak_time=peak_time,
                    peak_value=float(trace.data[peak]),
                    phase=phase,
                )
            )

    kept = []
    for picks in by_station.values():
        picks.sort(key=lambda pick: pick.peak_time)
        times = np.array([pick.peak_time - picks[0].peak_time for pick in picks])
        values = np.array([pick.peak_value for pick in picks])
        mask = suppress_close(times, values, min_separation)
        kept.extend(pick for pick, keep in zip(picks, mask, strict=True) if keep)
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
    prob = _checked_probabilities(prob)
    return [
        [
            [phase, int(peak), float(window[phase, peak])]
            for phase in _P_AND_S
            for peak in signal.find_peaks(window[phase], height=height, distance=dist)[
                0
            ]
        ]
        for window in prob
    ]


def find_phase_lppn(
    output: Sequence[np.ndarray],
    height: float = 0.3,
    dist: int = 6,
    stride: int = 8,
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
    if len(output) != 2:
        raise ValueError(
            f"output must be the pair [prob, offset], got {len(output)} elements."
        )
    prob = _checked_probabilities(output[0])
    offset = np.asarray(output[1])
    if offset.size != len(prob) * prob.shape[2]:
        raise ValueError(
            f"offset has shape {offset.shape}, but prob has {len(prob)} windows of "
            f"{prob.shape[2]} cells."
        )
    offset = offset.reshape(len(prob), prob.shape[2])
    return [
        [
            [phase, float(stride * peak + offset[i, peak]), float(window[phase, peak])]
            for phase in _P_AND_S
            for peak in signal.find_peaks(window[phase], height=height, distance=dist)[
                0
            ]
        ]
        for i, window in enumerate(prob)
    ]


def _checked_probabilities(prob: np.ndarray) -> np.ndarray:
    prob = np.asarray(prob)
    if prob.ndim != 3 or prob.shape[1] < 3:
        raise ValueError(
            f"prob has shape {prob.shape}; it must be (windows, classes, samples) "
            f"with the classes N, P and S."
        )
    return prob
