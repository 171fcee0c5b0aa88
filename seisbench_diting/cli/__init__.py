"""The command ``seisbench-diting``: it parses, calls and prints."""

from __future__ import annotations

import os
import sys
import warnings


def main() -> None:
    """
    Runs the command. Errors that a user can fix are shown as one line; set
    ``SEISBENCH_DITING_TRACEBACK=1`` for the traceback.
    """
    from cyclopts import CycloptsError

    from .app import call

    warnings.formatwarning = lambda message, *_: f"Warning: {message}\n"
    try:
        call(sys.argv[1:])
        sys.exit(0)
    except CycloptsError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        if not _is_for_users(error) or os.environ.get("SEISBENCH_DITING_TRACEBACK"):
            raise
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)


def _is_for_users(error: Exception) -> bool:
    """A missing module of Python's own kind, or an error of a library, is a fault."""
    if isinstance(error, ModuleNotFoundError):
        return False
    return not isinstance(error, RuntimeError) or type(error).__module__.startswith(
        "seisbench_diting"
    )
