"""Streams of events, as clusters have them: each yields objects to write, in order, and says how many a second."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.databases import database

Object = dict[str, Any]
# Seconds from the first event of a pod that starts until its last.
START: Final = 10
LEASES: Final = 400
RENEWAL: Final = 10
# Replicas of a deployment that is rolled out.
ROLLED: Final = 20


@dataclass(frozen=True)
class Stream:
    """Events of one kind of cluster life.

    Attributes:
        name: for the table.
        flags: what an exporter has to be told to export these objects only.
        rate: events a second.
        before: objects that have to be there.
        events: yields the objects to write; other ones in each turn, as nothing changes what is written twice.
        straight: whether etcd may be written to.
    """

    name: str
    flags: Sequence[str]
    rate: float
    before: Sequence[Object]
    events: Callable[[int], Iterator[Object]]
    straight: bool = True


def changes(pods: Sequence[Object], count: int, rate: float) -> Stream:
    """Return one MODIFIED event a pod: a container restarts."""
    chosen = pods[:count]

    def events(turn: int) -> Iterator[Object]:
        for number, pod in enumerate(chosen):
            changed = restarted(pod, 1 + turn, ready=False)
            changed["status"]["message"] = f"change {number} of turn {turn}"
            yield changed

    return Stream(f"one MODIFIED, each of another pod, {rate:g} a second", ["--resources=pods"], rate, (), events)


def restarted(pod: Object, restarts: int, *, ready: bool) -> Object:
    """Return a pod whose first container has restarted so many times more."""
    changed = copy.deepcopy(pod)
    first = changed["status"]["containerStatuses"][0]
    first["restartCount"] += restarts
    first["ready"] = ready
    return changed


def starts(pods: Sequence[Object], count: int, rate: float) -> Stream:
    """Return pods that start: six events within 10 s each, many pods at one time."""
    beside = max(1, round(rate * START / len(STAGES)))  # pods that start at one time

    def events(turn: int) -> Iterator[Object]:
        for first in range(0, count, beside):
            group = pods[first : first + min(beside, count - first)]
            for stage in STAGES:
                for pod in group:
                    yield stage(_renamed(pod, turn))

    return Stream(
        f"pods that start, {len(STAGES)} events within {START} s, {rate:g} events a second",
        ["--resources=pods"],
        rate,
        (),
        events,
    )


def database_changes(count: int, rate: float, flags: Sequence[str]) -> Stream:
    """Return one MODIFIED event an object of a custom kind."""

    def events(turn: int) -> Iterator[Object]:
        for number in range(count):
            changed = database(number)
            changed["status"]["replicas"] += 1 + turn
            changed["status"]["instances"][0]["ready"] = turn % 2 == 0
            yield changed

    name = f"one MODIFIED, each of another custom object, {rate:g} a second"
    return Stream(name, flags, rate, (), events, straight=False)


def leases(rounds: int) -> Stream:
    """Return leases that are renewed every 10 s."""

    def lease(number: int, renewed: int) -> Object:
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": f"bench-{number}",
                "namespace": "kube-node-lease",
                "uid": f"{number:08d}-1ea5-4000-8000-000000000000",
                "creationTimestamp": "2026-01-01T00:00:00Z",
            },
            "spec": {
                "holderIdentity": f"bench-{number}",
                "leaseDurationSeconds": 40,
                "renewTime": f"2026-01-01T{renewed // 360 % 24:02d}:{renewed // 6 % 60:02d}:{renewed % 6 * 10:02d}.000000Z",
            },
        }

    def events(turn: int) -> Iterator[Object]:
        for renewed in range(turn * rounds + 1, (turn + 1) * rounds + 1):
            for number in range(LEASES):
                yield lease(number, renewed)

    rate = LEASES / RENEWAL
    before = [lease(number, 0) for number in range(LEASES)]
    return Stream(f"leases renewed every {RENEWAL} s, {rate:g} a second", ["--resources=leases"], rate, before, events)


def rollouts(workloads: Sequence[Object], rounds: int, rate: float) -> Stream:
    """Return roll-outs: counts of deployments and replica sets change with each of their pods."""

    def events(turn: int) -> Iterator[Object]:
        for generation in range(turn * rounds, (turn + 1) * rounds):
            for ready in range(1, ROLLED + 1):
                for workload in workloads:
                    changed = copy.deepcopy(workload)
                    changed["status"] |= {
                        "readyReplicas": ready,
                        "availableReplicas": ready,
                        "observedGeneration": generation + 2,
                    }
                    yield changed

    return Stream(
        f"roll-outs of {len(workloads) // 2} deployments, {rate:g} events a second",
        ["--resources=deployments,replicasets"],
        rate,
        workloads,
        events,
    )


def _renamed(pod: Object, turn: int) -> Object:
    fresh = copy.deepcopy(pod)
    meta = fresh["metadata"]
    meta["name"], meta["uid"] = f"{meta['name']}-{turn}", f"{turn:08x}{meta['uid'][8:]}"
    return fresh


def _pending(pod: Object) -> Object:
    """Return the pod as it was created."""
    pod["spec"].pop("nodeName")
    pod["status"] = {"phase": "Pending", "qosClass": "Burstable"}
    return pod


def _scheduled(pod: Object) -> Object:
    """Return the pod with a node."""
    pod["status"] = {"phase": "Pending", "qosClass": "Burstable", "conditions": _conditions("PodScheduled")}
    return pod


def _creating(pod: Object) -> Object:
    """Return the pod while its containers are created."""
    status, waiting = pod["status"], {"waiting": {"reason": "ContainerCreating"}}
    containers = [
        {"name": one["name"], "image": one["image"], "imageID": "", "state": waiting, "ready": False, "restartCount": 0}
        for one in status["containerStatuses"]
    ]
    pod["status"] = {
        **{key: status[key] for key in ("hostIP", "startTime", "qosClass")},
        "phase": "Pending",
        "conditions": _conditions("PodScheduled", "Initialized"),
        "containerStatuses": containers,
    }
    return pod


def _addressed(pod: Object) -> Object:
    """Return the pod with an address."""
    addresses = {key: pod["status"][key] for key in ("podIP", "podIPs")}
    pod = _creating(pod)
    pod["status"] |= addresses
    return pod


def _running(pod: Object) -> Object:
    """Return the pod with containers that run and are not ready."""
    pod["status"]["conditions"] = _conditions("PodScheduled", "Initialized", "PodReadyToStartContainers")
    for one in pod["status"]["containerStatuses"]:
        one["ready"] = False
    return pod


def _ready(pod: Object) -> Object:
    """Return the pod as it stays."""
    return pod


STAGES: Final[tuple[Callable[[Object], Object], ...]] = (_pending, _scheduled, _creating, _addressed, _running, _ready)


def _conditions(*true: str) -> list[Object]:
    return [
        {"type": kind, "lastTransitionTime": "2026-01-01T00:00:00Z", "status": "True" if kind in true else "False"}
        for kind in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    ]
