"""The base of all augmentations, and windows around arrivals or before them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from typing_extensions import dataclass_transform

from .._util import ArgumentError
from .arrivals import (
    Arrival,
    Metadata,
    Phases,
    check_phases,
    hide,
    move_samples,
    read_arrivals,
)

#: Length of a window of the published pickers.
N_SAMPLES = 6144

#: Smallest distance of the chosen arrival from the window's edges, in samples.
PADLEN = 512

#: Samples between noise and the first arrival.
_MARGIN = 100

#: Samples from an arrival on in which a signal must be seen.
VISIBLE = 20

#: Samples smaller than this share of their mean are errors of rounding.
_ROUNDING = 2.0**-36

#: With more components than this, and than samples, the axes were exchanged.
_MOST_COMPONENTS = 12

#: Key of the state dict, or keys to read from and to write to.
Key = str | tuple[str, str]

#: Waveforms, (components, samples), and their metadata.
Window = tuple[np.ndarray, Metadata]


def check_number(
    name: str,
    value: Any,
    least: float = -math.inf,
    most: float = math.inf,
    whole: bool = False,
    pair: bool = False,
) -> None:
    """
    :param name: Name of the argument
    :param value: Its value
    :param least: Smallest possible value
    :param most: Largest possible value
    :param whole: If it must be a whole number
    :param pair: If it must be two numbers, the smaller one first
    :raises ArgumentError: if the value is not possible
    """
    numbers = list(value) if pair and isinstance(value, Sequence) else [value]
    kind: Any = Integral if whole else Real
    if (
        len(numbers) != 1 + pair
        or not all(isinstance(n, kind) and least <= n <= most for n in numbers)
        or numbers != sorted(numbers)
    ):
        what = "use two {}numbers" if pair else "use a {}number"
        reason = what.format("whole " * whole) + f" from {least:g} to {most:g}"
        raise ArgumentError(name, value, reason)


@dataclass_transform(eq_default=False)
@dataclass(eq=False, repr=False, kw_only=True)
class Augmentation(ABC):
    """
    One step of a SeisBench generator. Random numbers come from NumPy's global state, as
    in SeisBench, so that all steps of a pipeline are reproducible from one seed.
    Neither waveforms nor metadata of the input are changed.

    :param phases: Column to "P" or "S", or a list of columns. Default: all columns of
        direct P and S.
    :param key: Key of the state dict, or keys to read from and to write to
    """

    phases: Phases = None
    key: Key = "X"
    #: Arguments with the smallest and largest value of a number, or of both of a pair.
    _limits: ClassVar[Mapping[str, tuple[float, float]]] = {}

    def __init_subclass__(cls) -> None:
        dataclass(eq=False, repr=False)(cls)

    def __post_init__(self) -> None:
        self.key = (self.key, self.key) if isinstance(self.key, str) else self.key
        self.phases = check_phases(self.phases)
        for name, limits in self._limits.items():
            default = getattr(type(self), name)
            pair = isinstance(default, tuple)
            whole = isinstance(default[0] if pair else default, int)
            check_number(name, getattr(self, name), *limits, whole, pair)

    def __call__(self, state_dict: dict[str, tuple[Any, Any]]) -> None:
        x, metadata = state_dict[self.key[0]]
        state_dict[self.key[1]] = self.apply(x, dict(metadata))

    @abstractmethod
    def apply(self, x: np.ndarray, metadata: Metadata) -> Window:
        """
        :param x: Waveforms, (components, samples)
        :param metadata: Metadata, a copy that may be changed
        :return: Waveforms and metadata
        """

    def _arrivals(self, metadata: Mapping[str, Any]) -> list[Arrival]:
        return read_arrivals(metadata, self.phases)

    def __str__(self) -> str:
        return f"{type(self).__name__} (key={self.key})"


class ArrivalWindow(Augmentation):
    """
    A window around one of the record's arrivals of P or S, chosen at random (by their
    probabilities, where they have any), at a random place at least ``padlen`` samples
    from the window's edges. The mean of each component's samples is removed and zeros
    follow where the record ends, so that its ends make no step. A record without
    arrivals gives a window anywhere in it. All columns in samples are moved along. An
    arrival without signal, as it lies outside of the record or where data are missing,
    has no label; it is kept in a column ``trace_<phase>_hidden_sample``. A window
    without any signal has no arrivals.

    :param n_samples: Length of the window in samples
    :param padlen: Smallest distance from the edges in samples
    :param phases: Column to "P" or "S", or a list of columns. Default: all columns of
        direct P and S.
    :param within: If true, the window lies in the record where that is possible
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ArgumentError: if an argument has an impossible value
    """

    n_samples: int = N_SAMPLES
    padlen: int = PADLEN
    within: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("n_samples", self.n_samples, 1, whole=True)
        check_number("padlen", self.padlen, 0, (self.n_samples - 1) // 2, whole=True)

    def apply(self, x: np.ndarray, metadata: Metadata) -> Window:
        """
        :param x: Record, (components, samples), of any number of samples
        :param metadata: Metadata with the arrivals
        :return: Window (components, n_samples) float32, and metadata
        :raises ValueError: if the record is not (components, samples)
        """
        if x.ndim != 2 or len(x) > max(x.shape[1], _MOST_COMPONENTS):
            raise ValueError(
                f"The record has the shape {x.shape}, but must be (components, samples); "
                "set dataset.dimension_order = 'NCW'."
            )
        for arrival in self._arrivals(metadata):
            if not arrival.hidden and not _is_seen(x, arrival):
                hide(metadata, arrival)
        begin = self._choose_begin(x.shape[1], metadata)
        move_samples(metadata, shift=begin)
        window = cut_centred(x, begin, self.n_samples)
        forget_if_dead(window, metadata, self.phases)
        return window, metadata

    def _choose_begin(self, npts: int, metadata: Metadata) -> int:
        """
        :param npts: Length of the record
        :param metadata: Metadata of the record
        :return: The record's sample that becomes the window's first; may be negative
        """
        inside = [
            arrival
            for arrival in self._arrivals(metadata)
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
    lies in the record. If there is not enough noise, the window is around an arrival.

    :param kwargs: See :py:class:`ArrivalWindow`
    :raises ArgumentError: if an argument has an impossible value
    """

    def _choose_begin(self, npts: int, metadata: Metadata) -> int:
        quiet = samples_before(npts, metadata, self.phases)
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
    :raises ArgumentError: if the factors are impossible
    """

    factor: tuple[float, float] = (0.5, 2.0)

    _limits: ClassVar = {"factor": (0, math.inf)}

    def apply(self, x: np.ndarray, metadata: Metadata) -> Window:
        factor = np.float32(np.random.uniform(*self.factor))
        peak = np.abs(x).max(initial=0)
        if peak > 0:
            # One after the other: their quotient may be too large for float32.
            x = x / peak
            x *= factor
        return x.astype(np.float32, copy=False), metadata


def forget_if_dead(window: np.ndarray, metadata: Metadata, phases: Phases) -> None:
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
    """A random arrival, weighted by probability."""
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


def samples_before(npts: int, metadata: Metadata, phases: Phases) -> int:
    """
    :param npts: Length of a record
    :param metadata: Its metadata
    :param phases: Column to "P" or "S"
    :return: Length of the noise at the record's beginning, 100 samples before the first
        arrival; negative if that is too early
    """
    samples = [math.floor(a.sample) - _MARGIN for a in read_arrivals(metadata, phases)]
    return min(npts, *samples) if samples else npts


def without_means(x: np.ndarray) -> np.ndarray:
    """
    :param x: Window, (components, samples), zero where there are no data
    :return: The mean of each component's data removed; what is zero stays so
    """
    there = x != 0
    count = np.maximum(there.sum(axis=1, keepdims=True), 1)
    mean = x.sum(axis=1, keepdims=True, dtype=np.float64) / count
    return np.where(there, x - mean, 0)


def cut_centred(x: np.ndarray, begin: int, n_samples: int) -> np.ndarray:
    """
    :param x: Record, (components, samples); NaN or infinite where there are no data
    :param begin: First sample of the window, may be negative
    :param n_samples: Length of the window
    :return: Window (components, n_samples) float32, the mean of each component's samples
        removed; zero outside of the record, where there are no data and where a
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
    peak = np.abs(part).max(axis=1, keepdims=True)
    if (peak <= np.abs(mean) * _ROUNDING).any():
        part = np.where(peak > np.abs(mean) * _ROUNDING, part, 0)
    window[:, first - begin : last - begin] = part
    return window
