"""What commands say that are interrupted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import typer


def continuing_later(resume: str = "auto") -> AbstractContextManager[None]:
    """
    Ctrl-C and SIGTERM end the command with what to do next, and the status 130.

    :param resume: The command's own option
    """
    if resume == "never":
        return _saying("Call the same without --resume never to continue.")
    return _saying("Call the same again to continue.")


def leaving_nothing() -> AbstractContextManager[None]:
    """The same for commands that write at their end."""
    return _saying("Nothing was written.")


@contextmanager
def _saying(text: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"Interrupted. {text}", err=True)
        sys.exit(130)
