"""Files of an association."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from ..files import write_text
from ..tables import write_association
from .interface import Association

#: Formats and how their files end.
FORMATS = {
    "csv": ".events.csv",
    "parquet": ".events.parquet",
    "txt": ".txt",
    "quakeml": ".xml",
}


def check_formats(formats: Iterable[str]) -> tuple[str, ...]:
    """
    :param formats: Names of formats
    :raises ValueError: if one isn't known
    :return: The names
    """
    names = tuple(formats)
    for name in names:
        if name not in FORMATS:
            raise ValueError(
                f"formats={','.join(names)!r} holds {name!r}; possible are "
                f"{', '.join(FORMATS)}."
            )
    return names


def check_name(output: str | Path) -> Path:
    """
    :param output: Name that files begin with
    :raises ValueError: if it is empty or a folder
    :raises FileNotFoundError: if its folder is missing
    :return: The name
    """
    path = Path(output)
    if not path.name or path.is_dir():
        raise ValueError(
            f"output={str(output)!r} must be a name that files begin with, not a folder; "
            f"add one, such as {str(path / 'events')!r}."
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"output={str(output)!r}: there is no folder {path.parent}. Make it first."
        )
    return path


def write_outputs(
    result: Association,
    output: str | Path,
    stations: pd.DataFrame,
    formats: Iterable[str] = ("csv", "txt", "quakeml"),
    plot: bool = True,
) -> list[Path]:
    """
    Each file is whole or not there.

    :param result: Association
    :param output: Name that the files begin with
    :param stations: Table of stations
    :param formats: ``csv`` and ``parquet``, each with one file of events and one of picks;
        ``txt``, the published text; ``quakeml``
    :param plot: Draw NAME.png, if there are events
    :raises ValueError: if a format isn't known, or output is no name
    :raises FileNotFoundError: if its folder is missing
    :raises ImportError: for ``parquet`` without pyarrow
    :return: What was written
    """
    name = check_name(output)
    written = []
    for ending in (FORMATS[kind] for kind in check_formats(formats)):
        path = name.with_name(name.name + ending)
        write_association(result.events, result.picks, path, stations)
        written.append(path)
        if ".events." in ending:
            picks = ending.replace(".events.", ".picks.")
            written.append(name.with_name(name.name + picks))
    path = name.with_name(f"{name.name}.png")
    if plot and len(result.events) == 0:
        # A picture of an earlier run would not be that of these tables.
        path.unlink(missing_ok=True)
    elif plot:
        from ..figures import save_figure
        from .figures import plot_association

        figure = plot_association(result.events, result.picks, stations, name.name)
        save_figure(figure, path)
        written.append(path)
    path = name.with_name(f"{name.name}.err")
    write_text(path, _left_out(result.not_used))
    written.append(path)
    path = name.with_name(f"{name.name}.json")
    write_text(path, json.dumps(result.summary, indent=2, default=str) + "\n")
    written.append(path)
    return written


def _left_out(picks: pd.DataFrame) -> Iterable[str]:
    """One pick a line: why it could not be used, its station, phase and time."""
    for row in picks.itertuples(index=False):
        time = row.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        yield f"{row.reason}: {row.station_id} {row.phase} {time}\n"
