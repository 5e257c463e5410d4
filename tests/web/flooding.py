"""A server beside a flood of wrong credentials (flood.py): who has right ones notices nothing, and no memory is taken."""

import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.processes import running
from tests.web.serving import ROOT, Server

# Seconds that those that ask may wait together, and bytes that the worker may grow by.
SLOWEST: Final = 2.0
GROWN: Final = 8 << 20


def worker(server: Server) -> int:
    """Return the process id of the worker of a server."""
    return int(Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()[0])


def flooded(server: Server, sort: str, asked: Mapping[str, dict[str, str]], seconds: float) -> str:
    """Flood a server a thousand times a second for so long, and fail if others notice.

    Args:
        server: the server, which asks for credentials.
        sort: which credentials are wrong, basic or bearer.
        asked: the paths that others ask for meanwhile, with the fields of each.
        seconds: how long.

    Returns:
        What the flood says: requests a second, and how many answers of which status there were.
    """

    def resident() -> int:
        return int(Path(f"/proc/{worker(server)}/statm").read_text().split()[1]) * 4096

    def ask() -> None:
        for path, fields in asked.items():
            assert server.get(path, **fields).status == 200

    ask()
    command = [sys.executable, "-m", "tests.web.flood", str(server.main), sort, "1000"]
    with running(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as flood:
        assert flood.stdout is not None
        assert flood.stdout.readline() == "there\n"
        slowest, before, ends = 0.0, resident(), time.monotonic() + seconds
        while (now := time.monotonic()) < ends:
            ask()
            slowest = max(slowest, time.monotonic() - now)
            threading.Event().wait(0.1)
        grown = resident() - before
        said, _ = flood.communicate("")
    print(f"slowest {slowest:.3f} s, memory {grown / 1e6:.1f} MB, {said}")
    assert slowest < SLOWEST
    assert grown < GROWN
    return said
