"""Files that are whole or not there, at any moment."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

try:
    import fcntl
except ImportError:
    # Of Windows.
    fcntl = None  # type: ignore[assignment]

#: How files end that only a killed process leaves.
LEFTOVER = ".partial"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """
    Any number of processes may write one file at once: each writes a file of its own.
    Links are followed; what is no regular file, such as ``/dev/stdout``, is written to.

    :param path: File to write
    :raises FileNotFoundError: if its folder is missing
    :raises IsADirectoryError: if it is a folder
    :return: A file beside it, which takes its place if nothing is raised, and is removed
        otherwise
    """
    path = Path(os.path.realpath(path))
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file in it.")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"{path} can't be written: there is no folder {path.parent}. Make it first."
        )
    if path.exists() and not path.is_file():
        yield path
        return
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}{LEFTOVER}")
    try:
        # Made here, so that it has the rights of the user's other files.
        try:
            temporary.touch(exist_ok=False)
        except PermissionError as error:
            raise PermissionError(
                f"{path} can't be written: no rights to write in {path.parent}. Choose "
                "another place."
            ) from error
        if path.exists():
            temporary.chmod(path.stat().st_mode & 0o777)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """
    :param folder: Folder that no other process writes to; what killed ones left is removed
    """
    for path in folder.glob(f".*{LEFTOVER}"):
        path.unlink()


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
    :param path: Folder that is written to, or the name that files of a run begin with
    :param kind: What writes there, such as ``conversion``
    :raises ValueError: if another one of the kind does so already
    """
    name = _lock_file(path, kind)
    no_rights = PermissionError(
        f"output={str(path)!r} can't be written: no rights to write in {name.parent}. "
        "Choose another place."
    )
    if name.parent.is_dir() and not os.access(name.parent, os.W_OK | os.X_OK):
        raise no_rights
    lock = FileLock(name)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not name.exists():
            # As in /proc, where nobody can make files, whatever the rights.
            raise no_rights from None
        raise _other_writer(path, kind) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def no_writer(path: Path, kind: str) -> Iterator[None]:
    """
    For reading, also where nothing can be written.

    :param path: As of :py:func:`only_writer`
    :param kind: What may write there
    :raises ValueError: if one does
    """
    name = _lock_file(path, kind)
    if os.access(name.parent, os.W_OK | os.X_OK):
        with only_writer(path, kind):
            yield
        return
    with ExitStack() as stack:
        if name.exists() and fcntl is not None:
            file = stack.enter_context(name.open("rb"))
            try:
                # Of the same kind as FileLock's, and let go of when the file is closed.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _other_writer(path, kind) from None
        yield


def _lock_file(path: Path, kind: str) -> Path:
    ending = f".{kind.split()[0]}.lock"
    return path / ending if path.is_dir() else path.with_name(f".{path.name}{ending}")


def _other_writer(path: Path, kind: str) -> ValueError:
    return ValueError(
        f"output={str(path)!r}: another {kind} is writing there. Wait for it, or choose "
        "another name."
    )
