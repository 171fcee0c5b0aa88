"""Of the picks of a station, those that are an event's P and S."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...tables import EVENT_COLUMNS, pick_table

#: Why picks are not chosen, in the order of the counts.
REASONS = ("wrong_phase", "too_far", "not_best")


@dataclass(frozen=True)
class Fit:
    """
    How well a pick fits a theoretical time. It deviates from it with a width (standard
    deviation) of ``p_width + p_width_per_km * min(distance, max_distance_km)``, for S
    ``s_factor`` times that.

    Half a second is what origin times, depths and positions of local events are wrong
    by; 0.005 s/km are 4 % of the travel time of P, as crusts differ from the model.
    Errors of depth, distance and velocity delay S by its travel time over that of P, the
    square root of 3. Beyond 1000 km rays run in the mantle, which differs less.

    :param p_width: Seconds at the epicentre
    :param p_width_per_km: Seconds more for each km
    :param s_factor: Width of S over that of P
    :param max_distance_km: From here on the width stays
    :param limit: In widths; a pick that deviates more isn't taken
    :param confusion: How many of a network's picks have the name of the other phase. The
        larger it is, the closer to its own time a pick must be that fits the other one.
    :param least_separation: Of the theoretical time between P and S. Closer P and S are
        one arrival.
    :raises ValueError: if a value is impossible
    """

    p_width: float = 0.5
    p_width_per_km: float = 0.005
    s_factor: float = math.sqrt(3)
    max_distance_km: float = 1000.0
    limit: float = 3.0
    confusion: float = 0.1
    least_separation: float = 1 / 3

    def __post_init__(self) -> None:
        for name in ("p_width", "s_factor", "limit"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} must be a number above 0."
                )
        for name in ("p_width_per_km", "max_distance_km"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} must be a number of at least 0."
                )
        for name in ("confusion", "least_separation"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} must be at least 0 and below 1."
                )

    def width(self, phase: str, distance_km: float | np.ndarray) -> float | np.ndarray:
        """
        :param phase: Phase; Pg and Pn count as P
        :param distance_km: Epicentral distance
        :return: Width in seconds
        """
        width = self.p_width + self.p_width_per_km * np.minimum(
            distance_km, self.max_distance_km
        )
        return width if phase[:1] == "P" else width * self.s_factor

    def weight(self, deviation: np.ndarray, width: float) -> np.ndarray:
        """
        :param deviation: Seconds from the theoretical time; NaN where there is none
        :param width: Width
        :return: ``exp(-(deviation / width)**2 / 2)``, 0 beyond the limit
        """
        ratio = np.nan_to_num(np.abs(deviation) / width, nan=np.inf)
        return np.where(ratio <= self.limit, np.exp(-(ratio**2) / 2), 0.0)


@dataclass(frozen=True)
class Arrivals:
    """
    What is expected of an event at a station.

    :param event_id: Event
    :param distance_km: Epicentral distance
    :param azimuth_deg: Azimuth from the event to the station
    :param p_time: Theoretical time of P, UTC; NaT if there is none
    :param s_time: The same of S
    """

    event_id: str
    distance_km: float
    azimuth_deg: float
    p_time: pd.Timestamp
    s_time: pd.Timestamp


def choose_picks(
    picks: pd.DataFrame, arrivals: Arrivals, fit: Fit | None = None
) -> tuple[pd.DataFrame, dict[str, int]]:
    """
    At most one P and one S: the pair, or single pick, whose sum of probability times
    weight is the largest, the weight being :py:meth:`Fit.weight` of the deviation from
    the theoretical time of the first P and S. Pg and Pn count as P, Sg and Sn as S, and
    keep their names.

    A pick has the wrong phase if it fits the other phase so much better than its own
    that this is more likely: ``confusion * weight(other) > weight(own)``. S is at least
    ``least_separation`` of the theoretical time between them later than P.

    :param picks: Picks of one station
    :param arrivals: What is expected there
    :param fit: How deviations count
    :raises ValueError: if there are picks of several stations
    :return: Table with the columns of event picks, and numbers of the other picks:
        those of the ``wrong_phase``, those ``too_far`` from their theoretical time, and
        the ``not_best``
    """
    fit = fit or Fit()
    picks = pick_table(picks.drop(columns=list(EVENT_COLUMNS), errors="ignore"))
    if picks["station_id"].nunique() > 1:
        raise ValueError(
            f"picks holds {picks['station_id'].nunique()} stations, such as "
            f"{picks['station_id'].iloc[0]}; pass those of one."
        )
    is_p = picks["phase"].str.startswith("P").to_numpy(dtype=bool)
    from_p = _seconds(picks["time"], arrivals.p_time)
    from_s = _seconds(picks["time"], arrivals.s_time)
    weight_p = fit.weight(from_p, fit.width("P", arrivals.distance_km))
    weight_s = fit.weight(from_s, fit.width("S", arrivals.distance_km))
    own = np.where(is_p, weight_p, weight_s)
    wrong = fit.confusion * np.where(is_p, weight_s, weight_p) > own
    possible = ~wrong & (own > 0)

    chosen = _best(
        np.flatnonzero(possible & is_p),
        np.flatnonzero(possible & ~is_p),
        own * picks["probability"].to_numpy(),
        _seconds(picks["time"], picks["time"].min()),
        fit.least_separation * _span(arrivals),
    )
    numbers = (wrong.sum(), (~wrong & ~possible).sum(), possible.sum() - len(chosen))
    table = picks.iloc[chosen].assign(
        event_id=arrivals.event_id,
        epicentral_distance_km=arrivals.distance_km,
        azimuth_deg=arrivals.azimuth_deg,
        theoretical_time=[
            arrivals.p_time if is_p[i] else arrivals.s_time for i in chosen
        ],
        residual_s=[float(from_p[i] if is_p[i] else from_s[i]) for i in chosen],
    )
    return pick_table(table), dict(zip(REASONS, map(int, numbers), strict=True))


def _best(
    p: np.ndarray,
    s: np.ndarray,
    scores: np.ndarray,
    seconds: np.ndarray,
    separation: float,
) -> list[int]:
    """The pair of rows, or the single one, of the largest score; the earliest of them."""
    best = max(
        ([int(i)] for i in (*p, *s)), key=lambda rows: scores[rows].sum(), default=[]
    )
    if len(p) and len(s):
        apart = seconds[s][None, :] - seconds[p][:, None]
        sums = scores[p][:, None] + scores[s][None, :]
        sums[(apart <= 0) | (apart < separation)] = -np.inf
        i, j = np.unravel_index(np.argmax(sums), sums.shape)
        if sums[i, j] > -np.inf and sums[i, j] >= scores[best].sum():
            best = [int(p[i]), int(s[j])]
    return best


def _span(arrivals: Arrivals) -> float:
    if pd.isna(arrivals.p_time) or pd.isna(arrivals.s_time):
        return 0.0
    return (arrivals.s_time - arrivals.p_time).total_seconds()


def _seconds(times: pd.Series, since: pd.Timestamp) -> np.ndarray:
    if pd.isna(since):
        return np.full(len(times), np.nan)
    return (times - since).dt.total_seconds().to_numpy(dtype=float)
