"""Files of an association."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import pandas as pd

from .. import __version__
from .._util import beside, replacing_together, write_text
from ..tables import write_association
from ..tables.parquet import import_pyarrow
from .interface import Association

#: Files with which the command pick goes on, or that only it writes.
_OF_PICK = (".state", ".log")

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
    :raises ValueError: if one isn't known, or there is none
    :return: The names
    """
    names = tuple(formats)
    if not names:
        raise ValueError(f"formats is empty; possible are {', '.join(FORMATS)}.")
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


def check_output(
    output: str | Path, formats: Iterable[str], inputs: Iterable[str | Path]
) -> None:
    """
    :param output: Name that files begin with
    :param formats: Formats that will be written
    :param inputs: Files that must stay
    :raises ValueError: if the name is none, a file of inputs would be replaced, or there
        are files of ``pick`` of this name
    :raises OSError: if nothing can be written there
    :raises ImportError: for ``parquet`` without pyarrow
    """
    name = check_name(output)
    written = {beside(name, ending).resolve() for ending in _endings(formats)}
    for path in map(Path, inputs):
        if path.resolve() in written:
            raise ValueError(
                f"output={str(output)!r} would replace {path}, which is read. Choose "
                "another name."
            )
    for path in written:
        if path.is_dir():
            raise IsADirectoryError(
                f"output={str(output)!r} would write {path}, which is a folder. Choose "
                "another name."
            )
    for ending in _OF_PICK:
        if beside(name, ending).exists():
            raise ValueError(
                f"output={str(output)!r} is a name of the command pick, whose files would "
                f"be replaced; {beside(name, ending)} is one of them. Choose another name."
            )
    if "parquet" in formats:
        import_pyarrow()
    # Long work must not end in this.
    try:
        with TemporaryFile(dir=name.parent):
            pass
    except OSError as error:
        raise type(error)(
            f"output={str(output)!r}: nothing can be written to {name.parent}: "
            f"{error.strerror}."
        ) from error


def _endings(formats: Iterable[str]) -> Iterator[str]:
    for ending in (FORMATS[kind] for kind in formats):
        yield ending
        if ".events." in ending:
            yield ending.replace(".events.", ".picks.")
    yield from (".png", ".err", ".json")


def write_outputs(
    result: Association,
    output: str | Path,
    stations: pd.DataFrame,
    formats: Iterable[str] = ("csv", "txt", "quakeml"),
    plot: bool = True,
) -> list[Path]:
    """
    None of the files is replaced before all of them are whole.

    :param result: Association
    :param output: Name that the files begin with
    :param stations: Table of stations
    :param formats: ``csv`` and ``parquet``, each with one file of events and one of picks;
        ``txt``, the published text; ``quakeml``
    :param plot: Draw NAME.png, if there are events
    :raises ValueError: if a format isn't known, or output is no name
    :raises FileNotFoundError: if its folder is missing
    :raises IsADirectoryError: if one of the files is a folder
    :raises ImportError: for ``parquet`` without pyarrow
    :return: What was written
    """
    name = check_name(output)
    kinds = check_formats(formats)
    picture = beside(name, ".png")
    written = [beside(name, ending) for ending in _endings(kinds)]
    if not (plot and len(result.events)):
        written.remove(picture)
    with replacing_together(written) as new:
        for kind in kinds:
            path = new[beside(name, FORMATS[kind])]
            write_association(result.events, result.picks, path, stations)
        if picture in new:
            from ..plots import plot_association, save_figure

            figure = plot_association(result.events, result.picks, stations, name.name)
            save_figure(figure, new[picture])
        write_text(new[beside(name, ".err")], _left_out(result.not_used))
        summary = result.summary | {
            "version": __version__,
            "files": list(map(str, written)),
        }
        write_text(new[beside(name, ".json")], _json(summary))
    if plot and picture not in written:
        # A picture of an earlier run would not be that of these tables.
        picture.unlink(missing_ok=True)
    return written


def _json(summary: dict[str, Any]) -> str:
    """As others read it, who don't know infinite numbers."""
    options = {
        key: None if isinstance(value, float) and not np.isfinite(value) else value
        for key, value in summary["options"].items()
    }
    return (
        json.dumps(
            summary | {"options": options}, indent=2, default=str, allow_nan=False
        )
        + "\n"
    )


def _left_out(picks: pd.DataFrame) -> Iterable[str]:
    """One pick a line: why it could not be used, its station, phase and time."""
    for row in picks.itertuples(index=False):
        time = row.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        yield f"{row.reason}: {row.station_id} {row.phase} {time}\n"
