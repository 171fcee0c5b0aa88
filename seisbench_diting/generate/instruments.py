"""Augmentations that make a record look as if another instrument had recorded it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import signal

from .augmentation import Augmentation
from .checks import check_span, check_whole
from .drowning import drown
from .phases import check_phases

#: Corner of the high-pass behind an integration, as a share of the Nyquist frequency:
#: without it the record drifts away.
_DRIFT = (0.002, 0.02)


class Differentiation(Augmentation):
    """
    Differentiates all components: velocity becomes acceleration, displacement velocity.

    :param key: Key of the state dict, or keys to read from and to write to
    """

    def apply(
        self, x: np.ndarray, metadata: dict[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        inside = _inside(x)
        # Where data begin there is no slope.
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

    def apply(
        self, x: np.ndarray, metadata: dict[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        corner = np.exp(np.random.uniform(*np.log(_DRIFT)))
        sos = signal.butter(2, corner, "highpass", output="sos")
        summed = np.cumsum(x, axis=1, dtype=np.float64)
        return _filtered(summed, sos, _inside(x), x.dtype), metadata


class BandLimit(Augmentation):
    """
    Filters all components, as an instrument or a user would: a high-pass, a low-pass, or
    both, causal, of drawn order and corners.

    :param low: Smallest and largest corner of the high-pass, as a share of the Nyquist
                frequency; drawn with a uniform logarithm
    :param high: Smallest and largest corner of the low-pass, the same
    :param order: Smallest and largest order
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ValueError: If an argument has an impossible value
    """

    def __init__(
        self,
        low: tuple[float, float] = (0.006, 0.08),
        high: tuple[float, float] = (0.12, 0.9),
        order: tuple[int, int] = (1, 4),
        key: str | tuple[str, str] = "X",
    ):
        super().__init__(key)
        check_span("low", low, 1e-6)
        check_span("high", high, 1e-6)
        check_span("order", order, 1, whole=True)
        if not (low[1] < high[0] and high[1] < 1):
            raise ValueError(
                f"low={low!r} and high={high!r} are not possible; all of low must lie "
                "below high, and high below 1, the Nyquist frequency."
            )
        self.low = low
        self.high = high
        self.order = order

    def apply(
        self, x: np.ndarray, metadata: dict[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        low, high = (
            float(np.exp(np.random.uniform(*np.log(span))))
            for span in (self.low, self.high)
        )
        kind = np.random.choice(("highpass", "lowpass", "bandpass"), p=(0.5, 0.3, 0.2))
        corners = {"highpass": low, "lowpass": high, "bandpass": (low, high)}[kind]
        order = np.random.randint(self.order[0], self.order[1] + 1)
        sos = signal.butter(order, corners, kind, output="sos")
        return _filtered(x, sos, _inside(x), x.dtype), metadata


class ComponentGain(Augmentation):
    """
    Multiplies each component by a factor of its own, as of instruments whose components
    differ, or that are given in counts.

    :param ratio: Smallest and largest factor, drawn with a uniform logarithm
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ValueError: If the factors are impossible
    """

    def __init__(
        self,
        ratio: tuple[float, float] = (0.5, 2.0),
        key: str | tuple[str, str] = "X",
    ):
        super().__init__(key)
        check_span("ratio", ratio, 1e-6)
        self.ratio = ratio

    def apply(
        self, x: np.ndarray, metadata: dict[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        ratio = np.exp(np.random.uniform(*np.log(self.ratio), (len(x), 1)))
        return (x * ratio).astype(np.result_type(x, np.float32)), metadata


class Clipping(Augmentation):
    """
    Cuts off what exceeds a share of the window's peak, as a digitizer at its limit does.

    :param share: Smallest and largest share
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ValueError: If the shares are impossible
    """

    def __init__(
        self,
        share: tuple[float, float] = (0.1, 0.7),
        key: str | tuple[str, str] = "X",
    ):
        super().__init__(key)
        check_span("share", share, 1e-6)
        self.share = share

    def apply(
        self, x: np.ndarray, metadata: dict[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        most = np.abs(x).max(initial=0) * np.random.uniform(*self.share)
        return np.clip(x, -most, most).astype(x.dtype), metadata


class Glitch(Augmentation):
    """
    Adds to one component what instruments make and no earthquake: a step, a spike, or a
    step that decays. It has no label. Arrivals of known probability become less sure by
    what it hides of them.

    :param ratio: Smallest and largest quotient of its height and the window's peak,
                  drawn with a uniform logarithm
    :param spike: Most samples of a spike
    :param decay: Smallest and largest time in samples in which a step decays to 1/e
    :param phases: Column to "P" or "S". Default: all columns of direct P and S.
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ValueError: If an argument has an impossible value
    """

    def __init__(
        self,
        ratio: tuple[float, float] = (0.2, 5.0),
        spike: int = 3,
        decay: tuple[float, float] = (5.0, 300.0),
        phases: Mapping[str, str] | None = None,
        key: str | tuple[str, str] = "X",
    ):
        super().__init__(key)
        check_span("ratio", ratio, 1e-6)
        check_whole("spike", spike, 1)
        check_span("decay", decay, 1e-6)
        check_phases(phases)
        self.ratio = ratio
        self.spike = spike
        self.decay = decay
        self.phases = phases

    def apply(
        self, x: np.ndarray, metadata: dict[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        alive = np.flatnonzero(x.any(axis=1))
        if len(alive) == 0:
            return x, metadata
        component = np.random.choice(alive)
        first = np.random.randint(x.shape[1])
        shape = np.zeros(x.shape[1])
        after = x.shape[1] - first
        kind = np.random.choice(("step", "spike", "decay"))
        if kind == "step":
            shape[first:] = 1
        elif kind == "spike":
            shape[first : first + np.random.randint(1, self.spike + 1)] = 1
        else:
            time = np.exp(np.random.uniform(*np.log(self.decay)))
            shape[first:] = np.exp(-np.arange(after) / time)
        height = np.abs(x).max() * np.exp(np.random.uniform(*np.log(self.ratio)))
        added = np.zeros_like(x, dtype=np.result_type(x, np.float32))
        added[component] = shape * height * np.random.choice((-1, 1))
        added *= _inside(x)
        drown(metadata, x, added, self.phases)
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


def _filtered(
    x: np.ndarray, sos: np.ndarray, inside: np.ndarray, dtype: np.dtype
) -> np.ndarray:
    """Filtered where there are data; beside them no filter rings on."""
    filtered = signal.sosfilt(sos, x, axis=1)
    return np.where(inside, filtered, 0).astype(np.result_type(dtype, np.float32))
