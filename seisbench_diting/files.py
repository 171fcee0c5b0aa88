"""Files that are whole or not there, at any moment."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

#: How files end that only a killed process leaves.
LEFTOVER = ".partial"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """
    Any number of processes may write one file at once: each writes a file of its own.

    :param path: File to write
    :return: A file beside it, which takes its place if nothing is raised, and is removed
        otherwise
    """
    handle, name = tempfile.mkstemp(LEFTOVER, f".{path.name}-", path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        # Made for the user alone, in contrast to other files.
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str | Iterable[str]) -> None:
    """
    :param path: File to write
    :param text: Its content, or pieces of it
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines([text] if isinstance(text, str) else text)
