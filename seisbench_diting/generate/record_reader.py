"""Reading single records of SeisBench's datasets fast."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np
from seisbench.data import MultiWaveformDataset, WaveformDataset

# Files that are open at once; a dataset may have a chunk for each day.
_OPEN_FILES = 64

#: Place of a record in a block, as SeisBench's writer puts it.
_PLACE = re.compile(r"(.+)\$(\d+),:(\d+),:(\d+)")

#: Metadata that windows and labels hang on.
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
    called.

    What it gives is as the dataset was when the reader was made: a change of, say, its
    ``component_order`` has no effect afterwards.

    It can be given to the processes of a DataLoader, each of which opens the files for
    itself.

    :param dataset: Dataset of waveforms
    :param columns: Further metadata columns to read
    :raises ValueError: if it is not a dataset of waveforms
    """

    def __init__(
        self,
        dataset: WaveformDataset | MultiWaveformDataset,
        columns: Sequence[str] = (),
    ):
        if isinstance(dataset, MultiWaveformDataset):
            members = dataset.datasets
        elif isinstance(dataset, WaveformDataset):
            members = [dataset]
        else:
            raise ValueError(
                f"dataset={dataset!r} is not a SeisBench dataset of waveforms."
            )
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
        if not 0 <= idx < len(self):
            raise IndexError(f"idx={idx} is not from 0 to {len(self) - 1}.")
        member = int(np.searchsorted(self._ends, idx, side="right"))
        begin = self._ends[member - 1] if member else 0
        return self._readers[member].get_sample(int(idx - begin))

    def close(self) -> None:
        """Closes the files; the next record opens them again."""
        for reader in self._readers:
            reader.files.close()


class _Reader:
    """Reads one dataset."""

    def __init__(self, dataset: WaveformDataset, columns: Sequence[str]):
        self.dataset = dataset
        self.files = _Files()
        metadata = dataset.metadata
        self._columns = {
            name: metadata[name].to_numpy()
            for name in metadata.columns
            if _NEEDED.fullmatch(name) or name in columns
        }
        self._names = metadata["trace_name"].astype(str).to_numpy(dtype=object)
        chunks = dataset.chunks
        self._chunks = metadata["trace_chunk"].to_numpy()
        self._paths = {
            chunk: str(dataset.path / f"waveforms{chunk}.hdf5") for chunk in chunks
        }
        self._mappings = _component_mappings(dataset)
        self._is_plain = _is_plain(dataset)

    def get_sample(self, idx: int) -> tuple[np.ndarray, dict[str, Any]]:
        metadata = {name: values[idx] for name, values in self._columns.items()}
        mapping = self._mappings.get(metadata.get("trace_component_order"))
        rate = self.dataset.sampling_rate
        if (
            not self._is_plain
            or mapping is None
            or rate not in (None, metadata["trace_sampling_rate_hz"])
        ):
            return self.dataset.get_sample(idx)
        path = self._paths[self._chunks[idx]]
        waveform = _read(self.files.data(path), self._names[idx])
        if waveform is None:
            return self.dataset.get_sample(idx)
        metadata["trace_npts"] = waveform.shape[1]
        return waveform[mapping], metadata


class _Files:
    """Open HDF5 files, the least recently used closed first."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, tuple[h5py.File, h5py.h5g.GroupID]] = OrderedDict()
        self._process = os.getpid()

    def data(self, path: str) -> h5py.h5g.GroupID:
        """The group with the waveforms."""
        if self._process != os.getpid():
            # Handles that were open before a fork belong to the parent.
            self._open = OrderedDict()
            self._process = os.getpid()
        if path not in self._open:
            file = h5py.File(path, "r")
            self._open[path] = file, file["data"].id
            if len(self._open) > _OPEN_FILES:
                self._open.popitem(last=False)[1][0].close()
        self._open.move_to_end(path)
        return self._open[path][1]

    def close(self) -> None:
        if self._process == os.getpid():
            for file, _ in self._open.values():
                file.close()
        self._open = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {"_open": OrderedDict(), "_process": -1}

    def __deepcopy__(self, memo: dict) -> _Files:
        return _Files()


def _read(data: h5py.h5g.GroupID, name: str) -> np.ndarray | None:
    """A record (components, samples), None if its place is written in another way."""
    match = _PLACE.fullmatch(name)
    if match is None:
        if "$" in name:
            return None
        dataset = h5py.h5d.open(data, name.encode())
        if len(dataset.shape) != 2:
            return None
        waveform = np.empty(dataset.shape, dtype=dataset.dtype)
        dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, waveform)
        return waveform
    block, index, *sizes = match[1], *map(int, match.groups()[1:])
    dataset = h5py.h5d.open(data, block.encode())
    space = dataset.get_space()
    limits = space.get_simple_extent_dims()
    if len(limits) != 3 or index >= limits[0]:
        return None
    # As in NumPy, a slice ends with the array.
    shape = tuple(min(n, limit) for n, limit in zip(sizes, limits[1:], strict=True))
    waveform = np.empty(shape, dtype=dataset.dtype)
    space.select_hyperslab((index, 0, 0), (1, *shape))
    dataset.read(h5py.h5s.create_simple(shape), space, waveform)
    return waveform


def _component_mappings(dataset: WaveformDataset) -> dict[Any, list[int]]:
    """From each order in the files to that of the dataset, where nothing is missing."""
    mappings = {}
    for source in dataset.metadata["trace_component_order"].unique():
        if isinstance(source, str) and set(dataset.component_order) <= set(source):
            mappings[source] = [source.index(c) for c in dataset.component_order]
    return mappings


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
