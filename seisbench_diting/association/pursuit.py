"""
What ``real`` and ``lppn`` share: stretches of time, one after the other, in each of which
candidates are improved and the best of them become events.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import tqdm

from .inputs import Network
from .interface import Found, Options, nothing_found
from .rows import Rows, make_rows
from .velocities import TravelTimeTable, is_local

try:
    from .compiling import kernels
except ImportError as error:
    raise ImportError(
        "The methods real and lppn need numba: pip install 'seisbench-diting[associate]'."
    ) from error

#: Stretches are this long, s. Memory is bounded by one of them.
STRETCH_S = 600.0

#: Where so many events were found, 1/s, their stretch is searched again, at most so often.
_MANY_PER_S, _MOST_PASSES = 0.02, 3

#: Earlier passes that may hold events of about the same time.
_RECENT = 2 * _MOST_PASSES

#: Candidates that are closer in time (s) and place (km) are the same event: before they
#: are improved, and after it.
_SAME_BEFORE, _SAME_AFTER = (0.3, 3.0), (0.2, 2.0)

#: Rounds of least squares: from a grid, and when picks were taken away.
_ROUNDS_FIRST, _ROUNDS_AGAIN = 8, 3


#: Residuals with a velocity model that is of a region, and with one that is not; and how
#: many of them a window is long.
_ERRORS_S, _WINDOW = {"p": (0.15, 0.3), "s": (0.25, 0.45)}, 10 / 3


@dataclass(frozen=True)
class PursuitOptions(Options):
    """
    :param p_error_s: Expected residual of P picks, of the velocity model's errors, too; 0
        for 0.15 s where ``velocity`` is a file or constant, and 0.3 s where it is a model
        of the whole Earth
    :param s_error_s: Expected residual of S picks; 0 for 0.25 s or 0.45 s
    :param p_window_s: Largest residual of a P pick; 0 for 10/3 of what is expected
    :param s_window_s: Largest residual of an S pick; the same
    :param min_score: Least score: the logarithm of how much likelier the picks are with
        the event than by chance, at the rate of picks around it
    :param max_spread_s: Largest standard deviation of the residuals
    :param max_gap_deg: Largest azimuthal gap
    :param max_nearest_km: Largest distance to the nearest station
    :param max_distance_km: Stations farther from the epicentre do not count
    :param min_sp_s: S picks less than this after P are not taken for S
    :param event_interval_s: Of events closer in time only the one with the highest score
        stays
    :param threads: Threads; 0 for all processors
    """

    p_error_s: float = 0.0
    s_error_s: float = 0.0
    p_window_s: float = 0.0
    s_window_s: float = 0.0
    min_score: float = 16.0
    max_spread_s: float = 0.5
    max_gap_deg: float = 360.0
    max_nearest_km: float = np.inf
    max_distance_km: float = 200.0
    min_sp_s: float = 0.2
    event_interval_s: float = 0.0
    threads: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        for phase, (local, of_the_earth) in _ERRORS_S.items():
            error, window = f"{phase}_error_s", f"{phase}_window_s"
            if getattr(self, error) == 0:
                value = local if is_local(self.velocity) else of_the_earth
                object.__setattr__(self, error, value)
            if getattr(self, window) == 0:
                value = round(_WINDOW * getattr(self, error), 3)
                object.__setattr__(self, window, value)
        self._must_be_above_0(
            "p_window_s",
            "s_window_s",
            "p_error_s",
            "s_error_s",
            "max_spread_s",
            "max_gap_deg",
            "max_nearest_km",
            "max_distance_km",
        )
        self._must_not_be_negative(
            "min_score", "min_sp_s", "event_interval_s", "threads"
        )


@dataclass(frozen=True)
class Stretch:
    """
    A stretch of time, in seconds after the network's reference time.

    :param begin: Its begin
    :param end: Its end
    """

    begin: float
    end: float


#: Candidates of a stretch: origins (candidates, 4), x, y and depth in km, and time in s;
#: and scores that are at least as different as the candidates are good.
Candidates = tuple[np.ndarray, np.ndarray]


class Pursuit:
    """
    :param network: Picks and stations
    :param travel_times: Travel times
    :param options: Options
    :param grid_km: How far candidates may be from where they belong
    :param grid_errors_s: Residuals of P and S that are expected there
    """

    def __init__(
        self,
        network: Network,
        travel_times: TravelTimeTable,
        options: PursuitOptions,
        grid_km: float,
        grid_errors_s: tuple[float, float],
    ) -> None:
        self.options = options
        self.windows = np.array([options.p_window_s, options.s_window_s])
        self._errors = np.array([options.p_error_s, options.s_error_s])
        # Picks that are closer than their errors are one.
        self.rows: Rows = make_rows(network, (options.p_error_s, options.s_error_s))
        self.stations = np.stack(
            [
                network.stations["x_km"],
                network.stations["y_km"],
                network.stations["elevation_m"] / 1000,
            ],
            axis=1,
        )
        self.table = (
            travel_times.times,
            travel_times.rise,
            travel_times.distance_step_km,
            travel_times.depth_step_km,
        )
        self.longest_s = float(np.nanmax(travel_times.times)) + 5.0
        self.grid_errors = np.maximum(grid_errors_s, self._errors)
        self.claimed = np.zeros(len(self.rows.time), dtype=bool)
        self._grid_km = grid_km
        self.threads = options.threads or os.cpu_count() or 1

    def run(
        self,
        candidates: Callable[[Stretch, ThreadPoolExecutor], Candidates],
        progress: bool,
        before_s: float = 0.0,
    ) -> Found:
        """
        :param candidates: Gives those of a stretch
        :param progress: Show a progress bar
        :param before_s: How long before the first pick an event may be
        :return: Events
        """
        events: list[np.ndarray] = [np.empty((0, 5))]
        picks: list[np.ndarray] = [np.empty((0, 2), dtype=np.int64)]
        with ThreadPoolExecutor(self.threads) as pool:
            for stretch in self._stretches(before_s, progress):
                for _ in range(_MOST_PASSES):
                    origins, scores = candidates(stretch, pool)
                    earlier = np.concatenate([part[:, 3] for part in events[-_RECENT:]])
                    found, chosen = self._select(origins, scores, earlier, pool)
                    events.append(found)
                    picks.append(chosen)
                    # Where events are many they hide others, which show without them.
                    if len(found) < _MANY_PER_S * STRETCH_S:
                        break
        return self._found(events, picks)

    def _stretches(self, before_s: float, progress: bool) -> Iterator[Stretch]:
        """Only those with picks: between two swarms may lie a year."""
        times = np.sort(self.rows.time)
        if len(times) == 0:
            return
        first = times[0] - before_s
        number = np.unique(
            np.concatenate(
                [
                    (times - first) // STRETCH_S,
                    (times - first - self.longest_s).clip(0) // STRETCH_S,
                ]
            )
        )
        for k in tqdm(number, unit="stretch", disable=not progress, delay=1):
            begin = first + k * STRETCH_S
            yield Stretch(begin, begin + STRETCH_S)

    def curves(self, stretch: Stretch) -> tuple[np.ndarray, np.ndarray, float]:
        """
        :param stretch: Stretch of time
        :return: Curves and counts of its picks, with all that its events may have, and
            the time of their first sample; see :py:mod:`.kernels`
        """
        begin = stretch.begin - self.longest_s
        length = stretch.end - stretch.begin + 2 * self.longest_s
        samples = int(length / kernels.STEP_S)
        curves = np.empty((self.rows.number, samples), dtype=np.float32)
        counts = np.empty((self.rows.number, samples + 1), dtype=np.int32)
        kernels.make_curves(
            self.rows.time,
            self.rows.start,
            self.claimed,
            begin,
            self.grid_errors,
            curves,
            counts,
        )
        return curves, counts, begin

    def _select(
        self,
        origins: np.ndarray,
        scores: np.ndarray,
        earlier: np.ndarray,
        pool: ThreadPoolExecutor,
    ) -> tuple[np.ndarray, np.ndarray]:
        options = self.options
        origins, scores = _different(origins, scores, *_SAME_BEFORE)
        common = (
            self.rows.time,
            self.rows.start,
            self.claimed,
            self.stations,
            self.table,
        )
        limits = (options.max_depth_km, options.max_distance_km, options.min_sp_s)
        wide = np.stack([self.grid_errors, self._errors])
        parts = np.array_split(np.arange(len(origins)), 4 * self.threads)

        def improve(part: np.ndarray) -> None:
            kernels.improve_all(
                origins[part[0] : part[-1] + 1],
                scores[part[0] : part[-1] + 1],
                *common,
                wide,
                self.windows,
                2 * self._grid_km,
                *limits,
                _ROUNDS_FIRST,
            )

        list(pool.map(improve, (part for part in parts if len(part))))
        good = scores >= options.min_score
        origins, scores = _different(origins[good], scores[good], *_SAME_AFTER)
        found = np.empty((len(origins), 5))
        chosen = np.empty((len(origins), self.rows.number), dtype=np.int64)
        number = kernels.select(
            origins,
            scores,
            *common,
            np.stack([self._errors, self._errors]),
            self.windows,
            self._grid_km,
            *limits,
            _ROUNDS_AGAIN,
            np.array(
                [
                    options.min_score,
                    options.min_picks,
                    options.min_p_picks,
                    options.min_s_picks,
                    options.min_both,
                    options.max_spread_s,
                    options.max_nearest_km,
                    options.max_gap_deg,
                ],
                dtype=float,
            ),
            options.event_interval_s,
            earlier,
            found,
            chosen,
        )
        return found[:number].copy(), self._pairs(chosen[:number])

    def _pairs(self, chosen: np.ndarray) -> np.ndarray:
        """(picks, 2): event of the stretch, and row of the network's picks."""
        event, row = np.nonzero(chosen >= 0)
        return np.stack([event, self.rows.pick[chosen[event, row]]], axis=1)

    @staticmethod
    def _found(events: list[np.ndarray], picks: list[np.ndarray]) -> Found:
        if not any(len(part) for part in events):
            return nothing_found()
        before = np.cumsum([0] + [len(part) for part in events[:-1]])
        pairs = np.concatenate(
            [
                part + np.array([[start, 0]])
                for part, start in zip(picks, before, strict=True)
            ]
        )
        columns = ["x_km", "y_km", "depth_km", "time_s", "score"]
        return Found(
            pd.DataFrame(np.concatenate(events), columns=columns),
            pd.DataFrame(pairs, columns=["event", "pick"]),
        )


def _different(
    origins: np.ndarray, scores: np.ndarray, seconds: float, km: float
) -> tuple[np.ndarray, np.ndarray]:
    """In order of time, without those that are the same as a better one."""
    order = np.lexsort((origins[:, 2], origins[:, 1], origins[:, 0], origins[:, 3]))
    origins = np.ascontiguousarray(origins[order])
    scores = np.ascontiguousarray(scores[order], dtype=float)
    keep = kernels.first_of_many(origins, scores, seconds, km)
    return origins[keep], scores[keep]
