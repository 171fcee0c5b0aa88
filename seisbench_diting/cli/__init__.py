"""The command ``seisbench-diting``: it parses, calls and prints."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from contextlib import ExitStack
from pathlib import Path


def main() -> None:
    """
    Runs the command. Errors that a user can fix are shown as one line; set
    ``SEISBENCH_DITING_TRACEBACK=1`` for the traceback.
    """
    from cyclopts import CycloptsError

    from .app import call

    warnings.formatwarning = lambda message, *_: f"Warning: {message}\n"
    try:
        with ExitStack() as stack:
            if not {"--help", "-h", "--version"} & {*sys.argv}:
                _provide_cache(stack)
            call(sys.argv[1:])
            sys.stdout.flush()
        sys.exit(0)
    except BrokenPipeError:
        # A reader such as `head` has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except CycloptsError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        if not _is_for_users(error) or os.environ.get("SEISBENCH_DITING_TRACEBACK"):
            raise
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)


def _provide_cache(stack: ExitStack) -> None:
    """SeisBench can't be imported without a cache: a temporary one is used, if needed."""
    name = "SEISBENCH_CACHE_ROOT"
    try:
        root = Path(os.environ.get(name) or Path.home() / ".seisbench")
        root.mkdir(parents=True, exist_ok=True)
        if not (root / "config.json").exists():
            tempfile.TemporaryFile(dir=root).close()
    except (OSError, RuntimeError) as error:
        os.environ[name] = stack.enter_context(tempfile.TemporaryDirectory())
        way = (
            f"A temporary one is used; set {name} to a folder to keep what is fetched."
        )
        print(f"SeisBench's cache can't be written ({error}). {way}", file=sys.stderr)


def _is_for_users(error: Exception) -> bool:
    """Whether a user can fix it. Errors of imports or of libraries are bugs."""
    if isinstance(error, ModuleNotFoundError):
        return False
    return not isinstance(error, RuntimeError) or type(error).__module__.startswith(
        "seisbench_diting"
    )
