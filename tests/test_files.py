"""Files are whole or not there, wherever they are written to."""

import os
import signal
import stat
from pathlib import Path

import pytest

from seisbench_diting._util import (
    no_writer,
    only_writer,
    replacing_together,
    write_text,
)

on_posix = pytest.mark.skipif(os.name != "posix", reason="rights, links and pipes")


def modes(folder):
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


@on_posix
def test_rights_are_those_of_other_files(tmp_path):
    before = os.umask(0o077)
    try:
        write_text(tmp_path / "new", "x")
    finally:
        os.umask(before)
    (tmp_path / "shared").touch()
    (tmp_path / "shared").chmod(0o664)
    write_text(tmp_path / "shared", "x")

    assert modes(tmp_path) == {"new": 0o600, "shared": 0o664}


@on_posix
def test_links_are_followed_and_devices_stay(tmp_path):
    link, target, pipe = (tmp_path / name for name in ("link", "target", "pipe"))
    link.symlink_to(target)
    target.write_text("old")
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"

    os.mkfifo(pipe)
    with open(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)) as reader:
        write_text(pipe, "through")
        assert reader.read() == "through"
    assert pipe.is_fifo()


def test_a_reader_needs_no_right_to_write_but_waits_for_a_writer(tmp_path, monkeypatch):
    path = tmp_path / "run"
    with only_writer(path, "picking run"):
        monkeypatch.setattr(os, "access", lambda *_: False)
        with pytest.raises(ValueError), no_writer(path, "picking run"):
            pass
    before = {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    with no_writer(path, "picking run"):
        pass
    assert {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()} == before


@on_posix
def test_files_that_belong_together_are_replaced_together(tmp_path):
    old, new, left_out = paths = [tmp_path / name for name in ("a", "b", "c")]
    old.write_text("old")
    old.chmod(0o600)

    def write(last):
        with replacing_together(paths) as temporary:
            for path in (old, new):
                write_text(temporary[path], "new")
            assert old.read_text() == "old"
            last()

    with pytest.raises(KeyboardInterrupt):
        write(lambda: signal.raise_signal(signal.SIGINT))
    assert os.listdir(tmp_path) == ["a"]
    write(lambda: None)
    assert modes(tmp_path).keys() == {"a", "b"}
    assert old.read_text() == new.read_text() == "new"
    assert modes(tmp_path)["a"] == 0o600
    left_out.mkdir()
    with pytest.raises(IsADirectoryError), replacing_together(paths) as temporary:
        temporary[left_out].write_text("new")


def test_an_interruption_waits_until_all_are_replaced(tmp_path, monkeypatch):
    paths = [tmp_path / name for name in ("a", "b")]
    replace = Path.replace

    def interrupted(self, target):
        signal.raise_signal(signal.SIGINT)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with replacing_together(paths) as new:
        # Not with write_text, which replaces as well.
        for path in new.values():
            path.write_text("new")
    assert [path.read_text() for path in paths] == ["new", "new"]
