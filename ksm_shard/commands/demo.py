"""`ksm-shard demo`: a made-up cluster, and real exporters of it."""

import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from ksm_shard.demo import scale
from ksm_shard.demo.processes import LOCAL, Shard, simulate
from ksm_shard.settings.commands import Demo
from ksm_shard.web.server import CannotListen, listen

# Seconds between two looks at processes that start; one that hangs for a minute is not going to make it.
LOOK: Final = 0.2
PATIENCE: Final = 60.0


def main(options: Demo) -> int:
    """Run until interrupted; return the exit status.

    That is 1 when a process did not start, and 2 when a port is taken.
    """
    try:
        # Before the shards do, as whoever has the port, such as another demo, would answer for them.
        for port in range(options.port, options.port + options.ports):
            listen(LOCAL, port).close()
    except CannotListen as error:
        print(f"ksm-shard: {error}; --port names the first of {options.ports} that are free", file=sys.stderr)
        return 2
    # SIGHUP is a closed terminal: the processes are in sessions of their own and would go on without it.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return scale.main(options) if options.scale else _run(options)
    except KeyboardInterrupt:
        with suppress(OSError):  # the terminal may be gone
            print()
        return 0


def _run(options: Demo) -> int:
    shards: list[Shard] = []
    simulator = None
    try:
        print(f"A made-up cluster of {options.pods} pods, {options.churn:g} changes a second ...", flush=True)
        simulator, api = simulate(options.pods, options.nodes, options.seed, options.churn)
        for number in range(options.shards):
            flags = [f"--apiserver={api}", f"--shard={number}", f"--total-shards={options.shards}"]
            shards.append(Shard(options.port + 2 * number, flags))
        if not _wait(shards):
            return 1
        _tell(shards, api)
        while simulator.poll() is None and not any(shard.ended for shard in shards):
            time.sleep(LOOK)
        print("ksm-shard: a process of the demo has ended by itself", file=sys.stderr)
        return 1
    finally:
        for shard in shards:
            shard.terminate()
        for shard in shards:
            shard.wait(PATIENCE)
        # The shards before the simulator, or each would say last that its API server is gone.
        if simulator:
            simulator.terminate()
            simulator.wait()


def _interrupt(number: int, frame: object) -> None:
    del number, frame
    raise KeyboardInterrupt


def _wait(shards: list[Shard]) -> bool:
    """Show progress until all shards are ready; return True if they are."""
    deadline = time.monotonic() + PATIENCE
    shown = ""
    while time.monotonic() < deadline:
        if any(shard.ended for shard in shards):
            return False
        states = [_progress(shard.answer) for shard in shards]
        line = "  ".join(f"shard {number}: {state}" for number, state in enumerate(states))
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
    for number, shard in enumerate(shards):
        print(f"  shard {number}   status {shard.url}   metrics {shard.url}metrics   telemetry {shard.telemetry}")
    print("\nCtrl-C ends it all.", flush=True)
