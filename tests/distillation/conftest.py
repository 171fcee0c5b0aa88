"""An archive whose arrivals can be seen, and a file of probabilities that knows them."""

from __future__ import annotations

import numpy as np
import obspy
import pytest

START = obspy.UTCDateTime(2020, 1, 1, 6)
RATE = 100.0

#: Samples of P and S at each of the stations, over and over again.
PERIOD, P, S = 2500, 700, 1300


def station_stream(code: str, seconds: int, seed: int) -> obspy.Stream:
    """Noise and, every 25 s, an onset of P on the vertical and of S on the others."""
    rng = np.random.default_rng(seed)
    n_samples = int(seconds * RATE)
    data = rng.normal(0, 1, (3, n_samples))
    decay = np.exp(-np.arange(1000) / 200) * np.sin(np.arange(1000) * 0.6)
    for begin in range(0, n_samples - PERIOD + 1, PERIOD):
        for component, place in ((0, P), (1, S), (2, S)):
            here = slice(begin + place, begin + place + 1000)
            data[component, here] += 40 * decay
    return obspy.Stream(
        obspy.Trace(
            row.astype(np.float32),
            {
                "network": "XX",
                "station": code,
                "channel": f"HH{component}",
                "starttime": START,
                "sampling_rate": RATE,
            },
        )
        for component, row in zip("ZNE", data, strict=True)
    )


def probabilities(code: str, seconds: int) -> dict:
    """What a teacher says that knows it all: triangles, as the published label."""
    n_samples = int(seconds * RATE)
    values = np.zeros((2, n_samples), dtype=np.float16)
    triangle = 0.9 * (1 - np.abs(np.arange(-19, 20)) / 20)
    for begin in range(0, n_samples - PERIOD + 1, PERIOD):
        for row, place in enumerate((P, S)):
            values[row, begin + place - 19 : begin + place + 20] = triangle
    return {
        "station_id": f"XX.{code}.",
        "start_time": str(START),
        "sure_100hz": values,
    }


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
    """Folder with what a teacher says of these stations."""
    folder = tmp_path_factory.mktemp("distillation") / "teacher"
    folder.mkdir()
    for code in ("AA", "BB"):
        np.savez_compressed(folder / f"{code}.npz", **probabilities(code, 600))
    return folder


@pytest.fixture
def settings(archive, teacher, tmp_path):
    """Function that gives settings of a short run."""
    pytest.importorskip("lightning")
    from seisbench_diting.distillation import DistillationSettings

    def make(**options):
        return DistillationSettings(
            **{
                "student": "LPPNT",
                "teachers": (str(teacher),),
                "inputs": (str(archive),),
                "output": str(tmp_path / "run"),
                "init": "random",
                "max_steps": 6,
                "batch_size": 4,
                "n_samples": 1536,
                "padlen": 64,
                "validate_every": 3,
                "validation_windows": 16,
                "checkpoint_every": 2,
                "workers": 0,
                "accelerator": "cpu",
                "progress": False,
                **options,
            }
        )

    return make
