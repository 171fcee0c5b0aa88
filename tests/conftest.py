"""Fixtures for all tests: an empty cache, no network, the reference material."""

import os
import signal
import socket
import tempfile
from pathlib import Path
from typing import NamedTuple

# Before SeisBench is imported: tests never see the user's cache.
_CACHE = tempfile.TemporaryDirectory(prefix="seisbench-diting-tests-")
os.environ["SEISBENCH_CACHE_ROOT"] = _CACHE.name
os.environ.pop("SEISBENCH_DITING_MIRROR", None)
if "PYTEST_XDIST_WORKER" in os.environ:
    # Before anything makes threads: those of two processes would wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import obspy
import pytest

# Shells start what runs in the background with Ctrl-C ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

_REFERENCE = "SEISBENCH_DITING_REFERENCE"
_LOOPBACK = ("127.", "::1", "localhost")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--part",
        choices=("quick", "rest"),
        help="quick: tests that need neither the reference material nor long; rest: all "
        "others",
    )


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    part = config.getoption("--part")
    if part is None:
        return
    chosen: dict[str, list[pytest.Item]] = {"quick": [], "rest": []}
    for item in items:
        needs = "reference" in getattr(item, "fixturenames", ())
        is_rest = needs or item.get_closest_marker("slow") is not None
        chosen["rest" if is_rest else "quick"].append(item)
    items[:] = chosen.pop(part)
    config.hook.pytest_deselected(items=next(iter(chosen.values())))


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder with published weights, golden outputs and real records."""
    folder = os.environ.get(_REFERENCE)
    if not folder:
        message = f"{_REFERENCE} is not set: no reference material"
        if os.environ.get("SEISBENCH_DITING_REQUIRE_REFERENCE"):
            pytest.fail(message)
        pytest.skip(message)
    path = Path(folder)
    if not (path / "weights" / "manifest.json").is_file():
        pytest.fail(f"{_REFERENCE}={folder!r} holds no reference material")
    return path.resolve()


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def connect_on_loopback(self, address):
        if isinstance(address, tuple) and not str(address[0]).startswith(_LOOPBACK):
            raise OSError(f"Tests use no network, but one asked for {address}.")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_on_loopback)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty model cache of SeisBench for one test."""
    import seisbench

    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setattr(seisbench, "cache_root", folder)
    monkeypatch.setattr(seisbench, "cache_model_root", folder / "models" / "v3")
    return folder / "models" / "v3"


@pytest.fixture(scope="session")
def published(reference: Path):
    """Function (model, name) that gives a model with published weights."""
    from benchmarks import common

    return common.published


@pytest.fixture(scope="session")
def cx_pb01(reference: Path) -> obspy.Stream:
    """12 h of station CX.PB01 at 100 Hz; copy before changing it."""
    from benchmarks import common

    return common.read_cx_pb01()


@pytest.fixture
def example() -> obspy.Stream:
    """ObsPy's example: 30 s of a local earthquake, three components."""
    return obspy.read()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


class Ran(NamedTuple):
    status: int
    output: str
    errors: str


@pytest.fixture
def run(monkeypatch, capsys):
    """Function that calls the command and gives exit status, output and errors."""
    from seisbench_diting import cli

    def call(*arguments) -> Ran:
        monkeypatch.setattr("sys.argv", ["seisbench-diting", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        output = capsys.readouterr()
        return Ran(stop.value.code or 0, output.out, output.err)

    return call
