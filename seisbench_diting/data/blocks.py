"""Trace blocks: many records in one array of the HDF5 file, as SeisBench reads them."""

from __future__ import annotations

import math
from pathlib import Path

import h5py
import numpy as np

from .names import SAMPLING_RATE_HZ

#: Components of the original's columns.
COMPONENT_ORDER = "ZNE"

#: HDF5's number of the zstd filter, which the package hdf5plugin brings.
ZSTD_FILTER = 32015

COMPRESSIONS = ("none", "lzf", "gzip", "zstd")

#: Records of one block: enough to spare HDF5 its overhead for each array, few enough
#: that blocks of many lengths can be filled at once.
BLOCK_RECORDS = 64
_PENDING_BYTES = 256 * 2**20

# Lengths in one block differ by less than this, so padding is less than that.
_LENGTH_RATIO = 1.02


def storage(compression: str, samples: int) -> dict:
    """
    How an array of records is stored: one HDF5 chunk a record when it is compressed,
    so that reading a record decompresses no other; all in one piece otherwise.

    :param compression: One of :py:data:`COMPRESSIONS`
    :param samples: Samples a record
    :raises ValueError: if the compression needs a package that is not installed
    :return: Keyword arguments for h5py's ``create_dataset``
    """
    if compression == "none":
        return {}
    chunks = {"chunks": (1, 3, max(1, samples)), "shuffle": True}
    if compression == "zstd":
        try:
            import hdf5plugin
        except ImportError as error:
            raise ValueError(
                "compression='zstd' needs hdf5plugin: pip install "
                "'seisbench-diting[zstd]', or choose lzf or gzip."
            ) from error
        return {**chunks, **hdf5plugin.Zstd()}
    return {**chunks, "compression": compression}


class BlockWriter:
    """
    Writes records as trace blocks, with SeisBench's group ``data_format``.

    :param path: HDF5 file to write
    :param compression: One of :py:data:`COMPRESSIONS`
    """

    def __init__(self, path: Path, compression: str = "none"):
        self._compression = compression
        self._file = h5py.File(path, "w")
        self._data = self._file.create_group("data")
        self._pending: dict[tuple, _Block] = {}
        self._pending_bytes = 0
        self._spare: dict[tuple, np.ndarray] = {}
        self._number = 0
        data_format = self._file.create_group("data_format")
        data_format["dimension_order"] = "CW"
        data_format["component_order"] = COMPONENT_ORDER
        data_format["sampling_rate"] = SAMPLING_RATE_HZ
        data_format["unit"] = "counts"
        data_format["instrument_response"] = "not restituted"

    def add(self, waveform: np.ndarray) -> str:
        """
        Adds a record, which is written when its block is full.

        :param waveform: Array (samples, 3) of any data type, which is kept. It is
            copied.
        :return: SeisBench's trace name
        """
        samples = len(waveform)
        size = int(math.log(samples) / math.log(_LENGTH_RATIO))
        key = (waveform.dtype, size)
        block = self._pending.get(key)
        if block is None:
            capacity = BLOCK_RECORDS * 3 * int(_LENGTH_RATIO ** (size + 1) + 1)
            memory = self._spare.pop(key, None)
            if memory is None:
                memory = np.empty(capacity, dtype=waveform.dtype)
            block = _Block(f"bucket{self._number}", memory, samples)
            self._pending[key] = block
            self._pending_bytes += block.nbytes
            self._number += 1
        name = f"{block.name}${block.count},:3,:{samples}"
        block.add(waveform)
        if block.count == BLOCK_RECORDS:
            self._write(key)
        while self._pending_bytes > _PENDING_BYTES:
            self._write(max(self._pending, key=lambda k: self._pending[k].count))
        return name

    def _write(self, key: tuple) -> None:
        block = self._pending.pop(key)
        array = block.array
        self._data.create_dataset(
            block.name, data=array, **storage(self._compression, array.shape[-1])
        )
        self._pending_bytes -= block.nbytes
        # Fresh memory costs the system more than the copy into it. One is kept.
        self._spare = {key: block.memory}

    def finish(self) -> None:
        """Writes what is left."""
        for key in list(self._pending):
            self._write(key)

    def close(self) -> None:
        self._file.close()


class _Block:
    """
    Records that become one array, zeros where one is shorter than the longest.

    :param name: Name of the block
    :param memory: Room for the records, of their data type
    :param width: Samples of the first record
    """

    def __init__(self, name: str, memory: np.ndarray, width: int):
        self.name = name
        self.count = 0
        self.memory = memory
        self._width = width

    @property
    def nbytes(self) -> int:
        return self.memory.nbytes

    @property
    def array(self) -> np.ndarray:
        """Records (records, 3, samples), in one piece."""
        return self._rows(self._width)[: self.count]

    def _rows(self, width: int) -> np.ndarray:
        return self.memory[: BLOCK_RECORDS * 3 * width].reshape(-1, 3, width)

    def add(self, waveform: np.ndarray) -> None:
        samples = len(waveform)
        if samples > self._width:
            self._widen(samples)
        row = self._rows(self._width)[self.count]
        row[:, :samples] = waveform.T
        row[:, samples:] = 0
        self.count += 1

    def _widen(self, width: int) -> None:
        """Rare: only when a record is longer than all before it in the block."""
        before = self.array.copy()
        after = self._rows(width)[: self.count]
        after[..., : self._width] = before
        after[..., self._width :] = 0
        self._width = width
