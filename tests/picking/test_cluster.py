"""A real Dask cluster of two worker processes on loopback."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("distributed")

from archives import row_tuples

from seisbench_diting.picking import pick_archive, workers


@pytest.fixture
def cluster(named, tmp_path):
    """Scheduler file, and the processes of two workers."""
    place = tmp_path / "scheduler.json"
    common = {"env": {**os.environ, "OMP_NUM_THREADS": "1"}, "cwd": tmp_path}
    dask = [sys.executable, "-m", "dask"]
    processes = [
        subprocess.Popen(
            [
                *dask,
                "scheduler",
                "--host",
                "127.0.0.1",
                "--port",
                "0",
                "--no-dashboard",
                "--scheduler-file",
                str(place),
            ],
            stderr=subprocess.DEVNULL,
            **common,
        )
    ]
    deadline = time.monotonic() + 60
    while not place.is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    for _ in range(2):
        processes.append(
            subprocess.Popen(
                [
                    *dask,
                    "worker",
                    "--scheduler-file",
                    str(place),
                    "--nthreads",
                    "1",
                    "--host",
                    "127.0.0.1",
                    "--no-nanny",
                    "--no-dashboard",
                ],
                stderr=subprocess.DEVNULL,
                **common,
            )
        )
    yield place, processes[1:]
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_worker_that_is_killed_in_the_middle(small, named, fast, cluster, tmp_path):
    scheduler, processes = cluster
    log = tmp_path / "out.log"
    killer = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, sys, time\n"
            "while not (os.path.exists(sys.argv[1]) and open(sys.argv[1]).read()):\n"
            "    time.sleep(0.01)\n"
            f"os.kill(int(sys.argv[2]), {int(signal.SIGKILL)})",
            str(log),
            str(processes[0].pid),
        ]
    )

    result = pick_archive(
        small, tmp_path / "out", named, scheduler=scheduler, progress=False
    )

    assert killer.wait(timeout=10) == 0
    assert processes[0].wait(timeout=10) == -signal.SIGKILL
    assert processes[1].poll() is None
    alone = pick_archive(small, tmp_path / "alone", fast, progress=False)
    assert row_tuples(result.picks) == row_tuples(alone.picks)
    assert result.summary["records_failed"] == 0
    assert Path(f"{tmp_path / 'out'}.csv").is_file()


def test_a_scheduler_that_does_not_answer(small, named, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "CONNECT_SECONDS", 1)
    with pytest.raises(
        ValueError, match=r"scheduler='tcp://127.0.0.1:1': does not answer"
    ):
        pick_archive(
            small,
            tmp_path / "out",
            named,
            scheduler="tcp://127.0.0.1:1",
            progress=False,
        )
