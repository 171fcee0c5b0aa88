"""Precision, recall and residuals of picks, counted in two ways."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .validation import Window

#: Ways to count.
COUNTINGS = ("correct", "published")

#: A pick nearer to an arrival than this is right.
TOLERANCE_S = 0.5

#: Published counting: residuals up to this enter mean and deviation.
RESIDUAL_S = 1.5

_BOOTSTRAPS = 1000


@dataclass(frozen=True)
class Interval:
    """
    A figure and the interval that holds it with 95 % confidence.

    :param value: Figure; NaN if it can't be told
    :param low: Lower end
    :param high: Upper end
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class PhaseMetrics:
    """
    How well one phase is picked.

    :param phase: "P" or "S"
    :param arrivals: Number of windows with an arrival
    :param picks: Number of picks
    :param right: Number of right picks
    :param precision: Share of the picks that are right
    :param recall: Share of the arrivals that are found
    :param f1: Harmonic mean of both
    :param mean_ms: Mean of the residuals, label minus pick
    :param deviation_ms: Standard deviation of the residuals
    :param mad_ms: Median absolute deviation of the residuals from their median
    """

    phase: str
    arrivals: int
    picks: int
    right: int
    precision: Interval
    recall: Interval
    f1: Interval
    mean_ms: Interval
    deviation_ms: Interval
    mad_ms: Interval


@dataclass(frozen=True)
class _Counts:
    """
    Of each window: right picks, picks that count, arrivals found, arrivals that count;
    and residuals in ms with the index of their window.
    """

    numbers: np.ndarray
    residuals: np.ndarray
    owners: np.ndarray
    picks: int
    arrivals: int


def measure(
    windows: Sequence[Window],
    phase: str,
    sampling_rate: float,
    *,
    tolerance: float = TOLERANCE_S,
    height: float = 0.0,
    counting: str = "correct",
    bootstraps: int = _BOOTSTRAPS,
    seed: int = 0,
) -> PhaseMetrics:
    """
    Measures the picks of one phase.

    Two ways to count. ``correct``: the first pick near an arrival is right, further ones
    near it count neither way, all others are false; a window without arrival is none to
    be found; residuals are those of the right picks. ``published``: every pick near an
    arrival is right, every window counts as one with an arrival, and every pick within
    1.5 s of an arrival gives a residual.

    :param windows: Windows with truth and picks
    :param phase: "P" or "S"
    :param sampling_rate: Sampling rate of the windows in Hz
    :param tolerance: A pick is near an arrival if it is closer than this, in seconds
    :param height: Picks of a smaller probability do not count
    :param counting: ``correct`` or ``published``
    :param bootstraps: Number of samples of windows for the intervals; 0 for none
    :param seed: Seed of these samples
    :raises ValueError: for wrong arguments
    :return: Metrics, with intervals from samples of windows drawn with replacement
    """
    if counting not in COUNTINGS:
        raise ValueError(
            f"counting={counting!r} must be one of {', '.join(COUNTINGS)}."
        )
    if not windows:
        raise ValueError("windows is empty; there is nothing to measure.")
    if phase not in ("P", "S"):
        raise ValueError(f"phase={phase!r} must be P or S.")
    if not tolerance > 0 or not sampling_rate > 0:
        raise ValueError(
            f"tolerance={tolerance} and sampling_rate={sampling_rate} must be positive."
        )
    count = _count_correctly if counting == "correct" else _count_as_published
    counts = count(windows, phase, sampling_rate, tolerance, height)
    ones = np.ones((1, len(windows)))
    drawn = np.random.default_rng(seed).multinomial(
        len(windows), np.full(len(windows), 1 / len(windows)), size=bootstraps
    )
    ratios = [_ratios(counts, weights) for weights in (ones, drawn)]
    spreads = [_spreads(counts, weights) for weights in (ones, drawn)]
    return PhaseMetrics(
        phase,
        counts.arrivals,
        counts.picks,
        int(counts.numbers[:, 0].sum()),
        *(_interval(a, b) for a, b in zip(*ratios, strict=True)),
        *(_interval(a, b) for a, b in zip(*spreads, strict=True)),
    )


def _count_correctly(windows, phase, rate, tolerance, height) -> _Counts:
    numbers, residuals, owners, picks, arrivals = [], [], [], 0, 0
    for i, window in enumerate(windows):
        arrival = window.arrival(phase)
        samples = sorted(window.samples(phase, height))
        near = [s for s in samples if abs(arrival - s) < tolerance * rate]
        picks += len(samples)
        is_there = not math.isnan(arrival)
        arrivals += is_there
        right = int(bool(near))
        numbers.append((right, len(samples) - len(near) + right, right, is_there))
        if near:
            residuals.append((arrival - near[0]) / rate * 1000)
            owners.append(i)
    return _counts(numbers, residuals, owners, picks, arrivals)


def _count_as_published(windows, phase, rate, tolerance, height) -> _Counts:
    numbers, residuals, owners, picks, arrivals = [], [], [], 0, 0
    for i, window in enumerate(windows):
        arrival = window.arrival(phase)
        samples = window.samples(phase, height)
        right = sum(abs(arrival - s) < tolerance * rate for s in samples)
        picks += len(samples)
        arrivals += not math.isnan(arrival)
        numbers.append((right, len(samples), right, 1))
        for sample in samples:
            if abs(arrival - sample) < RESIDUAL_S * rate:
                residuals.append((arrival - sample) / rate * 1000)
                owners.append(i)
    return _counts(numbers, residuals, owners, picks, arrivals)


def _counts(numbers, residuals, owners, picks: int, arrivals: int) -> _Counts:
    return _Counts(
        np.array(numbers, dtype=float).reshape(-1, 4),
        np.array(residuals, dtype=float),
        np.array(owners, dtype=int),
        picks,
        arrivals,
    )


def _ratios(counts: _Counts, weights: np.ndarray) -> tuple[np.ndarray, ...]:
    """Precision, recall and F1, (samples,) each."""
    right, picks, found, arrivals = (weights @ counts.numbers).T
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = right / picks, found / arrivals
        f1 = 2 * precision * recall / (precision + recall)
    # No pick is right: the mean of nothing and nothing.
    f1[(right == 0) & (arrivals > 0)] = 0.0
    return precision, recall, f1


def _spreads(counts: _Counts, weights: np.ndarray) -> tuple[np.ndarray, ...]:
    """Mean, standard and median absolute deviation, (samples,) each."""
    if counts.residuals.size == 0:
        return (np.full(len(weights), np.nan),) * 3
    rows = []
    for row in weights:
        drawn = np.repeat(counts.residuals, row[counts.owners].astype(int))
        if drawn.size == 0:
            rows.append((np.nan,) * 3)
            continue
        median = np.median(np.abs(drawn - np.median(drawn)))
        rows.append((drawn.mean(), drawn.std(), median))
    return tuple(np.array(rows, dtype=float).reshape(-1, 3).T)


def _interval(value: np.ndarray, drawn: np.ndarray) -> Interval:
    drawn = drawn[np.isfinite(drawn)]
    if drawn.size == 0:
        return Interval(float(value[0]), math.nan, math.nan)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Interval(float(value[0]), float(low), float(high))
