"""The processes of a demo, each in a session of its own.

So Ctrl-C reaches only the demo, which ends them in order.
"""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Final

LOCAL: Final = "127.0.0.1"
PROGRAM: Final = (sys.executable, "-m", "ksm_shard")


class Shard:
    """An exporter on given ports, so that links outlive a restart.

    Attributes:
        url, telemetry: where it serves.
    """

    def __init__(self, port: int, flags: Sequence[str], log: Path | None = None) -> None:
        """Start it on a port and the next one; log to a file, if given."""
        self.url = f"http://{LOCAL}:{port}/"
        self.telemetry = f"http://{LOCAL}:{port + 1}/"
        command = [
            *PROGRAM, f"--host={LOCAL}", f"--port={port}", f"--telemetry-host={LOCAL}", f"--telemetry-port={port + 1}",
            *flags,
        ]  # fmt: skip
        with log.open("ab") if log else nullcontext() as stderr:
            self._process = subprocess.Popen(command, stderr=stderr, start_new_session=True)

    @property
    def ended(self) -> bool:
        """True if its process has ended."""
        return self._process.poll() is not None

    def is_ready(self) -> bool:
        """Answer the readiness probe."""
        return self.answer("readyz")[0] == 200

    def answer(self, path: str) -> tuple[int, str]:
        """Return the status and the text of a path; 0 without an answer."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as response:
                return int(response.status), response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except (OSError, HTTPException):  # killed in the middle of its answer
            return 0, ""

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL to it and its worker."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self, seconds: float) -> bool:
        """Wait for its end at most so long; return True if it came."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True


def simulate(pods: int, nodes: int, seed: int, churn: float) -> tuple[subprocess.Popen[bytes], str]:
    """Start a simulated API server; return it with its URL."""
    flags = [f"--pods={pods}", f"--nodes={nodes}", f"--seed={seed}", f"--churn={churn}"]
    process = subprocess.Popen([*PROGRAM, "simulate", *flags], stdout=subprocess.PIPE, start_new_session=True)
    line = process.stdout.readline().decode().split() if process.stdout else []
    if line[:1] != ["ready"]:
        raise SystemExit("ksm-shard: the simulator did not start")
    return process, line[1]
