import contextlib
import dataclasses
import errno
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import seisbench
from faulty_server import FaultyServer
from installer import DEAD_URL, made_up_content, made_up_set, write_pair

from seisbench_diting.weights import (
    MIRROR_VARIABLE,
    WEIGHT_SETS,
    ChecksumError,
    WeightsError,
    find_in_folder,
    install,
    read_set,
    store,
)

CONTENT = made_up_content(50_000)
PAIR = ["csn.json.v1", "csn.pt.v1"]
WAYS_OUT = (
    f"set {MIRROR_VARIABLE} to a folder or URL that holds china.lppnm.pt",
    "run `seisbench-diting weights import FOLDER`",
)

FAULTS = {
    "not_found": "HTTP 404",
    "error": "HTTP 500",
    "truncated": "IncompleteRead|of 50000 bytes",
    "cut_without_length": "49999 bytes instead of 50000",
    "stalled": "timed out",
    "silent": "no answer within 0.3 s",
    "garbage": "SHA-256",
    "endless": "more than 50000 bytes",
    "too_long": "more than 50000 bytes",
    "too_long_announced": "50001 bytes instead of 50000",
    "redirect_loop": "TooManyRedirects",
}


@pytest.fixture(autouse=True)
def no_mirror_and_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def serve(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[str], FaultyServer]]:
    """Start a mirror that behaves in the given way."""
    with contextlib.ExitStack() as stack:

        def start(mode: str) -> FaultyServer:
            server = stack.enter_context(FaultyServer(CONTENT, mode))
            monkeypatch.setenv(MIRROR_VARIABLE, server.url)
            return server

        yield start


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder in the cache that holds another weight set already."""
    folder = tmp_path / "lppnm"
    folder.mkdir()
    (folder / "other.pt.v1").write_bytes(b"other")
    (folder / "other.json.v1").write_text("{}")
    return folder


def names(folder: Path) -> list[str]:
    """What lies in the folder besides the other weight set."""
    found = sorted(path.name for path in folder.iterdir())
    return [name for name in found if not name.startswith("other.")]


def assert_installed(folder: Path) -> None:
    assert [name for name in names(folder) if name != ".csn.lock"] == PAIR
    assert (folder / "csn.pt.v1").read_bytes() == CONTENT
    assert json.loads((folder / "csn.json.v1").read_text()) == {"version": "1"}


def fail_to_write(path: Path, content: bytes) -> None:
    raise AssertionError("nothing may be written")


# One source


@pytest.mark.parametrize("mode", FAULTS)
def test_fault_leaves_nothing_and_names_the_ways_out(mode, serve, folder):
    server = serve(mode)
    with pytest.raises(WeightsError, match=FAULTS[mode]) as caught:
        install(made_up_set(CONTENT), folder, fail_to_write, timeout=0.3)
    for part in ("LPPNM/csn", server.url, DEAD_URL, *WAYS_OUT):
        assert part in str(caught.value)
    assert names(folder) == []


@pytest.mark.parametrize("mode", ["dripping", "dripping_head"])
def test_server_that_drips_is_given_up(mode, serve, folder):
    serve(mode)
    start = time.monotonic()
    with pytest.raises(WeightsError, match="not complete after 2 s"):
        install(made_up_set(CONTENT), folder, fail_to_write, timeout=0.1)
    assert time.monotonic() - start < 4
    assert names(folder) == []


def test_unknown_size_is_limited(serve, folder, monkeypatch):
    monkeypatch.setattr(store, "MAX_BYTES", 100_000)
    serve("endless")
    with pytest.raises(WeightsError, match="more than 100000 bytes"):
        read_set(made_up_set(CONTENT, size=None), timeout=0.3)
    server = serve("good")
    server.content = bytes(100_001)
    with pytest.raises(WeightsError, match="100001 bytes, at most 100000 are read"):
        read_set(made_up_set(CONTENT, size=None), timeout=0.3)


def test_good_mirror(serve, folder, capsys):
    serve("good")
    install(made_up_set(CONTENT), folder, write_pair, timeout=1)
    assert_installed(folder)
    assert capsys.readouterr().err == ""


def test_git_blob_verifies_where_nothing_else_is_known(serve):
    entry = made_up_set(CONTENT, sha256=None, size=None)
    serve("good")
    assert read_set(entry, timeout=1) == CONTENT
    serve("garbage")
    with pytest.raises(WeightsError, match="git blob id"):
        read_set(entry, timeout=1)


def test_pinned_url_without_mirror(serve, monkeypatch):
    server = serve("good")
    monkeypatch.delenv(MIRROR_VARIABLE)
    assert read_set(made_up_set(CONTENT, url=server.url), timeout=1) == CONTENT


def test_progress_bar_only_on_a_terminal(serve, capsys, monkeypatch):
    serve("good")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    read_set(made_up_set(CONTENT), timeout=1)
    assert "Downloading LPPNM/csn" in capsys.readouterr().err
    read_set(made_up_set(CONTENT), timeout=1, progress=False)
    assert capsys.readouterr().err == ""


# The mirror


def test_failing_mirror_is_logged_and_passed_over(serve, monkeypatch, caplog):
    pinned = serve("good")
    mirror = serve("not_found")
    monkeypatch.setenv(
        MIRROR_VARIABLE, mirror.url.replace("http://", "http://me:secret@") + "/"
    )
    with caplog.at_level(logging.WARNING, logger="seisbench"):
        assert read_set(made_up_set(CONTENT, url=pinned.url), timeout=1) == CONTENT
    assert f"{mirror.url}/: HTTP 404" in caplog.text
    assert "LPPNM/csn" in caplog.text
    assert "secret" not in caplog.text


def test_folder_as_mirror(tmp_path, folder, monkeypatch):
    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path))
    (tmp_path / "china.lppnm.pt").write_bytes(CONTENT)
    install(made_up_set(CONTENT), folder, write_pair, timeout=0.3)
    assert_installed(folder)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "the folder has no file china.lppnm.pt"),
        (CONTENT[:-1], "49999 bytes instead of 50000"),
        (CONTENT[:-1] + b"x", "SHA-256"),
    ],
)
def test_folder_without_the_right_file(content, reason, tmp_path, monkeypatch):
    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path))
    if content is not None:
        (tmp_path / "china.lppnm.pt").write_bytes(content)
    with pytest.raises(WeightsError, match=reason) as caught:
        read_set(made_up_set(CONTENT), timeout=0.3)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("mirror", ["ftp://host/x", "http://[bad", "http://"])
def test_mirror_that_is_no_address(mirror, monkeypatch):
    monkeypatch.setenv(MIRROR_VARIABLE, mirror)
    with pytest.raises(WeightsError) as caught:
        read_set(made_up_set(CONTENT), timeout=0.3)
    assert mirror in str(caught.value)


# The cache


def test_installed_set_is_not_read_again(folder):
    write_pair(folder / "csn", CONTENT)
    before = [(folder / name).stat() for name in PAIR]
    install(made_up_set(CONTENT), folder, fail_to_write, content=b"never looked at")
    assert [(folder / name).stat() for name in PAIR] == before


@pytest.mark.parametrize("present", PAIR)
def test_half_a_set_is_completed(present, folder):
    (folder / present).write_text("torn")
    install(made_up_set(CONTENT), folder, write_pair, content=CONTENT)
    assert_installed(folder)


def test_missing_folder_is_made(tmp_path):
    install(made_up_set(CONTENT), tmp_path / "a" / "b", write_pair, content=CONTENT)
    assert_installed(tmp_path / "a" / "b")


def test_given_content_is_checked(folder):
    with pytest.raises(ChecksumError, match="LPPNM/csn"):
        install(made_up_set(CONTENT), folder, fail_to_write, content=CONTENT[::-1])
    assert names(folder) == []


def test_force_replaces(folder):
    write_pair(folder / "csn", b"damaged")
    install(made_up_set(CONTENT), folder, write_pair, content=CONTENT, force=True)
    assert_installed(folder)


def test_force_with_failing_source_leaves_the_old_pair(serve, folder):
    write_pair(folder / "csn", CONTENT)
    before = [(folder / name).stat() for name in PAIR]
    serve("truncated")
    with pytest.raises(WeightsError):
        install(made_up_set(CONTENT), folder, fail_to_write, force=True, timeout=0.3)
    assert [(folder / name).stat() for name in PAIR] == before
    assert_installed(folder)


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("PytorchStreamWriter failed: No space left on device"),
    ],
)
def test_full_disk_leaves_what_was_there(error, force, folder):
    if force:
        write_pair(folder / "csn", CONTENT)

    def write(path: Path, content: bytes) -> None:
        path.with_name("csn.pt.v1").write_bytes(content[:100])
        raise error

    with pytest.raises(WeightsError, match="No space left on device") as caught:
        install(made_up_set(CONTENT), folder, write, content=CONTENT, force=force)
    assert "LPPNM/csn" in str(caught.value)
    assert str(folder) in str(caught.value)
    if force:
        assert_installed(folder)
    else:
        assert names(folder) == []


def test_error_or_interruption_while_writing_leaves_nothing(folder):
    for error in (ValueError("no such key"), KeyboardInterrupt()):

        def write(path: Path, content: bytes, error: BaseException = error) -> None:
            write_pair(path, content)
            raise error

        with pytest.raises(type(error)):
            install(made_up_set(CONTENT), folder, write, content=CONTENT)
        assert names(folder) == []


def test_writer_that_leaves_a_file_out(folder):
    def write(path: Path, content: bytes) -> None:
        path.with_name("csn.pt.v1").write_bytes(content)

    with pytest.raises(WeightsError, match=r"csn\.json\.v1"):
        install(made_up_set(CONTENT), folder, write, content=CONTENT)
    assert names(folder) == []


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match="LPPNM/csn could not be written to"):
        install(made_up_set(CONTENT), tmp_path / "file", write_pair, content=CONTENT)


def test_only_old_temporary_folders_are_removed(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    old, young, link = (folder / f".install-{name}" for name in ("a", "b", "c"))
    for leftover in (old, young):
        leftover.mkdir()
        (leftover / "csn.pt.v1").write_text("torn")
    link.symlink_to(outside)
    two_hours_ago = time.time() - 7200
    for path in (old, link, outside):
        os.utime(path, (two_hours_ago,) * 2, follow_symlinks=False)
    install(made_up_set(CONTENT), folder, write_pair, content=CONTENT)
    assert not old.exists()
    assert young.exists()
    assert outside.exists()


# Several processes, and killed ones


@pytest.fixture
def start_installer(folder: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Start ``installer.py`` on the folder in a process of its own."""
    # A new cache root would not do: of two processes that import SeisBench first, one
    # may read the config.json that the other has only begun to write.
    environment = {
        "PYTHONPATH": str(Path(store.__file__).parents[2]),
        "SEISBENCH_CACHE_ROOT": str(seisbench.cache_root),
    }
    script = Path(__file__).with_name("installer.py")
    processes = []

    def start(**changes: object) -> subprocess.Popen:
        task = {
            "content": len(CONTENT),
            "url": DEAD_URL,
            "folder": str(folder),
            "wait_for_file": False,
            "write_seconds": 0,
            "file_limit": None,
        } | changes
        process = subprocess.Popen(
            [sys.executable, str(script), json.dumps(task)],
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def assert_both_install(processes: list[subprocess.Popen], folder: Path) -> None:
    for process in processes:
        assert process.communicate(timeout=20)[0].endswith("installed\n")
    assert_installed(folder)


def test_two_processes_at_once(serve, folder, start_installer):
    server = serve("held")
    processes = [start_installer() for _ in range(2)]
    wait_until(lambda: len(server.paths) == 2)
    server.released.set()
    assert_both_install(processes, folder)


def test_waiting_process_does_not_download(serve, folder, start_installer):
    server = serve("held")
    processes = [start_installer(wait_for_file=True) for _ in range(2)]
    assert server.halfway.wait(10)
    time.sleep(0.5)
    server.released.set()
    assert_both_install(processes, folder)
    assert server.paths == ["/china.lppnm.pt"]


def test_waiting_process_goes_on_after_the_other_is_killed(
    serve, folder, start_installer
):
    server = serve("stalled")
    first = start_installer(wait_for_file=True)
    assert server.halfway.wait(10)
    server.mode = "good"
    second = start_installer(wait_for_file=True)
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(1.0)
    first.kill()
    assert second.communicate(timeout=20)[0].endswith("installed\n")
    first.communicate()
    assert_installed(folder)
    assert len(server.paths) == 2


def test_kill_while_downloading(serve, folder, start_installer):
    server = serve("stalled")
    process = start_installer()
    assert server.halfway.wait(10)
    process.kill()
    process.communicate()
    assert names(folder) == []
    server.mode = "good"
    install(made_up_set(CONTENT), folder, write_pair, timeout=1)
    assert_installed(folder)


def test_kill_while_writing(serve, folder, start_installer):
    serve("good")
    process = start_installer(write_seconds=60)
    assert process.stdout.readline() == "writing\n"
    process.kill()
    process.communicate()
    (leftover,) = folder.glob(".install-*")
    assert names(folder) == [leftover.name]

    install(made_up_set(CONTENT), folder, write_pair, timeout=1)
    assert leftover.exists()
    two_hours_ago = time.time() - 7200
    os.utime(leftover, (two_hours_ago, two_hours_ago))
    install(made_up_set(CONTENT), folder, write_pair, timeout=1, force=True)
    assert_installed(folder)


def test_kill_between_the_two_replacements(folder, monkeypatch):
    """What a kill there leaves, made by hand: the .pt is whole, the .json missing."""
    replace = os.replace

    def replace_pt_only(source: Path, target: Path) -> None:
        if target.name.startswith("csn.json"):
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", replace_pt_only)
    with pytest.raises(KeyboardInterrupt):
        install(made_up_set(CONTENT), folder, write_pair, content=CONTENT)
    monkeypatch.undo()
    assert names(folder) == ["csn.pt.v1"]
    install(made_up_set(CONTENT), folder, write_pair, content=CONTENT)
    assert_installed(folder)


@pytest.mark.skipif(os.name != "posix", reason="no limit on file sizes there")
def test_limit_on_file_size_leaves_nothing(serve, folder, start_installer):
    serve("good")
    process = start_installer(file_limit=len(CONTENT) - 1000)
    said = process.communicate(timeout=20)[0]
    assert "WeightsError: The weights LPPNM/csn could not be written to" in said
    assert names(folder) == []


# Files by hand


@pytest.fixture
def registered(monkeypatch):
    """A registry of two made-up sets, one of which is known by its git blob only."""
    by_sha = made_up_set(b"first set")
    by_blob = made_up_set(
        b"second", sha256=None, size=None, name="diting", file="diting.lppnm.pt"
    )
    monkeypatch.setattr(store, "WEIGHT_SETS", (by_sha, by_blob))
    return by_sha, by_blob


def test_renamed_files_are_found_by_content(registered, tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "copy (1)").write_bytes(b"first set")
    (tmp_path / "download.bin").write_bytes(b"second")
    (tmp_path / "unrelated.pt").write_bytes(b"third set")
    found = find_in_folder(tmp_path)
    assert dict(found.matching) == {
        registered[0]: tmp_path / "deep" / "er" / "copy (1)",
        registered[1]: tmp_path / "download.bin",
    }
    assert found.damaged == []


def test_damaged_file_is_reported(registered, tmp_path):
    (tmp_path / "china.lppnm.pt").write_bytes(b"first sat")
    (tmp_path / "diting.lppnm.pt").write_bytes(b"")
    found = find_in_folder(tmp_path)
    assert found.matching == []
    assert dict(found.damaged) == {
        registered[0]: tmp_path / "china.lppnm.pt",
        registered[1]: tmp_path / "diting.lppnm.pt",
    }


def test_large_and_outside_files_are_not_read(registered, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "MAX_BYTES", 8)
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir()
    folder.mkdir()
    (outside / "second").write_bytes(b"second")
    (folder / "link").symlink_to(outside / "second")
    (folder / "linked_folder").symlink_to(outside)
    (folder / "broken").symlink_to(folder / "nowhere")
    (folder / "large").write_bytes(b"first set")
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe")
    assert find_in_folder(folder).matching == []
    (folder / "link_inside").symlink_to(folder / "real")
    (folder / "real").write_bytes(b"second")
    assert [entry for entry, _ in find_in_folder(folder).matching] == [registered[1]]


@pytest.mark.parametrize("name", ["missing", "file"])
def test_no_such_folder(name, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match=f"folder=.*{name}' is not a folder"):
        find_in_folder(tmp_path / name)


def test_reference_folder_holds_all_but_one(reference):
    found = find_in_folder(reference / "weights")
    published = {entry for entry in WEIGHT_SETS if not entry.bundled}
    missing = published - {entry for entry, _ in found.matching}
    assert [entry.title for entry in missing] == ["UNetPP/csn"]
    assert all(entry.file == path.name for entry, path in found.matching)
    assert found.damaged == []


def test_bundled_sets_need_no_network(tmp_path, monkeypatch):
    entry = dataclasses.replace(made_up_set(CONTENT, url=""), bundled=True)
    monkeypatch.setattr(store, "BUNDLED", tmp_path)
    monkeypatch.setenv(MIRROR_VARIABLE, DEAD_URL)
    with pytest.raises(WeightsError, match="part of this package, can't be read"):
        read_set(entry, timeout=1)
    (tmp_path / entry.file).write_bytes(CONTENT)
    assert read_set(entry, timeout=1) == CONTENT
    (tmp_path / entry.file).write_bytes(CONTENT[:-1])
    with pytest.raises(WeightsError, match="Install seisbench-diting again"):
        read_set(entry, timeout=1)
