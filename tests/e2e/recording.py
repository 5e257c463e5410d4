"""A proxy between an exporter and an API server that remembers every byte of every answer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

import urllib3

# Of the request, all that the API server has to know; a proxy that strips Accept leaves it out.
PASSED = ("Accept", "Accept-Encoding", "User-Agent")


@dataclass
class Exchange:
    """One request, and the answer as far as it has come."""

    path: str
    accept: str
    kind: str = ""
    body: bytearray = field(default_factory=bytearray)


class Recorder(ThreadingHTTPServer):
    """The proxy, on a port that the system chose.

    Attributes:
        exchanges: all there were, in order.
    """

    daemon_threads = True
    block_on_close = False  # watches last for minutes

    def __init__(self, pool: urllib3.PoolManager, url: str, headers: dict[str, str], *, strips: bool) -> None:
        super().__init__(("127.0.0.1", 0), Forward)
        self.pool, self.upstream, self.credentials, self.strips = pool, url, headers, strips
        self.exchanges: list[Exchange] = []
        self.open: list[urllib3.BaseHTTPResponse] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: an exporter that ends, or has read enough, breaks its connections."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Forward(BaseHTTPRequestHandler):
    """One connection of an exporter."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        proxy = cast(Recorder, self.server)
        exchange = Exchange(self.path, self.headers.get("Accept", ""))
        proxy.exchanges.append(exchange)
        headers = {name: self.headers[name] for name in PASSED if name in self.headers}
        if proxy.strips:
            headers.pop("Accept", None)
        answer = proxy.pool.request(
            "GET", proxy.upstream + self.path, headers=proxy.credentials | headers, preload_content=False
        )
        proxy.open.append(answer)
        self.send_response(answer.status)
        exchange.kind = answer.headers["Content-Type"]
        self.send_header("Content-Type", exchange.kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        # Whoever is gone, the exporter or the API server, the other hears of it as of a broken connection.
        with suppress(OSError, ValueError, urllib3.exceptions.HTTPError):
            for piece in answer.stream(1 << 16):
                exchange.body += piece
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
            return
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def recording(
    pool: urllib3.PoolManager, url: str, headers: dict[str, str], *, strips: bool = False
) -> Iterator[Recorder]:
    """Forward to that server with those headers; where it `strips`, without saying what the exporter accepts."""
    with Recorder(pool, url, headers, strips=strips) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
            for answer in proxy.open:
                with suppress(OSError, ValueError, RuntimeError):  # it may be over
                    answer.shutdown()
