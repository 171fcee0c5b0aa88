"""
Picks in the folders that REAL reads, one for each day.

REAL: Zhang, M., Ellsworth, W. L., & Beroza, G. C. (2019). Rapid Earthquake Association and
Location. Seismological Research Letters, 90(6), 2276-2284.
<https://doi.org/10.1785/0220190052>
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from .._util import LEFTOVER
from .chunks import Picks, pick_chunks
from .picks import pick_table

#: In every folder that was written here, which may be replaced.
MARKER = ".seisbench-diting-real"

_PICK_FILE = re.compile(r"(?P<network>[^.]*)\.(?P<station>.+)\.(?P<phase>[PS])\.txt")

_DAY = re.compile(r"\d{8}")

_NO_NETWORK = "--"


def write_real(picks: Picks, folder: str | Path) -> None:
    """
    Writes ``FOLDER/YYYYMMDD/NET.STA.P.txt`` and ``NET.STA.S.txt``, with one line a pick:
    seconds of the UTC day, probability, amplitude (0.0 where it is unknown). Pg and Pn
    are P, Sg and Sn are S; the locations of a station are one. A station with picks of
    one phase has an empty file of the other: older versions of REAL need both. A station
    without a network is ``--.STA``.

    REAL takes amplitudes for millimetres on a Wood-Anderson seismometer; with others its
    magnitudes mean nothing, and its locations are the same.

    :param picks: Table of picks, or tables in order of time, of which one is in memory
    :param folder: Folder to write. It is whole or not there. An empty one is replaced, and
        one that was written here, if nothing was added to it.
    :raises FileExistsError: if there is another folder, or a file
    :raises ValueError: if a station's name can't be part of a file's name
    """
    with _replacing_folder(Path(folder)) as temporary:
        for table in pick_chunks(picks):
            _append(table, temporary)


def _append(table: pd.DataFrame, folder: Path) -> None:
    days = table["time"].dt.floor("D")
    seconds = (table["time"] - days) // pd.Timedelta("1us")
    parts = table["station_id"].str.split(".", expand=True)
    lines = pd.DataFrame(
        {
            "day": days.dt.strftime("%Y%m%d"),
            "network": parts[0] if len(table) else "",
            "station": parts[1] if len(table) else "",
            "phase": table["phase"].str[0],
            "seconds": seconds,
            "probability": table["probability"],
            "amplitude": table["amplitude"].fillna(0.0),
        }
    )
    for (day, network, station), group in lines.groupby(["day", "network", "station"]):
        name = f"{network or _NO_NETWORK}.{station}"
        if set(name) & {"/", "\\", "\0"} or not station:
            raise ValueError(
                f"picks['station_id'] holds {network}.{station}, which is no name for a "
                "file. Rename the station."
            )
        (folder / day).mkdir(exist_ok=True)
        for phase in "PS":
            with (folder / day / f"{name}.{phase}.txt").open("a") as file:
                file.writelines(
                    f"{row.seconds // 10**6}.{row.seconds % 10**6:06d} "
                    f"{row.probability!r} {row.amplitude!r}\n"
                    for row in group[group["phase"] == phase].itertuples()
                )


def read_real(folder: str | Path) -> pd.DataFrame:
    """
    Reads folders of one or more days. Amplitudes of 0 are unknown; the records and the
    locations of the stations are not in these files.

    :param folder: Folder with folders ``YYYYMMDD``, or one of these
    :raises NotADirectoryError: if there is no such folder
    :raises ValueError: if it holds no such folder, or a line is no pick
    :return: Table of picks
    """
    folder = Path(folder).absolute()
    if not folder.is_dir():
        raise NotADirectoryError(f"folder={str(folder)!r} is no folder.")
    folders = [folder] if _DAY.fullmatch(folder.name) else sorted(folder.iterdir())
    days = {path: _day(path) for path in folders if _DAY.fullmatch(path.name)}
    if not days and not (folder / MARKER).is_file():
        raise ValueError(
            f"folder={str(folder)!r} holds no picks for REAL: its name, or those of the "
            "folders in it, must be a day's, such as 20161014."
        )
    tables = [
        _read_file(file, match, start)
        for day, start in days.items()
        for file in sorted(day.iterdir())
        if (match := _PICK_FILE.fullmatch(file.name))
    ]
    tables = [table for table in tables if len(table)]
    return pick_table(pd.concat(tables) if tables else [])


def _day(folder: Path) -> np.datetime64:
    name = folder.name
    try:
        return np.datetime64(f"{name[:4]}-{name[4:6]}-{name[6:]}", "us")
    except ValueError as error:
        raise ValueError(f"{folder} is not named after a day: {error}.") from error


def _read_file(path: Path, name: re.Match[str], day: np.datetime64) -> pd.DataFrame:
    with path.open(encoding="utf-8", errors="replace") as file:
        rows = [
            _numbers(line, number, path)
            for number, line in enumerate(file, start=1)
            if line.strip()
        ]
    seconds, probability, amplitude = np.array(rows, dtype=float).reshape(-1, 3).T
    network = name["network"].replace(_NO_NETWORK, "")
    return pd.DataFrame(
        {
            "station_id": f"{network}.{name['station']}.",
            "phase": name["phase"],
            "time": day + np.round(seconds * 1e6).astype("timedelta64[us]"),
            "probability": probability,
            "amplitude": np.where(amplitude == 0, np.nan, amplitude),
        }
    )


def _numbers(line: str, number: int, path: Path) -> list[float]:
    try:
        values = [float(field) for field in line.split()]
        if len(values) != 3:
            raise ValueError(f"{len(values)} numbers instead of 3")
        if not np.isfinite(values[0]):
            raise ValueError(f"{values[0]} seconds")
    except ValueError as error:
        raise ValueError(
            f"Line {number} of {path} is no pick ({error}): {line.strip()[:80]!r}. A pick "
            "is seconds, probability and amplitude."
        ) from error
    return values


@contextmanager
def _replacing_folder(folder: Path) -> Iterator[Path]:
    folder = Path(os.path.realpath(folder))
    _check_replaceable(folder)
    if not folder.parent.is_dir():
        raise FileNotFoundError(
            f"{folder} can't be written: there is no folder {folder.parent}. Make it "
            "first."
        )
    temporary = _beside(folder)
    try:
        temporary.mkdir()
        (temporary / MARKER).write_text("Picks for REAL, by seisbench-diting.\n")
        yield temporary
        # Again: it may have been made in the meantime.
        _check_replaceable(folder)
        old = _beside(folder)
        try:
            if folder.exists():
                folder.rename(old)
            temporary.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _beside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}-{secrets.token_hex(4)}{LEFTOVER}")


def _check_replaceable(folder: Path) -> None:
    if not folder.exists():
        return
    other = next(_not_ours(folder), None) if folder.is_dir() else folder
    if other is not None:
        raise FileExistsError(
            f"folder={str(folder)!r} can't be replaced: {other} is no file of picks that "
            "was written before. Choose another name, or move it away."
        )


def _not_ours(folder: Path) -> Iterator[Path]:
    paths = sorted(folder.iterdir())
    if paths and folder / MARKER not in paths:
        yield paths[0]
    for path in paths:
        if path.is_dir() and _DAY.fullmatch(path.name):
            yield from (p for p in path.iterdir() if not _PICK_FILE.fullmatch(p.name))
        elif path.name != MARKER:
            yield path
