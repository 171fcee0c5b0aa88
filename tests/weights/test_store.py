"""Published files are fetched, verified, and written whole into SeisBench's cache."""

import dataclasses
import hashlib
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.pool import ThreadPool

import pytest

from seisbench_diting import weights
from seisbench_diting.weights import store

CONTENT = b"".join(b"%08d" % number for number in range(6250))
HALF = len(CONTENT) // 2

#: The discard port: nobody listens there.
DEAD_URL = "http://127.0.0.1:9/published.pt"

PAIR = ["csn.json.v1", "csn.pt.v1"]


def made_up_set(content=CONTENT, **changes):
    """A weight set of which the published file is ``content``, found nowhere."""
    values = {
        "url": DEAD_URL,
        "sha256": hashlib.sha256(content).hexdigest(),
        "git_blob": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),
        "size": len(content),
    }
    return dataclasses.replace(weights.find_set("LPPNM", "csn"), **values | changes)


class Mirror(ThreadingHTTPServer):
    """
    Serves :py:data:`CONTENT` under every path.

    :param mode: ``good``, ``missing`` (404), ``truncated``, ``garbage``, or ``silent``
        until ``released`` is set
    """

    daemon_threads = True

    def __init__(self, mode):
        super().__init__(("127.0.0.1", 0), _Answer)
        self.mode, self.paths, self.released = mode, [], threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        mode = self.server.mode
        self.server.paths.append(self.path)
        if mode == "missing":
            self.send_error(404)
            return
        if mode == "silent":
            self.server.released.wait(20)
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(bytes(HALF) if mode == "garbage" else CONTENT[:HALF])
        if mode != "truncated":
            self.wfile.write(CONTENT[HALF:])

    def log_message(self, *_):
        pass


@pytest.fixture
def serve(monkeypatch):
    """Function that starts a mirror that behaves in the given way."""
    started = []

    def start(mode):
        started.append(Mirror(mode))
        monkeypatch.setenv(weights.MIRROR_VARIABLE, started[-1].url)
        return started[-1]

    yield start
    for mirror in started:
        mirror.released.set()
        mirror.shutdown()
        mirror.server_close()


@pytest.fixture(autouse=True)
def no_mirror_and_no_proxy(monkeypatch):
    monkeypatch.delenv(weights.MIRROR_VARIABLE, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(store, "TIMEOUT_S", 1)


@pytest.fixture
def folder(tmp_path):
    """A model's folder in the cache."""
    folder = tmp_path / "lppnm"
    folder.mkdir()
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def write_pair(path, content):
    """Stands in for the conversion into SeisBench's format."""
    path.with_name(f"{path.name}.pt.v1").write_bytes(content)
    path.with_name(f"{path.name}.json.v1").write_text("{}")


def assert_installed(folder):
    assert names(folder) == PAIR
    assert (folder / "csn.pt.v1").read_bytes() == CONTENT


@pytest.mark.parametrize("mode", ["missing", "truncated", "garbage", "silent"])
def test_a_fault_leaves_nothing_and_names_the_ways_out(mode, serve, folder):
    mirror = serve(mode)
    with pytest.raises(weights.WeightsError) as caught:
        weights.install(made_up_set(), folder, write_pair)
    for part in (
        "LPPNM/csn",
        mirror.url,
        DEAD_URL,
        weights.MIRROR_VARIABLE,
        "weights import",
    ):
        assert part in str(caught.value)
    assert names(folder) == []


def test_a_failing_mirror_is_logged_and_passed_over(serve, folder, monkeypatch, caplog):
    pinned = serve("good")
    mirror = serve("missing")
    with_password = mirror.url.replace("http://", "http://me:secret@") + "/"
    monkeypatch.setenv(weights.MIRROR_VARIABLE, with_password)
    weights.install(made_up_set(url=f"{pinned.url}/pinned"), folder, write_pair)
    assert_installed(folder)
    assert (mirror.paths, pinned.paths) == (["/china.lppnm.pt"], ["/pinned"])
    assert f"{mirror.url}/china.lppnm.pt" in caplog.text
    assert "secret" not in caplog.text


# The cache. tests/test_commit_points.py fails at each of its moments.


@pytest.mark.parametrize("wait_for_file", [False, True])
def test_two_may_install_at_once(wait_for_file, serve, folder, monkeypatch):
    mirror = serve("silent")
    monkeypatch.setattr(store, "TIMEOUT_S", 20)
    options = {"wait_for_file": wait_for_file}
    arguments = (made_up_set(), folder, write_pair)
    with ThreadPool(2) as pool:
        both = [pool.apply_async(weights.install, arguments, options) for _ in range(2)]
        asking = 1 if wait_for_file else 2
        while len(mirror.paths) < asking and not any(one.ready() for one in both):
            time.sleep(0.01)
        mirror.released.set()
        for one in both:
            one.get(20)
    assert_installed(folder)
    assert len(mirror.paths) == asking


# Files by hand


def test_files_are_found_by_content(tmp_path, monkeypatch):
    first = made_up_set(b"first set")
    # Known by its git blob only.
    unsized = {"sha256": None, "size": None, "file": "diting.lppnm.pt"}
    second = made_up_set(b"second", name="diting", **unsized)
    monkeypatch.setattr(store, "WEIGHT_SETS", (first, second))
    deep, download = tmp_path / "deep" / "copy (1)", tmp_path / "download.bin"
    deep.parent.mkdir()
    deep.write_bytes(b"first set")
    download.write_bytes(b"second")
    (tmp_path / "unrelated.pt").write_bytes(b"third set")
    # Of the name of a published file, but damaged.
    (tmp_path / "china.lppnm.pt").write_bytes(b"first sat")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    expected = {first: deep, second: download}, {tmp_path / "china.lppnm.pt": first}
    assert weights.find_in_folder(tmp_path) == expected
    with pytest.raises(ValueError, match=r"folder=.*missing'"):
        weights.find_in_folder(tmp_path / "missing")
