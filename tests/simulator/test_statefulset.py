"""The controller and the kubelet in small: what the API server shows of pods that are made, restarted and ended. Nothing runs."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from ksm_shard.simulator import Simulator
from ksm_shard.simulator.client import Client
from ksm_shard.simulator.kubelet import Kubelet
from ksm_shard.simulator.statefulset import StatefulSetController
from tests.processes import eventually


class Container:
    """No process at all; `ends` tells whether SIGTERM is enough."""

    def __init__(self, node: "Node", pod: str) -> None:
        self._node, self._pod = node, pod
        self._signals: list[str] = []
        node.say("start", pod)

    def is_ready(self) -> bool:
        return self._pod not in self._node.unready

    def terminate(self) -> None:
        self._node.say("SIGTERM", self._pod)
        self._signals.append("SIGTERM")

    def kill(self) -> None:
        self._node.say("SIGKILL", self._pod)
        self._signals.append("SIGKILL")

    def wait(self, seconds: float) -> bool:
        return "SIGKILL" in self._signals or self._pod not in self._node.stubborn


class Node:
    """A set of pods `s` without containers, on a simulator, and what happened to them."""

    def __init__(self, simulator: Simulator, api: Client) -> None:
        self.events: list[str] = []
        self.unready: set[str] = set()
        self.stubborn: set[str] = set()
        self.simulator = simulator
        self.kubelet = Kubelet(api, "ns", lambda pod: Container(self, pod))
        self.set = StatefulSetController(api, self.kubelet, "ns", "s", self._wait, start=5)
        self._lock = threading.Lock()
        self.set.create()

    def say(self, what: str, pod: str) -> None:
        """Note what happens to a pod, and whether it has a deletionTimestamp then."""
        found = self.simulator.get("pods", pod, "ns") or {"metadata": {}}
        with self._lock:
            self.events.append(f"{what} {pod}" + (" deleted" if "deletionTimestamp" in found["metadata"] else ""))

    def pods(self) -> dict[str, str]:
        """Return the pods that there are, and whether each is Ready."""
        return {
            pod["metadata"]["name"]: "".join(one["status"] for one in pod.get("status", {}).get("conditions", ()))
            for pod in self.simulator.list("pods")
        }

    def _wait(self, holds: Callable[[], bool], what: str) -> None:
        def good() -> bool:
            self.kubelet.probe()
            return holds()

        eventually(good, what)


@pytest.fixture
def node() -> Iterator[Node]:
    """A node without pods."""
    with Simulator() as simulator, Client(simulator.url) as api:
        made = Node(simulator, api)
        yield made
        made.set.stop()


def test_pods_start_and_end_in_order(node: Node) -> None:
    """OrderedReady: each is Ready before the next is made; the last one ends first, and is gone before the next one ends."""
    node.set.reconcile(3, ordered=True)
    assert {"s-5": "True", "s-6": "True", "s-7": "True"} == node.pods()
    node.set.reconcile(1, ordered=True)

    assert [
        "start s-5", "start s-6", "start s-7", "SIGTERM s-7 deleted", "SIGTERM s-6 deleted",
    ] == node.events  # fmt: skip
    assert {"s-5": "True"} == node.pods()


def test_a_rolling_restart_makes_other_pods_of_the_same_names(node: Node) -> None:
    """The last one first, and each Ready before the next one ends."""
    node.set.reconcile(2)
    before = node.kubelet.pods()
    node.events.clear()
    node.set.roll()

    assert ["SIGTERM s-6 deleted", "start s-6", "SIGTERM s-5 deleted", "start s-5"] == node.events
    assert before.keys() == node.kubelet.pods().keys()
    assert not {*before.values()} & {*node.kubelet.pods().values()}


def test_what_does_not_end_is_killed(node: Node) -> None:
    """After the grace period."""
    node.set.reconcile(1)
    node.stubborn = {"s-5"}
    node.set.reconcile(0)

    assert ["start s-5", "SIGTERM s-5 deleted", "SIGKILL s-5 deleted"] == node.events
    assert {} == node.pods()


def test_a_container_that_is_killed_leaves_its_pod(node: Node) -> None:
    """The pod is not Ready, and the same one is Ready again."""
    node.set.reconcile(1)
    node.set.until_ready(5)
    before = node.kubelet.pods()
    node.kubelet.kill("s-5")
    assert {"s-5": "False"} == node.pods()
    node.kubelet.revive("s-5")
    node.set.until_ready(5)

    assert {"s-5": "True"} == node.pods()
    assert before == node.kubelet.pods()


def test_readiness_follows_the_probe(node: Node) -> None:
    """Both ways."""
    node.set.reconcile(1)
    node.set.until_ready(5)
    node.unready = {"s-5"}
    node.kubelet.probe()

    assert {"s-5": "False"} == node.pods()


def test_a_pod_is_ready_once_the_api_server_knows(monkeypatch: pytest.MonkeyPatch, node: Node) -> None:
    """Who waited for it deletes the next pod: written the other way round, no shard covered that one."""
    known = []
    merge = Client.merge

    def noting(self: Client, path: str, patch: Mapping[str, Any]) -> dict[str, Any]:
        known.append(node.kubelet.is_ready("s-5"))
        return merge(self, path, patch)

    monkeypatch.setattr(Client, "merge", noting)
    node.set.reconcile(1)
    node.set.until_ready(5)

    assert not any(known)
    assert known


def test_the_size_is_the_api_servers(node: Node) -> None:
    """`kubectl patch` counts as much as anybody."""
    node.set.resize(4)

    assert node.set.replicas() == 4
    assert {} == node.pods()
