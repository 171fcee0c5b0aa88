"""Runs that are killed, stopped, starved, or given files that change or are damaged."""

import errno
import itertools
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pandas as pd
import pytest
from archives import lines, row_tuples, run, write_pieces

from seisbench_diting.models import load_model
from seisbench_diting.picking import STATE, RunState, station_days
from seisbench_diting.picking import run as engine
from seisbench_diting.waveforms import Unit, reading


@pytest.fixture
def after_three_days(monkeypatch):
    """Function that has something done when three station-days are committed."""

    def arrange(action):
        commit, commits = RunState.commit, itertools.count(1)

        def commit_and_act(self, *args):
            commit(self, *args)
            if next(commits) == 3:
                action()

        monkeypatch.setattr(RunState, "commit", commit_and_act)

    return arrange


STATIONS = {f"CX.S{number}." for number in range(4)}


def contents(output):
    return [Path(f"{output}{ending}").read_bytes() for ending in (".csv", ".txt")]


def test_kill_9_loses_nothing(small, whole, named, fast, tmp_path):
    die_in_the_third_transaction = """
import os, signal
from seisbench_diting.cli import main
from seisbench_diting.picking import RunState
add, days = RunState._add_problems, []
def add_and_die(self, *args):
    add(self, *args)
    days.append(args)
    if len(days) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
RunState._add_problems = add_and_die
main()
"""
    output = tmp_path / "out"
    load_model(named)  # Weights are in the cache.
    command = [sys.executable, "-c", die_in_the_third_transaction, "pick"]
    killed = subprocess.run([*command, "-i", small, "-o", output, "-m", named])
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / f"out{STATE}-journal").stat().st_size > 0

    result = run(small, output, fast)

    assert contents(output) == contents(whole.output)
    assert result.summary["status"] == "complete"
    days = [r.summary["this_run"]["station_days"] for r in (result, whole)]
    assert days[0] < days[1]


@pytest.mark.parametrize(
    ("number", "workers"), [(signal.SIGINT, 1), (signal.SIGTERM, 2)]
)
def test_a_run_that_is_asked_to_stop_continues(
    small, whole, named, fast, tmp_path, command, after_three_days, number, workers
):
    after_three_days(lambda: os.kill(os.getpid(), number))
    files = "-i", small, "-o", tmp_path / "out", "-m", named

    assert command("pick", *files, "--workers", workers).status == 130
    assert json.loads((tmp_path / "out.json").read_text())["status"] == "stopped"
    assert len(lines(tmp_path / "out.log")) >= 3
    assert not (tmp_path / "out.csv").exists()

    run(small, tmp_path / "out", fast)
    assert contents(tmp_path / "out") == contents(whole.output)


def test_a_killed_worker_is_replaced(small, whole, named, tmp_path, after_three_days):
    after_three_days(lambda: multiprocessing.active_children()[0].kill())

    run(small, tmp_path / "out", named, workers=2)

    assert contents(tmp_path / "out") == contents(whole.output)


def deadly(unit):
    if unit.key == "1":
        os._exit(1)
    return engine.UnitResult()


@pytest.mark.slow
def test_a_unit_that_kills_its_process_is_named_and_no_other():
    units = [Unit(str(number), 0, 1, 0, 1.0, (), "") for number in range(3)]

    found = engine.pick_units(units, deadly, engine.processes(1))

    results = {unit.key: result.failure for unit, result in found}
    assert set(results) == set("012")
    assert results.pop("1")
    assert set(results.values()) == {None}


def test_scripts_need_no_guard(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from seisbench_diting._util import process_pool\n"
        "print(process_pool(1).submit(abs, -3).result())\n"
    )
    assert subprocess.check_output([sys.executable, script]) == b"3\n"


#: Function that fails for one of the stations, and what is listed then.
FAULTS = [
    (station_days, "pick_waveforms", "S0", "CX.S0."),
    (reading.obspy, "read", "S1", "S1/CX.S1."),
    (reading, "find_format", "S2", "S2/CX.S2."),
    (os, "scandir", "S3", "/S3\t"),
]


@pytest.mark.parametrize(("owner", "name", "station", "listed"), FAULTS)
def test_what_fails_is_listed_and_tried_again(
    owner, name, station, listed, small, whole, fast, tmp_path, monkeypatch
):
    act = getattr(owner, name)

    def fail(what, *args, **options):
        if f"CX.{station}." in str(what) or str(what).endswith(f"/{station}"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(what))
        return act(what, *args, **options)

    monkeypatch.setattr(owner, name, fail)
    first = run(small, tmp_path / "out", fast)

    assert set(first.picks["station_id"]) == STATIONS - {f"CX.{station}."}
    assert listed in (tmp_path / "out.err").read_text()
    monkeypatch.undo()
    run(small, tmp_path / "out", fast)
    assert lines(tmp_path / "out.err") == []
    assert contents(tmp_path / "out") == contents(whole.output)


def test_many_failures_in_a_row_end_the_run(small, fast, tmp_path, monkeypatch):
    gone = mock.Mock(side_effect=RuntimeError("CUDA is gone"))
    monkeypatch.setattr(station_days, "pick_waveforms", gone)
    monkeypatch.setattr(engine, "MOST_FAILURES", 5)
    with pytest.raises(ValueError, match="CUDA is gone"):
        run(small, tmp_path / "out", fast)


def test_picks_of_files_that_are_gone_stay(fast, hour, tmp_path):
    archive = tmp_path / "archive"
    paths = write_pieces(hour, archive, [900, 1800, 2700])
    before = run(archive, tmp_path / "out", fast).picks
    for path in paths:
        if ".000." in path.name or ".001." in path.name:
            path.unlink()

    after = run(archive, tmp_path / "out", fast).picks

    last = pd.Timestamp("2020-03-01T10:29:59", tz="UTC")
    gone, stayed = before[before["time"] < last], after[after["time"] < last]
    assert len(gone) > 5
    assert row_tuples(stayed) == row_tuples(gone)
    assert len(after) == pytest.approx(len(before), abs=3)


def test_damaged_files_among_good_ones(small, whole, fast, reference, tmp_path, rng):
    folder = shutil.copytree(small, tmp_path / "archive")
    bad = folder / "bad"
    bad.mkdir()
    good = sorted(folder.glob("S0/*.mseed"))[0].read_bytes()
    sac = next((reference / "data" / "x1_event").glob("*.sac"))
    contents = {
        "empty.mseed": b"",
        "zeros.mseed": bytes(5000),
        "garbage.mseed": rng.bytes(100_000),
        "text.sac": b"Station closed for the winter.\n" * 100,
        "short.mseed": good[:30],
        "header.sac": bytes(632),
        "short.sac": sac.read_bytes()[:20_000],
    }
    for name, content in contents.items():
        (bad / name).write_bytes(content)
    os.mkfifo(bad / "pipe")
    Path(os.fsdecode(os.fsencode(bad) + b"/caf\xe9.mseed")).write_bytes(good)
    (bad / "gone.mseed").symlink_to(tmp_path / "nowhere")
    (bad / "loop").symlink_to(folder)

    result = run(folder, tmp_path / "out", fast)

    assert row_tuples(result.picks) == row_tuples(whole.picks)
    named = {Path(line.split("\t")[0]).name for line in lines(tmp_path / "out.err")}
    assert named == {*contents, "pipe", "gone.mseed", "caf\ufffd.mseed"}


def test_states_of_other_versions_and_damaged_ones(fast, small, tmp_path):
    (tmp_path / "bad.state").write_bytes(b"no database" * 1000)
    with pytest.raises(ValueError, match=r"bad\.state"):
        run(small, tmp_path / "bad", fast)
    state = RunState(tmp_path / "old.state")
    state.execute("PRAGMA user_version = 1")
    state.close()
    with pytest.raises(ValueError, match=r"old\.state"):
        run(small, tmp_path / "old", fast)
