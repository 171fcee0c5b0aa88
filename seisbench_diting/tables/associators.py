"""
Picks as other associators read them: folders for REAL, tables for PyOcto and GaMMA.

REAL: Zhang, M., Ellsworth, W. L., & Beroza, G. C. (2019). Rapid Earthquake Association and
Location. Seismological Research Letters, 90(6), 2276-2284.
<https://doi.org/10.1785/0220190052>

PyOcto: Münchmeyer, J. (2024). PyOcto: A high-throughput seismic phase associator.
Seismica, 3(1). <https://doi.org/10.26443/seismica.v3i1.1130>

GaMMA: Zhu, W., et al. (2022). Earthquake Phase Association Using a Bayesian Gaussian
Mixture Model. Journal of Geophysical Research: Solid Earth, 127.
<https://doi.org/10.1029/2021JB023249>
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote, unquote

import numpy as np
import pandas as pd

from .._util import LEFTOVER
from .schema import Picks, keep, pick_chunks, pick_table, reading

#: File that marks folders written here, which may be replaced.
MARKER = ".seisbench-diting-real"

_PICK_FILE = re.compile(r"(?P<network>[^.]*)\.(?P<station>.+)\.(?P<phase>[PS])\.txt")
_DAY = re.compile(r"\d{8}")
_NO_CODE = "--"

#: Characters of codes that are not percent-encoded in names of files.
_SAFE = " !#$&'()+,;=@[]^`{}"


def to_pyocto(picks: pd.DataFrame) -> pd.DataFrame:
    """
    For ``pyocto.OctoAssociator.associate``. Stations are NET.STA.LOC, so the ``id`` of its
    stations must be the ``station_id`` of the table of stations, as from
    ``inventory_to_df``. Pg and Pn are P, Sg and Sn are S. The rows are in the order of
    ``pick_table(picks)``, so PyOcto's ``pick_idx`` counts that.

    :param picks: Table of picks
    :return: Table with ``station``, ``phase``, ``time`` (seconds since 1970, within a
        microsecond) and ``probability``
    """
    table = pick_table(picks).rename(columns={"station_id": "station"})
    table["phase"] = table["phase"].str[:1]
    table["time"] = table["time"].astype("int64") / 1e6
    return table[["station", "phase", "time", "probability"]]


def to_gamma(picks: pd.DataFrame) -> pd.DataFrame:
    """
    For ``gamma.utils.association``. The ``id`` is NET.STA.LOC, and must be that of its
    table of stations. Pg and Pn are p, Sg and Sn are s. GaMMA takes amplitudes for m/s;
    with others, or where they are NaN, set its ``use_amplitude`` to False.

    :param picks: Table of picks
    :return: Table with ``id``, ``timestamp`` (UTC), ``type``, ``prob`` and ``amp``
    """
    names = {"station_id": "id", "time": "timestamp", "phase": "type"}
    names |= {"probability": "prob", "amplitude": "amp"}
    table = pick_table(picks)
    table["phase"] = table["phase"].str[:1].str.lower()
    return table[list(names)].rename(columns=names)


def write_real(picks: Picks, folder: str | Path) -> None:
    """
    Writes ``FOLDER/YYYYMMDD/NET.STA.P.txt`` and ``NET.STA.S.txt``, with one line a pick:
    seconds of the UTC day, probability, amplitude (0.0 where it is unknown). Pg and Pn
    are P, Sg and Sn are S; the locations of a station are one. A station with picks of
    one phase has an empty file of the other: older versions of REAL need both. A station
    without a network is ``--.STA``; characters that names of files can't have are
    percent-encoded.

    REAL takes amplitudes for millimetres on a Wood-Anderson seismometer; with others its
    magnitudes mean nothing, and its locations are the same.

    :param picks: Table of picks, or tables in order of time, of which one is in memory
    :param folder: Folder to write, atomically. An earlier one of this function is replaced,
        if nothing was added to it.
    :raises FileExistsError: if there is another folder, or a file
    """
    folder = Path(os.path.realpath(folder))
    if not folder.parent.is_dir():
        raise FileNotFoundError(
            f"{folder}: the folder {folder.parent} does not exist. Create it first."
        )
    if other := _other_file(folder):
        raise FileExistsError(
            f"folder={str(folder)!r} can't be replaced: {other} is not a file of picks "
            "that was written before. Choose another name, or move it away."
        )
    with TemporaryDirectory(
        prefix=f".{folder.name}-", suffix=LEFTOVER, dir=folder.parent
    ) as temporary:
        # Inside, for the rights of the user's other folders.
        new, old = Path(temporary) / "new", Path(temporary) / "old"
        new.mkdir()
        (new / MARKER).write_text("Picks for REAL, by seisbench-diting.\n")
        for table in pick_chunks(picks):
            _append(table, new)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)


def _other_file(folder: Path) -> Path | None:
    """:return: A file that was not written here, if there is any"""
    is_ours = (folder / MARKER).is_file()
    for path in sorted([folder, *folder.rglob("*")]):
        has_name = path.name == MARKER or _PICK_FILE.fullmatch(path.name)
        if path.is_file() and not (is_ours and has_name):
            return path
    return None


def _append(table: pd.DataFrame, folder: Path) -> None:
    days = table["time"].dt.floor("D")
    microseconds = (table["time"] - days) // pd.Timedelta("1us")
    lines = pd.DataFrame(
        {
            "day": days.dt.strftime("%Y%m%d"),
            "station": table["station_id"].str.replace(r"\.[^.]*$", "", regex=True),
            "phase": table["phase"].str[:1],
            "seconds": [f"{n // 10**6}.{n % 10**6:06d}" for n in microseconds],
            "probability": table["probability"],
            "amplitude": table["amplitude"].fillna(0.0),
        }
    )
    columns = ["seconds", "probability", "amplitude"]
    for (day, station), group in lines.groupby(["day", "station"]):
        name = ".".join(quote(c, safe=_SAFE) or _NO_CODE for c in station.split("."))
        (folder / day).mkdir(exist_ok=True)
        for phase in "PS":
            rows = group.loc[group["phase"] == phase, columns]
            path = folder / day / f"{name}.{phase}.txt"
            rows.to_csv(path, sep=" ", header=False, index=False, mode="a")


def read_real(folder: str | Path) -> pd.DataFrame:
    """
    Reads folders of one or more days. Amplitudes of 0 are unknown; the records and the
    locations of the stations are not in these files.

    :param folder: Folder with folders ``YYYYMMDD``, or one of these
    :raises NotADirectoryError: if there is no such folder
    :raises ValueError: if it holds no such folder, or a file without a pick
    :return: Table of picks
    """
    folder = Path(folder).absolute()
    if not folder.is_dir():
        raise NotADirectoryError(f"folder={str(folder)!r} is not a folder.")
    folders = [folder] if _DAY.fullmatch(folder.name) else sorted(folder.iterdir())
    days = [path for path in folders if _DAY.fullmatch(path.name)]
    if not days and not (folder / MARKER).is_file():
        raise ValueError(
            f"folder={str(folder)!r} holds no picks for REAL: its name, or those of the "
            "folders in it, must be days, such as 20161014."
        )
    tables = []
    for day in days:
        for file in sorted(day.iterdir()):
            if (name := _PICK_FILE.fullmatch(file.name)) and file.stat().st_size:
                with reading(file):
                    tables.append(_read_file(file, name, day.name))
    return pick_table(pd.concat(tables) if tables else [])


def _read_file(path: Path, name: re.Match[str], day: str) -> pd.DataFrame:
    text = path.read_text(encoding="utf-8", errors="replace").splitlines()
    rows = {n: line.split() for n, line in enumerate(text, 1) if line.strip()}
    index = pd.Index(list(rows), name="line")
    lines = pd.DataFrame(list(rows.values()), index=index).reindex(columns=range(3))
    numbers = lines.apply(pd.to_numeric, errors="coerce")
    wrong = numbers.isna().any(axis=1)
    lines["row"] = [" ".join(row) for row in rows.values()]
    right = keep(wrong, lines["row"], "seconds, probability, amplitude", "picks")
    seconds, probability, amplitude = numbers[right].to_numpy(float).T
    microseconds = np.round(seconds * 1e6).astype("timedelta64[us]")
    codes = (unquote(name[x]) for x in ("network", "station"))
    network, station = ("" if code == _NO_CODE else code for code in codes)
    picks = {
        "station_id": f"{network}.{station}.",
        "phase": name["phase"],
        "time": pd.Timestamp(day, tz="UTC") + pd.to_timedelta(microseconds),
        "probability": probability,
        "amplitude": np.where(amplitude == 0, np.nan, amplitude),
    }
    return pick_table(pd.DataFrame(picks, index=index[right]))
