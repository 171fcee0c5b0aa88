"""``seisbench-diting plot``, as a user calls it."""

import os
import pickle

import obspy
import pandas as pd
import pytest

from seisbench_diting import plots
from seisbench_diting._util import band_filtered
from seisbench_diting.models import LPPNT
from seisbench_diting.tables import pick_table, write_picks


@pytest.fixture(autouse=True)
def _in_an_empty_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def drawn(monkeypatch):
    """What was drawn: waveforms, picks, probabilities."""
    calls = []
    plot_picks = plots.plot_picks

    def keep(stream, picks, annotations=None, title=""):
        calls.append((stream.copy(), picks, annotations, title))
        return plot_picks(stream, picks, annotations, title)

    monkeypatch.setattr(plots, "plot_picks", keep)
    return calls


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


def test_picks_of_a_table_are_drawn(run, drawn, file, pick_file, tmp_path):
    assert run("plot", file, "--picks", pick_file) == (0, "plot.png: 1 pick\n", "")

    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    ((stream, picks, annotations, title),) = drawn
    assert len(stream) == 3
    assert list(picks["station_id"]) == ["BW.RJOB."]
    assert annotations is None
    assert title == "BW.RJOB"


def test_a_part_of_the_time_filtered(run, drawn, file, tmp_path):
    times = ("--start", "2009-08-24T00:20:05", "--end", "2009-08-24T00:20:10")
    status, _, _ = run("plot", file, *times, "--bandpass", "1,10", "-o", "part.svg")

    assert status == 0
    ((stream, _, _, title),) = drawn
    assert title.startswith("BW.RJOB, 1")
    for trace in stream:
        assert trace.stats.npts == 501
    # The filter began before: there is no jump where the picture begins.
    whole = band_filtered(obspy.read(str(file))[0].data, (1.0, 10.0), 100.0)
    assert stream[0].data == pytest.approx(whole[200:701])


def test_each_station_has_its_picture(run, file, example, tmp_path):
    for trace in example:
        trace.stats.station = "OTHER"
    example.write(str(tmp_path / "other.mseed"), "MSEED")
    both = ("plot", file, "other.mseed", "-o", "x.png")
    assert run(*both).output == "x.BW.OTHER.png\nx.BW.RJOB.png\n"
    assert (tmp_path / "x.BW.OTHER.png").is_file()
    assert run(*both, "--stations", "BW.RJ*").output == "x.png\n"


def test_probabilities_of_a_model(run, drawn, file, tmp_path):
    LPPNT().save(tmp_path / "mine")
    status, _, _ = run("plot", file, "-m", tmp_path / "mine", "-o", "m.png")
    assert status == 0
    ((_, _, annotations, _),) = drawn
    assert {trace.stats.channel for trace in annotations} >= {"LPPNT_P", "LPPNT_S"}


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
