"""The conversion of DiTing's original files to a dataset in SeisBench's format."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from itertools import accumulate
from pathlib import Path
from typing import Any

import h5py
from pydantic import BaseModel, computed_field
from tqdm import tqdm

from .._util import (
    ArgumentError,
    counted,
    make,
    map_unordered,
    merged,
    only_writer,
    process_pool,
    remove_leftovers,
    stop_pool,
    takes,
    write_text,
)
from .chunks import BlockWriter, PartReport, convert_part, size_of
from .convert_settings import ConvertSettings
from .original import READING_ERRORS, Part, find_parts, open_part

#: File in the dataset's folder with the report, which is also the state of the conversion.
REPORT_FILE = "conversion.json"

# Records of each part from which its size is estimated, and bytes of a row of metadata.
_SAMPLED = 64
_ROW_BYTES = 380
# The estimate is accurate to a tenth, so a tenth more must be free.
_MARGIN = 1.1


class ConversionReport(BaseModel):
    """
    Result of a conversion.

    :param options: Options that affect the dataset
    :param rows: Number of rows of each part when the conversion began, for a split by
        order; empty for a split by event
    :param parts: Report of each part by chunk
    """

    options: dict[str, Any]
    rows: dict[str, int] = {}
    parts: dict[str, PartReport] = {}

    @property
    def chunks(self) -> list[str]:
        """Chunks that are whole."""
        return sorted(name for name, part in self.parts.items() if not part.error)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def records(self) -> int:
        return sum(part.records for part in self.parts.values())

    @computed_field  # type: ignore[prop-decorator]
    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self.parts.values())

    @computed_field  # type: ignore[prop-decorator]
    @property
    def problems(self) -> list[str]:
        """Problems to correct, one per line; empty if the conversion is complete."""
        parts = sorted(self.parts.items())
        return merged(((n, text) for n, p in parts for text in p.problems), "part")

    def summary(self) -> str:
        """The report for people, without the problems."""
        parts = self.parts.values()
        splits = _sums(part.splits for part in parts)
        skipped = _sums({k: v.number for k, v in p.skipped.items()} for p in parts)
        taken_out = _sums(part.taken_out for part in parts)
        lines = [
            f"{self.records} records in {len(self.chunks)} chunks, "
            f"{self.bytes / 1e9:.3f} GB, {sum(p.seconds for p in parts):.1f} s of work",
            "  splits: " + ", ".join(f"{k} {v}" for k, v in sorted(splits.items())),
            *(f"  skipped: {n} x {reason}" for reason, n in skipped.items()),
            *(f"  NaN or strange: {n} x {what}" for what, n in taken_out.items()),
        ]
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


def _sums(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    return sum(map(Counter, counts), Counter())


def read_report(folder: Path) -> ConversionReport | None:
    """
    :param folder: Folder of a dataset
    :raises ValueError: if its report is damaged
    :return: Report of its conversion, None if there is none
    """
    path = folder / REPORT_FILE
    try:
        report = ConversionReport.model_validate_json(path.read_bytes())
        if not report.options:
            raise ValueError("there are no options")
        return report
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(
            f"{path} is not a report of a conversion. Empty its folder to convert "
            "everything again, or choose another one."
        ) from error


class Estimate(BaseModel):
    """
    Estimated result of a conversion.

    :param chunks: Number of parts that can be opened
    :param records: Number of records in them
    :param bytes: Size
    :param errors: Why parts can't be opened, a line each
    """

    chunks: int = 0
    records: int = 0
    bytes: int = 0
    errors: list[str] = []

    def __str__(self) -> str:
        chunks = counted(self.chunks, "chunk")
        return f"{self.records} records in {chunks}, about {self.bytes / 1e9:.3f} GB"


def plan_conversion(
    source: str | Path, *, compression: str = "none", parts: Any = ()
) -> Estimate:
    """
    Estimates what :py:func:`convert` would write, without writing anything.

    :param source: As in :py:func:`convert`
    :param compression: As in :py:func:`convert`
    :param parts: As in :py:func:`convert`
    :return: Number of records and size, accurate to a tenth
    """
    given = {"source": source, "compression": compression, "parts": parts}
    settings = make(ConvertSettings, {**given, "output": "."})
    found = _choose(find_parts(settings.source), settings.parts)
    return _estimate(found, settings.compression)


def _estimate(parts: list[Part], compression: str) -> Estimate:
    plan = Estimate()
    errors = []
    for part in parts:
        try:
            with (
                open_part(part) as source,
                h5py.File("size", "w", driver="core", backing_store=False) as file,
            ):
                waveforms = source.sample(_SAMPLED)
                writer = BlockWriter(file, compression)
                for waveform in waveforms:
                    writer.add(waveform)
                writer.finish()
                written = sum(b.id.get_storage_size() for b in file["data"].values())
                size = written / max(1, len(waveforms)) + _ROW_BYTES
                plan.chunks += 1
                plan.records += source.count()
                plan.bytes += round(source.count() * size)
        except READING_ERRORS as error:
            errors.append((part.chunk, str(error)))
    plan.errors = merged(errors, "part")
    return plan


def _choose(found: list[Part], names: tuple[str, ...]) -> list[Part]:
    known = {part.chunk: part for part in found}
    for name in names:
        if name not in known:
            raise ArgumentError("parts", name, f"there are {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names or known)]


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
    return run_conversion(settings)


def run_conversion(settings: ConvertSettings) -> ConversionReport:
    """
    :param settings: Settings
    :return: See :py:func:`convert`
    """
    found = find_parts(settings.source)
    chosen = _choose(found, settings.parts)
    folder = settings.output
    folder.mkdir(parents=True, exist_ok=True)
    with only_writer(folder, "conversion"):
        report = _begin(settings, found)
        waiting = [part for part in chosen if not _is_done(folder, part, report)]
        plan = _estimate(waiting, settings.compression)
        free = shutil.disk_usage(folder).free
        if free < plan.bytes * _MARGIN:
            raise OSError(
                f"output={str(folder)!r} has {free / 1e9:.3f} GB free, and the dataset "
                f"will take about {plan.bytes / 1e9:.3f} GB; a tenth more must be "
                "free. Choose another disk or a compression, or convert some parts."
            )
        report.write(folder)
        if settings.progress and waiting:
            print(f"Converting {plan} to {folder}", flush=True)
        remove_leftovers(folder)
        try:
            with tqdm(
                total=plan.records, unit="records", disable=not settings.progress
            ) as bar:
                for part in _converted(waiting, settings, report.rows):
                    before = report.parts.get(part.chunk)
                    if part.error and before and _is_whole(folder, before):
                        before.failed = part.error
                    else:
                        report.parts[part.chunk] = part
                    report.write(folder)
                    bar.update(part.records)
        finally:
            remove_leftovers(folder)
    return report


def _begin(settings: ConvertSettings, found: list[Part]) -> ConversionReport:
    """The report of the conversion that is continued, or a new one."""
    output, by_order = settings.output, settings.split_by == "order"
    is_merged = found[0].csv is None
    if by_order and is_merged and "split" in settings.model_fields_set:
        reason = "the merged file has its own groups; leave it out"
        raise ArgumentError("split", settings.split, reason)
    rows = {}
    if by_order and not is_merged:
        rows = {part.chunk: part.count_rows() for part in found}
    report = read_report(output)
    if report is None:
        for file in (*output.glob("metadata*.csv"), *output.glob("waveforms*.hdf5")):
            reason = f"its {file.name} is of another dataset. Choose another folder"
            raise ArgumentError("output", str(output), reason)
        report = ConversionReport(options=settings.identity(), rows=rows)
    other = "Convert to another folder"
    for name, value in settings.identity().items():
        if (before := report.options.get(name)) != value:
            reason = f"output={str(output)!r} was started with {before!r}. {other}"
            raise ArgumentError(name, value, reason)
    for part in found:
        done = report.parts.get(part.chunk)
        if rows and not 0 < rows[part.chunk] == report.rows.get(part.chunk):
            reason = f"part {part.chunk} must be whole from the beginning. {other}"
            raise ArgumentError("split_by", "order", reason)
        if is_merged and done and done.sources != part.sources():
            # The events of a chunk depend on the whole file.
            reason = f"it has changed since chunk {part.chunk} was converted. {other}"
            raise ArgumentError("source", str(part.hdf5), reason)
    return report


def _is_whole(folder: Path, done: PartReport) -> bool:
    return not done.error and size_of(folder, done.chunk) == done.bytes


def _is_done(folder: Path, part: Part, report: ConversionReport) -> bool:
    """
    Whether the chunk of a part is complete. If records were left out, it is converted
    again when its original files have changed.
    """
    done = report.parts.get(part.chunk)
    if done is None or done.failed or not _is_whole(folder, done):
        return False
    sources = part.sources()
    return (
        not done.skipped or len(sources) < len(done.sources) or sources == done.sources
    )


def _converted(
    parts: list[Part], settings: ConvertSettings, rows: dict[str, int]
) -> Iterator[PartReport]:
    """Converts parts in this process or in several."""
    ends = accumulate(rows.values())
    places = {chunk: end - rows[chunk] for chunk, end in zip(rows, ends, strict=True)}
    tasks = {
        p.chunk: (p, settings, places.get(p.chunk, 0), sum(rows.values()))
        for p in parts
    }
    workers = min(settings.workers, len(parts))
    if workers < 2:
        yield from (convert_part(*task) for task in tasks.values())
        return
    pool = process_pool(workers)

    def submit(chunk: str) -> Future[PartReport]:
        nonlocal pool
        try:
            return pool.submit(convert_part, *tasks[chunk])
        except BrokenProcessPool:
            pool = process_pool(workers)
            return pool.submit(convert_part, *tasks[chunk])

    try:
        for chunk, future in map_unordered(submit, tasks, workers):
            try:
                yield future.result()
            except BrokenProcessPool:
                error = "a worker process died, perhaps of too little memory. Run the "
                error += "same again, with fewer workers."
                yield PartReport(chunk=chunk, sources={}, error=error)
    finally:
        stop_pool(pool)
