"""Signals: an idle server goes at once, one that drains serves on; the source is always closed."""

import signal
import time

import pytest

from tests.processes import eventually
from tests.web.serving import serving


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_an_idle_server_stops_at_once(how: signal.Signals) -> None:
    """Within a second, with the source closed and status 0, although a client keeps its connection open."""
    with serving() as server, server.connect() as kept:
        kept.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        kept.recv(4096)
        began = time.monotonic()
        status = server.stop(how)
        took = time.monotonic() - began

        assert (0, "closed") == (status, server.line())
        assert took < 1.0


def test_draining() -> None:
    """Served on for the drain period, but not ready: Prometheus and the siblings see it go before it has gone."""
    with serving("--drain=1.5") as server:
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: server.get("/readyz").status == 503, "still ready", seconds=1.4)

        assert server.get("/readyz").text == "draining: this process was told to stop\n"
        assert server.get("/metrics").status == 200
        assert server.get("/livez").status == 200
        assert server.process.wait(10) == 0
        assert 1.5 <= time.monotonic() - began < 3.5
        assert server.line() == "closed"


def test_sigint_ends_a_drain() -> None:
    """Who presses Ctrl-C does not wait for the drain period."""
    with serving("--drain=60") as server:
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: server.get("/readyz").status == 503, "still ready")
        began = time.monotonic()

        assert server.stop(signal.SIGINT) == 0
        assert time.monotonic() - began < 1.0


def test_an_answer_under_way_is_cut_by_sigint() -> None:
    """A reader that crawls does not keep the process."""
    with serving("--samples=500000") as server, server.connect(received=1024) as slow:
        slow.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        slow.recv(1024)
        began = time.monotonic()
        server.stop(signal.SIGINT)

        assert time.monotonic() - began < 2.0
