"""Which station is picked at which time, from which files."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import obspy

from ..models import MIN_RATE_SHARE, join_spans
from .formats import Part
from .index import SECOND, Segment, find_segments, find_stations
from .options import ALL_INSTRUMENTS, is_station_of
from .state import State

#: A block is a day of UTC.
DAY = 86400 * SECOND

#: Picks so near outside of a block are kept as well: clocks that jump by less than a
#: sample give them slightly other times in the next block. One of both is hidden later.
TOLERANCE = SECOND // 10

#: Another instrument fills in where the preferred one has no samples for a minute, which
#: is about a window of the models.
SHORTEST_FILL = 60 * SECOND

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
    :param segments: What to read
    """

    key: str
    station_id: str
    begin: int
    end: int
    margin: int
    days: float
    fingerprint: str
    segments: tuple[Segment, ...]

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Times with samples, in microseconds since 1970, apart from each other."""
        return [
            ((first - TOLERANCE) // 1000, (last + TOLERANCE) // 1000)
            for first, last in covered_spans(
                self.segments, self.begin - TOLERANCE, self.end + TOLERANCE
            )
        ]

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

    def plan(self, state: State, update: Callable[[int], object]) -> int:
        """
        Writes the plan into the state.

        :param state: State with an index
        :param update: Called with the number of stations done since the last call
        :return: Number of stations that have something to pick
        """
        stations = 0
        with state.transaction():
            state.execute("DELETE FROM plan")
            state.execute("DELETE FROM problems WHERE unit = ''")
            state.add_problems("", problems_of_files(state))
            for station in find_stations(state):
                if self._is_wanted(station):
                    is_planned = False
                    for unit in self._units(state, station):
                        is_planned = True
                        state.execute(
                            "INSERT INTO plan (key, fingerprint, days, task) "
                            "VALUES (?, ?, ?, ?)",
                            [
                                unit.key,
                                unit.fingerprint,
                                unit.days,
                                f"{unit.station_id}|{unit.begin // DAY}",
                            ],
                        )
                    stations += is_planned
                update(1)
        return stations

    def _is_wanted(self, station: str) -> bool:
        return not self.stations or is_station_of(station, self.stations)

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
            covered = sum(b - a for a, b in covered_spans(group, begin, end))
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
        station, day = task.split("|")
        units, _ = self.block(state, station, int(day))
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
    :return: Of instruments that record at the same time, the preferred one's traces, and
        of others what lies where it has no samples; and why the rest is passed over
    """

    def rank(code: str) -> tuple[int, str]:
        place = preference.index(code) if code in preference else len(preference)
        return place, code

    chosen: list[Segment] = []
    passed_over = []
    for code in sorted(instruments, key=rank):
        of_code = instruments[code]
        free = _free_spans(chosen, of_code)
        used = [piece for segment in of_code for piece in _cut(segment, free)]
        if used != of_code:
            passed_over.append(
                f"{code} is not used where {', '.join(sorted({s.channel[:-1] for s in chosen}))} "
                "records as well; the option for instruments changes that"
            )
        chosen += used
    return chosen, passed_over


def _free_spans(
    chosen: Sequence[Segment], others: Sequence[Segment]
) -> list[tuple[int, int]]:
    """Times of the others in which nothing is chosen, if they are long enough."""
    begin = min(segment.begin for segment in others)
    end = max(segment.end for segment in others)
    taken = covered_spans(chosen, begin, end + 1)
    edges = [begin, *(edge for span in taken for edge in span), end + 1]
    return [
        # Components may begin microseconds apart: a little room between instruments.
        (
            first if first == begin else first + TOLERANCE,
            last - 1 if last == end + 1 else last - 1 - TOLERANCE,
        )
        for first, last in zip(edges[::2], edges[1::2], strict=True)
        if last - first >= SHORTEST_FILL or (first == begin and last == end + 1)
    ]


def _cut(segment: Segment, free: Iterable[tuple[int, int]]) -> list[Segment]:
    """What of a segment lies in these times."""
    pieces = []
    for first, last in free:
        if first <= segment.begin and segment.end <= last:
            return [segment]
        begin, end = max(first, segment.begin), min(last, segment.end)
        if begin < end:
            pieces.append(replace(segment, begin=begin, end=end, cut=True))
    return pieces


def covered_spans(
    segments: Iterable[Segment], begin: int, end: int
) -> list[tuple[int, int]]:
    """
    :param segments: Traces
    :param begin: Nanoseconds since 1970
    :param end: The same
    :return: Times in between in which any of them has samples, apart from each other
    """
    clipped = (
        (max(s.begin, begin), min(s.end + round(SECOND / s.rate), end))
        for s in segments
    )
    return join_spans((first, last) for first, last in clipped if first < last)


def fingerprint_of(segments: Iterable[Segment]) -> str:
    """:return: What changes with the files of these traces"""
    digest = hashlib.sha256()
    for segment in segments:
        digest.update(f"{segment}\n".encode())
    return digest.hexdigest()[:32]
