"""What every associator is: a function of two tables, with options."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from .inputs import Network
from .velocities import TravelTimeTable, make_travel_times


@dataclass(frozen=True)
class Options:
    """
    What all methods share.

    :param velocity: Velocity model: ``P/S`` in km/s, such as ``6.2/3.5``; a model of
        ObsPy's; a ``.nd`` or ``.tvel`` file; or REAL's table of travel times (``.txt``)
    :param max_depth_km: Depth that events are searched to, from sea level
    :param min_picks: Least picks of an event
    :param min_p_picks: Least P picks
    :param min_s_picks: Least S picks
    :param min_both: Least stations with P and S
    :raises ValueError: if a value is impossible
    """

    velocity: str = "iasp91"
    max_depth_km: float = 30.0
    min_picks: int = 8
    min_p_picks: int = 3
    min_s_picks: int = 2
    min_both: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.max_depth_km <= 700:
            raise ValueError(
                f"max_depth_km={self.max_depth_km} must be above 0, and 700 at most."
            )
        self._must_not_be_negative(
            "min_picks", "min_p_picks", "min_s_picks", "min_both"
        )

    def _must_be_above_0(self, *names: str) -> None:
        for name in names:
            if not (value := getattr(self, name)) > 0:
                raise ValueError(f"{name}={value} must be above 0.")

    def _must_not_be_negative(self, *names: str) -> None:
        for name in names:
            if not (value := getattr(self, name)) >= 0:
                raise ValueError(f"{name}={value} must not be negative.")


@dataclass(frozen=True)
class Found:
    """
    What an associator found, in the coordinates of a :py:class:`Network`.

    :param events: One row an event: ``time_s`` after the network's reference time,
        ``x_km``, ``y_km``, ``depth_km``, and ``score`` where the method has one
    :param picks: One row a pick that was used: ``event``, the row of its event, and
        ``pick``, the row of the network's picks
    """

    events: pd.DataFrame
    picks: pd.DataFrame


def nothing_found() -> Found:
    """:return: No events"""
    columns = ("time_s", "x_km", "y_km", "depth_km", "score")
    return Found(
        pd.DataFrame({name: np.zeros(0) for name in columns}),
        pd.DataFrame({"event": np.zeros(0, int), "pick": np.zeros(0, int)}),
    )


class Associator(ABC):
    """
    Base of all associators. Each has its options as a frozen dataclass with units in the
    names, which are checked when they are made.

    :param network: Picks and stations
    :param options: Options of the method
    """

    #: The method's dataclass of options.
    options_type: ClassVar[type[Options]] = Options

    def __init__(self, network: Network, options: Any) -> None:
        self.network = network
        self.options = options

    #: How far outside the network events are searched, km.
    margin_km: float = 50.0

    @cached_property
    def travel_times(self) -> TravelTimeTable:
        """For all distances from stations to events that are searched."""
        reach = self.network.diameter_km + 2 * self.margin_km
        return make_travel_times(
            self.options.velocity, reach, self.options.max_depth_km
        )

    @abstractmethod
    def find(self, progress: bool = False) -> Found:
        """
        :param progress: Show a progress bar
        :return: Events, and the picks that belong to them; each pick to one at most
        """


@dataclass(frozen=True)
class Association:
    """
    Events and the picks that belong to them.

    :param events: Event table with columns of quality
    :param picks: Pick table with columns of event picks
    :param not_used: Picks that could not be used, with ``reason``
    :param summary: Numbers of the run: picks given, used, left out and why, events,
        seconds
    """

    events: pd.DataFrame
    picks: pd.DataFrame
    not_used: pd.DataFrame
    summary: dict[str, Any] = field(default_factory=dict)
