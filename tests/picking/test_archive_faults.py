"""Runs that are killed, stopped, starved, or given files that change or are damaged."""

import errno
import itertools
import json
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from archives import lines, row_tuples, run, write_all, write_pieces

from seisbench_diting._util import only_writer
from seisbench_diting.models import load_model
from seisbench_diting.picking import STATE, RunState, station_days
from seisbench_diting.picking import run as engine
from seisbench_diting.waveforms import Unit, reading


def pick_elsewhere(small, output, named, code="", **options):
    """Calls the command in a process that runs some code before."""
    load_model(named)  # Weights are in the cache.
    code += "\nfrom seisbench_diting.cli import main; main()"
    arguments = ["pick", "-i", str(small), "-o", str(output), "-m", named]
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


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


def contents(output):
    return [Path(f"{output}{ending}").read_bytes() for ending in (".csv", ".txt")]


def test_kill_9_loses_nothing(small, whole, named, fast, tmp_path):
    die_in_the_third_transaction = """
import os, signal
from seisbench_diting.picking import RunState
add, days = RunState._add_problems, []
def add_and_die(self, *args):
    add(self, *args)
    days.append(args)
    if len(days) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
RunState._add_problems = add_and_die
"""
    output = tmp_path / "out"
    killed = pick_elsewhere(small, output, named, die_in_the_third_transaction)
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
    assert "died twice" in results.pop("1")
    assert set(results.values()) == {None}


def test_scripts_need_no_guard(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from seisbench_diting._util import process_pool\n"
        "print(process_pool(1).submit(abs, -3).result())\n"
    )

    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)

    assert done.stdout == "3\n", done.stderr


def test_a_full_disk_loses_nothing(small, whole, fast, named, tmp_path):
    limit = Path(f"{whole.output}{STATE}").stat().st_size // 2

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    starved = pick_elsewhere(small, tmp_path / "out", named, preexec_fn=limited)

    assert starved.returncode == 1
    assert "out.state" in starved.stderr
    assert [p for p in tmp_path.rglob("*") if p.name.endswith(".partial")] == []
    run(small, tmp_path / "out", fast)
    assert contents(tmp_path / "out") == contents(whole.output)


def test_nobody_reads_while_a_run_writes(whole):
    with (
        only_writer(whole.output, "picking run"),
        pytest.raises(ValueError, match=str(whole.output)),
    ):
        whole.picks  # noqa: B018
    assert len(whole.picks) == whole.summary["picks"]


def test_station_days_that_fail_are_tried_again(
    small, whole, fast, tmp_path, monkeypatch
):
    pick, read, failed = station_days.pick_waveforms, reading.obspy.read, []

    def fail_to_pick(stream, *args):
        if stream[0].stats.station == "S2" and not failed:
            failed.append(True)
            raise MemoryError("too large")
        return pick(stream, *args)

    def fail_to_read(source, *args, **options):
        if "S3" in str(source) and not options.get("headonly"):
            raise OSError(errno.EIO, "Input/output error")
        return read(source, *args, **options)

    monkeypatch.setattr(station_days, "pick_waveforms", fail_to_pick)
    monkeypatch.setattr(reading.obspy, "read", fail_to_read)
    first = run(small, tmp_path / "out", fast)

    assert first.summary["status"] == "incomplete"
    assert first.summary["records_failed"] == 1 + 3
    errors = (tmp_path / "out.err").read_text()
    assert "too large" in errors
    assert "Input/output error" in errors
    monkeypatch.undo()
    second = run(small, tmp_path / "out", fast)
    assert second.summary["records_failed"] == 0
    assert lines(tmp_path / "out.err") == []
    assert contents(tmp_path / "out") == contents(whole.output)


def test_many_failures_in_a_row_end_the_run(small, fast, tmp_path, monkeypatch):
    def fail(*args):
        raise RuntimeError("CUDA is gone")

    monkeypatch.setattr(station_days, "pick_waveforms", fail)
    monkeypatch.setattr(engine, "MOST_FAILURES", 5)
    with pytest.raises(ValueError, match="CUDA is gone"):
        run(small, tmp_path / "out", fast)


def test_headers_and_folders_that_can_not_be_read_now(
    fast, small, whole, tmp_path, monkeypatch
):
    find, scan = reading.find_format, os.scandir

    def find_format(path):
        if path.name.startswith("CX.S3"):
            raise OSError(errno.EACCES, "Permission denied")
        return find(path)

    def scandir(path):
        if str(path).endswith("S2"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(reading, "find_format", find_format)
    monkeypatch.setattr(os, "scandir", scandir)
    result = run(small, tmp_path / "out", fast)
    assert result.summary["files_with_problems"] == 18 + 1
    errors = (tmp_path / "out.err").read_text()
    assert f"{small / 'S2'}\t" in errors
    monkeypatch.undo()

    result = run(small, tmp_path / "out", fast)
    assert result.summary["files_with_problems"] == 0
    assert row_tuples(result.picks) == row_tuples(whole.picks)


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


def test_damaged_files_among_good_ones(small, whole, fast, tmp_path, rng):
    folder = shutil.copytree(small, tmp_path / "archive")
    bad = folder / "bad"
    bad.mkdir()
    good = sorted(folder.glob("S0/*.mseed"))[0].read_bytes()
    for name, content in {
        "empty.mseed": b"",
        "zeros.mseed": bytes(5000),
        "garbage.mseed": rng.bytes(100_000),
        "text.sac": b"Station closed for the winter.\n" * 100,
        "picture.png": b"\x89PNG\r\n\x1a\n" + rng.bytes(5000),
        "short.mseed": good[:30],
        "header.sac": bytes(632),
    }.items():
        (bad / name).write_bytes(content)
    os.mkfifo(bad / "pipe")
    Path(os.fsdecode(os.fsencode(bad) + b"/caf\xe9.mseed")).write_bytes(good)
    (bad / "gone.mseed").symlink_to(tmp_path / "nowhere")
    (bad / "loop").symlink_to(folder)

    result = run(folder, tmp_path / "out", fast)

    assert row_tuples(result.picks) == row_tuples(whole.picks)
    errors = dict(line.split("\t") for line in lines(tmp_path / "out.err"))
    assert {Path(subject).name for subject in errors} == {
        *("empty.mseed", "zeros.mseed", "garbage.mseed", "text.sac", "picture.png"),
        *("short.mseed", "header.sac", "pipe", "gone.mseed", "caf\ufffd.mseed"),
    }
    assert result.summary["files_with_problems"] == 10


def test_truncated_and_scrambled_files(fast, hour, event_record, tmp_path, rng):
    folder = tmp_path / "archive"
    folder.mkdir()
    for trace in hour.slice(endtime=hour[0].stats.starttime + 1200):
        trace.write(str(folder / f"{trace.id}.mseed"), format="MSEED", reclen=512)
    write_all(event_record, folder)
    vertical, north = (folder / f"CX.A..HH{c}.mseed" for c in "ZN")
    content = vertical.read_bytes()
    vertical.write_bytes(content[: len(content) // 1024 * 512 + 100])
    scrambled = bytearray(north.read_bytes())
    scrambled[5120 : 5120 + 1024] = rng.bytes(1024)
    north.write_bytes(scrambled)
    sac = folder / "X1.53085.01.BHE.sac"
    sac.write_bytes(sac.read_bytes()[:20_000])

    result = run(folder, tmp_path / "out", fast)

    assert set(result.picks["station_id"]) == {"CX.A.", "X1.53085.01"}
    errors = (tmp_path / "out.err").read_text()
    assert all(f"{path}\t" in errors for path in (vertical, north, sac))
    assert "has no component E" in errors


def test_states_of_other_versions_and_damaged_ones(fast, small, tmp_path):
    (tmp_path / "bad.state").write_bytes(b"no database" * 1000)
    with pytest.raises(ValueError, match=r"bad\.state"):
        run(small, tmp_path / "bad", fast)
    state = RunState(tmp_path / "old.state")
    state.execute("PRAGMA user_version = 1")
    state.close()
    with pytest.raises(ValueError, match=r"old\.state"):
        run(small, tmp_path / "old", fast)
