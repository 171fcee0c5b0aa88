"""Tables that come piece by piece, so that years of picks never lie in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd

from .picks import EVENT_COLUMNS, pick_table

#: A table of picks, or tables in order of time that make up one.
Picks = pd.DataFrame | Iterable[pd.DataFrame]


def pick_chunks(picks: Picks) -> Iterator[pd.DataFrame]:
    """
    At least one table, though it may be empty; none of the others is. All have the
    columns of the first.

    :param picks: Table of picks, or tables of which each begins no earlier than the one
        before ends
    :raises TypeError: if it is neither
    :raises ValueError: if a table is no table of picks, is out of order, or has columns of
        event picks that the first one hasn't
    :return: Tables of picks
    """
    first: pd.DataFrame | None = None
    last: pd.Timestamp | None = None
    for number, chunk in enumerate(
        [picks] if isinstance(picks, pd.DataFrame) else picks, start=1
    ):
        if not isinstance(chunk, pd.DataFrame):
            raise TypeError(
                f"picks must be a table, or tables, but holds {type(chunk).__name__}."
            )
        table = pick_table(chunk)
        if len(table) == 0:
            # Its columns count only where nothing else comes.
            first = table if first is None else first
            continue
        if first is None or len(first) == 0:
            first = table
        if last is not None and table["time"].iloc[0] < last:
            raise ValueError(
                "picks must come in order of time, but table "
                f"{number} begins at {table['time'].iloc[0]}, before {last}, where the "
                "one before it ends. Sort them, or pass one table."
            )
        last = table["time"].iloc[-1]
        if len(table.columns) > len(first.columns):
            raise ValueError(
                f"picks: table {number} has the columns of event picks, the first has "
                f"not. Give the first one {', '.join(EVENT_COLUMNS)}, too."
            )
        if len(table.columns) < len(first.columns):
            table = pick_table(table.assign(event_id=""))
        yield table
    if first is None or len(first) == 0:
        yield pick_table([]) if first is None else first
