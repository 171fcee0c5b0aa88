"""
Labels of one window from its arrivals, and labellers for SeisBench's generators.

An arrival at sample ``t`` lies in a window of ``T`` samples if ``0 <= t < T``. Only
those have a label of their own; NaN is not an arrival.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from seisbench.generate import SupervisedLabeller

from .._util import ArgumentError, add_to
from ..models import LPPNM
from .arrival_windows import check_number
from .arrivals import GAP, Arrival, Phases, check_phases, read_arrivals

#: Samples for one cell of LPPN's labels.
STRIDE = LPPNM.stride

#: Half the width of the triangles of the labels at every sample, in samples.
_TRIANGLE = 20

#: A detection ends this many times the time from P to S after S.
_DETECTION_FACTOR = 1.4


def check_cells(n_samples: int, stride: int) -> None:
    """
    :param n_samples: Length of the window
    :param stride: Samples for one cell
    :raises ArgumentError: if the window is not a whole number of cells
    """
    if n_samples % stride:
        raise ArgumentError("n_samples", n_samples, f"use a multiple of {stride=}")


def lppn_label(
    p: Iterable[float], s: Iterable[float], n_samples: int, stride: int = STRIDE
) -> np.ndarray:
    """
    Label of LPPN. If a cell has several arrivals, S takes precedence over P, and the
    earliest arrival of a phase over the others. The loss ignores the cells next to an
    arrival, unless they have an arrival.

    >>> lppn_label(p=[12.5], s=[35], n_samples=64)
    array([[-1. ,  1. , -1. , -1. ,  2. , -1. ,  0. ,  0. ],
           [-1. ,  4.5, -1. , -1. ,  3. , -1. ,  0. ,  0. ]], dtype=float32)

    :param p: Samples of arrivals of P
    :param s: Samples of arrivals of S
    :param n_samples: Length of the window, a multiple of ``stride``
    :param stride: Samples for one cell
    :return: (2, n_samples / stride) float32. Class of the cell: 0 none, 1 P, 2 S,
        -1 ignored; and place of the arrival in its cell in samples, 0 to below
        ``stride``, -1 beside it, 0 elsewhere.
    :raises ArgumentError: if the window is not a whole number of cells
    """
    check_cells(n_samples, stride)
    label = np.zeros((2, n_samples // stride), dtype=np.float32)
    # Later entries replace earlier ones.
    cells = {
        int(sample // stride): (phase, sample)
        for phase, samples in ((1, p), (2, s))
        for sample in sorted(_inside(samples, n_samples), reverse=True)
    }
    for cell in cells:
        label[:, max(cell - 1, 0) : cell + 2] = -1
    for cell, (phase, sample) in cells.items():
        offset = np.float32(sample - stride * cell)
        label[0, cell] = phase
        # Rounding to float32 may lead out of the cell.
        label[1, cell] = min(offset, np.nextafter(np.float32(stride), np.float32(0)))
    return label


def point_label(p: Iterable[float], s: Iterable[float], n_samples: int) -> np.ndarray:
    """
    Label of the pickers with a softmax over noise, P and S at every sample.

    :param p: Samples of arrivals of P
    :param s: Samples of arrivals of S
    :param n_samples: Length of the window
    :return: (3, n_samples) float32: N, P, S. Triangles, scaled where P and S together
        would exceed 1; N is the rest.
    """
    label = np.zeros((3, n_samples), dtype=np.float32)
    _draw_triangles(label[1], p)
    _draw_triangles(label[2], s)
    total = label[1] + label[2]
    if total.max(initial=0) > 1:
        label[1:] /= np.maximum(total, 1)
        total = label[1] + label[2]
    np.maximum(1 - total, 0, out=label[0])
    return label


def eqt_label(
    events: Iterable[tuple[Iterable[float], Iterable[float]]], n_samples: int
) -> np.ndarray:
    """
    Label of the original EQTransformer, with a sigmoid for each of P, S, detection.

    :param events: P and S arrivals of each event, also those outside of the window,
        on which the detection depends
    :param n_samples: Length of the window
    :return: (3, n_samples) float32: P and S, triangles that are not scaled; detection,
        1 from the earliest P to 1.4 times the time from P to S after the earliest S,
        for events that have both in this order
    """
    label = np.zeros((3, n_samples), dtype=np.float32)
    for p, s in events:
        _draw_triangles(label[0], p)
        _draw_triangles(label[1], s)
        _draw_detection(label[2], p, s)
    return label


def _draw_detection(row: np.ndarray, p: Iterable[float], s: Iterable[float]) -> None:
    first_p, first_s = (
        min((x for x in samples if math.isfinite(x)), default=math.nan)
        for samples in (p, s)
    )
    if first_s >= first_p:
        end = int(first_s + _DETECTION_FACTOR * (first_s - first_p))
        row[max(int(first_p), 0) : max(end, 0)] = 1


def _inside(samples: Iterable[float], n_samples: int) -> list[float]:
    return [sample for sample in samples if 0 <= sample < n_samples]


def _draw_triangles(row: np.ndarray, samples: Iterable[float]) -> None:
    for sample in _inside(samples, len(row)):
        draw_triangle(row, sample)


def draw_triangle(row: np.ndarray, sample: float, height: float = 1.0) -> None:
    """
    Writes a triangle, the larger value where there is one already, in place.

    :param row: (samples,)
    :param sample: Arrival, which lies in the window
    :param height: Value at the arrival
    """
    begin = max(0, math.ceil(sample - _TRIANGLE))
    end = min(len(row), math.floor(sample + _TRIANGLE) + 1)
    values = height * (1 - np.abs(np.arange(begin, end) - sample) / _TRIANGLE)
    np.maximum(row[begin:end], values, out=row[begin:end])


class _ArrivalLabeller(SupervisedLabeller):
    """
    Labels the arrivals in the metadata of every window, not of the first one only as
    SeisBench's labellers do.

    :param phases: Column to "P" or "S", or a list of columns. Default: all columns of
        direct P and S.
    :param key: Keys of the state dict: where waveforms (components, samples) or
        (windows, components, samples) are read from, and where the label is written to
    :param label_columns: SeisBench's name for ``phases``
    """

    def __init__(
        self,
        phases: Phases = None,
        key: tuple[str, str] = ("X", "y"),
        label_columns: Phases = None,
    ):
        super().__init__(label_type="multi_class", dim=-2, key=key)
        self.phases = check_phases(phases)
        if label_columns is not None:
            self.phases = check_phases(label_columns, "label_columns")

    def __call__(self, state_dict: dict[str, tuple[Any, Any]]) -> None:
        x, metadata = state_dict[self.key[0]]
        state_dict[self.key[1]] = (self.label(x, metadata), dict(metadata))

    def label(self, X: np.ndarray, metadata: Mapping[str, Any]) -> np.ndarray:
        """
        :param X: Waveforms, (components, samples) or (windows, components, samples)
        :param metadata: Metadata; for several windows each column holds one value a
            window
        :return: Label, float32, with one more axis in front for several windows
        """
        if X.ndim == 3:
            each = [{k: v[i] for k, v in metadata.items()} for i in range(len(X))]
            return np.stack([self.label(*one) for one in zip(X, each, strict=True)])
        return self._label(read_arrivals(metadata, self.phases), X.shape[-1])

    @abstractmethod
    def _label(self, arrivals: list[Arrival], n_samples: int) -> np.ndarray:
        """Label of one window."""


class PointLabeller(_ArrivalLabeller):
    """
    Label of the pickers with a class at every sample, float32, (3, samples): N, P, S.
    The same as SeisBench's ``ProbabilisticLabeller(shape="triangle", sigma=20,
    model_labels="NPS", dim=0)`` for arrivals in the window, in a tenth of its time. See
    :py:func:`~seisbench_diting.generate.point_label`.

    :param phases: Column to "P" or "S", or a list of columns. Default: all columns of
        direct P and S.
    :param key: Keys of the state dict to read from and to write to
    :param label_columns: SeisBench's name for ``phases``
    """

    def _label(self, arrivals: list[Arrival], n_samples: int) -> np.ndarray:
        return point_label(*_visible(arrivals), n_samples)


class LPPNLabeller(_ArrivalLabeller):
    """
    Label of LPPN: class of each cell and place of the arrival in it, float32,
    (2, samples / stride). See :py:func:`~seisbench_diting.generate.lppn_label`.

    :param stride: Samples for one cell
    :param phases: Column to "P" or "S", or a list of columns. Default: all columns of
        direct P and S.
    :param key: Keys of the state dict to read from and to write to
    :param label_columns: SeisBench's name for ``phases``
    """

    def __init__(
        self,
        stride: int = STRIDE,
        phases: Phases = None,
        key: tuple[str, str] = ("X", "y"),
        label_columns: Phases = None,
    ):
        super().__init__(phases, key, label_columns)
        check_number("stride", stride, 1, whole=True)
        self.stride = stride

    def _label(self, arrivals: list[Arrival], n_samples: int) -> np.ndarray:
        return lppn_label(*_visible(arrivals), n_samples, self.stride)


class EQTLabeller(_ArrivalLabeller):
    """
    Label of the original EQTransformer, float32, (3, samples): P, S, detection. The
    same as SeisBench's ``ProbabilisticLabeller(shape="triangle", sigma=20, dim=0,
    noise_column=False)`` for arrivals in the window and ``DetectionLabeller(factor=1.4)``,
    for each event. An arrival without signal, in a gap or outside of the record, has no
    triangle, but its event is still detected, except in the gap. See
    :py:func:`~seisbench_diting.generate.eqt_label`.

    :param phases: Column to "P" or "S", or a list of columns. Default: all columns of
        direct P and S.
    :param key: Keys of the state dict to read from and to write to
    :param label_columns: SeisBench's name for ``phases``
    """

    def label(self, X: np.ndarray, metadata: Mapping[str, Any]) -> np.ndarray:
        label = super().label(X, metadata)
        if X.ndim == 2 and GAP[0] in metadata:
            begin, end = (max(0, int(metadata[column])) for column in GAP)
            label[2, begin:end] = 0
        return label

    def _label(self, arrivals: list[Arrival], n_samples: int) -> np.ndarray:
        numbers = {a.event for a in arrivals}
        events = [[a for a in arrivals if a.event == number] for number in numbers]
        label = eqt_label([_visible(event) for event in events], n_samples)
        label[2] = 0
        for event in events:
            _draw_detection(label[2], *_of_phases(event))
        return label


def _of_phases(arrivals: list[Arrival]) -> tuple[list[float], list[float]]:
    p, s = ([a.sample for a in arrivals if a.phase == phase] for phase in "PS")
    return p, s


def _visible(arrivals: list[Arrival]) -> tuple[list[float], list[float]]:
    return _of_phases([arrival for arrival in arrivals if not arrival.hidden])


add_to("seisbench.generate", {"LPPNLabeller": LPPNLabeller})
