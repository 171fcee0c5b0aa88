"""Augmentations of the components: polarity, rotation, dropout, gaps, edges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .augmentation import Augmentation
from .checks import check_probability, check_span, check_whole
from .phases import GAP, check_phases, hide, read_arrivals
from .windows import VISIBLE, forget_if_dead, without_means

#: Pairs of names of horizontal components.
_HORIZONTALS = ("NE", "12", "RT", "XY")

_PAIRS = (("U", "D"), ("up", "down"), ("positive", "negative"))
_OPPOSITE = {a: b for pair in _PAIRS for a, b in (pair, pair[::-1])}


class PolarityFlip(Augmentation):
    """
    Turns all components upside down. A first motion in ``trace_polarity`` is turned as
    well.

    :param key: Key of the state dict, or keys to read from and to write to
    """

    def apply(
        self, x: np.ndarray, metadata: dict[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
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
    :raises ValueError: If there are no two horizontal components
    """

    def __init__(self, component_order: str = "ZNE", key: str | tuple[str, str] = "X"):
        super().__init__(key)
        self.component_order = "".join(component_order)
        for pair in _HORIZONTALS:
            if all(component in self.component_order for component in pair):
                self._rows = [self.component_order.index(c) for c in pair]
                return
        raise ValueError(
            f"component_order={component_order!r} has no two horizontal components; "
            f"use one with {', '.join(_HORIZONTALS)}."
        )

    def apply(
        self, x: np.ndarray, metadata: dict[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
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

    :param phases: Column to "P" or "S". Default: all columns of direct P and S.
    :param key: Key of the state dict, or keys to read from and to write to
    """

    def __init__(
        self,
        phases: Mapping[str, str] | None = None,
        key: str | tuple[str, str] = "X",
    ):
        super().__init__(key)
        check_phases(phases)
        self.phases = phases

    def apply(
        self, x: np.ndarray, metadata: dict[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
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
    An arrival in the gap, or so shortly before
    it that next to nothing of it is seen, has no label any more; its sample is kept in
    a column ``trace_<phase>_hidden_sample``, on which the detection depends.

    :param length: Smallest and largest length of the gap in samples
    :param visible: Samples that must be seen from an arrival on
    :param phases: Column to "P" or "S". Default: all columns of direct P and S.
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ValueError: If an argument has an impossible value
    """

    def __init__(
        self,
        length: tuple[int, int] = (50, 1000),
        visible: int = VISIBLE,
        phases: Mapping[str, str] | None = None,
        key: str | tuple[str, str] = "X",
    ):
        super().__init__(key)
        check_span("length", length, 1, whole=True)
        check_whole("visible", visible, 0)
        check_phases(phases)
        self.length = length
        self.visible = visible
        self.phases = phases

    def apply(
        self, x: np.ndarray, metadata: dict[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        n_samples = x.shape[1]
        if GAP[0] in metadata:
            return x, metadata
        length = min(np.random.randint(self.length[0], self.length[1] + 1), n_samples)
        begin = np.random.randint(n_samples - length + 1)
        end = begin + length
        x = x.copy()
        x[:, begin:end] = 0
        for arrival in read_arrivals(metadata, self.phases):
            if begin - self.visible < arrival.sample < end and not arrival.hidden:
                hide(metadata, arrival)
        metadata.update(zip(GAP, (begin, end), strict=True))
        return x, metadata


class RecordEdge(Augmentation):
    """
    Lets the record begin or end in the window: zeros on one side, and the mean of what is
    left removed. Arrivals in the part that is gone have no label any more.

    :param least: Least share of its samples that stays
    :param visible: Samples that must be seen from an arrival on
    :param phases: Column to "P" or "S". Default: all columns of direct P and S.
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ValueError: If an argument has an impossible value
    """

    def __init__(
        self,
        least: float = 0.125,
        visible: int = VISIBLE,
        phases: Mapping[str, str] | None = None,
        key: str | tuple[str, str] = "X",
    ):
        super().__init__(key)
        check_probability("least", least)
        check_whole("visible", visible, 0)
        check_phases(phases)
        self.least = least
        self.visible = visible
        self.phases = phases

    def apply(
        self, x: np.ndarray, metadata: dict[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        there = np.flatnonzero(x.any(axis=0))
        if len(there) == 0:
            return x, metadata
        first, behind = there[0], there[-1] + 1
        left = np.random.randint(int(self.least * (behind - first)), behind - first + 1)
        begin = np.random.choice((first, behind - left))
        for arrival in read_arrivals(metadata, self.phases):
            if arrival.hidden:
                continue
            if not begin <= arrival.sample < begin + left - self.visible:
                hide(metadata, arrival)
        cut = np.zeros_like(x, dtype=np.result_type(x, np.float32))
        inside = slice(begin, begin + left)
        cut[:, inside] = without_means(x[:, inside])
        return cut, metadata
