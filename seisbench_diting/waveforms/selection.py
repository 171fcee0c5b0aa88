"""Find waveform files, and select by station, instrument and time."""

from __future__ import annotations

import fnmatch
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator

from .._util import (
    INSTRUMENT_PREFERENCE,
    USED,
    ArgumentError,
    components_of,
    instrument_order,
    join_spans,
    option,
    split_names,
)

if TYPE_CHECKING:
    import obspy

    from .reading import Problem, Segment

#: Nanoseconds.
SECOND = 1_000_000_000
DAY = 86400 * SECOND

#: Largest jump of a clock. Segments of two instruments are this far apart. Picks this
#: close to a day also belong to it.
TOLERANCE = SECOND // 10

#: Another instrument is used where the preferred one has no samples for at least a minute,
#: about a window of the models.
SHORTEST_FILL = 60 * SECOND

#: Stands for all instruments of a station.
ALL_INSTRUMENTS = ("all",)


def _check_time(value: Any) -> str | None:
    if value is None:
        return None
    import obspy

    try:
        return str(obspy.UTCDateTime(value))
    except (TypeError, ValueError):
        raise ValueError("write 2014-05-01 or 2014-05-01T12:30:00") from None


def _check_instruments(value: Any) -> tuple[str, ...]:
    codes = INSTRUMENT_PREFERENCE if value is None else split_names(value)
    if codes == ALL_INSTRUMENTS:
        return codes
    if not codes or not all(len(code) <= 2 and code.isalnum() for code in codes):
        raise ValueError("write codes of band and instrument, such as HH,BH,EH, or all")
    return tuple(code.upper() for code in codes)


#: Time as text, from text or an object of Python, pandas or ObsPy; or None.
Time = Annotated[str | None, BeforeValidator(_check_time), "TIME"]
#: Codes of band and instrument in order of preference, or :py:data:`ALL_INSTRUMENTS`.
Instruments = Annotated[tuple[str, ...], BeforeValidator(_check_instruments), "CODES"]
#: Patterns of NET.STA or NET.STA.LOC.
StationPatterns = Annotated[tuple[str, ...], BeforeValidator(split_names), "PATTERNS"]


def time_span(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    """
    :param start: First time, a :py:data:`Time`
    :param end: End, exclusive
    :raises ArgumentError: if the end is not after the start
    :return: Both in nanoseconds since 1970
    """
    from obspy import UTCDateTime

    first, last = (None if t is None else UTCDateTime(t).ns for t in (start, end))
    if first is not None and last is not None and first >= last:
        raise ArgumentError("end", end, f"must be after start={start}")
    return first, last


def is_station_of(station: str, patterns: Sequence[str]) -> bool:
    """
    :param station: NET.STA.LOC
    :param patterns: Patterns of NET.STA or NET.STA.LOC
    :return: If one of them matches
    """
    names = (station, station.rpartition(".")[0])
    return any(
        fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns
    )


def choose_segments(
    segments: Iterable[Segment], preference: tuple[str, ...], min_rate: float = 0.0
) -> tuple[dict[str, list[Segment]], list[Problem]]:
    """
    :param segments: Segments of a station
    :param preference: Codes of band and instrument, the preferred first, or
        :py:data:`ALL_INSTRUMENTS`
    :param min_rate: Lowest sampling rate in Hz
    :return: Segments to use, by instrument code if all are wanted; and channels that are
        not used, and why. If instruments record at the same time, the preferred one is
        used, and others where it has no samples.
    """
    segments = list(segments)
    channels: dict[str, set[str]] = defaultdict(set)
    for segment in segments:
        channels[segment.channel[:-1]].add(segment.channel)
    known = {name for group in channels.values() for name in components_of(group)}
    instruments: dict[str, list[Segment]] = defaultdict(list)
    problems = []
    for segment in segments:
        name = f"{segment.station_id}.{segment.channel}"
        if segment.channel not in known:
            problems.append((name, "its component is not known"))
        elif segment.rate < min_rate:
            reason = f"its {segment.rate:g} Hz are too few; {min_rate:g} Hz are needed"
            problems.append((name, reason))
        else:
            instruments[segment.channel[:-1]].append(segment)
    if preference == ALL_INSTRUMENTS:
        return {code: instruments[code] for code in sorted(instruments)}, problems
    chosen: list[Segment] = []
    for code in instrument_order(instruments, preference):
        of_code = instruments[code]
        free = _free_spans(chosen, of_code)
        used = [piece for segment in of_code for piece in _cut(segment, free)]
        if used != of_code:
            before = ", ".join(sorted({s.channel[:-1] for s in chosen}))
            reason = (
                f"{USED}not its {code} where {before} records as well; the option for "
                "instruments changes the order"
            )
            problems.append((of_code[0].station_id, reason))
        chosen += used
    return ({"": chosen} if chosen else {}), problems


def _free_spans(
    chosen: Sequence[Segment], others: Sequence[Segment]
) -> list[tuple[int, int]]:
    """Times of the others without chosen segments, if they are long enough."""
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
    """The pieces of a segment in these times."""
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
    :param segments: Segments
    :param begin: Nanoseconds since 1970
    :param end: The same
    :return: Disjoint times between them in which any segment has samples
    """
    clipped = (
        (max(s.begin, begin), min(s.end + round(SECOND / s.rate), end))
        for s in segments
    )
    return join_spans((first, last) for first, last in clipped if first < last)


#: Endings of lists of files, as the published picker takes them: a file, or
#: ``root,file1,file2,file3``, a line.
LIST_ENDINGS = (".txt", ".lst", ".list", ".csv")

#: Number of lines of a text that are searched for paths.
_SEARCHED_LINES = 100

#: Codes that a name pattern may contain.
CODES = ("network", "station", "location", "channel")

_OTHER_FIELDS = ("year", "julday", "month", "day", "hour", "minute", "second", "any")


def _check_inputs(inputs: str | Path | Iterable[str | Path]) -> tuple[str, ...]:
    names = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    if not names:
        raise ValueError("name a folder, a waveform file, or a list of files")
    absolute = []
    for name in map(str, names):
        path = os.path.abspath(os.path.expanduser(name))
        if not os.path.exists(path):
            reason = (
                "does not exist; name a folder, a waveform file, or a list of files"
            )
            raise ArgumentError("inputs", name, reason)
        absolute.append(path)
    return tuple(absolute)


#: Folders and files as of :py:func:`find_files`, or one of them, with absolute paths.
Inputs = Annotated[tuple[str, ...], BeforeValidator(_check_inputs)]


def find_files(inputs: Iterable[str | Path]) -> Iterator[Path]:
    """
    :param inputs: Folders, which are searched at any depth; waveform files; text files
        with a list of files, one or ``root,file1,file2,file3`` a line
    :return: Absolute paths of files, each once; those of a folder in alphabetical order, or
        the folder itself if it has none. Files of a list may be missing.
    """
    seen: set[str] = set()
    for one in inputs:
        paths = _find(Path(one))
        # Indexing a folder as a file tells the user that nothing is in it.
        for path in chain([next(paths, str(one))], paths):
            absolute = os.path.abspath(path)
            if absolute not in seen:
                seen.add(absolute)
                yield Path(absolute)


def _find(path: Path) -> Iterator[str]:
    if path.is_dir():
        yield from _walk(path)
    elif path.suffix.lower() in LIST_ENDINGS and _is_list(path):
        with path.open(encoding="utf-8-sig") as lines:
            yield from _listed(lines, path.parent)
    else:
        yield str(path)


def _walk(folder: Path) -> Iterator[str]:
    # A link to a parent folder would never end.
    walked: set[tuple[int, int]] = set()
    unreadable: list[OSError] = []
    for root, folders, files in os.walk(
        folder, onerror=unreadable.append, followlinks=True
    ):
        status = os.stat(root)
        if (status.st_dev, status.st_ino) in walked:
            folders.clear()
            continue
        walked.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield os.path.join(root, name)
    # Indexing them as files tells the user that they can't be read.
    yield from (error.filename for error in unreadable)


def _is_list(path: Path) -> bool:
    """Whether a text has paths; some waveform formats are also text."""
    with path.open("rb") as file:
        start = file.read(65536).decode("utf-8-sig", "ignore")
    lines = start.splitlines()[:_SEARCHED_LINES]
    return any(map(os.path.isfile, _listed(lines, path.parent)))


def _listed(lines: Iterable[str], folder: Path) -> Iterator[str]:
    """Paths of lines, relative to the root that a line names, or to the list's folder."""
    for line in lines:
        if line.strip() and not line.startswith("#"):
            root, *names = (field.strip() for field in line.split(","))
            whole, base = (
                os.path.join(folder, os.path.expanduser(x))
                for x in (line.strip(), root)
            )
            # Names may have commas.
            is_one = not names or os.path.isfile(whole)
            yield from (
                [whole] if is_one else (os.path.join(base, n) for n in names if n)
            )


class NamePattern(str):
    """
    A pattern for the end of a path, such as ``{network}.{station}.{location}.{channel}.*``
    or ``{station}/{any}.{channel}.sac``: names in braces stand for codes that headers
    lack, ``*`` and ``{any}`` for anything without a slash.

    :param text: The pattern
    :raises ArgumentError: if it has unknown or repeated names, or neither station nor channel
    """

    def __new__(cls, text: str) -> NamePattern:
        names = re.findall(r"\{(.*?)\}", text)
        codes = [name for name in names if name in CODES]
        if (
            not {"station", "channel"} & set(codes)
            or len(set(codes)) < len(codes)
            or not set(names) <= {*CODES, *_OTHER_FIELDS}
        ):
            raise ArgumentError(
                "name_pattern",
                text,
                "must contain {station} or {channel}, each code once, such as {network}."
                "{station}.{location}.{channel}.*; also possible are "
                f"{', '.join(_OTHER_FIELDS)}",
            )
        return super().__new__(cls, text)

    def complete(self, stream: obspy.Stream, path: Path) -> None:
        """
        Adds codes that headers lack, in place.

        :param stream: Content of the file
        :param path: Its path, which the pattern may not match
        """
        match = _regex(self).search(path.as_posix())
        codes = match.groupdict() if match else {}
        for trace in stream:
            for name, value in codes.items():
                if not trace.stats[name].strip():
                    trace.stats[name] = value


#: Option for a name pattern.
NamePatternOption = Annotated[
    Annotated[NamePattern, BeforeValidator(NamePattern)] | None,
    option(
        None,
        "Pattern of the ends of file names, for files without codes in their headers: "
        "{network}.{station}.{location}.{channel}.*",
        metavar="PATTERN",
    ),
]


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    pieces = []
    for piece in re.split(r"(\{.*?\}|\*)", pattern):
        name = piece.strip("{}")
        if piece.startswith("{") and name in CODES:
            pieces.append(f"(?P<{name}>[^/]*?)")
        elif piece.startswith(("{", "*")):
            pieces.append("[^/]*")
        else:
            pieces.append(re.escape(piece))
    return re.compile(f"(?:^|/){''.join(pieces)}$")
