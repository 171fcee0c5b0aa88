"""Conversions that are killed at any moment, and continued."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from test_conversion import run
from tqdm import tqdm

KILLS = 20


def start(parts: Path, path: Path, workers: int) -> subprocess.Popen:
    """A conversion in a process of its own, which is writing."""
    code = (
        "import sys, seisbench_diting.data as d\n"
        f"d.convert(sys.argv[1], sys.argv[2], workers={workers}, progress=False)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, parts, path])
    deadline = time.monotonic() + 60
    while not list(path.glob(".*.partial")) and time.monotonic() < deadline:
        time.sleep(0.001)
    return process


def killed(parts: Path, path: Path, seconds: float) -> bool:
    """Converts in a fork that is killed after some time; tells if it was in time."""
    child = os.fork()
    if child == 0:
        try:
            # The one of tqdm is shared with forks: killed while it holds it, a child
            # would block its parent, which two real conversions can't.
            tqdm.set_lock(threading.RLock())
            run(parts, path)
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_many_kills_leave_the_uninterrupted_dataset(
    parts, converted, files_of, tmp_path
):
    begin = time.perf_counter()
    run(parts, tmp_path / "timed")
    duration = time.perf_counter() - begin
    draw = random.Random(1)

    kills = 0
    for attempt in range(10 * KILLS):
        path = tmp_path / f"out{attempt}"
        # Some are killed once, some several times before they get to the end.
        while killed(parts, path, draw.uniform(0, 1.2 * duration)):
            kills += 1
            if draw.random() < 0.5:
                break
        run(parts, path)
        assert files_of(path) == files_of(converted)
        if kills >= KILLS:
            return
    pytest.fail(f"only {kills} kills were in time")


def test_a_killed_parent_takes_its_workers_with_it(
    parts, converted, files_of, tmp_path
):
    path = tmp_path / "out"
    process = start(parts, path, 2)
    process.kill()
    process.wait()
    before, deadline = None, time.monotonic() + 20
    while (now := {f.name: f.stat().st_size for f in path.iterdir()}) != before:
        assert time.monotonic() < deadline, "Somebody still writes."
        before = now
        time.sleep(1)
    run(parts, path, workers=2)
    assert files_of(path) == files_of(converted)


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_leaves_nothing_half_written(
    parts, converted, files_of, tmp_path, workers
):
    path = tmp_path / "out"
    process = start(parts, path, workers)
    process.send_signal(signal.SIGINT)
    process.wait()

    assert not list(path.glob(".*.partial"))
    run(parts, path)
    assert files_of(path) == files_of(converted)
