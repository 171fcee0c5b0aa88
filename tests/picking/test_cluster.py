"""A real Dask cluster of two worker processes on loopback."""

import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("distributed")

from archives import row_tuples, run

from seisbench_diting.picking import RunState
from seisbench_diting.picking import run as engine


@pytest.fixture
def cluster(named, tmp_path):
    """Scheduler file, and the processes of two workers."""
    place = tmp_path / "scheduler.json"
    processes = []

    def begin(*arguments):
        command = [sys.executable, "-m", "dask", *arguments, "--scheduler-file", place]
        command += ["--host", "127.0.0.1", "--no-dashboard"]
        processes.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))

    begin("scheduler", "--port", "0")
    deadline = time.monotonic() + 60
    while not place.is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    for _ in range(2):
        begin("worker", "--nthreads", "1", "--no-nanny")
    yield place, processes[1:]
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_worker_that_is_killed_in_the_middle(
    small, whole, named, cluster, tmp_path, monkeypatch
):
    scheduler, processes = cluster
    commit = RunState.commit

    def commit_and_kill(self, *args):
        commit(self, *args)
        processes[0].kill()

    monkeypatch.setattr(RunState, "commit", commit_and_kill)

    result = run(small, tmp_path / "out", named, scheduler=scheduler)

    assert processes[0].wait(timeout=10) == -signal.SIGKILL
    assert processes[1].poll() is None
    assert row_tuples(result.picks) == row_tuples(whole.picks)
    assert result.summary["records_failed"] == 0


def test_a_scheduler_that_does_not_answer(small, named, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "CONNECT_SECONDS", 1)
    with pytest.raises(ValueError, match="scheduler="):
        run(small, tmp_path / "out", named, scheduler="tcp://127.0.0.1:1")
