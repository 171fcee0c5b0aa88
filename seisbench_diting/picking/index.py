"""What is in which file: the headers of all inputs."""

from __future__ import annotations

import itertools
import os
import re
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import obspy

from ..models import station_id
from .formats import Part, UnreadableError, find_format, read_part
from .names import NamePattern
from .state import State

#: Larger MiniSEED files are read in pieces of this size, which any length of records
#: divides.
PIECE_BYTES = 1 << 24

_COMMIT_FILES = 200

#: How a record of MiniSEED begins: its number, its quality, a blank.
_RECORD = re.compile(rb"[0-9 \x00]{6}[DRQM][ \x00]")

#: Nanoseconds.
SECOND = 1_000_000_000


@dataclass(frozen=True)
class Segment:
    """
    A trace of a file.

    :param part: Where it is
    :param station_id: NET.STA.LOC
    :param channel: Channel code
    :param begin: Time of its first sample, in nanoseconds since 1970
    :param end: Time of its last sample
    :param rate: Sampling rate in Hz
    :param stretch: Begin of the samples without gap in this file that it belongs to
    :param version: Changes with the file
    :param cut: If only samples from ``begin`` to ``end`` are used of it
    """

    part: Part
    station_id: str
    channel: str
    begin: int
    end: int
    rate: float
    stretch: int
    version: str = ""
    cut: bool = False


def read_segments(
    path: Path, pattern: NamePattern | None = None
) -> tuple[list[Segment], list[str]]:
    """
    :param path: File
    :param pattern: What its name says, for headers that lack codes
    :raises UnreadableError: if it holds no waveforms
    :raises OSError: if it can't be opened
    :return: Its traces, and what is wrong with it
    """
    name = find_format(path)
    parts = _parts(path, name)
    try:
        segments, problems = _read_parts(parts, path, pattern)
    except UnreadableError:
        if len(parts) == 1:
            raise
        segments, problems = _read_parts([Part(str(path), name)], path, pattern)
    if not segments and not problems:
        raise UnreadableError("it holds no samples")
    return _join_stretches(segments), list(dict.fromkeys(problems))


def _read_parts(
    parts: list[Part], path: Path, pattern: NamePattern | None
) -> tuple[list[Segment], list[str]]:
    segments: list[Segment] = []
    problems: list[str] = []
    for part in parts:
        stream, wrong = read_part(part, headonly=True)
        problems += wrong
        complete_codes(stream, path, pattern)
        for trace in stream:
            reason = _why_unusable(trace)
            if reason is None:
                segments.append(_segment(part, trace))
            else:
                problems.append(reason)
    return segments, problems


def complete_codes(
    stream: obspy.Stream, path: Path, pattern: NamePattern | None
) -> None:
    """Codes without blanks, and those that the file's name gives, in place."""
    for trace in stream:
        for name in ("network", "station", "location", "channel"):
            trace.stats[name] = trace.stats[name].strip()
    if pattern is not None:
        pattern.complete(stream, path)


def _why_unusable(trace: obspy.Trace) -> str | None:
    stats = trace.stats
    if stats.npts == 0 or not stats.sampling_rate > 0:
        return f"{trace.id} holds no samples"
    if not stats.station:
        return "there is no station code in its header; --name-pattern takes it from the name"
    if not stats.channel:
        return (
            f"{stats.station} has no channel code in its header; --name-pattern takes it "
            "from the name"
        )
    return None


def _parts(path: Path, name: str) -> list[Part]:
    """Pieces of a large MiniSEED file, if its records lie on a grid; else the file."""
    size = path.stat().st_size
    whole = Part(str(path), name)
    if name != "MSEED" or size <= 2 * PIECE_BYTES:
        return [whole]
    pieces = []
    with path.open("rb") as file:
        for offset in range(0, size, PIECE_BYTES):
            file.seek(offset)
            if not _RECORD.match(file.read(8)):
                return [whole]
            pieces.append(replace(whole, offset=offset, length=PIECE_BYTES))
    return pieces


def _segment(part: Part, trace: obspy.Trace) -> Segment:
    stats = trace.stats
    return Segment(
        part,
        station_id(trace),
        stats.channel,
        stats.starttime.ns,
        stats.endtime.ns,
        float(stats.sampling_rate),
        stats.starttime.ns,
    )


def _join_stretches(segments: list[Segment]) -> list[Segment]:
    """Pieces of a file are no gaps."""
    channels: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, segment in enumerate(segments):
        channels[segment.station_id, segment.channel].append(i)
    joined = list(segments)
    for places in channels.values():
        places.sort(key=lambda i: segments[i].begin)
        for before, after in itertools.pairwise(places):
            gap = joined[after].begin - joined[before].end
            if 0 <= gap <= 1.5 * SECOND / joined[after].rate:
                joined[after] = replace(joined[after], stretch=joined[before].stretch)
    return joined


def index_files(
    state: State,
    paths: Iterable[Path],
    pattern: NamePattern | None,
    update: Callable[[int], object] = lambda _: None,
) -> None:
    """
    Reads the headers of new and changed files into the state, and forgets what is gone.

    :param state: State of the run
    :param paths: Files
    :param pattern: See :py:func:`read_segments`
    :param update: Called with the number of files done since the last call
    """
    walk = (state.value("SELECT max(walk) FROM files") or 0) + 1
    some: list[Path] = []
    for path in paths:
        some.append(path)
        if len(some) == _COMMIT_FILES:
            _index_some(state, some, pattern, walk, update)
            some = []
    _index_some(state, some, pattern, walk, update)
    with state.transaction():
        gone = "SELECT id FROM files WHERE walk < ?"
        state.execute(f"DELETE FROM segments WHERE file IN ({gone})", [walk])
        state.execute("DELETE FROM files WHERE walk < ?", [walk])


def _index_some(
    state: State,
    paths: list[Path],
    pattern: NamePattern | None,
    walk: int,
    update: Callable[[int], object],
) -> None:
    with state.transaction():
        for path in paths:
            _index_file(state, path, pattern, walk)
            update(1)


def _index_file(
    state: State, path: Path, pattern: NamePattern | None, walk: int
) -> None:
    segments: list[Segment] = []
    problem = None
    size = modified = -1
    # No table could hold a name that is no text.
    name = os.fsencode(path).decode("utf-8", "replace")
    try:
        if name != str(path):
            raise UnreadableError("its name is no UTF-8 text; give it another one")
        if any(ord(letter) < 32 for letter in name):
            raise UnreadableError("its name holds a control character")
        status = os.stat(path)
        size, modified = status.st_size, status.st_mtime_ns
        known = state.execute(
            "SELECT id FROM files WHERE path = ? AND size = ? AND modified = ?",
            [name, size, modified],
        ).fetchone()
        if known:
            state.execute("UPDATE files SET walk = ? WHERE id = ?", [walk, known[0]])
            return
        if stat.S_ISDIR(status.st_mode):
            raise UnreadableError("the folder can't be read, or is one in a list")
        # A pipe would wait for ever.
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError("it is no regular file")
        segments, problems = read_segments(path, pattern)
        problem = "; ".join(problems) or None
    except UnreadableError as error:
        problem = str(error)
    except (OSError, MemoryError) as error:
        problem = f"it can't be read now: {getattr(error, 'strerror', None) or error}"
        # So that it is tried again.
        size = modified = -1
    old = state.value("SELECT id FROM files WHERE path = ?", [name])
    if old is not None:
        state.execute("DELETE FROM segments WHERE file = ?", [old])
    cursor = state.execute(
        "INSERT OR REPLACE INTO files (id, path, size, modified, walk, problem) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        [old, name, size, modified, walk, problem],
    )
    state.execute_many(
        "INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                cursor.lastrowid,
                segment.part.offset,
                segment.part.length,
                segment.part.format,
                segment.station_id,
                segment.channel,
                segment.begin,
                segment.end,
                segment.rate,
                segment.stretch,
            )
            for segment in segments
        ],
    )


_SELECT = (
    "SELECT path, format, position, length, station_id, channel, begin, end, rate, "
    "stretch, size || '-' || modified FROM segments "
    "JOIN files ON files.id = segments.file "
)


def find_segments(state: State, station: str, begin: int, end: int) -> list[Segment]:
    """
    :param state: State with an index
    :param station: NET.STA.LOC
    :param begin: Nanoseconds since 1970
    :param end: Nanoseconds since 1970
    :return: Traces of the station with samples in this time, in order of their begin
    """
    # No index finds what ends late enough, but what lasts longest can't begin earlier.
    longest = state.value(
        "SELECT max(end - begin) FROM segments WHERE station_id = ?", [station]
    )
    rows = state.rows(
        f"{_SELECT} WHERE station_id = ? AND begin BETWEEN ? AND ? AND end >= ? "
        "ORDER BY begin, path, position",
        [station, begin - (longest or 0), end, begin],
    )
    return [_of_row(row) for row in rows]


def segments_below(state: State, folder: Path) -> list[Segment]:
    """
    :param state: State with an index
    :param folder: Folder
    :return: Traces of the files in it, at any depth, in order of their begin
    """
    # The character behind the slash ends all names that begin with the folder's.
    rows = state.rows(
        f"{_SELECT} WHERE path > ? AND path < ? ORDER BY begin, path, position",
        [f"{folder}/", f"{folder}0"],
    )
    return [_of_row(row) for row in rows]


def _of_row(row: tuple) -> Segment:
    path, name, offset, length, station, channel, begin, end, *rest = row
    return Segment(
        Part(path, name, offset, length), station, channel, begin, end, *rest
    )


def find_stations(state: State) -> list[str]:
    """:return: NET.STA.LOC of all traces, sorted"""
    return [
        row[0]
        for row in state.rows(
            "SELECT DISTINCT station_id FROM segments ORDER BY station_id"
        )
    ]
