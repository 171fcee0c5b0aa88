"""A conversion that is really killed or stopped, with its workers, and continued."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seisbench_diting.data import convert


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


@pytest.mark.parametrize(
    ("number", "workers"),
    [(signal.SIGKILL, 2), (signal.SIGINT, 1), (signal.SIGINT, 2)],
)
def test_a_stopped_conversion_continues(
    parts, converted, files_of, tmp_path, number, workers
):
    path = tmp_path / "out"
    process = start(parts, path, workers)
    process.send_signal(number)
    process.wait()
    if number == signal.SIGINT:
        assert not list(path.glob(".*.partial"))
    # A run that is stopped before it has anything removes its folder.
    before, deadline = None, time.monotonic() + 20
    while (now := {f.name: f.stat().st_size for f in path.glob("*")}) != before:
        assert time.monotonic() < deadline, "Its workers still write."
        before = now
        time.sleep(0.5)
    convert(parts, path, progress=False)
    assert files_of(path) == files_of(converted)
