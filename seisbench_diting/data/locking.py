"""One writer a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def only_writer(path: Path, kind: str) -> Iterator[None]:
    """
    :param path: Folder that is written to
    :param kind: What writes there, such as ``conversion``
    :raises ValueError: if another one of the kind does so already
    """
    lock = FileLock(path / f".{kind}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ValueError(
            f"output={str(path)!r}: another {kind} is writing there. Wait for it, or "
            "choose another folder."
        ) from None
    try:
        yield
    finally:
        lock.release()
