"""
Locate events from their picks, with uncertainties: all events at once, in NumPy.

Residuals have a Student distribution, so that an outlier cannot pull an event. The error of a
pick is its own and that of the velocity model, which grows with the travel time; near stations
thus count more. Least squares begin at several depths, and the most probable origin is kept.
The covariance of the origin is scaled by the residuals of the event, together with some that
are as large as expected, as one event has few:

Jordan, T. H., & Sverdrup, K. A. (1981). Teleseismic location techniques and their application
to earthquake clusters in the South-Central Pacific. Bulletin of the Seismological Society of
America, 71(4), 1105-1130. <https://doi.org/10.1785/BSSA0710041105>

Terms of stations follow from the residuals of all events, those near an event counting most:

Richards-Dinger, K. B., & Shearer, P. M. (2000). Earthquake locations in southern California
obtained using source-specific station terms. Journal of Geophysical Research: Solid Earth,
105(B5), 10939-10960. <https://doi.org/10.1029/2000JB900014>
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from scipy.stats import f as fisher

from ..tables import PICK_ERROR_S

if TYPE_CHECKING:
    from .core import Associator

#: Probability of ellipses.
ELLIPSE = 0.68

#: A depth with a larger standard deviation is not resolved, km.
UNSURE_KM = 5.0

#: Degrees of freedom of the Student distribution of residuals.
_STUDENT = 4.0

#: Factor by which the covariance that follows from the weights is too small for it.
_LESS = (_STUDENT + 3) / (_STUDENT + 1)

#: Share of the travel time by which the model is wrong, and limits of this error, s.
_MODEL_SHARE, _MODEL_S = 0.02, (0.02, 2.0)

#: Number of expected residuals that count beside those of the event.
_PRIOR = 8.0

#: Events whose residuals set the scale of errors, and rounds of this.
_CALIBRATED, _ROUNDS_OF_SCALE = 300, 3

#: Depths at which least squares begin, km.
_DEPTHS_KM = np.array([2.0, 6.0, 12.0, 20.0, 35.0, 60.0, 100.0, 200.0, 400.0])

#: Most rounds of least squares, and the step that ends them, km or s.
_ROUNDS, _ENOUGH = 40, 0.005

#: Expected distance from the first origin, km, so that events with few picks have a solution.
_PRIOR_KM = 300.0

#: Cost of a pick beyond the travel-time table.
_FAR = 20.0

#: A pick fits up to this many standard deviations, and this residual, s.
_FITS, _FITS_S = 3.5, 3.0

#: A pick at one of so many nearest stations almost fits up to this residual of P, and of S, s.
_NEAREST, _ALMOST_S = 4, (2.0, 3.0)

#: Picks that almost fit this long before and after an event do so by chance, s.
_APART_S = 20.0

#: Number of events that are located at once, and of arrivals that are predicted.
_EVENTS_AT_ONCE, _AT_ONCE = 2_000, 1_000_000

#: Events that share a station's term, within these distances, km: in the first round all do.
_SHARED_KM = (np.inf, np.inf, np.inf, 20.0, 10.0, 5.0)

#: A term of this many residuals is half of their mean.
_TERM_PRIOR = 5.0


class Origins(NamedTuple):
    """
    Located events and their picks.

    :param place: (events, 4) x, y and depth in km, and time in s
    :param covariance: (events, 4, 4), scaled by the residuals
    :param scale: (events,) Factor of the variance that follows from the residuals
    :param freedom: (events,) Degrees of freedom of this scale
    :param event: Row of the event, for each pick of an event
    :param pick: Row of the pick
    :param weight: Its weight, from 0 to 1; of an outlier it is almost 0, and beyond the
        travel-time table 0
    :param residual_s: Its residual
    """

    place: np.ndarray
    covariance: np.ndarray
    scale: np.ndarray
    freedom: np.ndarray
    event: np.ndarray
    pick: np.ndarray
    weight: np.ndarray
    residual_s: np.ndarray


class _Fit(NamedTuple):
    """Normal equations of events at some origins, and residuals of their picks."""

    cost: np.ndarray
    normal: np.ndarray
    right: np.ndarray
    residual: np.ndarray
    variance: np.ndarray
    weight: np.ndarray


class Locator:
    """
    Locates events.

    :param associator: What found them, with its network, travel times and largest depth
    """

    def __init__(self, associator: Associator) -> None:
        network = associator.network
        self.row, self.seconds = network.row, network.seconds
        self.xy, self.elevation_km = network.xy, network.elevation_km
        self.travel_times = associator.travel_times
        self.max_depth_km = associator.settings.max_depth_km
        known = network.picks["time_uncertainty_s"].to_numpy()
        usual = np.where(network.is_s, PICK_ERROR_S["S"], PICK_ERROR_S["P"])
        #: Expected errors of picks, s, and what they are multiplied by.
        self.error_s, self.error_scale = np.where(known > 0, known, usual), 1.0

    def calibrate(self, first: np.ndarray, event: np.ndarray, pick: np.ndarray) -> None:
        """
        Adapts the expected errors of all picks to the residuals of some events.

        :param first: (events, 4) Origins to begin with
        :param event: Rows of the events that picks belong to
        :param pick: Rows of these picks
        """
        some = event < _CALIBRATED
        first, event, pick = first[:_CALIBRATED], event[some], pick[some]
        for _ in range(_ROUNDS_OF_SCALE):
            origins = self.locate(first, event, pick)
            freedom = origins.freedom.sum() - _PRIOR * len(first)
            misfit = (origins.scale / _LESS * origins.freedom - _PRIOR).sum()
            self.error_scale *= ((_PRIOR + misfit) / (_PRIOR + freedom)) ** 0.5

    def locate(self, first: np.ndarray, event: np.ndarray, pick: np.ndarray) -> Origins:
        """
        :param first: (events, 4) Origins to begin with
        :param event: Rows of the events that picks belong to
        :param pick: Rows of these picks
        :return: Located events
        """
        order = np.argsort(event, kind="stable")
        event, pick = event[order], pick[order]
        blocks = [
            self._locate(first, event, pick, begin)
            for begin in range(0, max(len(first), 1), _EVENTS_AT_ONCE)
        ]
        return Origins(*map(np.concatenate, zip(*blocks, strict=True)))

    def _locate(
        self, first: np.ndarray, event: np.ndarray, pick: np.ndarray, begin: int
    ) -> Origins:
        """:return: Events from begin on, as many as are located at once"""
        first = first[begin : begin + _EVENTS_AT_ONCE]
        part = slice(*np.searchsorted(event, (begin, begin + len(first))))
        event, pick = event[part] - begin, pick[part]
        depths = _DEPTHS_KM[self.max_depth_km > _DEPTHS_KM]
        number, many = len(first), len(depths) + 1
        # Each depth makes an event of its own.
        start = np.repeat(first, many, axis=0)
        start[:, 2].reshape(number, many)[:, 1:] = depths
        each = (event[:, None] * many + np.arange(many)).ravel()
        places, cost = self._descend(start, each, np.repeat(pick, many))
        best = cost.reshape(number, many).argmin(axis=1) + np.arange(number) * many
        fit = self._fit(places[best], first, event, pick)
        squares = fit.residual**2 / fit.variance
        misfit = np.bincount(event, _weight(squares) * squares, number)
        freedom = _PRIOR + np.maximum(np.bincount(event, minlength=number) - 4, 0)
        scale = _LESS * (_PRIOR + misfit) / freedom
        covariance = np.linalg.inv(fit.normal) * scale[:, None, None]
        weight = fit.weight * _STUDENT / (_STUDENT + 1)
        of_events = places[best], covariance, scale, freedom
        return Origins(*of_events, event + begin, pick, weight, fit.residual)

    def add_picks(self, origins: Origins) -> Origins:
        """
        Adds picks of no event that fit an event, not farther away than those that it has,
        and locates these events again.

        :param origins: Located events
        :return: The same with these picks
        """
        event, pick, _ = self._fitting(origins)
        # The others stay where they are.
        changed = np.unique(event)
        own = np.isin(origins.event, changed)
        event = np.concatenate([origins.event[own], event])
        pick = np.concatenate([origins.pick[own], pick])
        found = self.locate(
            origins.place[changed], np.searchsorted(changed, event), pick
        )
        found = found._replace(event=changed[found.event])
        for old, new in zip(origins[:4], found[:4], strict=True):
            old[changed] = new
        of_picks = zip(origins[4:], found[4:], strict=True)
        parts = (np.concatenate([old[~own], new]) for old, new in of_picks)
        return Origins(*origins[:4], *parts)

    def errors(self, origins: Origins) -> pd.DataFrame:
        """:return: One row an event: standard deviations, ellipse, and ``depth_flag``"""
        covariance, depth = origins.covariance, origins.place[:, 2]
        deviation = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
        values, vectors = np.linalg.eigh(covariance[:, :2, :2])
        factor = np.sqrt(2 * fisher.ppf(ELLIPSE, 2, origins.freedom))
        least, most = np.sqrt(values).T * factor
        azimuth = np.degrees(np.arctan2(vectors[:, 0, 1], vectors[:, 1, 1])) % 180
        flags = {
            "bound": (depth <= 0) | (depth >= self.max_depth_km),
            "unresolved": deviation[:, 2] > UNSURE_KM,
        }
        return pd.DataFrame(
            {
                "latitude_error_km": deviation[:, 1],
                "longitude_error_km": deviation[:, 0],
                "depth_error_km": deviation[:, 2],
                "time_error_s": deviation[:, 3],
                "max_horizontal_error_km": most,
                "min_horizontal_error_km": least,
                "max_error_azimuth_deg": azimuth,
                "depth_flag": np.select([*flags.values()], [*flags], ""),
            }
        )

    def left_near(self, origins: Origins) -> tuple[tuple[np.ndarray, ...], float]:
        """
        Finds picks of no event at the nearest stations of an event that almost fit it: they
        would fit another depth.

        :param origins: Located events
        :return: Rows of events, rows of these picks, and their residuals; and how many there
            would be by chance: as many as some time before and after
        """
        chance = 0.0
        for shift in (-_APART_S, _APART_S):
            moved = origins._replace(place=np.add(origins.place, [0, 0, 0, shift]))
            chance += len(self._fitting(moved, _NEAREST)[0]) / 2
        return self._fitting(origins, _NEAREST), chance

    def _fitting(
        self, origins: Origins, nearest: int | None = None
    ) -> tuple[np.ndarray, ...]:
        """
        :param nearest: Look for picks that almost fit, at so many of the nearest stations
        :return: Rows of events, those of the picks that fit them, and their residuals
        """
        picks = pd.DataFrame({"row": self.row, "seconds": self.seconds})
        picks = picks.rename_axis("pick").drop(origins.pick).reset_index()
        picks = picks.sort_values("seconds")
        number = len(origins.place)
        has = np.zeros((number, 2 * len(self.elevation_km)), dtype=bool)
        has[origins.event, self.row[origins.pick]] = True
        found = []
        # For each of the arrivals that an event may have, the nearest pick.
        for events in np.array_split(np.arange(number), 1 + has.size // _AT_ONCE):
            places, taken = origins.place[events], has[events]
            km = np.hypot(*(places[:, :2].T[:, :, None] - self.xy[:, None]))
            own = np.where(taken[:, ::2] | taken[:, 1::2], km, np.nan)
            reach = np.nanmax(np.sort(own)[:, :nearest], axis=1)[:, None]
            of, row = np.nonzero(np.repeat(km <= reach, 2, axis=1) & ~taken)
            of = events[of]
            time, slopes, model = self._expect(origins.place, of, row)
            unsure = np.einsum("ip,pij,jp->p", slopes, origins.covariance[of], slopes)
            columns = {"event": of, "row": row, "time": time, "model": model}
            arrivals = pd.DataFrame(columns | {"unsure": unsure}).dropna()
            near = pd.merge_asof(
                arrivals.sort_values("time"),
                picks,
                left_on="time",
                right_on="seconds",
                by="row",
                direction="nearest",
            ).dropna()
            near["pick"] = near["pick"].astype(int)
            near["residual"] = near["seconds"] - near["time"]
            variance = self.error_s[near["pick"]] ** 2 + near["model"] ** 2
            variance *= origins.scale[near["event"]] * self.error_scale**2
            misfit = near["residual"].abs()
            near["quality"] = misfit / np.sqrt(variance + near["unsure"])
            if nearest:
                fits = misfit < np.array(_ALMOST_S)[near["row"] % 2]
            else:
                fits = (misfit < _FITS_S) & (near["quality"] < _FITS)
            found.append(near[fits])
        best = pd.concat(found).sort_values("quality")
        best = best.drop_duplicates("pick").drop_duplicates(["event", "row"])
        return tuple(best[x].to_numpy() for x in ("event", "pick", "residual"))

    def estimate_terms(self, origins: Origins) -> tuple[Origins, np.ndarray]:
        """
        Locates events with terms of the stations, for P and for S: the mean residuals of
        all events, and then of those near each event.

        :param origins: Located events
        :return: Events, whose residuals are without the terms, and the terms of all events
            together, one a station and phase
        """
        event, pick = origins.event, origins.pick
        row = self.row[pick]
        static = np.zeros(2 * len(self.elevation_km))
        for radius in _SHARED_KM:
            total = np.zeros(len(pick))
            for here in (np.flatnonzero(row == k) for k in np.unique(row)):
                weight, places = origins.weight[here], origins.place[event[here], :3]
                if np.isinf(radius):
                    mean = (weight * origins.residual_s[here]).sum()
                    total[here] = mean / (weight.sum() + _TERM_PRIOR)
                    static[row[here[0]]] += total[here[0]]
                    continue
                near = cKDTree(places).sparse_distance_matrix(
                    cKDTree(places), radius, output_type="ndarray"
                )
                sums = (
                    np.bincount(near["i"], values[near["j"]], len(here))
                    for values in (weight * origins.residual_s[here], weight)
                )
                total[here] = next(sums) / (next(sums) + _TERM_PRIOR)
            self.seconds = self.seconds.copy()
            self.seconds[pick] -= total
            origins = self.locate(origins.place, event, pick)
        return origins, static

    def _expect(
        self, places: np.ndarray, event: np.ndarray, row: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """
        :param places: Origins
        :param event: Rows of events
        :param row: Rows of stations and phases
        :return: Arrival times, NaN beyond the table; their derivatives by the origin,
            (4, arrivals); and errors of the model
        """
        *epicentre, depth, time = places[event].T
        east, north = epicentre - self.xy[:, row // 2]
        distance = np.maximum(np.hypot(east, north), 1e-3)
        travel, outward, down = self.travel_times.with_slopes(
            row % 2, distance, depth, self.elevation_km[row // 2]
        )
        flat = outward / distance
        slopes = np.stack([flat * east, flat * north, down, np.ones_like(down)])
        model = np.clip(_MODEL_SHARE * travel, *_MODEL_S)
        return time + travel, slopes, model

    def _fit(
        self, places: np.ndarray, first: np.ndarray, event: np.ndarray, pick: np.ndarray
    ) -> _Fit:
        expected, slopes, model = self._expect(places, event, self.row[pick])
        # A pick beyond the table adds a constant cost, and does not move the event.
        far = np.isnan(expected)
        residual = np.where(far, 0.0, self.seconds[pick] - expected)
        variance = self.error_s[pick] ** 2 + np.where(far, 0.0, model) ** 2
        variance *= self.error_scale**2
        squares = residual**2 / variance
        cost = (_STUDENT + 1) * np.log1p(squares / _STUDENT) + np.log(variance)
        weight = np.where(far, 0.0, _weight(squares))
        number, moved = len(places), (places - first)[:, :2]
        away = (moved**2).sum(axis=1) / _PRIOR_KM**2
        total = away + np.bincount(event, np.where(far, _FAR, cost), number)
        normal, right = np.empty((number, 4, 4)), np.empty((number, 4))
        for i in range(4):
            part = weight / variance * slopes[i]
            right[:, i] = np.bincount(event, part * residual, number)
            for j in range(i + 1):
                normal[:, i, j] = np.bincount(event, part * slopes[j], number)
                normal[:, j, i] = normal[:, i, j]
        right[:, :2] -= moved / _PRIOR_KM**2
        normal[:, range(4), range(4)] += 1 / _PRIOR_KM**2
        return _Fit(total, normal, right, residual, variance, weight)

    def _descend(
        self, first: np.ndarray, event: np.ndarray, pick: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """:return: Origins after damped least squares from these, and their costs"""
        places, best = first.copy(), np.full(len(first), np.inf)
        normal, right = np.zeros((len(first), 4, 4)), np.zeros((len(first), 4))
        damping, step = np.full(len(first), 0.01), np.zeros_like(first)
        active = np.arange(len(first))
        for _ in range(_ROUNDS):
            trial = places[active] + step[active]
            trial[:, 2] = trial[:, 2].clip(0, self.max_depth_km)
            fit = self._fit(trial, first[active], event, pick)
            better = fit.cost < best[active]
            moved = active[better]
            places[moved], best[moved] = trial[better], fit.cost[better]
            normal[moved], right[moved] = fit.normal[better], fit.right[better]
            damping[active] *= np.where(better, 0.2, 8.0)
            step[active] = self._step(
                places[active], normal[active], right[active], damping[active]
            )
            goes_on = np.abs(step[active]).max(axis=1) > _ENOUGH
            if not goes_on.any():
                break
            # The picks of those that go on, by their new rows.
            new_row = np.where(goes_on, np.cumsum(goes_on) - 1, -1)[event]
            event, pick = new_row[new_row >= 0], pick[new_row >= 0]
            active = active[goes_on]
        return places, best

    def _step(
        self,
        places: np.ndarray,
        normal: np.ndarray,
        right: np.ndarray,
        damping: np.ndarray,
    ) -> np.ndarray:
        depth, down = places[:, 2], right[:, 2]
        # A depth that is pulled beyond a limit stays there.
        fixed = (depth <= 0) & (down < 0) | (depth >= self.max_depth_km) & (down > 0)
        normal, right = normal.copy(), right.copy()
        normal[fixed, 2, :] = normal[fixed, :, 2] = 0.0
        normal[fixed, 2, 2], right[fixed, 2] = 1.0, 0.0
        normal[:, range(4), range(4)] *= 1 + damping[:, None]
        return np.linalg.solve(normal, right[..., None])[..., 0]


def _weight(squares: np.ndarray) -> np.ndarray:
    """:return: Weights of least squares that lead to a Student distribution's maximum"""
    return (_STUDENT + 1) / (_STUDENT + squares)
