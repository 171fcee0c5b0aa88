"""
What each teacher said of each station's day, on disk: it takes hours to ask them, and what is
made of their answers changes with settings that do not concern them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from .._util import remove_leftovers, write_text
from .curves import Said, Seen


class OpinionStore:
    """
    :param folder: Where they lie; it is made if it does not exist
    """

    def __init__(self, folder: Path):
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder)

    def get(self, name: str, ask: Callable[[], dict[str, Said]]) -> dict[str, Said]:
        """
        :param name: What changes with the waveforms and the teacher
        :param ask: Asks the teacher
        :return: What it says, or has said, of each station
        """
        path = self._path(name)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return {station: _said(values) for station, values in content.items()}
        except (AttributeError, FileNotFoundError, KeyError, TypeError, ValueError):
            # Not there, or not what was written.
            said = ask()
        content = {station: asdict(one) for station, one in said.items()}
        write_text(path, json.dumps(content) + "\n")
        return said

    def keep_only(self, names: Iterable[str]) -> None:
        """Removes what nothing uses any more."""
        kept = {self._path(name) for name in names}
        for path in self._folder.glob(f"*-{'[0-9a-f]' * 16}.json"):
            if path not in kept:
                path.unlink()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def _said(values: dict) -> Said:
    return Said(
        [Seen(**one) for one in values["arrivals"]],
        [(begin, end) for begin, end in values["known"]],
    )
