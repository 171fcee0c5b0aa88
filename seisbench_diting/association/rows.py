"""Picks by station and phase, as arrays that compiled functions take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .inputs import Network


@dataclass(frozen=True)
class Rows:
    """
    A row is a station and a phase: row ``2 * station`` has its P picks, the next one its
    S picks.

    :param time: Seconds after the network's reference time, float64, sorted in each row
    :param pick: Their rows in the network's table of picks
    :param start: Where rows begin in these, and where the last one ends
    """

    time: np.ndarray
    pick: np.ndarray
    start: np.ndarray

    @property
    def number(self) -> int:
        """Number of rows."""
        return len(self.start) - 1


def make_rows(network: Network, closest_s: tuple[float, float] = (0.0, 0.0)) -> Rows:
    """
    :param network: Picks and stations
    :param closest_s: Of picks of a row that follow each other more closely only the most
        probable one stays; for P and S, in s
    :return: Picks by station and phase
    """
    row = 2 * network.picks["station"].to_numpy() + network.is_s()
    time = network.seconds()
    order = np.lexsort((time, row))
    if any(closest_s):
        order = _thin(
            order, row, time, network.picks["probability"].to_numpy(), closest_s
        )
    count = np.bincount(row[order], minlength=2 * len(network.stations))
    start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    return Rows(time[order], order.astype(np.int64), start)


def _thin(
    order: np.ndarray,
    row: np.ndarray,
    time: np.ndarray,
    probability: np.ndarray,
    closest_s: tuple[float, float],
) -> np.ndarray:
    """In runs of close picks each one must be more probable than its neighbours."""
    row, time, probability = row[order], time[order], probability[order]
    limit = np.where(row % 2 == 0, *closest_s)
    close = (np.diff(row) == 0) & (np.diff(time) < limit[1:])
    less = probability[1:] > probability[:-1]
    keep = np.ones(len(order), dtype=bool)
    keep[:-1] &= ~(close & less)
    keep[1:] &= ~(close & ~less)
    return order[keep]
