"""A tiny real HTTP server: each path answers as a test says, with bytes of its choice, well-formed or not."""

import copy
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Handler = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """One request, and the ways to answer it."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query))

    def answer(
        self, body: bytes | Any = b"", status: int = 200, kind: str = "application/json", **headers: str
    ) -> None:
        """Send a whole answer; what is not bytes is sent as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.begin(status, kind, Content_Length=str(len(data)), **headers)
        self.wfile.write(data)

    def begin(self, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        """Send a header only."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        """Send a chunk; an empty one ends the answer."""
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def do_GET(self) -> None:
        self.server.requests.append(copy.copy(self))  # one handler answers all requests of a connection
        self.close_connection = False
        self.server.handler(self)

    do_POST = do_GET  # noqa: N815  http.server looks for these

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """The server, on a port that the system chose.

    Attributes:
        handler: answers every request, on a thread of its connection.
        requests: all there were.
        over: set at the end, for handlers that answer nothing to wait for.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, handler: Handler) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.handler = handler
        self.requests: list[Request] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving(handler: Handler) -> Iterator[Server]:
    """Serve with that handler."""
    with Server(handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()
