"""Models and archives that several tests of picking use."""

import obspy
import pytest
import seisbench
from archives import renamed, run, small_archive

from seisbench_diting.weights import MIRROR_VARIABLE


@pytest.fixture
def command(run):
    """Function that calls the command and gives exit status, output and errors."""
    return run


@pytest.fixture
def named(reference, monkeypatch) -> str:
    """Name of a model that this process and others can load."""
    monkeypatch.setenv(MIRROR_VARIABLE, str(reference / "weights"))
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(seisbench.cache_root))
    return "LPPNT/csn"


@pytest.fixture(scope="session")
def fast(published):
    """The fastest model."""
    return published("LPPNT", "csn")


@pytest.fixture(scope="session")
def small(cx_pb01, tmp_path_factory):
    """An archive of 12 station-days in 72 files."""
    return small_archive(cx_pb01, tmp_path_factory.mktemp("small") / "archive")


@pytest.fixture(scope="session")
def whole(small, fast, tmp_path_factory):
    """Run over the small archive that nothing disturbed."""
    return run(small, tmp_path_factory.mktemp("whole") / "out", fast)


@pytest.fixture(scope="session")
def hour(cx_pb01):
    """An hour of CX.A."""
    start = cx_pb01[0].stats.starttime
    return renamed(cx_pb01.slice(start, start + 3600), "A", "2020-03-01T10:00:00")


@pytest.fixture(scope="session")
def event_record(reference) -> obspy.Stream:
    """260 s of an event of magnitude 3.3; copy before changing it."""
    return obspy.read(str(reference / "data" / "x1_event" / "*.sac"))
