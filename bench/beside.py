"""Measures this exporter beside kube-state-metrics, in one run and in turn: `python -m bench.beside`.

    KSM_REFERENCE=BINARY          the kube-state-metrics to compare with; without it this exporter is measured alone
    BENCH_PYTHONS="PYTHON ..."    other interpreters to measure this exporter with
    KSM_SHARD_KUBECONFIG=FILE     a real API server; without it the simulator serves the objects
    KSM_SHARD_REALAPI=PROGRAM     of that API server: objects are then written straight to its etcd

CPU is that of a whole tree of processes, without what a process without objects uses. Figures are medians of the rounds, with
the least and the most. An exporter that renders events at a scrape is scraped every 15 s during a stream; what scrapes of an
unchanged store cost is subtracted.
"""

import argparse
import compileall
import os
import platform
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from tempfile import NamedTemporaryFile
from typing import Final

from bench.clusters import Cluster, Object, cluster, made, workloads
from bench.contestants import Contestant, contestants
from bench.databases import DEFINITION, FILE, database
from bench.recorded import recorded
from bench.results import Table
from bench.streams import Stream, changes, database_changes, leases, rollouts, starts

PODS: Final = ["--resources=pods"]
# For a process without objects.
NOWHERE: Final = "--namespaces=no-such-namespace"
SCRAPES: Final = 3
# Seconds between scrapes during a stream.
INTERVAL: Final = 15.0
# Shards of a fleet in which a shard owns next to nothing.
LONELY: Final = 1000
DATABASES: Final = 5000
# Seconds for which latencies are taken, and between two scrapes.
LOADED: Final = 60.0
PAUSE: Final = 0.5
# Pods that change meanwhile.
CHANGED: Final = 2000
# Seconds that an exporter may be behind the API server when a stream ends.
SETTLED: Final = 3.0


@dataclass(frozen=True)
class Load:
    """Objects that are exported.

    Attributes:
        noun: of one of them.
        flags: what an exporter has to be told to export these only.
        count: their number.
        goals: for the CPU of a cold start, the memory of an object, and the CPU of an object of another shard.
        size: words for the table that tell this number of objects from others.
    """

    noun: str
    flags: Sequence[str]
    count: int
    goals: tuple[str, str, str]
    size: str = ""


class Idle:
    """CPU seconds and bytes of a process without objects, of each contestant."""

    def __init__(self) -> None:
        """Begin without figures."""
        self._figures: dict[str, tuple[float, float]] = {}

    def measure(self, contestant: Contestant, server: Cluster, load: Load, table: Table) -> None:
        """Start a process whose namespace has no objects."""
        with contestant.running([*server.flags, *load.flags, NOWHERE]) as tree:
            tree.quiet()
            cpu, memory = tree.cpu(), tree.memory("VmRSS")
        self._figures[contestant.name] = cpu, memory
        table.add(f"process without {load.noun}s, CPU until quiet", contestant, cpu, "s", "0.5 s")
        table.add(f"process without {load.noun}s, resident", contestant, memory / 1e6, "MB", "80 MB")

    def cpu(self, contestant: Contestant) -> float:
        """Return the CPU seconds."""
        return self._figures[contestant.name][0]

    def memory(self, contestant: Contestant) -> float:
        """Return the bytes."""
        return self._figures[contestant.name][1]


def start(contestant: Contestant, server: Cluster, idle: Idle, load: Load, table: Table) -> None:
    """Measure a cold start, the memory after it, and scrapes of what it loaded."""
    with contestant.running([*server.flags, *load.flags]) as tree:
        wall = tree.quiet()
        cpu, memory = tree.cpu() - idle.cpu(contestant), tree.memory("VmRSS") - idle.memory(contestant)
        table.add(f"cold start{load.size}, CPU a {load.noun}", contestant, cpu / load.count * 1e6, "us", load.goals[0])
        table.add(f"cold start{load.size} until quiet, {load.noun}s", contestant, wall, "s")
        table.add(f"memory{load.size} a {load.noun}", contestant, memory / load.count / 1e3, "kB", load.goals[1])
        table.add(f"peak memory{load.size}, {load.noun}s", contestant, tree.memory("VmHWM") / 1e6, "MB")
        for encoding in ("gzip", "identity"):
            tree.scrape(encoding)
            before = tree.cpu()
            answers = [tree.scrape(encoding) for _ in range(SCRAPES)]
            what = f"{encoding} scrape{load.size} of {load.noun}s"
            table.add(f"{what}, CPU", contestant, (tree.cpu() - before) / SCRAPES, "s")
            table.add(f"{what}, size", contestant, answers[-1].wire / 1e6, "MB")


def shard(contestant: Contestant, server: Cluster, load: Load, shards: int, table: Table) -> None:
    """Measure a start as one of many shards: one of 1,000 owns next to nothing.

    Subtracted is a process without objects that is one of as many: the map of 1,000 shards alone takes 0.1 s.
    """
    flags = [*server.flags, *load.flags, "--shard=0", f"--total-shards={shards}"]
    with contestant.running([*flags, NOWHERE]) as tree:
        tree.quiet()
        idle = tree.cpu()
    with contestant.running(flags) as tree:
        tree.quiet()
        cpu = tree.cpu() - idle
    if shards == LONELY:
        table.add(f"{load.noun} of another shard, CPU", contestant, cpu / load.count * 1e6, "us", load.goals[2])
    else:
        table.add(f"cold start as one of {shards} shards, {load.noun}s, CPU", contestant, cpu, "s")


def streamed(contestant: Contestant, server: Cluster, stream: Stream, table: Table, goal: str) -> None:
    """Measure the CPU of an event of a stream, with its part in the scrapes that follow."""
    server.write(stream.before, straight=stream.straight)
    events = list(stream.events(next(server.turns)))
    with contestant.running([*server.flags, *stream.flags]) as tree:
        tree.quiet()
        scraping = 0.0
        if contestant.deferring:
            tree.scrape("gzip")
            before = tree.cpu()
            for _ in range(SCRAPES):
                tree.scrape("gzip")
            scraping = (tree.cpu() - before) / SCRAPES
        before, began = tree.cpu(), time.monotonic()
        with ThreadPoolExecutor(1) as executor:
            writing = executor.submit(server.write, events, stream.rate, straight=stream.straight)
            scrapes = 0
            while contestant.deferring and not writing.done():
                if time.monotonic() - began >= INTERVAL * (scrapes + 1):
                    tree.scrape("gzip")
                    scrapes += 1
                time.sleep(0.05)
            reached = writing.result()
        time.sleep(SETTLED)
        if contestant.deferring:
            tree.scrape("gzip")
            scrapes += 1
        cpu = tree.cpu() - before - scrapes * scraping
    slow = "" if reached > 0.9 * stream.rate else f" (reached: {reached:.0f})"
    table.add(f"event, CPU: {stream.name}{slow}", contestant, cpu / len(events) * 1e6, "us", goal)


def latency(contestant: Contestant, objects: Sequence[Object], rate: float, table: Table) -> None:
    """Measure how long gzip scrapes take while pods change at a rate."""
    taken = []
    with (
        recorded(objects, CHANGED, rate) as url,
        contestant.running([f"--apiserver={url}", *PODS]) as tree,
    ):
        tree.ready()
        tree.scrape("gzip")
        began = time.monotonic()
        while time.monotonic() - began < LOADED:
            time.sleep(PAUSE)
            taken.append(tree.scrape("gzip").seconds)
    at = f"gzip scrape under {rate:g} events a second"
    table.add(f"{at}, p50", contestant, median(taken), "s")
    table.add(f"{at}, p99", contestant, quantiles(taken, n=100)[-1] if len(taken) > 1 else taken[0], "s", "0.1 s")


def starts_in_turn(server: Cluster, sides: Sequence[Contestant], load: Load, rounds: int, table: Table) -> None:
    """Measure starts, memory and scrapes."""
    idle = Idle()
    for _ in range(rounds):
        for one in sides:
            idle.measure(one, server, load, table)
        for one in sides:
            start(one, server, idle, load, table)
        for one in sides:
            shard(one, server, load, LONELY, table)
    for shards in (10, 50):
        for one in sides:
            shard(one, server, load, shards, table)


def streams_in_turn(server: Cluster, sides: Sequence[Contestant], count: int, rounds: int, table: Table) -> None:
    """Measure streams of events, and scrapes while events come."""
    objects = made(count)
    streams = [
        (changes(objects, 2000, 85), "0.33"),
        (starts(objects, 400, 120), "0.15"),
        (leases(3), "0.15"),
        (rollouts(workloads(count, 20), 2, 80), ""),
    ]
    for stream, goal in streams:
        for _ in range(rounds):
            for one in sides:
                streamed(one, server, stream, table, goal)
    for rate in (0, 100, 1000):
        for one in sides:
            latency(one, objects, rate, table)


def databases_in_turn(server: Cluster, sides: Sequence[Contestant], rounds: int, table: Table) -> None:
    """Measure a custom kind: starts, memory, scrapes and events."""
    server.write([DEFINITION], straight=False)
    while not server.serves(database(0)):
        time.sleep(0.1)
    objects = [database(number) for number in range(DATABASES)]
    namespaces = {item["metadata"]["namespace"] for item in objects}
    server.write({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in namespaces)
    server.write(objects, straight=False)
    with NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(FILE)
        file.flush()
        flags = ["--custom-resource-state-only", f"--custom-resource-state-config-file={file.name}"]
        load = Load("custom object", flags, DATABASES, ("1/6", "1/15", "1/20"))
        starts_in_turn(server, sides, load, rounds, table)
        for _ in range(rounds):
            for one in sides:
                streamed(one, server, database_changes(1000, 60, flags), table, "1/8")


def pods(count: int, size: str = "") -> Load:
    """Return the load of made-up pods."""
    return Load("pod", PODS, count, ("0.5", "2.5 kB", "0.25"), size)


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pods", type=int, default=20_000, help="number of made-up pods")
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds")
    parser.add_argument(
        "--growth",
        type=int,
        nargs="*",
        default=[],
        help="other numbers of pods to start with, each once, the least first",
    )
    options = parser.parse_args()
    compileall.compile_dir(
        "ksm_shard", quiet=1
    )  # as in the image: without, a start compiles all it imports, 0.1 s and more
    sides = contestants()
    table = Table([one.name for one in sides])
    for count in options.growth:
        with cluster(count) as server:
            for one in sides:
                idle, load = Idle(), pods(count, f" with {count} pods")
                idle.measure(one, server, load, table)
                start(one, server, idle, load, table)
    with cluster(options.pods) as server:
        starts_in_turn(server, sides, pods(options.pods), options.rounds, table)
        streams_in_turn(server, sides, options.pods, options.rounds, table)
        databases_in_turn(server, sides, options.rounds, table)
    served = "a real API server over TLS" if os.environ.get("KSM_SHARD_KUBECONFIG") else "the simulator over plain HTTP"
    print(
        f"{time.strftime('%Y-%m-%d')}, {processor()}, {os.cpu_count()} cores, CPython {platform.python_version()}, ",
        end="",
    )
    print(f"{served}, {options.pods} pods, {options.rounds} rounds in turn, medians\n\n{table.text()}")
    return 0


def processor() -> str:
    """Return the model of the CPU."""
    with Path("/proc/cpuinfo").open() as lines:
        return next(
            (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine()
        )


if __name__ == "__main__":
    sys.exit(main())
