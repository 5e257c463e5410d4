"""Real processes of ours, on ports that the system chose: what the end-to-end and the conformance tests drive."""

import gzip
import http.client
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

# How long a process may take for anything: far more than it does, so that only a hang runs into it.
PATIENCE = 60.0
SHIFTED = Path(__file__).parent / "shifted.py"


@contextmanager
def running(command: Sequence[str], **options: Any) -> Iterator["subprocess.Popen[str]"]:
    """Run a process, and end it if the test fails: `Popen` as a context waits for ever for one that nobody ends."""
    with subprocess.Popen(command, text=True, **options) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


class Exporter:
    """One exporter. Use it as a context: it is ended whatever happens.

    Attributes:
        url, telemetry: where it serves, without a path.
        log: what it wrote so far, line by line.
    """

    def __init__(self, *flags: str, ahead: float = 0.0) -> None:
        """Start it with a clock that is so many seconds ahead of this one."""
        program = [str(SHIFTED), str(ahead)] if ahead else ["-m", "ksm_shard"]
        command = [sys.executable, *program, "--host=127.0.0.1", "--port=0"]
        command += ["--telemetry-host=127.0.0.1", "--telemetry-port=0", *flags]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.log: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self.url = self._announced("metrics")
            self.telemetry = self._announced("telemetry")
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def ready(self) -> Self:
        """Wait until it serves all it should."""
        eventually(self.is_ready, f"{self.url} is not ready", lambda: "\n".join(self.log[-20:]))
        return self

    def is_ready(self) -> bool:
        """Tell whether it serves all it should, as a kubelet finds out."""
        return self.status("/readyz") == 200

    def status(self, path: str) -> int:
        """Return the HTTP status of a path, 0 if there is no answer."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
                answer.read()
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except (OSError, http.client.HTTPException):  # killed in the middle of its answer
            return 0

    def scrape(self, path: str = "/metrics", **headers: str) -> str:
        """Return what a path of the main port serves, as text."""
        return self._get(self.url + path, headers)

    def scrape_telemetry(self) -> str:
        """Return the metrics about the exporter itself."""
        return self._get(self.telemetry + "/metrics", {})

    @staticmethod
    def _get(url: str, headers: dict[str, str]) -> str:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=PATIENCE) as answer:
            body = answer.read()
            return str((gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body).decode())

    def worker(self) -> int:
        """Return the process id of the worker, whose CPU and memory count."""
        return int(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0])

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.process.terminate()

    def kill(self) -> None:
        """End it and its worker without a warning."""
        if self.process.poll() is None:
            worker = self.worker()
            os.kill(self.process.pid, signal.SIGKILL)
            os.kill(worker, signal.SIGKILL)

    def wait(self, seconds: float) -> bool:
        """Wait for its end so long; tell whether that came."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line.rstrip())
            self._lines.put(line)
        self.process.stderr.close()
        self._lines.put("")

    def _announced(self, what: str) -> str:
        while line := self._lines.get(timeout=PATIENCE):
            if match := re.search(rf"{what} on (https?://\S+)", line):
                return match[1]
        raise AssertionError("the exporter ended: " + "\n".join(self.log))


def eventually(holds: Callable[[], bool], what: str, more: Callable[[], str] = str, seconds: float = PATIENCE) -> None:
    """Poll until something holds in another process; fail with `what` if it never does."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < deadline, f"{what}\n{more()}"
        pause.wait(0.02)


@contextmanager
def fleet(shards: int, *flags: str) -> Iterator[list[Exporter]]:
    """Run that many shards of one static fleet, all ready."""
    running: list[Exporter] = []
    try:
        for shard in range(shards):
            running.append(Exporter(f"--shard={shard}", f"--total-shards={shards}", *flags))  # noqa: PERF401  ended if a later one fails
        for one in running:
            one.ready()
        yield running
    finally:
        for one in running:
            if one.process.poll() is None:
                os.kill(one.process.pid, signal.SIGTERM)
        for one in running:
            one.stop()
