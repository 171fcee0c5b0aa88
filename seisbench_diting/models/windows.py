"""Cutting records into overlapping windows, and putting predictions together."""

import math
from functools import lru_cache, reduce

import numpy as np
import obspy
import torch

from .records import Record

#: How predictions of overlapping windows are combined.
STACKING = ("avg", "max", "taper")

#: Share of a window over which its weight rises from zero to one, for "taper".
TAPER = 0.25

#: What window positions are counted from.
ORIGINS = ("auto", "time", "record")

#: A component whose peak is below this share of its offset holds only rounding.
ROUNDING = {torch.float64: 2.0**-36, torch.float32: 2.0**-21}


def normalize(batch: torch.Tensor, per_component: bool = False) -> torch.Tensor:
    """
    Removes the mean of each component and divides all by their joint peak. The
    result does not depend on the unit of the input.

    :param batch: Windows, (batch, components, samples); NaN where there is no data
    :param per_component: If true, divide each component by its own peak
    :return: Normalized windows, float32, zero where there is no data or nothing but
             an offset
    """
    # Float32 would lose the sixth digit of the networks' output, see the tests; not
    # every device has more.
    double = torch.float32 if batch.device.type == "mps" else torch.float64
    batch = batch.to(double)
    missing = None
    total = batch.sum(dim=-1, keepdim=True)
    count: torch.Tensor | int = batch.shape[-1]
    if not math.isfinite(total.sum()):
        missing = ~torch.isfinite(batch)
        batch = batch.masked_fill(missing, 0.0)
        total = batch.sum(dim=-1, keepdim=True)
        count = (~missing).sum(dim=-1, keepdim=True).clamp(min=1)
    mean = total / count
    # Not aminmax, which takes five times as long.
    lowest, highest = batch.amin(dim=-1, keepdim=True), batch.amax(dim=-1, keepdim=True)
    level = torch.maximum(-lowest, highest)
    if missing is not None:
        # Zeros stand where there is no data, and are no part of it.
        lowest = batch.masked_fill(missing, torch.inf).amin(dim=-1, keepdim=True)
        highest = batch.masked_fill(missing, -torch.inf).amax(dim=-1, keepdim=True)
    # Rounding keeps the order, so this is the peak of what is left without the mean.
    peaks = torch.maximum(mean - lowest, highest - mean)
    present = peaks > level * ROUNDING[double]
    constant = not present.all()
    if constant:
        peaks = torch.where(present, peaks, 0.0)
    divisor = peaks if per_component else peaks.amax(dim=-2, keepdim=True)
    if constant:
        divisor = torch.where(divisor > 0, divisor, 1.0)

    normalized = (batch - mean).div_(divisor)
    if missing is not None:
        normalized.masked_fill_(missing, 0.0)
    if constant:
        normalized = torch.where(present, normalized, 0.0)
    return normalized.to(torch.float32)


def window_offsets(
    n_samples: int, first_sample: int, in_samples: int, step: int, stride: int
) -> np.ndarray:
    """
    First samples of the windows over a record. They begin where the sample number is a
    multiple of the step; one more covers the beginning and one the end.

    :param n_samples: Length of the record
    :param first_sample: Number of the record's first sample. Counted from a fixed
                         time, the same windows are used wherever a record begins.
    :param in_samples: Length of a window
    :param step: Samples from one window to the next, a multiple of ``stride``
    :param stride: Input samples per output sample
    :return: Offsets in samples, relative to the record's first sample. The first may
             be negative and the last window may end behind the record, both by less
             than ``stride``; the only window of a short record ends far behind it.
    """
    start = first_sample // stride * stride
    end = -(-(first_sample + n_samples) // stride) * stride
    last = max(start, end - in_samples)
    regular = np.arange(-(-start // step) * step, last, step)
    return np.unique(np.concatenate([[start], regular, [last]])) - first_sample


def cut_window(data: np.ndarray, offset: int, in_samples: int) -> np.ndarray:
    """
    :param data: Record, (components, samples)
    :param offset: First sample of the window
    :param in_samples: Length of the window
    :return: Window, (components, in_samples), NaN outside of the record
    """
    before = max(0, -offset)
    window = data[:, offset + before : offset + in_samples]
    after = in_samples - before - window.shape[1]
    if before or after:
        window = np.pad(window, ((0, 0), (before, after)), constant_values=np.nan)
    return window


class WindowStack:
    """
    Puts the predictions of overlapping windows together, one window at a time.

    :param n_samples: Length of the output
    :param n_classes: Number of classes, the first of which is noise
    :param regression: If there is one further channel after the classes, a value
                       that is only meaningful with the probability of its own window.
                       It is taken from the window that is surest of an arrival.
    :param method: "avg"; "taper", the average weighted by the distance from the
                   window's edges, where a network sees only half of the record; or
                   "max"
    """

    def __init__(self, n_samples: int, n_classes: int, regression: bool, method: str):
        self.n_samples = n_samples
        self.n_classes = n_classes
        self.method = method
        initial = -np.inf if method == "max" else 0.0
        self._classes = np.full((n_classes, n_samples), initial, dtype=np.float32)
        self._weight = np.zeros(n_samples, dtype=np.float32)
        self._value = np.zeros(n_samples, dtype=np.float32) if regression else None
        self._surest = np.full(n_samples, -1, dtype=np.float32) if regression else None

    def add(self, start: int, prediction: np.ndarray) -> None:
        """
        :param start: First output sample of the window
        :param prediction: (samples, channels); NaN where the window has no say
        """
        weight = _window_weight(len(prediction), self.method)
        prediction = prediction[: self.n_samples - start].T
        here = slice(start, start + prediction.shape[1])
        classes = prediction[: self.n_classes]
        weight = weight[: prediction.shape[1]]
        silent = np.isnan(classes[0])
        any_silent = silent.any()
        if any_silent:
            weight = np.where(silent, np.float32(0), weight)
            classes = np.where(silent, np.float32(0), classes)

        weighted = classes * weight
        if self.method == "max":
            # A window without a say adds nothing, which is less than any probability.
            weighted[:, weight == 0] = -np.inf
            np.fmax(self._classes[:, here], weighted, out=self._classes[:, here])
        else:
            self._classes[:, here] += weighted
        self._weight[here] += weight

        if self._value is not None:
            # Not max over the axis, which takes five times as long.
            arrival = reduce(np.maximum, weighted[1:])
            if any_silent:
                arrival[silent] = -1
            surer = arrival > self._surest[here]
            np.copyto(self._value[here], prediction[self.n_classes], where=surer)
            np.copyto(self._surest[here], arrival, where=surer)

    def result(self) -> np.ndarray:
        """:return: (channels, samples), NaN where no window had a say"""
        silent = self._weight == 0
        if self.method != "max":
            self._classes /= np.where(silent, 1, self._weight)
        self._classes[:, silent] = np.nan
        if self._value is None:
            return self._classes
        self._value[silent] = np.nan
        return np.concatenate([self._classes, self._value[None]])


@lru_cache(maxsize=8)
def _window_weight(n_samples: int, method: str) -> np.ndarray:
    if method != "taper":
        return np.ones(n_samples, dtype=np.float32)
    place = (np.arange(n_samples) + 0.5) / n_samples
    return np.minimum(1, np.minimum(place, 1 - place) / TAPER).astype(np.float32)


class StackedRecord:
    """
    A record and what the network has said of its windows so far.

    :param record: The record
    :param offsets: Offsets of its windows
    :param n_classes: Number of classes, the first of which is noise
    :param regression: See :py:class:`WindowStack`
    :param stacking: See :py:class:`WindowStack`
    :param stride: Input samples per output sample
    """

    def __init__(
        self,
        record: Record,
        offsets: np.ndarray,
        n_classes: int,
        regression: bool,
        stacking: str,
        stride: int,
    ):
        self.record = record
        self._stride = stride
        self._begin = int(offsets[0])
        self._waiting = len(offsets)
        self._n_samples = -(-(record.data.shape[1] - self._begin) // stride)
        self._stack = WindowStack(self._n_samples, n_classes, regression, stacking)

    def add(self, offset: int, prediction: np.ndarray) -> None:
        """Takes the prediction of the window at this offset."""
        self._stack.add((offset - self._begin) // self._stride, prediction)
        self._waiting -= 1

    @property
    def complete(self) -> bool:
        return self._waiting == 0

    def curves(self) -> np.ndarray:
        """
        :return: The curves (channels, output samples) on the grid of the cells, which
                 may begin before the record; no arrivals where nothing can be picked,
                 NaN where no window had a say and in cells not wholly in the record
        """
        curves = self._stack.result()
        silent = np.ones(self._n_samples * self._stride, dtype=bool)
        before = -self._begin
        silent[before : before + self.record.data.shape[1]] = self.record.silent()
        silent = silent.reshape(-1, self._stride).all(axis=1)
        silent &= np.isfinite(curves[0])
        curves[:, silent] = 0.0
        curves[0, silent] = 1.0
        # The first and last cell may reach beyond the record.
        if before > 0:
            curves[:, 0] = np.nan
        if before + self.record.data.shape[1] < self._n_samples * self._stride:
            curves[:, -1] = np.nan
        return curves

    @property
    def start_time(self) -> obspy.UTCDateTime:
        """Time of the first output sample."""
        return self.record.start_time + self._begin / self.record.sampling_rate
