"""Pick tables in files, whose ending tells their format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from ..files import replacing
from .picks import COLUMNS, EVENT_COLUMNS, pick_table
from .text import read_picks_text, write_picks_text


def read_picks(path: str | Path) -> pd.DataFrame:
    """
    :param path: File that ends in ``.csv``, or in ``.txt`` for the published text format
    :raises ValueError: for another ending, or if it is no such file
    :return: Table of picks
    """
    return _choose(path, _READERS)(Path(path))


def write_picks(picks: pd.DataFrame, path: str | Path) -> None:
    """
    :param picks: Table of picks
    :param path: File to write, see :py:func:`read_picks`
    :raises ValueError: for another ending, or if it is no table of picks
    """
    _choose(path, _WRITERS)(picks, Path(path))


def _choose(path: str | Path, known: dict[str, Callable]) -> Callable:
    suffix = Path(path).suffix.lower()
    if suffix not in known:
        raise ValueError(f"path={str(path)!r} must end in {' or '.join(known)}.")
    return known[suffix]


def _read_csv(path: Path) -> pd.DataFrame:
    # Text first: a network may be called NA, and a location 00.
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name, kind in {**COLUMNS, **EVENT_COLUMNS}.items():
        if name in table and kind != "str":
            table[name] = table[name].where(table[name] != "")
    return pick_table(table)


def _write_csv(picks: pd.DataFrame, path: Path) -> None:
    table = pick_table(picks)
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ")


_READERS: dict[str, Callable] = {".csv": _read_csv, ".txt": read_picks_text}
_WRITERS: dict[str, Callable] = {".csv": _write_csv, ".txt": write_picks_text}
