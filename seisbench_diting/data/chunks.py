"""Chunks of a converted dataset: written from a part of the original, and verified."""

from __future__ import annotations

import csv
import hashlib
import math
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
from pydantic import BaseModel

from .._util import replacing
from .convert_settings import ConvertSettings
from .original import (
    READING_ERRORS,
    OpenPart,
    Part,
    Row,
    clean_rows,
    is_record,
    open_part,
)

#: Records of one block: enough to spare HDF5 its overhead for each array, few enough
#: that blocks of many lengths can be filled at once.
_BLOCK_RECORDS = 64
_PENDING_BYTES = 256 * 2**20
# Lengths in one block differ by less than this, which limits the padding.
_LENGTH_RATIO = 1.02
# Rows whose metadata are cleaned at once.
_ROWS = 1024
_EXAMPLES = 10
#: Usual in undamaged files; only a problem above this share of all records.
_QUIRKS = ("row without waveform", "waveform without row")
_QUIRK_SHARE = 0.05


class Skipped(BaseModel):
    """Number of records that were left out for one reason, and some of them."""

    number: int = 0
    examples: list[str] = []


class PartReport(BaseModel):
    """
    Result of converting one part.

    :param chunk: Name of the chunk
    :param sources: Size in bytes and time of change in ns of each original file
    :param error: Why the chunk does not exist; empty if it does
    :param failed: Why an existing chunk could not be converted again
    :param records: Number of records in the chunk
    :param splits: Number of records by split
    :param skipped: Records left out, by reason
    :param taken_out: Number of values that became NaN, by column and reason
    :param bytes: Size of the chunk's two files
    :param seconds: Time it took
    """

    chunk: str
    sources: dict[str, list[int]]
    error: str = ""
    failed: str = ""
    records: int = 0
    splits: dict[str, int] = {}
    skipped: dict[str, Skipped] = {}
    taken_out: Counter[str] = Counter()
    bytes: int = 0
    seconds: float = 0.0

    def skip(self, reason: str, example: str) -> None:
        skipped = self.skipped.setdefault(reason, Skipped())
        skipped.number += 1
        if len(skipped.examples) < _EXAMPLES:
            skipped.examples.append(example)

    @property
    def problems(self) -> list[str]:
        """Problems to correct in the original files, one per line."""
        lines = [self.error] if self.error else []
        if self.failed:
            lines.append(f"kept as it was, could not be converted again: {self.failed}")
        for reason, skipped in self.skipped.items():
            is_quirk = reason in _QUIRKS
            limit = _QUIRK_SHARE * (self.records + skipped.number)
            if is_quirk and (self.error or skipped.number <= limit):
                continue
            hint = " (is a file cut off?)" if is_quirk else ""
            more = ", ..." if skipped.number > len(skipped.examples) else ""
            shown = "; ".join(skipped.examples)
            lines.append(f"{skipped.number} x {reason}{hint}: {shown}{more}")
        return lines


def chunk_files(folder: Path, chunk: str) -> tuple[Path, Path]:
    """
    :param folder: Folder of the dataset
    :param chunk: Name of the chunk
    :return: SeisBench's files of waveforms and metadata
    """
    return folder / f"waveforms{chunk}.hdf5", folder / f"metadata{chunk}.csv"


def size_of(folder: Path, chunk: str) -> int:
    """
    :param folder: Folder of the dataset
    :param chunk: Name of the chunk
    :return: Size of its files that are there, in bytes
    """
    files = [file for file in chunk_files(folder, chunk) if file.is_file()]
    return sum(file.stat().st_size for file in files)


def convert_part(
    part: Part, settings: ConvertSettings, place: int, number: int
) -> PartReport:
    """
    Converts one part. Its two files are written atomically.

    :param part: Part
    :param settings: Settings of the conversion
    :param place: Place of its first row among all rows, for a split by order
    :param number: Number of all rows
    :return: Report with the problems of the original files
    """
    started = time.monotonic()
    report = PartReport(chunk=part.chunk, sources=part.sources())
    files = chunk_files(settings.output, part.chunk)
    try:
        with replacing(files[1]) as metadata, replacing(files[0]) as waveforms:
            with (
                open_part(part) as source,
                h5py.File(waveforms, "w") as hdf5,
                metadata.open("w", encoding="utf-8", newline="") as text,
            ):
                writer = BlockWriter(hdf5, settings.compression)
                _Copy(source, writer, text, settings, report, place, number).run()
            if not report.records:
                raise ValueError("no record has both row and waveform.")
        report.bytes = size_of(settings.output, part.chunk)
    except (*READING_ERRORS, MemoryError) as error:
        report = PartReport(
            chunk=part.chunk,
            sources=report.sources,
            error=str(error) or type(error).__name__,
            skipped=report.skipped,
        )
    report.seconds = round(time.monotonic() - started, 3)
    return report


@dataclass
class _Copy:
    """One pass over the rows of a part; see :py:func:`convert_part`."""

    source: OpenPart
    writer: BlockWriter
    text: IO[str]
    settings: ConvertSettings
    report: PartReport
    place: int
    number: int
    splits: Counter[str] = field(default_factory=Counter)
    # Names are kept as numbers to save memory.
    seen: set[int] = field(default_factory=set)

    def run(self) -> None:
        done: list[tuple[Row, str, str, int]] = []
        for place, row in enumerate(self.source.rows(), start=self.place):
            if (waveform := self._read(row)) is not None:
                trace_name = self.writer.add(waveform)
                split = self._split(row.name, place)
                done.append((row, trace_name, split, len(waveform)))
            if len(done) == _ROWS:
                self._write(done)
                done = []
        if done:
            self._write(done)
        self.writer.finish()
        for name in self.source.names():
            digits = name.replace(".", "")
            if not digits.isdigit() or int(digits) not in self.seen:
                self.report.skip("waveform without row", name)
        self.report.splits = dict(sorted(self.splits.items()))
        self.report.records = self.splits.total()

    def _read(self, row: Row) -> np.ndarray | None:
        """Waveform of a row; None if the record is left out."""
        reason, example = row.problem, row.line
        if not row.name:
            reason = reason or "row without valid key"
        elif (key := int(row.name.replace(".", ""))) in self.seen:
            reason, example = "duplicate key", f"{row.name} again in {row.line}"
        else:
            self.seen.add(key)
            try:
                waveform = self.source.read(row.name)
                if waveform is not None and is_record(waveform):
                    return waveform
                reason, example = "row without waveform", f"{row.name} in {row.line}"
                if waveform is not None:
                    reason = "wrong shape"
                    example = f"{row.name} is {waveform.shape}, not (samples, 3)"
            except (OSError, TypeError, ValueError) as error:
                reason, example = "unreadable waveform", f"{row.name} ({error})"
        self.report.skip(reason, example)
        return None

    def _split(self, name: str, place: int) -> str:
        shares = self.settings.split
        if self.settings.split_by == "event":
            return split_of_event(name.partition(".")[0], shares, self.settings.seed)
        if self.source.part.csv is None:
            return self.source.part.group
        return split_at((place + 0.5) / self.number, shares)

    def _write(self, done: list[tuple[Row, str, str, int]]) -> None:
        rows, trace_names, splits, samples = zip(*done, strict=True)
        metadata = clean_rows(
            self.source.header,
            [row.cells for row in rows],
            [row.name for row in rows],
            samples,
            self.report.taken_out,
        )
        metadata = {"trace_name": trace_names, "split": splits, **metadata}
        writer = csv.writer(self.text, lineterminator="\n")
        if not self.splits:
            writer.writerow(metadata)
        # Same output as pandas in a third of the time; missing values are empty.
        cells = [
            ["" if value is None or value != value else value for value in values]
            for values in metadata.values()
        ]
        writer.writerows(zip(*cells, strict=True))
        self.splits.update(splits)


@lru_cache(maxsize=1024)
def split_of_event(event: str, shares: tuple[float, ...], seed: int) -> str:
    """
    Split of an event. It depends only on the event's name and the seed, so that parts can
    be converted one by one on several machines, and no event gets into two splits.

    :param event: Name of the event
    :param shares: Shares of train, dev and test
    :param seed: Seed
    :return: train, dev or test
    """
    digest = hashlib.blake2b(f"{seed}:{event}".encode(), digest_size=8).digest()
    return split_at(int.from_bytes(digest, "big") / 2**64, shares)


def split_at(position: float, shares: tuple[float, ...]) -> str:
    """
    :param position: From 0 to below 1
    :param shares: Shares of train, dev and test, which follow one another
    :return: train, dev or test
    """
    passed = sum(position >= edge for edge in accumulate(shares))
    # The sum of the shares may be rounded to less than 1.
    last = max(i for i, share in enumerate(shares) if share > 0)
    return ("train", "dev", "test")[min(passed, last)]


class BlockWriter:
    """
    Writes records as trace blocks, many records in one array, as SeisBench reads them.

    :param file: HDF5 file to write to
    :param compression: none, lzf, gzip or zstd
    """

    def __init__(self, file: h5py.File, compression: str):
        self._data = file.create_group("data")
        self._compression = compression
        self._pending: dict[tuple[Any, int], _Block] = {}
        self._spare: dict[tuple[Any, int], np.ndarray] = {}
        self._pending_bytes = 0
        self._number = 0
        data_format = file.create_group("data_format")
        data_format["dimension_order"] = "CW"
        data_format["component_order"] = "ZNE"
        data_format["sampling_rate"] = 50.0
        data_format["unit"] = "counts"
        data_format["instrument_response"] = "not restituted"

    def add(self, waveform: np.ndarray) -> str:
        """
        Adds a record, which is written when its block is full.

        :param waveform: Array (samples, 3) of any data type, which is kept. It is copied.
        :return: SeisBench's trace name
        """
        samples = len(waveform)
        size = int(math.log(samples) / math.log(_LENGTH_RATIO))
        key = (waveform.dtype, size)
        if key not in self._pending:
            memory = self._spare.pop(key, None)
            if memory is None:
                most = int(_LENGTH_RATIO ** (size + 1) + 1)
                memory = np.empty(_BLOCK_RECORDS * 3 * most, dtype=waveform.dtype)
            self._pending[key] = _Block(f"bucket{self._number}", memory, samples)
            self._number += 1
            self._pending_bytes += memory.nbytes
        block = self._pending[key]
        name = f"{block.name}${block.count},:3,:{samples}"
        block.add(waveform)
        if block.count == _BLOCK_RECORDS:
            self._write(key)
        while self._pending_bytes > _PENDING_BYTES:
            self._write(max(self._pending, key=lambda k: self._pending[k].count))
        return name

    def finish(self) -> None:
        """Writes the blocks that are not full."""
        for key in list(self._pending):
            self._write(key)

    def _write(self, key: tuple[Any, int]) -> None:
        block = self._pending.pop(key)
        array = block.rows(block.width)[: block.count]
        options: dict[str, Any] = {}
        if self._compression != "none":
            # One HDF5 chunk per record, so that reading one does not decompress others.
            options = {"chunks": (1, 3, block.width), "shuffle": True}
            options |= _filter(self._compression)
        self._data.create_dataset(block.name, data=array, **options)
        self._pending_bytes -= block.memory.nbytes
        # Allocating new memory is slower than copying into it.
        self._spare = {key: block.memory}


def _filter(compression: str) -> Mapping[str, Any]:
    if compression == "zstd":
        import hdf5plugin

        return hdf5plugin.Zstd()
    return {"compression": compression}


class _Block:
    """
    Records that become one array, padded with zeros to the longest.

    :param name: Name of the block
    :param memory: Room for the records
    :param width: Samples of the first record
    """

    def __init__(self, name: str, memory: np.ndarray, width: int):
        self.name = name
        self.memory = memory
        self.width = width
        self.count = 0

    def rows(self, width: int) -> np.ndarray:
        return self.memory[: _BLOCK_RECORDS * 3 * width].reshape(-1, 3, width)

    def add(self, waveform: np.ndarray) -> None:
        samples = len(waveform)
        if samples > self.width:
            # Rare: it is longer than all before it in the block.
            before = self.rows(self.width)[: self.count].copy()
            after = self.rows(samples)[: self.count]
            after[..., : self.width] = before
            after[..., self.width :] = 0
            self.width = samples
        row = self.rows(self.width)[self.count]
        row[:, :samples] = waveform.T
        row[:, samples:] = 0
        self.count += 1
