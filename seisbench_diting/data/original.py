"""The original files of DiTing: find them, read their rows, clean the values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import h5py
import numpy as np
import pandas as pd

from .._util import ArgumentError

_PART = re.compile(r"DiTing330km_part_(\d+)\.(hdf5|csv)", re.IGNORECASE)
_SPLIT = re.compile(r"train|val|dev|test", re.IGNORECASE)
#: Event and station in a key such as ``14.01``, which stands for ``000014.0100``.
_KEY = re.compile(r"(\d{1,6})(?:\.(\d{0,4}))?")
_NEEDED = {"key", "p_pick", "s_pick"}


class Part(NamedTuple):
    """
    Original files that become one chunk.

    :param chunk: Number of the part, the name of the chunk
    :param hdf5: File of the waveforms
    :param tables: CSV files that have its rows; None for a piece of the tutorial's merged
        file, which has them as attributes
    :param group: Group of the waveforms
    :param prefix: Beginning of the names of its events in the merged file
    """

    chunk: str
    hdf5: Path
    tables: tuple[Path, ...] | None
    group: str = "earthquake"
    prefix: str = ""

    def sources(self) -> dict[str, list[int]]:
        """
        :return: Size in bytes and time of change in ns of each file that is there
        """
        files = [f for f in (self.hdf5, *(self.tables or ())) if f.is_file()]
        stats = {file.name: file.stat() for file in files}
        return {name: [s.st_size, s.st_mtime_ns] for name, s in stats.items()}


def find_parts(source: Path) -> list[Part]:
    """
    The parts in a folder or below it. A part's rows are in the CSV file of its name, or in
    tables of any name with a column ``part``. The tutorial's merged file is cut into parts
    by the first two digits of the events.

    :param source: Folder, or the merged file
    :raises ArgumentError: if there are none, or two files are the same part
    :return: Parts in the order of their numbers
    """
    if source.is_file():
        return _merged_parts(source)
    files: dict[tuple[int, str], Path] = {}
    shared = []
    for path in sorted(source.rglob("*")):
        if match := _PART.fullmatch(path.name):
            key = int(match[1]), match[2].lower()
            if key in files:
                reason = f"{path} and {files[key]} are the same part"
                raise ArgumentError("source", str(source), reason)
            files[key] = path
        elif path.suffix.lower() == ".csv" and {"key", "part"} <= {*_header(path)}:
            shared.append(path)
    if not any(kind == "hdf5" for _, kind in files):
        reason = "it holds no DiTing330km_part_N.hdf5; name a merged file itself"
        raise ArgumentError("source", str(source), reason)
    parts = []
    for number in sorted({number for number, _ in files}):
        hdf5, table = (files.get((number, kind)) for kind in ("hdf5", "csv"))
        # A file that is missing is reported when its part is converted.
        hdf5 = hdf5 or files[number, "csv"].with_suffix(".hdf5")
        tables = (table,) if table else tuple(shared)
        parts.append(Part(f"{number:02d}", hdf5, tables))
    return parts


def _merged_parts(path: Path) -> list[Part]:
    found = set()
    if h5py.is_hdf5(path):
        with h5py.File(path) as file:
            for group in {"train", "test"} & file.keys():
                found |= {(group, event[:2]) for event in file[group]}
    if not found:
        reason = "it is not the tutorial's merged file, with groups train and test"
        raise ArgumentError("source", str(path), reason)
    return [Part("".join(place), path, None, *place) for place in sorted(found)]


def record_paths(part: Part, file: h5py.File) -> dict[str, str]:
    """
    :param part: Original files of the part
    :param file: Its HDF5 file
    :return: Place of each record's waveform in the file, by the name of the record
    """
    group = file[part.group]
    if part.tables is not None:
        return {name: f"{part.group}/{name}" for name in group}
    return {
        name: f"{part.group}/{event}/{name}"
        for event in group
        if event.startswith(part.prefix)
        for name in group[event]
    }


def _cells(line: str) -> list[str]:
    # A stray quote must not spoil the lines after it.
    return [cell.strip() for cell in line.replace('"', "").split(",")]


def _open(table: Path) -> TextIO:
    return table.open(encoding="utf-8-sig", errors="replace")


def _header(table: Path) -> list[str]:
    with _open(table) as file:
        return _cells(file.readline())


def more_columns(part: Part) -> list[str]:
    """
    :param part: Original files of the part
    :raises ValueError: if one of its tables lacks a column
    :return: Columns of its tables that DiTing's own do not have
    """
    more: dict[str, None] = {}
    for table in part.tables or ():
        header = dict.fromkeys(_header(table))
        if missing := _NEEDED - header.keys():
            raise ValueError(f"{table.name} has no column {min(missing)!r}.")
        more |= header
    return [name for name in more if name not in _ORIGINALS]


class Row(NamedTuple):
    """
    One record's row.

    :param place: Number of its line and name of its file, for messages
    :param name: Name of the record such as ``000014.0100``
    :param split: train, dev or test by its column ``split`` or the name of its table;
        else None
    :param cells: Text of the cells by column
    """

    place: str
    name: str
    split: str | None
    cells: dict[str, str]


def read_rows(
    part: Part, file: h5py.File, paths: dict[str, str], skip: Callable[[str, str], None]
) -> Iterator[Row]:
    """
    :param part: Original files of the part
    :param file: Its HDF5 file
    :param paths: What :py:func:`record_paths` gives
    :param skip: Called with the reason and the place of a row that can't be used
    :return: Its rows, in their order
    """
    if part.tables is None:
        for record, path in paths.items():
            cells = {key: _attribute(value) for key, value in file[path].attrs.items()}
            yield Row(path, record, part.group, cells)
        return
    for table in part.tables:
        header, file_name, of_table = _header(table), table.name, _split_in(table.stem)
        # A table of another name has the rows of other parts, too.
        is_shared = not _PART.fullmatch(file_name)
        with _open(table) as lines:
            for number, line in islice(enumerate(lines, start=1), 1, None):
                texts = _cells(line)
                cells = dict(zip(header, texts, strict=False))
                place = f"line {number} of {file_name}"
                if len(texts) != len(header):
                    if line.strip():
                        place += f" has {len(texts)} cells instead of {len(header)}"
                        skip("damaged line", place)
                elif is_shared and _chunk_of(cells["part"]) != part.chunk:
                    continue
                elif name := record_name(cells["key"]):
                    split = _split_in(cells.get("split", "")) or of_table
                    yield Row(place, name, split, cells)
                else:
                    skip("row without valid key", place)


def _attribute(value: object) -> str:
    """Text of an attribute of the merged file, in which -12345 is a missing number."""
    text = value.decode() if isinstance(value, bytes) else str(value).strip()
    return "" if _as_code(text) == "-12345" else text


def _split_in(text: str) -> str | None:
    match = _SPLIT.search(text)
    return match and match[0].lower().replace("val", "dev")


def _as_code(text: str) -> str:
    """Text without the point and zero that pandas gives whole numbers."""
    return text.removesuffix(".0")


def _chunk_of(cell: str) -> str:
    return _as_code(cell).zfill(2)


def count_elsewhere(parts: Iterable[Part], known: Container[str]) -> Counter[str]:
    """
    :param parts: All parts that are there
    :param known: Their chunks, and those that were converted before
    :return: Number of rows of other parts in tables of all parts, by chunk
    """
    count: Counter[str] = Counter()
    tables = {table for part in parts for table in part.tables or ()}
    for table in tables:
        if _PART.fullmatch(table.name):
            continue
        where = _header(table).index("part")
        with _open(table) as lines:
            cells = (_cells(line) for line in islice(lines, 1, None))
            count.update(_chunk_of(row[where]) for row in cells if len(row) > where)
    return Counter({chunk: n for chunk, n in count.items() if chunk not in known})


def record_name(key: str) -> str | None:
    """
    Name of a record in the HDF5 file, from the ``key`` of the CSV file, which was
    written as a number: ``14.01`` stands for ``000014.0100``.

    :param key: Text of the cell
    :return: Name, or None if the text can't be one
    """
    match = _KEY.fullmatch(key)
    return f"{match[1]:0>6}.{match[2] or '':0<4}" if match else None


_EMPTY = {"", "nan", "none", "null"}
_MOTIONS = {"U": "U", "C": "U", "D": "D", "R": "D"}
_ONSETS = {"I": "impulsive", "E": "emergent"}
_MAGNITUDE_TYPES = {"ML": "ML", "MS": "Ms", "MB": "mb", "MW": "Mw"}
#: Any finite number.
_NUMBER = (-1e300, 1e300)
#: From the first to the last sample of a record.
_SAMPLE = (0, None)
_SNRS = [
    f"{component}_{phase}_{kind}_snr"
    for component in "ZNE"
    for phase in "PS"
    for kind in ("amplitude", "power")
]

#: Column in SeisBench's format -> column of the CSV file, and its values: limits of
#: numbers, words by the original ones, or None for text that is kept.
COLUMNS: dict[str, tuple[str, Any]] = {
    "trace_p_arrival_sample": ("p_pick", _SAMPLE),
    "trace_s_arrival_sample": ("s_pick", _SAMPLE),
    "trace_polarity": ("p_motion", _MOTIONS),
    "trace_p_motion": ("p_motion", None),
    "trace_p_onset": ("p_clarity", _ONSETS),
    "source_ev_id": ("ev_id", None),
    "source_magnitude": ("evmag", (-10, 10)),
    "source_magnitude_type": ("mag_type", None),
    "station_network_code": ("net", None),
    "station_magnitude": ("st_mag", (-10, 10)),
    # At most half of the Earth's circumference.
    "path_ep_distance_km": ("dis", (0, 20040)),
    "path_back_azimuth_deg": ("baz", _NUMBER),
    "path_p_residual_s": ("P_residual", _NUMBER),
    "path_s_residual_s": ("S_residual", _NUMBER),
    **{f"trace_{name}": (name, _NUMBER) for name in _SNRS},
    "trace_part": ("part", None),
    "trace_original_index": ("", None),
}
#: The name of a record is ``key``, and has the number ``sta_id`` of its station.
_ORIGINALS = {"key", "sta_id", *(original for original, _ in COLUMNS.values())}


def clean_rows(
    rows: Sequence[Row],
    samples: Sequence[int],
    more: Sequence[str],
    counts: Counter[str],
) -> dict[str, Sequence[Any]]:
    """
    Metadata in SeisBench's names and units.

    :param rows: Rows
    :param samples: Number of samples of each record
    :param more: Further columns to keep
    :param counts: Number of removed values by column and reason; updated in place
    :return: Values by column, one for each row; NaN or None if unknown
    """
    metadata: dict[str, Sequence[Any]] = {
        "trace_name_original": [f"earthquake/{row.name}" for row in rows],
        "trace_npts": samples,
        "source_id": [row.name[:6] for row in rows],
        "station_code": [row.name[7:] for row in rows],
    }
    for column, (original, kind) in COLUMNS.items():
        text = [row.cells.get(original, "") for row in rows]
        if isinstance(kind, tuple):
            low, high = kind
            high = np.nextafter(samples, 0) if high is None else high
            values = np.array(pd.to_numeric(text, errors="coerce"), dtype=float)
            missing = [text[i].lower() for i in np.flatnonzero(np.isnan(values))]
            is_wrong = (values < low) | (values > high)
            counts[f"{original}: not a number"] += sum(m not in _EMPTY for m in missing)
            counts[f"{original}: impossible"] += int(is_wrong.sum())
            metadata[column] = np.where(is_wrong, np.nan, values).tolist()
            continue
        words = [None if word.lower() in _EMPTY else _as_code(word) for word in text]
        if kind is not None:
            words = [kind.get((word or "").upper()) for word in words]
        metadata[column] = words
    angles, types = metadata["path_back_azimuth_deg"], metadata["source_magnitude_type"]
    metadata["path_back_azimuth_deg"] = [angle % 360 for angle in angles]
    metadata["source_magnitude_type"] = [
        _MAGNITUDE_TYPES.get((word or "").upper(), word) for word in types
    ]
    for name in more:
        metadata[f"trace_original_{name}"] = [row.cells.get(name, "") for row in rows]
    return metadata
