"""An archive whose arrivals can be seen, and a file of probabilities that knows them."""

from __future__ import annotations

import numpy as np
import pytest
from made_archive import probabilities, station_stream

from tests import learning_runs


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    """Folder with two stations, 10 min each, as miniSEED."""
    folder = tmp_path_factory.mktemp("distillation") / "archive"
    folder.mkdir()
    for seed, code in enumerate(("AA", "BB")):
        for trace in station_stream(code, 600, seed):
            trace.write(str(folder / f"{trace.id}.mseed"), format="MSEED")
    return folder


@pytest.fixture(scope="session")
def teacher(tmp_path_factory):
    """Folder with probabilities of a teacher at these stations."""
    folder = tmp_path_factory.mktemp("distillation") / "teacher"
    folder.mkdir()
    for code in ("AA", "BB"):
        np.savez_compressed(folder / f"{code}.npz", **probabilities(code, 600))
    return folder


SHORT = learning_runs.SHORT | {"student": "LPPNT", "init": "random", "workers": 0}
SHORT |= {"n_samples": 1536, "validation_windows": 16}


@pytest.fixture
def options(archive, teacher, tmp_path):
    """Function that gives options of a short run."""

    def make(**others):
        files = {"teachers": teacher, "inputs": archive, "output": tmp_path / "run"}
        return {**SHORT, **files, **others}

    return make


@pytest.fixture(scope="session")
def finished(archive, teacher, tmp_path_factory):
    """A short run that has ended."""
    from seisbench_diting.distillation import distill

    output = tmp_path_factory.mktemp("distillation") / "finished"
    files = {"teachers": teacher, "inputs": archive, "output": output}
    return distill(**SHORT, **files, held_out=0.0)
