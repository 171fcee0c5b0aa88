"""A small dataset to train on, and a short run that was not disturbed."""

from pathlib import Path

import pytest

from tests import learning_runs
from tests.generate.made_records import write_dataset

SHORT = learning_runs.SHORT | {"model": "LPPNT", "n_samples": 1024}


@pytest.fixture(scope="session")
def small_dataset(tmp_path_factory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("training") / "dataset", 24, npts=6000)


@pytest.fixture
def options(small_dataset, tmp_path):
    """Function that gives options of a short run."""

    def make(**others):
        return {**SHORT, "data": small_dataset, "output": tmp_path / "run", **others}

    return make


@pytest.fixture(scope="session")
def whole(small_dataset, tmp_path_factory) -> Path:
    """Folder of such a run."""
    from seisbench_diting.training import train

    output = tmp_path_factory.mktemp("training") / "whole"
    return train(**SHORT, data=small_dataset, output=output).output
