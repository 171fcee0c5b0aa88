"""Read waveform files in all formats of ObsPy except pickles, and prepare streams."""

from __future__ import annotations

import bz2
import glob
import gzip
import io
import itertools
import math
import re
import tarfile
import threading
import warnings
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, NamedTuple

import obspy

# ObsPy has no public way to ask for the format of a file without reading it.
from obspy.core.util.base import ENTRY_POINTS, buffered_load_entry_point

from .._util import USED, ArgumentError, for_each_rate, quoted, seed_channel, station_id
from .miniseed import RECORD, Records
from .selection import CODES, LIST_ENDINGS, SECOND, NamePattern

#: Larger MiniSEED files are read in pieces of this size, which any length of records
#: divides.
PIECE_BYTES = 1 << 24

#: Formats whose files may contain code that runs when they are read.
_UNSAFE = ("PICKLE",)

#: First bytes of compressed files and of archives.
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"PK\3\4")

#: Stands for the format of these; the files inside may be of several.
PACKED = "packed"

#: Options of readers: Fairfield's components 2, 3 and 4 are Z, N and E.
_OPTIONS: dict[str, dict[str, Any]] = {"RG16": {"contacts_north": True}}

#: SAC's reference time, which is undefined in files without one.
_SAC_TIME = ("nzyear", "nzjday", "nzhour", "nzmin", "nzsec", "nzmsec")

#: Codes without a meaning in ObsPy's patterns.
_PLAIN = re.compile(r"[A-Za-z0-9.-]*")

#: Why a trace is not used.
_NO_TIME = "there is no time in its header"

#: Damaged headers have times before this.
_EARLIEST = obspy.UTCDateTime(1900, 1, 1)

#: Python collects warnings for the whole process, not for a thread.
_warnings_lock = threading.RLock()

#: A subject, such as a file or a channel, and a reason.
Problem = tuple[str, str]


class UnreadableError(ValueError):
    """A file has no waveforms that can be read."""


@dataclass(frozen=True)
class Part:
    """
    A file, or a piece of a large one that can be read by itself.

    :param path: File
    :param format: ObsPy's name of its format
    :param offset: First byte
    :param length: Number of bytes, 0 for all
    """

    path: str
    format: str
    offset: int = 0
    length: int = 0


@dataclass(frozen=True)
class Segment:
    """
    A stretch of samples of one channel in a file. Times are in nanoseconds since 1970.

    :param part: Where it is
    :param station_id: NET.STA.LOC
    :param channel: Channel code
    :param begin: Time of its first sample
    :param end: Time of its last sample
    :param rate: Sampling rate in Hz
    :param stretch: Start of the stretch without gaps in this file that it belongs to
    :param version: Changes with the file
    :param cut: If only samples from ``begin`` to ``end`` are used
    :param row: Its row in the index
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
    row: int = field(default=0, repr=False, compare=False)


class Reading(NamedTuple):
    """
    :param stream: Traces
    :param problems: Files that could not be read, or only partly
    :param failure: A file that can't be read now, but perhaps later; None if all can
    """

    stream: obspy.Stream
    problems: list[Problem]
    failure: str | None


def find_format(path: Path) -> str:
    """
    :param path: File
    :raises UnreadableError: if it is empty, or in none of ObsPy's formats
    :raises OSError: if it can't be opened
    :return: ObsPy's name of its format
    """
    with path.open("rb") as file:
        start = file.read(1 << 14)
    if not start:
        raise UnreadableError("it is empty")
    if start.startswith(_COMPRESSED) or start[257:262] == b"ustar":
        return PACKED
    for name in ENTRY_POINTS["waveform"]:
        if name not in _UNSAFE and _is_format(name, path):
            return name
    # A disk may lose the first block of a file. To Python, zeros are an empty tar file.
    if start[:8] == bytes(8) and RECORD.search(start):
        return "MSEED"
    if tarfile.is_tarfile(path) or zipfile.is_zipfile(path):
        return PACKED
    reason = "it is in none of the waveform formats that ObsPy reads"
    if path.suffix.lower() in LIST_ENDINGS:
        reason += ", nor a list of files that exist"
    raise UnreadableError(reason)


def _is_format(name: str, path: Path) -> bool:
    entry = ENTRY_POINTS["waveform"][name]
    group = f"obspy.plugin.waveform.{name}"
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check = buffered_load_entry_point(entry.dist.name, group, "isFormat")
            return bool(check(str(path)))
        # The checks of some formats raise errors of any kind for other files.
        except Exception as error:
            _raise_if_passing(error, str(path))
            return False


def read_part(
    part: Part, pattern: NamePattern | None = None, **options: Any
) -> tuple[obspy.Stream, list[str]]:
    """
    :param part: What to read
    :param pattern: Gives codes that headers lack
    :param options: Of :py:func:`obspy.read`
    :raises UnreadableError: if it can't be read
    :raises OSError: if it can't be read now, but perhaps later
    :return: Traces, with the codes of :py:func:`complete_codes`, and what is wrong with
        the file
    """
    stream, problems = _read_whole(part, options)
    return stream, problems + complete_codes(stream, part.path, pattern)


def _read_inside(part: Part, options: dict[str, Any]) -> tuple[obspy.Stream, list[str]]:
    """Content of a compressed file, or of all files in an archive."""
    stream, problems = obspy.Stream(), list[str]()
    try:
        for name, unpack in _members(Path(part.path)):
            with NamedTemporaryFile(suffix=Path(name).suffix) as file:
                try:
                    file.write(unpack())
                    file.flush()
                    inner = Part(file.name, find_format(Path(file.name)))
                    found, wrong = _read_whole(inner, options)
                except UnreadableError as error:
                    found, wrong = obspy.Stream(), [str(error)]
                # Unpacking raises errors of many kinds.
                except Exception as error:
                    found, wrong = obspy.Stream(), [_why_packed(error, part.path)]
            stream += found
            where = f" ({name} in it)" if name else ""
            problems += [reason + where for reason in wrong]
    # The list of members can be damaged as well, in many ways.
    except Exception as error:
        problems.append(_why_packed(error, part.path))
    if not len(stream) and problems:
        raise UnreadableError("; ".join(dict.fromkeys(problems)))
    return stream, problems


def _why_packed(error: Exception, path: str) -> str:
    _raise_if_passing(error, path)
    return f"it can't be unpacked: {_on_one_line(error)}"


def _members(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """
    Names of the files in an archive, and what gives their contents; a compressed file has
    no name.
    """
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as tar:
            for member in tar:
                if not member.isdir():
                    yield member.name, partial(_content, tar, member)
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            for info in file.infolist():
                if not info.is_dir():
                    yield info.filename, partial(file.read, info)
    else:
        with path.open("rb") as file:
            module = bz2 if file.read(3) == _COMPRESSED[1] else gzip
        with module.open(path) as packed:
            yield "", packed.read


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if not member.isfile():
        raise ValueError("it is a link or a device, which is not followed")
    return tar.extractfile(member).read()  # type: ignore


def _read_whole(part: Part, options: dict[str, Any]) -> tuple[obspy.Stream, list[str]]:
    if part.format == PACKED:
        return _read_inside(part, options)
    if part.format in _UNSAFE:
        raise UnreadableError(f"{part.format} files may hold code and are not read")
    problems: list[str] = []
    try:
        with _warnings_lock, warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("always")
            if part.format == "MSEED":
                stream = _read_miniseed(part, options, problems, raised)
            else:
                options = _OPTIONS.get(part.format, {}) | options
                stream = _read(glob.escape(part.path), part.format, **options)
    # ObsPy's errors for damaged files depend on the format.
    except Exception as error:
        _raise_if_passing(error, part.path)
        raise UnreadableError(
            f"it can't be read as {part.format}: {_on_one_line(error)}"
        ) from error
    return stream, _summarized(raised) + problems


def _read(source: str | io.BytesIO, format: str, **options: Any) -> obspy.Stream:
    return obspy.read(source, format=format, check_compression=False, **options)


def _read_miniseed(
    part: Part,
    options: dict[str, Any],
    problems: list[str],
    raised: list[warnings.WarningMessage],
) -> obspy.Stream:
    """Reads all whole records, and gives their samples their own times."""
    source: str | io.BytesIO = glob.escape(part.path)
    if part.length:
        with Path(part.path).open("rb") as file:
            file.seek(part.offset)
            source = io.BytesIO(file.read(part.length))

    def read(records: bytes) -> obspy.Stream:
        return _read(io.BytesIO(records), "MSEED", **options)

    failed, stream = None, obspy.Stream()
    try:
        stream = _read(source, "MSEED", **options)
    except Exception as error:
        _raise_if_passing(error, part.path)
        failed = error
    records = Records(part.path, part.offset, part.length)
    is_missed = records.off_grid or (not len(stream) and len(records.places) > 0)
    if is_missed:
        # ObsPy's warnings about what it skipped.
        raised.clear()
    if failed or is_missed or len(records.wrong):
        reason = f"partly unreadable: {_on_one_line(failed)}" if failed else ""
        damage = records.without_damaged(read) or reason
        problems += [*records.between, *filter(None, [damage])]
        stream = read(records.bytes_of(records.places))
    if not options.get("headonly"):
        begin, end = (
            options[name].ns if name in options else default
            for name, default in (("starttime", -(1 << 62)), ("endtime", 1 << 62))
        )
        problems += records.correct(stream, read, begin, end)
    return stream


def _raise_if_passing(error: Exception, path: str) -> None:
    """Raises errors of the system again: the file may be fine at another time."""
    # Some formats raise their own OSErrors, without a number.
    if isinstance(error, MemoryError) or getattr(error, "errno", None) is not None:
        raise error
    with Path(path).open("rb"):
        pass


def _summarized(raised: list[warnings.WarningMessage]) -> list[str]:
    """One line a cause, as there may be a warning for each damaged record of a file."""
    causes: dict[str, list[str]] = defaultdict(list)
    for one in raised:
        # Other threads may warn of other things meanwhile.
        if "obspy" in one.filename and not issubclass(one.category, DeprecationWarning):
            text = _on_one_line(one.message)
            causes[re.sub(r"\d+", "", text)].append(text)
    return [
        f"partly unreadable: {texts[0]}"
        + (f" (and {len(texts) - 1} more)" if len(texts) > 1 else "")
        for texts in causes.values()
    ]


def _on_one_line(message: Exception | Warning | str) -> str:
    return " ".join(str(message).split())[:300] or type(message).__name__


def read_file(path: Path) -> tuple[obspy.Stream, list[str]]:
    """
    :param path: Waveform file
    :raises UnreadableError: if it can't be read
    :raises OSError: if it can't be opened
    :return: Traces, and what is wrong with the file
    """
    return read_part(Part(str(path), find_format(path)))


def read_headers(
    path: Path, pattern: NamePattern | None = None
) -> tuple[list[Segment], list[str]]:
    """
    :param path: File
    :param pattern: Gives codes that headers lack
    :raises UnreadableError: if it has no waveforms
    :raises OSError: if it can't be opened
    :return: Its segments, and what is wrong with it
    """
    segments: list[Segment] = []
    problems: list[str] = []
    for part in _divided(Part(str(path), find_format(path))):
        try:
            stream, wrong = read_part(part, pattern, headonly=True)
        except UnreadableError as error:
            problems.append(str(error))
            continue
        problems += wrong
        for trace in stream:
            if reason := _why_unusable(trace):
                problems.append(reason)
            else:
                segments.append(_segment_of(trace, part))
    if not segments and not problems:
        raise UnreadableError("it holds no samples")
    return _join_stretches(segments), list(dict.fromkeys(problems))


def segments_of(stream: obspy.Stream, record: str) -> list[Segment]:
    """:return: The traces of a stream, as segments of one record"""
    return [_segment_of(trace, Part(record, "")) for trace in stream]


def _segment_of(trace: obspy.Trace, part: Part) -> Segment:
    stats = trace.stats
    begin, end, rate = stats.starttime.ns, stats.endtime.ns, float(stats.sampling_rate)
    return Segment(part, station_id(trace), stats.channel, begin, end, rate, begin)


def complete_codes(
    stream: obspy.Stream, path: str = "", pattern: NamePattern | None = None
) -> list[str]:
    """
    Completes and checks codes, in place: adds those that the file's name gives, removes
    blanks, and escapes all that has a meaning in ids, patterns or tables: ``ST.1`` becomes
    ``ST%2E1``. Channels get the names of :py:func:`.seed_channel`.

    :param stream: Content of the file
    :param path: Its path
    :param pattern: Gives codes that headers lack
    :return: Codes that were escaped
    """
    if pattern is not None:
        pattern.complete(stream, Path(path))
    escaped: dict[str, None] = {}
    for trace in stream:
        stats = trace.stats
        for name in CODES:
            code = stats[name].replace("\0", " ").strip()
            if name == "channel":
                code = seed_channel("".join(code.split()))
            stats[name] = quoted(code)
            if stats[name] != code:
                text = f"{USED}the {name} code {code!r} is called {stats[name]}"
                escaped[text] = None
    return list(escaped)


def read_responses(
    path: Path | None, argument: str = "inventory"
) -> obspy.Inventory | None:
    """
    :param path: StationXML file, or None for nothing
    :param argument: Name of the argument, for errors
    :raises ArgumentError: if it can't be read
    :return: Inventory
    """
    if path is None:
        return None
    try:
        # ObsPy takes brackets for a pattern.
        return obspy.read_inventory(glob.escape(str(path)))
    # ObsPy raises the errors of its parsers.
    except Exception as error:
        reason = f"can't be read as StationXML: {error}"
        raise ArgumentError(argument, str(path), reason) from error


def usable(stream: obspy.Stream) -> tuple[obspy.Stream, list[Problem]]:
    """
    :param stream: Stream from anywhere
    :return: New traces over the same samples, with the codes of :py:func:`complete_codes`
        and without traces that have no time; and what was changed or left out
    """
    found = shared(stream)
    problems = [("", reason) for reason in complete_codes(found)]
    problems += [(trace.id, _NO_TIME) for trace in found if _has_no_time(trace)]
    found.traces = [trace for trace in found if not _has_no_time(trace)]
    return found, problems


def _has_no_time(trace: obspy.Trace) -> bool:
    """If the header has no time, for which ObsPy takes 1970."""
    stats = trace.stats
    if "sac" in stats:
        return any(stats.sac.get(name, -12345) == -12345 for name in _SAC_TIME)
    return stats.starttime.ns == 0 and stats.get("_format", "MSEED") != "MSEED"


def _why_unusable(trace: obspy.Trace) -> str | None:
    stats = trace.stats
    if stats.npts == 0:
        return f"{trace.id} holds no samples"
    if not stats.sampling_rate > 0:
        return f"{trace.id} has no sampling rate ({stats.sampling_rate:g} Hz)"
    for name in ("station", "channel"):
        if not stats[name]:
            return (
                f"its header has no {name} code; --name-pattern takes it from the name"
            )
    if _has_no_time(trace):
        return f"{trace.id}: {_NO_TIME}"
    if stats.starttime < _EARLIEST or stats.endtime > obspy.UTCDateTime() + 86400:
        # Python has no names for times after the year 9999.
        year = 1970 + stats.starttime.ns / (365.2425 * 86400 * SECOND)
        return f"{trace.id}: samples are before 1900 or in the future ({year:.1f})"
    return None


def _divided(whole: Part) -> list[Part]:
    """Pieces of a large MiniSEED file, if its records lie on a grid; else the file."""
    size = Path(whole.path).stat().st_size
    if whole.format != "MSEED" or size <= 2 * PIECE_BYTES:
        return [whole]
    pieces = []
    with Path(whole.path).open("rb") as file:
        for offset in range(0, size, PIECE_BYTES):
            file.seek(offset)
            if not RECORD.match(file.read(8)):
                return [whole]
            pieces.append(replace(whole, offset=offset, length=PIECE_BYTES))
    return pieces


def _join_stretches(segments: list[Segment]) -> list[Segment]:
    """Marks pieces of a file that follow each other without a gap."""
    channels: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, segment in enumerate(segments):
        channels[segment.station_id, segment.channel].append(i)
    joined = list(segments)
    for places in channels.values():
        places.sort(key=lambda i: segments[i].begin)
        for before, after in itertools.pairwise(places):
            gap = joined[after].begin - joined[before].end
            # Clocks drift by up to some 100 ppm.
            drift = 2e-4 * (joined[before].end - joined[before].begin)
            if -drift <= gap <= 1.5 * SECOND / joined[after].rate + drift:
                joined[after] = replace(joined[after], stretch=joined[before].stretch)
    return joined


def read_segments(
    segments: Iterable[Segment], begin: int, end: int, pattern: NamePattern | None
) -> Reading:
    """
    :param segments: What to read
    :param begin: First time that is needed, in nanoseconds since 1970
    :param end: Last time that is needed
    :param pattern: Gives codes that headers lack
    :return: Traces and problems
    """
    wanted: dict[Part, list[Segment]] = defaultdict(list)
    for segment in segments:
        wanted[segment.part].append(segment)
    stream, problems, failure = obspy.Stream(), [], None
    for part, of_part in wanted.items():
        options: dict[str, Any] = {
            "starttime": obspy.UTCDateTime(ns=begin),
            "endtime": obspy.UTCDateTime(ns=end),
        }
        # With a pattern, or if codes were escaped, the header has other names.
        name = of_part[0].station_id
        if part.format == "MSEED" and pattern is None and _PLAIN.fullmatch(name):
            options["sourcename"] = f"{name}.*"
        try:
            found, wrong = read_part(part, pattern, **options)
            if not len(found) and options.pop("sourcename", None):
                found, wrong = read_part(part, pattern, **options)
        except UnreadableError as error:
            problems.append((part.path, str(error)))
            continue
        except OSError as error:
            failure = f"{part.path} can't be read now: {error.strerror or error}"
            continue
        problems += [(part.path, reason) for reason in wrong]
        pieces = [piece for trace in found for piece in _wanted_of(trace, of_part)]
        stream.traces += pieces
        for name in _expected(of_part, begin, end) - {piece.id for piece in pieces}:
            problems.append((part.path, f"the samples of {name} can't be found again"))
    return Reading(stream, problems, failure)


def _expected(segments: Iterable[Segment], begin: int, end: int) -> set[str]:
    """Codes of the channels that must have samples in this time."""
    return {
        f"{s.station_id}.{s.channel}"
        for s in segments
        if min(s.end, end) - max(s.begin, begin) > 2 * SECOND / s.rate
    }


def _wanted_of(trace: obspy.Trace, segments: Iterable[Segment]) -> list[obspy.Trace]:
    """The trace, or the pieces of it that belong to segments."""
    name = (station_id(trace), trace.stats.channel)
    of_channel = [s for s in segments if (s.station_id, s.channel) == name]
    if not of_channel or not (trace.stats.npts and trace.stats.sampling_rate > 0):
        return []
    if not any(segment.cut for segment in of_channel):
        return [trace]
    pieces = [
        trace.slice(obspy.UTCDateTime(ns=s.begin), obspy.UTCDateTime(ns=s.end))
        for s in of_channel
    ]
    return [piece for piece in pieces if piece.stats.npts > 0]


def shared(stream: obspy.Stream) -> obspy.Stream:
    """New traces over the same samples, so that headers may be changed."""
    return obspy.Stream(obspy.Trace(trace.data, trace.stats.copy()) for trace in stream)


def cut_overlaps(stream: obspy.Stream) -> list[Problem]:
    """
    Joins traces that follow or repeat each other, in place. If two traces of a channel
    overlap and differ, the samples of the one that begins first are used.

    :param stream: Stream without masked samples, modified in place
    :return: Channels, and what is not used of them
    """
    for_each_rate(stream, lambda group: group.merge(-1))
    channels: dict[tuple[str, float], list[obspy.Trace]] = defaultdict(list)
    for trace in stream:
        channels[trace.id, trace.stats.sampling_rate].append(trace)
    problems = []
    kept: list[obspy.Trace] = []
    for (name, rate), traces in channels.items():
        lost, end = 0.0, None
        for trace in sorted(traces, key=lambda trace: trace.stats.starttime):
            stats = trace.stats
            if end is not None:
                behind = end + 0.5 / rate - stats.starttime
                repeated = max(0, math.ceil(behind * rate))
                lost += min(repeated, stats.npts) / rate
                if repeated >= stats.npts:
                    continue
                if repeated:
                    trace.data = trace.data[repeated:]
                    stats.starttime += repeated / rate
            kept.append(trace)
            end = stats.endtime
        if lost:
            reason = (
                f"{lost:.2f} s of it overlap with other samples; those of the trace "
                "that began first are used"
            )
            problems.append((name, reason))
    stream.traces = kept
    return problems
