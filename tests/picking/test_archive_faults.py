"""Runs that are killed, stopped, starved, or given damaged files."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from archives import row_tuples

from seisbench_diting._util import only_writer
from seisbench_diting.models import load_model
from seisbench_diting.picking import STATE, RunState, pick_archive, station_days
from seisbench_diting.picking import run as run_engine
from seisbench_diting.picking.workers import Unit, UnitResult, in_processes
from seisbench_diting.tables import read_picks

FOLDER = Path(__file__).parent


def run(inputs, output, model, **options):
    return pick_archive(inputs, output, model, **{"progress": False, **options})


@pytest.fixture(scope="module")
def uninterrupted(small, fast, tmp_path_factory):
    output = tmp_path_factory.mktemp("uninterrupted") / "out"
    begin = time.perf_counter()
    run(small, output, fast)
    return output, time.perf_counter() - begin


def contents(output):
    return [Path(f"{output}{ending}").read_bytes() for ending in (".csv", ".txt")]


def leftovers(folder):
    return [path for path in folder.rglob("*") if path.name.endswith(".partial")]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_kills_leave_the_uninterrupted_picks(small, uninterrupted, named, tmp_path):
    output, duration = uninterrupted

    said = subprocess.run(
        [
            sys.executable,
            str(FOLDER / "killed_runs.py"),
            str(small),
            str(tmp_path / "out"),
            str(1.2 * duration),
            "12",
            "1",
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert int(said[-1]) >= 12
    for name in said[:-1]:
        assert contents(name) == contents(output)
        assert json.loads(Path(f"{name}.json").read_text())["status"] == "complete"


COMMAND = "from seisbench_diting.cli import main; main()"


def command(small, output, named, *options):
    names = ["-i", str(small), "-o", str(output), "-m", named]
    return [sys.executable, "-c", COMMAND, "pick", *names, *options]


def begin(small, output, named, *options):
    return subprocess.Popen(
        command(small, output, named, *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_a_pick(output, process):
    deadline = time.monotonic() + 120
    log = Path(f"{output}.log")
    while process.poll() is None and time.monotonic() < deadline:
        if log.is_file() and log.read_text().count("\n") >= 2:
            return
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("number", "workers"), [(signal.SIGINT, "1"), (signal.SIGTERM, "2")]
)
def test_a_run_that_is_asked_to_stop_continues(
    small, uninterrupted, named, tmp_path, number, workers
):
    process = begin(small, tmp_path / "out", named, "--workers", workers)
    wait_for_a_pick(tmp_path / "out", process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)

    if process.returncode:  # It may have come to its end before.
        assert process.returncode == 130
        assert "Call the same again to continue" in errors
        assert json.loads((tmp_path / "out.json").read_text())["status"] == "stopped"
        assert not (tmp_path / "out.csv").exists()
    again = begin(small, tmp_path / "out", named, "--workers", workers)
    output, errors = again.communicate(timeout=120)
    assert again.returncode == 0, errors
    assert "picks" in output
    assert contents(tmp_path / "out") == contents(uninterrupted[0])


def test_a_killed_worker_is_replaced(small, uninterrupted, named, tmp_path):
    process = begin(small, tmp_path / "out", named, "--workers", "2")
    wait_for_a_pick(tmp_path / "out", process)
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    os.kill(int(children[0]), signal.SIGKILL)
    _, errors = process.communicate(timeout=120)

    assert process.returncode == 0, errors
    assert contents(tmp_path / "out") == contents(uninterrupted[0])


def deadly(unit):
    if unit.key == "3":
        os._exit(1)
    return UnitResult()


def test_a_unit_that_kills_its_process_is_named_and_no_other():
    units = [Unit(str(number), "", 1.0, 0, 1, ()) for number in range(7)]

    results = {u.key: r.failure for u, r in in_processes(deadly, 2)(iter(units))}

    assert set(results) == set("0123456")
    assert "died 2 times" in results.pop("3")
    assert set(results.values()) == {None}


def test_scripts_need_no_guard(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from seisbench_diting._util import process_pool\n"
        "print(process_pool(1).submit(abs, -3).result())\n"
    )

    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)

    assert done.stdout == "3\n", done.stderr


def test_damaged_files_among_good_ones(small, uninterrupted, fast, tmp_path, rng):
    folder = tmp_path / "archive"
    shutil.copytree(small, folder)
    bad = folder / "bad"
    bad.mkdir()
    good = sorted(folder.glob("S0/*.mseed"))[0].read_bytes()
    (bad / "empty.mseed").touch()
    (bad / "zeros.mseed").write_bytes(bytes(5000))
    (bad / "garbage.mseed").write_bytes(rng.bytes(100_000))
    (bad / "text.sac").write_text("Station closed for the winter.\n" * 100)
    (bad / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + rng.bytes(5000))
    (bad / "short.mseed").write_bytes(good[:30])
    stream = np.zeros(632, dtype=np.uint8).tobytes()
    (bad / "header.sac").write_bytes(stream)
    os.mkfifo(bad / "pipe")
    Path(os.fsdecode(os.fsencode(bad) + b"/caf\xe9.mseed")).write_bytes(good)
    (bad / "gone.mseed").symlink_to(tmp_path / "nowhere")
    (bad / "loop").symlink_to(folder)

    result = run(folder, tmp_path / "out", fast)

    table = read_picks(tmp_path / "out.csv")
    expected = read_picks(f"{uninterrupted[0]}.csv")
    assert row_tuples(table) == row_tuples(expected)
    errors = dict(
        line.split("\t") for line in (tmp_path / "out.err").read_text().splitlines()
    )
    names = {Path(subject).name for subject in errors}
    assert names == {
        "empty.mseed",
        "zeros.mseed",
        "garbage.mseed",
        "text.sac",
        "picture.png",
        "short.mseed",
        "header.sac",
        "pipe",
        "gone.mseed",
        "caf\ufffd.mseed",
    }
    assert errors[str(bad / "empty.mseed")] == "it is empty"
    assert result.summary["files_with_problems"] == 10


def test_truncated_and_scrambled_files(fast, cx_pb01, event_record, tmp_path, rng):
    folder = tmp_path / "archive"
    folder.mkdir()
    start = cx_pb01[0].stats.starttime
    for trace in cx_pb01.slice(start, start + 1200):
        trace.write(str(folder / f"{trace.id}.mseed"), format="MSEED", reclen=512)
    for trace in event_record:
        trace.write(str(folder / f"{trace.id}.sac"), format="SAC")
    vertical = folder / "CX.PB01..HHZ.mseed"
    content = vertical.read_bytes()
    half = len(content) // 1024 * 512
    vertical.write_bytes(content[: half + 100])
    north = folder / "CX.PB01..HHN.mseed"
    scrambled = bytearray(north.read_bytes())
    scrambled[5120 : 5120 + 1024] = rng.bytes(1024)
    north.write_bytes(scrambled)
    sac = folder / "X1.53085.01.BHE.sac"
    sac.write_bytes(sac.read_bytes()[:20_000])

    result = run(folder, tmp_path / "out", fast)

    assert set(result.picks["station_id"]) == {"CX.PB01.", "X1.53085.01"}
    errors = (tmp_path / "out.err").read_text()
    assert f"{vertical}\tpartly unreadable" in errors
    assert f"{north}\tpartly unreadable" in errors
    assert f"{sac}\tit can't be read as SAC" in errors
    assert "has no component E" in errors


def test_a_pickle_is_not_opened(fast, event_record, tmp_path, recwarn):
    import pickle

    class Exploit:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "exploited"),)

    for trace in event_record:
        trace.write(str(tmp_path / f"{trace.id}.sac"), format="SAC")
    content = pickle.dumps((Exploit(), "obspy.core.stream"), protocol=0)
    assert b"obspy.core.stream" in content[:300]
    for name in ("evil.mseed", "evil.pickle", "evil"):
        (tmp_path / name).write_bytes(b"(lp0\n" + content[:0] + content)

    run(tmp_path, tmp_path / "out", fast)

    assert not (tmp_path / "exploited").exists()
    assert "evil.pickle\tit is in none of" in (tmp_path / "out.err").read_text()


def _starved(small, output, named, limit):
    """Runs where no file may get larger than this."""

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    return subprocess.run(
        command(small, output, named),
        preexec_fn=limited,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_full_disk_loses_nothing(small, uninterrupted, fast, named, tmp_path, share):
    size = Path(f"{uninterrupted[0]}{STATE}").stat().st_size
    load_model(named)  # Weights are in the cache.

    result = _starved(small, tmp_path / "out", named, int(share * size))

    assert result.returncode == 1
    assert "Error: " in result.stderr
    assert "out.state can't be written" in result.stderr
    assert "it continues, and nothing is lost" in result.stderr
    assert leftovers(tmp_path) == []
    again = _starved(small, tmp_path / "out", named, 1 << 30)
    assert again.returncode == 0, again.stderr
    assert contents(tmp_path / "out") == contents(uninterrupted[0])


def test_no_room_for_the_tables(small, uninterrupted, fast, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_engine, "write_outputs", full)
    with pytest.raises(OSError, match="No space left"):
        run(small, tmp_path / "out", fast)
    assert not (tmp_path / "out.csv").exists()
    monkeypatch.undo()

    result = run(small, tmp_path / "out", fast)
    assert result.summary["this_run"]["station_days"] == 0
    assert contents(tmp_path / "out") == contents(uninterrupted[0])


def test_two_runs_in_one_name_at_once(small, named, tmp_path):
    both = [begin(small, tmp_path / "out", named) for _ in range(2)]
    results = [process.communicate(timeout=120) for process in both]

    codes = [process.returncode for process in both]
    # The second one may begin when the first has ended.
    assert 0 in codes
    for code, (_, errors) in zip(codes, results, strict=True):
        if code:
            assert "another picking run is writing there" in errors
    with (
        only_writer(tmp_path / "out", "picking run"),
        pytest.raises(ValueError, match="another picking run is writing there"),
    ):
        run(small, tmp_path / "out", "LPPNT/csn")


def test_a_station_day_that_fails_is_tried_again(
    small, uninterrupted, fast, tmp_path, monkeypatch
):
    pick = station_days.pick_waveforms
    failed = []

    def fail(stream, *args):
        if stream[0].stats.station == "S4" and not failed:
            failed.append(True)
            raise MemoryError("too large")
        return pick(stream, *args)

    monkeypatch.setattr(station_days, "pick_waveforms", fail)
    first = run(small, tmp_path / "out", fast)

    assert first.summary["records_failed"] == 1
    assert "MemoryError: too large" in (tmp_path / "out.err").read_text()
    second = run(small, tmp_path / "out", fast)
    assert second.summary["records_failed"] == 0
    assert (tmp_path / "out.err").read_text() == ""
    assert contents(tmp_path / "out") == contents(uninterrupted[0])


def test_a_run_that_fails_before_its_first_day_can_go_on(
    small, uninterrupted, fast, tmp_path, monkeypatch
):
    def fail(*_):
        raise OSError("no processes")

    monkeypatch.setattr(station_days, "in_threads", lambda _: fail)
    with pytest.raises(OSError, match="no processes"):
        run(small, tmp_path / "out", fast)
    monkeypatch.undo()

    run(small, tmp_path / "out", fast)
    assert contents(tmp_path / "out") == contents(uninterrupted[0])


def test_many_failures_in_a_row_end_the_run(small, fast, tmp_path, monkeypatch):
    def fail(*args):
        raise RuntimeError("CUDA is gone")

    monkeypatch.setattr(station_days, "pick_waveforms", fail)
    with pytest.raises(ValueError, match=r"20 station days in a row .* CUDA is gone"):
        run(small, tmp_path / "out", fast)


def test_what_was_written_is_there_or_not(tmp_path):
    state = RunState(tmp_path / "x.state")

    def interrupted():
        with state.transaction():
            state.execute("INSERT INTO options VALUES ('a', '1')")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert state.value("SELECT count(*) FROM options") == 0
    state.execute("PRAGMA user_version = 1")
    state.close()
    with pytest.raises(ValueError, match="written by another version"):
        RunState(tmp_path / "x.state")
