"""Truth and picks of windows, their text file, and precision, recall and residuals.

The validation text file holds the truth of each window, then its picks:

    #phase,2727,2943,1.0
    1,2726,0.9080885648727417
    2,2956,0.6140874028205872

Truth: samples of P and S, -1 where absent, and a signal-to-noise ratio. Picks: type (1 P,
2 S), sample, probability.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from .._util import ArgumentError, wilson, write_text
from .evaluation_settings import THRESHOLD, TOLERANCE_S

#: Published counting: residuals up to this enter mean and deviation.
RESIDUAL_S = 1.5

#: Sets of windows that are drawn at once for an interval.
_BATCH = 100


@dataclass(frozen=True)
class Interval:
    """
    A value and the interval that holds it with 95 % confidence.

    :param value: Value; NaN if unknown
    :param low: Lower end
    :param high: Upper end
    """

    value: float
    low: float = math.nan
    high: float = math.nan


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


@dataclass
class Evaluation:
    """
    Picks of a model on windows with labels.

    :param windows: A row for each window: samples of ``P`` and ``S``, NaN where absent, the
        signal-to-noise ratio ``snr``, and other columns such as the magnitude
    :param picks: A row for each pick: number of the ``window``, ``phase``, ``sample`` and
        ``probability``, also those below the threshold
    :param sampling_rate: Sampling rate of the windows in Hz
    :param name: Name of the model
    :param threshold: Smallest probability of a pick that counts
    :param tolerance: A pick is near an arrival if it is closer than this, in seconds
    :param counting: ``correct``: the first pick near an arrival is right, further ones near
        it do not count, all others are false; a window without an arrival can't miss it;
        residuals are those of the right picks. ``published``: every pick near an arrival
        is right, every window counts as one with an arrival, and every pick within 1.5 s of
        an arrival has a residual.
    :param batches: Where the windows came from, to look at them again
    """

    windows: pd.DataFrame
    picks: pd.DataFrame
    sampling_rate: float
    name: str = ""
    threshold: float = THRESHOLD
    tolerance: float = TOLERANCE_S
    counting: str = "correct"
    batches: Any = None

    def picks_of(self, phase: str, threshold: float | None = None) -> pd.DataFrame:
        """
        :param phase: "P" or "S"
        :param threshold: Another smallest probability
        :return: Its picks, with the columns ``residual`` (label minus pick, seconds),
            ``near`` an arrival, and ``again``: near one that an earlier pick has found
        """
        least = self.threshold if threshold is None else threshold
        picks = self.picks
        picks = picks[(picks["phase"] == phase) & (picks["probability"] >= least)]
        picks = picks.sort_values(["window", "sample"])
        arrivals = self.windows[phase].to_numpy()[picks["window"]]
        residual = (arrivals - picks["sample"]) / self.sampling_rate
        near = residual.abs() < self.tolerance
        again = near & (near.groupby(picks["window"]).cumsum() > 1)
        return picks.assign(residual=residual, near=near, again=again)

    def measure(
        self,
        phase: str,
        *,
        threshold: float | None = None,
        chosen: Sequence[int] | np.ndarray | None = None,
        bootstraps: int = 1000,
    ) -> PhaseMetrics:
        """
        Measures the picks of one phase.

        :param phase: "P" or "S"
        :param threshold: Another smallest probability
        :param chosen: Numbers of the windows to measure, None for all
        :param bootstraps: Number of sets of picks that are drawn with replacement for the
            intervals of the residuals; 0 for none. Those of shares are Wilson's.
        """
        picks = self.picks_of(phase, threshold)
        arrivals = self.windows[phase].notna()
        if chosen is not None:
            arrivals = arrivals.iloc[list(chosen)]
            picks = picks[picks["window"].isin(arrivals.index)]
        if self.counting == "correct":
            counts = {
                "right": picks["near"] & ~picks["again"],
                "picks": ~picks["again"],
            }
            used = counts["right"]
        else:
            counts = {"right": picks["near"], "picks": picks["window"] >= 0}
            used = picks["residual"].abs() < RESIDUAL_S
        of_windows = pd.DataFrame(counts).groupby(picks["window"]).sum()
        table = of_windows.reindex(arrivals.index, fill_value=0)
        table["arrivals"] = arrivals | (self.counting == "published")
        right, counted, there = table[["right", "picks", "arrivals"]].sum()
        milliseconds = 1000 * picks.loc[used, "residual"].to_numpy()
        return PhaseMetrics(
            phase,
            int(arrivals.sum()),
            len(picks),
            int(right),
            _share(right, counted),
            _share(right, there),
            _f1(right, counted, there),
            *(
                _resampled(statistic, [milliseconds], bootstraps)
                for statistic in (np.mean, np.std, stats.median_abs_deviation)
            ),
        )

    def write(self, path: str | Path) -> None:
        """Writes the validation text file, with the picks above the threshold."""
        lines = [
            ["#phase," + ",".join(map(_text, truth)) + "\n"]
            for truth in self.windows[["P", "S", "snr"]].to_numpy().tolist()
        ]
        kept = self.picks[self.picks["probability"] >= self.threshold]
        for window, phase, sample, probability in kept.itertuples(index=False):
            kind = 1 + "PS".index(phase)
            lines[window].append(f"{kind},{_text(sample)},{float(probability)!r}\n")
        write_text(Path(path), itertools.chain(*lines))


def _text(value: float) -> str:
    """Whole samples without a point, as in the published file; -1 for NaN."""
    value = float(value) if math.isfinite(value) else -1.0
    return str(int(value)) if value.is_integer() else repr(value)


def make_picks(rows: Iterable[tuple[int, str, float, float]]) -> pd.DataFrame:
    """
    :param rows: Number of the window, phase, sample and probability of each pick
    :return: Table of picks for :py:class:`Evaluation`
    """
    names = ["window", "phase", "sample", "probability"]
    table = pd.DataFrame(list(rows), columns=names)
    return table.astype({"window": int, "sample": float, "probability": float})


def read_validation(
    path: str | Path, sampling_rate: float = 50.0, **options: Any
) -> Evaluation:
    """
    Reads a validation text file.

    :param path: File
    :param sampling_rate: Sampling rate of its windows in Hz
    :param options: Further values of :py:class:`Evaluation`, such as ``counting``
    :raises ValueError: if it has another format; names the line
    :return: Its windows and picks, under the name of the file
    """
    path = Path(path)
    truth: list[list[float]] = []
    picks: list[tuple[int, str, float, float]] = []
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            line = line.strip()
            first, *values = line.split(",")
            if not line or line.startswith("##"):
                continue
            try:
                if first.startswith("#"):
                    p, s, snr = (float(x) for x in [*values, "-1"][:3])
                    truth.append([p, s, snr])
                else:
                    phase = {"1": "P", "2": "S"}[first.strip()]
                    sample, probability = map(float, values)
                    truth[-1]  # A pick belongs to a window.
                    picks.append((len(truth) - 1, phase, sample, probability))
            except (ValueError, KeyError, IndexError):
                raise ArgumentError(
                    "picks",
                    str(path),
                    f"line {number}, {line[:60]!r}, is neither "
                    "'#phase,P,S,SNR' nor 'type,sample,probability' below such a line",
                ) from None
    if not truth:
        raise ArgumentError("picks", str(path), "the file has no window")
    windows = pd.DataFrame(truth, columns=["P", "S", "snr"])
    windows = windows.mask(windows < 0)
    return Evaluation(windows, make_picks(picks), sampling_rate, path.name, **options)


def _share(part: int, whole: int) -> Interval:
    """A share with Wilson's interval, which is also right for few counts."""
    if whole == 0:
        return Interval(math.nan)
    # With the published counting, more picks than windows may be right.
    low, high = wilson(int(min(part, whole)), int(whole))
    return Interval(float(part / whole), low, high)


def _f1(right: int, picks: int, arrivals: int) -> Interval:
    """F1, which grows with the share of the right ones in all picks and arrivals."""
    share = _share(right, picks + arrivals - right)
    return Interval(*(2 * x / (1 + x) for x in (share.value, share.low, share.high)))


def _resampled(
    statistic: Callable[..., Any], data: Sequence[np.ndarray], bootstraps: int
) -> Interval:
    """A statistic of samples, with the interval from samples drawn with replacement."""
    if len(data[0]) == 0:
        return Interval(math.nan)
    value = float(statistic(*data, axis=-1))
    if not bootstraps or len(data[0]) == 1:
        return Interval(value)
    found = stats.bootstrap(
        data,
        statistic,
        n_resamples=bootstraps,
        batch=_BATCH,
        vectorized=True,
        paired=True,
        method="percentile",
        random_state=0,
    ).confidence_interval
    return Interval(value, float(found.low), float(found.high))
