"""HTTP/1.1 on threads: bodies with a length, watches in chunks. Stopping ends all streams and threads."""

import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from ksm_shard.simulator.api import Answer, SimulatedApi
from ksm_shard.simulator.bodies import Request
from ksm_shard.simulator.faults import Fault, Faults
from ksm_shard.simulator.formats import JSON
from ksm_shard.simulator.watches import Cut


class Server(ThreadingMixIn, HTTPServer):
    """A listening socket, with a thread for each connection."""

    daemon_threads = False  # so that server_close() joins the threads
    request_queue_size = 512  # a fleet of 10 shards with 40 kinds connects at once

    def __init__(self, address: tuple[str, int], api: SimulatedApi, faults: Faults) -> None:
        """Bind the socket without answering yet.

        Raises:
            OSError: the address is taken or invalid.
        """
        super().__init__(address, Handler)
        self.api = api
        self.faults = faults
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, to break it when the server stops."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect early; print any other error, as it is a bug."""
        if not self.stopping.is_set():
            super().handle_error(request, client_address)

    def stop(self, wake: Any) -> None:
        """Stop the server and wait until all threads have ended; `wake` wakes silent streams."""
        self.stopping.set()
        wake()
        self.shutdown()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """Serves one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        server = cast(Server, self.server)
        target = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        answer = server.api.answer(
            Request(
                self.command,
                unquote(target.path),
                dict(parse_qsl(target.query, keep_blank_values=True)),
                self.headers.get("Accept") or JSON,
                (self.headers.get("Content-Type") or JSON).partition(";")[0],
                self.rfile.read(length),
            )
        )
        try:
            if answer.stream is None:
                self._send(answer, server.faults)
            else:
                self._stream(answer, answer.stream(self._wanted), server.faults)
        except (Cut, ConnectionError, TimeoutError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 (http.server looks for these)

    def _send(self, answer: Answer, faults: Faults) -> None:
        body = answer.body
        if answer.resource and faults.find(answer.resource, "truncate") is not None:
            body = body[: len(body) // 2]
        self._head(answer, {"Content-Length": str(len(body))})
        self._write(body, faults.find(answer.resource, "slow"))

    def _stream(self, answer: Answer, stream: Iterator[bytes], faults: Faults) -> None:
        self._head(answer, {"Transfer-Encoding": "chunked"})
        for whole in stream:
            cut = faults.find(answer.resource, "truncate") is not None
            # Cut three bytes, not half: half of a batch of frames might happen to be whole frames.
            data = whole[:-3] if cut else whole
            self._write(b"%x\r\n%b\r\n" % (len(data), data), faults.find(answer.resource, "slow"))
            if cut:
                break
        self.wfile.write(b"0\r\n\r\n")

    def _head(self, answer: Answer, more: dict[str, str]) -> None:
        self.send_response(answer.code)
        self.send_header("Content-Type", answer.content_type)
        for name, value in [*answer.headers.items(), *more.items()]:
            self.send_header(name, value)
        self.end_headers()

    def _write(self, data: bytes, slow: Fault | None) -> None:
        if slow is None:
            self.wfile.write(data)
            return
        step = max(1, slow.rate // 20)
        for start in range(0, len(data), step):
            self.wfile.write(data[start : start + step])
            if cast(Server, self.server).stopping.wait(step / slow.rate) or time.monotonic() > slow.until:
                step = len(data)

    def _wanted(self) -> bool:
        """Return whether a watch should go on: the server runs and the client is connected.

        A client sends nothing while it watches, so a readable connection means that the client has gone.
        """
        if cast(Server, self.server).stopping.is_set():
            return False
        readable, _, _ = select.select([self.connection], [], [], 0)
        return not readable

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server names it so)
        """Log nothing; the clients count their requests."""
