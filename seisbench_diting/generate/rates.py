"""Augmentations that act on the whole record: other sampling rates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from scipy import signal

from .augmentation import Augmentation
from .checks import check_positive, check_span
from .phases import scale_samples

#: A ratio of sampling rates is brought to a fraction of numbers up to this.
_LARGEST = 200

#: Largest denominator of the ratio of a stretch.
_STRETCHES = 16

_RATES = ("trace_sampling_rate_hz", "trace_dt_s")


class RateJitter(Augmentation):
    """
    Stretches or squeezes the record a little, as if its sampling rate were another.
    Columns in samples and the sampling rate are changed along.

    :param share: Largest change of the sampling rate; the change is drawn uniformly
                  from ``-share`` to ``share``
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ValueError: If the share is impossible
    """

    def __init__(self, share: float = 0.01, key: str | tuple[str, str] = "X"):
        super().__init__(key)
        check_positive("share", share)
        if share > 0.5:
            raise ValueError(f"share={share!r} is not possible; use at most 0.5.")
        self.share = share

    def apply(
        self, x: np.ndarray, metadata: dict[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        return resample(x, metadata, 1 + np.random.uniform(-self.share, self.share))


class TimeStretch(Augmentation):
    """
    Stretches or squeezes the record as if everything had happened slower or faster, at
    the same sampling rate: smaller earthquakes nearby, larger ones far away. Columns in
    samples are changed along, the sampling rate is not.

    :param factor: Smallest and largest quotient of the new and the old length, drawn
                   with a uniform logarithm
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ValueError: If the factors are impossible
    """

    def __init__(
        self,
        factor: tuple[float, float] = (0.5, 2.0),
        key: str | tuple[str, str] = "X",
    ):
        super().__init__(key)
        check_span("factor", factor, 0.1)
        if factor[1] > 10:
            raise ValueError(f"factor={factor!r} is not possible; use at most 10.")
        self.factor = factor

    def apply(
        self, x: np.ndarray, metadata: dict[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        factor = float(np.exp(np.random.uniform(*np.log(self.factor))))
        # Filters are as long as the numbers of the fraction are large.
        factor = float(Fraction(factor).limit_denominator(_STRETCHES))
        unchanged = {name: metadata[name] for name in _RATES if name in metadata}
        x, metadata = resample(x, metadata, factor)
        return x, {**metadata, **unchanged}


class SecondRate(Augmentation):
    """
    Brings the record to another sampling rate, so that one network learns two. Columns
    in samples are changed along.

    :param rate_hz: The other sampling rate in Hz
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ValueError: If the rate is impossible
    """

    def __init__(self, rate_hz: float = 100.0, key: str | tuple[str, str] = "X"):
        super().__init__(key)
        check_positive("rate_hz", rate_hz)
        self.rate_hz = rate_hz

    def apply(
        self, x: np.ndarray, metadata: dict[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """:raises ValueError: If the sampling rate of the record is unknown"""
        rate = sampling_rate(metadata)
        if rate is None:
            raise ValueError(
                f"rate_hz={self.rate_hz} needs trace_sampling_rate_hz in the metadata, "
                f"which is {metadata.get('trace_sampling_rate_hz')!r} here."
            )
        return resample(x, metadata, self.rate_hz / rate)


def sampling_rate(metadata: Mapping[str, Any]) -> float | None:
    """:return: Sampling rate in Hz, or None if it is not known"""
    try:
        rate = float(metadata.get("trace_sampling_rate_hz"))
    except (TypeError, ValueError):
        return None
    return rate if math.isfinite(rate) and rate > 0 else None


def resample(
    x: np.ndarray, metadata: dict[str, Any], factor: float
) -> tuple[np.ndarray, dict[str, Any]]:
    """
    :param x: Record, (components, samples); NaN where there is no data
    :param metadata: Its metadata, changed in place
    :param factor: New samples for one old sample; the nearest fraction of numbers up to
                   200 is used, for the samples as for the labels
    :return: Record with another number of samples, and metadata
    """
    # Numerator and denominator are limited alike.
    ratio = Fraction(factor if factor < 1 else 1 / factor).limit_denominator(_LARGEST)
    up, down = ratio.numerator, ratio.denominator
    if factor >= 1:
        up, down = down, up
    if up == down:
        return x, metadata
    if up == 0 or down == 0:
        raise ValueError(
            f"Samples can't be made {factor:g} times as many; use a sampling rate within "
            f"a factor of {_LARGEST}."
        )
    data = np.asarray(x[:, 0:], dtype=np.float64)
    missing = ~np.isfinite(data)
    if missing.any():
        count = np.maximum((~missing).sum(axis=1, keepdims=True), 1)
        mean = np.where(missing, 0, data).sum(axis=1, keepdims=True) / count
        data = np.where(missing, mean, data)
    # The mean is no step at the ends of the record.
    resampled = signal.resample_poly(data, up, down, axis=1, padtype="mean")
    if missing.any():
        nearest = np.arange(resampled.shape[1]) * down / up
        nearest = np.minimum(np.round(nearest).astype(int), data.shape[1] - 1)
        resampled[missing[:, nearest]] = np.nan

    exact = up / down
    scale_samples(metadata, exact)
    for column, power in (("trace_sampling_rate_hz", 1), ("trace_dt_s", -1)):
        if column in metadata:
            metadata[column] = metadata[column] * exact**power
    if "trace_npts" in metadata:
        metadata["trace_npts"] = resampled.shape[1]
    return resampled, metadata
