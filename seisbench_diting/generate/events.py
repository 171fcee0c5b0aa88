"""Superposition of a second event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .augmentation import Augmentation
from .checks import check_span
from .drowning import drown
from .phases import probability_column, read_arrivals, second_event_column
from .rates import resample, sampling_rate
from .sources import RecordSource
from .windows import ArrivalWindow


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
    :param padlen: Least distance of the second event's chosen arrival from the edges
    :param phases: Column to "P" or "S". Default: all columns of direct P and S.
    :param key: Key of the state dict, or keys to read from and to write to
    :raises ValueError: If an argument has an impossible value
    """

    _silent = ("key", "records")

    def __init__(
        self,
        records: RecordSource,
        ratio: tuple[float, float] = (0.3, 1.0),
        padlen: int = 512,
        phases: Mapping[str, str] | None = None,
        key: str | tuple[str, str] = "X",
    ):
        super().__init__(key)
        check_span("ratio", ratio, 1e-6)
        self.records = records
        self.ratio = ratio
        self.padlen = padlen
        self.phases = phases

    def apply(
        self, x: np.ndarray, metadata: dict[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """:raises ValueError: If the other record has other components"""
        index = np.random.randint(len(self.records))
        ratio = np.exp(np.random.uniform(*np.log(self.ratio)))
        if any(a.event == 2 for a in read_arrivals(metadata, self.phases)):
            return x, metadata
        second, its_metadata = self.records.get_sample(index)
        rate, its_rate = sampling_rate(metadata), sampling_rate(its_metadata)
        if rate and its_rate:
            second, its_metadata = resample(second, dict(its_metadata), rate / its_rate)
        window = ArrivalWindow(x.shape[1], self.padlen, self.phases)
        second, its_metadata = window.apply(second, dict(its_metadata))
        if second.shape != x.shape:
            raise ValueError(
                f"Record {index} of the second events has {len(second)} components, "
                f"but the window has {len(x)}; set missing_components='pad'."
            )
        peak, its_peak = np.abs(x).max(initial=0), np.abs(second).max(initial=0)
        if peak == 0 or its_peak == 0:
            return x, metadata
        second = second / its_peak * np.float32(ratio * peak)
        drown(its_metadata, second, x, self.phases)
        drown(metadata, x, second, self.phases)
        its_own = [a for a in read_arrivals(its_metadata, self.phases) if a.event == 1]
        # Not a set, whose order differs by process: later draws hang on it.
        for column in dict.fromkeys(arrival.column for arrival in its_own):
            second_column = second_event_column(column)
            metadata[second_column] = its_metadata[column]
            if probability_column(column) in its_metadata:
                metadata[probability_column(second_column)] = its_metadata[
                    probability_column(column)
                ]
        return x + second, metadata
