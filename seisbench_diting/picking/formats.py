"""Waveform files of every format that ObsPy reads, but for pickles."""

from __future__ import annotations

import glob
import io
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import obspy

# ObsPy has no public way to ask for the format of a file without reading it.
from obspy.core.util.base import ENTRY_POINTS, buffered_load_entry_point

#: Formats that run what code a file holds.
_UNSAFE = ("PICKLE",)

#: Endings of compressed files and archives, which ObsPy unpacks.
_COMPRESSED = (".gz", ".bz2", ".zip", ".tar", ".tgz", ".tbz2")

#: Formats that are tried inside of these.
_INSIDE = ("MSEED", "SAC", "GSE2", "SEGY")

#: Python's warnings are collected for the whole process, not for a thread.
_warnings_lock = threading.Lock()


class UnreadableError(ValueError):
    """A file holds no waveforms that can be read."""


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


def find_format(path: Path) -> str:
    """
    :param path: File
    :raises UnreadableError: if it is empty, or in none of ObsPy's formats
    :raises OSError: if it can't be opened
    :return: ObsPy's name of its format
    """
    with path.open("rb") as file:
        if not file.read(1):
            raise UnreadableError("it is empty")
    if path.suffix.lower() in _COMPRESSED:
        for name in _INSIDE:
            try:
                read_part(Part(str(path), name), headonly=True)
            except UnreadableError:
                continue
            return name
    for name in ENTRY_POINTS["waveform"]:
        if name not in _UNSAFE and _is_format(name, path):
            return name
    raise UnreadableError("it is in none of the waveform formats that ObsPy reads")


@cache
def _check_of(name: str) -> Callable[[str], bool]:
    """ObsPy's function that tells if a file is in this format."""
    entry = ENTRY_POINTS["waveform"][name]
    return buffered_load_entry_point(
        entry.dist.name, f"obspy.plugin.waveform.{name}", "isFormat"
    )


def _is_format(name: str, path: Path) -> bool:
    check = _check_of(name)
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # They raise whatever their parsing of foreign bytes comes upon.
        try:
            return bool(check(str(path)))
        except MemoryError:
            raise
        except Exception as error:
            _raise_if_passing(error, str(path))
            return False


def read_part(
    part: Part,
    start: obspy.UTCDateTime | None = None,
    end: obspy.UTCDateTime | None = None,
    headonly: bool = False,
    station: str | None = None,
) -> tuple[obspy.Stream, list[str]]:
    """
    :param part: What to read
    :param start: First time that is needed
    :param end: Last time that is needed
    :param headonly: If true, without samples
    :param station: NET.STA.LOC; of formats that know how, others are passed over
    :raises UnreadableError: if it holds what can't be read
    :raises OSError: if it can't be read now, which may pass
    :return: Traces, and what was wrong with the file
    """
    if part.format in _UNSAFE:
        raise UnreadableError(f"{part.format} files may hold code and are not read")
    source: str | io.BytesIO = glob.escape(part.path)
    if part.length:
        with Path(part.path).open("rb") as file:
            file.seek(part.offset)
            source = io.BytesIO(file.read(part.length))
    options = {"starttime": start, "endtime": end} if start is not None else {}
    if station is not None and part.format == "MSEED":
        options["sourcename"] = f"{station}.*"
    try:
        with _warnings_lock, warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("always")
            stream = obspy.read(
                source, format=part.format, headonly=headonly, **options
            )
    except MemoryError:
        raise
    # What ObsPy raises for damaged files depends on the format.
    except Exception as error:
        _raise_if_passing(error, part.path)
        raise UnreadableError(
            f"it can't be read as {part.format}: {_first_line(error)}"
        ) from error
    return stream, _summarize(raised)


def _raise_if_passing(error: Exception, path: str) -> None:
    """An error of the system is none of the file; another time it may be gone."""
    # Those of formats are of this class, too, but without a number.
    if isinstance(error, OSError) and error.errno is not None:
        raise error
    with Path(path).open("rb"):
        pass


def _summarize(raised: list[warnings.WarningMessage]) -> list[str]:
    """One line for what may be a warning for each damaged record of a file."""
    messages = [
        _first_line(one.message)
        for one in raised
        # Other threads may warn of other things meanwhile.
        if "obspy" in one.filename and not issubclass(one.category, DeprecationWarning)
    ]
    if not messages:
        return []
    more = f" (and {len(messages) - 1} more)" if len(messages) > 1 else ""
    return [f"partly unreadable: {messages[0]}{more}"]


def _first_line(message: Exception | Warning | str) -> str:
    lines = [line.strip() for line in str(message).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(message).__name__
