"""Tables of text: CSV, and whatever else divides columns."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import pandas as pd

from .._util import replacing

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def write_csv(
    tables: Iterable[pd.DataFrame], path: Path, time_format: str = TIME_FORMAT
) -> None:
    """
    :param tables: Tables with the same columns, of which one is in memory
    :param path: File to write
    :param time_format: Format of times
    """
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        for number, table in enumerate(tables):
            table.to_csv(
                file,
                index=False,
                header=number == 0,
                date_format=time_format,
                lineterminator="\n",
            )


def read_csv(path: Path) -> pd.DataFrame:
    """
    :param path: File with a header, divided by commas, tabs, semicolons or bars
    :raises ValueError: if it is not such a file
    :return: Table of text: a network may be called NA, and a location 00
    """
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        lines = list(islice((line for line in file if line.strip()), 2))
    separator = max(",\t;|", key="".join(lines[:1]).count)
    rows = [*csv.reader(lines, delimiter=separator, skipinitialspace=True)]
    heads = rows[0] if rows else []
    try:
        with warnings.catch_warnings():
            # Of lines with more fields, which pandas would leave out.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                path,
                sep=separator,
                header=0,
                names=list(range(max(map(len, rows), default=0))),
                dtype=str,
                keep_default_na=False,
                index_col=False,
                skipinitialspace=True,
                encoding="utf-8-sig",
                encoding_errors="replace",
            )
        # What ends with a separator has an empty field more.
        if table.iloc[:, len(heads) :].ne("").any(axis=None):
            raise ValueError("Lines have more fields than the header")
    except (ValueError, pd.errors.ParserWarning) as error:
        raise ValueError(
            f"it is not a table of text with a header: {str(error).strip()}."
        ) from error
    table = pd.DataFrame({place: table[place].str.strip() for place in table})
    return table.iloc[:, : len(heads)].set_axis(heads, axis="columns")
