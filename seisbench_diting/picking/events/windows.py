"""The part of a record around the arrivals of an event."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """
    :param begin: Seconds after the origin time
    :param end: The same
    """

    begin: float
    end: float


@dataclass(frozen=True)
class WindowOptions:
    """
    Defaults of 30 and 40 s hold whatever may be picked as P or S at 1000 km, and are 70 s
    in all, more than a window of the models at 100 Hz.

    :param before: Seconds before the theoretical P
    :param after: Seconds after the theoretical S
    :raises ValueError: if one of these is negative or no number
    """

    before: float = 30.0
    after: float = 40.0

    def __post_init__(self) -> None:
        for name in ("before", "after"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} must be a number of seconds of at "
                    "least 0."
                )

    def around(
        self, p: float, s: float, least: float, record: tuple[float, float]
    ) -> Window | None:
        """
        From ``before`` P until ``after`` S, and longer on both sides if that is shorter
        than ``least``, as far as the record has it. What it lacks on one side is added
        on the other.

        :param p: Seconds from the origin time to P; NaN if there is none
        :param s: The same to S; NaN for a window around P alone
        :param least: Seconds that the model needs
        :param record: Begin and end of the record in seconds after the origin time
        :return: Window inside the record; None if there is no P and no S, or the record
            holds nothing of the window around them
        """
        first = s if math.isnan(p) else p
        last = p if math.isnan(s) else s
        begin, end = first - self.before, last + self.after
        # Also what is neither before nor after: comparisons with NaN are false.
        if not (begin < record[1] and end > record[0]):
            return None
        missing = max(least - (end - begin), 0)
        begin, end = begin - missing / 2, end + missing / 2
        if begin < record[0]:
            begin, end = record[0], max(end, record[0] + least)
        if end > record[1]:
            begin, end = min(begin, record[1] - least), record[1]
        return Window(max(begin, record[0]), end)
