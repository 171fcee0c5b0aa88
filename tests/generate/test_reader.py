"""The reader gives what SeisBench gives."""

import copy
import pickle

import numpy as np
import pytest
import seisbench.data as sbd
from made_records import write_dataset

from seisbench_diting.generate import RecordReader


class Doubled(sbd.WaveformDataset):
    """A dataset class with a method of its own."""

    def get_sample(self, idx, sampling_rate=None):
        waveforms, metadata = super().get_sample(idx, sampling_rate)
        return 2 * waveforms, metadata


def open_dataset(path, cls=sbd.WaveformDataset, **options):
    return cls(path, **{"component_order": "ZNE", **options})


def assert_same(reader, dataset, columns=()):
    assert len(reader) == len(dataset)
    for idx in range(len(dataset)):
        theirs, metadata = dataset.get_sample(idx)
        ours, its = reader.get_sample(idx)
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
        assert its["trace_npts"] == ours.shape[1]
        for name, value in its.items():
            np.testing.assert_equal(value, metadata[name])
        assert set(columns) <= set(its)


@pytest.mark.parametrize(
    ("written", "options"),
    [
        ({}, {}),
        ({"bucket_size": 7}, {"component_order": "ZE"}),
        # What only SeisBench itself can do.
        ({"dimension_order": "WC"}, {}),
        ({}, {"sampling_rate": 25}),
        ({}, {"component_order": "ZNEH", "missing_components": "pad"}),
        ({}, {"cls": Doubled}),
    ],
)
def test_as_seisbench_reads(tmp_path, written, options):
    dataset = open_dataset(write_dataset(tmp_path, npts=300, **written), **options)
    assert_same(RecordReader(dataset), dataset)


def test_chunks_filters_and_several_datasets_also_in_other_processes(tmp_path):
    for chunk in ("a", "b"):
        write_dataset(tmp_path / "chunks", 5, chunk=chunk, npts=300)
    write_dataset(tmp_path / "other", 4, component_order="ENZ", npts=200)
    first = open_dataset(tmp_path / "chunks").train()
    dataset = first + open_dataset(tmp_path / "other")
    reader = RecordReader(dataset, ["split"])

    assert_same(reader, dataset, ["split"])
    as_loaders_do = pickle.loads(pickle.dumps(reader))  # noqa: S301
    for other in (as_loaders_do, copy.deepcopy(reader)):
        assert_same(other, dataset, ["split"])
