"""A conversion that is really killed or stopped, with its workers, and continued."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seisbench_diting.data import convert


def start(parts: Path, path: Path) -> subprocess.Popen:
    """A conversion in a process of its own with two workers, which are writing."""
    options = ["-i", parts, "-o", path, "--workers", "2", "--quiet"]
    process = subprocess.Popen(
        [sys.executable, "-m", "seisbench_diting", "convert", *options]
    )
    deadline = time.monotonic() + 60
    while not list(path.glob(".*.partial")) and time.monotonic() < deadline:
        time.sleep(0.001)
    return process


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_conversion_continues(parts, converted, files_of, tmp_path, number):
    path = tmp_path / "out"
    process = start(parts, path)
    process.send_signal(number)
    killed = number == signal.SIGKILL
    assert process.wait() == (-number if killed else 130)
    if number == signal.SIGINT:
        assert not list(path.glob(".*.partial"))
    # A run that is stopped before it has anything removes its folder.
    before = None
    while (now := {f.name: f.stat().st_size for f in path.glob("*")}) != before:
        before = now
        time.sleep(0.5)
    convert(parts, path, progress=False)
    assert files_of(path) == files_of(converted)
