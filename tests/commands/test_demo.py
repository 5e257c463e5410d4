"""The demo as a process: what it says, and that nothing of it is left behind. What the shards' pages show is the exporter's."""

import os
import pty
import re
import signal
import socket
import subprocess
import sys
import termios
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from ksm_shard.commands import demo
from ksm_shard.settings.commands import Demo
from tests.processes import PATIENCE, eventually, running

ROOT = Path(__file__).parents[2]


def free_ports(count: int = 2) -> int:
    """Return a port that is free with those after it, and that no test of another process begins to look at."""
    first = 21_000 + os.getpid() % 200 * 10
    for port in range(first, first + 1000, count):
        try:
            with ExitStack() as all_of_them:
                for one in range(port, port + count):
                    all_of_them.enter_context(socket.create_server(("127.0.0.1", one)))
                return port
        except OSError:
            continue
    raise AssertionError(f"no {count} free ports in a row")


def children(pid: int) -> list[int]:
    """Return the processes that a process has started, in whichever thread."""
    return [int(word) for task in Path(f"/proc/{pid}/task").glob("*/children") for word in task.read_text().split()]


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
    with running(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        while "Ctrl-C ends it all" not in process.stdout.readline():
            assert process.poll() is None
        started = children(process.pid)
        process.send_signal(how)

        assert process.wait(PATIENCE) == 0
    assert len(started) == 2
    ended(started)


def ended(pids: list[int]) -> None:
    """Fail if one of these processes does not end."""
    for pid in pids:
        eventually(lambda place=Path(f"/proc/{pid}"): not place.exists(), f"process {pid} is left")  # type: ignore[misc]


def scaling(*flags: str) -> list[str]:
    """Return the command of a demo that scales."""
    port = free_ports(Demo(scale=True).ports)
    return [sys.executable, "-m", "ksm_shard", "demo", "--scale", f"--port={port}", *flags]


def test_a_demo_that_scales_obeys_keys() -> None:
    """One shard, a key, two wanted; q ends it, leaves nothing behind, and the terminal is as it was."""
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    command = scaling("--shards=1", "--pods=10")
    page = command[5].replace("--port=", "http://127.0.0.1:")
    with running(command, cwd=ROOT, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        lines = []

        def until(word: str) -> None:
            while word not in (lines or [""])[-1]:
                assert process.stdout is not None
                lines.append(process.stdout.readline())
                assert process.poll() is None, lines

        until(" 1/1 ")
        os.write(ours, b"+")
        until("/2 ")
        with urllib.request.urlopen(page) as answer:
            html = answer.read().decode()
        started = children(process.pid)
        os.write(ours, b"q")

        assert process.wait(PATIENCE) == 0
    assert any(line.startswith("+ scale out") for line in lines)
    assert "<h1>A fleet that scales</h1>" in html
    assert before == termios.tcgetattr(theirs)
    assert len(started) >= 3  # the simulator, the exporter to compare with, and shards
    ended(started)
    os.close(ours)
    os.close(theirs)


def test_a_demo_that_scales_is_ended_as_the_other_one() -> None:
    """SIGTERM leaves nothing behind."""
    with running(
        scaling("--pods=10"),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        while "/2 " not in process.stdout.readline():
            assert process.poll() is None
        started = children(process.pid)
        process.terminate()

        assert process.wait(PATIENCE) == 0
    ended(started)


@pytest.mark.slow
def test_the_script_of_a_demo_that_scales() -> None:
    """2 -> 3 -> 5 -> 3, a rolling restart and a kill: a query misses nothing, but what was killed until it is back."""
    process = subprocess.run(
        scaling("--pods=300"),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    lines = [line.split() for line in process.stdout.splitlines() if re.match(r" *\d+s ", line)]
    missing = {" ".join(line[7:]) for line in lines if line[4] != "0"}
    print(process.stdout)  # a machine that is too slow for a scrape in two seconds says so in there
    shards = [line[1] for line in lines]

    assert process.returncode == 0, process.stdout
    assert "" == process.stderr
    assert process.stdout.splitlines()[-1].startswith("right: ")
    assert any("kill" in one for one in missing)
    assert {line[5] for line in lines} == {"0"}
    assert {"2/2", "3/3", "5/5", "2/3"} <= {*shards}
    assert sum(int(line[6]) for line in lines) > 0
