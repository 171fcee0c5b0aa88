"""Where teachers' arrivals lie: in curves of models, and of files of probabilities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..models import peak_indices, suppress_close
from .arrivals import PHASES

#: Two arrivals of one phase closer than this, in seconds, are one.
SEPARATION_SECONDS = 0.5


@dataclass(frozen=True)
class Curve:
    """
    Probability of one phase at one station.

    :param station_id: NET.STA.LOC
    :param phase: "P" or "S"
    :param begin: Time of its first sample in nanoseconds since 1970
    :param rate: Sampling rate in Hz
    :param values: Probabilities, (samples,)
    """

    station_id: str
    phase: str
    begin: int
    rate: float
    values: np.ndarray


@dataclass(frozen=True)
class Seen:
    """
    An arrival that a teacher sees.

    :param station_id: NET.STA.LOC
    :param phase: "P" or "S"
    :param time: Nanoseconds since 1970
    :param probability: Its probability
    """

    station_id: str
    phase: str
    time: int
    probability: float


@dataclass(frozen=True)
class Said:
    """
    What a teacher says of a station.

    :param arrivals: Arrivals that it sees
    :param known: Begins and ends, in nanoseconds since 1970, of the times that it has
        looked at, in order. Of others it says nothing, which is not that nothing is there.
    """

    arrivals: list[Seen]
    known: list[tuple[int, int]]


def seen_in(curve: Curve, least: float) -> list[Seen]:
    """
    :param curve: Curve
    :param least: Smallest probability
    :return: Its maxima, placed between samples by the parabola through three of them
    """
    values = np.asarray(curve.values, dtype=np.float64)
    peaks = peak_indices(values, least)
    keep = suppress_close(peaks, values[peaks], SEPARATION_SECONDS * curve.rate)
    padded = np.pad(values, 1, mode="edge")
    seen = []
    for peak in peaks[keep]:
        before, top, after = padded[peak : peak + 3]
        bend = before - 2 * top + after
        shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
        time = curve.begin + round((peak + float(shift)) / curve.rate * 1e9)
        seen.append(Seen(curve.station_id, curve.phase, time, float(top)))
    return seen


def by_station(
    seen: Iterable[Seen], known: Iterable[tuple[str, int, int]]
) -> dict[str, Said]:
    """
    :param seen: Arrivals of one teacher
    :param known: Station, begin and end of what it has looked at
    :return: What it says of each station. Of arrivals of one phase that are closer than
        :py:data:`SEPARATION_SECONDS`, such as a Pg and a Pn, the surest counts.
    """
    times: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for station, begin, end in sorted(known):
        spans = times[station]
        if spans and begin <= spans[-1][1]:
            begin, end = spans[-1][0], max(end, spans.pop()[1])
        spans.append((begin, end))
    found: dict[tuple[str, str], list[Seen]] = defaultdict(list)
    for one in seen:
        found[one.station_id, one.phase].append(one)
    said = {station: Said([], spans) for station, spans in times.items()}
    for (station, _), arrivals in found.items():
        arrivals.sort(key=lambda one: one.time)
        keep = suppress_close(
            np.array([one.time for one in arrivals]),
            np.array([one.probability for one in arrivals]),
            SEPARATION_SECONDS * 1e9,
        )
        said.setdefault(station, Said([], [])).arrivals.extend(
            one for one, kept in zip(arrivals, keep, strict=True) if kept
        )
    return said


def clipped(said: dict[str, Said], begin: int, end: int) -> dict[str, Said]:
    """
    :param said: What a teacher says of each station
    :param begin: First time in nanoseconds since 1970
    :param end: Last one
    :return: What it says of this time
    """
    return {
        station: Said(
            [seen for seen in one.arrivals if begin <= seen.time <= end],
            [
                (max(first, begin), min(last, end))
                for first, last in one.known
                if first < end and last > begin
            ],
        )
        for station, one in said.items()
    }


def rows_between(
    seen: Iterable[Seen], begin: int, rate: float, n_samples: int
) -> list[tuple[int, float, float]]:
    """
    :param seen: Arrivals at a station
    :param begin: Time of a record's first sample in nanoseconds since 1970
    :param rate: Its sampling rate in Hz
    :param n_samples: Its length
    :return: Phase, sample and probability of those in the record
    """
    rows = []
    for one in seen:
        sample = (one.time - begin) * 1e-9 * rate
        if 0 <= sample < n_samples:
            rows.append((PHASES[one.phase], sample, one.probability))
    return rows
