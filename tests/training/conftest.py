"""A small dataset to train on."""

from pathlib import Path

import numpy as np
import pytest
import seisbench.data as sbd


@pytest.fixture(scope="session")
def small_dataset(tmp_path_factory) -> Path:
    """Folder of 24 records of 4000 samples: 12 train, 6 dev, 6 test."""
    path = tmp_path_factory.mktemp("training") / "dataset"
    path.mkdir()
    rng = np.random.default_rng(0)
    with sbd.WaveformDataWriter(path / "metadata.csv", path / "waveforms.hdf5") as file:
        file.data_format = {"dimension_order": "CW", "component_order": "ZNE"}
        for i in range(24):
            p, s = 1000 + 20 * i, 1400 + 30 * i
            waveform = rng.normal(0, 1, (3, 4000))
            waveform[:, p:] *= 20
            waveform[:, s:] *= 5
            file.add_trace(
                {
                    "trace_sampling_rate_hz": 50.0,
                    "trace_p_arrival_sample": p,
                    "trace_s_arrival_sample": s,
                    "split": ("train", "dev", "train", "test")[i % 4],
                },
                waveform.astype(np.float32),
            )
    return path


@pytest.fixture
def options(small_dataset, tmp_path):
    """Function that gives options of a short run."""

    def make(**others):
        return {
            "model": "LPPNT",
            "data": small_dataset,
            "output": tmp_path / "run",
            "max_steps": 6,
            "batch_size": 4,
            "n_samples": 1024,
            "padlen": 64,
            "validate_every": 3,
            "checkpoint_every": 2,
            "accelerator": "cpu",
            "progress": False,
            **others,
        }

    return make
