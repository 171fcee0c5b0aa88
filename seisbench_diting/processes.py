"""Worker processes that never outlive the process that began them, and how those end."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def start_worker(module: str) -> subprocess.Popen[str]:
    """
    Runs ``main()`` of a module in a process that is spoken to by lines of text. It must end
    when its standard input does. Scripts and notebooks need no ``__main__`` guard for it.

    :param module: Full name of the module
    :return: The process
    """
    return subprocess.Popen(
        # With this process's own path: a bare -c looks for modules in the current folder
        # first.
        [
            sys.executable,
            "-c",
            f"import sys; sys.path[:] = {sys.path!r}\n"
            f"from {module} import main; main()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # A session of its own: Ctrl-C reaches the parent alone, which ends its workers.
        start_new_session=True,
    )


@contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM, with which schedulers of clusters end jobs, is a Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
