"""The reader gives what SeisBench gives."""

import copy
import pickle

import numpy as np
import pytest
import seisbench.data as sbd
from made_records import write_dataset

from seisbench_diting.generate import RecordReader


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
        ({"bucket_size": 1}, {"component_order": "ENZ"}),
        ({"bucket_size": 7}, {"component_order": "ZE"}),
        ({"rate": np.nan}, {}),
        # What only SeisBench itself can do.
        ({"dimension_order": "WC"}, {}),
        ({}, {"sampling_rate": 25}),
        ({}, {"cache": "trace"}),
        ({}, {"component_order": "ZNEH", "missing_components": "pad"}),
    ],
)
def test_as_seisbench_reads(tmp_path, written, options):
    path = write_dataset(tmp_path, npts=300, **written)
    dataset = sbd.WaveformDataset(path, **{"component_order": "ZNE", **options})
    assert_same(RecordReader(dataset), dataset)


def test_a_dataset_class_with_a_method_of_its_own(tmp_path):
    class Doubled(sbd.WaveformDataset):
        def get_sample(self, idx, sampling_rate=None):
            waveforms, metadata = super().get_sample(idx, sampling_rate)
            return 2 * waveforms, metadata

    dataset = Doubled(write_dataset(tmp_path, npts=300), component_order="ZNE")
    assert_same(RecordReader(dataset), dataset)


def test_chunks_filters_and_several_datasets(tmp_path):
    for chunk in ("a", "b"):
        write_dataset(tmp_path / "chunks", 5, chunk=chunk, npts=300)
    write_dataset(tmp_path / "other", 4, component_order="ENZ", npts=200)
    first = sbd.WaveformDataset(tmp_path / "chunks", component_order="ZNE")
    second = sbd.WaveformDataset(tmp_path / "other", component_order="ZNE")
    dataset = first.train() + second

    assert_same(RecordReader(dataset, ["split"]), dataset, ["split"])


def test_it_can_be_given_to_other_processes(tmp_path):
    path = write_dataset(tmp_path, npts=300)
    dataset = sbd.WaveformDataset(path, component_order="ZNE")
    reader = RecordReader(dataset)
    reader.get_sample(0)

    for other in (
        pickle.loads(pickle.dumps(reader)),  # noqa: S301 - as DataLoader does
        copy.deepcopy(reader),
    ):
        assert_same(other, dataset)
