"""Batches as the tutorial gives them, the same however they are loaded."""

import copy

import numpy as np
import pytest
import seisbench.data as sbd
from made_records import write_dataset

from seisbench_diting.generate import DiTingBatches, DiTingTestBatches, lppn_label


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    path = write_dataset(tmp_path_factory.mktemp("batches"), 21)
    return sbd.WaveformDataset(path, component_order="ZNE")


def assert_equal(batch, other):
    assert batch.keys() == other.keys()
    for name in batch:
        np.testing.assert_array_equal(batch[name], other[name])


def test_the_tutorials_batches(dataset):
    batches = DiTingBatches(dataset, 4)
    wave, lppn, point, eqt = batches.batch_data()

    assert lppn.shape == (4, 2, 768)
    assert wave.shape == point.shape == eqt.shape == (4, 3, 6144)
    assert {a.dtype for a in (wave, lppn, point, eqt)} == {np.dtype(np.float32)}
    # The labels of each window say the same.
    for i in range(4):
        p, s = (np.flatnonzero(eqt[i, row] == 1) for row in range(2))
        np.testing.assert_array_equal(lppn[i], lppn_label(p, s, 6144))
    assert not np.array_equal(wave, batches.batch_data()[0])
    other = DiTingBatches(dataset, 4, stride=4, n_samples=3072, labels="lppn", seed=43)
    assert len(other) == len(list(other)) == 5
    shapes = {name: batch.shape for name, batch in other[0].items()}
    assert shapes == {"wave": (4, 3, 3072), "lppn": (4, 2, 768)}


def test_an_epoch_has_every_record_once(dataset):
    batches = DiTingBatches(dataset, 7)
    first, second = (
        np.concatenate([batches._records(i + 3 * epoch) for i in range(3)])
        for epoch in range(2)
    )
    assert sorted(first) == sorted(second) == list(range(21))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_the_same_however_they_are_loaded(dataset, workers):
    augmentations = {"gaussian_noise": 0.5, "gap": 0.5, "rotation": 0.5}
    batches = DiTingBatches(dataset, 4, seed=7, augmentations=augmentations)
    loader = batches.loader(num_workers=workers, start=3, stop=9, step=2)
    assert len(loader) == 3
    for number, ours in zip((3, 5, 7), loader, strict=True):
        assert_equal(ours, batches[number])


def test_the_users_own_random_numbers_are_left_alone(dataset):
    np.random.seed(1)
    expected = np.random.uniform(size=3)
    np.random.seed(1)
    DiTingBatches(dataset, 4)[0]

    np.testing.assert_array_equal(np.random.uniform(size=3), expected)


def test_the_tutorials_test_batches(dataset):
    batches = DiTingTestBatches(dataset, 4)
    waves, labels = zip(*(batches.batch_data() for _ in range(6)), strict=True)
    with pytest.raises(IndexError, match="number=6"):
        batches.batch_data()
    assert [len(wave) for wave in waves] == [4, 4, 4, 4, 4, 1]
    wave, label = np.concatenate(waves), np.concatenate(labels)
    assert wave.dtype == label.dtype == np.float32
    np.testing.assert_allclose(np.abs(wave).max(axis=(1, 2)), 1, rtol=1e-6)
    # SNR of the metadata; P and S as far apart as there.
    np.testing.assert_array_equal(label[:, 2], np.arange(21))
    p, s = (dataset[f"trace_{phase}_arrival_sample"] for phase in "ps")
    both = (label[:, :2] >= 0).all(axis=1)
    assert both.any()
    np.testing.assert_array_equal((label[:, 1] - label[:, 0])[both], (s - p)[both])
    assert ((label[:, :2] >= 0) | (label[:, :2] == -1)).all()
    assert_equal(batches[2], DiTingTestBatches(dataset, 4)[2])
    # The same windows whatever the size of a batch.
    np.testing.assert_array_equal(DiTingTestBatches(dataset, 21)[0]["label"], label)


def test_missing_phases_and_ratios_are_minus_one(dataset):
    bare = copy.deepcopy(dataset)
    bare.metadata["trace_s_arrival_sample"] = np.nan
    bare.metadata["trace_snr_db"] = "[3.0 4.0 5.0]"  # as in STEAD
    label = DiTingTestBatches(bare, 21)[0]["label"]
    assert (label[:, 0] >= 512).all()
    assert (label[:, 1:] == -1).all()
