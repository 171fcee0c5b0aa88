"""A web server on the loopback interface that serves one file, rightly or wrongly."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FaultyServer:
    """
    Serves ``content`` under every path, in the way that ``mode`` names.

    :param content: What the good modes serve.
    :param mode: Name of a method of :py:class:`_Handler` without its underscore.
    """

    def __init__(self, content: bytes, mode: str = "good") -> None:
        self.content = content
        self.mode = mode
        self.paths: list[str] = []
        self.halfway = threading.Event()
        self.released = threading.Event()
        self.stopped = threading.Event()

    def __enter__(self) -> "FaultyServer":
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.owner = self
        threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        ).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.released.set()
        self._server.shutdown()
        # Not server_close: it would wait for handlers that hang on purpose.
        self._server.socket.close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.owner: FaultyServer = self.server.owner
        self.owner.paths.append(self.path)
        answer: Callable[[], None] = getattr(self, f"_{self.owner.mode}")
        try:
            answer()
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass

    def _head(self, length: int | None) -> None:
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _half(self) -> None:
        content = self.owner.content
        self._head(len(content))
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        self.owner.halfway.set()

    def _good(self) -> None:
        self._head(len(self.owner.content))
        self.wfile.write(self.owner.content)

    def _held(self) -> None:
        self._half()
        self.owner.released.wait()
        self.wfile.write(self.owner.content[len(self.owner.content) // 2 :])

    def _not_found(self) -> None:
        self.send_error(404)

    def _error(self) -> None:
        self.send_error(500)

    def _truncated(self) -> None:
        self._half()

    def _cut_without_length(self) -> None:
        self._head(None)
        self.wfile.write(self.owner.content[:-1])

    def _stalled(self) -> None:
        self._half()
        self.owner.stopped.wait()

    def _silent(self) -> None:
        self.owner.stopped.wait()

    def _dripping(self) -> None:
        self._head(len(self.owner.content))
        for position in range(len(self.owner.content)):
            self.wfile.write(self.owner.content[position : position + 1])
            self.wfile.flush()
            if self.owner.stopped.wait(0.03):
                return

    def _dripping_head(self) -> None:
        self.wfile.write(b"HTTP/1.0 200 OK\r\nX-Long: ")
        while not self.owner.stopped.wait(0.03):
            self.wfile.write(b"x")
            self.wfile.flush()

    def _garbage(self) -> None:
        self._head(len(self.owner.content))
        self.wfile.write(bytes(len(self.owner.content)))

    def _endless(self) -> None:
        self._head(None)
        while not self.owner.stopped.is_set():
            self.wfile.write(bytes(4096))

    def _too_long(self) -> None:
        self._head(None)
        self.wfile.write(self.owner.content + b"x")

    def _too_long_announced(self) -> None:
        self._head(len(self.owner.content) + 1)
        self.wfile.write(self.owner.content + b"x")

    def _redirect_loop(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.path)
        self.end_headers()
