"""Measures the CPU of an event, its share of the scrapes included, in streams of events as clusters have them.

    python -m bench.events [--pods 20000] [--only STREAM] [--seconds 60]

    one by one    85 MODIFIED events a second, each of another pod; a scrape every 15 s
    starting      2 pods start a second: 6 events within 10 s each, and 3 at their end; a scrape every 30 s
    leases        500 nodes renew a lease every 10 s; a scrape every 30 s
    roll-outs     a deployment of 25 replicas every 20 s: its pods, ReplicaSets and EndpointSlices; a scrape every 30 s
    storm         1,000 MODIFIED events a second, of random pods; a scrape every 15 s

Time runs five times as fast (FACTOR), but in the first and the last: so many more events a second, and seconds between scrapes so
many fewer. The simulator runs in this process, the exporter in its own, whose CPU counts, as the kernel has it. Of the scrapes,
which are gzip, latency is that of the whole answer. `bench.beside` compares with kube-state-metrics, on a real API server; this
benchmark needs neither, and has the times between the events of an object and between scrapes as clusters have them.
"""

import argparse
import copy
import random
import statistics
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from bench.contestants import OURS, Tree
from ksm_shard.simulator.simulator import Simulator
from ksm_shard.simulator.synthetic import cluster

FACTOR: Final = 5
NODES: Final = 500
REPLICAS: Final = 25
# Scrapes before the measurement: a regular scraper is known after two.
BEFORE: Final = 2
# Seconds after which an event is in the next scrape.
SOON: Final = 0.2

Object = dict[str, Any]
# When, in seconds from the beginning; the object as it is then; whether it is deleted.
Step = tuple[float, Object, bool]


@dataclass(frozen=True)
class Stream:
    """A stream of events.

    Attributes:
        steps: returns the events of so many seconds.
        every: seconds between scrapes.
        factor: how many times as fast time runs.
        resources: that the exporter follows.
    """

    steps: Callable[[list[Object], float, random.Random], Iterator[Step]]
    every: float
    factor: int
    resources: str


def one_by_one(
    rate: int, *, random_pods: bool = False
) -> Callable[[list[Object], float, random.Random], Iterator[Step]]:
    """Return a stream of changes of pods that are there."""

    def steps(pods: list[Object], seconds: float, chance: random.Random) -> Iterator[Step]:
        for number in range(int(rate * seconds)):
            pod = chance.choice(pods) if random_pods else pods[number % len(pods)]
            status = pod["status"]["containerStatuses"][0]
            status["restartCount"] += 1
            status["ready"] = not status["ready"]
            yield number / rate, pod, False

    return steps


def life(template: Object, at: float, chance: random.Random) -> Iterator[Step]:
    """Yield what becomes of a pod: it is made, scheduled and started in 10 s, and ends and is deleted after 30 s."""
    pod = copy.deepcopy(template)
    meta, status = pod["metadata"], pod["status"]
    meta["uid"] = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    meta["name"] = f"{meta['name'].rpartition('-')[0]}-{chance.getrandbits(25):05x}"
    whole, node = copy.deepcopy(status), pod["spec"].pop("nodeName")
    pod["status"] = {"phase": "Pending", "qosClass": status["qosClass"]}
    yield at, copy.deepcopy(pod), False
    pod["spec"]["nodeName"] = node
    pod["status"]["conditions"] = [{"type": "PodScheduled", "status": "True"}]
    yield at + 0.1, copy.deepcopy(pod), False
    waiting = copy.deepcopy(whole)
    waiting["phase"] = "Pending"
    for one in waiting["containerStatuses"]:
        one |= {"ready": False, "started": False, "state": {"waiting": {"reason": "ContainerCreating"}}}
    for one in waiting["conditions"]:
        one["status"] = "False"
    pod["status"] = waiting
    yield at + 1, copy.deepcopy(pod), False
    waiting["conditions"][0]["status"] = "True"
    yield at + 3, copy.deepcopy(pod), False
    running = copy.deepcopy(whole)
    running["containerStatuses"][1]["ready"] = False
    pod["status"] = running
    yield at + 5, copy.deepcopy(pod), False
    pod["status"] = whole
    yield at + 10, copy.deepcopy(pod), False
    meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    yield at + 40, copy.deepcopy(pod), False
    ended = copy.deepcopy(whole)
    ended["phase"] = "Succeeded"
    pod["status"] = ended
    yield at + 41, copy.deepcopy(pod), False
    yield at + 41.1, pod, True


def starting(pods: list[Object], seconds: float, chance: random.Random) -> Iterator[Step]:
    """Yield the events of two new pods a second."""
    for number in range(int(2 * seconds)):
        yield from life(chance.choice(pods), number / 2, chance)


def leases(pods: list[Object], seconds: float, chance: random.Random) -> Iterator[Step]:
    """Yield the renewals of node leases."""
    del pods
    made = [
        {
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {
                "name": f"node-{number:04d}", "namespace": "kube-node-lease",
                "uid": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
                "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": f"node-{number:04d}", "uid": f"{number}"}],
                "managedFields": [{"manager": "kubelet", "operation": "Update", "fieldsV1": {"f:spec": {"f:renewTime": {}}}}],
            },
            "spec": {"holderIdentity": f"node-{number:04d}", "leaseDurationSeconds": 40, "renewTime": "2026-01-01T00:00:00Z"},
        }
        for number in range(NODES)
    ]  # fmt: skip
    for number in range(int(NODES / 10 * seconds)):
        at = number * 10 / NODES
        lease = made[number % NODES]
        lease["spec"]["renewTime"] = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(1.8e9 + at))
        yield at, lease, False


def rollouts(pods: list[Object], seconds: float, chance: random.Random) -> Iterator[Step]:
    """Yield a roll-out every 20 s, of 25 pods in 60 s, with the status of what they belong to."""
    for number in range(int(seconds / 20)):
        app = f"rolling-{number}"
        for replica in range(REPLICAS):
            at = number * 20 + replica * 60 / REPLICAS
            yield from life(chance.choice(pods), at, chance)
            for later in (0, 10):
                yield from _statuses(app, replica, at + later, chance)


def _statuses(app: str, ready: int, at: float, chance: random.Random) -> Iterator[Step]:
    meta = {"namespace": "default", "labels": {"app": app}}
    counts = {"replicas": REPLICAS, "readyReplicas": ready, "availableReplicas": ready, "observedGeneration": 1}
    spec = {
        "replicas": REPLICAS,
        "selector": {"matchLabels": {"app": app}},
        "template": {"metadata": {"labels": {"app": app}}},
    }
    for name in ("old", "new"):
        yield at, _made("apps/v1", "ReplicaSet", f"{app}-{name}", meta, spec=spec, status=counts), False
    updated = {**counts, "updatedReplicas": ready}
    yield at, _made("apps/v1", "Deployment", app, meta, spec=spec, status=updated), False
    endpoints = [
        {"addresses": [f"10.0.0.{number}"], "conditions": {"ready": number <= ready}} for number in range(1, REPLICAS)
    ]
    port = {"name": "http", "port": 80, "protocol": "TCP"}
    slices = {"addressType": "IPv4", "endpoints": endpoints, "ports": [port]}
    yield at, _made("discovery.k8s.io/v1", "EndpointSlice", app, meta, **slices), False
    del chance


def _made(api_version: str, kind: str, name: str, meta: Object, **fields: Any) -> Object:
    uid = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{kind}/{name}"))
    return {"apiVersion": api_version, "kind": kind, "metadata": {**meta, "name": name, "uid": uid}, **fields}


STREAMS: Final = {
    "one by one": Stream(one_by_one(85), 15, 1, "pods"),
    "starting": Stream(starting, 30, FACTOR, "pods"),
    "leases": Stream(leases, 30, FACTOR, "leases"),
    "roll-outs": Stream(rollouts, 30, FACTOR, "pods,replicasets,deployments,endpointslices"),
    "storm": Stream(one_by_one(1000, random_pods=True), 15, 1, "pods"),
}


def play(simulator: Simulator, steps: list[Step], factor: int) -> None:
    """Make the changes when they are due."""
    began = time.monotonic()
    for at, changed, deleted in steps:
        time.sleep(max(0.0, began + at / factor - time.monotonic()))
        if deleted:
            meta = changed["metadata"]
            simulator.delete("pods", meta["name"], meta["namespace"])
        else:
            simulator.put(changed)


def scrape(tree: Tree, at: float) -> float:
    """Scrape at a time of the monotonic clock; return the seconds until the last byte of the answer."""
    time.sleep(max(0.0, at - time.monotonic()))
    return tree.scrape("gzip").seconds


def measure(simulator: Simulator, pods: list[Object], stream: Stream, seconds: float) -> str:
    """Return the figures of a stream as a line."""
    steps = sorted(stream.steps(pods, seconds * stream.factor, random.Random(1)), key=lambda step: step[0])
    steps = [step for step in steps if step[0] < seconds * stream.factor]
    every = stream.every / stream.factor
    with OURS.running([f"--apiserver={simulator.url}", f"--resources={stream.resources}"]) as tree:
        tree.quiet()
        began = time.monotonic()
        for number in range(BEFORE):
            scrape(tree, began + number * every)
        used = -tree.cpu()
        playing = threading.Thread(target=play, args=(simulator, steps, stream.factor))
        playing.start()
        took = [scrape(tree, began + number * every) for number in range(BEFORE, BEFORE + int(seconds / every))]
        playing.join()
        took.append(scrape(tree, time.monotonic() + SOON))
        used += tree.cpu()
        memory = tree.memory("VmRSS")
    return (
        f"{len(steps):7} {len(steps) / seconds:9.0f} {used / len(steps) * 1e6:9.0f} us "
        f"{statistics.median(took):8.3f} s {max(took):8.3f} s {memory / 1e6:7.0f} MB"
    )


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pods", type=int, default=20_000, help="number of pods to make up")
    parser.add_argument("--seconds", type=float, default=60, help="how long each stream is played")
    parser.add_argument("--only", choices=STREAMS, action="append", help="streams to play; all unless named")
    options = parser.parse_args()
    made = list(cluster(options.pods, 100, seed=1))
    with Simulator(made) as simulator:
        pods = [one for one in made if one["kind"] == "Pod"]
        print(f"{'':12} {'events':>7} {'a second':>9} {'CPU each':>12} {'p50':>10} {'longest':>10} {'resident':>10}")
        for name in options.only or STREAMS:
            print(f"{name:12} {measure(simulator, pods, STREAMS[name], options.seconds)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
