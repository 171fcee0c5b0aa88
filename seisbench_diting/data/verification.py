"""Verification of converted datasets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from itertools import chain
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from pydantic import BaseModel
from tqdm import tqdm

from .._util import ArgumentError, merged
from .chunks import PartReport, chunk_files, size_of
from .conversion import REPORT_FILE, read_report
from .original import READING_ERRORS, OpenPart, Row, find_parts, open_part

_COLUMNS = ["trace_name", "trace_name_original", "trace_npts", "split", "source_id"]


class CheckReport(BaseModel):
    """
    Result of a verification.

    :param records: Number of records in the dataset
    :param read: Number of records whose samples were read
    :param compared: Number of records that were compared with the original
    :param problems: Problems, one per line
    :param not_compared: Chunks whose original files are missing
    """

    records: int = 0
    read: int = 0
    compared: int = 0
    problems: list[str] = []
    not_compared: list[str] = []


def check_dataset(
    path: str | Path,
    source: str | Path | None = None,
    *,
    samples: int = 256,
    seed: int = 0,
    progress: bool = True,
) -> CheckReport:
    """
    Verifies a converted dataset: the number of records, the shapes, the splits, and the
    samples of records drawn at random, compared bit for bit with the original files.

    :param path: Folder of the dataset
    :param source: Original files, as for :py:func:`convert`; None to read the drawn
        records without comparing them
    :param samples: Number of records drawn
    :param seed: Seed of the draw
    :param progress: If true, shows a progress bar
    :raises ValueError: if there is no converted dataset
    :return: Result
    """
    path = Path(path)
    conversion = read_report(path)
    if conversion is None:
        raise ArgumentError(
            "check",
            str(path),
            f"{REPORT_FILE} is missing; 'seisbench-diting convert' did not write it",
        )
    parts = {} if source is None else {p.chunk: p for p in find_parts(Path(source))}
    report = CheckReport()
    report.not_compared = sorted(set(conversion.chunks) - parts.keys())
    missing = sorted(parts.keys() - conversion.parts.keys())
    problems = [(chunk, "has not been converted") for chunk in missing]
    rng = np.random.default_rng(seed)
    tables = []
    for chunk in tqdm(conversion.chunks, unit="chunks", disable=not progress):
        expected = conversion.parts[chunk]
        number = -(-samples * expected.records // max(1, conversion.records))
        part = parts.get(chunk)
        hdf5, csv = chunk_files(path, chunk)
        try:
            if (size := size_of(path, chunk)) != expected.bytes:
                problems.append((chunk, f"{size} bytes instead of {expected.bytes}"))
            table = pd.read_csv(csv, usecols=_COLUMNS, dtype=str)
            tables.append(table)
            drawn = table.iloc[np.sort(rng.permutation(len(table))[:number])]
            with (
                h5py.File(hdf5, "r") as file,
                open_part(part) if part else nullcontext() as original,
            ):
                for text in chain(
                    _check_table(table, file["data"], expected),
                    _check_complete(table, original, expected),
                    _check_samples(drawn, file["data"], original),
                ):
                    problems.append((chunk, text))
            report.read += len(drawn)
            report.compared += len(drawn) if part else 0
        except READING_ERRORS as error:
            problems.append((chunk, f"can't be read ({error})"))
    report.problems = conversion.problems + merged(problems, "chunk")
    if tables:
        table = pd.concat(tables)
        report.records = len(table)
        by_event = conversion.options["split_by"] == "event"
        report.problems += _check_all(table, by_event)
    return report


def _few(names: Iterable[str]) -> str:
    names = sorted(names)
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")


def _check_all(table: pd.DataFrame, by_event: bool) -> Iterator[str]:
    names = table["trace_name_original"]
    if twice := set(names[names.duplicated()]):
        yield f"{len(twice)} records are there more than once: {_few(twice)}"
    if by_event:
        splits = table.groupby("source_id")["split"].nunique()
        if mixed := set(splits.index[splits > 1]):
            yield f"{len(mixed)} events are in several splits: {_few(mixed)}"


def _check_table(
    table: pd.DataFrame, blocks: h5py.Group, expected: PartReport
) -> Iterator[str]:
    shapes = pd.DataFrame({name: block.shape for name, block in blocks.items()}).T
    numbers = {
        "rows": len(table),
        "waveforms": shapes[0].sum(),
        "different trace_name": table["trace_name"].nunique(),
    }
    for what, number in numbers.items():
        if number != expected.records:
            yield f"{number} {what} instead of {expected.records}"
    place = table["trace_name"].str.extract(r"^(bucket\d+)\$(\d+),:3,:(\d+)$")
    index, samples, npts = (
        column.astype(float) for column in (place[1], place[2], table["trace_npts"])
    )
    limits = shapes.reindex(place[0]).set_index(table.index)
    is_there = (index < limits[0]) & (samples <= limits[2]) & (samples == npts)
    if wrong := int((~is_there).sum()):
        yield f"{wrong} records are not where trace_name says"


def _check_complete(
    table: pd.DataFrame, original: OpenPart | None, expected: PartReport
) -> Iterator[str]:
    """Checks that all records with row and waveform are there, except those left out."""
    if original is None:
        return
    rows = (row for row in original.rows() if isinstance(row, Row) and row.name)
    theirs = {row.name for row in rows if row.name in original}
    missing = theirs - set(table["trace_name_original"].str.rpartition("/")[2])
    reasons = ("unreadable waveform", "wrong shape")
    left_out = [expected.skipped[r].number for r in reasons if r in expected.skipped]
    if len(missing) > sum(left_out):
        yield f"{len(missing)} records of the original are not there: {_few(missing)}"


def _check_samples(
    drawn: pd.DataFrame, blocks: h5py.Group, original: OpenPart | None
) -> Iterator[str]:
    different = []
    columns = drawn["trace_name"], drawn["trace_name_original"]
    for place, name in zip(*columns, strict=True):
        block, numbers = place.split("$")
        index, samples = numbers.split(",:3,:")
        ours = blocks[block][int(index), :, : int(samples)]
        if original is None:
            continue
        theirs = original.read(name.rpartition("/")[2])
        # Bit for bit: NaN equals itself, -0 does not equal 0.
        if (
            theirs is None
            or ours.dtype != theirs.dtype
            or ours.tobytes() != theirs.T.tobytes()
        ):
            different.append(name)
    if different:
        yield f"{len(different)} records differ from the original: {_few(different)}"
