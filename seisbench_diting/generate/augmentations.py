"""Augmentations: sampling rates, second events, noise, instruments, components, gaps."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, ClassVar, Protocol

import numpy as np
from scipy import signal

from .._util import ArgumentError
from .arrival_windows import (
    VISIBLE,
    ArrivalWindow,
    Augmentation,
    Window,
    check_number,
    cut_centred,
    forget_if_dead,
    samples_before,
    without_means,
)
from .arrivals import (
    GAP,
    Metadata,
    Phases,
    hide,
    move_samples,
    probability_column,
    read_arrivals,
    second_event_column,
)

# Smallest quotient or share, as logarithms are drawn.
_TINY = 1e-6
_POSITIVE = (_TINY, math.inf)

#: A ratio of sampling rates is brought to a fraction of numbers up to this.
_LARGEST = 200

#: Largest denominator of the ratio of a stretch: filters are as long as its numbers.
_STRETCHES = 16

#: Samples before and after an arrival in which what is added is compared with it.
_BEFORE, _AFTER = 100, 50

#: Quotients of their root mean squares: up to the first an arrival is drowned, from the
#: second on it is as sure as before.
_DROWNED, _FREE = 0.5, 1.5

#: From an arrival on, the samples that make up the signal of the SNR.
_SIGNAL = 200

#: Corner of the high-pass behind an integration, as a share of the Nyquist frequency:
#: without it the record drifts away.
_DRIFT = (0.002, 0.02)

#: Most samples of a spike, and samples in which a step decays to 1/e.
_SPIKE, _DECAY = 3, (5.0, 300.0)

#: Pairs of names of horizontal components.
_HORIZONTALS = ("NE", "12", "RT", "XY")

_OPPOSITE = {"U": "D", "up": "down", "positive": "negative"}
_OPPOSITE |= {after: before for before, after in _OPPOSITE.items()}


class RecordSource(Protocol):
    """Interface of SeisBench's datasets and :py:class:`RecordReader`."""

    component_order: str

    def __len__(self) -> int: ...

    def get_sample(self, idx: int) -> tuple[np.ndarray, dict[str, Any]]: ...


def rms(x: np.ndarray) -> float:
    """
    :param x: Any numbers
    :return: Root mean square of all of them
    """
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


def _log_uniform(span: tuple[float, float], shape: Any = None) -> Any:
    low, high = np.log(span)
    return np.exp(np.random.uniform(low, high, shape))


def _drown(
    metadata: Metadata, x: np.ndarray, added: np.ndarray, phases: Phases
) -> None:
    """
    Lowers the probabilities of arrivals by what is added to the window, in place.
    Arrivals without probability, as an analyst gave them, stay what they are.
    """
    changed: dict[str, np.ndarray] = {}
    for arrival in read_arrivals(metadata, phases):
        name = probability_column(arrival.column)
        if arrival.hidden or arrival.place is None or name not in metadata:
            continue
        first = int(arrival.sample)
        if not 0 <= first < x.shape[1]:
            continue
        noise = rms(added[:, max(0, first - _BEFORE) : first + _AFTER])
        if noise > 0:
            ratio = rms(x[:, first : first + _AFTER]) / noise
            left = np.clip((ratio - _DROWNED) / (_FREE - _DROWNED), 0, 1)
            changed.setdefault(name, metadata[name].copy())[arrival.place] *= left
    metadata.update(changed)


# Time


class TimeStretch(Augmentation):
    """
    Stretches or squeezes the record as if everything had happened slower or faster, at
    the same sampling rate: smaller earthquakes nearby, larger ones far away. Columns in
    samples are changed along, the sampling rate is not.

    :param factor: Smallest and largest quotient of the new and the old length, drawn
        with a uniform logarithm
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ArgumentError: if the factors are impossible
    """

    factor: tuple[float, float] = (0.5, 2.0)

    _limits: ClassVar = {"factor": (0.1, 10)}

    def apply(self, x: np.ndarray, metadata: Metadata) -> Window:
        factor = Fraction(float(_log_uniform(self.factor)))
        return _resample(x, metadata, factor.limit_denominator(_STRETCHES))


def _sampling_rate(metadata: Metadata) -> float | None:
    try:
        rate = float(metadata["trace_sampling_rate_hz"])
    except (KeyError, TypeError, ValueError):
        return None
    return rate if math.isfinite(rate) and rate > 0 else None


def _at_rate_of(metadata: Metadata, x: np.ndarray, its_own: Metadata) -> Window:
    """Another record at the sampling rate of the window, if both are known."""
    rate, its_rate = _sampling_rate(metadata), _sampling_rate(its_own)
    if rate is None or its_rate is None:
        return x, dict(its_own)
    factor = Fraction(rate / its_rate).limit_denominator(_LARGEST)
    return _resample(x, dict(its_own), factor)


def _resample(x: np.ndarray, metadata: Metadata, factor: Fraction) -> Window:
    """
    :param x: Record, (components, samples); NaN where there are no data
    :param metadata: Its metadata, changed in place
    :param factor: New samples for one old sample
    :return: Record with another number of samples, and metadata
    """
    if factor == 1:
        return x, metadata
    data = np.asarray(x, dtype=np.float64)
    missing = ~np.isfinite(data)
    if missing.any():
        count = np.maximum((~missing).sum(axis=1, keepdims=True), 1)
        mean = np.where(missing, 0, data).sum(axis=1, keepdims=True) / count
        data = np.where(missing, mean, data)
    # Without the mean, there is no step at the ends of the record.
    up, down = factor.numerator, factor.denominator
    resampled = signal.resample_poly(data, up, down, axis=1, padtype="mean")
    if missing.any():
        nearest = np.round(np.arange(resampled.shape[1]) * down / up).astype(int)
        resampled[missing[:, np.minimum(nearest, data.shape[1] - 1)]] = np.nan
    move_samples(metadata, up / down)
    return resampled, metadata


# Second events and noise


class SecondEvent(Augmentation):
    """
    Adds a window of another record, chosen at random, around one of its arrivals. Its
    arrivals become those of a second event, in columns such as
    ``trace_p2_arrival_sample``, which the labellers know. A record at another sampling
    rate is resampled. A window that has a second event already, or no signal, stays as
    it is.

    :param records: Records, such as a SeisBench dataset, with the same components in
        the same order
    :param ratio: Smallest and largest quotient of the second event's peak and the
        first's; it is drawn from between with a uniform logarithm
    :param padlen: Smallest distance of the second event's chosen arrival from the edges
    :param phases: Column to "P" or "S", or a list of columns. Default: all columns of
        direct P and S.
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ArgumentError: if an argument has an impossible value
    """

    records: RecordSource
    ratio: tuple[float, float] = (0.3, 1.0)
    padlen: int = 512

    _limits: ClassVar = {"ratio": _POSITIVE}

    def apply(self, x: np.ndarray, metadata: Metadata) -> Window:
        index = np.random.randint(len(self.records))
        ratio = _log_uniform(self.ratio)
        if any(a.event > 1 for a in self._arrivals(metadata)):
            return x, metadata
        window = ArrivalWindow(x.shape[1], self.padlen, phases=self.phases)
        record = self.records.get_sample(index)
        second, its = window.apply(*_at_rate_of(metadata, *record))
        peak, its_peak = np.abs(x).max(initial=0), np.abs(second).max(initial=0)
        if peak == 0 or its_peak == 0:
            return x, metadata
        second = second / its_peak * np.float32(ratio * peak)
        _drown(its, second, x, self.phases)
        _drown(metadata, x, second, self.phases)
        columns = [a.column for a in self._arrivals(its) if a.event == 1]
        # Not a set, whose order differs by process: later draws depend on it.
        for column in dict.fromkeys(columns):
            second_column = second_event_column(column)
            metadata[second_column] = its[column]
            if (sure := its.get(probability_column(column))) is not None:
                metadata[probability_column(second_column)] = sure
        return x + second, metadata


class GaussianNoiseAtSNR(Augmentation):
    """
    Adds white noise at a drawn signal-to-noise ratio: 20 times the decimal logarithm of
    the root mean square of the signal, all components in the 200 samples from the
    window's first arrival on (the whole window if it has none), over that of the noise,
    all components. Where a component has no data, and so is exactly zero, it stays zero.

    :param snr_db: Smallest and largest SNR in dB, between which one is drawn uniformly
    :param phases: Column to "P" or "S", or a list of columns. Default: all columns of
        direct P and S.
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ArgumentError: if an argument has an impossible value
    """

    snr_db: tuple[float, float] = (0.0, 20.0)

    _limits: ClassVar = {"snr_db": (-math.inf, math.inf)}

    def apply(self, x: np.ndarray, metadata: Metadata) -> Window:
        snr_db = np.random.uniform(*self.snr_db)
        noise = self._draw(x.shape, metadata)
        level = rms(noise)
        if level == 0:
            return x, metadata
        factor = self._signal(x, metadata) / level * 10 ** (-snr_db / 20)
        noise = noise * factor * (x != 0)
        _drown(metadata, x, noise, self.phases)
        return (x + noise).astype(x.dtype, copy=False), metadata

    def _draw(self, shape: tuple[int, ...], metadata: Metadata) -> np.ndarray:
        """Noise of any amplitude, (components, samples); zeros if there is none."""
        return np.random.standard_normal(shape).astype(np.float32)

    def _signal(self, x: np.ndarray, metadata: Metadata) -> float:
        samples = [
            int(arrival.sample)
            for arrival in self._arrivals(metadata)
            if 0 <= arrival.sample < x.shape[1] and not arrival.hidden
        ]
        first = min(samples, default=0)
        return rms(x[:, first : first + _SIGNAL] if samples else x) or rms(x)


class RealNoiseAtSNR(GaussianNoiseAtSNR):
    """
    Adds noise of a record chosen at random, at a drawn signal-to-noise ratio; see
    :py:class:`GaussianNoiseAtSNR` for what that is. Of records with arrivals what lies
    before the first one is taken; if there is none of it, nothing is added. Noise
    shorter than the window is mirrored at its ends, and noise at another sampling rate
    is resampled.

    :param records: Records, such as a SeisBench dataset, with the same components in
        the same order
    :param kwargs: ``snr_db``, ``phases``, ``key``
    :raises ArgumentError: if an argument has an impossible value
    """

    def __init__(self, records: RecordSource, **kwargs: Any):
        super().__init__(**kwargs)
        self.records = records

    def _draw(self, shape: tuple[int, ...], metadata: Metadata) -> np.ndarray:
        index = np.random.randint(len(self.records))
        record, its = self.records.get_sample(index)
        npts = samples_before(record.shape[1], its, self.phases)
        record, _ = _at_rate_of(metadata, record[:, : max(npts, 0)], its)
        spare = record.shape[1] - shape[1]
        if record.shape[1] < 2:
            return np.zeros((len(record), shape[1]), dtype=np.float32)
        begin = np.random.randint(max(spare, 0) + 1)
        noise = cut_centred(record, begin, min(shape[1], record.shape[1]))
        return np.pad(noise, ((0, 0), (0, max(-spare, 0))), mode="symmetric")


# Instruments


class Differentiation(Augmentation):
    """
    Differentiates all components: velocity becomes acceleration, displacement velocity.

    :param key: Key of the state dict, or keys to read from and to write to
    """

    def apply(self, x: np.ndarray, metadata: Metadata) -> Window:
        inside = _inside(x)
        # The slope of the first sample is not known.
        known = inside.copy()
        known[:, 0] = False
        known[:, 1:] &= inside[:, :-1]
        slope = np.diff(x, axis=1, prepend=x[:, :1])
        return np.where(known, slope, 0).astype(slope.dtype), metadata


class Integration(Augmentation):
    """
    Integrates all components, with a high-pass against drift: acceleration becomes
    velocity, velocity displacement.

    :param key: Key of the state dict, or keys to read from and to write to
    """

    def apply(self, x: np.ndarray, metadata: Metadata) -> Window:
        sos = signal.butter(2, _log_uniform(_DRIFT), "highpass", output="sos")
        summed = np.cumsum(x, axis=1, dtype=np.float64)
        return _filtered(summed, sos, x), metadata


class BandLimit(Augmentation):
    """
    Filters all components, as an instrument or a user would: a high-pass, a low-pass, or
    both, causal, of drawn order and corners.

    :param low: Smallest and largest corner of the high-pass, as a share of the Nyquist
        frequency; drawn with a uniform logarithm
    :param high: Smallest and largest corner of the low-pass, the same
    :param order: Smallest and largest order
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ArgumentError: if an argument has an impossible value
    """

    low: tuple[float, float] = (0.006, 0.08)
    high: tuple[float, float] = (0.12, 0.9)
    order: tuple[int, int] = (1, 4)

    _limits: ClassVar = {"high": (_TINY, 1 - _TINY), "order": (1, math.inf)}

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("low", self.low, _TINY, self.high[0], pair=True)

    def apply(self, x: np.ndarray, metadata: Metadata) -> Window:
        low, high = float(_log_uniform(self.low)), float(_log_uniform(self.high))
        kind = np.random.choice(("highpass", "lowpass", "bandpass"), p=(0.5, 0.3, 0.2))
        corners = {"highpass": low, "lowpass": high, "bandpass": (low, high)}[kind]
        order = np.random.randint(self.order[0], self.order[1] + 1)
        sos = signal.butter(order, corners, kind, output="sos")
        return _filtered(x, sos, x), metadata


class ComponentGain(Augmentation):
    """
    Multiplies each component by a factor of its own, as of instruments whose components
    differ, or that are given in counts.

    :param ratio: Smallest and largest factor, drawn with a uniform logarithm
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ArgumentError: if the factors are impossible
    """

    ratio: tuple[float, float] = (0.5, 2.0)

    _limits: ClassVar = {"ratio": _POSITIVE}

    def apply(self, x: np.ndarray, metadata: Metadata) -> Window:
        ratio = _log_uniform(self.ratio, (len(x), 1))
        return (x * ratio).astype(np.result_type(x, np.float32)), metadata


class Clipping(Augmentation):
    """
    Cuts off what exceeds a share of the window's peak, as a digitizer at its limit does.

    :param share: Smallest and largest share
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ArgumentError: if the shares are impossible
    """

    share: tuple[float, float] = (0.1, 0.7)

    _limits: ClassVar = {"share": _POSITIVE}

    def apply(self, x: np.ndarray, metadata: Metadata) -> Window:
        most = np.abs(x).max(initial=0) * np.random.uniform(*self.share)
        return np.clip(x, -most, most).astype(x.dtype), metadata


class Glitch(Augmentation):
    """
    Adds to one component what instruments make and no earthquake: a step, a spike, or a
    step that decays. It has no label. Arrivals of known probability become less sure by
    what it hides of them.

    :param ratio: Smallest and largest quotient of its height and the window's peak,
        drawn with a uniform logarithm
    :param phases: Column to "P" or "S", or a list of columns. Default: all columns of
        direct P and S.
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ArgumentError: if an argument has an impossible value
    """

    ratio: tuple[float, float] = (0.2, 5.0)

    _limits: ClassVar = {"ratio": _POSITIVE}

    def apply(self, x: np.ndarray, metadata: Metadata) -> Window:
        alive = np.flatnonzero(x.any(axis=1))
        if len(alive) == 0:
            return x, metadata
        component = np.random.choice(alive)
        first = np.random.randint(x.shape[1])
        shape = np.zeros(x.shape[1])
        kind = np.random.choice(("step", "spike", "decay"))
        if kind == "step":
            shape[first:] = 1
        elif kind == "spike":
            shape[first : first + np.random.randint(1, _SPIKE + 1)] = 1
        else:
            after = np.arange(x.shape[1] - first)
            shape[first:] = np.exp(-after / _log_uniform(_DECAY))
        height = np.abs(x).max() * _log_uniform(self.ratio)
        added = np.zeros_like(x, dtype=np.result_type(x, np.float32))
        added[component] = shape * height * np.random.choice((-1, 1))
        added *= _inside(x)
        _drown(metadata, x, added, self.phases)
        return x + added, metadata


def _inside(x: np.ndarray) -> np.ndarray:
    """
    Where each component has data, from its first sample other than zero to its last,
    (components, samples).
    """
    there = x != 0
    seen_before = np.maximum.accumulate(there, axis=1)
    seen_after = np.maximum.accumulate(there[:, ::-1], axis=1)[:, ::-1]
    return seen_before & seen_after


def _filtered(data: np.ndarray, sos: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Filtered data. The filter does not ring on where the window has no data."""
    filtered = np.where(_inside(x), signal.sosfilt(sos, data, axis=1), 0)
    return filtered.astype(np.result_type(x, np.float32))


# Components, gaps and edges


class PolarityFlip(Augmentation):
    """
    Turns all components upside down. A first motion in ``trace_polarity`` is turned as
    well.

    :param key: Key of the state dict, or keys to read from and to write to
    """

    def apply(self, x: np.ndarray, metadata: Metadata) -> Window:
        polarity = metadata.get("trace_polarity")
        if isinstance(polarity, str):
            metadata["trace_polarity"] = _OPPOSITE.get(polarity, polarity)
        return -x, metadata


class HorizontalRotation(Augmentation):
    """
    Rotates the horizontal components by an angle drawn from the whole circle.

    SeisBench's ``RotateHorizontalComponents`` goes by ``trace_component_order``, which
    is the order in the file and not that of the waveforms, if the dataset's
    ``component_order`` is another.

    :param component_order: Order of the components of the waveforms
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ArgumentError: if there are no two horizontal components
    """

    component_order: str = "ZNE"

    def __post_init__(self) -> None:
        super().__post_init__()
        order = self.component_order = "".join(self.component_order)
        pairs = [pair for pair in _HORIZONTALS if set(pair) <= set(order)]
        if not pairs:
            reason = (
                f"use one with two horizontal components: {', '.join(_HORIZONTALS)}"
            )
            raise ArgumentError("component_order", order, reason)
        self._rows = [order.index(component) for component in pairs[0]]

    def apply(self, x: np.ndarray, metadata: Metadata) -> Window:
        angle = np.random.uniform(0, 2 * np.pi)
        x = x.astype(np.result_type(x, np.float32), copy=False)
        cos, sin = np.cos(angle).astype(x.dtype), np.sin(angle).astype(x.dtype)
        north, east = self._rows
        rotated = x.copy()
        rotated[north] = cos * x[north] - sin * x[east]
        rotated[east] = sin * x[north] + cos * x[east]
        return rotated, metadata


class ComponentDropout(Augmentation):
    """
    Sets one or more components to zero, never all of them. If no signal is left, since
    the others were dead already, there are no arrivals any more.

    :param phases: Column to "P" or "S", or a list of columns. Default: all columns of
        direct P and S.
    :param key: Key of the state dict, or keys to read from and to write to
    """

    def apply(self, x: np.ndarray, metadata: Metadata) -> Window:
        if len(x) < 2:
            return x, metadata
        dropped = np.random.permutation(len(x))[: np.random.randint(1, len(x))]
        x = x.copy()
        x[dropped] = 0
        forget_if_dead(x, metadata, self.phases)
        return x, metadata


class Gap(Augmentation):
    """
    Sets all components to zero for a while; a window that has such a gap stays as it is.
    An arrival in the gap, or so shortly before it that next to nothing of it is seen,
    has no label any more; its sample is kept in a column
    ``trace_<phase>_hidden_sample``, on which the detection depends.

    :param length: Smallest and largest length of the gap in samples
    :param phases: Column to "P" or "S", or a list of columns. Default: all columns of
        direct P and S.
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ArgumentError: if an argument has an impossible value
    """

    length: tuple[int, int] = (50, 1000)

    _limits: ClassVar = {"length": (1, math.inf)}

    def apply(self, x: np.ndarray, metadata: Metadata) -> Window:
        if GAP[0] in metadata:
            return x, metadata
        n_samples = x.shape[1]
        length = min(np.random.randint(self.length[0], self.length[1] + 1), n_samples)
        begin = np.random.randint(n_samples - length + 1)
        end = begin + length
        x = x.copy()
        x[:, begin:end] = 0
        for arrival in self._arrivals(metadata):
            if begin - VISIBLE < arrival.sample < end and not arrival.hidden:
                hide(metadata, arrival)
        metadata.update(zip(GAP, (begin, end), strict=True))
        return x, metadata


class RecordEdge(Augmentation):
    """
    Lets the record begin or end in the window: zeros on one side, and the mean of what is
    left removed. Arrivals in the part that is gone have no label any more.

    :param least: Smallest share of its samples that stays
    :param phases: Column to "P" or "S", or a list of columns. Default: all columns of
        direct P and S.
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ArgumentError: if an argument has an impossible value
    """

    least: float = 0.125

    _limits: ClassVar = {"least": (0, 1)}

    def apply(self, x: np.ndarray, metadata: Metadata) -> Window:
        there = np.flatnonzero(x.any(axis=0))
        if len(there) == 0:
            return x, metadata
        first, behind = there[0], there[-1] + 1
        left = np.random.randint(int(self.least * (behind - first)), behind - first + 1)
        begin = np.random.choice((first, behind - left))
        last = begin + left - VISIBLE
        for arrival in self._arrivals(metadata):
            if not arrival.hidden and not begin <= arrival.sample < last:
                hide(metadata, arrival)
        cut = np.zeros_like(x, dtype=np.result_type(x, np.float32))
        inside = slice(begin, begin + left)
        cut[:, inside] = without_means(x[:, inside])
        return cut, metadata
