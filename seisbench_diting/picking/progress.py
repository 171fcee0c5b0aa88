"""What a run says while it goes on."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

#: Seconds between two lines where nobody looks at a bar.
_LINE_SECONDS = 30.0


class Progress:
    """
    A bar on a terminal; elsewhere now and then a line of JSON on standard
    error.

    :param total: How many there are in all
    :param done: Those that a former run has picked
    :param show: If anything is said
    :param what: What is counted
    """

    def __init__(
        self,
        total: float,
        done: float,
        show: bool = True,
        what: str = "station days",
    ):
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
            f"{what} "
            "[{elapsed}<{remaining}{postfix}]",
        )

    @property
    def per_hour(self) -> float:
        """So many an hour, of this run."""
        elapsed = time.monotonic() - self._begin
        return (self._done - self._first) / elapsed * 3600 if elapsed > 0 else 0.0

    def add(self, days: float) -> None:
        """
        :param days: So many more are done
        """
        self._done += days
        self._bar.set_postfix_str(f"{self.per_hour:.0f} an hour", refresh=False)
        self._bar.update(days)
        now = time.monotonic()
        if self._lines and now - self._last_line >= _LINE_SECONDS:
            self._last_line = now
            rate = self.per_hour
            left = (self._total - self._done) / rate * 3600 if rate else None
            line = {
                self._name: round(self._done, 3),
                "of": round(self._total, 3),
                f"{self._name}_per_hour": round(rate, 1),
                "remaining_s": None if left is None else round(left),
            }
            print(json.dumps(line), file=sys.stderr, flush=True)

    def close(self) -> None:
        self._bar.close()


@contextmanager
def counting(
    what: str, unit: str, show: bool, total: int | None = None
) -> Iterator[tqdm]:
    """A bar on a terminal; without end, where nobody has counted yet how many there are."""
    hidden = not (show and sys.stderr.isatty())
    with tqdm(desc=what, unit=unit, total=total, disable=hidden) as bar:
        yield bar
