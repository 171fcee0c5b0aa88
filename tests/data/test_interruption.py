"""A conversion that is really killed or stopped, with its workers, and continued."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seisbench_diting.data import convert


def start(parts: Path, path: Path) -> subprocess.Popen:
    """A conversion in a group of processes with two workers, which are writing."""
    options = ["-i", parts, "-o", path, "--workers", "2", "--quiet"]
    command = [sys.executable, "-m", "seisbench_diting", "convert", *options]
    process = subprocess.Popen(command, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list(path.glob(".*.partial")) and time.monotonic() < deadline:
        time.sleep(0.001)
    return process


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_conversion_continues(parts, converted, files_of, tmp_path, number):
    path = tmp_path / "out"
    process = start(parts, path)
    os.killpg(process.pid, number)
    killed = number == signal.SIGKILL
    assert process.wait() == (-number if killed else 130)
    if number == signal.SIGINT:
        assert not list(path.glob(".*.partial"))
    convert(parts, path, progress=False)
    assert files_of(path) == files_of(converted)
