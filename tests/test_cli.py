"""The command line, as a user calls it."""

import re
import socket
from pathlib import Path
from unittest import mock

import pytest

from seisbench_diting import __version__, tables
from seisbench_diting.cli.app import COMMANDS
from seisbench_diting.weights import MIRROR_VARIABLE, WEIGHT_SETS


@pytest.fixture
def with_mirror(reference, monkeypatch, cache):
    monkeypatch.setenv(MIRROR_VARIABLE, str(reference / "weights"))


def test_version_and_completion(run):
    assert run("--version") == (0, f"seisbench-diting {__version__}\n", "")
    assert "--install-completion" in run("--help").output


NAMES = ["", "weights fetch", "weights import", "weights list"]
NAMES += [name for names in COMMANDS.values() for name in names]


@pytest.mark.parametrize("command", NAMES)
def test_help_reads_well_in_80_columns(run, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    status, output, _ = run(*command.split(), "--help")
    assert status == 0
    assert output.startswith("Usage:")
    assert max(map(len, output.splitlines())) <= 80
    # Nothing is cut off in the list of commands, and no types of Python are shown.
    _, _, listed = output.partition("Commands:")
    assert "..." not in listed
    assert not re.search(r"^ +-.*<list", output, re.MULTILINE)


def test_demo_picks_the_example_without_network(run, cache, tmp_path, monkeypatch):
    # Not even on loopback.
    no_network = mock.Mock(side_effect=OSError("The demo asked the network."))
    for name in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, name, no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    monkeypatch.setenv(MIRROR_VARIABLE, "http://127.0.0.1:9/nothing")

    status, output, _ = run("demo", "--output", tmp_path / "picture.png")

    assert status == 0
    rows = [line.split() for line in output.splitlines()[1:3]]
    assert [row[:2] for row in rows] == [["BW.RJOB.", "P"], ["BW.RJOB.", "S"]]
    assert rows[0][2].startswith("2009-08-24T00:20:07.")
    (picture,) = (path for path in tmp_path.iterdir() if path.is_file())
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_demo_with_own_files(run, with_mirror, reference, tmp_path):
    output = tmp_path / "picture.svg"
    file = reference / "data" / "SC.202305230113.0001.seed"
    status, said, _ = run("demo", "-m", "rnn/csn", "-o", output, "-i", file)

    assert status == 0
    assert all(f".{x}." in said for x in ("BAY", "BAJ", "MZP", "ZDZ", "GHS"))
    assert "<svg" in output.read_text()


@pytest.fixture
def files(tmp_path, monkeypatch, example):
    """The current folder, with waveforms, picks, stations and events."""
    monkeypatch.chdir(tmp_path)
    example.write("a.mseed", "MSEED")
    Path("picks.csv").write_text("station_id,phase,time\n")
    Path("stations.csv").write_text("station_id,latitude,longitude\n")
    tables.write_events(tables.event_table([]), "events.csv")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("demo -i picks.csv", "--input="),
        ("demo -o nowhere/picture.png", "nowhere"),
        ("weights fetch Foo", "--sets=Foo"),
        ("weights import nowhere", "nowhere"),
        ("convert -i . -o picks.csv", "--output=picks.csv"),
        ("pick -i .", "--output"),
        ("pick -i . -o out --prob 30", "--threshold=30"),
        # 8 is the default of another option.
        ("associate -i events.csv -s events.csv -o o --min-pick 8", "--min-pick=8"),
        # Loose picks were written as events that did not exist.
        ("pick -i . -o out --formats quakeml", "--formats=quakeml"),
        ("pick-events -i . -o x -c none.csv", "--catalog=none.csv"),
        ("plot a.mseed --start 2009-08-25", "--start=2009-08-25"),
        ("plot a.mseed -m Foo", "--model=Foo"),
        ("compare events.csv events.csv --max-distance nan", "--max-distance=nan"),
        ("evaluate --picks none.txt", "--picks=none.txt"),
        ("evaluate -m none -i none --output missing/x.txt", "missing/x.txt"),
        ("latency -d abacus", "--device=abacus"),
        ("report x --waveforms nowhere", "--waveforms=nowhere"),
        ("associate --list-options --serch-km 3", "'search_km'"),
        ("associate -i picks.csv -s stations.csv -o o --set R=1/a", "--set=R=1/a"),
        ("associate -i picks.csv -s stations.csv -o out.csv", "--output=out.csv"),
    ],
)
def test_what_is_wrong_is_named_before_the_work(run, cache, files, line, part):
    before = set(files.rglob("*"))
    status, _, errors = run(*line.split())

    assert status in (1, 2)
    assert errors.startswith("Error: ")
    assert part in errors
    assert {path for path in files.rglob("*") if path.suffix != ".lock"} == before


def test_list_fetch_and_import(run, with_mirror, reference, monkeypatch, tmp_path):
    output = run("weights", "list").output
    assert len(output.splitlines()) == 2 + len(WEIGHT_SETS)
    assert " yes " not in output

    status, output, _ = run("weights", "fetch", "lppnt/csn", "RNN/csn_pnsn")
    assert status == 0
    assert re.findall(r"^\S+", output, re.MULTILINE) == ["LPPNT/csn", "RNN/csn_pnsn"]

    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path / "nowhere"))
    status, output, _ = run("weights", "import", reference / "weights")
    assert status == 0
    assert len(output.splitlines()) == 14
    assert run("weights", "list").output.count(" yes ") == 14


def test_import_and_fetch_go_on_after_a_failure(
    run, cache, reference, tmp_path, monkeypatch
):
    content = (reference / "weights" / "china.lppnt.pt").read_bytes()
    (tmp_path / "china.lppnm.pt").write_bytes(content[:1000])
    (tmp_path / "china.lppnt.pt").write_bytes(content)
    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path))
    for words in (("import", tmp_path), ("fetch", "LPPNM/csn", "LPPNT/csn")):
        status, output, errors = run("weights", *words)
        assert status == 1
        assert output.startswith("LPPNT/csn")
        assert "china.lppnm.pt" in errors
