"""Signal-to-noise ratio and amplitude of picks."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import obspy
from scipy import signal

from .._util import band_sections

#: A filter of 1 Hz forgets where it began in less than this.
_LEAD_PERIODS = 15.0

#: Response of an instrument: longer, since the ends of what is cut are tapered.
_RESPONSE_SECONDS = 60.0


def read_responses(path: str | Path) -> obspy.Inventory:
    """
    :param path: StationXML file
    :return: Its inventory
    """
    # In brackets ObsPy sees a pattern.
    return obspy.read_inventory(glob.escape(str(path)))


@dataclass(frozen=True)
class Measure:
    """
    What is measured of a pick: the ratio of the standard deviations after and before it,
    and the largest absolute value around it, of the vertical component in a frequency
    band.

    :param seconds: Length before and after the pick
    :param band: Lowest and highest frequency in Hz
    :param inventory: If given, amplitudes are in m/s
    """

    seconds: float
    band: tuple[float, float]
    inventory: obspy.Inventory | None = None

    def __call__(
        self, vertical: Sequence[obspy.Trace], times: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """
        :param vertical: Vertical component of one station, as recorded
        :param times: Times of picks in nanoseconds since 1970, (picks,), ascending
        :return: SNR and amplitude, each (picks,), NaN where there are no data; and what
            went wrong
        """
        snr = np.full(len(times), np.nan)
        amplitude = np.full(len(times), np.nan)
        problems: list[str] = []
        for trace in vertical:
            stats = trace.stats
            begin, end = stats.starttime.ns, stats.endtime.ns
            inside = np.flatnonzero((times >= begin) & (times <= end))
            if len(inside) == 0:
                continue
            places = np.round((times[inside] - begin) * 1e-9 * stats.sampling_rate)
            found = self._of_trace(trace, places.astype(np.int64), problems)
            snr[inside], amplitude[inside] = found
        return snr, amplitude, list(dict.fromkeys(problems))

    def _of_trace(
        self, trace: obspy.Trace, places: np.ndarray, problems: list[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        rate = trace.stats.sampling_rate
        sections = band_sections(self.band, rate)
        n = max(2, round(self.seconds * rate))
        lead = n + round(_LEAD_PERIODS / self.band[0] * rate)
        tail = n
        if self.inventory is not None:
            lead += round(_RESPONSE_SECONDS * rate)
            tail += round(_RESPONSE_SECONDS * rate)
        snr = np.full(len(places), np.nan)
        amplitude = np.full(len(places), np.nan)
        if sections is None:
            problems.append(
                f"{trace.id} has no SNR and amplitude: {rate:g} Hz are too few for the "
                f"band of {self.band[0]:g} to {self.band[1]:g} Hz"
            )
            return snr, amplitude
        for first, last, members in _groups(places, lead, tail):
            first, last = max(0, first), min(trace.stats.npts, last)
            data = np.asarray(trace.data[first:last], dtype=np.float64)
            filtered = _filter(sections, data)
            ground = filtered
            if self.inventory is not None:
                try:
                    ground = _filter(sections, self._velocity(trace, first, data))
                # Whatever is wrong with the description of an instrument.
                except Exception as error:
                    problems.append(
                        f"{trace.id} has no amplitude: its response can't be removed "
                        f"({error})"
                    )
                    ground = np.full_like(filtered, np.nan)
            for i in members:
                place = places[i] - first
                before = filtered[max(0, place - n) : place]
                after = filtered[place : place + n]
                snr[i] = _ratio(after, before, n)
                amplitude[i] = np.abs(ground[max(0, place - n) : place + n]).max()
        return snr, amplitude

    def _velocity(self, trace: obspy.Trace, first: int, data: np.ndarray) -> np.ndarray:
        piece = obspy.Trace(trace.data, trace.stats.copy())
        # Which sets the number of samples in the header, too.
        piece.data = data.copy()
        piece.stats.starttime = (
            trace.stats.starttime + first / trace.stats.sampling_rate
        )
        piece.remove_response(self.inventory, output="VEL", water_level=60)
        return piece.data


def _filter(sections: np.ndarray, data: np.ndarray) -> np.ndarray:
    # Without its offset, as if it had always been so: no step at the beginning.
    data = data - data[0]
    return signal.sosfilt(sections, data)


def _groups(
    places: np.ndarray, lead: int, tail: int
) -> list[tuple[int, int, list[int]]]:
    """Stretches that hold all of the picks with what is needed around them."""
    groups: list[tuple[int, int, list[int]]] = []
    for i, place in enumerate(places):
        first, last = int(place) - lead, int(place) + tail
        if groups and first <= groups[-1][1]:
            begin, end, members = groups[-1]
            groups[-1] = begin, max(end, last), [*members, i]
        else:
            groups.append((first, last, [i]))
    return groups


def _ratio(after: np.ndarray, before: np.ndarray, n: int) -> float:
    # With less than half of it there is no telling.
    if min(len(after), len(before)) < max(2, n // 2):
        return np.nan
    noise = before.std()
    return float(after.std() / noise) if noise > 0 else np.nan
