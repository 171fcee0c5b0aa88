"""Published files are fetched, verified, and written whole into SeisBench's cache."""

import errno
import json
import logging
import os
import threading
import time

import pytest
from conftest import CONTENT, DEAD_URL, made_up_set

from seisbench_diting.weights import (
    MIRROR_VARIABLE,
    WEIGHT_SETS,
    WeightsError,
    find_in_folder,
    install,
    read_set,
    store,
)

PAIR = ["csn.json.v1", "csn.pt.v1"]


@pytest.fixture(autouse=True)
def no_mirror_and_no_proxy(monkeypatch):
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(store, "TIMEOUT_S", 1)


@pytest.fixture
def folder(tmp_path):
    """A model's folder in the cache that holds another weight set already."""
    folder = tmp_path / "lppnm"
    folder.mkdir()
    (folder / "other.pt.v1").write_bytes(b"other")
    (folder / "other.json.v1").write_text("{}")
    return folder


def names(folder):
    """Files in the folder besides those of the other weight set."""
    found = sorted(path.name for path in folder.iterdir())
    return [name for name in found if not name.startswith((".csn.lock", "other."))]


def write_pair(path, content):
    """Stands in for the conversion into SeisBench's format."""
    path.with_name(f"{path.name}.pt.v1").write_bytes(content)
    path.with_name(f"{path.name}.json.v1").write_text(json.dumps({"version": "1"}))


def fail_to_write(path, content):
    raise AssertionError("nothing may be written")


def assert_installed(folder):
    assert names(folder) == PAIR
    assert (folder / "csn.pt.v1").read_bytes() == CONTENT
    assert json.loads((folder / "csn.json.v1").read_text()) == {"version": "1"}


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("missing", "404"),
        ("truncated", "IncompleteRead|bytes instead of"),
        ("garbage", "SHA-256"),
        ("silent", "timed out"),
    ],
)
def test_a_fault_leaves_nothing_and_names_the_ways_out(mode, reason, serve, folder):
    server = serve(mode)
    with pytest.raises(WeightsError, match=reason) as caught:
        install(made_up_set(), folder, fail_to_write)
    for part in ("LPPNM/csn", server.url, DEAD_URL, MIRROR_VARIABLE, "weights import"):
        assert part in str(caught.value)
    assert names(folder) == []


def test_a_good_mirror(serve, folder):
    server = serve("good")
    install(made_up_set(), folder, write_pair)
    assert_installed(folder)
    assert server.paths == ["/china.lppnm.pt"]


def test_a_failing_mirror_is_logged_and_passed_over(serve, monkeypatch, caplog):
    pinned = serve("good")
    mirror = serve("missing")
    with_password = mirror.url.replace("http://", "http://me:secret@") + "/"
    monkeypatch.setenv(MIRROR_VARIABLE, with_password)
    with caplog.at_level(logging.WARNING, logger="seisbench"):
        assert read_set(made_up_set(url=pinned.url)) == CONTENT
    assert f"{mirror.url}/china.lppnm.pt" in caplog.text
    assert "404" in caplog.text
    assert "secret" not in caplog.text


def test_a_folder_as_mirror(tmp_path, monkeypatch):
    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path))
    with pytest.raises(WeightsError, match="No such file"):
        read_set(made_up_set())
    (tmp_path / "china.lppnm.pt").write_bytes(CONTENT[:-1])
    with pytest.raises(WeightsError, match="49999 bytes instead of 50000"):
        read_set(made_up_set())
    (tmp_path / "china.lppnm.pt").write_bytes(CONTENT)
    assert read_set(made_up_set()) == CONTENT


@pytest.mark.parametrize("mirror", ["ftp://host/x", "http://[bad"])
def test_a_mirror_that_is_no_address(mirror, monkeypatch):
    monkeypatch.setenv(MIRROR_VARIABLE, mirror)
    with pytest.raises(WeightsError) as caught:
        read_set(made_up_set())
    assert mirror in str(caught.value)


def test_bundled_sets_need_no_network(tmp_path, monkeypatch):
    entry = made_up_set(url="")
    monkeypatch.setattr(store, "BUNDLED", tmp_path)
    monkeypatch.setenv(MIRROR_VARIABLE, DEAD_URL)
    with pytest.raises(WeightsError, match="No such file"):
        read_set(entry)
    (tmp_path / entry.file).write_bytes(CONTENT)
    assert read_set(entry) == CONTENT


# The cache


def test_an_installed_set_is_not_read_again(folder):
    write_pair(folder / "csn", CONTENT)
    before = [(folder / name).stat() for name in PAIR]
    install(made_up_set(), folder, fail_to_write, content=b"never looked at")
    assert [(folder / name).stat() for name in PAIR] == before


@pytest.mark.parametrize("present", PAIR)
def test_half_a_set_is_completed(present, folder):
    (folder / present).write_text("torn")
    install(made_up_set(), folder, write_pair, content=CONTENT)
    assert_installed(folder)


def test_given_content_is_checked(folder):
    with pytest.raises(ValueError, match="LPPNM/csn"):
        install(made_up_set(), folder, fail_to_write, content=CONTENT[::-1])
    assert names(folder) == []


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), WeightsError),
        (RuntimeError("PytorchStreamWriter failed"), WeightsError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_fault_while_writing_leaves_what_was_there(error, raised, force, folder):
    if force:
        write_pair(folder / "csn", CONTENT)

    def write(path, content):
        path.with_name("csn.pt.v1").write_bytes(content[:100])
        raise error

    with pytest.raises(raised) as caught:
        install(made_up_set(), folder, write, content=CONTENT, force=force)
    if raised is WeightsError:
        assert "LPPNM/csn" in str(caught.value)
        assert str(folder) in str(caught.value)
    assert names(folder) == (PAIR if force else [])


def test_a_folder_that_can_not_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match="LPPNM/csn could not be written to"):
        install(made_up_set(), tmp_path / "file", write_pair, content=CONTENT)


def test_the_file_by_which_a_set_is_found_comes_last(folder, monkeypatch):
    replace = os.replace

    def replace_weights_only(source, target):
        if "csn.json" in str(target):
            raise OSError(errno.EIO, "Input/output error")
        replace(source, target)

    monkeypatch.setattr(os, "replace", replace_weights_only)
    with pytest.raises(WeightsError):
        install(made_up_set(), folder, write_pair, content=CONTENT)
    monkeypatch.undo()
    assert names(folder) == ["csn.pt.v1"]
    install(made_up_set(), folder, write_pair, content=CONTENT)
    assert_installed(folder)


@pytest.mark.parametrize("wait_for_file", [False, True])
def test_two_at_once(wait_for_file, serve, folder, monkeypatch):
    server = serve("held")
    monkeypatch.setattr(store, "TIMEOUT_S", 20)
    options = {"wait_for_file": wait_for_file}
    threads = [
        threading.Thread(
            target=install, args=(made_up_set(), folder, write_pair), kwargs=options
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    server.released.set()
    for thread in threads:
        thread.join(20)
    assert_installed(folder)
    assert len(server.paths) == (1 if wait_for_file else 2)


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


def test_files_are_found_by_content(registered, tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "copy (1)").write_bytes(b"first set")
    (tmp_path / "download.bin").write_bytes(b"second")
    (tmp_path / "unrelated.pt").write_bytes(b"third set")
    # Of the name of a published file, but damaged.
    (tmp_path / "china.lppnm.pt").write_bytes(b"first sat")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    assert find_in_folder(tmp_path) == (
        {
            registered[0]: tmp_path / "deep" / "er" / "copy (1)",
            registered[1]: tmp_path / "download.bin",
        },
        {registered[0]: tmp_path / "china.lppnm.pt"},
    )


def test_no_such_folder(tmp_path):
    with pytest.raises(ValueError, match=r"folder=.*missing'"):
        find_in_folder(tmp_path / "missing")


def test_the_reference_folder_holds_all_but_one(reference):
    found, damaged = find_in_folder(reference / "weights")
    published = {entry for entry in WEIGHT_SETS if not entry.bundled}
    assert [entry.title for entry in published - set(found)] == ["UNetPP/csn"]
    assert all(entry.file == path.name for entry, path in found.items())
    assert damaged == {}
