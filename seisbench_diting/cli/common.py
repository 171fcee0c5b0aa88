"""Messages of interruptions, for several commands."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from .._util import terminated_like_interrupted


def continuing_later() -> AbstractContextManager[None]:
    """Ends the command after Ctrl-C or SIGTERM with a message and the status 130."""
    return _saying("Call the same again to continue.", terminated_like_interrupted())


def continuing_from_checkpoint(resume: str, every: int) -> AbstractContextManager[None]:
    """
    The same for training, where Lightning handles SIGTERM.

    :param resume: Their own option
    :param every: Steps between two checkpoints
    """
    same = "the same without --resume never" if resume == "never" else "the same again"
    return _saying(
        f"Call {same} to continue from the last checkpoint; there is one every {every} "
        "steps."
    )


def leaving_nothing() -> AbstractContextManager[None]:
    """The same for commands that write at their end."""
    return _saying("Nothing was written.", terminated_like_interrupted())


@contextmanager
def _saying(
    text: str, signals: AbstractContextManager[None] | None = None
) -> Iterator[None]:
    try:
        with signals or nullcontext():
            yield
    except KeyboardInterrupt:
        print(f"Interrupted. {text}", file=sys.stderr)
        sys.exit(130)
