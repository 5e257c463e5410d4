"""`ksm-shard simulate`: serve a made-up cluster, or objects from files, until stopped."""

# ruff: noqa: D102  the options are documented where they are declared

import signal
import sys
import threading
from pathlib import Path
from typing import Any, Final, Protocol

from ksm_shard.files import reason
from ksm_shard.simulator.churn import Churn
from ksm_shard.simulator.objectfiles import read
from ksm_shard.simulator.resources import USERS
from ksm_shard.simulator.simulator import Simulator
from ksm_shard.simulator.synthetic import cluster

USAGE: Final = 2


class Simulation(Protocol):
    """The options of the command, as `ksm-shard simulate --help` describes them."""

    @property
    def objects(self) -> str: ...
    @property
    def pods(self) -> int: ...
    @property
    def nodes(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def churn(self) -> float: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...


def main(options: Simulation) -> int:
    """Print `ready URL` when serving; return the exit status.

    The status is 0 when stopped, 2 for an invalid file or an occupied port.
    """
    try:
        simulator = Simulator(seed=options.seed, serve=[USERS])
        for place, found in read(Path(options.objects)) if options.objects else ():
            _put(simulator, place, found)
        for made in cluster(options.pods, options.nodes, options.seed):
            simulator.put(made)
        url = simulator.start(options.port, options.host)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"ksm-shard: {reason(error)}\n")
        return USAGE
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    churn = Churn(simulator, options.seed)
    changing = threading.Thread(target=churn.run, args=(options.churn,), daemon=True)
    if options.churn:
        changing.start()
    sys.stdout.write(f"ready {url}\n")
    sys.stdout.flush()
    stopped.wait()
    churn.stop()
    simulator.stop()
    return 0


def _put(simulator: Simulator, place: str, found: dict[str, Any]) -> None:
    try:
        simulator.put(found, keep_version=True)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
