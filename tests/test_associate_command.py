"""``seisbench-diting associate``: from files to files."""

import json
import signal
import sys
from pathlib import Path

import obspy
import pytest
from typer.testing import CliRunner

from seisbench_diting.cli import associate  # noqa: F401
from seisbench_diting.cli.typer_app import app
from seisbench_diting.tables import (
    pick_table,
    read_association,
    read_events,
    read_picks,
    stations_from_stream,
    write_picks,
    write_picks_text,
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


def run(*arguments):
    result = CliRunner().invoke(app, ["associate", *map(str, arguments)])
    if isinstance(result.exception, ValueError | OSError | ImportError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def common(folder, name="events"):
    return (
        *("-s", folder / "stations.txt", "-o", folder / name),
        *("--velocity", VELOCITY, "--max-depth", 20),
    )


def test_all_files(files):
    output = run("-i", files / "picks.csv", *common(files))

    assert output.startswith("8 events with ")
    names = {path.name for path in files.iterdir()} - {"picks.csv", "stations.txt"}
    assert names == {
        f"events.{ending}"
        for ending in (
            *("events.csv", "picks.csv", "txt", "xml", "png", "err", "json"),
        )
    }
    events, picks = read_association(files / "events.events.csv")
    summary = json.loads((files / "events.json").read_text())
    assert summary["events"] == len(events) == 8
    assert summary["picks_used"] == len(picks)
    for name in ("events.txt", "events.xml"):
        again, of_them = read_association(files / name)
        assert len(again) == 8
        assert len(of_them) == len(picks)
    catalogue = obspy.read_events(str(files / "events.xml"))
    assert len(catalogue) == 8
    by_id = {pick.resource_id: pick for event in catalogue for pick in event.picks}
    arrivals = [a for event in catalogue for a in event.preferred_origin().arrivals]
    assert len(arrivals) == len(picks)
    assert all(arrival.pick_id in by_id for arrival in arrivals)


@pytest.mark.parametrize(
    "kind", ["txt", "xml", "parquet", "real", "pyocto.csv", "gamma.csv"]
)
def test_picks_of_all_formats(files, made, kind):
    if kind == "real":
        path = files / "real"
        write_real(made.picks, path)
    elif kind == "txt":
        path = files / "picks.txt"
        write_picks_text(made.picks, path)
    else:
        path = files / f"picks.{kind}"
        write_picks(made.picks, path)

    run("-i", path, *common(files), "--formats", "csv", "--no-plot", "--quiet")

    assert len(read_events(files / "events.events.csv")) == 8


def test_several_files(files, made):
    write_picks(made.picks.iloc[::2], files / "a.csv")
    write_picks(made.picks.iloc[1::2], files / "b.csv")

    run(files / "b.csv", files / "a.csv", *common(files), "--formats", "csv")

    assert len(read_events(files / "events.events.csv")) == 8


def test_options_from_a_file(files):
    config = files / "options.toml"
    config.write_text("method = 'lppn'\nmin-picks = 20\ngrid_km = 3\nstep_s = 0.5\n")

    run(
        *("-i", files / "picks.csv", *common(files), "--config", config),
        *("--set", "step_s=0.4", "--formats", "csv"),
    )

    options = json.loads((files / "events.json").read_text())["options"]
    assert options["grid_km"] == 3
    assert options["step_s"] == 0.4
    assert options["min_picks"] == 20
    # Infinite numbers are not JSON.
    assert options["max_nearest_km"] is None
    assert (read_events(files / "events.events.csv")["pick_count"] >= 20).all()


def test_the_command_line_has_the_last_word(files):
    config = files / "options.toml"
    config.write_text("min_picks = 12\nmax_depth_km = 15.0\nvelocity = 'ak135'\n")
    arguments = ("-i", files / "picks.csv", "-s", files / "stations.txt")
    last = ("-o", files / "events", "--config", config, "--formats", "csv")

    run(*arguments, *last, "--set", "min_picks=9", "--set", f"velocity={VELOCITY}")

    options = json.loads((files / "events.json").read_text())["options"]
    assert options["min_picks"] == 9
    assert options["velocity"] == VELOCITY
    assert options["max_depth_km"] == 15
    run(*arguments, *last, "--min-picks", 7)
    options = json.loads((files / "events.json").read_text())["options"]
    assert options["min_picks"] == 7
    assert options["velocity"] == "ak135"
    with pytest.raises(ValueError, match="min_picks: given twice"):
        run(*arguments, *last, "--min-picks", 7, "--set", "min_picks=9")


def test_what_is_there_is_not_replaced(files, made):
    write_picks_text(made.picks, files / "mine.txt")
    before = (files / "mine.txt").read_bytes()
    with pytest.raises(ValueError, match=r"would replace .*mine\.txt"):
        run("-i", files / "mine.txt", *common(files, "mine"))
    (files / "day.state").write_bytes(b"of pick")
    with pytest.raises(ValueError, match="is a name of the command pick"):
        run("-i", files / "mine.txt", *common(files, "day"))
    assert (files / "mine.txt").read_bytes() == before
    assert {path.name for path in files.iterdir()} == {
        *("picks.csv", "stations.txt", "mine.txt", "day.state")
    }


@pytest.mark.skipif(
    not Path("/proc").is_dir(), reason="has no folder that is read-only"
)
def test_a_folder_that_cannot_be_written(files):
    with pytest.raises(OSError, match="nothing can be written to /proc"):
        run("-i", files / "picks.csv", *common(files, "/proc/events"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(files, monkeypatch, number):
    def interrupted(*_, **__):
        signal.raise_signal(number)

    monkeypatch.setattr("seisbench_diting.association.associate", interrupted)
    arguments = ["associate", "-i", str(files / "picks.csv"), *map(str, common(files))]

    result = CliRunner().invoke(app, arguments)

    assert result.exit_code == 130
    assert "Interrupted. Nothing was written." in result.output
    assert not list(files.glob("events*"))


def test_interrupted_while_it_writes(files, monkeypatch):
    run("-i", files / "picks.csv", *common(files))
    before = {path.name: path.read_bytes() for path in files.iterdir()}

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    # The tables are written by then.
    monkeypatch.setattr("seisbench_diting.figures.save_figure", interrupted)
    more = [
        "-i",
        str(files / "picks.csv"),
        *map(str, common(files)),
        "--min-picks",
        "9",
    ]
    result = CliRunner().invoke(app, ["associate", *more])

    assert result.exit_code == 130
    assert {path.name: path.read_bytes() for path in files.iterdir()} == before


def test_list_of_options():
    output = run("--list-options", "--method", "lppn")

    assert "window_s = 30.0" in output
    assert "min_p_picks = 3" in output


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--set", "grid=2"), "did you mean grid_km"),
        (("--set", "grid_km"), "must be NAME=VALUE"),
        (("--set", "grid_km=wide"), "must be of the type float"),
        (("--method", "magic"), "method='magic' must be one of"),
        (("--formats", "csv,pdf"), "holds 'pdf'"),
        (("--formats", ""), "formats is empty"),
        (("--set", "R=1/2"), "R='1/2' must be rx/rh"),
        (("--min-picks", "-3"), "min_picks=-3 must not be negative"),
    ],
)
def test_errors_come_before_the_work(files, more, message):
    with pytest.raises(ValueError, match=message):
        run("-i", files / "picks.csv", *common(files), *more)
    assert not list(files.glob("events*"))


def test_what_is_missing(files):
    with pytest.raises(ValueError, match="--input is missing"):
        run("-s", files / "stations.txt", "-o", files / "events")
    with pytest.raises(ValueError, match="--stations is missing"):
        run("-i", files / "picks.csv", "-o", files / "events")
    with pytest.raises(ValueError, match="--output is missing"):
        run("-i", files / "picks.csv", "-s", files / "stations.txt")
    with pytest.raises(FileNotFoundError, match=r"input='.*nope\.csv': there is no"):
        run("-i", files / "nope.csv", *common(files))
    with pytest.raises(FileNotFoundError, match="no folder"):
        run("-i", files / "picks.csv", *common(files, "nowhere/events"))
    with pytest.raises(ValueError, match="not a folder"):
        run("-i", files / "picks.csv", *common(files, "."))


def test_no_picks_leave_empty_tables(files):
    write_picks(pick_table([]), files / "picks.csv")
    (files / "events.png").write_bytes(b"of an earlier run")

    output = run("-i", files / "picks.csv", *common(files))

    assert output.startswith("0 events with 0 of 0 picks")
    assert len(read_events(files / "events.events.csv")) == 0
    assert len(obspy.read_events(str(files / "events.xml"))) == 0
    assert not (files / "events.png").exists()


def test_unknown_stations_are_listed(files, made):
    write_stations(made.stations.iloc[1:], files / "stations.txt")
    lost = (made.picks["station_id"] == "XX.S000.").sum()

    output = run("-i", files / "picks.csv", *common(files))

    assert f"{lost} station unknown" in output
    lines = (files / "events.err").read_text().splitlines()
    assert len(lines) == lost
    assert all(line.startswith("station unknown: XX.S000. ") for line in lines)


def test_picks_of_a_real_record_in_the_published_text(reference, tmp_path):
    """One station is no event, but its picks are read."""
    from benchmarks.common import published
    from seisbench_diting.picking import pick_stream

    stream = obspy.read(str(reference / "data" / "x1_event" / "*"))
    picks = pick_stream(stream, published("LPPNM", "csn"))
    write_picks_text(picks, tmp_path / "picks.txt")
    write_stations(stations_from_stream(stream), tmp_path / "stations.txt")

    output = run(
        *("-i", tmp_path / "picks.txt", "-s", tmp_path / "stations.txt"),
        *("-o", tmp_path / "events"),
    )

    assert output.startswith(f"0 events with 0 of {len(picks)} picks at 1 station,")


def test_from_waveforms_to_events(reference, tmp_path):
    """A swarm at 16 stations: three events begin and end within its three minutes."""
    from benchmarks.common import published
    from seisbench_diting.picking import pick_stream

    folder = reference / "data" / "ci_2020"
    stream = obspy.read(str(folder / "*.mseed"))
    write_picks(pick_stream(stream, published("LPPNM", "csn")), tmp_path / "picks.csv")

    run(
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
