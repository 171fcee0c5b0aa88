"""Waveform files: find them, and take codes from their names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator

from .._util import ArgumentError

if TYPE_CHECKING:
    import obspy

#: Endings of lists of files, as the published picker takes them: a file, or
#: ``root,file1,file2,file3``, a line.
_LIST_ENDINGS = (".txt", ".lst", ".list", ".csv")

#: Number of lines of a text that are searched for paths.
_SEARCHED_LINES = 100

#: Codes that a name pattern may hold.
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
            raise ArgumentError(
                "inputs",
                name,
                "does not exist; name a folder, a waveform file, or a list of files",
            )
        absolute.append(path)
    return tuple(absolute)


#: Folders and files as of :py:func:`find_files`, or one of them, with absolute paths.
Inputs = Annotated[tuple[str, ...], BeforeValidator(_check_inputs)]


def find_files(inputs: Iterable[str | Path]) -> Iterator[Path]:
    """
    :param inputs: Folders, which are searched at any depth; waveform files; text files
        with a list of files, one or ``root,file1,file2,file3`` a line
    :raises FileNotFoundError: if an input does not exist
    :return: Absolute paths of files, each once; those of a folder in alphabetical order.
        A file of a list may be missing.
    """
    seen: set[str] = set()
    for one in inputs:
        for path in _find(str(one)):
            absolute = os.path.abspath(path)
            if absolute not in seen:
                seen.add(absolute)
                yield Path(absolute)


def _find(name: str) -> Iterator[str]:
    path = Path(name).expanduser()
    if path.is_dir():
        yield from _walk(path)
    elif not path.exists():
        raise FileNotFoundError(f"inputs={name!r} does not exist.")
    elif path.suffix.lower() in _LIST_ENDINGS and _is_list(path):
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
    return any(map(os.path.exists, _listed(lines, path.parent)))


def _listed(lines: Iterable[str], folder: Path) -> Iterator[str]:
    """Paths of lines, relative to the root that a line names, or to the list's folder."""
    for line in lines:
        if line.strip() and not line.startswith("#"):
            root, *names = (field.strip() for field in line.strip().split(","))
            base = os.path.join(folder, os.path.expanduser(root))
            yield from (os.path.join(base, n) for n in names if n) if names else [base]


class NamePattern(str):
    """
    A pattern for the end of a path, such as ``{network}.{station}.{location}.{channel}.*``
    or ``{station}/{any}.{channel}.sac``: names in braces stand for codes that headers
    lack, ``*`` and ``{any}`` for anything without a slash.

    :param text: The pattern
    :raises ArgumentError: if it holds other names, one twice, or no station and channel
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
                "must hold {station} or {channel}, each code once, such as {network}."
                "{station}.{location}.{channel}.*; also possible are "
                f"{', '.join(_OTHER_FIELDS)}",
            )
        return super().__new__(cls, text)

    def complete(self, stream: obspy.Stream, path: Path) -> bool:
        """
        Adds codes that headers lack, in place.

        :param stream: Content of the file
        :param path: Its path
        :return: If the path matches the pattern
        """
        match = _regex(self).search(path.as_posix())
        if match is None:
            return False
        for trace in stream:
            for name, value in match.groupdict().items():
                if not trace.stats[name].strip():
                    trace.stats[name] = value
        return True


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    pieces = []
    for piece in re.split(r"(\{.*?\}|\*)", pattern):
        name = piece.strip("{}")
        if piece == "*" or (name in _OTHER_FIELDS and piece.startswith("{")):
            pieces.append("[^/]*")
        elif piece.startswith("{"):
            pieces.append(f"(?P<{name}>[^/]*?)")
        else:
            pieces.append(re.escape(piece))
    return re.compile(f"(?:^|/){''.join(pieces)}$")
