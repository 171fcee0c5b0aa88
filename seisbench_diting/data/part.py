"""Conversion of one part: two files that appear whole or not at all."""

from __future__ import annotations

import csv
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .._util import LEFTOVER
from .blocks import BlockWriter
from .names import clean_rows, record_number
from .original import MergedPart, Part, Problem, Row, is_record
from .report import PartReport
from .splits import split_of_event, split_of_place

# Rows whose metadata are cleaned at once: enough for pandas, little memory.
_ROWS = 1024


@dataclass(frozen=True)
class Options:
    """
    What makes the dataset what it is: the same for all of its parts.

    :param compression: One of :py:data:`.blocks.COMPRESSIONS`
    :param split: Shares of train, dev and test
    :param split_by: ``event`` or ``order``
    :param seed: Seed of the split by event
    """

    compression: str
    split: tuple[float, float, float]
    split_by: str
    seed: int


@dataclass(frozen=True)
class Place:
    """
    Where a part stands in the split by order.

    :param first: Place of its first row among all rows
    :param number: Number of all rows
    """

    first: int = 0
    number: int = 0


def chunk_files(path: Path, chunk: str) -> tuple[Path, Path]:
    """SeisBench's two files of a chunk: waveforms and metadata."""
    return path / f"waveforms{chunk}.hdf5", path / f"metadata{chunk}.csv"


def convert_part(
    part: Part | MergedPart,
    path: Path,
    options: Options,
    place: Place,
    progress: Callable[[int], None],
) -> PartReport:
    """
    Converts one part.

    :param part: Part
    :param path: Folder of the dataset
    :param options: Options of the dataset
    :param place: Where the part stands, for a split by order
    :param progress: Called with the number of records done since the last call; what it
        raises ends the conversion and leaves nothing
    :return: Report; what is wrong with the original files is in it
    """
    started = time.monotonic()
    report = PartReport(part.chunk, sources_of(part))
    try:
        with _temporary_files(path, part.chunk) as temporary:
            _Conversion(part, options, place, report, progress).run(*temporary)
            progress(0)
            for source, target in zip(
                temporary, chunk_files(path, part.chunk), strict=True
            ):
                report.bytes += source.stat().st_size
                os.replace(source, target)
    except (OSError, ValueError, KeyError, RuntimeError, MemoryError) as error:
        # KeyError and RuntimeError are what h5py raises where a file is damaged inside.
        text = str(error) or type(error).__name__
        report = PartReport(
            part.chunk, report.sources, error=text, skipped=report.skipped
        )
    report.seconds = round(time.monotonic() - started, 3)
    return report


def sources_of(part: Part | MergedPart) -> dict[str, list[int]]:
    """Size and time of change of a part's original files."""
    sources = {}
    for file in part.files:
        if file.is_file():
            stat = file.stat()
            sources[file.name] = [stat.st_size, stat.st_mtime_ns]
    return sources


@contextmanager
def _temporary_files(path: Path, chunk: str) -> Iterator[tuple[Path, Path]]:
    """Names that no other process uses and SeisBench does not see; removed at the end."""
    files = tuple(
        path / f".{file.name}.{os.getpid()}{LEFTOVER}"
        for file in chunk_files(path, chunk)
    )
    try:
        yield files
    finally:
        for file in files:
            file.unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """Removes what a killed conversion left."""
    for file in path.glob(f".*{LEFTOVER}"):
        file.unlink(missing_ok=True)


class _Conversion:
    """One pass over the rows of a part."""

    def __init__(
        self,
        part: Part | MergedPart,
        options: Options,
        place: Place,
        report: PartReport,
        progress: Callable[[int], None],
    ):
        self.part = part
        self.options = options
        self.place = place
        self.report = report
        self.progress = progress
        self.seen: set[int] = set()
        self.splits: Counter[str] = Counter()
        self.taken_out: Counter[str] = Counter()

    def run(self, waveforms: Path, metadata: Path) -> None:
        with self.part.open() as self.source:
            self.writer = BlockWriter(waveforms, self.options.compression)
            try:
                with metadata.open("w", encoding="utf-8", newline="") as self.file:
                    self._copy()
                    # On disk before it is renamed: not even a power cut leaves half.
                    self.file.flush()
                    os.fsync(self.file.fileno())
                self.writer.finish()
            finally:
                self.writer.close()
        if not self.splits:
            raise ValueError(f"{self.part.hdf5} has no record with row and waveform.")
        with waveforms.open("rb") as file:
            os.fsync(file.fileno())
        self.report.records = sum(self.splits.values())
        self.report.splits = dict(sorted(self.splits.items()))
        self.report.taken_out = dict(self.taken_out)

    def _copy(self) -> None:
        rows: list[Row] = []
        done: list[tuple[str, str, int]] = []
        for place, row in enumerate(self.source.rows()):
            if isinstance(row, Problem):
                self.report.skip(row.reason, row.example)
                continue
            if waveform := self._waveform(row):
                rows.append(row)
                done.append((*waveform, self._split(row.name, place)))
            if len(rows) == _ROWS:
                self._write(rows, done)
                rows, done = [], []
        if rows:
            self._write(rows, done)
        for name in self.source.names():
            if _number(name) not in self.seen:
                self.report.skip("waveform without row", name)

    def _waveform(self, row: Row) -> tuple[str, int] | None:
        """Copies the row's waveform; gives its trace name and number of samples."""
        if row.name is None:
            self.report.skip("row without valid key", row.line)
            return None
        number = record_number(row.name)
        if number in self.seen:
            self.report.skip("duplicate key", f"{row.name} again in {row.line}")
            return None
        self.seen.add(number)
        try:
            waveform = self.source.read(row.name)
        except (OSError, TypeError, ValueError) as error:
            self.report.skip("unreadable waveform", f"{row.name} ({error})")
            return None
        if waveform is None:
            self.report.skip("row without waveform", f"{row.name} in {row.line}")
            return None
        if not is_record(waveform):
            self.report.skip(
                "wrong shape",
                f"{row.name} is {waveform.shape}, not (samples, 3) of numbers",
            )
            return None
        return self.writer.add(waveform), len(waveform)

    def _split(self, name: str, place: int) -> str:
        if self.options.split_by == "event":
            event = name.split(".")[0]
            return split_of_event(event, self.options.split, self.options.seed)
        if isinstance(self.part, MergedPart):
            return self.part.group
        return split_of_place(
            self.place.first + place, self.place.number, self.options.split
        )

    def _write(self, rows: list[Row], done: list[tuple[str, int, str]]) -> None:
        trace_names, samples, splits = zip(*done, strict=True)
        metadata = clean_rows(
            self.source.header,
            [row.cells for row in rows],
            [row.name for row in rows],
            samples,
            self.taken_out,
        )
        metadata.insert(0, "trace_name", pd.Series(trace_names, dtype=object))
        metadata.insert(1, "split", pd.Series(splits, dtype=object))
        self._write_csv(metadata)
        self.splits.update(splits)
        self.progress(len(rows))

    def _write_csv(self, metadata: pd.DataFrame) -> None:
        """As pandas writes it, in a third of its time."""
        writer = csv.writer(self.file, lineterminator="\n")
        if self.file.tell() == 0:
            writer.writerow(metadata.columns)
        cells = [_cells(metadata[name]) for name in metadata.columns]
        writer.writerows(zip(*cells, strict=True))


def _cells(column: pd.Series) -> list:
    """Values as they are written; what is missing is empty."""
    return [
        "" if value is None or value != value else value for value in column.tolist()
    ]


def _number(name: str) -> int | None:
    digits = name.replace(".", "")
    return int(digits) if digits.isdigit() else None
