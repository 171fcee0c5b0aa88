"""Run locks: one writer at a time, in any number of processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .settings import ArgumentError

try:
    import fcntl
except ImportError:
    # Windows does not have it.
    fcntl = None  # type: ignore[assignment]


@contextmanager
def only_writer(path: Path, kind: str) -> Iterator[None]:
    """
    Locks an output against other runs.

    :param path: Folder that is written to, or the name that files of a run begin with
    :param kind: Kind of the run, such as ``conversion``
    :raises ArgumentError: if another run of the kind writes there
    :raises PermissionError: if the lock can't be made
    """
    name = _lock_file(path, kind)
    lock = FileLock(name)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ArgumentError(
            "output",
            str(path),
            f"another {kind} is writing there. Wait for it, or choose another name",
        ) from None
    except OSError as error:
        raise type(error)(
            f"{path} can't be written: {name} can't be locked ({error.strerror}). Choose "
            "another place."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def no_writer(path: Path, kind: str) -> Iterator[None]:
    """
    Locks an output for reading, also in a folder of another user.

    :param path: As for :py:func:`only_writer`
    :param kind: Kind of the run
    :raises ValueError: if a run of the kind writes there
    """
    name = _lock_file(path, kind)
    with ExitStack() as stack:
        try:
            if fcntl is None:
                if name.exists():
                    stack.enter_context(FileLock(name, timeout=0))
            elif name.exists():
                # A shared lock needs no right to write; FileLock's is of the same kind.
                file = stack.enter_context(name.open("rb"))
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except (Timeout, BlockingIOError):
            raise ValueError(
                f"{path}: a {kind} is writing there. Wait until it has ended."
            ) from None
        except OSError:
            # A lock that nobody else may read, or a file system without locks.
            pass
        yield


def _lock_file(path: Path, kind: str) -> Path:
    ending = f".{kind.split()[0]}.lock"
    return path / ending if path.is_dir() else path.with_name(f".{path.name}{ending}")
