"""Worker processes that never outlive the process that began them."""

from __future__ import annotations

import subprocess
import sys


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
