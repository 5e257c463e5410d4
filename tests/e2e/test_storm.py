"""What is watched arrives, whatever happens on the way: 10,000 changes while the API server has a very bad day."""

import random
from typing import Any

import pytest

from ksm_shard.simulator.simulator import Simulator
from tests.processes import Exporter, eventually

CHANGES = 10_000
# Alternately, because each failure of one resource doubles its wait: 5 in a row are half a minute.
TROUBLE: list[tuple[str, str, dict[str, float]]] = [
    ("drop", "pods", {}),
    ("410", "nodes", {}),
    ("truncate", "pods", {"count": 1}),
    ("stall", "nodes", {"seconds": 0.5}),
    ("500", "pods", {"count": 1}),
    ("429", "nodes", {"count": 1, "retry_after": 1}),
]


def pod(name: str, phase: str, restarts: int) -> dict[str, Any]:
    """Return a pod."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": "n", "name": name, "labels": {"app": "a"}},
        "spec": {"nodeName": "node-1", "containers": [{"name": "c", "image": "i"}]},
        "status": {"phase": phase, "containerStatuses": [{"name": "c", "restartCount": restarts, "ready": True}]},
    }


def node(name: str, *, unschedulable: bool) -> dict[str, Any]:
    """Return a node."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "spec": {"unschedulable": unschedulable},
    }


def change(simulator: Simulator, chance: random.Random) -> None:
    """Create, update or delete something."""
    number = chance.randrange(400)
    if chance.random() < 0.1:
        simulator.put(node(f"node-{number % 40}", unschedulable=chance.random() < 0.5))
    elif chance.random() < 0.25:
        simulator.delete("pods", f"p{number}", "n")
    else:
        simulator.put(pod(f"p{number}", chance.choice(["Pending", "Running", "Failed"]), chance.randrange(5)))


def lines(exporter: Exporter) -> list[str]:
    """Return the samples of a scrape, in an order that does not depend on history."""
    return sorted(exporter.scrape().splitlines())


def counted(text: str, name: str) -> float:
    """Return the sum of the samples of a counter."""
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


@pytest.mark.slow
def test_after_a_storm_the_scrape_equals_that_of_a_fresh_process() -> None:
    """Created, updated and deleted objects are all there is, sample for sample; the exporter stayed ready throughout."""
    chance = random.Random(7)
    simulator = Simulator([pod(f"p{number}", "Running", 0) for number in range(200)])
    flags = ["--resources=pods,nodes"]
    with simulator, Exporter(f"--apiserver={simulator.url}", *flags) as old:
        old.ready()
        for turn, (fault, resource, options) in enumerate(TROUBLE):
            for number in range(CHANGES // len(TROUBLE)):
                change(simulator, chance)
                if number == 300:
                    simulator.faults.add(fault, resource, **options)
                    if fault not in {"drop", "410", "stall"}:
                        simulator.faults.add("drop", resource)  # so that a request meets the trouble
            assert old.status("/metrics") == 200
            simulator.put(pod(f"mark-{turn}", "Running", 0))
            simulator.put(node(f"mark-{turn}", unschedulable=True))
            for mark in (f'pod="mark-{turn}"', f'node="mark-{turn}"'):
                eventually(lambda mark=mark: mark in old.scrape(), f"no news after {fault}", lambda: "\n".join(old.log))

        with Exporter(f"--apiserver={simulator.url}", *flags) as fresh:
            expected = lines(fresh.ready())
        eventually(lambda: lines(old) == expected, "the old process never came to know everything")

        told = old.scrape_telemetry()
        assert counted(told, "ksm_shard_watch_errors_total") >= len(TROUBLE) / 2
        assert 'reason="gone"' in told
