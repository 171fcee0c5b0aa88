"""The conversion of DiTing's original files to SeisBench's format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from .._util import only_writer
from .blocks import COMPRESSIONS, storage
from .original import MergedPart, Part, find_parts
from .part import Options, Place, chunk_files, remove_leftovers, sources_of
from .plan import Estimate, check_room, estimate
from .report import REPORT_FILE, ConversionReport, PartReport
from .splits import check_shares
from .worker import Task, run_in_processes

_DEFAULT_SPLITS = {"event": (0.8, 0.1, 0.1), "order": (0.9, 0.0, 0.1)}


def convert(
    source: str | Path,
    path: str | Path,
    *,
    compression: str = "none",
    workers: int = 1,
    split: Sequence[float] | None = None,
    split_by: str = "event",
    seed: int = 42,
    parts: Iterable[int | str] | None = None,
    progress: bool = True,
) -> ConversionReport:
    """
    Converts the original files of DiTing to a dataset in SeisBench's format: a chunk a
    part, waveforms bit for bit as in the source, metadata in SeisBench's names.

    A conversion that was interrupted, also by force, continues where it was with the
    next call, and gives the same dataset as one that was not. So does a conversion of
    other ``parts``, or of files that were mended.

    :param source: Folder with ``DiTing330km_part_N.hdf5`` and ``.csv``, or the
        tutorial's merged file
    :param path: Folder of the dataset; made if need be
    :param compression: ``none``, ``lzf``, ``gzip`` or ``zstd``
    :param workers: Number of parts that are converted at once, a process each
    :param split: Shares of train, dev and test; by default 0.8, 0.1, 0.1 by event and
        0.9, 0, 0.1 by order
    :param split_by: ``event``: no event is in two splits. ``order``: the first records
        train and the last test, as in the tutorial; the merged file's own groups if
        that is the source
    :param seed: Seed of the split by event
    :param parts: Numbers of the parts to convert, or names of chunks; default: all
    :param progress: If true, shows a progress bar
    :raises ValueError: for wrong arguments, or if ``path`` holds something else
    :raises OSError: if the disk has too little room, before anything is written
    :return: Report on all parts of the dataset, also those of earlier calls; its
        ``problems`` name what is wrong with the original files
    """
    source, path = Path(source), Path(path)
    found = find_parts(source)
    chosen = choose_parts(found, parts)
    options = _options(compression, split, split_by, seed, found)
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ValueError(f"workers={workers!r} must be a whole number of at least 1.")
    path.mkdir(parents=True, exist_ok=True)
    with only_writer(path, "conversion"):
        report = _begin(path, options, found)
        _check_unchanged(found, report)
        waiting = [part for part in chosen if not _is_done(path, part, report)]
        plan = estimate(waiting, compression)
        check_room(path, plan.total_bytes)
        report.write(path)
        if progress and waiting:
            print(f"Converting {plan} to {path}", flush=True)
        tasks = [Task(part, path, options, _place(part, report)) for part in waiting]
        with (
            tqdm(total=plan.total_records, unit="records", disable=not progress) as bar,
            _cleaned(path),
            closing(_run(tasks, workers, bar.update)) as converted,
        ):
            for part in converted:
                _take(part, report, path)
                report.write(path)
    return report


def plan_conversion(
    source: str | Path,
    *,
    compression: str = "none",
    parts: Iterable[int | str] | None = None,
) -> Estimate:
    """
    What :py:func:`convert` would write, without writing anything.

    :param source: As in :py:func:`convert`
    :param compression: As in :py:func:`convert`
    :param parts: As in :py:func:`convert`
    :return: Number of records and size, right within a tenth
    """
    _check_compression(compression)
    return estimate(choose_parts(find_parts(Path(source)), parts), compression)


def choose_parts(
    found: list[Part] | list[MergedPart], wanted: Iterable[int | str] | None
) -> list[Part | MergedPart]:
    """
    :param found: Parts that are there
    :param wanted: Numbers or names of chunks, None for all
    :raises ValueError: if one is not there
    :return: The wanted parts
    """
    if wanted is None:
        return list(found)
    wanted = [wanted] if isinstance(wanted, (int, str)) else list(wanted)
    if not wanted:
        raise ValueError("parts names no part; leave it out to convert all.")
    by_name = {part.chunk: part for part in found}
    chosen = {}
    for name in wanted:
        chunk = f"{int(name):02d}" if str(name).isdigit() else str(name)
        if chunk not in by_name:
            raise ValueError(
                f"parts={name!r} is not there; there are {', '.join(by_name)}."
            )
        chosen[chunk] = by_name[chunk]
    return list(chosen.values())


def _check_compression(compression: str) -> None:
    if compression not in COMPRESSIONS:
        raise ValueError(
            f"compression={compression!r} must be one of {', '.join(COMPRESSIONS)}."
        )
    storage(compression, 1)


def _options(
    compression: str,
    split: Sequence[float] | None,
    split_by: str,
    seed: int,
    found: Sequence[Part | MergedPart],
) -> Options:
    _check_compression(compression)
    if split_by not in _DEFAULT_SPLITS:
        raise ValueError(
            f"split_by={split_by!r} must be one of {', '.join(_DEFAULT_SPLITS)}."
        )
    if split_by == "order" and split is not None and isinstance(found[0], MergedPart):
        raise ValueError(
            f"split={tuple(split)} does not go with split_by='order' here: the merged "
            "file has its own groups train and test. Leave split out."
        )
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise ValueError(f"seed={seed!r} must be a whole number.")
    shares = check_shares(_DEFAULT_SPLITS[split_by] if split is None else split)
    return Options(compression, shares, split_by, seed)


@contextmanager
def _cleaned(path: Path) -> Iterator[None]:
    """Removes what a killed conversion left, and what killed workers leave."""
    remove_leftovers(path)
    try:
        yield
    finally:
        remove_leftovers(path)


def _begin(
    path: Path, options: Options, found: Sequence[Part | MergedPart]
) -> ConversionReport:
    """The report of the conversion that is continued, or a new one."""
    values = {**asdict(options), "split": list(options.split)}
    rows = {}
    if options.split_by == "order" and isinstance(found[0], Part):
        for part in found:
            if not part.csv.is_file():
                raise ValueError(
                    f"{part.csv} is missing, and split_by='order' needs the number of "
                    "all rows: copy it there, or remove the part."
                )
        rows = {part.chunk: part.count_rows() for part in found}
    report = ConversionReport.read(path)
    if report is None:
        if others := [*path.glob("metadata*.csv"), *path.glob("waveforms*.hdf5")]:
            raise ValueError(
                f"output={str(path)!r} holds {others[0].name} and no {REPORT_FILE}: it "
                "is a dataset of other origin. Choose another folder."
            )
        return ConversionReport(values, rows)
    for name, value in values.items():
        if report.options[name] != value:
            raise ValueError(
                f"output={str(path)!r} was begun with {name}={report.options[name]!r}, "
                f"not {value!r}. Use the same, or another folder."
            )
    for chunk, number in rows.items():
        if report.rows.get(chunk) != number:
            before = report.rows.get(chunk, "none")
            raise ValueError(
                f"Part {chunk} has {number} rows, and had {before} when "
                f"output={str(path)!r} was begun; where split_by='order' splits hangs on "
                "all of them. Convert to another folder."
            )
    return report


def _check_unchanged(
    found: Sequence[Part | MergedPart], report: ConversionReport
) -> None:
    """Which events of a merged file are in which chunk hangs on all of the file."""
    for part in found:
        done = report.parts.get(part.chunk)
        if isinstance(part, MergedPart) and done and done.sources != sources_of(part):
            raise ValueError(
                f"{part.hdf5} is not the same as when its chunk {part.chunk} was "
                "converted. Convert it to another folder."
            )


def _take(part: PartReport, report: ConversionReport, path: Path) -> None:
    """Puts a part's report in place; what was whole before stays if it failed now."""
    before = report.parts.get(part.chunk)
    if part.error and before is not None and _is_whole(path, before):
        before.failed = part.error
        return
    report.parts[part.chunk] = part


def _is_whole(path: Path, done: PartReport) -> bool:
    files = chunk_files(path, done.chunk)
    return (
        not done.error
        and all(file.is_file() for file in files)
        and sum(file.stat().st_size for file in files) == done.bytes
    )


def _place(part: Part | MergedPart, report: ConversionReport) -> Place:
    if not report.rows:
        return Place()
    numbers = list(report.rows.values())
    return Place(sum(numbers[: list(report.rows).index(part.chunk)]), sum(numbers))


def _is_done(path: Path, part: Part | MergedPart, report: ConversionReport) -> bool:
    """
    A part is done if its files are there and whole. One of which something was left out
    is done again if its original files are there and not the same any more.
    """
    done = report.parts.get(part.chunk)
    if done is None or not _is_whole(path, done):
        return False
    if done.failed:
        return False
    if not done.skipped or not all(file.is_file() for file in part.files):
        return True
    return done.sources == sources_of(part)


def _run(
    tasks: list[Task], workers: int, update: Callable[[int], object]
) -> Iterator[PartReport]:
    """Converts the parts, here or in processes of their own."""
    if min(workers, len(tasks)) > 1:
        yield from run_in_processes(tasks, workers, update)
        return
    for task in tasks:
        yield task.run(update)
