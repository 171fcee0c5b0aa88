"""Progress of long work: a bar on a terminal, otherwise lines of JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

#: Seconds between two lines of JSON.
_LINE_SECONDS = 30.0


class Progress:
    """
    A bar on a terminal; elsewhere a line of JSON on standard error now and then.

    :param total: Amount of work
    :param done: Amount that is done already
    :param show: If anything is shown
    :param what: What is counted
    """

    def __init__(
        self,
        total: float,
        done: float,
        show: bool = True,
        what: str = "station days",
    ) -> None:
        self._total = total
        self._done = self._first = done
        self._begin = self._last_line = time.monotonic()
        self._name = what.replace(" ", "_")
        self._lines = show and not sys.stderr.isatty()
        self._bar = tqdm(
            total=round(total, 3),
            initial=round(done, 3),
            disable=not show or self._lines,
            bar_format="{l_bar}{bar}| {n:.1f}/{total:.1f} "
            f"{what} [{{elapsed}}<{{remaining}}{{postfix}}]",
        )

    def add(self, amount: float) -> None:
        """
        :param amount: Amount that was done since the last call
        """
        self._done += amount
        now = time.monotonic()
        elapsed = now - self._begin
        per_hour = (self._done - self._first) / elapsed * 3600 if elapsed > 0 else 0.0
        self._bar.set_postfix_str(f"{per_hour:.0f} an hour", refresh=False)
        self._bar.update(amount)
        if self._lines and now - self._last_line >= _LINE_SECONDS:
            self._last_line = now
            left = (self._total - self._done) / per_hour * 3600 if per_hour else None
            line = {
                self._name: round(self._done, 3),
                "of": round(self._total, 3),
                f"{self._name}_per_hour": round(per_hour, 1),
                "remaining_s": None if left is None else round(left),
            }
            print(json.dumps(line), file=sys.stderr, flush=True)

    def close(self) -> None:
        self._bar.close()


@contextmanager
def counting(
    what: str, unit: str, show: bool, total: int | None = None
) -> Iterator[tqdm[Any]]:
    """A bar on a terminal; without a total, it only counts."""
    hidden = not (show and sys.stderr.isatty())
    with tqdm(desc=what, unit=unit, total=total, disable=hidden) as bar:
        yield bar
