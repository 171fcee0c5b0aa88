"""The command ``seisbench-diting``: it parses, calls and prints."""

from __future__ import annotations

import os
import sys

import typer

# Each registers its commands.
from . import (  # noqa: F401
    associate,
    compare,
    convert,
    demo,
    distill,
    evaluate,
    export,
    latency,
    pick,
    pick_events,
    plot,
    report,
    train,
    weights,
)
from .app import app


def main() -> None:
    """Runs the command; what a user can mend is printed without a traceback."""
    from ..inference import ExportError
    from ..models.backends import BackendUnavailableError
    from ..weights import WeightsError

    try:
        app()
    except (
        ValueError,
        WeightsError,
        ExportError,
        BackendUnavailableError,
        OSError,
        ImportError,
    ) as error:
        if isinstance(error, ModuleNotFoundError):
            # Of Python, and no answer to a user; ours say what to install.
            raise
        if os.environ.get("SEISBENCH_DITING_TRACEBACK"):
            raise
        typer.echo(f"Error: {error}", err=True)
        sys.exit(1)
