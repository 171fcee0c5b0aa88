"""The original files of DiTing: finding them, reading them, cleaning their cells."""

from __future__ import annotations

import csv
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pandas as pd

from .._util import ArgumentError

_PART = re.compile(r"DiTing330km_part_(\d+)\.(hdf5|csv)", re.IGNORECASE)
_KEY = re.compile(r"(\d{1,6})(?:\.(\d{0,4}))?")
_FLOAT32 = np.dtype("<f4")
#: Columns that a CSV file of DiTing must have.
_NEEDED = ("key", "p_pick", "s_pick")

#: Records of one chunk when the merged file is converted: about 11 GB.
MERGED_CHUNK_RECORDS = 100_000

#: Errors of h5py for a file that is missing, damaged or of another format.
READING_ERRORS = (OSError, ValueError, KeyError, RuntimeError)


class Part(NamedTuple):
    """
    Original files that become one chunk.

    :param chunk: Name of the chunk
    :param hdf5: File of the waveforms
    :param csv: File of the rows; None for the tutorial's merged file
    :param group: Group of the waveforms; in the merged file also the name of the split
    :param start: First event of the merged file's group, in the order of names
    :param stop: The event after the last
    :param records: Records of these events
    """

    chunk: str
    hdf5: Path
    csv: Path | None
    group: str = "earthquake"
    start: int = 0
    stop: int = 0
    records: int = 0

    def sources(self) -> dict[str, list[int]]:
        """
        :return: Size in bytes and time of change in ns of each file that is there
        """
        files = [file for file in (self.hdf5, self.csv) if file and file.is_file()]
        stats = {file.name: file.stat() for file in files}
        return {name: [s.st_size, s.st_mtime_ns] for name, s in stats.items()}

    def count_rows(self) -> int:
        """
        :return: Number of lines below the header of the CSV file, 0 if there is none
        """
        if self.csv is None or not self.csv.is_file():
            return 0
        with self.csv.open("rb") as file:
            return max(0, sum(1 for line in file if line.strip()) - 1)


class Row(NamedTuple):
    """
    One record's row.

    :param line: Where it stands, for messages
    :param name: Name of the record such as ``000014.0100``, empty if it can't be told
    :param cells: Text of the cells, in the order of the header
    :param problem: Why it can't be used, empty if it can
    """

    line: str
    name: str = ""
    cells: Sequence[str] = ()
    problem: str = ""


def find_parts(source: Path) -> list[Part]:
    """
    The original files in a folder or below it, or the merged file.

    :param source: Folder of the parts, or the merged file or its folder
    :raises ArgumentError: if there are none, or a part is there twice
    :return: Parts in the order of their numbers
    """
    if source.is_file():
        return _merged_parts(source, source)
    files: dict[tuple[int, str], Path] = {}
    for path in sorted(source.rglob("*")):
        if (match := _PART.fullmatch(path.name)) and path.is_file():
            key = int(match[1]), match[2].lower()
            if key in files:
                raise _none(source, f"{path} and {files[key]} are the same part")
            files[key] = path
    if any(kind == "hdf5" for _, kind in files):
        parts = []
        for number in sorted({number for number, _ in files}):
            hdf5, rows = (files.get((number, kind)) for kind in ("hdf5", "csv"))
            # A file that is missing is reported when its part is converted.
            hdf5 = hdf5 or rows.with_suffix(".hdf5")  # type: ignore[union-attr]
            parts.append(Part(f"{number:02d}", hdf5, rows or hdf5.with_suffix(".csv")))
        return parts
    merged = [path for path in source.glob("*") if path.suffix in (".h5", ".hdf5")]
    if len(merged) == 1:
        return _merged_parts(source, merged[0])
    raise _none(
        source, "there is neither DiTing330km_part_N.hdf5 nor exactly one merged file"
    )


def _none(source: Path, reason: str) -> ArgumentError:
    text = f"{reason}. Name the folder of the original files, or the merged file itself"
    return ArgumentError("source", str(source), text)


def _merged_parts(source: Path, path: Path) -> list[Part]:
    parts: list[Part] = []
    try:
        file = _open_hdf5(path)
    except OSError as error:
        raise _none(source, str(error).rstrip(".")) from error
    with file:
        for name in ("train", "test"):
            group = file.get(name)
            if not isinstance(group, h5py.Group):
                continue
            number = start = records = 0
            for stop, event in enumerate(group, start=1):
                try:
                    records += h5py.h5g.open(group.id, event.encode()).get_num_objs()
                except (KeyError, ValueError) as error:
                    raise _none(source, f"{name}/{event} is not an event") from error
                if records >= MERGED_CHUNK_RECORDS or stop == len(group):
                    chunk = f"{name}{number:02d}"
                    parts.append(Part(chunk, path, None, name, start, stop, records))
                    number, start, records = number + 1, stop, 0
    if not parts:
        raise _none(source, f"{path.name} has neither group 'train' nor 'test'")
    return parts


def _open_hdf5(path: Path) -> h5py.File:
    if not path.is_file():
        raise FileNotFoundError(f"its {path.suffix} file is missing: copy it there.")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise OSError(f"can't be read as HDF5 ({error}): copy it again.") from error


@contextmanager
def open_part(part: Part) -> Iterator[OpenPart]:
    """
    :param part: Part to read
    :raises OSError: if a file is missing or damaged
    :raises ValueError: if a file is not one of DiTing's
    :return: The part, open
    """
    if part.csv is not None and not part.csv.is_file():
        raise FileNotFoundError("its .csv file is missing: copy it there.")
    with _open_hdf5(part.hdf5) as file:
        group = file.get(part.group)
        if not isinstance(group, h5py.Group):
            raise ValueError(
                f"has no group {part.group!r}: it is not an original file."
            )
        yield OpenPart(part, group)


class OpenPart:
    """
    Reads a part record by record, in the order of its CSV file or of names.

    :param part: Part
    :param group: Group of its waveforms
    """

    def __init__(self, part: Part, group: h5py.Group):
        self.part = part
        self._group = group
        self._memory = np.empty(0, dtype=_FLOAT32)
        file = group.file
        # Contiguous samples are read without HDF5, in half of the time.
        is_ordinary = file.driver == "sec2" and file.userblock_size == 0
        can_read = is_ordinary and hasattr(os, "preadv")
        self._handle = file.id.get_vfd_handle() if can_read else None
        #: Names of the columns, once the first row has been read.
        self.header: list[str] = []

    def count(self) -> int:
        """
        :return: Number of records, including those without row or waveform
        """
        return self.part.records or len(self._group)

    def rows(self) -> Iterator[Row]:
        """
        :return: The rows in their order
        """
        return self._merged_rows() if self.part.csv is None else self._csv_rows()

    def _csv_rows(self) -> Iterator[Row]:
        path = self.part.csv
        assert path is not None
        with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
            self.header = header = [name.strip() for name in _cells(file.readline())]
            for name in (*_NEEDED, *header):
                if header.count(name) != 1:
                    how = "twice" if name in header else "not"
                    raise ValueError(f"the column {name!r} is {how} in its first line.")
            key = header.index("key")
            for number, text in enumerate(file, start=2):
                line = f"line {number} of {path.name}"
                # Line by line: a stray quote must not spoil the lines after it.
                cells = _cells(text)
                if len(cells) == len(header):
                    yield Row(line, record_name(cells[key]) or "", cells)
                elif cells:
                    place = f"{line} has {len(cells)} cells instead of {len(header)}"
                    yield Row(place, problem="damaged line")

    def _merged_rows(self) -> Iterator[Row]:
        for event in list(self._group)[self.part.start : self.part.stop]:
            for name, record in self._group[event].items():
                line = f"{self.part.group}/{event}/{name}"
                cells = {key: _as_text(value) for key, value in record.attrs.items()}
                # An attribute that the first record lacks is kept for the others.
                self.header = self.header or sorted(_ORIGINALS | cells.keys())
                if others := cells.keys() - set(self.header):
                    reason = "unknown attribute that the first record lacks"
                    yield Row(f"{line}: {min(others)}", problem=reason)
                values = [cells.get(key, "") for key in self.header]
                yield Row(line, record_name(name) or "", values)

    def _path(self, name: str) -> str:
        return name if self.part.csv else f"{name.partition('.')[0]}/{name}"

    def __contains__(self, name: str) -> bool:
        return self._path(name) in self._group

    def names(self) -> Iterator[str]:
        """
        :return: Names of all waveforms, with or without a row; none for the merged file,
            whose rows are attributes of the waveforms
        """
        return iter(self._group if self.part.csv else ())

    def read(self, name: str) -> np.ndarray | None:
        """
        :param name: Name of a record
        :raises OSError: if the record is damaged
        :return: Waveform as it is in the file, whose memory the next call uses again;
            None if there is no such record
        """
        path = self._path(name).encode()
        try:
            dataset = h5py.h5d.open(self._group.id, path)
        except KeyError as error:
            # h5py raises this also for a damaged record.
            if path in self._group:
                raise OSError(str(error)) from error
            return None
        kind, shape = dataset.get_type(), dataset.shape
        # Asking for the usual type is several times faster than translating it.
        if not kind.equal(h5py.h5t.IEEE_F32LE):
            waveform = np.empty(shape, dtype=kind.dtype)
        else:
            size = math.prod(shape)
            if size > self._memory.size:
                self._memory = np.empty(size, dtype=_FLOAT32)
            waveform = self._memory[:size].reshape(shape)
            # None if it is compressed, in another file, or was never written.
            offset = self._handle and dataset.get_offset()
            if self._handle and offset is not None:
                if os.preadv(self._handle, [waveform], offset) != waveform.nbytes:
                    raise OSError("the file ends within it")
                return waveform
        if waveform.size:
            dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, waveform)
        return waveform

    def sample(self, number: int) -> list[np.ndarray]:
        """
        :param number: Number of records, taken all over the part
        :return: Waveforms of the records that can be read
        """
        keys = list(self._group)
        if self.part.csv is None:
            keys = keys[self.part.start : self.part.stop]
        waveforms = []
        for key in keys[:: max(1, len(keys) // number)]:
            try:
                name = key if self.part.csv else next(iter(self._group[key]), "")
                waveform = self.read(name)
                if waveform is not None and is_record(waveform):
                    waveforms.append(waveform.copy())
            except (*READING_ERRORS, TypeError):
                # Reported when it is converted.
                continue
        return waveforms


def is_record(waveform: np.ndarray) -> bool:
    """
    :param waveform: Any array
    :return: Whether it is (samples, 3) and numeric
    """
    is_numbers = waveform.dtype.kind in "iuf"
    return is_numbers and waveform.shape[1:] == (3,) and waveform.size > 0


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader((line,)), [])
    except csv.Error:
        return [line]


def _as_text(value: object) -> str:
    if isinstance(value, np.ndarray):
        value = value.item() if value.size == 1 else value.tolist()
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def record_name(key: str) -> str | None:
    """
    Name of a record in the HDF5 file, from the ``key`` of the CSV file, which was
    written as a number: ``14.01`` stands for ``000014.0100``.

    :param key: Text of the cell
    :return: Name, or None if the text can't be one
    """
    match = _KEY.fullmatch(key.strip())
    return f"{match[1]:0>6}.{match[2] or '':0<4}" if match else None


# The cells.

_EMPTY = {"", "nan", "none", "null", "-12345", "-12345.0"}
#: Missing number in the tutorial's merged file.
_MISSING = -12345.0
_MAGNITUDE_TYPES = {"ml": "ML", "ms": "Ms", "mb": "mb", "mw": "Mw"}


class Cells(NamedTuple):
    """
    A column's text in some rows.

    :param text: Text, without blanks around it
    :param name: Name of the column in the original
    :param samples: Number of samples of each record
    :param counts: Number of values taken out, by column and reason; is added to
    """

    text: Sequence[str]
    name: str
    samples: np.ndarray
    counts: Counter[str]

    def numbers(self, least: Any = -np.inf, most: Any = np.inf) -> np.ndarray:
        text = np.array(self.text, dtype=object)
        values = np.asarray(pd.to_numeric(text, errors="coerce"), dtype=float)
        values = np.where(np.isfinite(values) & (values != _MISSING), values, np.nan)
        strange = [t for t in text[np.isnan(values)] if t.lower() not in _EMPTY]
        self.note("not a number", len(strange))
        is_wrong = (values < least) | (values > most)
        self.note("impossible", int(is_wrong.sum()))
        return np.where(is_wrong, np.nan, values)

    def note(self, reason: str, number: int) -> None:
        if number:
            self.counts[f"{self.name}: {reason}"] += number

    def words(self) -> list[str | None]:
        return [None if text.lower() in _EMPTY else text for text in self.text]

    def codes(self, digits: int = 0) -> list[str | None]:
        """Text; the merged file holds codes that are digits as floats."""
        codes = [re.sub(r"^(\d+)\.0$", r"\1", word or "") for word in self.words()]
        return [c.zfill(digits) if c.isdigit() else c or None for c in codes]

    def azimuths(self) -> np.ndarray:
        values = self.numbers() % 360.0
        # A tiny negative angle is rounded to 360; adding zero turns -0.0 into 0.0.
        return np.where(values == 360.0, 0.0, values) + 0.0

    def chosen(self, values: dict[str, str], others: bool = False) -> list[str | None]:
        words = self.words()
        return [values.get((w or "").lower(), w if others else None) for w in words]


_Clean = Callable[[Cells], "np.ndarray | list[str | None]"]


def _sample(cells: Cells) -> np.ndarray:
    return cells.numbers(0, np.nextafter(cells.samples, 0))


def _magnitude(cells: Cells) -> np.ndarray:
    return cells.numbers(-10, 10)


#: Name in SeisBench's format -> column of the CSV file, and what cleans its cells; in the
#: order of the output. ``key`` gives ``source_id`` and others, see :py:func:`clean_rows`.
COLUMNS: dict[str, tuple[str, _Clean]] = {
    "trace_p_arrival_sample": ("p_pick", _sample),
    "trace_s_arrival_sample": ("s_pick", _sample),
    "trace_polarity": (
        "p_motion",
        lambda cells: cells.chosen({"u": "U", "c": "U", "d": "D", "r": "D"}),
    ),
    "trace_p_motion": ("p_motion", Cells.words),
    "trace_p_onset": (
        "p_clarity",
        lambda cells: cells.chosen({"i": "impulsive", "e": "emergent"}),
    ),
    "source_ev_id": ("ev_id", Cells.codes),
    "source_magnitude": ("evmag", _magnitude),
    "source_magnitude_type": (
        "mag_type",
        lambda cells: cells.chosen(_MAGNITUDE_TYPES, others=True),
    ),
    "station_network_code": ("net", Cells.codes),
    "station_code": ("sta_id", lambda cells: cells.codes(4)),
    "station_magnitude": ("st_mag", _magnitude),
    # At most half of the Earth's circumference.
    "path_ep_distance_km": ("dis", lambda cells: cells.numbers(0, 20040)),
    "path_back_azimuth_deg": ("baz", Cells.azimuths),
    "path_p_residual_s": ("P_residual", Cells.numbers),
    "path_s_residual_s": ("S_residual", Cells.numbers),
    **{
        f"trace_{component}_{phase}_{kind}_snr": (
            f"{component}_{phase}_{kind}_snr",
            Cells.numbers,
        )
        for component in "ZNE"
        for phase in "PS"
        for kind in ("amplitude", "power")
    },
    "trace_part": ("part", Cells.codes),
    "trace_original_index": ("", Cells.codes),
}
_ORIGINALS = {"key", *(original for original, _ in COLUMNS.values())}


def clean_rows(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    names: Sequence[str],
    samples: Sequence[int],
    counts: Counter[str],
) -> dict[str, Sequence[Any]]:
    """
    Metadata in SeisBench's names and units.

    :param header: Names of the columns in the CSV file
    :param rows: Text of the cells
    :param names: Name of each record, such as ``000014.0100``
    :param samples: Number of samples of each record
    :param counts: Number of values taken out, by column and reason; is added to
    :return: Values by column, one a row; NaN or None where there is none
    """
    text = {
        name: [cell.strip() for cell in cells]
        for name, cells in zip(header, zip(*rows, strict=True), strict=True)
    }
    events, stations = zip(*(name.split(".") for name in names), strict=True)
    metadata: dict[str, Sequence[Any]] = {
        "trace_name_original": [f"earthquake/{name}" for name in names],
        "trace_npts": samples,
        "source_id": events,
    }
    for name, (original, clean) in COLUMNS.items():
        cells = text.get(original, [""] * len(rows))
        values = clean(Cells(cells, original, np.array(samples), counts))
        metadata[name] = values.tolist() if isinstance(values, np.ndarray) else values
    metadata["station_code"] = [
        code or station
        for code, station in zip(metadata["station_code"], stations, strict=True)
    ]
    for event, code in zip(events, metadata["source_ev_id"], strict=True):
        if code is not None and code.zfill(6) != event:
            counts["ev_id: differs from the record's name"] += 1
    for name in header:
        own = f"trace_original_{name}"
        if name not in _ORIGINALS and own not in metadata:
            metadata[own] = text[name]
    return metadata
