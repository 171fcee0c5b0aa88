"""``seisbench-diting plot``, as a user calls it."""

import os
import pickle
import re

import pandas as pd
import pytest

from seisbench_diting.models import LPPNT
from seisbench_diting.tables import pick_table, write_picks


@pytest.fixture(autouse=True)
def _in_an_empty_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(example, tmp_path):
    path = tmp_path / "example.mseed"
    example.write(str(path), "MSEED")
    return path


@pytest.fixture
def pick_file(example, tmp_path):
    start = pd.Timestamp(example[0].stats.starttime.datetime, tz="UTC")
    times = start + pd.to_timedelta([4.7, 40.0, 5.0], unit="s")
    rows = {"station_id": ["BW.RJOB.", "BW.RJOB.", "XX.AA."], "time": times}
    table = pd.DataFrame(rows).assign(phase="P", probability=0.9)
    write_picks(pick_table(table), tmp_path / "picks.csv")
    return tmp_path / "picks.csv"


def test_picks_of_a_table_and_probabilities_of_a_model(run, file, pick_file, tmp_path):
    status, output, errors = run("plot", file, "--picks", pick_file)
    assert (status, errors) == (0, "")
    assert re.match(r"plot\.png\b.*\b1 ", output)
    LPPNT().save(tmp_path / "mine")
    times = ("--start", "2009-08-24T00:20:05", "--end", "2009-08-24T00:20:10")
    more = "-m", tmp_path / "mine", "-o", "part.svg", "--bandpass", "1,10"
    assert run("plot", file, *times, *more).status == 0
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "part.svg").read_text()


def test_each_station_has_its_picture(run, file, example, tmp_path):
    for trace in example:
        trace.stats.station = "OTHER"
    example.write(str(tmp_path / "other.mseed"), "MSEED")
    both = ("plot", file, "other.mseed", "-o", "x.png")
    assert re.findall(r"x\S*png", run(*both).output) == [
        "x.BW.OTHER.png",
        "x.BW.RJOB.png",
    ]
    assert (tmp_path / "x.BW.OTHER.png").is_file()
    assert run(*both, "--stations", "BW.RJ*").output.strip() == "x.png"


@pytest.mark.parametrize("command", ["plot", "demo -i", "pick -o out -i"])
@pytest.mark.parametrize("name", ["evil.mseed", "evil.pickle", "evil"])
def test_a_pickle_is_not_opened(run, command, name, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "opened"),)

    content = pickle.dumps((Evil(), "obspy.core.stream"), protocol=0)
    (tmp_path / name).write_bytes(b"(lp0\n" + content)
    status, _, errors = run(*command.split(), name)
    assert status == 1
    assert name in errors
    assert not (tmp_path / "opened").exists()
