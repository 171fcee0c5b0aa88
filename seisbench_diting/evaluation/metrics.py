"""Windows with truth and picks, their text file, and precision, recall and residuals.

The validation text file holds the truth of each window, then its picks:

    #phase,2727,2943,1.0
    1,2726,0.9080885648727417
    2,2956,0.6140874028205872

Truth: samples of P and S, -1 where absent, and a signal-to-noise ratio. Picks: type (1 P,
2 S), sample, probability.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import median_abs_deviation

from .._util import ArgumentError, write_text
from .evaluation_settings import COUNTINGS, TOLERANCE_S

#: Published counting: residuals up to this enter mean and deviation.
RESIDUAL_S = 1.5

#: Picks down to this probability are kept for curves over thresholds.
LOWEST = 0.05

_PHASES = {"1": "P", "2": "S"}
_NUMBERS = {phase: number for number, phase in _PHASES.items()}


@dataclass
class Window:
    """
    Truth and picks of one window.

    :param p: Sample of P, NaN where absent
    :param s: Sample of S, NaN where absent
    :param snr: Signal-to-noise ratio, NaN where unknown
    :param picks: Phase ("P" or "S"), sample and probability of each pick
    """

    p: float = math.nan
    s: float = math.nan
    snr: float = math.nan
    picks: list[tuple[str, float, float]] = field(default_factory=list)

    def arrival(self, phase: str) -> float:
        """Sample of the arrival of a phase, NaN where absent."""
        return self.p if phase == "P" else self.s

    def samples(self, phase: str, threshold: float = 0.0) -> list[float]:
        """Samples of the picks of a phase whose probability is at least a threshold."""
        return [
            s for name, s, prob in self.picks if name == phase and prob >= threshold
        ]


def read_validation(path: str | Path) -> list[Window]:
    """
    Reads a validation text file.

    :param path: File
    :raises ValueError: if it has another format; names the line
    :return: Windows in the order of the file
    """
    path = Path(path)
    windows: list[Window] = []
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            line = line.strip()
            values = line.split(",")
            if values == [""] or line.startswith("##"):
                continue
            try:
                if line.startswith("#"):
                    truth = [float(x) for x in (*values[1:], "-1")[:3]]
                    p, s, snr = (math.nan if x < 0 else x for x in truth)
                    windows.append(Window(p, s, snr))
                else:
                    kind, sample, probability = values
                    pick = (_PHASES[kind.strip()], float(sample), float(probability))
                    windows[-1].picks.append(pick)
            except (ValueError, KeyError, IndexError):
                raise ArgumentError(
                    "picks",
                    str(path),
                    f"line {number}, {line[:60]!r}, is neither "
                    "'#phase,P,S,SNR' nor 'type,sample,probability' below such a line",
                ) from None
    if not windows:
        raise ArgumentError("picks", str(path), "the file has no window")
    return windows


def write_validation(path: str | Path, windows: Iterable[Window]) -> None:
    """
    Writes a validation text file.

    :param path: File
    :param windows: Windows
    """
    write_text(
        Path(path),
        (
            line
            for window in windows
            for line in (
                "#phase,"
                + ",".join(map(_text, (window.p, window.s, window.snr)))
                + "\n",
                *(f"{_NUMBERS[k]},{_text(s)},{p!r}\n" for k, s, p in window.picks),
            )
        ),
    )


def _text(value: float) -> str:
    """Whole samples without a point, as in the published file; -1 for NaN."""
    value = float(value) if math.isfinite(value) else -1.0
    return str(int(value)) if value.is_integer() else repr(value)


@dataclass(frozen=True)
class Interval:
    """
    A value and the interval that holds it with 95 % confidence.

    :param value: Value; NaN if unknown
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

    @property
    def shares(self) -> list[Interval]:
        """Precision, recall and F1."""
        return [self.precision, self.recall, self.f1]

    @property
    def residuals(self) -> list[Interval]:
        """Mean, standard deviation and median absolute deviation in ms."""
        return [self.mean_ms, self.deviation_ms, self.mad_ms]


def measure(
    windows: Sequence[Window],
    phase: str,
    sampling_rate: float,
    *,
    tolerance: float = TOLERANCE_S,
    threshold: float = 0.0,
    counting: str = "correct",
    bootstraps: int = 1000,
    seed: int = 0,
) -> PhaseMetrics:
    """
    Measures the picks of one phase.

    Two ways to count. ``correct``: the first pick near an arrival is right, further ones
    near it do not count, all others are false; a window without an arrival can't miss
    it; residuals are those of the right picks. ``published``: every pick near an arrival
    is right, every window counts as one with an arrival, and every pick within 1.5 s of
    an arrival has a residual.

    :param windows: Windows with truth and picks
    :param phase: "P" or "S"
    :param sampling_rate: Sampling rate of the windows in Hz
    :param tolerance: A pick is near an arrival if it is closer than this, in seconds
    :param threshold: Picks of a smaller probability do not count
    :param counting: ``correct`` or ``published``
    :param bootstraps: Number of samples of windows for the intervals; 0 for none
    :param seed: Seed of these samples
    :raises ValueError: for wrong arguments
    :return: Metrics, with intervals from samples of windows drawn with replacement
    """
    if counting not in COUNTINGS:
        allowed = f"must be one of {', '.join(COUNTINGS)}"
        raise ArgumentError("counting", counting, allowed)
    if phase not in ("P", "S"):
        raise ArgumentError("phase", phase, "must be P or S")
    if not windows:
        raise ArgumentError("windows", windows, "there is nothing to measure")
    for name, value in (("tolerance", tolerance), ("sampling_rate", sampling_rate)):
        if not value > 0:
            raise ArgumentError(name, value, "must be positive")
    counts, residuals, owners = [], [], []
    picks = arrivals = 0
    for number, window in enumerate(windows):
        arrival = window.arrival(phase)
        samples = window.samples(phase, threshold)
        picks += len(samples)
        arrivals += not math.isnan(arrival)
        near = [s for s in samples if abs(arrival - s) < tolerance * sampling_rate]
        if counting == "correct":
            used = sorted(near)[:1]
            counted = len(samples) - len(near) + len(used)
            counts.append((len(used), counted, int(not math.isnan(arrival))))
        else:
            limit = RESIDUAL_S * sampling_rate
            used = [s for s in samples if abs(arrival - s) < limit]
            counts.append((len(near), len(samples), 1))
        residuals += [(arrival - s) / sampling_rate * 1000 for s in used]
        owners += [number] * len(used)
    table = np.array(counts, dtype=float)
    drawn = np.random.default_rng(seed).multinomial(
        len(windows), np.full(len(windows), 1 / len(windows)), size=bootstraps
    )
    weights = np.concatenate([np.ones((1, len(windows)), dtype=int), drawn])
    shares = _shares(weights @ table)
    spreads = _spreads(np.array(residuals), np.array(owners, dtype=int), weights)
    return PhaseMetrics(
        phase,
        arrivals,
        picks,
        int(table[:, 0].sum()),
        *map(_interval, np.concatenate([shares, spreads], axis=1).T),
    )


def _shares(sums: np.ndarray) -> np.ndarray:
    """Precision, recall and F1 (samples, 3) of right picks, picks and arrivals."""
    right, picks, arrivals = sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = right / picks, right / arrivals
        f1 = 2 * precision * recall / (precision + recall)
    # Without a right pick it would be 0 / 0.
    f1[(right == 0) & (arrivals > 0)] = 0.0
    return np.stack([precision, recall, f1], axis=1)


def _spreads(
    residuals: np.ndarray, owners: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Mean, standard and median absolute deviation (samples, 3)."""
    spreads = np.full((len(weights), 3), np.nan)
    for row, times in zip(spreads, weights, strict=True):
        drawn = np.repeat(residuals, times[owners])
        if drawn.size:
            row[:] = drawn.mean(), drawn.std(), median_abs_deviation(drawn)
    return spreads


def _interval(column: np.ndarray) -> Interval:
    value, drawn = float(column[0]), column[1:][np.isfinite(column[1:])]
    if drawn.size == 0:
        return Interval(value, math.nan, math.nan)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Interval(value, float(low), float(high))


@dataclass
class Evaluation:
    """
    Picks of a model, and how good they are.

    :param name: Name of the model
    :param sampling_rate: Sampling rate of the windows in Hz
    :param threshold: Smallest probability of a pick that counts
    :param tolerance: A pick nearer to an arrival than this is right, in seconds
    :param counting: See :py:func:`~seisbench_diting.evaluation.measure`
    :param windows: Truth and picks, also those of smaller probability
    :param metadata: Magnitude and distance of each window, where they are known
    :param batches: Where the windows came from, to look at them again
    """

    name: str
    sampling_rate: float
    threshold: float
    tolerance: float
    counting: str
    windows: list[Window]
    metadata: pd.DataFrame = field(default_factory=pd.DataFrame)
    batches: Any = None

    def measure(
        self,
        phase: str,
        *,
        threshold: float | None = None,
        chosen: Sequence[int] | np.ndarray | None = None,
        bootstraps: int = 1000,
    ) -> PhaseMetrics:
        """
        :param phase: "P" or "S"
        :param threshold: Another smallest probability
        :param chosen: Indices of the windows to measure, None for all
        :param bootstraps: See :py:func:`~seisbench_diting.evaluation.measure`
        """
        windows = self.windows
        return measure(
            windows if chosen is None else [windows[i] for i in chosen],
            phase,
            self.sampling_rate,
            tolerance=self.tolerance,
            threshold=self.threshold if threshold is None else threshold,
            counting=self.counting,
            bootstraps=bootstraps,
        )

    def write(self, path: str | Path) -> None:
        """Writes the validation text file."""
        write_validation(
            path,
            (
                Window(w.p, w.s, w.snr, [p for p in w.picks if p[2] >= self.threshold])
                for w in self.windows
            ),
        )
