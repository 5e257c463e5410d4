"""Clients that crawl, or say nothing, cost a bounded number of threads for a bounded time, and nobody else anything."""

import http.client
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from ksm_shard.web.limits import CLIENTS
from tests.processes import eventually
from tests.web.serving import PATIENCE, Server, serving
from tests.web.test_telemetry import samples

# 50 MB of text: more than the buffers of both sockets hold, so that the server has to wait for its reader.
MANY = "--samples=500000"


SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
GZIP = b"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n"


@contextmanager
def stalled(server: Server, count: int, *, gzip: bool = False) -> Iterator[list[tuple[socket.socket, int]]]:
    """Hold so many connections on which a scrape has begun, each with the bytes that it has read: 1 kB at most."""
    with ExitStack() as connections:
        held = []
        for _ in range(count):
            sock = connections.enter_context(server.connect(received=1024))
            sock.sendall(GZIP if gzip else SCRAPE)
            held.append((sock, len(sock.recv(1024))))
        yield held


def rest(sock: socket.socket) -> int:
    """Return how many bytes still come."""
    got = 0
    with suppress(ConnectionResetError):
        while piece := sock.recv(1 << 16):
            got += len(piece)
    return got


def ended(server: Server) -> float:
    """Return how many scrapes have ended, in any way."""
    text = server.get("/metrics", port=server.telemetry).text
    found = re.search(r'http_request_duration_seconds_count\{handler="metrics",method="get"\} (\S+)', text)
    return float(found[1]) if found else 0.0


def dropped(server: Server) -> float:
    """Return how many slow readers were let go for what they held."""
    return samples(server)["ksm_shard_connections_dropped_total", "unread"]


def test_slow_readers_are_ended_and_hinder_nobody() -> None:
    """Ten readers that stop after 1 kB: scrapes go on beside them, and the write timeout ends them all."""
    with serving(MANY, "--write=3") as server:
        length = int(server.get("/metrics", "HEAD").headers["content-length"])
        with stalled(server, 10) as readers:
            # With the write timeout of its own.
            assert server.get("/metrics?resources=nodes", accept_encoding="gzip").status == 200
            eventually(lambda: ended(server) == 11, "the slow readers are still served")

            assert all(got + rest(sock) < length for sock, got in readers)


def test_too_many_slow_readers_keep_nobody_but_scrapes_waiting() -> None:
    """Of 70 stalled scrapes 48 are under way, others are refused at once and counted, and probes are answered on both ports."""
    with serving(MANY) as server:
        for _ in range(50):  # whose places are free again
            server.get("/metrics", "HEAD")
            server.get("/metrics?resources=podz")
        with stalled(server, 70):
            answer = server.get("/metrics?resources=nodes")
            telemetry = server.get("/metrics", port=server.telemetry).text

            assert (503, "5") == (answer.status, answer.headers["retry-after"])
            assert [200, 200] == [server.get("/livez", port=port).status for port in (server.main, server.telemetry)]
            assert f"\nksm_shard_scrapes_refused_total {70 - 48 + 1}.0\n" in telemetry
        eventually(lambda: server.get("/metrics?resources=nodes").status == 200, "scrapes are refused for ever")


def test_slow_readers_of_other_pages_keep_no_scrape_waiting() -> None:
    """Ninety clients that ask for the telemetry and for a page again and again and read nothing take no thread of scrapes."""
    with serving() as server, ExitStack() as readers:
        for number in range(90):
            sock = readers.enter_context(
                server.connect(received=1024, port=(server.main, server.telemetry)[number % 2])
            )
            sock.settimeout(0.05)
            path = (b"/", b"/metrics")[number % 2]
            with suppress(TimeoutError, ConnectionError):
                sock.sendall(SCRAPE.replace(b"/metrics", path) * 1000)
        # A reader keeps what it has for the write timeout, a minute: who waits for that runs out of patience.
        for _ in range(10):
            assert server.get("/metrics").status == 200
            assert server.get("/livez").status == 200


def test_slow_readers_hold_a_bounded_amount_of_memory() -> None:
    """Of 15 that stop, each with 10 MB of pages that no other has, as many are let go as hold more than 32 MB; scrapes go on."""
    with serving("--samples=500000", "--churns") as server:
        for _ in range(3):
            assert server.get("/metrics", accept_encoding="gzip").status == 200
        before = samples(server)["process_resident_memory_bytes",]
        with ExitStack() as readers:
            for count in range(3, 16, 3):  # as copies are made faster here than pages are written, not all at once
                readers.enter_context(stalled(server, 3, gzip=True))
                eventually(lambda count=count: dropped(server) >= count - 3, "they are kept")
            grown = samples(server)["process_resident_memory_bytes",] - before
            assert server.get("/metrics", accept_encoding="gzip").status == 200
            assert 12 <= dropped(server) < 15

        assert grown < CLIENTS


def test_slow_readers_of_what_does_not_change_are_kept() -> None:
    """Pages that are the store's own cost nothing: all 20 are served until the write timeout."""
    with serving(MANY, "--write=3") as server, stalled(server, 20):
        eventually(lambda: ended(server) == 20, "the slow readers are still served")

        assert dropped(server) == 0


def test_connections_without_a_request_cost_no_thread() -> None:
    """Of 400 that say nothing each had a thread for five seconds, of 64: a probe waited for half a minute."""
    with serving("--read-header=60") as server, ExitStack() as silent:
        for _ in range(400):
            silent.enter_context(server.connect())

        assert server.get("/livez").status == 200
        assert server.get("/livez", port=server.telemetry).status == 200


@pytest.mark.parametrize("said", [b"", b"GET /metrics HTTP/1.1\r\nHost:"])
def test_half_a_header_is_ended(said: bytes) -> None:
    """A client that never finishes its header, or never begins, is let go after the header timeout, not after the keep-alive's."""
    with serving("--read-header=0.3") as server, server.connect() as sock:
        sock.sendall(said)

        assert sock.recv(1) == b""


def test_connections_are_kept() -> None:
    """Two requests on one connection: Prometheus keeps its own open between scrapes."""
    with serving() as server:
        connection = http.client.HTTPConnection(server.host, server.main, timeout=PATIENCE)
        ports = []
        for _ in range(2):
            connection.request("GET", "/livez")
            ports.append(connection.sock.getsockname()[1])
            with connection.getresponse() as answer:
                assert (answer.status, answer.read()) == (200, b"alive\n")
        connection.close()

    # http.client opens another connection where the server has closed the first one.
    assert ports[0] == ports[1]
