"""The original files of DiTing: finding them, and reading them record by record."""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from .names import KNOWN_ORIGINALS, record_name

_PART = re.compile(r"DiTing330km_part_(\d+)\.(hdf5|csv)", re.IGNORECASE)
_GROUP = "earthquake"
#: Columns without which a CSV file is none of DiTing's.
NEEDED = ("key", "p_pick", "s_pick")
_MERGED_GROUPS = ("train", "test")
_FLOAT32 = np.dtype("<f4")
_HDF5_SUFFIXES = (".h5", ".hdf5")

#: Records of one chunk when the merged file is converted: about 11 GB.
MERGED_CHUNK_RECORDS = 100_000


class OriginalError(ValueError):
    """An original file that can't be used."""


class Row(NamedTuple):
    """
    One record's row.

    :param name: Name of the record such as ``000014.0100``, None if it can't be told
    :param cells: Text of the cells, in the order of the part's ``header``
    :param line: Where it stands, for messages
    """

    name: str | None
    cells: list[str]
    line: str


@dataclass(frozen=True)
class Problem:
    """Something in an original file that a reader has to know of."""

    reason: str
    example: str


@dataclass(frozen=True)
class Part:
    """
    One HDF5 file and its CSV file, which become one chunk.

    :param chunk: Name of the chunk
    :param hdf5: Waveforms
    :param csv: Rows; need not exist
    """

    chunk: str
    hdf5: Path
    csv: Path

    @property
    def files(self) -> list[Path]:
        return [self.hdf5, self.csv]

    def count_rows(self) -> int:
        """Number of lines below the header of the CSV file, 0 if there is none."""
        if not self.csv.is_file():
            return 0
        with self.csv.open("rb") as file:
            return max(0, sum(1 for line in file if line.strip()) - 1)

    def open(self) -> OpenPart:
        return OpenPart(self)


@dataclass(frozen=True)
class MergedPart:
    """
    Consecutive events of the tutorial's merged file, which become one chunk.

    :param chunk: Name of the chunk
    :param hdf5: The merged file
    :param group: ``train`` or ``test``
    :param start: First event, counted from 0 in the order of names
    :param stop: The event after the last
    """

    chunk: str
    hdf5: Path
    group: str
    start: int
    stop: int
    number: int = field(compare=False)

    @property
    def files(self) -> list[Path]:
        return [self.hdf5]

    def open(self) -> OpenMergedPart:
        return OpenMergedPart(self)


def open_hdf5(path: Path) -> h5py.File:
    """
    Opens an original file.

    :raises OriginalError: if it is missing, truncated or no HDF5 file
    """
    if not path.is_file():
        raise OriginalError(f"{path} is missing.")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise OriginalError(
            f"{path} can't be read as HDF5 ({error}): copy it again."
        ) from error


class WaveformReader:
    """
    Reads records as they are in the file. Where they lie there in one piece, HDF5 only
    tells where that is, and all of them are read into the same memory: that takes a third
    of the time.

    :param group: Group of the records
    """

    def __init__(self, group: h5py.Group):
        self._group = group.id
        self._memory = np.empty(0, dtype=_FLOAT32)
        self._handle = _file_handle(group.file)

    def read(self, path: str) -> np.ndarray | None:
        """
        :param path: Path of the record in the group
        :raises OSError: if the record is damaged
        :return: Array, whose content the next call replaces; None if there is no such
            record
        """
        name = path.encode()
        try:
            dataset = h5py.h5d.open(self._group, name)
        except KeyError as error:
            # Also what h5py raises for a record that is there, but damaged.
            if name in self._group:
                raise OSError(str(error)) from error
            return None
        kind = dataset.get_type()
        # Asking for the usual one is several times faster than translating it.
        if not kind.equal(h5py.h5t.IEEE_F32LE):
            waveform = np.empty(dataset.shape, dtype=kind.dtype)
        else:
            waveform = self._remembered(dataset.shape)
            # None if it is compressed, in another file, or was never written.
            offset = None if self._handle is None else dataset.get_offset()
            if offset is not None:
                if os.preadv(self._handle, [waveform], offset) != waveform.nbytes:
                    raise OSError("the file ends within it")
                return waveform
        if waveform.size:
            dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, waveform)
        return waveform

    def _remembered(self, shape: tuple[int, ...]) -> np.ndarray:
        size = math.prod(shape)
        if size > self._memory.size:
            self._memory = np.empty(size, dtype=_FLOAT32)
        return self._memory[:size].reshape(shape)


def _file_handle(file: h5py.File) -> int | None:
    """The operating system's handle of a file, None where samples can't be read by it."""
    is_ordinary = file.driver == "sec2" and file.userblock_size == 0
    return file.id.get_vfd_handle() if is_ordinary and hasattr(os, "preadv") else None


class OpenPart:
    """A part whose records are read in the order of the CSV file."""

    def __init__(self, part: Part):
        self.part = part
        if not part.csv.is_file():
            raise OriginalError(f"{part.csv} is missing: copy it next to {part.hdf5}.")
        self.file = open_hdf5(part.hdf5)
        group = self.file.get(_GROUP)
        if not isinstance(group, h5py.Group):
            self.file.close()
            raise OriginalError(
                f"{part.hdf5} has no group {_GROUP!r}: it is no original file."
            )
        self.group = group
        self._reader = WaveformReader(group)
        #: Names of the columns, once the first row has been read.
        self.header: list[str] = []

    def __enter__(self) -> OpenPart:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def count(self) -> int:
        """Number of records, before it is known which have both row and waveform."""
        return min(len(self.group), self.part.count_rows())

    def rows(self) -> Iterator[Row | Problem]:
        """The rows in their order; a line that is no row gives a problem."""
        with self.part.csv.open(
            newline="", encoding="utf-8-sig", errors="replace"
        ) as file:
            header = self.header = _read_header(self.part.csv, file.readline())
            key = header.index("key")
            for number, text in enumerate(file, start=2):
                line = f"line {number} of {self.part.csv.name}"
                try:
                    # Line by line: a stray quote must not take the lines after it along.
                    cells = next(csv.reader((text,)), [])
                except csv.Error as error:
                    yield Problem("damaged line", f"{line}: {error}")
                    continue
                if len(cells) == len(header):
                    yield Row(record_name(cells[key]), cells, line)
                elif cells:
                    yield Problem(
                        "damaged line",
                        f"{line} has {len(cells)} cells instead of {len(header)}",
                    )

    def read(self, name: str) -> np.ndarray | None:
        return self._reader.read(name)

    def __contains__(self, name: str) -> bool:
        return name in self.group

    def names(self) -> Iterator[str]:
        """Names of all waveforms, with or without a row."""
        return iter(self.group)

    def sample(self, number: int, rng: np.random.Generator) -> list[np.ndarray]:
        """Some records drawn at random, for the estimate of the output's size."""
        names = list(self.group)
        chosen = rng.permutation(len(names))[:number]
        return _readable(self.group, [names[i] for i in sorted(chosen)])


def _read_header(path: Path, text: str) -> list[str]:
    """
    :raises OriginalError: if a column is missing without which nothing can be done, or
        is there twice
    """
    try:
        header = [name.strip() for name in next(csv.reader((text,)), [])]
    except csv.Error:
        header = []
    for name in NEEDED:
        if name not in header:
            raise OriginalError(
                f"{path} has no column {name!r} in its first line: it is no original "
                "file, or damaged."
            )
    for name in header:
        if header.count(name) > 1:
            raise OriginalError(f"{path} has the column {name!r} twice.")
    return header


class OpenMergedPart:
    """Events of the merged file, read in the order of their names."""

    def __init__(self, part: MergedPart):
        self.part = part
        self.file = open_hdf5(part.hdf5)
        self.group = self.file[part.group]
        self._reader = WaveformReader(self.group)
        #: Names of the attributes of the first record, once it has been read.
        self.header: list[str] = []

    def __enter__(self) -> OpenMergedPart:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def events(self) -> list[str]:
        return list(self.group)[self.part.start : self.part.stop]

    def count(self) -> int:
        return self.part.number

    def rows(self) -> Iterator[Row | Problem]:
        for event in self.events():
            for name, record in self.group[event].items():
                path = f"{self.part.group}/{event}/{name}"
                cells = {key: _as_text(value) for key, value in record.attrs.items()}
                # An attribute that the first record lacks is not lost for the others.
                self.header = self.header or sorted(KNOWN_ORIGINALS | cells.keys())
                if others := cells.keys() - set(self.header):
                    yield Problem(
                        "unknown attribute that the first record has not",
                        f"{path}: {min(others)}",
                    )
                yield Row(
                    record_name(name), [cells.get(k, "") for k in self.header], path
                )

    def read(self, name: str) -> np.ndarray | None:
        return self._reader.read(f"{name.split('.')[0]}/{name}")

    def __contains__(self, name: str) -> bool:
        return f"{name.split('.')[0]}/{name}" in self.group

    def names(self) -> Iterator[str]:
        return iter(())

    def sample(self, number: int, rng: np.random.Generator) -> list[np.ndarray]:
        """Some records drawn at random, for the estimate of the output's size."""
        events = self.events()
        paths = []
        for i in sorted(rng.permutation(len(events))[:number]):
            names = list(self.group[events[i]])
            if names:
                paths.append(f"{events[i]}/{names[rng.integers(len(names))]}")
        return _readable(self.group, paths)


def _readable(group: h5py.Group, paths: list[str]) -> list[np.ndarray]:
    waveforms = []
    for path in paths:
        try:
            waveform = WaveformReader(group).read(path)
        except (OSError, TypeError):
            # Counted and named when it is its turn to be converted.
            continue
        if waveform is not None and is_record(waveform):
            waveforms.append(waveform)
    return waveforms


def is_record(waveform: np.ndarray) -> bool:
    """If it is (samples, 3) of numbers."""
    return (
        waveform.ndim == 2
        and waveform.shape[1] == 3
        and len(waveform) > 0
        and waveform.dtype.kind in "iuf"
    )


def _as_text(value: object) -> str:
    if isinstance(value, np.ndarray):
        value = value.item() if value.size == 1 else value.tolist()
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def find_parts(source: Path) -> list[Part] | list[MergedPart]:
    """
    The original files in a folder or below it, or the merged file.

    :param source: Folder of the parts, or the merged file or its folder
    :raises OriginalError: if there are none, or one part twice
    :return: Parts in the order of their numbers
    """
    if not source.exists():
        raise OriginalError(f"input={str(source)!r} does not exist.")
    if source.is_file():
        return _merged_parts(source)
    files: dict[str, dict[int, Path]] = {"hdf5": {}, "csv": {}}
    for path in sorted(source.rglob("*")):
        match = _PART.fullmatch(path.name)
        if match is None or not path.is_file():
            continue
        number, kind = int(match[1]), match[2].lower()
        if number in files[kind]:
            raise OriginalError(
                f"Part {number} is there twice: {files[kind][number]} and {path}. "
                "Remove one."
            )
        files[kind][number] = path
    if files["hdf5"]:
        return [
            Part(
                f"{number:02d}",
                # One that is missing is named when its turn comes.
                files["hdf5"].get(number) or files["csv"][number].with_suffix(".hdf5"),
                files["csv"].get(number) or files["hdf5"][number].with_suffix(".csv"),
            )
            for number in sorted(files["hdf5"].keys() | files["csv"].keys())
        ]
    merged = [
        path for path in source.iterdir() if path.suffix.lower() in _HDF5_SUFFIXES
    ]
    if len(merged) == 1:
        return _merged_parts(merged[0])
    raise OriginalError(
        f"input={str(source)!r} holds no DiTing330km_part_N.hdf5 and not one merged "
        "file: name the folder of the original files, or the merged file itself."
    )


def _merged_parts(path: Path) -> list[MergedPart]:
    parts = []
    with open_hdf5(path) as file:
        groups = [
            name for name in _MERGED_GROUPS if isinstance(file.get(name), h5py.Group)
        ]
        if not groups:
            raise OriginalError(
                f"input={str(path)!r} has neither group 'train' nor 'test': it is not "
                "the tutorial's merged file. Name the folder of the original parts."
            )
        for group in groups:
            parts += _merged_parts_of(path, file[group])
    return parts


def _merged_parts_of(path: Path, group: h5py.Group) -> list[MergedPart]:
    name = group.name.strip("/")
    parts: list[MergedPart] = []
    start = records = 0
    try:
        numbers = [
            h5py.h5g.open(group.id, event.encode()).get_num_objs() for event in group
        ]
    except (KeyError, ValueError) as error:
        raise OriginalError(
            f"{path}: group {name!r} holds something else than events ({error}): it is "
            "not the tutorial's merged file."
        ) from error
    for stop, number in enumerate(numbers, start=1):
        records += number
        if records >= MERGED_CHUNK_RECORDS or stop == len(numbers):
            chunk = f"{name}{len(parts):02d}"
            parts.append(MergedPart(chunk, path, name, start, stop, records))
            start, records = stop, 0
    return parts
