"""Atomic writes and run locks."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from filelock import FileLock, Timeout

from .messages import ArgumentError
from .processes import without_interruption

try:
    import fcntl
except ImportError:
    # Windows does not have it.
    fcntl = None  # type: ignore[assignment]

#: Endings of files that only a killed process leaves.
LEFTOVER = ".partial"


def beside(output: Path, ending: str) -> Path:
    """The path with this ending added to a name, which may contain dots."""
    return output.with_name(output.name + ending)


def check_place(path: Path, named: str) -> None:
    """
    Checks, also before long work, that :py:func:`replacing` can write a file.

    :param path: File to write
    :param named: Option or argument that names it, and its value
    :raises OSError: if it can't be written
    """
    if path.is_dir():
        raise IsADirectoryError(f"{named} is a folder; name a file.")
    if path.exists() and not path.is_file():
        # Such as /dev/stdout.
        return
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{named}: the folder {folder} does not exist. Create it first."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(
            f"{named}: no rights to write in {folder}. Choose another place."
        )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """
    Writes a file atomically. Any number of processes may write the same file at once, as
    each writes a temporary file. Links are followed. If the path is not a regular file,
    such as ``/dev/stdout``, it is written directly.

    :param path: File to write
    :raises OSError: if it can't be written, as for :py:func:`check_place`
    :return: A file beside it, which takes its place if nothing is raised, and is removed
        otherwise
    """
    path = Path(os.path.realpath(path))
    check_place(path, str(path))
    if path.exists() and not path.is_file():
        yield path
        return
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}{LEFTOVER}")
    try:
        # Made here, so that it has the rights of the user's other files.
        temporary.touch(exist_ok=False)
        if path.exists():
            temporary.chmod(path.stat().st_mode & 0o777)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_together(paths: Iterable[Path]) -> Iterator[dict[Path, Path]]:
    """
    Writes several files atomically: none is replaced before all are complete. Ctrl-C waits
    while they are replaced.

    :param paths: Files to write
    :raises OSError: as for :py:func:`replacing`
    :return: For each, a file of the same name in a folder of its own, to be written; it may
        be left out
    """
    paths = list(paths)
    with TemporaryDirectory(
        prefix=f".{paths[0].name}-", suffix=LEFTOVER, dir=paths[0].parent
    ) as folder:
        new = {path: Path(folder) / path.name for path in paths}
        yield new
        with without_interruption(), ExitStack() as replaced:
            for path, written in new.items():
                if written.exists():
                    temporary = replaced.enter_context(replacing(path))
                    shutil.copyfile(written, temporary)


def told_files(summary: Path, key: str, possible: Iterable[Path]) -> list[Path]:
    """
    :param summary: JSON file of an earlier run, if there is one
    :param key: Where it lists the tables that were written
    :param possible: Files that may have been written
    :return: Those of them that it lists, and that are still there
    """
    with suppress(OSError, ValueError, KeyError, TypeError):
        names = {Path(n).name for n in json.loads(summary.read_bytes())[key]}
        return [path for path in possible if path.name in names and path.exists()]
    return []


def remove_leftovers(folder: Path) -> None:
    """
    :param folder: Folder that no other process writes to; leftovers of killed processes are
        removed
    """
    for path in folder.glob(f".*{LEFTOVER}"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def read_toml(text: str) -> dict[str, Any]:
    """Reads TOML, with Python's own reader where it has one."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


def write_text(path: Path, text: str | Iterable[str]) -> None:
    """
    :param path: File to write
    :param text: Its content, or pieces of it
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines([text] if isinstance(text, str) else text)


@contextmanager
def only_writer(path: Path, kind: str) -> Iterator[None]:
    """
    Locks an output against other runs.

    :param path: Folder that is written to, or prefix of the files of a run
    :param kind: Kind of the run, such as ``conversion``
    :raises ArgumentError: if another run of the kind writes there
    :raises OSError: if the lock can't be made
    """
    try:
        held = FileLock(_lock_file(path, kind)).acquire(timeout=0)
    except Timeout:
        reason = f"another {kind} is writing there. Wait for it, or choose another name"
        raise ArgumentError("output", str(path), reason) from None
    with held:
        yield


@contextmanager
def no_writer(path: Path, kind: str) -> Iterator[None]:
    """
    Locks an output for reading, also in a folder of another user.

    :param path: As for :py:func:`only_writer`
    :param kind: Kind of the run
    :raises ValueError: if a run of the kind writes there
    """
    with ExitStack() as stack:
        try:
            # A shared lock needs no right to write; FileLock's is of the same kind.
            file = stack.enter_context(_lock_file(path, kind).open("rb"))
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"{path}: a {kind} is writing there. Wait until it has ended."
            ) from None
        except OSError:
            # No lock, one that nobody else may read, or a file system without locks.
            pass
        yield


def _lock_file(path: Path, kind: str) -> Path:
    ending = f".{kind.split()[0]}.lock"
    return path / ending if path.is_dir() else path.with_name(f".{path.name}{ending}")
