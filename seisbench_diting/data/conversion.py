"""The conversion of DiTing's original files to a dataset in SeisBench's format."""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np
from pydantic import BaseModel

from .._util import (
    ArgumentError,
    counted,
    first_of,
    map_unordered,
    merged,
    only_writer,
    process_pool,
    progress_bar,
    remove_leftovers,
    replacing,
    takes,
    write_text,
)
from . import original
from .convert_settings import ConvertSettings

#: File in the dataset's folder with the report, which is also the state of the conversion.
REPORT_FILE = "conversion.json"

#: Errors of h5py for a file that is missing, damaged or of another format.
_READING_ERRORS = (OSError, ValueError, KeyError, RuntimeError, TypeError)

#: Records of one block: enough to spare HDF5 its overhead for each array.
_BLOCK_RECORDS = 64
# Blocks that are filled at once, one for each length of a record: 200 MB.
_OPEN_BLOCKS = 32
# Rows whose metadata are cleaned and written at once.
_ROWS = 1024

_DATA_FORMAT = {
    "dimension_order": "CW",
    "component_order": "ZNE",
    "sampling_rate": 50.0,
    "unit": "counts",
    "instrument_response": "not restituted",
}

#: Usual in undamaged files; only a problem if there are many.
_USUAL = ("row without waveform", "waveform without row")

#: Row, trace name, split and length of a record.
_Record: TypeAlias = tuple[original.Row, str, str, int]


class PartReport(BaseModel):
    """
    Result of converting one part.

    :param sources: Size in bytes and time of change in ns of each original file
    :param error: Why the chunk does not exist; empty if it does
    :param records: Number of records in the chunk
    :param splits: Number of records by split
    :param skipped: Records left out, by reason
    :param taken_out: Number of values that became NaN, by column and reason
    :param bytes: Size of the chunk's two files
    """

    sources: dict[str, list[int]]
    error: str = ""
    records: int = 0
    splits: Counter[str] = Counter()
    skipped: dict[str, list[str]] = {}
    taken_out: Counter[str] = Counter()
    bytes: int = 0

    def skip(self, reason: str, record: str) -> None:
        self.skipped.setdefault(reason, []).append(record)

    def is_problem(self, reason: str) -> bool:
        """:return: If so many records left out have to be corrected"""
        number = len(self.skipped[reason])
        return reason not in _USUAL or number > 0.05 * (number + self.records)


class ConversionReport(BaseModel):
    """
    Result of a conversion.

    :param options: Options that affect the dataset
    :param parts: Report of each part by chunk
    :param elsewhere: Number of rows of parts that are not in the folder, by chunk
    """

    options: dict[str, Any]
    parts: dict[str, PartReport] = {}
    elsewhere: Counter[str] = Counter()

    @property
    def chunks(self) -> list[str]:
        """Chunks that are whole."""
        return sorted(name for name, part in self.parts.items() if not part.error)

    @property
    def records(self) -> int:
        return sum(part.records for part in self.parts.values())

    @property
    def problems(self) -> list[str]:
        """Problems to correct, one per line; empty if the conversion is complete."""
        parts = sorted(self.parts.items())
        lines = merged(((n, p.error) for n, p in parts if p.error), "part")
        skipped: dict[str, list[str]] = {}
        for _, part in parts:
            for reason in filter(part.is_problem, part.skipped):
                skipped.setdefault(reason, []).extend(part.skipped[reason])
        for reason, records in skipped.items():
            shown = first_of(records, 10, "; ")
            lines.append(f"{len(records)} x {reason}: {shown}")
        return lines

    def summary(self) -> str:
        """The report for people, without the problems."""
        parts = self.parts.values()
        splits = _sum(part.splits for part in parts)
        skipped = _sum({k: len(v) for k, v in p.skipped.items()} for p in parts)
        taken_out = _sum(part.taken_out for part in parts)
        lines = [
            f"{self.records} records in {counted(len(self.chunks), 'chunk')}, "
            f"{sum(p.bytes for p in parts) / 1e9:.3f} GB",
            "  splits: " + ", ".join(f"{k} {v}" for k, v in sorted(splits.items())),
            *(f"  skipped: {n} x {reason}" for reason, n in skipped.items()),
            *(f"  left empty: {n} x {what}" for what, n in taken_out.items()),
        ]
        if self.elsewhere:
            rows = counted(self.elsewhere.total(), "row")
            names = first_of(sorted(self.elsewhere), 10)
            lines.append(f"  {rows} of parts that are not in the folder ({names})")
        return "\n".join(lines)

    def write(self, folder: Path) -> None:
        """
        Writes the report and SeisBench's list of chunks.

        :param folder: Folder of the dataset
        """
        write_text(folder / REPORT_FILE, self.model_dump_json(indent=1) + "\n")
        if self.chunks:
            write_text(folder / "chunks", "\n".join(self.chunks) + "\n")
        else:
            (folder / "chunks").unlink(missing_ok=True)


def _sum(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    return sum(map(Counter, counts), Counter())


@takes(ConvertSettings)
def convert(settings: ConvertSettings) -> ConversionReport:
    """
    Converts the original files of DiTing to a dataset in SeisBench's format. Each part
    becomes a chunk, waveforms are bit for bit as in the source, and metadata have the names
    of SeisBench.

    If a conversion is interrupted, even by force, the same call continues it, with the same
    result as without the interruption. Other ``parts``, or corrected files, can be
    converted later in the same way.

    :raises ValueError: for invalid arguments, or if the folder has other content
    :raises OSError: if the disk has too little space; nothing is written then
    :return: Report on all parts of the dataset, including those of earlier calls; its
        ``problems`` list what is wrong with the original files
    """
    found = {part.chunk: part for part in original.find_parts(settings.source)}
    for name in settings.parts:
        if name not in found:
            raise ArgumentError("parts", name, f"there are {', '.join(found)}")
    folder = settings.output
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return _convert(found, settings)
    finally:
        # Nothing was converted.
        if is_new and not (folder / "chunks").exists():
            shutil.rmtree(folder)


def _convert(
    found: dict[str, original.Part], settings: ConvertSettings
) -> ConversionReport:
    folder = settings.output
    with only_writer(folder, "conversion"):
        report = _begin(settings)
        chosen = [found[name] for name in dict.fromkeys(settings.parts or found)]
        known = found.keys() | report.parts.keys()
        report.elsewhere = original.count_elsewhere(found.values(), known)
        waiting = [part for part in chosen if not _is_done(part, report, folder)]
        _check_space(waiting, settings)
        report.write(folder)
        remove_leftovers(folder)
        about = "Converting", "parts", settings.progress
        try:
            with progress_bar(*about, total=len(waiting)) as bar:
                for chunk, part in _converted(waiting, settings):
                    report.parts[chunk] = part
                    report.write(folder)
                    bar.update()
        finally:
            remove_leftovers(folder)
    return report


def _begin(settings: ConvertSettings) -> ConversionReport:
    """The report of the conversion that is continued, or a new one."""
    folder, options = settings.output, settings.identity()
    path = folder / REPORT_FILE
    if not path.exists():
        for file in (*folder.glob("metadata*.csv"), *folder.glob("waveforms*.hdf5")):
            reason = f"its {file.name} is of another dataset. Choose another folder"
            raise ArgumentError("output", str(folder), reason)
        return ConversionReport(options=options)
    try:
        report = ConversionReport.model_validate_json(path.read_bytes())
    except ValueError as error:
        raise ValueError(
            f"{path} is not a report of a conversion. Empty its folder to convert "
            "everything again, or choose another one."
        ) from error
    for name, value in options.items():
        if (before := report.options.get(name)) != value:
            reason = f"output={str(folder)!r} was started with {before!r}. "
            raise ArgumentError(name, value, reason + "Convert to another folder")
    return report


def _chunk_files(folder: Path, chunk: str) -> tuple[Path, Path]:
    return folder / f"waveforms{chunk}.hdf5", folder / f"metadata{chunk}.csv"


def _size_of(folder: Path, chunk: str) -> int:
    files = _chunk_files(folder, chunk)
    return sum(file.stat().st_size for file in files if file.is_file())


def _is_done(part: original.Part, report: ConversionReport, folder: Path) -> bool:
    """If the chunk of a part is complete, and its original files are gone or unchanged."""
    done = report.parts.get(part.chunk)
    if done is None or done.error or _size_of(folder, part.chunk) != done.bytes:
        return False
    return not part.hdf5.is_file() or part.sources() == done.sources


def _check_space(parts: list[original.Part], settings: ConvertSettings) -> None:
    needed = sum(part.hdf5.stat().st_size for part in parts if part.hdf5.is_file())
    free = shutil.disk_usage(settings.output).free
    if settings.compression == "none" and free < needed:
        raise OSError(
            f"output={str(settings.output)!r} has {free / 1e9:.3f} GB free, and the "
            f"dataset takes {needed / 1e9:.3f} GB. Use another disk, compression or --parts."
        )


def _converted(
    parts: list[original.Part], settings: ConvertSettings
) -> Iterator[tuple[str, PartReport]]:
    """Converts parts in this process or in several."""
    workers = min(settings.workers, len(parts))
    if workers < 2:
        yield from ((part.chunk, convert_part(part, settings)) for part in parts)
        return
    tasks = [(part, settings) for part in parts]
    pool = partial(process_pool, workers)
    try:
        for task, future in map_unordered(pool, convert_part, tasks, lambda: workers):
            yield task[0].chunk, future.result()
    except BrokenProcessPool as error:
        raise OSError(
            "A worker process died. Run the same again; use fewer workers for less memory."
        ) from error


def convert_part(part: original.Part, settings: ConvertSettings) -> PartReport:
    """
    Converts one part. Its two files are written atomically.

    :param part: Original files of the part
    :param settings: Settings of the conversion
    :return: Report with the problems of the original files
    """
    report = PartReport(sources=part.sources())
    files = _chunk_files(settings.output, part.chunk)
    try:
        if part.tables == ():
            reason = (
                "its .csv file is missing, and so is a table for all parts, with the "
                "columns 'key' and 'part', divided by commas."
            )
            raise FileNotFoundError(reason)
        with replacing(files[1]) as metadata, replacing(files[0]) as waveforms:
            with (
                h5py.File(part.hdf5, "r") as source,
                h5py.File(waveforms, "w") as target,
            ):
                blocks = Blocks(target, settings.compression)
                records = _records(part, source, blocks, settings, report)
                _write_rows(metadata, records, original.more_columns(part), report)
                blocks.write()
            if not report.records:
                raise ValueError("no record has both row and waveform.")
        report.bytes = _size_of(settings.output, part.chunk)
    except (*_READING_ERRORS, MemoryError) as error:
        report.error = str(error) or type(error).__name__
        report.records = 0
    return report


def _write_rows(
    path: Path, records: Iterator[_Record], more: list[str], report: PartReport
) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        while block := list(islice(records, _ROWS)):
            rows, trace_names, splits, samples = zip(*block, strict=True)
            columns = {
                "trace_name": trace_names,
                "split": splits,
                **original.clean_rows(rows, samples, more, report.taken_out),
            }
            if not report.records:
                writer.writerow(columns)
            # In a third of pandas' time; missing values are empty.
            cells = [
                ["" if value is None or value != value else value for value in values]
                for values in columns.values()
            ]
            writer.writerows(zip(*cells, strict=True))
            report.splits.update(splits)
            report.records += len(block)


def _records(
    part: original.Part,
    source: h5py.File,
    blocks: Blocks,
    settings: ConvertSettings,
    report: PartReport,
) -> Iterator[_Record]:
    """Records that have both row and waveform, after the waveform has been copied."""
    paths, seen = original.record_paths(part, source), set()
    for row in original.read_rows(part, source, paths, report.skip):
        name, split, record = row.name, row.split, f"{row.name} in {row.place}"
        if settings.split_by == "event":
            split = split_of_event(name[:6], settings.split, settings.seed)
        if name in seen:
            report.skip("duplicate key", record)
        elif name not in paths:
            report.skip("row without waveform", record)
        elif split is None:
            seen.add(name)
            report.skip("row without split", record)
        else:
            seen.add(name)
            try:
                waveform = _read(source, paths[name])
            except _READING_ERRORS as error:
                report.skip("unreadable waveform", f"{record} ({error})")
                continue
            yield row, blocks.add(waveform), split, len(waveform)
    for name in sorted(paths.keys() - seen):
        report.skip("waveform without row", name)


def _read(file: h5py.File, path: str) -> np.ndarray:
    # In half of the time that file[path][()] takes.
    dataset = h5py.h5d.open(file.id, path.encode())
    shape, kind = dataset.shape, dataset.get_type()
    dtype = np.dtype("<f4") if kind.equal(h5py.h5t.IEEE_F32LE) else kind.dtype
    if shape[1:] != (3,) or not shape[0] or dtype.kind not in "iuf":
        raise ValueError(f"{shape} {dtype} instead of numbers (samples, 3)")
    waveform = np.empty(shape, dtype)
    dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, waveform, kind)
    return waveform


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
    position = int.from_bytes(digest, "big") / 2**64
    passed = sum(position >= edge for edge in accumulate(shares))
    # The sum of the shares may be rounded to less than 1.
    last = max(i for i, share in enumerate(shares) if share > 0)
    return ("train", "dev", "test")[min(passed, last)]


@dataclass
class _Block:
    name: str
    array: np.ndarray
    records: int = 0


class Blocks:
    """
    Writes records of the same length and type as one array, of which SeisBench reads
    single records.

    :param file: HDF5 file to write to
    :param compression: none, lzf, gzip or zstd
    """

    def __init__(self, file: h5py.File, compression: str):
        self._data = file.create_group("data")
        self._open: dict[tuple[int, np.dtype], _Block] = {}
        self._number = 0
        self._options: dict[str, Any] = {}
        if compression != "none":
            self._options = {"compression": compression, "shuffle": True}
        if compression == "zstd":
            import hdf5plugin

            self._options |= hdf5plugin.Zstd()
        for name, value in _DATA_FORMAT.items():
            file[f"data_format/{name}"] = value

    def add(self, waveform: np.ndarray) -> str:
        """
        :param waveform: (samples, 3) of any data type, which is kept. It is copied.
        :return: SeisBench's trace name
        """
        samples = len(waveform)
        key = samples, waveform.dtype
        if key not in self._open:
            if len(self._open) == _OPEN_BLOCKS:
                self.write()
            array = np.empty((_BLOCK_RECORDS, 3, samples), waveform.dtype)
            self._open[key] = _Block(self._next_name(), array)
        block = self._open[key]
        block.array[block.records] = waveform.T
        name = f"{block.name}${block.records},:3,:{samples}"
        block.records += 1
        if block.records == _BLOCK_RECORDS:
            self._write(block)
            # Its memory is used again, as new memory is slower.
            block.name, block.records = self._next_name(), 0
        return name

    def write(self) -> None:
        """Writes the blocks that are not full."""
        for block in self._open.values():
            self._write(block)
        self._open.clear()

    def _next_name(self) -> str:
        self._number += 1
        return f"bucket{self._number - 1}"

    def _write(self, block: _Block) -> None:
        if block.records:
            array, options = block.array[: block.records], self._options
            if options:
                # One record is read without decompressing others.
                options = {**options, "chunks": (1, *array.shape[1:])}

            self._data.create_dataset(block.name, data=array, **options)
