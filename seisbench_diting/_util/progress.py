"""Progress of long work."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm


def progress_bar(
    what: str, unit: str, show: bool, total: float | None = None, done: float = 0
) -> tqdm[Any]:
    """
    :param what: What is done
    :param unit: What is counted
    :param show: If anything is shown
    :param total: Amount of work, if it is known
    :param done: Amount that is done already
    :return: A bar on a terminal; elsewhere, such as in the log of a job, a line every 30
        seconds
    """
    seconds = 0.1 if sys.stderr.isatty() else 30.0
    return tqdm(
        desc=what,
        unit=f" {unit}",
        unit_scale=True,
        total=total,
        initial=done,
        disable=not show,
        delay=seconds,
        mininterval=seconds,
    )
