"""Verification of a converted dataset."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from tqdm import tqdm

from .original import Row, find_parts
from .part import chunk_files
from .report import REPORT_FILE, ConversionReport

_TRACE_NAME = r"(?P<block>bucket\d+)\$(?P<index>\d+),:3,:(?P<samples>\d+)"
_COLUMNS = ["trace_name", "trace_name_original", "trace_npts", "split", "source_id"]

#: Problems of one kind that are named one by one.
_SHOWN = 10


@dataclass
class CheckReport:
    """
    What a verification found.

    :param records: Number of records in the dataset
    :param read: Number of records whose samples were read
    :param compared: Number of records that were compared with the original
    :param problems: What is wrong, a line each; empty if nothing is
    :param not_compared: Chunks whose original files are not there
    """

    records: int = 0
    read: int = 0
    compared: int = 0
    problems: list[str] = field(default_factory=list)
    not_compared: list[str] = field(default_factory=list)


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
    :param source: Original files, as for :py:func:`.conversion.convert`; None to read the drawn
        records without comparing them
    :param samples: Number of records drawn
    :param seed: Seed of the draw
    :param progress: If true, shows a progress bar
    :raises ValueError: if there is no converted dataset
    :return: What was found
    """
    path = Path(path)
    if samples < 0:
        raise ValueError(f"samples={samples} must not be negative.")
    conversion = ConversionReport.read(path)
    if conversion is None:
        raise ValueError(
            f"check={str(path)!r} holds no {REPORT_FILE}: it is no dataset that "
            "'seisbench-diting convert' wrote."
        )
    report = CheckReport(problems=list(conversion.problems))
    originals = {}
    if source is not None:
        originals = {part.chunk: part for part in find_parts(Path(source))}
        for chunk in sorted(originals.keys() - conversion.parts.keys()):
            report.problems.append(f"part {chunk} has not been converted")
        report.not_compared = sorted(set(conversion.chunks) - originals.keys())
    rng = np.random.default_rng(seed)
    splits: dict[object, str] = {}
    names: set[str] = set()
    for chunk in tqdm(conversion.chunks, unit="chunks", disable=not progress):
        _Chunk(path, chunk, conversion, report).check(
            splits, names, originals.get(chunk), rng, samples
        )
    return report


class _Chunk:
    """Verification of one chunk."""

    def __init__(
        self, path: Path, chunk: str, conversion: ConversionReport, report: CheckReport
    ):
        self.chunk = chunk
        self.files = chunk_files(path, chunk)
        self.expected = conversion.parts[chunk]
        self.by_event = conversion.options["split_by"] == "event"
        self.total = max(1, conversion.records)
        self.report = report

    def wrong(self, text: str) -> None:
        self.report.problems.append(f"chunk {self.chunk}: {text}")

    def check(self, splits, names, original, rng, samples: int) -> None:
        for file in self.files:
            if not file.is_file():
                self.wrong(f"{file.name} is missing; convert again")
                return
        size = sum(file.stat().st_size for file in self.files)
        if size != self.expected.bytes:
            self.wrong(f"the files have {size} bytes instead of {self.expected.bytes}")
        try:
            metadata = pd.read_csv(self.files[1], usecols=_COLUMNS, dtype=str)
            with h5py.File(self.files[0], "r") as file:
                self.check_metadata(metadata, splits, names)
                if original is not None:
                    self.check_complete(metadata, original)
                self.check_blocks(metadata, file)
                share = len(metadata) / self.total
                number = min(len(metadata), int(np.ceil(samples * share)))
                chosen = metadata.iloc[np.sort(rng.permutation(len(metadata))[:number])]
                self.check_samples(chosen, file, original)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            self.wrong(f"can't be read ({error})")

    def check_complete(self, metadata: pd.DataFrame, original) -> None:
        """Every record that has row and waveform is there."""
        theirs = set()
        with original.open() as source:
            for row in source.rows():
                if isinstance(row, Row) and row.name and row.name in source:
                    theirs.add(row.name)
        ours = set(metadata["trace_name_original"].str.rpartition("/")[2])
        left_out = sum(
            skipped.number
            for reason, skipped in self.expected.skipped.items()
            if reason in ("unreadable waveform", "wrong shape")
        )
        if len(theirs - ours) > left_out:
            shown = ", ".join(sorted(theirs - ours)[:_SHOWN])
            self.wrong(
                f"{len(theirs - ours)} records of the original are not there: {shown}"
            )

    def check_metadata(
        self, metadata: pd.DataFrame, splits: dict, names: set[str]
    ) -> None:
        self.report.records += len(metadata)
        if len(metadata) != self.expected.records:
            self.wrong(f"{len(metadata)} records instead of {self.expected.records}")
        for name in ("trace_name", "trace_name_original"):
            if number := int(metadata[name].duplicated().sum()):
                self.wrong(f"{number} records have the {name} of another one")
        own = set(metadata["trace_name_original"])
        if both := own & names:
            shown = ", ".join(sorted(both)[:_SHOWN])
            self.wrong(f"{len(both)} records are in another chunk as well: {shown}")
        names |= own
        if not self.by_event:
            return
        pairs = metadata[["source_id", "split"]].drop_duplicates()
        for event, split in pairs.itertuples(index=False):
            if splits.setdefault(event, split) != split:
                self.wrong(f"event {event} is in {splits[event]} and {split}")

    def check_blocks(self, metadata: pd.DataFrame, file: h5py.File) -> None:
        shapes = {name: block.shape for name, block in file["data"].items()}
        if (number := sum(shape[0] for shape in shapes.values())) != len(metadata):
            self.wrong(f"{number} waveforms for {len(metadata)} rows")
        place = metadata["trace_name"].str.extract(f"^{_TRACE_NAME}$")
        is_bad = ~place["block"].isin(shapes.keys())
        good = place[~is_bad]
        limits = np.array([shapes[name] for name in good["block"]]).reshape(-1, 3)
        index, length = (good[name].astype(int) for name in ("index", "samples"))
        is_wrong = (index >= limits[:, 0]) | (length > limits[:, 2])
        is_wrong |= length != metadata["trace_npts"][~is_bad].astype(int)
        if number := int(is_bad.sum() + is_wrong.sum()):
            self.wrong(f"{number} records are not where trace_name says")

    def check_samples(self, chosen: pd.DataFrame, file: h5py.File, original) -> None:
        different = []
        with contextlib.ExitStack() as stack:
            source = None
            if original is not None:
                source = stack.enter_context(original.open())
            for row in chosen.itertuples():
                block, location = row.trace_name.split("$")
                index, samples = location.split(",:3,:")
                waveform = file["data"][block][int(index), :, : int(samples)]
                self.report.read += 1
                if source is None:
                    continue
                name = row.trace_name_original.rpartition("/")[2]
                theirs = source.read(name)
                self.report.compared += 1
                if theirs is None or not _is_same(waveform, theirs.T):
                    different.append(name)
        if different:
            shown = ", ".join(different[:_SHOWN])
            self.wrong(f"{len(different)} records differ from the original: {shown}")


def _is_same(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Bit for bit: a value that is not a number equals itself, -0 does not equal 0."""
    return ours.dtype == theirs.dtype and ours.tobytes() == theirs.tobytes()
