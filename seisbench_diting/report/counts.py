"""What is counted of all picks, and the part of them that is shown."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..tables import pick_table

#: Edges of the histograms.
PROBABILITY_EDGES = np.linspace(0, 1, 21)
SNR_EDGES = np.logspace(-1, 4, 41)

_SEED = 0


class PickCounts:
    """
    Counts of any number of picks, and as many of them as may be shown: each as likely as
    any other, and the same each time.

    :param most: Picks to keep
    """

    def __init__(self, most: int):
        self._most = most
        self._rng = np.random.default_rng(_SEED)
        self._kept: list[pd.DataFrame] = []
        self.total = 0
        #: Of each phase.
        self.probability: dict[str, np.ndarray] = {}
        self.snr: dict[str, np.ndarray] = {}
        #: Of each station.
        self.stations: dict[str, int] = {}
        self.first: pd.Timestamp | None = None
        self.last: pd.Timestamp | None = None

    def add(self, picks: pd.DataFrame) -> None:
        """
        :param picks: Table of picks
        """
        if not len(picks):
            return
        self.total += len(picks)
        for phase, of_phase in picks.groupby("phase"):
            for column, edges, counts in (
                ("probability", PROBABILITY_EDGES, self.probability),
                ("snr", SNR_EDGES, self.snr),
            ):
                values = of_phase[column].dropna().clip(edges[0], edges[-1])
                found, _ = np.histogram(values, edges)
                counts[phase] = counts.get(phase, 0) + found
        for station, number in picks["station_id"].value_counts().items():
            self.stations[station] = self.stations.get(station, 0) + int(number)
        times = picks["time"]
        self.first = min(filter(None, (self.first, times.min())))
        self.last = max(filter(None, (self.last, times.max())))
        # Those with the smallest of random numbers, of all that were ever seen.
        self._kept.append(picks.assign(_lot=self._rng.random(len(picks))))
        if sum(map(len, self._kept)) > 2 * self._most:
            self._thin()

    def _thin(self) -> None:
        self._kept = [pd.concat(self._kept).nsmallest(self._most, "_lot")]

    def sample(self) -> pd.DataFrame:
        """:return: The picks that are shown"""
        if not self._kept:
            return pick_table([])
        self._thin()
        return pick_table(self._kept[0].drop(columns="_lot"))
