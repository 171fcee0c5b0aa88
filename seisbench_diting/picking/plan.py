"""Which station is picked at which time, from which files."""

from __future__ import annotations

import fnmatch
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import obspy

from ..models.streams import MIN_RATE_SHARE
from .formats import Part
from .index import SECOND, Segment, find_segments, find_stations
from .options import ALL_INSTRUMENTS
from .state import State

#: A block is a day of UTC.
DAY = 86400 * SECOND

#: Picks so near outside of a block are kept as well: clocks that jump by less than a
#: sample give them slightly other times in the next block. One of both is hidden later.
TOLERANCE = SECOND // 10

#: Last letters of channels that models take.
_COMPONENTS = "ZNE123"


@dataclass(frozen=True)
class Unit:
    """
    One station, or one of its instruments, in one block.

    :param key: Name of the unit
    :param station_id: NET.STA.LOC
    :param begin: Begin of the block in nanoseconds since 1970
    :param end: End of the block
    :param margin: Time before and after it whose samples are needed
    :param days: How much of a day its samples cover
    :param fingerprint: Changes with the files
    :param segments: What to read; left out where they may be found again
    """

    key: str
    station_id: str
    begin: int
    end: int
    margin: int
    days: float
    fingerprint: str
    segments: tuple[Segment, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Unit:
        segments = tuple(
            Segment(**{**segment, "part": Part(**segment["part"])})
            for segment in values["segments"]
        )
        return cls(**{**values, "segments": segments})


@dataclass(frozen=True)
class Planner:
    """
    :param instruments: Codes in order of preference, or all
    :param stations: Patterns of NET.STA or NET.STA.LOC; none for all
    :param start: First time to pick, in nanoseconds since 1970
    :param end: Last time to pick
    :param margin: Time around a block whose samples are needed
    :param sampling_rate: Of the model, in Hz
    """

    instruments: tuple[str, ...]
    stations: tuple[str, ...]
    start: int | None
    end: int | None
    margin: int
    sampling_rate: float

    def plan(self, state: State, update: Callable[[int], object]) -> None:
        """
        Writes the plan into the state.

        :param state: State with an index
        :param update: Called with the number of stations done since the last call
        """
        with state.transaction():
            state.execute("DELETE FROM plan")
            state.execute("DELETE FROM problems WHERE unit = ''")
            state.add_problems("", problems_of_files(state))
            for station in find_stations(state):
                if self._is_wanted(station):
                    for unit in self._units(state, station):
                        state.execute(
                            "INSERT INTO plan (key, fingerprint, days, task) "
                            "VALUES (?, ?, ?, ?)",
                            [
                                unit.key,
                                unit.fingerprint,
                                unit.days,
                                f"{unit.station_id}|{unit.begin}|{unit.end}",
                            ],
                        )
                update(1)

    def _is_wanted(self, station: str) -> bool:
        if not self.stations:
            return True
        names = (station, station.rpartition(".")[0])
        return any(
            fnmatch.fnmatchcase(name, pattern)
            for name in names
            for pattern in self.stations
        )

    def _units(self, state: State, station: str) -> Iterator[Unit]:
        first, last = state.execute(
            "SELECT min(begin), max(end) FROM segments WHERE station_id = ?", [station]
        ).fetchone()
        day = first // DAY
        while day * DAY <= last:
            units, problems = self.block(state, station, day)
            state.add_problems("", problems)
            yield from units
            day += 1
            if not units:
                # Years may lie between two files.
                after = state.value(
                    "SELECT min(begin) FROM segments WHERE station_id = ? AND end >= ?",
                    [station, day * DAY],
                )
                if after is None:
                    return
                day = max(day, after // DAY)

    def block(
        self, state: State, station: str, day: int
    ) -> tuple[list[Unit], list[tuple[str, str]]]:
        """
        :param state: State with an index
        :param station: NET.STA.LOC
        :param day: Number of the day since 1970
        :return: Units of this station and day with their segments, and what is not used
        """
        begin, end = day * DAY, (day + 1) * DAY
        begin = max(begin, self.start) if self.start is not None else begin
        end = min(end, self.end) if self.end is not None else end
        if begin >= end:
            return [], []
        segments = find_segments(state, station, begin - self.margin, end + self.margin)
        usable, problems = usable_segments(segments, self.sampling_rate)
        if self.instruments == ALL_INSTRUMENTS:
            groups = [usable[code] for code in sorted(usable)]
        else:
            chosen, passed_over = choose_instruments(usable, self.instruments)
            problems += [(station, reason) for reason in passed_over]
            groups = [chosen] if chosen else []
        units = []
        for group in groups:
            covered = _covered(group, begin, end)
            # The next block picks so far beyond its own limits.
            if covered <= TOLERANCE and covered < end - begin:
                continue
            date = obspy.UTCDateTime(ns=day * DAY).strftime("%Y-%m-%d")
            key = f"{station} {date}"
            if self.instruments == ALL_INSTRUMENTS:
                key += f" {group[0].channel[:-1]}"
            units.append(
                Unit(
                    key,
                    station,
                    begin,
                    end,
                    self.margin,
                    covered / DAY,
                    fingerprint_of(group),
                    tuple(group),
                )
            )
        return units, problems

    def find(self, state: State, key: str, task: str) -> Unit:
        """The unit of a line of the plan."""
        station, begin, _ = task.split("|")
        units, _ = self.block(state, station, int(begin) // DAY)
        return next(unit for unit in units if unit.key == key)


def problems_of_files(state: State) -> list[tuple[str, str]]:
    """:return: Files that could not be read, or not wholly, and why"""
    return list(state.rows("SELECT path, problem FROM files WHERE problem IS NOT NULL"))


def usable_segments(
    segments: Iterable[Segment], sampling_rate: float
) -> tuple[dict[str, list[Segment]], list[tuple[str, str]]]:
    """
    :param segments: Traces of a station
    :param sampling_rate: Of the model, in Hz
    :return: Those that it can take by band and instrument code, and why not the others
    """
    instruments: dict[str, list[Segment]] = defaultdict(list)
    problems = []
    for segment in segments:
        name = f"{segment.station_id}.{segment.channel}"
        if segment.channel[-1] not in _COMPONENTS:
            problems.append((name, "it is no component Z, N, E, 1, 2 or 3"))
        elif segment.rate < MIN_RATE_SHARE * sampling_rate:
            problems.append(
                (
                    name,
                    f"its {segment.rate:g} Hz are too few for a model of "
                    f"{sampling_rate:g} Hz",
                )
            )
        else:
            instruments[segment.channel[:-1]].append(segment)
    return instruments, problems


def choose_instruments(
    instruments: dict[str, list[Segment]], preference: tuple[str, ...]
) -> tuple[list[Segment], list[str]]:
    """
    :param instruments: Traces of a station by band and instrument code
    :param preference: Codes, the preferred first
    :return: Of instruments that record at the same time, the preferred one's traces; and
        why others are passed over
    """

    def rank(code: str) -> tuple[int, str]:
        place = preference.index(code) if code in preference else len(preference)
        return place, code

    chosen: list[Segment] = []
    passed_over = []
    for code in sorted(instruments, key=rank):
        overlapping = {
            other.channel[:-1] for other in _overlapping(chosen, instruments[code])
        }
        if overlapping:
            passed_over.append(
                f"{code} is not used where {', '.join(sorted(overlapping))} records as "
                "well; the option for instruments changes that"
            )
        else:
            chosen += instruments[code]
    return chosen, passed_over


def _overlapping(
    some: Sequence[Segment], others: Sequence[Segment]
) -> Iterator[Segment]:
    if not some or not others:
        return
    begins = np.sort([segment.begin for segment in others])
    ends = np.sort([segment.end for segment in others])
    for segment in some:
        # As many have ended as began before: none of them is under way.
        under_way = np.searchsorted(begins, segment.end) - np.searchsorted(
            ends, segment.begin, side="right"
        )
        if under_way > 0:
            yield segment


def _covered(segments: Iterable[Segment], begin: int, end: int) -> int:
    """Nanoseconds of a time in which any of the segments has samples."""
    total = 0
    reached = begin
    for segment in sorted(segments, key=lambda segment: segment.begin):
        first = max(segment.begin, reached)
        last = min(segment.end + round(SECOND / segment.rate), end)
        if last > first:
            total += last - first
            reached = last
    return total


def fingerprint_of(segments: Iterable[Segment]) -> str:
    """:return: What changes with the files of these traces"""
    digest = hashlib.sha256()
    for segment in segments:
        digest.update(f"{segment}\n".encode())
    return digest.hexdigest()[:32]
