"""Reading single records of SeisBench's datasets fast."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np
from seisbench.data import MultiWaveformDataset, WaveformDataset

from .._util import check_type

# Files that are open at once; a dataset may have a chunk for each day.
_OPEN_FILES = 64

#: Place of a record in a block, as SeisBench's writer puts it.
_PLACE = re.compile(r"(.+)\$(\d+),:(\d+),:(\d+)")

#: Metadata that windows and labels depend on.
_NEEDED = re.compile(
    r"trace_(.+_sample|sampling_rate_hz|dt_s|npts|polarity|component_order)"
)

#: Methods that a dataset class must not have overridden to be read here.
_METHODS = ("get_sample", "_get_sample_unify_sampling_rate", "_get_single_waveform")


class RecordReader:
    """
    Reads the same as ``dataset.get_sample``, many times a file's opening faster: files
    stay open, and only the metadata in samples, the sampling rate and a few more are
    read. Where a dataset does more than to read (resampling, missing components, a
    cache, another order of dimensions, methods of its own) its own ``get_sample`` is
    called. Later changes of the dataset have no effect.

    It can be given to the processes of a DataLoader, each of which opens the files for
    itself.

    :param dataset: Dataset of waveforms
    :param columns: Further metadata columns to read
    """

    def __init__(
        self,
        dataset: WaveformDataset | MultiWaveformDataset,
        columns: Sequence[str] = (),
    ):
        check_type("dataset", dataset, WaveformDataset | MultiWaveformDataset)
        is_multiple = isinstance(dataset, MultiWaveformDataset)
        members = dataset.datasets if is_multiple else [dataset]
        self.component_order = dataset.component_order
        self._readers = [_Reader(member, columns) for member in members]
        self._ends = np.cumsum([len(member) for member in members])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def get_sample(self, idx: int) -> tuple[np.ndarray, dict[str, Any]]:
        """
        :param idx: Number of the record
        :return: Waveforms (components, samples), and metadata
        """
        member = int(np.searchsorted(self._ends, idx, side="right"))
        begin = self._ends[member - 1] if member else 0
        return self._readers[member].get_sample(int(idx - begin))


class _Reader:
    """Reads one dataset."""

    def __init__(self, dataset: WaveformDataset, columns: Sequence[str]):
        self.dataset = dataset
        metadata = dataset.metadata
        self._columns = {
            name: metadata[name].to_numpy()
            for name in metadata.columns
            if _NEEDED.fullmatch(name) or name in columns
        }
        self._names = metadata["trace_name"].astype(str).to_numpy(dtype=object)
        self._chunks = metadata["trace_chunk"].to_numpy()
        # Rows of the waveforms by their component order, where none is missing.
        self._rows = {
            order: [order.index(component) for component in dataset.component_order]
            for order in metadata["trace_component_order"].unique()
            if isinstance(order, str) and set(dataset.component_order) <= set(order)
            if _is_plain(dataset)
        }
        # By process, as handles that were open before a fork belong to the parent.
        self._open: dict[tuple[int, str], h5py.Group] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_open": {}}

    def get_sample(self, idx: int) -> tuple[np.ndarray, dict[str, Any]]:
        metadata = {name: values[idx] for name, values in self._columns.items()}
        rows = self._rows.get(metadata["trace_component_order"])
        rate = self.dataset.sampling_rate
        if rows is None or rate not in (None, metadata["trace_sampling_rate_hz"]):
            return self.dataset.get_sample(idx)
        waveform = _read(self._group(self._chunks[idx]).id, self._names[idx])
        if waveform is None:
            return self.dataset.get_sample(idx)
        metadata["trace_npts"] = waveform.shape[1]
        return waveform[rows], metadata

    def _group(self, chunk: str) -> h5py.Group:
        key = os.getpid(), chunk
        if key not in self._open:
            if len(self._open) == _OPEN_FILES:
                self._open.clear()
            file = h5py.File(self.dataset.path / f"waveforms{chunk}.hdf5", "r")
            self._open[key] = file["data"]
        return self._open[key]


def _read(data: h5py.h5g.GroupID, name: str) -> np.ndarray | None:
    """A record (components, samples), None if its place is written in another way."""
    match = _PLACE.fullmatch(name)
    if match is None and "$" in name:
        return None
    dataset = h5py.h5d.open(data, (match[1] if match else name).encode())
    space = dataset.get_space()
    shape = dataset.shape
    if match:
        shape = int(match[3]), int(match[4])
        space.select_hyperslab((int(match[2]), 0, 0), (1, *shape))
    waveform = np.empty(shape, dtype=dataset.dtype)
    dataset.read(h5py.h5s.create_simple(shape), space, waveform)
    return waveform


def _is_plain(dataset: WaveformDataset) -> bool:
    """If ``get_sample`` does nothing but read."""
    return (
        dataset.cache is None
        and dataset.dimension_order == "NCW"
        and dataset.data_format.get("dimension_order") == "CW"
        and all(
            getattr(type(dataset), name) is getattr(WaveformDataset, name)
            for name in _METHODS
        )
    )
