"""The command line, as a user calls it."""

import re
import shutil
import socket

import pytest
import torch

from seisbench_diting import __version__
from seisbench_diting.cli.app import COMMANDS
from seisbench_diting.weights import MIRROR_VARIABLE, WEIGHT_SETS


def no_network(*args, **kwargs):
    raise OSError(f"The demo asked the network: {args}.")


@pytest.fixture
def with_mirror(reference, monkeypatch, cache):
    monkeypatch.setenv(MIRROR_VARIABLE, str(reference / "weights"))


def test_version_and_help(run):
    assert run("--version") == (0, f"seisbench-diting {__version__}\n", "")


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
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [
        "picture.png"
    ]


def test_demo_with_own_files(run, with_mirror, reference, tmp_path):
    file = reference / "data" / "SC.202305230113.0001.seed"
    status, output, _ = run(
        "demo", "-i", file, "-m", "rnn/csn", "-o", tmp_path / "picture.svg"
    )

    assert status == 0
    for station in ("SC.BAY.00", "SC.BAJ.00", "SC.MZP.00", "SC.ZDZ.00", "SC.GHS.00"):
        assert station in output
    assert "The picture shows SC." in output
    assert "<svg" in (tmp_path / "picture.svg").read_text()


def test_demo_with_several_files(run, with_mirror, reference, tmp_path):
    files = sorted((reference / "data" / "x1_event").glob("*.sac"))
    status, output, _ = run(
        "demo", "--model", "EQT", "-o", tmp_path / "picture.png", "--input", *files
    )

    assert status == 0
    assert output.count("X1.53085.01") >= 2


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

    assert run("weights", "fetch", "LPPNM/csn", "--force")[0] == 0
    assert run(*demo)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["demo", "-i", "missing.mseed"], "missing.mseed"),
        (["demo", "-i", __file__], "--input="),
        (["demo", "-m", "Foo"], "--model=Foo"),
        (["demo", "-m", "LPPNM/foo"], "=foo"),
        (["demo", "-o", "picture.doc"], "picture.doc"),
        (["demo", "-o", "nowhere/picture.png"], "nowhere"),
        (["weights", "fetch"], "--all"),
        (["weights", "fetch", "Foo"], "--sets=Foo"),
        (["weights", "import", "nowhere"], "nowhere"),
        (["convert", "-i", "nowhere", "-o", "out"], "--input=nowhere"),
        (["convert", "-i", "x", "-o", "y", "-c", "zip"], "--compression=zip"),
    ],
)
def test_errors_name_what_is_wrong(run, cache, arguments, part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, errors = run(*arguments)

    assert status == 1
    assert errors.startswith("Error: ")
    assert part in errors
    assert "Traceback" not in errors


def test_list_fetch_and_import(run, with_mirror, reference, monkeypatch, tmp_path):
    status, output, _ = run("weights", "list")
    assert status == 0
    assert len(output.splitlines()) == 2 + len(WEIGHT_SETS)
    assert " yes " not in output

    status, output, _ = run("weights", "fetch", "lppnt/csn", "RNN/csn_pnsn")
    assert status == 0
    assert output.splitlines() == [
        "LPPNT/csn is in the cache",
        "RNN/csn_pnsn is in the cache",
    ]

    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path / "nowhere"))
    status, output, _ = run("weights", "import", reference / "weights")
    assert status == 0
    assert len(output.splitlines()) == 14
    _, output, _ = run("weights", "list")
    assert output.count(" yes ") == 14


def test_import_names_damaged_files(run, cache, reference, tmp_path):
    content = (reference / "weights" / "china.lppnt.pt").read_bytes()
    (tmp_path / "china.lppnt.pt").write_bytes(content[:1000])
    (tmp_path / "renamed").write_bytes(content)

    status, output, errors = run("weights", "import", tmp_path)

    assert status == 1
    assert output.startswith("LPPNT/csn from ")
    assert "china.lppnt.pt has the name of LPPNT/csn, but is damaged" in errors


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


def test_fetch_goes_on_after_a_failure(run, cache, reference, tmp_path, monkeypatch):
    content = (reference / "weights" / "china.lppnt.pt").read_bytes()
    (tmp_path / "china.lppnt.pt").write_bytes(content)
    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path))

    status, output, errors = run("weights", "fetch", "LPPNM/csn", "LPPNT/csn")

    assert status == 1
    assert output == "LPPNT/csn is in the cache\n"
    assert "Not fetched: LPPNM/csn" in errors


def test_completion_is_offered(run):
    _, output, _ = run("--help")

    assert "--install-completion" in output
