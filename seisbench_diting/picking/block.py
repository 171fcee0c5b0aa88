"""Picking of one unit: reading, preparing, the network, quality."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import obspy
from seisbench.models import WaveformModel

from ..models import station_id
from .formats import Part, UnreadableError, read_part
from .index import Segment, complete_codes
from .names import NamePattern
from .options import PickOptions
from .plan import TOLERANCE, Unit
from .stream import Piece, pick_waveforms


@dataclass
class UnitResult:
    """
    What came of a unit.

    :param key: Its name
    :param picks: Rows of a pick table, with times in microseconds since 1970
    :param problems: What was not used, and why
    :param seconds: What took how long
    :param failure: Why it could not be picked, or not wholly; it is tried again
    :param counts: What else is counted
    """

    key: str
    picks: list[dict[str, Any]] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    failure: str | None = None
    counts: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class BlockPicker:
    """
    :param model: Picker
    :param options: Options
    :param inventory: If given, amplitudes are in m/s
    :param pattern: What file names say, for headers that lack codes
    :param pictures: Folder for pictures, if there are to be any
    """

    model: WaveformModel
    options: PickOptions
    inventory: obspy.Inventory | None = None
    pattern: NamePattern | None = None
    pictures: Path | None = None

    def __call__(self, unit: Unit) -> UnitResult:
        """
        :param unit: What to pick
        :return: Its picks. Nothing is raised for what is wrong with its data.
        """
        result = UnitResult(unit.key)
        started = time.perf_counter()
        try:
            stream, problems, passing = read_segments_between(
                unit.segments,
                unit.begin - unit.margin,
                unit.end + unit.margin,
                self.pattern,
            )
            result.problems += problems
            result.failure = passing
            read = time.perf_counter()
            result.seconds["reading"] = read - started
            if len(stream):
                self._pick(unit, stream, result)
            rest = time.perf_counter() - read - result.seconds.get("network", 0.0)
            result.seconds["rest"] = rest
        # One station's day must not end the picking of years.
        except Exception as error:
            result.failure = f"{type(error).__name__}: {error}"
        return result

    def _pick(self, unit: Unit, stream: obspy.Stream, result: UnitResult) -> None:
        shown = stream.copy() if self.pictures is not None else None
        picked = pick_waveforms(
            stream,
            self.model,
            self.options,
            self.inventory,
            [piece_of(segment) for segment in unit.segments],
        )
        result.seconds["network"] = picked.network_seconds
        result.problems += [
            (subject or unit.key, reason) for subject, reason in picked.problems
        ]
        # In microseconds; what is beyond belongs to other blocks.
        begin, end = (unit.begin - TOLERANCE) // 1000, (unit.end + TOLERANCE) // 1000
        result.picks = [row for row in picked.rows if begin <= row["time"] < end]
        if shown is not None:
            from .pictures import draw_unit

            draw_unit(self.pictures, unit, shown, result.picks, picked.annotations)


def piece_of(segment: Segment) -> Piece:
    """:return: The samples without gap of its file that a trace belongs to"""
    return Piece(
        segment.part.path,
        segment.station_id,
        segment.channel[-1:],
        segment.stretch,
        segment.end,
    )


def read_segments_between(
    segments: Iterable[Segment], begin: int, end: int, pattern: NamePattern | None
) -> tuple[obspy.Stream, list[tuple[str, str]], str | None]:
    """
    :param segments: What to read
    :param begin: First time that is needed, in nanoseconds since 1970
    :param end: Last time that is needed
    :param pattern: What file names say, for headers that lack codes
    :return: Traces; files that could not be read, or not wholly; and one that can't be
        read now, which may pass
    """
    wanted: dict[Part, list[Segment]] = {}
    for segment in segments:
        wanted.setdefault(segment.part, []).append(segment)
    stream = obspy.Stream()
    problems = []
    passing = None
    for part, of_part in wanted.items():
        try:
            found, wrong = read_part(
                part,
                obspy.UTCDateTime(ns=begin),
                obspy.UTCDateTime(ns=end),
                # Names of the file may not be those of its header.
                station=None if pattern else of_part[0].station_id,
            )
        except UnreadableError as error:
            problems.append((part.path, str(error)))
            continue
        except OSError as error:
            passing = f"{part.path} can't be read now: {error.strerror or error}"
            continue
        problems += [(part.path, reason) for reason in wrong]
        complete_codes(found, Path(part.path), pattern)
        for trace in found:
            stream.traces += _wanted_of(trace, of_part)
    return stream, problems, passing


def _wanted_of(trace: obspy.Trace, segments: Iterable[Segment]) -> list[obspy.Trace]:
    """The trace, or what segments of its channel want of it."""
    name = (station_id(trace), trace.stats.channel)
    of_channel = [s for s in segments if (s.station_id, s.channel) == name]
    if not of_channel or trace.stats.npts == 0:
        return []
    if not any(segment.cut for segment in of_channel):
        return [trace]
    pieces = [
        trace.slice(obspy.UTCDateTime(ns=s.begin), obspy.UTCDateTime(ns=s.end))
        for s in of_channel
    ]
    return [piece for piece in pieces if piece.stats.npts > 0]
