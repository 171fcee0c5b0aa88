"""Stations whose instruments change, files that come and go, readers meanwhile."""

import errno
import shutil

import obspy
import pandas as pd
import pytest
from archives import assert_same_picks, renamed, row_tuples, write_pieces

from seisbench_diting._util import only_writer
from seisbench_diting.picking import pick_archive
from seisbench_diting.waveforms import reading


def run(inputs, output, model, **options):
    return pick_archive(inputs, output, model, **{"progress": False, **options})


def with_code(stream, code):
    changed = stream.copy()
    for trace in changed:
        trace.stats.channel = code + trace.stats.channel[-1]
    return changed


@pytest.fixture(scope="module")
def hour(cx_pb01):
    start = cx_pb01[0].stats.starttime
    return renamed(cx_pb01.slice(start, start + 3600), "A", "2020-03-01T10:00:00")


def test_another_instrument_fills_in(published, hour, tmp_path):
    model = published("LPPNM", "csn")
    start = hour[0].stats.starttime
    broadband = with_code(hour.slice(start + 600, start + 1500), "HH")
    strong = with_code(hour, "HN")
    (broadband + strong).write(str(tmp_path / "both.mseed"), format="MSEED")

    result = run(tmp_path / "both.mseed", tmp_path / "out", model)

    expected = []
    for stream in (
        strong.slice(endtime=start + 600 - 0.005),
        broadband,
        strong.slice(start + 1500 + 0.005),
    ):
        expected += model.classify(stream).picks
    found = len(expected)
    assert found > 20
    assert len(result.picks) == pytest.approx(found, abs=4)
    assert result.summary["station_days"] == pytest.approx(3600 / 86400, abs=1e-4)
    (line,) = (tmp_path / "out.err").read_text().splitlines()
    assert line.startswith("CX.A.\tHN is not used where HH records as well")


def test_instruments_of_other_days_do_not_matter(fast, hour, tmp_path):
    # BH on the first day, HH from midnight on, with HN beside all of it.
    first = renamed(hour, "A", "2020-03-01T23:00:00").slice(
        endtime=obspy.UTCDateTime("2020-03-01T23:59:59.99")
    )
    second = renamed(hour, "A", "2020-03-02T00:00:00")
    stream = with_code(first, "BH") + with_code(second, "HH")
    stream.write(str(tmp_path / "in.mseed"), format="MSEED")

    result = run(tmp_path / "in.mseed", tmp_path / "out", fast)

    expected = [*fast.classify(first).picks, *fast.classify(second).picks]
    days = result.picks["time"].dt.day.value_counts()
    assert days[1] > 10
    assert days[2] > 10
    assert len(result.picks) == pytest.approx(len(expected), abs=3)


def test_a_read_error_that_passes(fast, small, tmp_path, monkeypatch):
    expected = row_tuples(run(small, tmp_path / "whole", fast).picks)
    read = obspy.read
    broken = []

    def fail(source, *args, **options):
        if "S3" in str(source) and not options.get("headonly"):
            broken.append(source)
            raise OSError(errno.EIO, "Input/output error")
        return read(source, *args, **options)

    monkeypatch.setattr(reading.obspy, "read", fail)
    result = run(small, tmp_path / "out", fast)

    assert broken
    assert result.summary["status"] == "incomplete"
    assert result.summary["records_failed"] == 4
    assert "can't be read now: Input/output error" in (tmp_path / "out.err").read_text()
    monkeypatch.undo()
    result = run(small, tmp_path / "out", fast)
    assert result.summary["status"] == "complete"
    assert row_tuples(result.picks) == expected


def test_a_header_that_can_not_be_read_now(fast, small, tmp_path, monkeypatch):
    expected = row_tuples(run(small, tmp_path / "whole", fast).picks)
    find = reading.find_format

    def fail(path):
        if path.name.startswith("CX.S5"):
            raise OSError(errno.EACCES, "Permission denied")
        return find(path)

    monkeypatch.setattr(reading, "find_format", fail)
    assert run(small, tmp_path / "out", fast).summary["files_with_problems"] == 27
    monkeypatch.undo()

    result = run(small, tmp_path / "out", fast)
    assert result.summary["files_with_problems"] == 0
    assert row_tuples(result.picks) == expected


def test_picks_of_files_that_are_gone_stay(fast, hour, tmp_path):
    archive = tmp_path / "archive"
    paths = write_pieces(hour, archive, [900, 1800, 2700])
    before = run(archive, tmp_path / "out", fast).picks
    for path in paths:
        if ".000." in path.name or ".001." in path.name:
            path.unlink()

    after = run(archive, tmp_path / "out", fast).picks

    middle = pd.Timestamp("2020-03-01T10:30:00", tz="UTC")
    gone = before[before["time"] < middle - pd.Timedelta(seconds=1)]
    stayed = after[after["time"] < middle - pd.Timedelta(seconds=1)]
    assert len(gone) > 5
    assert row_tuples(stayed) == row_tuples(gone)
    assert len(after) == pytest.approx(len(before), abs=3)


@pytest.mark.parametrize("count", [1, 2])
def test_models_of_seisbench_pick_archives(reference, small, tmp_path, count):
    name = str(reference / "peers" / "phasenet" / "volpick")

    result = run(small, tmp_path / "out", name, workers=count, stations="CX.S1")

    assert len(result.picks) > 0
    assert result.summary["records_failed"] == 0


def test_nobody_reads_beside_a_run(fast, small, tmp_path):
    result = run(small, tmp_path / "out", fast)

    with (
        only_writer(tmp_path / "out", "picking run"),
        pytest.raises(ValueError, match="a picking run is writing there"),
    ):
        result.picks  # noqa: B018
    assert len(result.picks) == result.summary["picks"]


def test_records_that_lie_on_no_grid(fast, hour, tmp_path, monkeypatch):
    path = tmp_path / "mixed.mseed"
    start = hour[0].stats.starttime
    parts = []
    for number, length in enumerate((512, 4096)):
        part = tmp_path / "part.mseed"
        begin = start + 0.01 * (number * 151_234)
        hour.slice(begin, begin + 1512.33).write(
            str(part), format="MSEED", reclen=length
        )
        parts.append(part.read_bytes())
    path.write_bytes(parts[0] + parts[1])
    monkeypatch.setattr(reading, "PIECE_BYTES", 1 << 14)

    result = run(path, tmp_path / "out", fast)

    assert_same_picks(result.picks, fast.classify(obspy.read(str(path))).picks)


def test_results_of_others_are_not_overwritten(fast, small, tmp_path):
    for ending in (".json", ".log", ".err", ".real"):
        path = tmp_path / f"out{ending}"
        path.write_text("precious")
        with pytest.raises(ValueError, match=rf"out{ending} exists without the state"):
            run(small, tmp_path / "out", fast)
        assert path.read_text() == "precious"
        path.unlink()


def test_a_folder_that_can_not_be_read_is_told(fast, small, tmp_path, monkeypatch):
    import os

    archive = tmp_path / "archive"
    shutil.copytree(small, archive)
    scan = os.scandir

    def scandir(path):
        if str(path).endswith("S2"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    result = run(archive, tmp_path / "out", fast)

    assert result.summary["stations"] == 7
    assert (
        f"{archive / 'S2'}\tthe folder can't be read"
        in (tmp_path / "out.err").read_text()
    )
