"""Signals: an idle server goes at once, one that drains serves on; the source is always closed."""

import signal
import time
from contextlib import ExitStack

import pytest

from tests.processes import eventually
from tests.web.serving import PATIENCE, serving

# Enough for a machine that is busy with other things; what would keep a process keeps it until the parent kills it, after ten
# seconds at least.
SOON = 8.0


def quickest(how: signal.Signals, *said: bytes) -> float:
    """Stop a server with a connection for each of these beginnings; return the seconds that the quickest of a few took.

    What else runs on the machine makes a stop longer, and never shorter.
    """
    best = PATIENCE
    for _ in range(5):
        with serving() as server, ExitStack() as connections:
            for beginning in said:
                kept = connections.enter_context(server.connect())
                kept.sendall(beginning)
                if beginning.endswith(b"\r\n\r\n"):
                    kept.recv(4096)
            began = time.monotonic()
            status = server.stop(how)
            best = min(best, time.monotonic() - began)
            assert (0, "closed") == (status, server.line())
        if best < 1.0:
            break
    return best


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_an_idle_server_stops_at_once(how: signal.Signals) -> None:
    """Within a second, with the source closed and status 0, although a client keeps its connection open."""
    assert quickest(how, b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n") < 1.0


def test_who_has_not_asked_yet_does_not_keep_it() -> None:
    """Browsers open connections that they may use later, and a header may break off: neither is waited for."""
    assert quickest(signal.SIGTERM, b"", b"GET /li", b"") < 1.0


def test_draining() -> None:
    """Served on for the drain period, but not ready: Prometheus and the siblings see it go before it has gone."""
    with serving("--drain=60") as server:
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: server.get("/readyz").status == 503, "still ready")

        assert server.get("/readyz").text == "draining: this process was told to stop\n"
        assert server.get("/metrics").status == 200
        assert server.get("/livez").status == 200

        # Who presses Ctrl-C does not wait for the drain period.
        began = time.monotonic()
        assert server.stop(signal.SIGINT) == 0
        assert time.monotonic() - began < SOON


def test_a_drain_ends() -> None:
    """After the drain period, and not before, the process ends by itself."""
    with serving("--drain=0.7") as server:
        began = time.monotonic()
        assert server.stop() == 0
        assert 0.7 <= time.monotonic() - began < SOON
        assert server.line() == "closed"


def test_an_answer_under_way_is_cut_by_sigint() -> None:
    """A reader that crawls does not keep the process."""
    with serving("--samples=500000") as server, server.connect(received=1024) as slow:
        slow.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        slow.recv(1024)
        began = time.monotonic()
        server.stop(signal.SIGINT)

        assert time.monotonic() - began < SOON
