"""Windows of one length around arrivals, or before them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
import torch

from ..models import ROUNDING
from .augmentation import Augmentation
from .checks import check_span, check_whole
from .phases import Arrival, check_phases, hide, read_arrivals, shift_samples

#: Length of a window of the published pickers.
N_SAMPLES = 6144

#: Least distance of the chosen arrival from the window's edges, in samples.
PADLEN = 512

#: The samples from an arrival on that are looked at for a signal.
VISIBLE = 20

_ROUNDING = ROUNDING[torch.float64]


class ArrivalWindow(Augmentation):
    """
    A window around one of the record's arrivals of P or S, chosen at random (by their
    probabilities, where they have any), at a random place at least ``padlen`` samples from the window's edges. The mean of each
    component's samples is removed and zeros follow where the record ends, so that its
    ends make no step. A record without arrivals gives a window anywhere in it. All
    columns in samples are moved along. An arrival without signal, as it lies outside of
    the record or where data are missing, has no label; it is kept in a column
    ``trace_<phase>_hidden_sample``. A window without any signal has no arrivals.

    :param n_samples: Length of the window in samples
    :param padlen: Least distance from the edges in samples
    :param phases: Column to "P" or "S". Default: all columns of direct P and S.
    :param within: If true, the window lies in the record where that is possible
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ValueError: If an argument has an impossible value
    """

    def __init__(
        self,
        n_samples: int = N_SAMPLES,
        padlen: int = PADLEN,
        phases: Mapping[str, str] | None = None,
        within: bool = False,
        key: str | tuple[str, str] = "X",
    ):
        super().__init__(key)
        check_whole("n_samples", n_samples, 1)
        check_whole("padlen", padlen, 0, (n_samples - 1) // 2)
        check_phases(phases)
        self.n_samples = n_samples
        self.padlen = padlen
        self.phases = phases
        self.within = within

    def apply(
        self, x: np.ndarray, metadata: dict[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """
        :param x: Record, (components, samples), of any number of samples
        :param metadata: Metadata with the arrivals
        :return: Window (components, n_samples) float32, and metadata
        :raises ValueError: If the record is not (components, samples)
        """
        if x.ndim != 2 or not _is_length(metadata.get("trace_npts"), x.shape[-1]):
            raise ValueError(
                f"The record has the shape {tuple(x.shape)}, but must be (components, "
                "samples); set dataset.dimension_order = 'NCW'."
            )
        for arrival in read_arrivals(metadata, self.phases):
            if not arrival.hidden and not _is_seen(x, arrival):
                hide(metadata, arrival)
        begin = self._choose_begin(x.shape[1], metadata)
        shift_samples(metadata, begin)
        window = cut_centred(x, begin, self.n_samples)
        forget_if_dead(window, metadata, self.phases)
        return window, metadata

    def _choose_begin(self, npts: int, metadata: Mapping[str, Any]) -> int:
        """
        :param npts: Length of the record
        :param metadata: Metadata of the record
        :return: The record's sample that becomes the window's first; may be negative
        """
        inside = [
            arrival
            for arrival in read_arrivals(metadata, self.phases)
            if not arrival.hidden and arrival.probability > 0
        ]
        if inside:
            chosen = math.floor(_draw(inside).sample)
            first = chosen + self.padlen + 1 - self.n_samples
            last = chosen - self.padlen
            if self.within and max(first, 0) <= min(last, npts - self.n_samples):
                first, last = max(first, 0), min(last, npts - self.n_samples)
            return np.random.randint(first, last + 1)
        spare = npts - self.n_samples
        return np.random.randint(min(spare, 0), max(spare, 0) + 1)


class NoiseWindow(ArrivalWindow):
    """
    A window that ends before the first arrival, so that it holds neither arrivals nor
    coda. It may begin before the record, with zeros there, if at least a quarter of it
    lies in the record. Where there is no room, the window is one around an arrival.

    :param margin: Least distance of the window's end from the first arrival in samples
    :param kwargs: See :py:class:`ArrivalWindow`
    :raises ValueError: If an argument has an impossible value
    """

    def __init__(self, margin: int = 100, **kwargs: Any):
        super().__init__(**kwargs)
        check_whole("margin", margin, 0)
        self.margin = margin

    def _choose_begin(self, npts: int, metadata: Mapping[str, Any]) -> int:
        quiet = samples_before(npts, metadata, self.margin, self.phases)
        least = self.n_samples if quiet >= self.n_samples else self.n_samples // 4
        if quiet < max(least, 1):
            return super()._choose_begin(npts, metadata)
        return np.random.randint(least, quiet + 1) - self.n_samples


class PeakScale(Augmentation):
    """
    Divides all components by their joint peak, whatever the unit, and multiplies by a
    factor. A window without signal stays zero.

    :param factor: Smallest and largest factor, between which one is drawn uniformly
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ValueError: If the factors are impossible
    """

    def __init__(
        self,
        factor: tuple[float, float] = (0.5, 2.0),
        key: str | tuple[str, str] = "X",
    ):
        super().__init__(key)
        check_span("factor", factor, 0)
        self.factor = factor

    def apply(
        self, x: np.ndarray, metadata: dict[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        factor = np.float32(np.random.uniform(*self.factor))
        peak = np.abs(x).max(initial=0)
        if peak > 0:
            # One after the other: their quotient may be too large for float32.
            x = x / peak
            x *= factor
        return x.astype(np.float32, copy=False), metadata


def forget_if_dead(
    window: np.ndarray, metadata: dict[str, Any], phases: Mapping[str, str] | None
) -> None:
    """
    Takes the arrivals out of the metadata of a window without any signal, in place; not
    even their event is to be detected there.

    :param window: Window, (components, samples)
    :param metadata: Its metadata
    :param phases: Column to "P" or "S"
    """
    if not window.any():
        for arrival in read_arrivals(metadata, phases):
            metadata[arrival.column] = math.nan


def _draw(arrivals: list[Arrival]) -> Arrival:
    """One at random, sure ones more often than others."""
    weights = np.array([arrival.probability for arrival in arrivals])
    if (weights == weights[0]).all():
        return arrivals[np.random.randint(len(arrivals))]
    return arrivals[np.random.choice(len(arrivals), p=weights / weights.sum())]


def _is_seen(x: np.ndarray, arrival: Arrival) -> bool:
    """If the record has a signal from the arrival on: data that are not all the same."""
    if not 0 <= arrival.sample < x.shape[1]:
        return False
    first = math.floor(arrival.sample)
    for data in x[:, first : first + VISIBLE]:
        data = data[np.isfinite(data)]
        if len(data) == 1 or (len(data) and data.max() != data.min()):
            return True
    return False


def samples_before(
    npts: int,
    metadata: Mapping[str, Any],
    margin: int,
    phases: Mapping[str, str] | None,
) -> int:
    """
    :param npts: Length of a record
    :param metadata: Its metadata
    :param margin: Samples between the noise and the first arrival
    :param phases: Column to "P" or "S"
    :return: Length of the noise at the record's beginning, negative if the first
             arrival lies before it
    """
    first = min((a.sample for a in read_arrivals(metadata, phases)), default=math.inf)
    return min(npts, first if first == math.inf else math.floor(first) - margin)


def without_means(x: np.ndarray) -> np.ndarray:
    """
    :param x: Window, (components, samples), zero where there is no data
    :return: The mean of each component's data removed; what is zero stays so
    """
    there = x != 0
    count = np.maximum(there.sum(axis=1, keepdims=True), 1)
    mean = x.sum(axis=1, keepdims=True, dtype=np.float64) / count
    return np.where(there, x - mean, 0)


def _is_length(npts: Any, n_samples: int) -> bool:
    """If the metadata do not tell another number of samples."""
    return not isinstance(npts, Real) or math.isnan(npts) or npts == n_samples


def cut_centred(x: np.ndarray, begin: int, n_samples: int) -> np.ndarray:
    """
    :param x: Record, (components, samples); NaN or infinite where there is no data
    :param begin: First sample of the window, may be negative
    :param n_samples: Length of the window
    :return: Window (components, n_samples) float32, the mean of each component's samples
             removed; zero outside of the record, where there is no data and where a
             component is nothing but an offset
    """
    first = min(max(begin, 0), x.shape[1])
    last = min(max(begin + n_samples, first), x.shape[1])
    part = np.asarray(x[:, first:last], dtype=np.float64)
    window = np.zeros((part.shape[0], n_samples), dtype=np.float32)
    if first == last:
        return window
    mean = part.mean(axis=1, keepdims=True)
    if np.isfinite(mean).all():
        part = part - mean
    else:
        missing = ~np.isfinite(part)
        part = np.where(missing, 0, part)
        count = np.maximum((~missing).sum(axis=1, keepdims=True), 1)
        mean = part.sum(axis=1, keepdims=True) / count
        part = np.where(missing, 0, part - mean)
    # What is left of an offset by rounding is no signal.
    peak = np.abs(part).max(axis=1, keepdims=True)
    if (peak <= np.abs(mean) * _ROUNDING).any():
        part = np.where(peak > np.abs(mean) * _ROUNDING, part, 0)
    window[:, first - begin : last - begin] = part
    return window
