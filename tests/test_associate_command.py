"""``seisbench-diting associate``: from files to files."""

import json
import signal
import sys
from pathlib import Path

import obspy
import pytest

from seisbench_diting import tables
from seisbench_diting._util import ArgumentError
from seisbench_diting.association import core

sys.path.insert(0, str(Path(__file__).parent / "association"))
from made_networks import VELOCITY, made_network


@pytest.fixture(scope="module")
def made():
    return made_network(21, 8)


@pytest.fixture
def files(made, tmp_path, monkeypatch):
    """The current folder, with picks.csv and stations.txt."""
    monkeypatch.chdir(tmp_path)
    tables.write_picks(made.picks, "picks.csv")
    tables.write_stations(made.stations, "stations.txt")
    return tmp_path


@pytest.fixture
def associate(run):
    """Function that calls the command and gives what it prints, or its error."""

    def call(*arguments, fails=False):
        status, output, errors = run("associate", *arguments)
        assert (status != 0) == fails, errors
        return errors.removeprefix("Error: ") if fails else output

    return call


STATIONS = ("-s", "stations.txt")
MODEL = ("--velocity", VELOCITY, "--max-depth", 20)
COMMON = (*STATIONS, "-o", "events", *MODEL)
CSV = (*COMMON, "--formats", "csv", "--no-plot", "--quiet")


def summary_of(folder=Path()):
    return json.loads((folder / "events.json").read_text())


def events_found():
    return tables.read_events("events.events.csv")


def test_a_run_writes_all_its_files(files, associate):
    formats = ("--formats", "csv,txt,quakeml,hypodd")
    associate("-i", "picks.csv", *COMMON, *formats)

    names = {path.name for path in files.iterdir()} - {"picks.csv", "stations.txt"}
    endings = ("events.csv", "picks.csv", "txt", "xml", "pha", "png", "err", "json")
    assert names == {f"events.{ending}" for ending in endings}
    events, picks = tables.read_association("events.events.csv")
    summary = summary_of()
    assert summary["events"] == len(events) == 8
    assert summary["picks_used"] == len(picks)
    for name in ("events.txt", "events.xml"):
        again, of_them = tables.read_association(name)
        assert (len(again), len(of_them)) == (8, len(picks))


def test_the_command_line_overrides_the_file_of_options(files, associate):
    Path("options.toml").write_text("min-picks = 20\ngrid_km = 3\nvelocity = 'ak135'\n")

    # What is given twice is no loss.
    twice = "picks.csv", "picks.csv", *CSV
    associate(*twice, "--config", "options.toml", "--set", "grid-km=4")

    options = summary_of()["options"]
    assert (options["grid_km"], options["min_picks"]) == (4, 20)
    assert options["velocity"] == VELOCITY
    assert (events_found()["pick_count"] >= 20).all()


def test_the_epoch_at_the_time_of_the_picks(reference, tmp_path, run):
    folder = reference / "cases" / "09_moved_station_in_stationxml"
    files = "-i", folder / "picks.csv", "-s", folder / "stations.xml"
    output = tmp_path / "events"

    assert run("associate", *files, "-o", output, "--no-plot").status == 0

    summary = summary_of(tmp_path)
    assert (summary["picks"], summary["stations"]) == (132, 16)
    assert not summary["picks_left_out"]
    lines = [x.split(",") for x in (tmp_path / "events.txt").read_text().split()]
    places = {tuple(x[1:3]) for x in lines if "CI.COA" in x}
    assert places == {("32.8630", "-115.1230")}


def test_errors_name_the_option_and_the_file(files, associate, run):
    error = associate("-i", "picks.csv", "-i", "none.csv", *COMMON, fails=True)
    assert error.startswith("--input=none.csv: ")
    Path("a.csv").write_text("time,lat,lon\n2020-01-01T00:00:00,1,2\n")
    Path("no.csv").write_text("id,time,lat,lon\nA,2020-01-01T00:00:00,x,1\n")
    names = {"catalog": ("no.csv", "a.csv"), "stations": ("a.csv", "no.csv")}
    for option, (events, places) in names.items():
        given = "-i", "picks.csv", "-c", events, "-s", places, "-o", "out"
        assert run("pick-events", *given)[2].startswith(f"Error: --{option}=no.csv: ")


def test_rows_that_are_wrong_are_named(files, run):
    """The run goes on, and says at its end how many there were and where."""
    wrong = {"stations.txt": "XX NOWHERE -- 0 0 0\n", "picks.csv": "XX.S003.,P,,0.5\n"}
    expected = []
    for name, row in wrong.items():
        with Path(name).open("a") as file:
            file.write(row)
        expected.append(f"{name}, line {len(Path(name).read_text().splitlines())}")

    status, output, _ = run("associate", "-i", "picks.csv", *COMMON, "--no-plot")

    assert status == 3
    assert output.splitlines()[-1].endswith("events.err")
    lines = Path("events.err").read_text().splitlines()
    assert {*expected} <= {line.split(": ")[0] for line in lines}
    assert sum(summary_of()["picks_left_out"].values()) == len(expected)
    assert len(events_found()) == 8


def test_tables_of_an_earlier_run_are_replaced_even_by_empty_ones(
    files, made, associate
):
    associate("-i", "picks.csv", *COMMON)
    Path("events.parquet").write_text("mine")
    tables.write_picks(made.picks[:0], "none.csv")

    associate("-i", "none.csv", *COMMON, "--formats", "csv")

    for ending in ("events.csv", "xml"):
        assert len(tables.read_events(f"events.{ending}")) == 0
    assert not Path("events.png").exists()
    assert Path("events.parquet").read_text() == "mine"


def test_what_is_there_is_not_replaced(files, made, associate):
    tables.write_picks(made.picks, "mine.txt")
    Path("day.state").write_bytes(b"of pick")
    before = {path.name: path.read_bytes() for path in files.iterdir()}
    for name in ("mine", "mine.txt", "day"):
        said = associate("-i", "mine.txt", *STATIONS, "-o", name, *MODEL, fails=True)
        assert name in said
    assert {path.name: path.read_bytes() for path in files.iterdir()} == before


def interrupt(*_):
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("step", ["make_network", "save_figure"])
def test_an_interrupted_run_changes_nothing(files, monkeypatch, associate, run, step):
    associate("-i", "picks.csv", *COMMON)
    before = {path.name: path.read_bytes() for path in files.iterdir()}
    # At the beginning, or when the tables are written.
    monkeypatch.setattr(core, step, interrupt)

    assert run("associate", "-i", "picks.csv", *COMMON, "--min-picks", 9).status == 130
    assert {path.name: path.read_bytes() for path in files.iterdir()} == before


def test_from_waveforms_to_events(reference, files, associate):
    """A swarm at 16 stations: three events begin and end within its three minutes."""
    from benchmarks.common import published
    from seisbench_diting.picking import pick_stream

    folder = reference / "data" / "ci_2020"
    stream = obspy.read(str(folder / "*.mseed"))
    tables.write_picks(pick_stream(stream, published("LPPNM", "csn")), "picks.txt")

    associate("-i", "picks.txt", "-s", folder / "stations.csv", "-o", "events")

    assert len(obspy.read_events("events.xml")) >= 2
    events, picks = tables.read_association("events.events.csv")
    assert events["latitude"].between(32.9, 33.3).all()
    assert events["longitude"].between(-115.8, -115.4).all()
    assert picks["residual_s"].abs().median() < 0.3
    assert len(tables.read_picks("events.picks.csv")) == len(picks)
    # The nearest station, which the model of the whole Earth fits least.
    assert picks["station_id"].str.startswith("CI.RXH.").sum() >= 2


def test_unknown_formats_in_python_are_named():
    with pytest.raises(ArgumentError, match=r"formats='nord'.*nordic"):
        core.files_of(Path("events"), ["csv", "nord"])
