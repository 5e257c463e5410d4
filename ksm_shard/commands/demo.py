"""The demo: a made-up cluster on this machine and a fleet of real exporters on it, until Ctrl-C."""

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ksm_shard.settings.commands import Demo
from ksm_shard.web.server import CannotListen, listen

LOCAL: Final = "127.0.0.1"
# Seconds between two looks at processes that start; one that hangs for a minute is not going to make it.
LOOK: Final = 0.2
PATIENCE: Final = 60.0


@dataclass(frozen=True)
class Shard:
    """One exporter of the fleet, with the ports it serves on."""

    number: int
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Its status page."""
        return f"http://{LOCAL}:{self.port}/"

    def answer(self, path: str) -> tuple[int, str]:
        """Return the status and the text of a path; 0 while nobody listens yet."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as response:
                return int(response.status), response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""


def main(options: Demo) -> int:
    """Run until interrupted; return 0, 1 when a process did not start, or 2 when a port is taken."""
    try:
        # Before the shards do, as whoever has the port, such as another demo, would answer for them.
        for port in range(options.port, options.port + 2 * options.shards):
            listen(LOCAL, port).close()
    except CannotListen as error:
        print(f"ksm-shard: {error}; --port names the first of {2 * options.shards} that are free", file=sys.stderr)
        return 2
    # SIGHUP is a closed terminal: the processes are in sessions of their own and would go on without it.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    return _run(options)


def _run(options: Demo) -> int:
    processes: list[subprocess.Popen[bytes]] = []
    try:
        print(f"A made-up cluster of {options.pods} pods, {options.churn:g} changes a second ...", flush=True)
        simulator, api = _simulate(options)
        processes.append(simulator)
        shards = []
        for number in range(options.shards):
            shards.append(_start(number, options, api))
            processes.append(shards[-1].process)
        if not _wait(shards):
            return 1
        _tell(shards, api)
        while all(process.poll() is None for process in processes):
            time.sleep(LOOK)
        print("ksm-shard: a process of the demo has ended by itself", file=sys.stderr)
        return 1  # noqa: TRY300  whatever came before, this is how it ends
    except KeyboardInterrupt:
        with suppress(OSError):  # the terminal may be gone
            print()
        return 0
    finally:
        # The shards before the simulator, or each would say last that its API server is gone.
        for group in (processes[1:], processes[:1]):
            for process in group:
                process.terminate()
            for process in group:
                process.wait()


def _interrupt(number: int, frame: object) -> None:
    del number, frame
    raise KeyboardInterrupt


def _simulate(options: Demo) -> tuple[subprocess.Popen[bytes], str]:
    """Start the simulator and return it with its URL."""
    flags = [f"--{name}={getattr(options, name)}" for name in ("pods", "nodes", "seed", "churn")]
    command = [sys.executable, "-m", "ksm_shard", "simulate", *flags]
    # In sessions of their own, so that Ctrl-C reaches only us and things end in order.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    line = process.stdout.readline().decode().split() if process.stdout else []
    if line[:1] != ["ready"]:
        raise SystemExit("ksm-shard: the simulator did not start")
    return process, line[1]


def _start(number: int, options: Demo, api: str) -> Shard:
    port = options.port + 2 * number
    command = [
        sys.executable, "-m", "ksm_shard", f"--apiserver={api}", f"--host={LOCAL}", f"--port={port}",
        f"--telemetry-host={LOCAL}", f"--telemetry-port={port + 1}", f"--shard={number}",
        f"--total-shards={options.shards}",
    ]  # fmt: skip
    return Shard(number, port, subprocess.Popen(command, start_new_session=True))


def _wait(shards: list[Shard]) -> bool:
    """Show what the shards are waiting for until all are ready; tell whether that came about."""
    deadline = time.monotonic() + PATIENCE
    shown = ""
    while time.monotonic() < deadline:
        if any(shard.process.poll() is not None for shard in shards):
            return False
        states = [_progress(shard.answer) for shard in shards]
        line = "  ".join(f"shard {shard.number}: {state}" for shard, state in zip(shards, states, strict=True))
        if line != shown:
            print(line, flush=True)
            shown = line
        if all(state == "ready" for state in states):
            return True
        time.sleep(LOOK)
    print(f"ksm-shard: not ready within {PATIENCE:g} seconds", file=sys.stderr)
    return False


def _progress(answer: Callable[[str], tuple[int, str]]) -> str:
    status, text = answer("readyz")
    if status == 200:
        return "ready"
    _, *waiting = text.splitlines() or [""]  # after "not ready"
    missing = sum("(not waited for)" not in line for line in waiting)
    return f"{missing} resources to list" if status == 503 and missing else "starting"


def _tell(shards: list[Shard], api: str) -> None:
    print(f"\nThe API server is simulated at {api}; open:\n")
    for shard in shards:
        telemetry = f"http://{LOCAL}:{shard.port + 1}/metrics"
        print(f"  shard {shard.number}   status {shard.url}   metrics {shard.url}metrics   telemetry {telemetry}")
    print("\nCtrl-C ends it all.", flush=True)
