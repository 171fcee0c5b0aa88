"""A made-up weight set, and a server that serves its file rightly or wrongly."""

import dataclasses
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from seisbench_diting.weights import MIRROR_VARIABLE, find_set

CONTENT = b"".join(b"%08d" % number for number in range(6250))

#: The discard port: nobody listens there.
DEAD_URL = "http://127.0.0.1:9/published.pt"


def made_up_set(content=CONTENT, **changes):
    """A weight set of which the published file is ``content``, found nowhere."""
    values = {
        "url": DEAD_URL,
        "sha256": hashlib.sha256(content).hexdigest(),
        "git_blob": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),
        "size": len(content),
    }
    return dataclasses.replace(find_set("LPPNM", "csn"), **values | changes)


class Server:
    """
    Serves :py:data:`CONTENT` under every path.

    :param mode: ``good``, ``missing`` (404), ``truncated``, ``garbage``, ``silent``, or
        ``held``: the second half comes when ``released`` is set
    """

    def __init__(self, mode):
        self.mode = mode
        self.paths = []
        self.released = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.paths.append(self.path)
                if server.mode == "missing":
                    self.send_error(404)
                    return
                if server.mode == "silent":
                    server.released.wait(20)
                self.send_response(200)
                self.send_header("Content-Length", str(len(CONTENT)))
                self.end_headers()
                half = len(CONTENT) // 2
                self.wfile.write(bytes(half) if mode == "garbage" else CONTENT[:half])
                if server.mode == "held":
                    server.released.wait(20)
                if server.mode != "truncated":
                    self.wfile.write(CONTENT[half:])

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(
            target=self.http.serve_forever, args=(0.02,), daemon=True
        ).start()

    def stop(self):
        self.released.set()
        self.http.shutdown()
        self.http.socket.close()


@pytest.fixture
def serve(monkeypatch):
    """Function that starts a mirror that behaves in the given way."""
    started = []

    def start(mode):
        started.append(Server(mode))
        monkeypatch.setenv(MIRROR_VARIABLE, started[-1].url)
        return started[-1]

    yield start
    for server in started:
        server.stop()
