"""Contestants of the side-by-side benchmark: this exporter and the reference, each as a tree of processes."""

import http.client
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.conformance.reference import free_ports

TICKS: Final = os.sysconf("SC_CLK_TCK")
# A process that uses less CPU than this share of a core is quiet. kube-state-metrics begins with custom resources after 3 s.
QUIET: Final = 0.03
CALM: Final = 4.5
# Seconds between two looks: to be asked whether it is ready takes an exporter 0.7 ms of CPU, which counts as that of its objects.
LOOK: Final = 0.25
# Seconds within which a process has to become quiet.
PATIENCE: Final = 300.0


@dataclass(frozen=True)
class Contestant:
    """An exporter that can be started with the flags of kube-state-metrics.

    Attributes:
        name: of its column.
        command: starts it, without flags.
        deferring: whether events may be rendered at the next scrape, so that scrapes belong to their cost.
    """

    name: str
    command: tuple[str, ...]
    deferring: bool

    @contextmanager
    def running(self, flags: Sequence[str]) -> Iterator["Tree"]:
        """Run it; stop it at the end."""
        port = free_ports()
        addresses = [f"--port={port}", "--host=127.0.0.1", f"--telemetry-port={port + 1}", "--telemetry-host=127.0.0.1"]
        began = time.monotonic()
        process = subprocess.Popen(
            [*self.command, *addresses, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield Tree(process, port, began)
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


OURS: Final = Contestant("ksm-shard", (sys.executable, "-m", "ksm_shard"), deferring=True)


def contestants() -> list[Contestant]:
    """Return this exporter, the reference that KSM_REFERENCE names, and this exporter with each Python of BENCH_PYTHONS."""
    found = [OURS]
    if binary := os.environ.get("KSM_REFERENCE"):
        found += [Contestant("kube-state-metrics", (binary, "--enable-gzip-encoding"), deferring=False)]
    for python in os.environ.get("BENCH_PYTHONS", "").split():
        found += [Contestant(f"ksm-shard, {Path(python).name}", (python, "-m", "ksm_shard"), deferring=True)]
    return found


@dataclass(frozen=True)
class Answer:
    """One scrape: seconds until its last byte, and its bytes on the wire."""

    seconds: float
    wire: int


class Tree:
    """A process with its children."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, began: float) -> None:
        """Observe a process that serves metrics on a port of 127.0.0.1; `began` is of the monotonic clock."""
        self._process = process
        self._port = port
        self._began = began

    def cpu(self) -> float:
        """Return the CPU seconds that the tree has used, those of ended children included."""
        ticks = 0
        for pid in self._pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])
        return ticks / TICKS

    def memory(self, what: str) -> float:
        """Return VmRSS or VmHWM in bytes, added up over the tree."""
        total = 0.0
        for pid in self._pids():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith(what):
                    total += float(line.split()[1]) * 1024
        return total

    def ready(self) -> None:
        """Wait until the exporter says that it is ready."""
        deadline = time.monotonic() + PATIENCE
        while not self._ready():
            assert self._process.poll() is None, "the exporter has ended"
            assert time.monotonic() < deadline, "the exporter does not become ready"
            time.sleep(LOOK)

    def quiet(self) -> float:
        """Wait until the tree is ready and does nothing for CALM seconds; return the seconds from its start until these began."""
        self.ready()
        deadline = time.monotonic() + PATIENCE
        moment, used = time.monotonic(), self.cpu()
        last = moment
        while time.monotonic() - last < CALM:
            assert time.monotonic() < deadline, "the exporter does not become quiet"
            time.sleep(LOOK)
            now = self.cpu()
            if now - used > QUIET * LOOK:
                last = time.monotonic()
            used = now
        return last - self._began

    def scrape(self, encoding: str) -> Answer:
        """Scrape the metrics in `gzip` or `identity`."""
        began = time.monotonic()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/metrics", headers={"Accept-Encoding": encoding}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            body = answer.read()
        return Answer(time.monotonic() - began, len(body))

    def _ready(self) -> bool:
        """Return whether it is ready: kube-state-metrics says so at the telemetry port."""
        for port in (self._port, self._port + 1):
            with (
                suppress(OSError, http.client.HTTPException),
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer,
            ):
                return bool(answer.status == http.client.OK)
        return False

    def _pids(self) -> list[int]:
        found, at = [self._process.pid], 0
        while at < len(found):
            children = Path(f"/proc/{found[at]}/task/{found[at]}/children").read_text().split()
            found += [int(child) for child in children]
            at += 1
        return found
