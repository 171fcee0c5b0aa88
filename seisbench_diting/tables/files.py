"""Pick tables in files, whose ending tells their format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import pandas as pd

from .chunks import Picks
from .comma import read_picks_csv, write_picks_csv
from .frames import read_gamma, read_pyocto, write_gamma, write_pyocto
from .parquet import read_picks_parquet, write_picks_parquet
from .quakeml import write_picks_quakeml
from .quakeml_reading import read_picks_quakeml
from .text import read_picks_text, write_picks_text

_T = TypeVar("_T")

# The longer endings first.
_FORMATS: dict[
    str, tuple[Callable[[Path], pd.DataFrame], Callable[[Picks, Path], None]]
] = {
    ".pyocto.csv": (read_pyocto, write_pyocto),
    ".gamma.csv": (read_gamma, write_gamma),
    ".csv": (read_picks_csv, write_picks_csv),
    ".txt": (read_picks_text, write_picks_text),
    ".parquet": (read_picks_parquet, write_picks_parquet),
    ".xml": (read_picks_quakeml, write_picks_quakeml),
    ".quakeml": (read_picks_quakeml, write_picks_quakeml),
}


def read_picks(path: str | Path) -> pd.DataFrame:
    """
    :param path: File that ends in

        - ``.csv``: all columns of the table; or SeisBench's ``picks.to_dataframe()``
        - ``.parquet``: the same; needs pyarrow
        - ``.txt``: the published text format, which rounds
        - ``.xml``, ``.quakeml``: QuakeML
        - ``.pyocto.csv``, ``.gamma.csv``: stations, phases (P or S), times and
          probabilities for these associators

        Picks for REAL are in folders, see :py:func:`~seisbench_diting.tables.read_real`.
    :raises ValueError: for another ending, or if it is no such file
    :raises ImportError: for ``.parquet`` without pyarrow
    :return: Table of picks
    """
    read, _ = choose(path, _FORMATS)
    return read(Path(path))


def write_picks(picks: Picks, path: str | Path) -> None:
    """
    The file is whole or not there, and of several tables one is in memory.

    :param picks: Table of picks, or any iterable of tables in order of time
    :param path: File to write, see :py:func:`read_picks`
    :raises ValueError: for another ending, or if there is no table of picks
    :raises ImportError: for ``.parquet`` without pyarrow
    """
    _, write = choose(path, _FORMATS)
    write(picks, Path(path))


def choose(path: str | Path, known: Mapping[str, _T]) -> _T:
    """
    :param path: File
    :param known: Endings, longer ones first
    :raises ValueError: if the file has none of them
    :return: What belongs to its ending
    """
    name = Path(path).name.lower()
    for ending, value in known.items():
        if name.endswith(ending):
            return value
    raise ValueError(f"path={str(path)!r} must end in {' or '.join(known)}.")
