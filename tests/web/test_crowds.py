"""Whoever may connect: crowds that say nothing, or too little, hinder neither probes nor scrapes, nor end the process.

A flood of whole requests, which costs CPU whatever is done about it, is left out.
"""

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.processes import eventually, running
from tests.web.crowd import SORTS
from tests.web.serving import PATIENCE, ROOT, Server, serving
from tests.web.test_telemetry import samples

PROBES = ("/livez", "/readyz", "/healthz")
# Seconds that the slowest probe may take: the kubelet's own timeout is one.
SLOWEST = 0.5


@contextmanager
def crowd(server: Server, each: int, *sorts: str) -> Iterator[None]:
    """Send so many clients of each sort to the main port, and wait until they are there."""
    command = [sys.executable, "-m", "tests.web.crowd", str(server.main), str(each), *sorts]
    with running(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        yield
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


def slowest(crowded: Server, calm: Server, seconds: float) -> float:
    """Probe both ports for so long, a new connection each as the kubelet does; return how long the slowest probe took.

    What the slowest of a server without a crowd took in that time is the machine's, and taken off.
    """
    worst, until = {crowded: 0.0, calm: 0.0}, time.monotonic() + seconds
    while time.monotonic() < until:
        for server in crowded, calm:
            for port in server.main, server.telemetry:
                for path in PROBES:
                    began = time.monotonic()
                    assert server.get(path, port=port, connection="close").status == 200
                    worst[server] = max(worst[server], time.monotonic() - began)
    print(f"slowest probe: {worst[crowded]:.3f} s, without a crowd: {worst[calm]:.3f} s")
    return worst[crowded] - worst[calm]


def test_a_crowd_of_every_sort_keeps_no_probe_waiting(server: Server) -> None:
    """Sixty of each sort, together more than there are threads, for three seconds: each sort alone starved the probes before."""
    with serving() as crowded, crowd(crowded, 60, *SORTS):
        assert slowest(crowded, server, 3) < SLOWEST
        assert crowded.get("/metrics").status == 200


@pytest.mark.slow
@pytest.mark.xdist_group("e2e")  # not beside fleets
@pytest.mark.parametrize(
    ("sorts", "seconds"),
    [*(((sort,), 15) for sort in SORTS), (tuple(SORTS), 60)],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else f"{value}s",
)
def test_five_hundred_keep_no_probe_waiting(server: Server, sorts: tuple[str, ...], seconds: int) -> None:
    """Five hundred of each sort for three header timeouts, and then of all sorts together for a write timeout."""
    with serving() as crowded, crowd(crowded, 500, *sorts):
        assert slowest(crowded, server, seconds) < SLOWEST


def test_few_open_files(server: Server) -> None:
    """Where 256 files may be open, 980 idle connections make room for probes and scrapes, and the same worker lives on."""
    with serving("--open-files=256") as crowded:
        before = samples(crowded)["process_start_time_seconds",]
        with crowd(crowded, 980, "idle"):
            assert slowest(crowded, server, 1) < SLOWEST
            assert crowded.get("/metrics").status == 200
            found = samples(crowded)

    assert before == found["process_start_time_seconds",]
    assert found["process_open_fds",] < 256
    assert found["ksm_shard_connections_dropped_total", "full"] > 800


def test_no_open_files_are_left() -> None:
    """When files run out nevertheless, as others need them, accepting pauses and goes on; EMFILE ended the main loop."""
    with serving("--open-files=256", "--taken=200") as server:
        before = samples(server)["process_start_time_seconds",]
        with crowd(server, 300, "idle"):
            assert server.get("/livez").status == 200
        eventually(lambda: server.get("/metrics").status == 200, "scrapes fail")

        assert before == samples(server)["process_start_time_seconds",]


def test_files_are_raised_to_the_hard_limit() -> None:
    """A soft limit of 64 under a hard one of 4,096, so of 300 idle connections all are kept."""
    with serving("--open-files=64:4096") as server, crowd(server, 300, "idle"):
        eventually(lambda: samples(server)["process_open_fds",] > 300, "not all are taken")
        found = samples(server)

        assert found["process_max_fds",] == 4096
        assert found["ksm_shard_connections_dropped_total", "full"] == 0


def test_owner_asks_for_a_few_at_a_time(server: Server) -> None:
    """While four wait for an API server that hangs, others are answered 503 at once, and those that need no search 200."""
    waiting = [http.client.HTTPConnection(server.host, server.main, timeout=PATIENCE) for _ in range(20)]
    for connection in waiting:
        connection.request("GET", "/owner?resource=pods&name=hanging")
    answers = [connection.getresponse() for connection in waiting]
    refused = [answer.status for answer in answers if b"others wait" in answer.read()]
    for connection in waiting:
        connection.close()

    assert [503] * 16 == refused
    assert server.get("/owner?uid=8d41b2b1-97df-4f7e-be2b-51d7dcd4874f").status == 200
