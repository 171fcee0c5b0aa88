"""Files are whole or not there, wherever they are written to."""

import os
import signal
import stat
import time
from pathlib import Path

import pytest

from seisbench_diting._util import (
    no_writer,
    only_writer,
    progress_bar,
    replacing_together,
    write_text,
)


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.txt"
    write_text(path, "old")

    def pieces():
        yield "new"
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        write_text(path, pieces())

    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["x.txt"]


def test_pieces(tmp_path):
    write_text(tmp_path / "x", iter(["a", "b"]))
    assert (tmp_path / "x").read_text() == "ab"


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
def test_rights_are_those_of_other_files(tmp_path):
    before = os.umask(0o077)
    try:
        write_text(tmp_path / "new", "x")
    finally:
        os.umask(before)
    (tmp_path / "shared").touch()
    (tmp_path / "shared").chmod(0o664)
    write_text(tmp_path / "shared", "x")

    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    assert modes == {"new": 0o600, "shared": 0o664}


@pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")
def test_links_are_followed_and_devices_stay(tmp_path):
    (tmp_path / "folder").mkdir()
    target = tmp_path / "folder" / "target"
    target.write_text("old")
    (tmp_path / "link").symlink_to(target)
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert target.read_text() == "new"

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_text(pipe, "through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.lstat().st_mode)


def test_where_no_file_can_be(tmp_path):
    with pytest.raises(IsADirectoryError):
        write_text(tmp_path, "x")
    with pytest.raises(FileNotFoundError):
        write_text(tmp_path / "missing" / "x", "x")


def test_reading_where_nothing_can_be_written(tmp_path, monkeypatch):
    path = tmp_path / "run"
    with only_writer(path, "picking run"):
        monkeypatch.setattr(os, "access", lambda *_: False)
        with (
            pytest.raises(ValueError),
            no_writer(path, "picking run"),
        ):
            pass
    before = {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    with no_writer(path, "picking run"):
        pass
    assert {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()} == before


def test_files_that_belong_together(tmp_path):
    paths = [tmp_path / name for name in ("a", "b", "c")]
    paths[0].write_text("old")
    paths[0].chmod(0o600)

    def write(last):
        with replacing_together(paths) as new:
            for path in paths[:2]:
                write_text(new[path], "new")
                # Nobody sees the one without the other.
                assert not paths[1].exists()
            last()

    with pytest.raises(KeyboardInterrupt):
        write(lambda: os.kill(os.getpid(), signal.SIGINT) or time.sleep(1))
    assert paths[0].read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]

    write(lambda: None)
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]
    assert paths[0].read_text() == "new"
    assert stat.S_IMODE(paths[0].stat().st_mode) == 0o600
    paths[1].unlink()
    paths[1].mkdir()
    with (
        pytest.raises(IsADirectoryError),
        replacing_together(paths) as new,
    ):
        new[paths[1]].write_text("new")
    assert not list(paths[1].iterdir())


def test_an_interruption_waits_until_all_are_replaced(tmp_path, monkeypatch):
    paths = [tmp_path / name for name in ("a", "b")]
    replace = Path.replace

    def interrupted(self, target):
        os.kill(os.getpid(), signal.SIGINT)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with replacing_together(paths) as new:
        # Not with write_text, which replaces as well.
        for path in new.values():
            path.write_text("new")
    assert [path.read_text() for path in paths] == ["new", "new"]


def test_short_work_shows_no_progress_where_nobody_looks(capfd):
    with progress_bar("Picking", "station days", True, total=10.5, initial=2) as bar:
        bar.update(1.5)

    assert bar.n == 3.5
    assert capfd.readouterr().err == ""
