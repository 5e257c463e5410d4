"""Clients that crawl, or say nothing, cost one thread for a bounded time, and nobody else anything."""

import http.client
import time
from concurrent.futures import ThreadPoolExecutor

from tests.web.serving import PATIENCE, Server, serving

# 50 MB of text: more than the buffers of both sockets hold, so that the server has to wait for its reader.
MANY = "--samples=500000"


def read_to_the_end(server: Server) -> tuple[int, float]:
    """Take 1 kB of a large scrape, then nothing until the server gives up; return the bytes got and the seconds it took."""
    with server.connect(received=1024) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        got = len(sock.recv(1024))
        began = time.monotonic()
        # Asked of another connection meanwhile, until the deadline has passed for the first one.
        while time.monotonic() - began < 3:
            assert server.get("/livez").status == 200
        try:
            while piece := sock.recv(1 << 16):
                got += len(piece)
        except ConnectionResetError:
            pass
        return got, time.monotonic() - began


def test_slow_readers_are_ended_and_hinder_nobody() -> None:
    """Ten readers that stop after 1 kB: scrapes go on beside them, and the write timeout ends them all."""
    with serving(MANY, "--write=1") as server, ThreadPoolExecutor(10) as pool:
        slow = [pool.submit(read_to_the_end, server) for _ in range(10)]
        whole = server.get("/metrics?resources=nodes", accept_encoding="gzip")
        length = int(server.get("/metrics", "HEAD").headers["content-length"])

        assert whole.status == 200
        assert all(reader.result()[0] < length for reader in slow)


def test_half_a_header_is_ended() -> None:
    """A client that never finishes its header is let go after the header timeout, not after the keep-alive's."""
    with serving("--read-header=0.3") as server, server.connect() as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost:")

        began = time.monotonic()
        assert sock.recv(1) == b""
        assert time.monotonic() - began < 5


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
