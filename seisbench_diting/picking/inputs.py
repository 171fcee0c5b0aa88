"""What users name as input: folders, files, lists of files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

#: As the published picker takes them: lines of ``root,file1,file2,file3``.
_LIST_ENDINGS = (".txt", ".lst", ".list", ".csv")

#: Lines of a text that are looked at for paths.
_LOOKED_AT = 100


def find_files(inputs: Iterable[str | Path]) -> Iterator[Path]:
    """
    :param inputs: Folders, which are walked at any depth; waveform files; text files with
        a list of files, one or ``root,file1,file2,file3`` a line; ``-`` for such a list
        on standard input
    :raises FileNotFoundError: if one of the inputs does not exist
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


def check_inputs(inputs: Iterable[str | Path]) -> list[str]:
    """
    :param inputs: As of :py:func:`find_files`
    :raises FileNotFoundError: if one of them does not exist
    :raises ValueError: if there is none
    :return: The inputs with absolute paths
    """
    names = [str(one) for one in inputs]
    if not names:
        raise ValueError("inputs names nothing; give a folder, a file or a list.")
    for name in names:
        if name != "-" and not Path(name).expanduser().exists():
            raise FileNotFoundError(
                f"inputs={name!r} does not exist; name a folder, a waveform file, a list "
                "of files, or - for a list on standard input."
            )
    return [
        name if name == "-" else os.path.abspath(os.path.expanduser(name))
        for name in names
    ]


def _find(name: str) -> Iterator[str]:
    if name == "-":
        yield from _listed(sys.stdin, Path.cwd())
        return
    path = Path(name).expanduser()
    if path.is_dir():
        yield from _walk(path)
    elif not path.exists():
        raise FileNotFoundError(f"inputs={name!r} does not exist.")
    elif path.suffix.lower() in _LIST_ENDINGS and _is_text(path):
        with path.open(encoding="utf-8-sig") as lines:
            yield from _listed(lines, path.parent)
    else:
        yield str(path)


def _walk(folder: Path) -> Iterator[str]:
    # A link to a folder above would never end.
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
    # As if they were files, which are then told to be none.
    yield from (error.filename for error in unreadable)


def _is_text(path: Path) -> bool:
    """A few formats of waveforms are text, too, but their lines are no paths."""
    with path.open("rb") as file:
        start = file.read(65536)
    try:
        lines = start.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        # The last letter may have been cut.
        lines = start[:-4].decode("utf-8-sig", "replace").splitlines()
        if any("\ufffd" in line for line in lines):
            return False
    return any(
        os.path.exists(name)
        for line in lines[:_LOOKED_AT]
        if line.strip() and not line.startswith("#")
        for name in _split(line, path.parent)
    )


def _listed(lines: Iterable[str], folder: Path) -> Iterator[str]:
    for line in lines:
        if line.strip() and not line.startswith("#"):
            yield from _split(line, folder)


def _split(line: str, folder: Path) -> list[str]:
    """Paths of one line, relative to the root that it names, or to the list's folder."""
    root, *names = (field.strip() for field in line.strip().split(","))
    base = os.path.join(folder, os.path.expanduser(root))
    return [os.path.join(base, name) for name in names if name] if names else [base]
