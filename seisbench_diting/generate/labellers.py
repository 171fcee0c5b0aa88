"""The labels as labellers for SeisBench's generators."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from seisbench.generate import SupervisedLabeller

from .checks import check_whole
from .labels import STRIDE, draw_detection, draw_triangles, lppn_label, point_label
from .phases import GAP, Arrival, check_phases, read_arrivals


class _ArrivalLabeller(SupervisedLabeller):
    """
    What the three labellers share. Unlike SeisBench's labellers they look for arrivals
    in the metadata of every window, not of the first one only, and an arrival outside
    of the window has no label.

    :param phases: Column to "P" or "S", see
                   :py:func:`~seisbench_diting.generate.find_arrivals`
    :param key: Keys of the state dict: where waveforms (components, samples) or
                (windows, components, samples) are read from, and where the label is
                written to
    """

    def __init__(
        self,
        phases: Mapping[str, str] | None = None,
        key: tuple[str, str] = ("X", "y"),
    ):
        super().__init__(label_type="multi_class", dim=-2, key=key)
        check_phases(phases)
        self.phases = phases

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
            return np.stack(
                [self.label(x, one) for x, one in zip(X, each, strict=True)]
            )
        arrivals = read_arrivals(metadata, self.phases)
        return self._label(arrivals, X.shape[-1], metadata)

    @abstractmethod
    def _label(
        self, arrivals: list[Arrival], n_samples: int, metadata: Mapping[str, Any]
    ) -> np.ndarray:
        """Label of one window."""

    def __str__(self) -> str:
        return f"{type(self).__name__} (key={self.key})"


class LPPNLabeller(_ArrivalLabeller):
    """
    Label of LPPN: class of each cell and place of the arrival in it, float32,
    (2, samples / stride). See :py:func:`~seisbench_diting.generate.lppn_label`.

    :param stride: Samples for one cell
    :param phases: Column to "P" or "S". Default: all columns of direct P and S.
    :param key: Keys of the state dict to read from and to write to
    """

    def __init__(
        self,
        stride: int = STRIDE,
        phases: Mapping[str, str] | None = None,
        key: tuple[str, str] = ("X", "y"),
    ):
        super().__init__(phases, key)
        check_whole("stride", stride, 1)
        self.stride = stride

    def _label(
        self, arrivals: list[Arrival], n_samples: int, metadata: Mapping[str, Any]
    ) -> np.ndarray:
        return lppn_label(*_visible(arrivals), n_samples, self.stride)


class PointLabeller(_ArrivalLabeller):
    """
    Label of the pickers with a class at every sample, float32, (3, samples): N, P, S.
    The same as SeisBench's ``ProbabilisticLabeller(shape="triangle", sigma=20,
    model_labels="NPS", dim=0)`` for arrivals in the window, in a tenth of its time.
    See :py:func:`~seisbench_diting.generate.point_label`.

    :param phases: Column to "P" or "S". Default: all columns of direct P and S.
    :param key: Keys of the state dict to read from and to write to
    """

    def _label(
        self, arrivals: list[Arrival], n_samples: int, metadata: Mapping[str, Any]
    ) -> np.ndarray:
        return point_label(*_visible(arrivals), n_samples)


class EQTLabeller(_ArrivalLabeller):
    """
    Label of the original EQTransformer, float32, (3, samples): P, S, detection. The
    same as SeisBench's ``ProbabilisticLabeller(shape="triangle", sigma=20, dim=0,
    noise_column=False)`` for arrivals in the window and ``DetectionLabeller(factor=1.4)``,
    for each event. An arrival without signal, in a gap or outside of the record, has no
    triangle, but its event is still detected, except in the gap. See :py:func:`~seisbench_diting.generate.eqt_label`.

    :param phases: Column to "P" or "S". Default: all columns of direct P and S.
    :param key: Keys of the state dict to read from and to write to
    """

    def _label(
        self, arrivals: list[Arrival], n_samples: int, metadata: Mapping[str, Any]
    ) -> np.ndarray:
        events = [[a for a in arrivals if a.event == event] for event in (1, 2)]
        label = np.zeros((3, n_samples), dtype=np.float32)
        for event in events:
            for row, samples in enumerate(_visible(event)):
                draw_triangles(label[row], samples)
            draw_detection(label[2], *_of_phases(event))
        if GAP[0] in metadata:
            begin, end = (max(0, int(metadata[column])) for column in GAP)
            label[2, begin:end] = 0
        return label


def _of_phases(arrivals: list[Arrival]) -> tuple[list[float], list[float]]:
    p, s = ([a.sample for a in arrivals if a.phase == phase] for phase in "PS")
    return p, s


def _visible(arrivals: list[Arrival]) -> tuple[list[float], list[float]]:
    return _of_phases([arrival for arrival in arrivals if not arrival.hidden])
