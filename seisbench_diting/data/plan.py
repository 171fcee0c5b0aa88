"""How large a converted dataset will be, and whether the disk has room for it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from .blocks import storage
from .original import MergedPart, Part

# Records drawn for the estimate, over all parts and at least in each.
_SAMPLED = 256
_SAMPLED_A_PART = 16

# Bytes a row of the metadata takes.
_ROW_BYTES = 380

# The estimate is good to a tenth, so that a tenth more must be free.
_MARGIN = 1.1


@dataclass(frozen=True)
class Estimate:
    """
    What a conversion will write.

    :param records: Number of records by chunk; a part that can't be opened has none
    :param bytes: Size by chunk
    :param errors: Why a part can't be opened, by chunk
    """

    records: dict[str, int]
    bytes: dict[str, int]
    errors: dict[str, str]

    @property
    def total_records(self) -> int:
        return sum(self.records.values())

    @property
    def total_bytes(self) -> int:
        return sum(self.bytes.values())

    def __str__(self) -> str:
        return (
            f"{self.total_records} records in {len(self.records)} chunks, about "
            f"{self.total_bytes / 1e9:.3f} GB"
        )


def estimate(parts: Sequence[Part | MergedPart], compression: str) -> Estimate:
    """
    Estimates the size from some records drawn at random.

    :param parts: Parts to convert
    :param compression: One of :py:data:`.blocks.COMPRESSIONS`
    :return: Estimate
    """
    number = max(_SAMPLED_A_PART, _SAMPLED // max(1, len(parts)))
    records, sizes, errors = {}, {}, {}
    for part in parts:
        rng = np.random.default_rng(len(records))
        try:
            with part.open() as source:
                records[part.chunk] = source.count()
                size = _record_bytes(source.sample(number, rng), compression)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            errors[part.chunk] = str(error)
            continue
        sizes[part.chunk] = round(records[part.chunk] * (size + _ROW_BYTES))
    return Estimate(records, sizes, errors)


def _record_bytes(waveforms: list[np.ndarray], compression: str) -> float:
    if not waveforms:
        return 0.0
    if compression == "none":
        return float(np.mean([waveform.nbytes for waveform in waveforms]))
    sizes = []
    with h5py.File("estimate", "w", driver="core", backing_store=False) as file:
        for i, waveform in enumerate(waveforms):
            array = np.ascontiguousarray(waveform.T)[None]
            dataset = file.create_dataset(
                str(i), data=array, **storage(compression, array.shape[-1])
            )
            sizes.append(dataset.id.get_storage_size())
    return float(np.mean(sizes))


def check_room(path: Path, needed: int) -> None:
    """
    :param path: Folder to write to
    :param needed: Estimated bytes
    :raises OSError: if less is free than a tenth more than the estimate
    """
    free = shutil.disk_usage(path).free
    if free < needed * _MARGIN:
        raise OSError(
            f"The dataset will take about {needed / 1e9:.3f} GB, and "
            f"output={str(path)!r} has {free / 1e9:.3f} GB free; a tenth more than the "
            "estimate is needed. Free space, choose another disk or a compression, or "
            "convert some parts only."
        )
