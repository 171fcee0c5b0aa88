"""``seisbench-diting associate``: from files to files."""

import json
import signal
import sys
from pathlib import Path

import obspy
import pytest

from seisbench_diting.association import core
from seisbench_diting.tables import (
    pick_table,
    read_association,
    read_events,
    read_picks,
    write_picks,
    write_real,
    write_stations,
)

sys.path.insert(0, str(Path(__file__).parent / "association"))
from made_networks import VELOCITY, made_network


@pytest.fixture(scope="module")
def made():
    return made_network(21, 8)


@pytest.fixture
def files(made, tmp_path):
    write_picks(made.picks, tmp_path / "picks.csv")
    write_stations(made.stations, tmp_path / "stations.txt")
    return tmp_path


@pytest.fixture
def associate(run):
    """Function that calls the command and gives what it prints."""

    def call(*arguments):
        status, output, errors = run("associate", *arguments)
        assert status == 0, errors
        return output

    return call


@pytest.fixture
def error(run):
    """Function that calls the command and gives its error."""

    def call(*arguments):
        status, _, errors = run("associate", *arguments)
        assert status in (1, 2)
        return errors.removeprefix("Error: ")

    return call


def common(folder, name="events"):
    return (
        *("-s", folder / "stations.txt", "-o", folder / name),
        *("--velocity", VELOCITY, "--max-depth", 20),
    )


def options_in(path):
    return json.loads(path.read_text())["options"]


def test_all_files(files, associate):
    output = associate("-i", files / "picks.csv", *common(files))

    assert output.startswith("8 events with ")
    names = {path.name for path in files.iterdir()} - {"picks.csv", "stations.txt"}
    endings = ("events.csv", "picks.csv", "txt", "xml", "png", "err", "json")
    assert names == {f"events.{ending}" for ending in endings}
    events, picks = read_association(files / "events.events.csv")
    summary = json.loads((files / "events.json").read_text())
    assert summary["events"] == len(events) == 8
    assert summary["picks_used"] == len(picks)
    for name in ("events.txt", "events.xml"):
        again, of_them = read_association(files / name)
        assert len(again) == 8
        assert len(of_them) == len(picks)
    catalogue = obspy.read_events(str(files / "events.xml"))
    by_id = {pick.resource_id: pick for event in catalogue for pick in event.picks}
    arrivals = [a for event in catalogue for a in event.preferred_origin().arrivals]
    assert len(arrivals) == len(picks)
    assert all(arrival.pick_id in by_id for arrival in arrivals)


@pytest.mark.parametrize(
    "kind", ["txt", "xml", "parquet", "real", "pyocto.csv", "gamma.csv"]
)
def test_picks_of_all_formats(files, made, kind, associate):
    path = files / f"mine.{kind}"
    write = {"real": write_real}.get(kind, write_picks)
    # QuakeML has picks of events only.
    write(made.picks.assign(event_id="list") if kind == "xml" else made.picks, path)

    associate("-i", path, *common(files), "--formats", "csv", "--no-plot", "--quiet")

    assert len(read_events(files / "events.events.csv")) == 8
    assert not (files / "events.png").exists()


def test_several_files(files, made, associate):
    write_picks(made.picks.iloc[::2], files / "a.csv")
    write_picks(made.picks.iloc[1::2], files / "b.csv")

    associate(files / "b.csv", files / "a.csv", *common(files), "--formats", "csv")

    assert len(read_events(files / "events.events.csv")) == 8


def test_options_from_a_file(files, associate):
    config = files / "options.toml"
    config.write_text("method = 'lppn'\nmin-picks = 20\ngrid_km = 3\nstep_s = 0.5\n")

    associate(
        *("-i", files / "picks.csv", *common(files), "--config", config),
        *("--set", "step-s=0.4", "--formats", "csv"),
    )

    options = options_in(files / "events.json")
    assert options["grid_km"] == 3
    assert options["step_s"] == 0.4
    assert options["min_picks"] == 20
    assert (read_events(files / "events.events.csv")["pick_count"] >= 20).all()


def test_the_command_line_overrides_the_file(files, associate):
    config = files / "options.toml"
    config.write_text("min_picks = 12\nmax_depth_km = 15.0\nvelocity = 'ak135'\n")
    arguments = ("-i", files / "picks.csv", "-s", files / "stations.txt")
    last = ("-o", files / "events", "--config", config, "--formats", "csv")

    associate(
        *arguments, *last, "--set", "min_picks=9", "--set", f"velocity={VELOCITY}"
    )

    options = options_in(files / "events.json")
    assert options["min_picks"] == 9
    assert options["velocity"] == VELOCITY
    assert options["max_depth_km"] == 15
    associate(*arguments, *last, "--min-picks", 7)
    options = options_in(files / "events.json")
    assert options["min_picks"] == 7
    assert options["velocity"] == "ak135"


def test_what_is_there_is_not_replaced(files, made, error):
    write_picks(made.picks, files / "mine.txt")
    before = (files / "mine.txt").read_bytes()
    assert "would replace" in error("-i", files / "mine.txt", *common(files, "mine"))
    (files / "day.state").write_bytes(b"of pick")
    assert "run of pick" in error("-i", files / "mine.txt", *common(files, "day"))
    (files / "dir.xml").mkdir()
    assert "dir.xml" in error("-i", files / "mine.txt", *common(files, "dir"))
    assert (files / "mine.txt").read_bytes() == before
    assert {path.name for path in files.iterdir()} == {
        *("picks.csv", "stations.txt", "mine.txt", "day.state", "dir.xml")
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(files, monkeypatch, number, run):
    def interrupted(*_, **__):
        signal.raise_signal(number)

    monkeypatch.setattr(core, "make_network", interrupted)

    status, _, errors = run("associate", "-i", files / "picks.csv", *common(files))

    assert status == 130
    assert "Interrupted. Nothing was written." in errors
    assert not list(files.glob("events*"))


def test_interrupted_while_it_writes(files, monkeypatch, associate, run):
    arguments = ("-i", files / "picks.csv", *common(files))
    associate(*arguments)
    before = {path.name: path.read_bytes() for path in files.iterdir()}

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    # The tables are written by then.
    monkeypatch.setattr(core, "save_figure", interrupted)

    assert run("associate", *arguments, "--min-picks", 9)[0] == 130
    assert {path.name: path.read_bytes() for path in files.iterdir()} == before


def test_list_of_options(associate):
    output = associate("--list-options", "--method", "lppn")

    assert "window_s = 30.0" in output
    assert "min_p_picks = 3" in output


@pytest.mark.parametrize(
    ("more", "start"),
    [
        (("--set", "grid=2"), "--set grid=2: "),
        (("--set", "grid_km"), "--set=grid_km: "),
        (("--set", "grid_km=wide"), "--set grid-km=wide: "),
        (("--method", "rael"), "--method=rael: "),
        (("--formats", "csv,pdf"), "--formats=csv,pdf: 'pdf'"),
        (("--formats", ""), "--formats=: "),
        (("--set", "R=1/2"), "R='1/2' must be rx/rh"),
        (("--min-picks", "-3"), "--min-picks=-3: "),
        (("-o", "nowhere/events"), "output='nowhere/events': "),
        (("-o", "."), "--output=.: "),
        (("-i", "nope.csv"), "--input=nope.csv: there is no such file"),
        (("-s", "nope.csv"), "--stations=nope.csv: there is no such file"),
    ],
)
def test_errors_come_before_the_work(files, more, start, error):
    arguments = ("-i", files / "picks.csv", *common(files))
    kept = [
        a
        for option, value in zip(arguments[::2], arguments[1::2], strict=True)
        for a in (option, value)
        if option != more[0]
    ]
    assert error(*kept, *more).startswith(start)
    assert not list(files.glob("events*"))


@pytest.mark.parametrize("missing", ["--input", "--stations", "--output"])
def test_what_is_missing(files, missing, error):
    given = {"--input": "picks.csv", "--stations": "stations.txt", "--output": "events"}
    del given[missing]
    arguments = [a for name, file in given.items() for a in (name, files / file)]
    assert error(*arguments).startswith(f"{missing} is missing: ")


def test_no_picks_leave_empty_tables(files, associate):
    write_picks(pick_table([]), files / "picks.csv")
    (files / "events.png").write_bytes(b"of an earlier run")

    output = associate("-i", files / "picks.csv", *common(files))

    assert output.startswith("0 events with 0 of 0 picks")
    assert len(read_events(files / "events.events.csv")) == 0
    assert len(obspy.read_events(str(files / "events.xml"))) == 0
    assert not (files / "events.png").exists()


def test_unknown_stations_are_listed(files, made, associate):
    write_stations(made.stations.iloc[1:], files / "stations.txt")
    lost = (made.picks["station_id"] == "XX.S000.").sum()

    output = associate("-i", files / "picks.csv", *common(files))

    assert f"{lost} station unknown" in output
    lines = (files / "events.err").read_text().splitlines()
    assert len(lines) == lost
    assert all(line.startswith("station unknown: XX.S000. ") for line in lines)


def test_from_waveforms_to_events(reference, tmp_path, associate):
    """A swarm at 16 stations: three events begin and end within its three minutes."""
    from benchmarks.common import published
    from seisbench_diting.picking import pick_stream

    folder = reference / "data" / "ci_2020"
    stream = obspy.read(str(folder / "*.mseed"))
    write_picks(pick_stream(stream, published("LPPNM", "csn")), tmp_path / "picks.csv")

    associate(
        *("-i", tmp_path / "picks.csv", "-s", folder / "stations.csv"),
        *("-o", tmp_path / "events"),
    )

    catalogue = obspy.read_events(str(tmp_path / "events.xml"))
    assert len(catalogue) >= 2
    for event in catalogue:
        origin = event.preferred_origin()
        assert 32.9 < origin.latitude < 33.3
        assert -115.8 < origin.longitude < -115.4
    _, picks = read_association(tmp_path / "events.events.csv")
    assert picks["residual_s"].abs().median() < 0.3
    assert len(read_picks(tmp_path / "events.picks.csv")) == len(picks)
    # The nearest station, which the model of the whole Earth fits least.
    assert picks["station_id"].str.startswith("CI.RXH.").sum() >= 2
