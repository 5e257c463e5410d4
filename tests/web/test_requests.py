"""Requests on the wire, byte by byte: what is answered, what is refused, and when a client is let go.

What answers contain is tested elsewhere.
"""

import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from tests.processes import eventually, running
from tests.web.serving import Server, serving
from tests.web.test_telemetry import samples

GET = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def said(sock: socket.socket) -> bytes:
    """Return all that comes until the server closes."""
    found = b""
    with suppress(ConnectionResetError):
        while piece := sock.recv(1 << 16):
            found += piece
    return found


def alive(sock: socket.socket) -> None:
    """Read the answer to GET, and no further."""
    found = b""
    while not found.endswith(b"\r\n\r\nalive\n"):
        found += sock.recv(1)


def ask(server: Server, request: bytes) -> bytes:
    """Return the answer to a request, and to whatever follows it, until the server closes."""
    with server.connect() as sock:
        sock.sendall(request)
        return said(sock)


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    """Fifty in one packet, the last of which ends the connection: probes and others, which have other threads."""
    others = [GET, GET.replace(b"/livez", b"/metrics?resources=nodes"), b"\r\n" + GET.replace(b"/livez", b"/shard")]
    answers = ask(server, b"".join(others[at % 3] for at in range(49)) + LAST)

    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 50
    ends = [answers.find(text) for text in (b"alive\n", b"kube_nodes_info", b'"scraped"')]
    assert sorted(ends) == ends
    assert answers.endswith(b"alive\n")


def test_a_request_in_pieces(server: Server) -> None:
    """A header may come byte by byte, as long as it is there in time; what is half of the next one waits for its rest."""
    with server.connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(GET)):
            sock.sendall(GET[at : at + 1])
        sock.sendall(LAST[:10])
        alive(sock)
        sock.sendall(LAST[10:])

        assert said(sock).endswith(b"alive\n")


def test_http_1_0(server: Server) -> None:
    """The connection ends with the answer, unless the client asks to keep it."""
    assert ask(server, b"GET /livez HTTP/1.0\r\n\r\n").endswith(b"alive\n")
    kept = b"GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    assert ask(server, kept + LAST).count(b"200 OK") == 2


def test_a_client_that_has_said_all_may_close_its_side(server: Server) -> None:
    """`nc` closes for writing after its request, and is answered."""
    with server.connect() as sock:
        sock.sendall(GET)
        sock.shutdown(socket.SHUT_WR)

        assert said(sock).endswith(b"alive\n")


@pytest.mark.parametrize("before", [b"", GET])
def test_the_deadline_of_a_header_is_not_put_off(before: bytes) -> None:
    """A byte now and then keeps no connection: the header timeout counts from the connection, or the first byte of the next one."""
    with serving("--read-header=1") as server, server.connect() as sock:
        sock.sendall(before)
        if before:
            alive(sock)
        began = time.monotonic()
        sock.sendall(b"GET / HTTP/1.1\r\nX: ")
        sock.settimeout(0.1)
        left = None
        while left is None:
            with suppress(TimeoutError):
                left = sock.recv(1)
            with suppress(OSError):
                sock.sendall(b"a")

        assert left == b""
        assert 0.5 < time.monotonic() - began < 10
        eventually(lambda: samples(server)["ksm_shard_connections_dropped_total", "header"] == 1, "it is not counted")


@pytest.mark.parametrize(
    ("request_", "status", "reason"),
    [
        (b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", 413, "body"),
        (b"POST /metrics HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n", 413, "body"),
        (b"GET /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 413, "body"),
        (b"GET /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: br, chunked\r\n\r\n", 413, "body"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 40_000, 431, "length"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 10_000 + b"\r\n\r\n", 431, "length"),
        (b"GET /" + b"a" * 5_000 + b" HTTP/1.1\r\n\r\n", 431, "length"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", 400, "request_line"),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400, "request_line"),
        (b"GET / HTTP/3.0\r\n\r\n", 400, "request_line"),
        (b"\r\n\r\n", 400, "request_line"),
        (b"GET / HTTP/1.1\r\nno field\r\n\r\n", 400, "header"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "header"),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "header"),
    ],
)
def test_refused(server: Server, request_: bytes, status: int, reason: str) -> None:
    """An answer at once, without a body being waited for, that closes the connection; counted by its reason."""
    before = samples(server)["ksm_shard_invalid_requests_total", reason]
    answer = ask(server, request_ + GET)

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert answer.count(b"HTTP/1.1 ") == answer.count(b"Connection: close") == 1
    assert samples(server)["ksm_shard_invalid_requests_total", reason] == before + 1


def test_nobody_says_by_a_header_what_was_asked_for(server: Server) -> None:
    """A web server takes SCRIPT_NAME from 127.0.0.1, where proxies of the pod are: /metrics was then whatever a client liked."""
    answer = ask(server, b"GET /metrics HTTP/1.1\r\nHost: a\r\nSCRIPT_NAME: /metrics\r\nConnection: close\r\n\r\n")

    assert b"kube_nodes_info" in answer


def test_invalid_requests_are_logged_once_a_minute() -> None:
    """One line for each reason, however many there are, and however long."""
    command = [sys.executable, "-m", "tests.web.serve_fake"]
    with running(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        main, telemetry = map(int, process.stdout.readline().split())
        server = Server(process, main, telemetry)
        for _ in range(50):
            ask(server, b"G\x00T " + b"a" * 4000 + b" HTTP/1.1\r\n\r\n")
            ask(server, b"GET / HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
        server.stop()
        lines = process.stderr.read().splitlines()

    assert len(lines) == 2
    assert all(line.startswith("invalid request (") and len(line) < 300 for line in lines)
