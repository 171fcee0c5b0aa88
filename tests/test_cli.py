"""The command line, as a user calls it."""

import re
import shutil
import socket
from pathlib import Path

import pytest
import torch

from seisbench_diting import __version__, tables
from seisbench_diting.cli.app import COMMANDS
from seisbench_diting.weights import MIRROR_VARIABLE, WEIGHT_SETS


def no_network(*args, **kwargs):
    raise OSError(f"The demo asked the network: {args}.")


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


@pytest.mark.parametrize(
    ("data", "model", "stations"),
    [
        ("SC.202305230113.0001.seed", "rnn/csn", ("BAY", "BAJ", "MZP", "ZDZ", "GHS")),
        ("x1_event/*.sac", "EQT", ("53085",)),
    ],
)
def test_demo_with_own_files(
    run, with_mirror, reference, tmp_path, data, model, stations
):
    files = sorted((reference / "data").glob(data))
    output = tmp_path / "picture.svg"
    status, said, _ = run("demo", "-m", model, "-o", output, "-i", *files)

    assert status == 0
    assert all(f".{station}." in said for station in stations)
    assert "<svg" in output.read_text()


def test_demo_without_weights_says_what_to_do(run, cache, tmp_path, monkeypatch):
    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path / "nowhere"))
    status, _, errors = run("demo", "-m", "LPPNM/csn", "-o", tmp_path / "picture.png")

    assert status == 1
    for part in ("LPPNM/csn", "nowhere", MIRROR_VARIABLE, "weights import"):
        assert part in errors
    assert not (tmp_path / "picture.png").exists()


def test_a_damaged_cache_says_what_to_do(run, with_mirror, cache, tmp_path):
    demo = ("demo", "-m", "LPPNM/csn", "-o", tmp_path / "picture.png")
    run("weights", "fetch", "LPPNM/csn")
    (cache / "lppnm" / "csn.pt.v1").write_bytes(b"")

    status, _, errors = run(*demo)
    assert status == 1
    assert "weights fetch LPPNM/csn --force" in errors

    assert run("weights", "fetch", "LPPNM/csn", "--force").status == 0
    assert run(*demo).status == 0


@pytest.fixture
def files(tmp_path, monkeypatch, example):
    """The current folder, with waveforms, picks, stations and events."""
    monkeypatch.chdir(tmp_path)
    example.write("a.mseed", "MSEED")
    Path("picks.csv").write_text("station_id,phase,time\n")
    Path("stations.csv").write_text("station_id,latitude,longitude\n")
    tables.write_events(tables.event_table([]), "events.csv")
    return tmp_path


MAKE = "associate -i picks.csv -s stations.csv -o out"


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("demo -i missing.mseed", "missing.mseed"),
        ("demo -i picks.csv", "--input="),
        ("demo -m Foo", "--model=Foo"),
        ("demo -m LPPNM/foo", "--model=LPPNM/foo"),
        ("report x --waveforms nowhere", "--waveforms=nowhere"),
        ("compare a.csv b.csv", "--a=a.csv"),
        ("evaluate --picks none.txt", "--picks=none.txt"),
        ("evaluate --component-order ZXX", "--component-order=ZXX"),
        ("associate --list-options --serch-km 3", "'search_km'"),
        ("associate --list-options --set min_pikcs=3", "--set=min_pikcs=3"),
        ("pick-events -i . -o x -c none.csv", "--catalog=none.csv"),
        ("pick -i . -o x --nmslen 1000", "--nmslen=1000"),
        ("demo -o picture.doc", "picture.doc"),
        ("demo -o nowhere/picture.png", "nowhere"),
        ("weights fetch", "--all"),
        ("weights fetch Foo", "--sets=Foo"),
        ("weights import nowhere", "nowhere"),
        ("convert -i nowhere -o out", "--input=nowhere"),
        ("convert -i x -o y -c zip", "--compression=zip"),
        ("convert -i . -o picks.csv", "--output=picks.csv"),
        ("pick -o out", "--input"),
        ("pick -i .", "--output"),
        ("pick -i . -o out --bandpass low", "--bandpass=low"),
        ("pick -i . -o out --prob 30", "--threshold=30"),
        ("pick -i missing -o out", "--input=missing"),
        # Loose picks were written as events that did not exist.
        ("pick -i . -o out --formats quakeml", "--formats=quakeml"),
        ("plot missing.mseed", "missing.mseed"),
        ("plot picks.csv", "--input="),
        ("plot a.mseed --picks missing.csv", "missing.csv"),
        ("plot a.mseed -o picture.doc", "picture.doc"),
        ("plot a.mseed --start yesterday", "--start=yesterday"),
        ("plot a.mseed --start 2009-08-25", "--start=2009-08-25"),
        ("plot a.mseed --start 2009-08-25 --end 2009-08-24", "start"),
        ("plot a.mseed --stations XX.*", "BW.RJOB."),
        ("plot a.mseed -m Foo", "--model=Foo"),
        ("compare events.csv events.csv --max-time -1", "--max-time=-1"),
        ("compare events.csv events.csv --max-distance nan", "--max-distance=nan"),
        ("compare events.csv events.csv --output nowhere/out", "nowhere"),
        ("compare events.csv missing.csv", "missing.csv"),
        ("associate -o out", "--input"),
        ("associate -i picks.csv -s stations.csv", "--output"),
        (f"{MAKE} --set grid=2", "--set=grid=2"),
        (f"{MAKE} --set grid_km", "--set=grid_km"),
        (f"{MAKE} --set grid_km=wide", "--set=grid_km=wide"),
        (f"{MAKE} --set R=1/a", "--set=R=1/a"),
        (f"{MAKE} --method rael", "--method=rael"),
        (f"{MAKE} --formats csv,pdf", "--formats=csv,pdf"),
        (f"{MAKE} --min-picks -3", "--min-picks=-3"),
        ("associate -i picks.csv -s stations.csv -o .", "--output=."),
        ("associate -i picks.csv -s stations.csv -o out.csv", "--output=out.csv"),
        ("associate -i picks.csv -s stations.csv -o nowhere/out", "nowhere/out"),
        ("associate -i nope.csv -s stations.csv -o out", "--input=nope.csv"),
        ("associate -i picks.csv -s nope.csv -o out", "--stations=nope.csv"),
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
    assert [line.split()[0] for line in output.splitlines()] == [
        "LPPNT/csn",
        "RNN/csn_pnsn",
    ]

    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path / "nowhere"))
    status, output, _ = run("weights", "import", reference / "weights")
    assert status == 0
    assert len(output.splitlines()) == 14
    assert run("weights", "list").output.count(" yes ") == 14


def test_import_and_fetch_go_on_after_a_failure(
    run, cache, reference, tmp_path, monkeypatch
):
    content = (reference / "weights" / "china.lppnt.pt").read_bytes()
    (tmp_path / "china.lppnt.pt").write_bytes(content[:1000])
    (tmp_path / "renamed").write_bytes(content)
    status, output, errors = run("weights", "import", tmp_path)
    assert status == 1
    assert output.startswith("LPPNT/csn")
    assert "china.lppnt.pt" in errors

    (tmp_path / "china.lppnt.pt").write_bytes(content)
    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path))
    status, output, errors = run("weights", "fetch", "LPPNM/csn", "LPPNT/csn")
    assert status == 1
    assert output.startswith("LPPNT/csn")
    assert "LPPNM/csn" in errors


@pytest.mark.parametrize(
    "words",
    [
        "pick-events 0 -m LPPNM -c nowhere -s nowhere -i nowhere -o out",
        "train -m RNN -i nowhere -o out --onnx true",
        "pick -i nowhere -o out --ifplot False",
    ],
)
def test_words_of_the_published_scripts(words, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, errors = run(*words.split())
    assert status == 1
    assert "nowhere" in errors


def test_import_takes_the_right_one_of_two_files(run, cache, reference, tmp_path):
    from seisbench_diting.models import UNet

    (tmp_path / "one").mkdir()
    file = "diting.unet.pt"
    shutil.copy(reference / "weights" / file, tmp_path / "one")
    torch.save(UNet().state_dict(), tmp_path / file)
    status, output, errors = run("weights", "import", tmp_path)

    assert status == 0
    assert output == f"UNet/diting from {tmp_path / 'one' / file}\n"
    assert str(tmp_path / file) in errors
    assert "again" not in errors
