"""What commands say that go on where they were interrupted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def continuing_later() -> Iterator[None]:
    """Ctrl-C and SIGTERM end the command with what to do next, and the status 130."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("Interrupted. Call the same again to continue.", err=True)
        sys.exit(130)


@contextmanager
def leaving_nothing() -> Iterator[None]:
    """The same for commands that write at their end."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("Interrupted. Nothing was written.", err=True)
        sys.exit(130)
