"""A small dataset to train on."""

from pathlib import Path

import pytest

from tests.learning_runs import write_dataset


@pytest.fixture(scope="session")
def small_dataset(tmp_path_factory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("training") / "dataset")


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
