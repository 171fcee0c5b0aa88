"""Tables as comma separated values: the picks' own file, and reading of anyone's."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from .._util import replacing
from .chunks import Picks, pick_chunks
from .columns import with_gaps
from .picks import COLUMNS, EVENT_COLUMNS, pick_table

#: What of SeisBench's ``picks.to_dataframe()`` is part of a table of picks.
_OF_SEISBENCH = ("station", "phase", "time", "probability")

_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def write_picks_csv(picks: Picks, path: str | Path) -> None:
    """
    :param picks: Table of picks, or tables in order of time
    :param path: File to write
    """
    write_csv(pick_chunks(picks), path)


def read_picks_csv(path: str | Path) -> pd.DataFrame:
    """
    :param path: File to read
    :raises ValueError: if it is no file of picks
    :return: Table of picks, also of a file that SeisBench's picks were written to
    """
    table = read_text(path)
    if "station_id" not in table and table.columns.isin(_OF_SEISBENCH).sum() == 4:
        table = table[list(_OF_SEISBENCH)].rename(columns={"station": "station_id"})
    try:
        return pick_table(with_gaps(table, {**COLUMNS, **EVENT_COLUMNS}))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def write_csv(
    tables: Iterable[pd.DataFrame], path: str | Path, time_format: str = _TIME_FORMAT
) -> None:
    """
    :param tables: Tables with the same columns
    :param path: File to write
    :param time_format: How times are written
    """
    with (
        replacing(Path(path)) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        header = True
        for table in tables:
            table.to_csv(
                file,
                index=False,
                header=header,
                date_format=time_format,
                lineterminator="\n",
            )
            header = False


def read_text(path: str | Path, separator: str = ",") -> pd.DataFrame:
    """
    :param path: File to read
    :param separator: What divides its columns
    :raises ValueError: if its lines don't fit its header
    :return: Table of text: a network may be called NA, and a location 00
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", pd.errors.ParserWarning)
        try:
            table = pd.read_csv(
                Path(path),
                sep=separator,
                dtype=str,
                keep_default_na=False,
                index_col=False,
                skipinitialspace=True,
                encoding="utf-8-sig",
                encoding_errors="replace",
            )
        except ValueError as error:
            raise ValueError(
                f"{path} is no table of text: {str(error).strip()}."
            ) from error
    # pandas would leave out what is beyond the header; an empty end of each line is no loss.
    is_longer = any(issubclass(w.category, pd.errors.ParserWarning) for w in caught)
    if is_longer and not _all_end_with(path, separator):
        raise ValueError(
            f"{path} is no table of text with a header: its lines have more fields than "
            f"the {len(table.columns)} of its first line."
        )
    return table


def read_any(path: str | Path, names: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """
    Reads columns by the names that they have in the field, whatever divides them. Case,
    blanks and punctuation don't count; other columns are left out.

    :param path: File with a header, divided by commas, tabs, semicolons or bars
    :param names: Columns, and names for them in order of preference
    :raises ValueError: if it is no such file
    :return: Table of text, with those of the columns that were found
    """
    with Path(path).open(encoding="utf-8-sig", errors="replace") as file:
        header = next(_lines(file), "")
    separator = max(",\t;|", key=header.count)
    table = read_text(path, separator)
    known = {_plain(name): name for name in reversed(table.columns.map(str))}
    found = {
        column: known[_plain(name)]
        for column, candidates in names.items()
        for name in reversed(candidates)
        if _plain(name) in known
    }
    return pd.DataFrame(
        {column: table[name].str.strip() for column, name in found.items()}
    )


def _all_end_with(path: str | Path, separator: str) -> bool:
    with Path(path).open(encoding="utf-8-sig", errors="replace") as file:
        next(_lines(file), "")
        return all(line.rstrip("\r\n ").endswith(separator) for line in _lines(file))


def _lines(lines: Iterable[str]) -> Iterator[str]:
    return (line for line in lines if line.strip())


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())
