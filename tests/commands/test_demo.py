"""The demo as a process: what it says while it starts, and that nothing of it is left behind. What it shows is the exporter's."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ksm_shard.commands import demo
from ksm_shard.settings.commands import Demo
from tests.processes import PATIENCE, eventually

ROOT = Path(__file__).parents[2]


def free_ports() -> int:
    """Return a port that is free with the one after it, and that no test of another process begins to look at."""
    first = 21_000 + os.getpid() % 200 * 10
    for port in range(first, first + 1000, 2):
        try:
            with socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.1", port + 1)):
                return port
        except OSError:
            continue
    raise AssertionError("no two free ports in a row")


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((200, "ready\n"), "ready"),
        ((503, "not ready\npods: listing\nnodes: listing\nusers: absent (not waited for)\n"), "2 resources to list"),
        ((503, "draining: this process was told to stop\n"), "starting"),
        ((503, ""), "starting"),
        ((0, ""), "starting"),
    ],
)
def test_progress(answer: tuple[int, str], expected: str) -> None:
    """What is waited for is counted, and not the line above it."""
    assert expected == demo._progress(lambda path: answer)


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    """It is said before anything starts: another demo there would answer for the shard that could not."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert demo.main(Demo(shards=1, port=port)) == 2

    out, err = capsys.readouterr()
    assert ("", 1) == (out, err.count("\n"))
    assert err.startswith(f"ksm-shard: cannot listen on 127.0.0.1 port {port}: ")


@pytest.mark.parametrize("how", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_behind(how: signal.Signals) -> None:
    """A closed terminal, which is a SIGHUP, ends what was started as Ctrl-C does, although it runs in sessions of its own."""
    command = [sys.executable, "-m", "ksm_shard", "demo", "--shards=1", "--pods=10", f"--port={free_ports()}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        while "Ctrl-C ends it all" not in process.stdout.readline():
            assert process.poll() is None
        started = children(process.pid)
        process.send_signal(how)

        assert process.wait(PATIENCE) == 0
    assert len(started) == 2
    for pid in started:
        eventually(lambda place=Path(f"/proc/{pid}"): not place.exists(), f"process {pid} is left")  # type: ignore[misc]
